# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox serves the ServiceNow Table API, and its incidents are service tickets of ContraForce."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.servicenow import store
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Tables
from ansible_collections.secops.itsm.tests.sandbox.servicenow_client import (
    ClientResponse,
    ServiceNowClient,
    basic,
)

FABRIKAM, QRADAR = "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5", "20931"
RANSOMWARE, SAME_IN_CAPITALS, RESOLVED, CLOSED = (
    "3f7b2c4d5e6f708192a3b4c5d6e7f809",
    "4a8c3d5e6f708192a3b4c5d6e7f8091a",
    "5b9d4e6f708192a3b4c5d6e7f8091a2b",
    "6caf5f708192a3b4c5d6e7f8091a2b3c",
)
REFERENCE = "contraforce:8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5:Sentinel:incident-20940"
ANALYSIS, REVIEW = "7db06081a2b3c4d5e6f708192a3b4c5d", "8ec17192b3c4d5e6f708192a3b4c5d6e"
COMPANY, GROUP = "c0a80001000000000000000000000001", "9a0b0001000000000000000000000001"
RESOLUTION = {"close_code": "Solution provided", "close_notes": "Done."}
NUMBERS = [f"INC00123{number}" for number in (45, 46, 47, 48, 49, 50)]
#: The details of refusals.
UNREADABLE = (403, "Failed API level ACL Validation")
HIDDEN = (404, "Record doesn't exist or ACL restricts the record retrieval")
POLICY = (403, "Data Policy Exception: The following fields are mandatory: Resolution code, Close notes")


@pytest.fixture
def client(sandbox: SandboxProcess) -> ServiceNowClient:
    return ServiceNowClient(sandbox)


def profiled(client: ServiceNowClient, **servicenow: Any) -> ServiceNowClient:
    client.sandbox.reset(servicenow=servicenow)
    return client


def denied(client: ServiceNowClient, **rule: Any) -> ServiceNowClient:
    return profiled(client, access=[{"table": "incident", **rule}])


def numbers(response: ClientResponse) -> list[str]:
    return [row["number"] for row in response.result]


def acl(verb: str) -> tuple[int, str]:
    return 403, f"ACL Exception {verb} Failed due to security constraints"


def aborted(table: str, rule: str) -> tuple[int, str]:
    text = f"Operation against file '{table}' was aborted by Business Rule '{rule}'. Business Rule Stack:{rule}"
    return 403, text


# --- credentials -----------------------------------------------------------------------------------------------------


def test_each_kind_of_credentials_is_accepted(client):
    known = client.sandbox.servicenow
    token = client.fetch_token().body
    assert (token["token_type"], token["scope"], client.fetch_token().body["access_token"]) == (
        "Bearer",
        "useraccount",
        token["access_token"],
    )
    for headers in (
        basic(known["username"], known["password"]),
        {"Authorization": f"Bearer {known['access_token']}"},
        {"Authorization": f"Bearer {token['access_token']}"},
        {"x-sn-apikey": known["api_key"]},
    ):
        created = ServiceNowClient(client.sandbox, headers).create({}).result
        assert created["sys_created_by"] == "itsm.runbook"


def test_wrong_credentials_are_refused(client):
    known = client.sandbox.servicenow
    for headers in (
        {},
        basic(known["username"], "wrong"),
        basic("unknown", known["password"]),
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {known['api_key']}"},
        {"x-sn-apikey": "wrong"},
    ):
        response = ServiceNowClient(client.sandbox, headers).list()
        assert (response.status, response.body) == (
            401,
            {
                "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
                "status": "failure",
            },
        )
    assert profiled(client, basic="refused").list().status == 401
    refused = profiled(client, basic="mfa").list()
    assert (refused.status, refused.headers["X-MFA_TOKEN"]) == (401, "invalid")


def test_token_is_refused(client):
    for fields, word in (
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"grant_type": "password"}, "invalid_request"),
    ):
        response = client.fetch_token(**fields)
        assert (response.status, response.body["error"]) == (401 if "client" in word else 400, word)
    assert profiled(client, client_credentials="disabled").fetch_token().body["error"] == "unsupported_grant_type"
    assert [entry["body"] for entry in client.sandbox.journal()["entries"]] == [None]


