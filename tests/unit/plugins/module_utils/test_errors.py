# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error that everything raises: its facts stay, and cannot be changed."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, part_of

FULL = ApiError(
    "It broke off. Look at it.",
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
    cause="It broke off.",
    check="credentials",
    of_proxy=True,
)


def test_copy_keeps_all_attributes():
    assert all(vars(FULL).values())
    assert vars(FULL.with_message("Something else.")) == {**vars(FULL), "message": "Something else."}
    assert str(FULL.with_message("Something else.")) == "Something else."


def test_copy_takes_given_attributes():
    copied = FULL.with_message("x", "conflict", may_have_changed=False, retryable=False, check="tenant")
    expected = {
        "message": "x",
        "category": "conflict",
        "may_have_changed": False,
        "retryable": False,
        "check": "tenant",
    }
    assert vars(copied) == {**vars(FULL), **expected}


def test_copy_of_a_raised_error_with_notes():
    error = FULL.with_message("x")
    error.__notes__ = ["seen"]
    assert vars(error.with_message("x")) == vars(FULL.with_message("x"))


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
