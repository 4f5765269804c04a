# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test where data is found in a response, and what a ticket's record means. test_api.py covers all known paths."""

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
)

TICKET = {"object_id": "CTC-0054", "data": {"a": 1}}
OTHER = {"object_id": "CTC-0099"}


@pytest.mark.parametrize(
    "body",
    [
        TICKET,
        {"ticket": TICKET, "data": {**OTHER, "ticket": OTHER}},
        {"data": {**OTHER, "ticket": TICKET}},
        {**OTHER, "data": {"ticket": TICKET}},
        {"ticket": {}, "data": TICKET},
        {"ticket": None, "data": {"ticket": [], **TICKET}},
        {"ticket": {"object_id": ""}, "data": {"ticket": TICKET}},
        {**TICKET, "ticket": None},
    ],
)
def test_first_path_with_a_display_id_is_the_ticket(body):
    assert (find_record(body) or {})["object_id"] == "CTC-0054"


@pytest.mark.parametrize(
    "body", [None, [], [TICKET], "CTC-0054", {}, {"ticket": None}, {"data": [TICKET]}, {"objectId": "A"}], ids=repr
)
def test_response_without_a_ticket(body):
    assert find_record(body) is None


def test_first_path_with_a_list_is_the_list():
    assert find_list({"data": {"rows": [1]}, "rows": [2]}, ROWS_PATHS) == [1]
    assert find_list({"data": {"tickets": [], "rows": [1]}}, ROWS_PATHS) == []
    assert find_list([1], TICKET_TYPES_PATHS) == [1]
    assert find_list({"data": {"tickets": None}}, ROWS_PATHS) is None


@pytest.mark.parametrize(
    "row, object_id",
    [
        ({"object_id": "a", "objectId": "b"}, "a"),
        ({"object_id": "", "objectId": "b"}, "b"),
        ({"object_id": 7}, "7"),
        ({"id": "a"}, None),
        ({"object_id": None, "objectId": {"a": 1}}, None),
    ],
    ids=repr,
)
def test_display_id_of_a_row(row, object_id):
    assert object_id_of(row) == object_id


def test_data_of_a_record_is_an_object():
    assert data_of(TICKET) == {"a": 1}
    assert [data_of(record) for record in (None, {}, {"data": None}, {"data": []}, {"data": "a"})] == [{}] * 5


@pytest.mark.parametrize(
    "record, location",
    [
        (
            {"lookup_props": {"teamId": "soc", "itemTypeId": 16920}, "data": {"offerId": 23640}},
            ("soc", "16920", "23640"),
        ),
        ({"lookup_props": {"teamId": 0, "itemTypeId": None}, "data": {"offerId": ""}}, ("0", None, None)),
        ({"lookup_props": {"teamId": ""}, "data": None}, (None, None, None)),
        ({"lookup_props": "james", "data": []}, (None, None, None)),
        ({}, (None, None, None)),
    ],
)
def test_location_of_a_ticket(record, location):
    assert location_of(record) == dict(zip(("team_id", "item_type_id", "offer_id"), location))


@pytest.mark.parametrize(
    "category, done",
    [("Done Category", True), (" DONE", True), ("To-do Category", False), ("Undone", False), ("", False), (7, False)],
)
def test_ticket_is_done_if_its_category_begins_with_done(category, done):
    assert is_done({"status_category": category}) is done
    assert not is_done({})


@pytest.mark.parametrize("seq, deleted", [(-1, False), ("-1", False), (None, False), (0, True), ("5", True)])
def test_ticket_is_deleted_if_its_sequence_says_so(seq, deleted):
    assert is_deleted({"deleted_seq": seq}) is deleted
    assert not is_deleted({})