def test_token_expires(client):
    profiled(client, token_uses=1)
    for _number in range(2):
        headers = {"Authorization": f"Bearer {client.fetch_token().body['access_token']}"}
        fetched = ServiceNowClient(client.sandbox, headers)
        assert [fetched.list().status, fetched.list().status] == [200, 401]


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, found",
    [
        ("", NUMBERS),
        (f"correlation_id={REFERENCE}", NUMBERS[2:4]),
        ("number=INC0012345^ORnumber=INC0012346^state=1", NUMBERS[:1]),
        ("number=INC0012345^NQstate=7", [NUMBERS[0], NUMBERS[5]]),
        ("state!=2^stateNOT IN6,7", NUMBERS[:1]),
        ("numberINinc0012345,INC0012346,INC001", NUMBERS[:2]),
        ("short_descriptionSTARTSWITHRansom^ORshort_descriptionENDSWITHkiosk", NUMBERS[2:5]),
        ("short_descriptionLIKEfile^assigned_toISEMPTY", NUMBERS[3:4]),
        ("close_notesISNOTEMPTY^stateBETWEEN6@6", NUMBERS[4:5]),
        ("state>6^ORstate<2", [NUMBERS[0], NUMBERS[5]]),
        ("company.name=Fabrikam Hospital", NUMBERS[2:3]),
        ("sys_created_on<2026-11-15 00:00:00", NUMBERS[5:]),
        ("numberIN" + ",".join(NUMBERS) + "^ORDERBYDESCnumber", NUMBERS[::-1]),
        ("ORDERBYDESCstate^ORDERBYnumber", [NUMBERS[place] for place in (5, 4, 1, 2, 3, 0)]),
    ],
    ids=str,
)
def test_query_finds(client, query, found):
    listed = numbers(client.list(query=query, fields="number"))
    assert (listed if "ORDERBY" in query else sorted(listed)) == found


@pytest.mark.parametrize(
    "query",
    ["unknown=x", "numberMATCHESx", "unknown=x^ORcompany.nothing=1", "correlation_id=javascript:gs.getUserID()"],
)
def test_invalid_part_of_query_is_dropped(client, query):
    assert sorted(numbers(client.list(query=query))) == NUMBERS
    assert sorted(numbers(client.list(query=f"state=2^{query}"))) == NUMBERS[1:4]
    assert numbers(profiled(client, invalid_query="no_rows").list(query=query)) == []


def test_case_and_accents_of_values_can_be_distinguished(client):
    exact, other = (
        f"correlation_id={reference}" for reference in (REFERENCE, REFERENCE.replace("incident", "incidént"))
    )
    for query in (exact, other):
        assert sorted(numbers(client.list(query=query))) == NUMBERS[2:4]
    profiled(client, case="sensitive")
    assert [numbers(client.list(query=query)) for query in (exact, other)] == [NUMBERS[2:3], []]


def test_time_in_query_can_be_in_the_zone_of_the_account(client):
    (row,) = client.list(query=f"number={NUMBERS[5]}").result
    created = datetime.strptime(row["sys_created_on"], "%Y-%m-%d %H:%M:%S")
    for zone, ahead in (("utc", timedelta()), ("account", timedelta(hours=1))):
        profiled(client, query_zone=zone)
        for later, found in ((0, NUMBERS[5:]), (1, [])):
            bound = created + ahead + timedelta(seconds=later)
            assert numbers(client.list(query=f"number={NUMBERS[5]}^sys_created_on>={bound}")) == found


def test_pages_have_total_and_links(client):
    response = client.list(query="ORDERBYnumber", limit=2, offset=2, fields="number", exclude_reference_link="true")
    assert (numbers(response), response.headers["X-Total-Count"]) == (NUMBERS[2:4], "6")
    address = f"<{client.sandbox.url}/api/now/v2/table/incident?"
    links = dict(part.rsplit(";rel=", 1)[::-1] for part in response.headers["Link"].split(","))
    assert {name: int(link.strip("<>").rpartition("=")[2]) for name, link in links.items()} == {
        '"first"': 0,
        '"prev"': 0,
        '"next"': 4,
        '"last"': 4,
    }
    assert all(text.startswith(address) for text in links.values())
    assert dict(parse_qsl(links['"next"'].strip("<>").partition("?")[2])) == {
        "sysparm_query": "ORDERBYnumber",
        "sysparm_fields": "number",
        "sysparm_limit": "2",
        "sysparm_exclude_reference_link": "true",
        "sysparm_offset": "4",
    }
    assert '"next"' not in client.list(limit=2, offset=4).headers["Link"]
    bare = client.list(no_count="true", suppress_pagination_header="true").headers
    assert [bare[name] for name in ("X-Total-Count", "Link")] == [None, None]
    assert len(profiled(client, page_size=3).list(limit=100).result) == 3


