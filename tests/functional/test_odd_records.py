# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that are odd, but not the ones that a task is about, stop nothing."""

from __future__ import annotations

from typing import Any

from ansible_collections.secops.itsm.tests.functional.conftest import BULK_WORKSPACE, Case

TICKET = "secops.itsm.ticketing_ticket"
COMMENTED = "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"
REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"

#: Odd entries of the catalog: a draft of an offer, and a field of another ticket type without an id.
CATALOG = [
    {"operation": "list-offers", "times": -1, "replace": {"data.offers.0.id": None}},
    {"operation": "list-ticket-types", "times": -1, "remove": ["data.value.0.fields.0.id"]},
]


def odd_ticket(object_id: str, **oddity: Any) -> dict[str, Any]:
    """A fault of every read of one ticket."""
    return {"operation": "get-ticket", "path": f"*/ticket/{object_id}", "times": -1, **oddity}


def opening(**changes: Any) -> dict[str, Any]:
    """A task that opens a ticket, or finds it."""
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
    """The references of the tickets that the platform has."""
    return [ticket["data"].get(REFERENCE) for ticket in sandbox.state()["platform_tickets"]]


def test_odd_records_of_others_keep_no_ticket_from_being_opened(player, sandbox):
    faults = [
        *CATALOG,
        # The search of the first run finds nothing, and the newest tickets are looked through.
        {"operation": "list-tickets", "skip": 1, "replace": {"data.tickets.2.object_id": None}},
        odd_ticket("CTC-0045", status=500),
        odd_ticket("CTC-0046", remove=["ticket.etag"]),
        odd_ticket("CTC-0053", replace={"ticket.data": None}),
    ]
    sandbox.reset(ticketing={"rows": "thin"}, faults=faults)
    account = [{"operation": "get-user-info", "times": -1, "status": 403}]
    cases = [Case("first", opening()), Case("second", opening())]
    played = player.play_cases(sandbox, cases, anew=False)
    assert played.code == 0, played.output
    assert [played.results[name]["changed"] for name in ("first", "second")] == [True, False], played.output
    assert references(sandbox).count("SEN-7c2a1e8f") == 1

    info = {"name": "Read the catalog", "secops.itsm.ticketing_catalog_info": {"item_type": "Security Incident"}}
    read = player.play_cases(sandbox, [Case("catalog", info, [*CATALOG, *account])]).results["catalog"]
    assert [offer["id"] for offer in read["offers"]] == ["23640", "23641", "23660"]
    assert (read["user"], len(read["warnings"])) == ({}, 1)


def test_unreadable_ticket_that_may_be_the_wanted_one_is_never_doubled(player, sandbox):
    sandbox.reset(ticketing={"rows": "thin"}, faults=[odd_ticket("CTC-0041", status=500)])
    task = opening(fields={"Incident Reference": "SEN-6b1f0d7e"})
    played = player.play_cases(sandbox, [Case("open", task)], anew=False)
    result = played.results["open"]
    assert result["error"]["http_status"] == 500
    assert "The list names ticket CTC-0041, but it could not be read, so it may be the one." in result["msg"]
    assert sandbox.journal()["writes"] == 0
    assert references(sandbox).count("SEN-6b1f0d7e") == 1


def test_odd_incident_and_comment_stop_nothing(player, sandbox):
    commented = {"workspace_id": BULK_WORKSPACE, "source": "Sentinel", "incident_id": COMMENTED}
    sandbox.set_faults(
        {"operation": "v2-list-incidents-*", "replace": {"data.incidents.0": None, "data.incidents.2.id": None}},
        # The first run reads the comments twice, before and after it posts its own.
        {"operation": "v2-list-incident-comments", "skip": 2, "times": -1, "remove": ["data.0.message"]},
    )
    listing = {"name": "List", "secops.itsm.contraforce_incident_info": {}}
    comment = {"name": "Comment", "secops.itsm.contraforce_incident_comment": {**commented, "comment": "Contained."}}
    cases = [Case("list", listing), Case("first", comment), Case("second", comment)]
    played = player.play_cases(sandbox, cases, anew=False)
    assert played.code == 0, played.output
    names = [entry["id"] for entry in played.results["list"]["incidents"]]
    assert (names.count(None), len(names) > 5) == (1, True)
    assert [played.results[name]["changed"] for name in ("first", "second")] == [True, False], played.output
    assert sandbox.journal()["writes"] == 1
