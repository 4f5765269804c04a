# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a ticket stands in an answer, and what its record says."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import ROWS_PATHS, TICKET_TYPES_PATHS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    data_of,
    find_list,
    find_record,
    is_deleted,
    is_done,
    location_of,
    object_id_of,
    value_at,
)

TICKET = {"object_id": "CTC-0054", "data": {"a": 1}}


@pytest.mark.parametrize("body", [None, "text", 1, [], {}, {"a": None}, {"a": [1]}, {"a": {"c": 1}}], ids=repr)
def test_a_path_that_leads_nowhere(body):
    assert value_at(body, ("a", "b")) is None


def test_a_path():
    assert value_at({"a": {"b": 1}}, ("a", "b")) == 1
    assert value_at(TICKET, ()) is TICKET


@pytest.mark.parametrize(
    "body",
    [{"success": True, "ticket": TICKET}, {"data": {"ticket": TICKET}}, {"data": TICKET}, TICKET],
    ids=["ticket", "data.ticket", "data", "body"],
)
def test_a_ticket_in_each_envelope(body):
    assert find_record(body) == TICKET


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        [TICKET],
        "CTC-0054",
        {},
        {"ticket": None},
        {"ticket": {"object_id": ""}},
        {"data": [TICKET]},
        {"objectId": "CTC-0054"},
    ],
    ids=repr,
)
def test_no_ticket(body):
    assert find_record(body) is None


def test_the_data_of_a_bare_ticket_is_not_taken_for_the_ticket():
    assert find_record({**TICKET, "ticket": None}) == {**TICKET, "ticket": None}


def test_a_list_at_the_first_place_that_has_one():
    assert find_list({"data": {"rows": [1]}, "rows": [2]}, ROWS_PATHS) == [1]
    assert find_list({"data": {"tickets": [], "rows": [1]}}, ROWS_PATHS) == []
    assert find_list({"data": [1]}, ROWS_PATHS) == [1]
    assert find_list([1], TICKET_TYPES_PATHS) == [1]
    assert find_list({"data": {"tickets": None}}, ROWS_PATHS) is None


@pytest.mark.parametrize(
    "row, object_id",
    [
        ({"object_id": "CTC-1"}, "CTC-1"),
        ({"objectId": "CTC-1"}, "CTC-1"),
        ({"object_id": "", "objectId": "CTC-1"}, "CTC-1"),
        ({"object_id": 7}, "7"),
        ({"id": "CTC-1"}, None),
        ({"object_id": None}, None),
    ],
    ids=repr,
)
def test_the_display_id_of_a_row(row, object_id):
    assert object_id_of(row) == object_id


@pytest.mark.parametrize("record", [None, {}, {"data": None}, {"data": []}, {"data": "a"}], ids=repr)
def test_no_data(record):
    assert data_of(record) == {}


def test_where_a_ticket_belongs():
    record = {"lookup_props": {"teamId": "soc", "itemTypeId": 16920}, "data": {"offerId": 23640}}
    assert location_of(record) == {"team_id": "soc", "item_type_id": "16920", "offer_id": "23640"}


@pytest.mark.parametrize(
    "record", [{}, {"lookup_props": None}, {"lookup_props": {"teamId": "", "itemTypeId": None}, "data": {}}], ids=repr
)
def test_where_a_ticket_belongs_is_not_shown(record):
    assert location_of(record) == {"team_id": None, "item_type_id": None, "offer_id": None}


@pytest.mark.parametrize(
    "category, done",
    [
        ("Done Category", True),
        ("Done", True),
        (" done", True),
        ("DONE CATEGORY", True),
        ("To-do Category", False),
        ("In-Progress Category", False),
        ("Undone", False),
        ("", False),
        (None, False),
    ],
)
def test_done(category, done):
    assert is_done({"status_category": category}) is done
    assert not is_done({})


@pytest.mark.parametrize("seq, deleted", [(-1, False), ("-1", False), (None, False), (0, True), (1, True), ("5", True)])
def test_deleted(seq, deleted):
    assert is_deleted({"deleted_seq": seq}) is deleted
    assert not is_deleted({})