def test_total_and_pages_ignore_access_rules(client):
    denied(client, where="state=2")
    response = client.list(query="ORDERBYnumber", limit=3)
    assert (numbers(response), response.headers["X-Total-Count"]) == (NUMBERS[:1], "6")
    assert client.get(RANSOMWARE).refusal == client.update(RANSOMWARE, {"urgency": "1"}).refusal == HIDDEN
    profiled(client, total="visible", access=[{"table": "task", "where": "state=2"}])
    response = client.list(query="ORDERBYnumber", limit=3)
    assert (numbers(response), response.headers["X-Total-Count"]) == ([NUMBERS[n] for n in (0, 4, 5)], "3")


def test_denied_column_is_left_out_and_cannot_be_searched(client):
    denied(client, columns=["correlation_id"])
    assert "correlation_id" not in client.get(RANSOMWARE).result
    assert client.list(query="correlation_idISEMPTY").refusal == UNREADABLE
    assert numbers(client.list(query="number=INC0012347")) == NUMBERS[2:3]


@pytest.mark.parametrize("invalid_query, found", [("all_rows", NUMBERS[2:3]), ("no_rows", [])])
def test_query_on_a_denied_column_can_be_invalid(client, invalid_query, found):
    rule = {"table": "incident", "columns": ["correlation_id"]}
    profiled(client, access=[rule], denied_query="invalid", invalid_query=invalid_query)
    assert numbers(client.list(query="number=INC0012347^correlation_id=nothing")) == found


def test_new_record_is_found_later(client):
    profiled(client, search_lag=2)
    sys_id = client.create({"correlation_id": "x"}).result["sys_id"]
    found = [len(client.list(query="correlation_id=x").result) for _number in range(3)]
    assert (found, client.get(sys_id).status) == ([0, 0, 1], 200)


def test_unknown_table_and_record_are_refused(client):
    assert client.list("nothing").refusal == (400, "Invalid table nothing")
    assert client.get("0" * 32).refusal == HIDDEN
    assert client.get(RANSOMWARE, "sn_si_incident").refusal == HIDDEN
    assert client.get(RANSOMWARE, "task").result["sys_class_name"] == "incident"


# --- values ----------------------------------------------------------------------------------------------------------


def test_values_are_shown_as_requested(client):
    names = "number,state,assignment_group,opened_at,company.name,unknown"
    link = f"{client.sandbox.url}/api/now/v2/table/sys_user_group/{GROUP}"
    stored = client.get(RANSOMWARE, fields=names).result
    assert stored == {
        "number": "INC0012347",
        "state": "2",
        "assignment_group": {"link": link, "value": GROUP},
        "opened_at": "2026-11-20 21:10:00",
        "company.name": "Fabrikam Hospital",
    }
    shown = client.get(RANSOMWARE, fields=names, display_value="true", exclude_reference_link="true").result
    assert [shown[name] for name in ("state", "assignment_group", "opened_at")] == [
        "In Progress",
        "Security Operations",
        "2026-11-20 22:10:00",
    ]
    both = client.get(RANSOMWARE, fields=names, display_value="all").result
    assert both["assignment_group"] == {"display_value": "Security Operations", "link": link, "value": GROUP}
    assert both["state"] == {"display_value": "In Progress", "value": "2"}


def test_display_values_are_accepted(client):
    sent = {"state": "In Progress", "assignment_group": "Network", "due_date": "2026-12-01 09:00:00"}
    stored = client.create(sent, input_display_value="true", exclude_reference_link="true").result
    assert [stored[name] for name in sent] == ["2", GROUP[:-1] + "2", "2026-12-01 08:00:00"]


