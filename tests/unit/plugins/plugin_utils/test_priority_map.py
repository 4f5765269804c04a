# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the priority of a ticket by the severity of its incident."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SEVERITIES
from ansible_collections.secops.itsm.plugins.plugin_utils.priority_map import (
    priority_map_problems,
    priority_of,
    sets_fields,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_messages

TEXTS = {"HIGH": 1, " Medium ": "two", "informational": "5", "default": "4"}
FIELDS = {"high": {"urgency": "1 - High"}, "default": {"urgency": "3 - Low"}}


@pytest.mark.parametrize(
    "severity, priority",
    [
        ("High", "1"),
        ("high ", "1"),
        ("medium", "two"),
        ("Informational", "5"),
        ("Low", "4"),
        ("Critical", "4"),
        ("", "4"),
    ],
)
def test_priority_depends_on_the_severity(severity, priority):
    assert priority_of({"priority_map": TEXTS}, severity) == (priority, {})
    assert priority_map_problems({"priority_map": TEXTS}) == []


def test_priority_can_consist_of_fields():
    values = {"priority_map": FIELDS}
    assert [priority_of(values, severity) for severity in ("High", "Low")] == [
        ("", fields) for fields in FIELDS.values()
    ]
    assert (sets_fields(values), sets_fields({"priority_map": TEXTS})) == (True, False)
    assert priority_map_problems(values) == []


@pytest.mark.parametrize("values", [{}, *({"priority_map": given} for given in (None, {}, "High", [1], 7))], ids=repr)
def test_map_is_optional(values):
    """The validation of types reports a value that is not a mapping."""
    assert (priority_of(values, "High"), sets_fields(values), priority_map_problems(values)) == (("", {}), False, [])


@pytest.mark.parametrize(
    "given, facts",
    [
        ({"High": 1}, ["'priority_map'", "'default'", "Add it"]),
        ({"Hihgh": 1, "default": 2}, ["'Hihgh'", "Did you mean High?", *SEVERITIES, "default"]),
        ({7: 1, "default": 2}, ["'7'", "not a severity"]),
        ({"High": 1, "high": 1, "default": 2}, ["'high'", "several spellings"]),
        *[({"High": value, "default": 2}, ["priority_map.High", "text"]) for value in (None, [1], True, " ", {}, 1.5)],
        ({"High": {"a": 1}, "default": 2}, ["both texts and mappings"]),
        ({"High": "P1 {severity}", "default": 2}, ["priority_map.High", "placeholder"]),
    ],
    ids=repr,
)
def test_invalid_map_is_refused(given, facts):
    assert_messages(priority_map_problems({"priority_map": given}), facts)


def test_fields_can_contain_placeholders():
    assert priority_map_problems({"priority_map": {"default": {"Reason": "{severity}"}}}) == []
