# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the record of a ticket."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._servicenow.records import (
    FORMAT,
    display_values,
    plain_values,
    ticket_of,
)

SYS_ID = "3F7B2C4D5E6F708192A3B4C5D6E7F809"
ROW = {
    "sys_id": {"value": SYS_ID, "display_value": SYS_ID},
    "number": {"value": "INC1", "display_value": "INC1"},
    "state": {"value": "6", "display_value": "Resolved"},
    "work_notes": {"value": "", "display_value": "2026-11-21 - A note"},
    "sys_mod_count": {"value": "3", "display_value": "3"},
    "sys_updated_on": {"value": "2026-11-21 03:00:00", "display_value": "2026-11-21 04:00:00"},
    "sys_updated_by": {"value": "d.duty", "display_value": "d.duty"},
}


def test_ticket_has_its_identifiers_and_values():
    record = ticket_of("incident", ROW)
    assert (FORMAT.id_of(record), FORMAT.name_of(record), FORMAT.title_of(record)) == (SYS_ID.lower(), "INC1", None)
    assert plain_values(record)["state"] == "6"
    assert display_values(record) == {"state": "Resolved", "sys_updated_on": "2026-11-21 04:00:00"}
    assert FORMAT.is_closed(record)
    assert FORMAT.data_of(None) == {}


def test_values_that_change_with_each_write_are_no_data():
    assert set(FORMAT.data_of(ticket_of("incident", ROW))) == {"sys_id", "number", "state", "work_notes"}


@pytest.mark.parametrize("hidden", [(), ("sys_mod_count",), ("sys_mod_count", "sys_updated_on", "sys_updated_by")])
def test_marker_changes_with_each_visible_write(hidden):
    shown = {name: cell for name, cell in ROW.items() if name not in hidden}
    changed = {**shown, "state": {"value": "7"}, **({} if hidden else {"sys_mod_count": {"value": "4"}})}
    one, same, other = (FORMAT.marker_of(ticket_of("incident", row)) for row in (shown, dict(shown), changed))
    assert one == same != other


def test_ticket_without_number_is_named_by_its_identifier():
    row = {"sys_id": SYS_ID}
    record = ticket_of("incident", row)
    assert (FORMAT.name_of(record), FORMAT.created_at(record), FORMAT.is_closed(record)) == (SYS_ID.lower(), "", False)