def test_values_that_cannot_be_stored_are_ignored(client):
    sent = {
        "short_description": "x" * 161,
        "correlation_id": "y" * 101,
        "unknown": "1",
        "number": "INC1",
        "priority": "1",
        "company": "0" * 32,
        "due_date": "tomorrow",
        "active": True,
        "sys_mod_count": "7",
        "description": None,
    }
    stored = client.create(sent).result
    assert {name: stored[name] for name in sent if name != "unknown"} == {
        "short_description": "x" * 160,
        "correlation_id": "y" * 100,
        "number": "INC0012351",
        "priority": "5",
        "company": "",
        "due_date": "",
        "active": "true",
        "sys_mod_count": "0",
        "description": "",
    }
    assert "unknown" not in stored


@pytest.mark.parametrize("choices, stored", [("stored", "9"), ("dropped", "1"), ("refused", None)])
def test_unknown_choice_is(client, choices, stored):
    response = profiled(client, invalid_choices=choices).create({"state": "9"})
    assert (response.result["state"] if stored else response.refusal) == (
        stored or (403, "Invalid choice for State: 9")
    )


def test_priority_follows_impact_and_urgency(client):
    sys_id = client.create({"impact": 1, "urgency": 1, "priority": 4}).result["sys_id"]
    assert client.get(sys_id).result["priority"] == "1"
    assert client.update(sys_id, {"urgency": "3"}).result["priority"] == "3"


def test_created_record_has_location_and_can_have_a_chosen_id(client):
    sys_id = "ab" * 16
    response = client.create({"sys_id": sys_id, "short_description": "x"})
    assert response.headers["Location"] == f"{client.sandbox.url}/api/now/v2/table/incident/{sys_id}"
    assert client.create({"sys_id": sys_id}).refusal == (403, "Unique Key violation detected by database")
    assert client.list(query=f"sys_id={sys_id}").headers["X-Total-Count"] == "1"


def test_update_counts_changes(client):
    before = client.get(RANSOMWARE).result
    assert client.update(RANSOMWARE, {"urgency": "1"}).result == before
    after = client.update(RANSOMWARE, {"urgency": "2"}).result
    assert (after["sys_mod_count"], after["sys_updated_by"], before["sys_updated_by"]) == ("1", "itsm.runbook", "admin")
    assert after["sys_updated_on"] > before["sys_updated_on"]
    assert [entry["took_effect"] for entry in client.sandbox.journal()["entries"]] == [False, False, True]


def test_metadata_describes_columns_and_choices(client):
    (table,) = client.list("sys_db_object", "name=incident", exclude_reference_link="true").result
    assert client.get(table["super_class"], "sys_db_object").result["name"] == "task"
    (column,) = client.list("sys_dictionary", "name=task^element=assignment_group").result
    assert (column["internal_type"], column["reference"]) == ("reference", "sys_user_group")
    assert client.list("sys_dictionary", "name=incident^element=assignment_group").result == []
    query = "name=incident^element=close_code^ORDERBYsequence"
    labels = [row["label"] for row in client.list("sys_choice", query).result]
    assert (labels[0], "Solved (Permanently)" in labels) == ("Duplicate", False)
    roles = client.list("sys_user_has_role", "user.user_name=itsm.runbook", fields="role.name").result
    assert roles == [{"role.name": "itil"}, {"role.name": "sn_si.analyst"}]
    older = profiled(client, choices="older").list("sys_choice", query).result
    assert "Solved (Permanently)" in [row["label"] for row in older]


# --- the process -----------------------------------------------------------------------------------------------------


def test_incident_is_resolved_reopened_and_closed(client):
    assert client.update(RANSOMWARE, {"state": "6"}).refusal == POLICY
    resolved = client.update(RANSOMWARE, {"state": "6", **RESOLUTION}).result
    assert (resolved["incident_state"], resolved["active"], bool(resolved["resolved_at"])) == ("6", "true", True)
    reopened = client.update(RANSOMWARE, {"incident_state": "2"}).result
    assert (reopened["state"], reopened["resolved_at"]) == ("2", "")
    closed = client.update(RANSOMWARE, {"state": "7"}).result
    assert (closed["state"], closed["active"], bool(closed["closed_at"])) == ("7", "false", True)
    assert client.update(RANSOMWARE, {"state": "2"}).refusal == aborted(
        "incident", "Prevent reopening of closed records"
    )
    assert client.update(CLOSED, {"close_notes": "More."}).result["close_notes"] == "More."


