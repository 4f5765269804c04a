# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of a link in incidents, comments and responses."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import (
    Link,
    Ticket,
    is_same,
    link_in_comments,
    link_in_incident,
    ticket_in_incident,
    ticket_in_response,
)

HEX = "1d5f0a2b3c4d5e6f708192a3b4c5d6e7"
DTO = {"ticketingSystemType": "Autotask", "isTicketSet": True, "autotaskTicket": {"id": 41877, "number": "T1.2"}}


@pytest.mark.parametrize(
    "data, link",
    [
        ({"incident": {"ticketId": " 41877 "}}, Link("linked", "incident", Ticket("41877"))),
        ({"incident": {}, "ticketId": 41877}, Link("linked", "incident", Ticket("41877"))),
        ({"incident": {"ticketId": None}}, Link("unlinked", "incident")),
        ({"incident": {"ticketId": ""}}, Link("unlinked", "incident")),
        ({"incident": {"ticket": None}}, Link("unlinked", "incident")),
        (
            {"incident": {"ticket": {"isTicketSet": False, "ticketingSystemType": "None"}}},
            Link("unlinked", "incident"),
        ),
        ({"incident": {"ticket": DTO}}, Link("linked", "incident", Ticket("41877", "T1.2", "Autotask"))),
        (
            {"incident": {"ticketId": None, "ticket": DTO}},
            Link("linked", "incident", Ticket("41877", "T1.2", "Autotask")),
        ),
        ({"incident": {}, "serviceTicket": {"id": HEX}}, Link("linked", "incident", Ticket(HEX))),
        ({"incident": {"ticketId": 7, "ticketNumber": "T1"}}, Link("linked", "incident", Ticket("7", "T1"))),
        (
            {"incident": {"ticket": {"isTicketSet": True, "ticketingSystemType": "Zendesk"}}},
            Link("linked", "incident", Ticket(system="Zendesk")),
        ),
    ],
)
def test_incident_shows_its_link(data, link):
    assert link_in_incident(data) == link


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"ticket": "INC0012345"},
        {"ticket": {"key": "SOC-1"}},
        {"ticket": {}},
        {"ticketId": {"value": 7}},
        {"ticketId": True},
        {"ticketId": "0"},
        {"ticketNumber": None},
        {"ticketId": None, "ticket": "INC0012345"},
        {"ticketId": 0, "ticket": None},
    ],
)
def test_unrecognized_values_are_no_evidence(record):
    assert link_in_incident({"incident": record, "status": "New"}) is None


@pytest.mark.parametrize("system", ["Halo", None, 5])
def test_unnamed_ticket_is_linked_but_not_conclusive(system):
    shown = link_in_incident(
        {"incident": {"ticket": {"ticketingSystemType": system, "isTicketSet": True, "haloTicket": {}}}}
    )
    assert shown == Link("linked", "incident")
    assert not shown.is_conclusive


def test_ticket_of_an_incident_is_returned():
    assert ticket_in_incident({"incident": {"ticket": DTO}}) == DTO
    assert ticket_in_incident({"incident": {"ticketId": 7}}) is None
    assert ticket_in_incident({"incident": {"ticket": None}}) is None


def comment(ticket_id: Any, created: Any = None) -> dict[str, Any]:
    return {"message": "x", "ticketId": ticket_id, "createdTime": created}


@pytest.mark.parametrize(
    "comments, ticket_id",
    [
        ([comment(41877)], "41877"),
        ([comment("41877"), comment(None, "2026-11-21T09:00:00Z")], "41877"),
        ([comment(1, "2026-11-21T09:00:00Z"), comment(2, "2026-11-20T09:00:00Z")], "1"),
        ([comment(1, "2026-11-21T09:00:00+02:00"), comment(2, "2026-11-21T08:00:00Z")], "2"),
        ([comment(1, "sometime"), comment(2, "2026-11-21T08:00:00Z")], "2"),
        ([comment(1), comment(2)], "2"),
    ],
)
def test_newest_comment_with_a_ticket_determines_the_likely_link(comments, ticket_id):
    assert link_in_comments(comments) == Link("likely", "comments", Ticket(ticket_id))


@pytest.mark.parametrize("comments", [[], [comment(None)], [comment("")], [{"message": "x"}], [comment(True)]])
def test_comments_without_a_ticket_are_no_evidence(comments):
    assert link_in_comments(comments) == Link("unknown", "none")


@pytest.mark.parametrize(
    "response, ticket",
    [
        (DTO, Ticket("41877", "T1.2", "Autotask")),
        (
            {"ticketingSystemType": "ServiceNow", "serviceNowTicket": {"id": HEX, "number": "INC1"}},
            Ticket(HEX, "INC1", "ServiceNow"),
        ),
        ({"ticketingSystemType": "jira", "jiraTicket": {"id": "1", "number": None}}, Ticket("1", None, "Jira")),
        ({"ticketingSystemType": "Zendesk", "isTicketSet": True}, Ticket(system="Zendesk")),
        ({"ticketingSystemType": "None", "isTicketSet": False}, Ticket(system="None")),
        ({"autotaskTicket": None, "jiraTicket": {"id": "1", "number": "A-1"}}, Ticket("1", "A-1")),
        # The members of other systems are ignored.
        ({**DTO, "ticketingSystemType": "Jira"}, Ticket(system="Jira")),
    ],
)
def test_response_to_a_link_names_the_ticket(response, ticket):
    assert ticket_in_response(response) == ticket


@pytest.mark.parametrize(
    "name, ticket, same",
    [
        ("41877", Ticket("41877"), True),
        ("41877", Ticket("41877", "T1.2"), True),
        ("T1.2", Ticket("41877", "T1.2"), True),
        (" t1.2 ", Ticket("41877", "T1.2"), True),
        ("soc-311", Ticket("10042", "SOC-311"), True),
        (HEX.upper(), Ticket(HEX), True),
        ("41878", Ticket("41877"), False),
        ("41878", Ticket("41877", "T1.2"), False),
        ("T1.3", Ticket("41877", "T1.2"), False),
        ("T1.3", Ticket(number="T1.2"), False),
        (HEX, Ticket("41877"), False),
        ("T1.2", Ticket("41877"), None),
        ("INC1", Ticket(HEX), None),
        ("41877", Ticket(number="T1.2"), None),
        ("41877", Ticket(), None),
        # If both names of a ticket are known, another name is another ticket.
        ("41877", Ticket("abc-1", "X-1"), False),
    ],
)
def test_only_names_of_the_same_kind_are_compared(name, ticket, same):
    assert is_same([name], ticket) is same


def test_any_of_the_names_may_match():
    assert is_same(["T1.2", "41877"], Ticket("41877")) is True
    assert is_same([], Ticket("41877")) is None
