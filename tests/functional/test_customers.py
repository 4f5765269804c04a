# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tickets of several customers have the values of their own customer, with each ticketing system."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import read_table
from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CHAINS,
    CLOSURE,
    DENIES,
    DUMPING,
    FABRIKAM,
    FORWARDING,
    NORTHWIND,
    REFERENCE_FIELD,
    SIGN_IN,
    TAILSPIN,
    check_run_and_repeat,
    play,
    stored,
)
from ansible_collections.secops.itsm.tests.functional.test_docs import given, given_for_other_systems, shown
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

SEED = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
FIREWALL = next(entry for entry in SEED["incidents"] if entry["id"] == FORWARDING["incident_id"])
#: The account of a workspace in the events of webhooks.
ACCOUNT = next(entry["account_id"] for entry in SEED["workspaces"] if entry["id"] == TAILSPIN)
#: The runbooks that open tickets.
OPENING = [name for name, runbook in read_table()["itsm_runbooks"].items() if "tickets" in runbook["takes"]]
SHORT = "cf|{source}|{incident_id}"
STATUS_FIELD = "a1c0ffee-0001-4000-8000-000000000004"


@dataclass(frozen=True)
class Case:
    """What differs between the ticketing systems.

    :param variables: the variables for all incidents.
    :param customers: the values of customers by workspace.
    :param value_of: returns the value of a ticket that differs between the customers.
    :param values: the expected values of the tickets of these customers.
    """

    variables: Mapping[str, Any]
    customers: Mapping[str, Mapping[str, Any]]
    value_of: Callable[[Mapping[str, Any]], Any]
    values: Mapping[str, Any]

    def tickets(self, sandbox: Any) -> dict[str, Any]:
        """Return the values of the new tickets by their reference."""
        state = sandbox.state()
        if "ticket_system" in self.variables:
            rows = [(row["correlation_id"], row) for row in state["servicenow"]["incident"]]
        else:
            rows = [(row["data"].get(REFERENCE_FIELD), row) for row in state["platform_tickets"]]
        incidents = (SIGN_IN, DENIES, DUMPING, FORWARDING)
        return {
            reference: self.value_of(row)
            for reference, row in rows
            if any(incident["incident_id"] in str(reference) for incident in incidents)
        }


CASES = {
    "rezolve": Case(
        {"reference_field": "Incident Reference", "fields": {"Urgency": "High", "Description": "{title}"}},
        {
            NORTHWIND.upper(): {"name": "Northwind", "team_id": "james", "offer": "Report a security incident"},
            TAILSPIN: {"team_id": "soc", "offer": "Security review", "fields": {"Urgency": "Medium"}},
        },
        lambda row: (row["lookup_props"]["teamId"], row["data"]["offerId"]),
        {NORTHWIND: ("james", "23640"), TAILSPIN: ("soc", "23641")},
    ),
    "servicenow": Case(
        # The companies of the customers take precedence, but not over that of an entry.
        {
            **CHAINS["servicenow"].variables,
            "fields": {**CHAINS["servicenow"].variables["fields"], "company": "Unknown"},
        },
        {
            NORTHWIND.upper(): {"name": "Northwind", "company": "Northwind Traders"},
            TAILSPIN: {"fields": {"company": "Fabrikam Hospital"}, "assignment_group": "Network"},
        },
        lambda row: (row["company"], row["assignment_group"]),
        {
            NORTHWIND: ("c0a80001000000000000000000000002", "9a0b0001000000000000000000000001"),
            TAILSPIN: ("c0a80001000000000000000000000001", "9a0b0001000000000000000000000002"),
        },
    ),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def reference(incident: Mapping[str, str]) -> str:
    """Return the reference of an incident."""
    source = {"sentinel": "Sentinel"}.get(incident["source"], incident["source"])
    return f"{source} {incident['incident_id']} {incident['workspace_id']}"


def event_entry(**changes: Any) -> dict[str, Any]:
    """Return the entry of an incident from an event, which does not contain its workspace."""
    facts = {"created_at": FIREWALL["createdAt"], "title_sha256": title_digest(FIREWALL["title"])}
    identity = {"source": FORWARDING["source"], "incident_id": FORWARDING["incident_id"]}
    return {**identity, "account_id": ACCOUNT, **facts, **changes}


@EACH
def test_each_ticket_has_the_values_of_its_customer(player, sandbox, case):
    (player.folder / "customers.yml").write_text(yaml.safe_dump(dict(case.customers)), encoding="utf-8")
    variables = {
        **case.variables,
        "customers_file": "customers.yml",
        "ticket_reference": "none",
        "incidents": [SIGN_IN, DUMPING],
    }
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened.",
        "Done: 2 incidents, 0 failed; 2 tickets opened.",
        "Done: 2 incidents, 0 failed; 2 tickets found.",
    ]
    assert case.tickets(sandbox) == {
        reference(incident): case.values[incident["workspace_id"]] for incident in (SIGN_IN, DUMPING)
    }