def test_rules_of_closing_can_be_changed(client):
    assert profiled(client, policies="off").update(RANSOMWARE, {"state": "6"}).result["close_code"] == ""
    profiled(client, closing="itil_admin")
    assert client.update(RANSOMWARE, {"state": "7", **RESOLUTION}).refusal == acl("Update")
    assert client.update(RANSOMWARE, {"state": "6", **RESOLUTION}).result["state"] == "6"


def test_security_incident_passes_its_states(client):
    table = "sn_si_incident"
    assert client.create({}, table).result["state"] == "10"
    for state in ("20", "10", "3"):
        assert client.update(ANALYSIS, {"state": state}, table).refusal == aborted(table, "Enforce the process")
    assert client.update(ANALYSIS, {"state": "18"}, table).result["number"] == "SIR0010001"
    assert client.update(REVIEW, {"state": "3"}, table).refusal[1].endswith("Close code, Close notes")
    closing = {"state": "3", "close_code": "false_positive", "close_notes": "A test file."}
    closed = client.update(REVIEW, closing, table, display_value="true").result
    assert (closed["state"], closed["close_code"], closed["active"]) == ("Closed", "False positive", "false")
    assert profiled(client, process="free").update(ANALYSIS, closing, table).result["state"] == "3"


def test_business_rule_refuses_or_changes_values(client):
    refusal = {"table": "incident", "name": "Keep quiet", "on": "update", "when": "state=6", "refuse": True}
    change = {"table": "task", "on": "create", "set": {"urgency": "3"}}
    profiled(client, rules=[refusal, change])
    assert client.update(RANSOMWARE, {"state": "6", **RESOLUTION}).refusal == aborted("incident", "Keep quiet")
    assert client.create({"urgency": "1", "state": "6", **RESOLUTION}).result["urgency"] == "3"
    silent = {"table": "incident", "when": "state=6", "set": {"state": "2"}}
    profiled(client, rules=[silent])
    assert client.update(RANSOMWARE, {"state": "6", **RESOLUTION}).result["state"] == "2"


# --- access ----------------------------------------------------------------------------------------------------------


def test_account_without_a_writing_role_only_reads(client):
    known = client.sandbox.servicenow["read_only"]
    reader = ServiceNowClient(client.sandbox, basic(known["username"], known["password"]))
    assert (len(reader.list().result), reader.get(RANSOMWARE).status) == (6, 200)
    assert reader.create({"short_description": "x"}).refusal == acl("Insert")
    assert reader.update(RANSOMWARE, {"urgency": "3"}).refusal == acl("Update")
    hidden = reader.list("sn_si_incident")
    assert (hidden.result, hidden.headers["X-Total-Count"]) == ([], "2")


def test_denied_writes(client):
    denied(client, operation="create")
    assert client.create({}).refusal == acl("Insert")
    denied(client, operation="write", where="state=2")
    assert client.update(RANSOMWARE, {"urgency": "3"}).refusal == acl("Update")
    assert client.update(RESOLVED, {"urgency": "1"}).result["urgency"] == "1"
    denied(client, operation="write", columns=["urgency"])
    assert client.update(RANSOMWARE, {"urgency": "3", "impact": "3"}).result["priority"] == "3"


