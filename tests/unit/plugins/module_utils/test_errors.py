# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of the collection keeps its attributes in copies, and cannot be changed."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, part_of

FULL = ApiError(
    "It was interrupted. Check it.",
    "unavailable",
    code="GONE",
    http_status=502,
    method="PUT",
    path="/x",
    request_id="r-1",
    retryable=True,
    fields={"status": ["Unknown."]},
    ambiguous=True,
    may_have_changed=True,
    cause="It was interrupted.",
    check="credentials",
    of_proxy=True,
)
CHANGES = {"category": "conflict", "may_have_changed": False, "retryable": False, "check": "tenant"}


@pytest.mark.parametrize("changes", [{}, CHANGES])
def test_copy_keeps_all_other_attributes(changes):
    assert all(vars(FULL).values())
    raised = FULL.with_message("x")
    raised.__notes__ = ["seen"]
    copy = raised.with_message("y", **changes)
    assert vars(copy) == {**vars(FULL), "message": "y", **changes}
    assert str(copy) == "y"


@pytest.mark.parametrize("name", vars(FULL))
def test_error_cannot_be_changed(name):
    with pytest.raises(AttributeError, match=f"{name} of an ApiError cannot be changed"):
        setattr(FULL, name, None)


@pytest.mark.parametrize("given, expected", [(None, "tenant"), ("credentials", "credentials")])
def test_check_is_set_in_a_copy(given, expected):
    error = ApiError("x", "configuration", check=given)
    with pytest.raises(ApiError) as caught, part_of("tenant"):
        raise error
    assert (caught.value.check, error.check) == (expected, given)


def test_unknown_category_is_rejected():
    with pytest.raises(ValueError, match="unknown error category 'odd'"):
        raise ApiError("x", "odd")