@pytest.mark.parametrize("runbook", OPENING)
def test_workspace_without_a_customer_is_refused_before_any_request(player, sandbox, runbook):
    case = CASES["servicenow"]
    variables = {**case.variables, **CLOSURE, **CHAINS["servicenow"].closing}
    variables["customers"] = json.dumps({TAILSPIN: case.customers[TAILSPIN]})
    played = play(player, runbook, {**variables, "incidents": [DUMPING, SIGN_IN, DENIES]})
    assert (played.code, sandbox.journal()["entries"]) == (2, []), played.output
    message = (
        f"'customers' has no entry for workspaces {NORTHWIND} (1 incident), {FABRIKAM} (1 incident). Add an entry for "
        "each, or an entry default for all others."
    )
    assert message in played.words


@EACH
def test_invalid_map_is_refused_before_any_request(player, sandbox, case):
    customers = {TAILSPIN: {"name": "Tailspin Toys", "colour": "red"}, "Northwind": {}}
    played = play(player, "open_ticket", {**case.variables, **DUMPING, "customers": customers})
    assert (played.code, sandbox.journal()["entries"]) == (2, []), played.output
    assert "'customers' contains keys that are not UUIDs: 'Northwind'." in played.words
    assert f"'customers', {TAILSPIN} (Tailspin Toys): colour is unknown." in played.words


@EACH
def test_other_workspaces_get_the_default_values(player, sandbox, case):
    customers = {TAILSPIN: case.customers[TAILSPIN], "default": case.customers[NORTHWIND.upper()]}
    variables = {**case.variables, "customers": customers, "ticket_reference": "none", "incidents": [DENIES, DUMPING]}
    played = play(player, "open_ticket", variables)
    assert played.summaries == ["Done: 2 incidents, 0 failed; 2 tickets opened."], played.output
    assert case.tickets(sandbox) == {
        reference(DENIES): case.values[NORTHWIND],
        reference(DUMPING): case.values[TAILSPIN],
    }


@EACH
def test_failure_of_one_customer_does_not_stop_the_others(player, sandbox, case):
    (name,) = {"company", "team_id"} & set(case.customers[NORTHWIND.upper()])
    customers = {**case.customers, NORTHWIND.upper(): {**case.customers[NORTHWIND.upper()], name: "nowhere"}}
    variables = {**case.variables, "customers": customers, "ticket_reference": "none", "incidents": [SIGN_IN, DUMPING]}
    played = play(player, "open_ticket", variables)
    assert played.summaries == ["Failed: 1 of 2 incidents failed; 1 ticket opened."], played.output
    assert "nowhere" in played.words
    assert case.tickets(sandbox) == {reference(DUMPING): case.values[TAILSPIN]}


@pytest.mark.parametrize("system, key", [("rezolve", TAILSPIN), ("servicenow", ACCOUNT)])
def test_incident_of_an_event_has_the_values_of_its_customer(player, sandbox, system, key):
    """The values for all incidents are not sufficient without those of the customer."""
    case = CASES[system]
    customers = {key: case.customers[TAILSPIN]}
    variables = {**case.variables, "customers": customers, "ticket_reference": "none", "incidents": [event_entry()]}
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 1 incident, 0 failed; 1 ticket would be opened.",
        "Done: 1 incident, 0 failed; 1 ticket opened.",
        "Done: 1 incident, 0 failed; 1 ticket found.",
    ]
    assert case.tickets(sandbox) == {reference(FORWARDING): case.values[TAILSPIN]}