def test_rules_that_cannot_apply_are_refused(client):
    for settings, fact in (
        ({"access": [{"table": "nothing"}]}, "servicenow.access names the unknown table nothing"),
        ({"access": [{"table": "incident", "columns": ["nothing"]}]}, "the column nothing"),
        ({"rules": [{"table": "incident", "when": "nothing=1"}]}, "the invalid query nothing=1"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            profiled(client, **settings)
        assert fact in json.load(refusal.value)["error"]


# --- journals --------------------------------------------------------------------------------------------------------


def test_journal_columns_add_entries(client):
    assert client.get(RANSOMWARE).result["work_notes"] == ""
    for text in ("First", "First"):
        assert client.update(RANSOMWARE, {"work_notes": text, "comments": ""}).result["work_notes"] == ""
    query = f"name=incident^element_id={RANSOMWARE}^ORDERBYsys_created_on"
    rows = client.list("sys_journal_field", query).result
    assert [(row["element"], row["value"], row["sys_created_by"]) for row in rows] == [
        ("work_notes", "Isolated FS-03 from the network.", "admin"),
        ("work_notes", "First", "itsm.runbook"),
        ("work_notes", "First", "itsm.runbook"),
    ]
    shown = client.get(RANSOMWARE, fields="work_notes,sys_mod_count", display_value="true").result
    newest = datetime.fromisoformat(rows[-1]["sys_created_on"]) + timedelta(minutes=60)
    assert shown["work_notes"].startswith(f"{newest} - Runbook Automation (Work notes)\nFirst\n\n")
    assert shown["sys_mod_count"] == "2"


def test_hidden_journal_is_an_empty_list(client):
    response = profiled(client, journal="hidden").list("sys_journal_field")
    assert (response.status, response.result, response.headers["X-Total-Count"]) == (200, [], "2")


# --- faults ----------------------------------------------------------------------------------------------------------


def test_rate_limit_is_reported(client):
    profiled(client, rate_limit=2, rate_seconds=1)
    assert [client.list().status for _number in range(3)] == [200, 200, 429]
    headers = client.list().headers
    assert (headers["Retry-After"], headers["X-RateLimit-Limit"]) == ("1", "2")
    assert 0 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 2
    time.sleep(1.05)
    assert client.list().status == 200


def test_hibernating_instance_answers_with_a_page(client):
    profiled(client, instance="hibernating")
    for response in (client.list(), client.create({}), client.get(RANSOMWARE), client.fetch_token()):
        assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "hibernating" in response.body
    assert len(client.sandbox.state()["servicenow"]["incident"]) == len(NUMBERS)


def test_interrupted_requests(client):
    client.sandbox.set_faults(
        {"operation": "list-records", "path": "*/incident", "when": "after", "status": 200, "content": "canceled"},
        {"operation": "create-record", "when": "after", "status": 500},
        {"operation": "list-records", "replace": {"result": []}},
    )
    canceled = client.list()
    assert (canceled.status, canceled.headers["X-Total-Count"]) == (200, "6")
    assert "Transaction cancelled: maximum execution time exceeded" in canceled.body
    refused = client.create({"correlation_id": "x"})
    assert (refused.status, refused.body["status"]) == (500, "failure")
    emptied = client.list(query="correlation_id=x")
    assert (emptied.result, emptied.headers["X-Total-Count"]) == ([], "1")
    assert len(client.list(query="correlation_id=x").result) == 1
    assert client.sandbox.journal()["writes_in_effect"] == 1


def test_writes_can_be_ignored_or_shown_later(client):
    assert profiled(client, writes="ignored").update(RANSOMWARE, {"urgency": "3"}).result["urgency"] == "1"
    assert client.create({"correlation_id": "x"}).status == 201
    assert client.list(query="correlation_id=x").result == []
    profiled(client, lag_reads=1).update(RANSOMWARE, {"urgency": "3"})
    assert [client.get(RANSOMWARE).result["urgency"] for _number in range(2)] == ["1", "3"]


def test_other_user_edits(client):
    client.sandbox.edit("INC0012347", {"urgency": "3", "work_notes": "Called."})
    shown = client.get(RANSOMWARE).result
    assert (shown["urgency"], shown["priority"], shown["sys_updated_by"]) == ("3", "3", "other.agent")
    client.sandbox.set_edits({"operation": "update-record", "fields": {"state": "7", **RESOLUTION}})
    assert client.update(RANSOMWARE, {"state": "2"}).status == 403
    assert client.sandbox.journal()["edits_waiting"] == 0
    with pytest.raises(urllib.error.HTTPError):
        client.sandbox.edit("INC0012347", {"nothing": "1"})


def test_requests_that_break_the_contract_are_refused(client):
    assert client.list(limits=1).refusal == (400, "sysparm_limits: The parameter is unknown or occurs twice.")
    assert client.list(limit="many").status == client.create(["x"]).status == 400
    headers = {**client.headers, "Content-Type": "text/plain"}
    assert ServiceNowClient(client.sandbox, headers).create({}).status == 400
    assert ServiceNowClient(client.sandbox, {**client.headers, "Accept": "text/html"}).list().status == 400
    with pytest.raises(urllib.error.HTTPError) as unknown:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{client.sandbox.url}/api/now/v3/x")
    assert json.load(unknown.value)["error"]["detail"] == "NOT_FOUND"


# --- as tickets of ContraForce ---------------------------------------------------------------------------------------


def contraforce(sandbox: SandboxProcess, method: str, path: str, body: Any = None) -> Any:
    """Return the data of a response of ContraForce, or the status of an error."""
    pair = f"{sandbox.credentials['client_id']}:{sandbox.credentials['client_secret']}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{sandbox.url}/api/v2/workspaces/{FABRIKAM}/{path}", data, headers, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            return json.loads(response.read() or b"{}").get("data")
    except urllib.error.HTTPError as error:
        return error.code


def linked(sandbox: SandboxProcess, ticket: str) -> Any:
    """Link a ticket, and return the data of the response, or the status of an error."""
    incident = {"id": QRADAR, "source": "QRadar", "workspaceId": FABRIKAM, "number": QRADAR}
    return contraforce(sandbox, "POST", "tickets/link", {"ticketId": ticket, "incident": incident})


def close(sandbox: SandboxProcess, ticket: str) -> Any:
    """Close the incident with a ticket, and return the status of an error."""
    body = {"status": "Closed", "updateTicket": True, "ticketId": ticket}
    return contraforce(sandbox, "PUT", f"incidents/QRadar/{QRADAR}/status", body)


def test_states_and_urgencies_have_words_of_contraforce():
    schemas = contraforce_contract().document["components"]["schemas"]
    incident = Tables({}).by_name["incident"]
    for column, words in (("state", store.STATES), ("urgency", store.URGENCIES)):
        assert list(words) == list(incident.choices(column))
        assert list(words.values()) == schemas[f"ServiceNowTicket{column.capitalize()}"]["enum"]


def test_new_record_can_be_linked_and_is_closed(client):
    assert linked(client.sandbox, "0" * 32) == 404
    sent = {"short_description": "Beaconing", "description": "One host.", "urgency": "1", "state": "2"}
    created = client.create({**sent, "comments": "Seen."}).result
    shown = linked(client.sandbox, created["sys_id"])["serviceNowTicket"]
    assert {name: shown[name] for name in shown if name != "comments"} == {
        "id": created["sys_id"],
        "number": created["number"],
        "shortDescription": "Beaconing",
        "description": "One host.",
        "state": "InProgress",
        "urgency": "High",
    }
    (comment,) = shown["comments"]
    assert (comment["value"], comment["element"], comment["createdBy"]) == ("Seen.", "comments", "itsm.runbook")
    assert comment["elementId"] == created["sys_id"]
    assert close(client.sandbox, created["sys_id"]) is None
    closed = client.get(created["sys_id"]).result
    assert (closed["state"], closed["active"], bool(closed["close_code"])) == ("7", "false", True)
    assert linked(client.sandbox, created["number"])["serviceNowTicket"]["state"] == "Closed"


def test_ticket_can_be_resolved_and_closed_ticket_stays(client):
    client.sandbox.reset(profile={"servicenow_close": "Resolved"})
    for sys_id, state in ((RANSOMWARE, "6"), (CLOSED, "7")):
        before = client.get(sys_id).result
        assert close(client.sandbox, sys_id) is None
        after = client.get(sys_id).result
        assert (after["state"], after == before) == (state, state == "7")


def test_ticket_of_the_seed_is_an_incident(client):
    (record,) = client.list(query="number=INC0012345").result
    assert (record["sys_id"], record["state"]) == ("1d5f0a2b3c4d5e6f708192a3b4c5d6e7", "1")
    client.update(record["sys_id"], {"state": "3", "hold_reason": "1"})
    states = {ticket["number"]: ticket["state"] for ticket in client.sandbox.state()["tickets"]}
    assert (states["INC0012345"], states["INC0012346"]) == ("OnHold", "InProgress")
    assert linked(client.sandbox, "SIR0010001") == 404
