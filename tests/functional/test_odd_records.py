# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invalid records do not stop a task that does not need them."""

from __future__ import annotations

from typing import Any

from ansible_collections.secops.itsm.tests.functional.conftest import BULK_WORKSPACE, Case

TICKET = "secops.itsm.ticketing_ticket"
COMMENTED = "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"
REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"

#: Invalid entries of the catalog: an offer without an ID, and a field of another ticket type without an ID.
CATALOG = [
    {"operation": "list-offers", "times": -1, "replace": {"data.offers.0.id": None}},
    {"operation": "list-ticket-types", "times": -1, "remove": ["data.value.0.fields.0.id"]},
]


def ticket_fault(object_id: str, **fault: Any) -> dict[str, Any]:
    """Return a fault that affects every read of one ticket."""
    return {"operation": "get-ticket", "path": f"*/ticket/{object_id}", "times": -1, **fault}


def open_ticket(**changes: Any) -> dict[str, Any]:
    """Return a task that finds or opens a ticket."""
    options = {
        "team_id": "soc",
        "offer": "Report a security incident",
        "summary": "Sentinel incident 7c2a1e8f: credential dumping",
        "fields": {"Incident Reference": "SEN-7c2a1e8f"},
        "unique_by": ["Incident Reference"],
        **changes,
    }
    return {"name": "Open the ticket", TICKET: options}


def references(sandbox: Any) -> list[str]:
    """Return the references of all tickets of the platform."""
    return [ticket["data"].get(REFERENCE) for ticket in sandbox.state()["platform_tickets"]]


def test_ticket_is_opened_despite_invalid_other_records(player, sandbox):
    faults = [
        *CATALOG,
        # The search of the first run finds nothing, so the newest tickets are checked.
        {"operation": "list-tickets", "skip": 1, "replace": {"data.tickets.2.object_id": None}},
        ticket_fault("CTC-0045", status=500),
        ticket_fault("CTC-0046", remove=["ticket.etag"]),
        ticket_fault("CTC-0053", replace={"ticket.data": None}),
        {"operation": "get-user-info", "times": -1, "status": 403},
    ]
    sandbox.reset(ticketing={"rows": "thin"}, faults=faults)
    catalog = {"name": "Read the catalog", "secops.itsm.ticketing_catalog_info": {"item_type": "Security Incident"}}
    cases = [Case("first", open_ticket()), Case("second", open_ticket()), Case("catalog", catalog)]
    played = player.play_cases(sandbox, cases, reset=False)
    assert played.code == 0, played.output
    assert [played.results[name]["changed"] for name in ("first", "second")] == [True, False], played.output
    assert references(sandbox).count("SEN-7c2a1e8f") == 1
    read = played.results["catalog"]
    assert [offer["id"] for offer in read["offers"]] == ["23640", "23641", "23660"]
    assert (read["user"], len(read["warnings"])) == ({}, 1)


def test_unreadable_ticket_prevents_a_duplicate(player, sandbox):
    sandbox.reset(ticketing={"rows": "thin"}, faults=[ticket_fault("CTC-0041", status=500)])
    task = open_ticket(fields={"Incident Reference": "SEN-6b1f0d7e"})
    played = player.play_cases(sandbox, [Case("open", task)], reset=False)
    result = played.results["open"]
    assert result["error"]["http_status"] == 500
    assert "Ticket CTC-0041 is listed but could not be read, so it may be the requested one." in result["msg"]
    assert sandbox.journal()["writes"] == 0
    assert references(sandbox).count("SEN-6b1f0d7e") == 1


def test_invalid_incident_and_comment_are_ignored(player, sandbox):
    commented = {"workspace_id": BULK_WORKSPACE, "source": "Sentinel", "incident_id": COMMENTED}
    sandbox.set_faults(
        {"operation": "v2-list-incidents-*", "replace": {"data.incidents.0": None, "data.incidents.2.id": None}},
        # The first run reads the comments before and after it adds its own.
        {"operation": "v2-list-incident-comments", "skip": 2, "times": -1, "remove": ["data.0.message"]},
    )
    listing = {"name": "List", "secops.itsm.contraforce_incident_info": {}}
    comment = {"name": "Comment", "secops.itsm.contraforce_incident_comment": {**commented, "comment": "Contained."}}
    cases = [Case("list", listing), Case("first", comment), Case("second", comment)]
    played = player.play_cases(sandbox, cases, reset=False)
    assert played.code == 0, played.output
    names = [entry["id"] for entry in played.results["list"]["incidents"]]
    assert (names.count(None), len(names) > 5) == (1, True)
    assert [played.results[name]["changed"] for name in ("first", "second")] == [True, False], played.output
    assert sandbox.journal()["writes"] == 1