@EACH
def test_incident_of_an_event_without_a_customer_stops_the_run(player, sandbox, case):
    """The other incident gets no ticket either."""
    variables = {
        **case.variables,
        "customers": {NORTHWIND: case.customers[NORTHWIND.upper()]},
        "ticket_reference": "none",
    }
    played = play(player, "open_ticket", {**variables, "incidents": [SIGN_IN, event_entry()]})
    assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
    assert f"'customers' has no entry for workspace {TAILSPIN} (1 incident, account {ACCOUNT})." in played.words
    assert case.tickets(sandbox) == {}
    # The list is read only once, because it contains the incident.
    assert len([entry for entry in sandbox.journal()["entries"] if "across" in entry["path"]]) == 1


# --- the files on the page of the runbook ---------------------------------------------------------------------------


@pytest.mark.parametrize("number, system", list(enumerate(CASES)), ids=list(CASES))
def test_documented_files_of_customers_can_be_used(player, sandbox, number, system):
    maps = [block for block in shown("runbook_open_ticket") if any(map(is_uuid, block))]
    assert len(maps) == len(CASES)
    (player.folder / "customers.yml").write_text(yaml.safe_dump(maps[number]), encoding="utf-8")
    (variables, *_others) = [given("open_ticket"), *given_for_other_systems("open_ticket")][number:]
    if number:
        variables["incidents"].append({**SIGN_IN, "source": "Sentinel"})
    variables.update({"customers_file": "customers.yml", "ticket_reference": "none"})
    summaries = check_run_and_repeat(player, sandbox, "open_ticket", variables)
    assert [summary.split("; ")[-1] for summary in summaries] == [
        "2 tickets would be opened.",
        "2 tickets opened.",
        "2 tickets found.",
    ]
    case = CASES[system]
    expected = {
        "rezolve": {reference(incident): ("soc", "23641") for incident in (DUMPING, FORWARDING)},
        "servicenow": {
            reference(DENIES): ("c0a80001000000000000000000000001", "9a0b0001000000000000000000000001"),
            reference(SIGN_IN): ("c0a80001000000000000000000000002", "9a0b0001000000000000000000000002"),
        },
    }
    assert case.tickets(sandbox) == expected[system]


# --- references without the workspace -------------------------------------------------------------------------------


def test_short_reference_requires_customers_in_different_places(player, sandbox):
    case = CASES["rezolve"]
    variables = {**case.variables, **FORWARDING, "reference_format": SHORT, "ticket_reference": "link"}
    shared = dict.fromkeys((NORTHWIND, TAILSPIN), case.customers[TAILSPIN])
    for further in ({"team_id": "soc", "offer": "Security review"}, {"customers": shared}):
        refused = play(player, "open_ticket", {**variables, **further})
        assert (refused.code, sandbox.journal()["entries"]) == (2, []), refused.output
        assert "does not contain the workspace, and its ID is not a UUID" in refused.words
    variables["customers"] = case.customers
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 1 incident, 0 failed; 1 ticket would be opened; 1 would be linked.",
        "Done: 1 incident, 0 failed; 1 ticket opened; 1 linked.",
        "Done: 1 incident, 0 failed; 1 ticket known already; 1 linked already.",
    ]
    assert case.tickets(sandbox) == {"cf|defenderxdr|61024": case.values[TAILSPIN]}


def test_incident_of_a_ticket_with_a_short_reference_is_closed(player, sandbox):
    """Its workspace is found in the incident list."""
    case = CASES["rezolve"]
    variables = {**case.variables, **case.customers[TAILSPIN], **DUMPING, "reference_format": SHORT}
    assert play(player, "open_ticket", variables).code == 0
    assert list(case.tickets(sandbox)) == [f"cf|sentinel|{DUMPING['incident_id']}"]
    (number,) = [
        row["object_id"]
        for row in sandbox.state()["platform_tickets"]
        if "cf|" in str(row["data"].get(REFERENCE_FIELD))
    ]
    sandbox.edit(number, {STATUS_FIELD: "Resolved"})
    closing = {
        "reference_field": case.variables["reference_field"],
        "classification": "TruePositive",
        "classification_reason": "SuspiciousActivity",
    }
    writes = sandbox.journal()["writes"]
    assert check_run_and_repeat(player, sandbox, "close_resolved", closing, writes) == [
        "Check mode: 1 incident, 0 failed; 1 would be closed.",
        "Done: 1 incident, 0 failed; 1 closed.",
        "Nothing to do: no open incident has a ticket that was closed.",
    ]
    assert stored(sandbox, DUMPING)["status"] == "Closed"
