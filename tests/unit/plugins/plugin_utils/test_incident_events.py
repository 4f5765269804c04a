# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the incidents of events, and their entries for runbooks."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import (
    KEYS_BY_TYPE,
    MAX_ID_LENGTH,
    AccountWorkspaces,
    add_incident,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import (
    add_workspaces,
    evidence_problem,
)
from ansible_collections.secops.itsm.tests.unit.event_plugins import event_plugin

WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
ACCOUNT = "9f1c2d3e-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
TITLE = "Sign-in of the backup account"
HOSTILE = "{{ lookup('pipe', 'touch /tmp/owned') }}"


def created(**data):
    """Return an event of the webhook."""
    return {
        "payload": {
            "type": "incident.created.v1",
            "timestamp": "2026-11-21T10:00:03Z",
            "isTest": False,
            "occurredAt": "2026-11-21T10:00:01Z",
            "data": {
                "accountId": "acc-17",
                "accountName": "Northwind Health",
                "incidentId": "61024",
                "incidentNumber": 61024,
                "title": TITLE,
                "severity": "low",
                "source": "defenderxdr",
                "createdAt": "2026-11-21T11:00:00.1234567+01:00",
                **data,
            },
        },
        "meta": {"endpoint": "", "headers": {"X-CF-Event-Id": "e-1", "X-CF-Schema": "incident.created.v1"}},
    }


def listed(**data):
    """Return an event of the polling source."""
    record = {
        "id": "61024",
        "number": 61024,
        "title": TITLE,
        "severity": "Low",
        "status": "New",
        "source": "DefenderXDR",
        "workspaceId": WORKSPACE,
        "creationTime": "2026-11-21T10:00:00Z",
        **data,
    }
    return {"payload": {"type": "incident.listed", "isTest": False, "data": record}, "meta": {"headers": {}}}


def filtered(event, workspaces=None):
    """Return the event after the filter."""
    return add_incident(event, AccountWorkspaces.from_option(workspaces))


def refused(event):
    """Return the reason why an event has no entry."""
    after = filtered(event)
    assert "entry" not in after
    return after["refused"]


def test_webhook_event_gets_an_incident_and_an_entry():
    event = created()
    identity = {"source": "DefenderXDR", "incident_id": "61024", "incident_number": "61024"}
    moment = {"created_at": "2026-11-21T10:00:00.123456Z"}
    account = {"account_id": "acc-17", "account_name": "Northwind Health"}
    assert filtered(event) == {
        **event,
        "incident": {**identity, **moment, **account, "title": TITLE, "severity": "Low"},
        "entry": {**identity, **moment, "title_sha256": hashlib.sha256(TITLE.encode()).hexdigest()},
    }
    assert event == created(), "unchanged"
    event["payload"]["type"] = "agent.investigation.completed.v1"
    assert filtered(event)["entry"] == filtered(created())["entry"]


def investigated(payload):
    """Return the filtered event of an investigation with a body."""
    return filtered({"payload": {"type": "agent.investigation.completed.v1", **payload}, "meta": {}})


VERDICT = {"classification": "falsepositive", "classificationReason": "InaccurateData"}
REFERENCE = {"id": "61024", "source": "DefenderXDR", "workspaceId": WORKSPACE, "number": "61024"}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {**created()["payload"]["data"], "workspaceId": WORKSPACE, **VERDICT}},
        {"data": {"incident": REFERENCE, **VERDICT}},
        {"data": {"id": "the investigation", "source": "agent", "incident": {**REFERENCE, **VERDICT}}},
        {"incident": {**REFERENCE, "classification": "TruePositive", "source": 2}, "classification": 2},
        {"data": {"incident": REFERENCE, "classification": "FalsePositive", "classification_reason": "inaccuratedata"}},
    ],
    ids=["flat", "reference", "of the incident", "without data", "underscore"],
)
def test_investigation_shows_its_incident_and_classification(payload):
    after = investigated(payload)
    assert after["entry"] == {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "61024",
        "incident_number": "61024",
    }
    incident = after["incident"]
    assert incident["classification"] == "FalsePositive"
    if "data" in payload:
        assert incident["classification_reason"] == "InaccurateData"


def test_investigation_without_its_incident_is_refused():
    # The result of an investigation may have an identifier of its own.
    for payload in ({}, {"data": None}, {"data": {"id": "61024", "source": "sentinel"}}, {"incident": [REFERENCE]}):
        after = investigated(payload)
        assert "entry" not in after
        assert after["refused"]
    hostile = investigated({"data": {"incident": REFERENCE, "classification": HOSTILE}})
    assert hostile["incident"]["classification"] == HOSTILE, "for conditions"
    assert HOSTILE not in str(hostile["entry"])


@pytest.mark.parametrize("event", [created, listed], ids=["created", "listed"])
def test_integers_of_the_older_generation_are_understood(event):
    after = filtered(event(source=2, status=3, classification=2))
    assert after["entry"] == filtered(event())["entry"]
    assert (after["incident"]["status"], after["incident"]["classification"]) == ("Closed", "FalsePositive")
    assert refused(event(source=7)).startswith("The source")


def test_listed_event_gets_its_workspace():
    identity = {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "61024",
        "incident_number": "61024",
    }
    after = filtered(listed())
    more = {"title": TITLE, "severity": "Low", "status": "New", "created_at": "2026-11-21T10:00:00Z"}
    assert (after["incident"], after["entry"]) == ({**identity, **more}, identity)
    without = filtered(listed(workspaceId=None))["entry"]
    assert set(without) == {"created_at", "title_sha256", "source", "incident_id", "incident_number"}


@pytest.mark.parametrize(
    "workspaces, account, found",
    [
        ({"acc-17": WORKSPACE, "Northwind Health": OTHER}, {}, WORKSPACE),
        ({"ACC-17": f" {WORKSPACE} "}, {}, WORKSPACE),
        ({" acc-17 ": OTHER}, {}, OTHER),
        ({17: WORKSPACE}, {"accountId": 17}, WORKSPACE),
        ({"None": OTHER, "": OTHER}, {}, None),
        ({"none": OTHER, "": OTHER}, {"accountId": None, "accountName": None}, None),
        # A customer may choose the name of another customer's account.
        ({"acc-17": WORKSPACE, "Northwind Health": WORKSPACE}, {"accountId": "acc-99"}, None),
        ({"acc-17": WORKSPACE, "Northwind Health": WORKSPACE}, {"accountId": None, "accountName": "acc-17"}, None),
        ({"acc-17": OTHER}, {"workspaceId": WORKSPACE}, WORKSPACE),
        ({"acc-17": OTHER}, {"workspaceId": HOSTILE}, OTHER),
        ({}, {"workspaceId": HOSTILE}, None),
    ],
)
def test_workspace_is_looked_up_by_account_id(workspaces, account, found):
    after = filtered(created(**account), workspaces)
    assert after["incident"].get("workspace_id") == after["entry"].get("workspace_id") == found
    assert ("title_sha256" in after["entry"]) == (found is None)


@pytest.mark.parametrize("account", [ACCOUNT, f" {ACCOUNT.upper()} "], ids=repr)
def test_entry_contains_the_account_if_it_is_a_uuid(account):
    after = filtered(created(accountId=account))
    assert after["entry"] == {**filtered(created())["entry"], "account_id": account.strip()}
    with_workspace = filtered(created(accountId=account), {ACCOUNT: WORKSPACE})["entry"]
    assert (with_workspace["workspace_id"], with_workspace["account_id"]) == (WORKSPACE, account.strip())
    assert evidence_problem(after["entry"]) == ""


def test_entry_contains_no_free_text():
    names = ("accountId", "accountName", "title", "severity", "status", "incidentNumber", "workspaceId", "more")
    after = filtered(created(**dict.fromkeys(names, HOSTILE)))
    expected = {**filtered(created())["entry"], "title_sha256": title_digest(HOSTILE)}
    del expected["incident_number"]
    assert after["entry"] == expected
    assert after["incident"]["title"] == HOSTILE, "for conditions"


@pytest.mark.parametrize(
    "name, values, reason",
    [
        ("source", ["unheard", None, HOSTILE, ["Sentinel"]], "The source of the incident is not one of Sentinel, "),
        ("incidentId", [None, " ", {"a": 1}, True], "does not contain the identifier of its incident."),
        ("incidentId", [HOSTILE, "1{% raw %}", "1{# x #}"], "the start of a template"),
        ("incidentId", ["1\n2", "1\x7f", "1\ud800", "1\u202e2"], "a control character or an invisible character"),
        ("incidentId", ["..", ".", " 1", "1" * (MAX_ID_LENGTH + 1)], "cannot be used in a URL"),
        (
            "createdAt",
            [None, "yesterday", "0001-01-01T00:00:00+10:00", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"],
            "The workspace of the incident is unknown",
        ),
    ],
)
def test_unusable_incident_is_refused(name, values, reason):
    for value in values:
        message = refused(created(**{name: value}))
        assert reason in message, value
        assert "lookup" not in message


@pytest.mark.parametrize("identifier", ["1" * MAX_ID_LENGTH, "a/b?c", "{1}", "}}", "Vorfall-ü", "inst:cid:1", 7])
def test_usable_identifier_is_kept(identifier):
    assert filtered(created(incidentId=identifier))["entry"]["incident_id"] == str(identifier)


@pytest.mark.parametrize(
    "number, text",
    [(7, "7"), ("7", "7"), (True, None), (-7, None), (7.5, None), ("7a", None), ("\u0667", None), (10**30, None)],
)
def test_incident_number_consists_of_digits(number, text):
    after = filtered(created(incidentNumber=number))
    assert after["incident"].get("incident_number") == after["entry"].get("incident_number") == text


@pytest.mark.parametrize("status, spelled", [("new", "New"), (2, "New"), (True, None), (9, None), ("Odd", "Odd")])
def test_status_may_be_an_integer(status, spelled):
    assert filtered(listed(status=status))["incident"].get("status") == spelled


@pytest.mark.parametrize(
    "mark",
    [
        {"payload": {**created()["payload"], "isTest": True}},
        {"payload": {**created()["payload"], "isTest": "TRUE"}},
        {"meta": {"headers": {"X-CF-Test": "true"}}},
        {"meta": {"headers": {"x-cf-test": "True"}}},
        {"meta": {"headers": {"X-Cf-Test": True}}},
    ],
)
def test_test_delivery_has_no_entry(mark):
    assert refused({**created(), **mark}) == "The event is a test delivery."


@pytest.mark.parametrize("mark", [{"X-CF-Test": "false"}, {"X-CF-Test": ""}, {"X-CF-Test": ["true"]}, {1: "true"}])
def test_other_marks_are_not_test_deliveries(mark):
    assert filtered({**created(), "meta": {"headers": mark}})["entry"]


@pytest.mark.parametrize("data", [{}, {"data": []}])
def test_event_without_data_is_refused(data):
    assert refused({"payload": {"type": "incident.created.v1", **data}}).startswith("The source")


def test_forged_keys_of_the_filter_are_replaced():
    forged = {"entry": {"workspace_id": HOSTILE}, "incident": HOSTILE, "refused": HOSTILE}
    assert filtered({**created(), **forged}) == filtered(created())
    assert "entry" not in filtered({**created(source="unheard"), **forged})


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "incident.created.v1",
        {},
        {"payload": None},
        {"payload": "incident.created.v1"},
        {"payload": {"type": ["incident.created.v1"], "data": created()["payload"]["data"]}},
        {"payload": {"type": "incident.created.v2", "data": created()["payload"]["data"]}},
        {"payload": {"action": "opened"}, "meta": {"headers": {}}, "entry": 1},
    ],
)
def test_other_events_are_unchanged(event):
    assert filtered(event) is event


@pytest.mark.parametrize(
    "option, words",
    [
        ("{{ workspaces }}", "must be a mapping"),
        ([WORKSPACE], "must be a mapping"),
        ({"acc-17": "soc"}, "must have a UUID"),
        ({"acc-17": None}, "must have a UUID"),
        ({"acc-17": f"{WORKSPACE}0"}, "must have a UUID"),
        ({"acc": WORKSPACE, "ACC": OTHER}, "two different workspaces"),
    ],
)
def test_invalid_workspaces_option_is_refused(option, words):
    with pytest.raises(ValueError, match=words):
        event_plugin("event_filter/contraforce_incident.py").main({}, workspaces=option)


def test_account_may_be_repeated_with_the_same_workspace():
    assert AccountWorkspaces.from_option({"acc": WORKSPACE, "ACC": WORKSPACE.upper()}).of("acc") == WORKSPACE


@pytest.mark.parametrize("title", [None, "", " \n", 7, {"a": 1}], ids=repr)
def test_event_without_a_title_is_found_in_the_list(title):
    entry = filtered(created(title=title))["entry"]
    named = {"id": "61024", "source": "DefenderXDR", "workspaceId": OTHER, "creationTime": entry["created_at"]}
    for name in (None, "A name"):
        found = add_workspaces([entry], [{**named, "title": title, "name": name}])
        assert [incident["workspace_id"] for incident in found["incidents"]] == [OTHER]
    assert add_workspaces([entry], [{**named, "title": "Another"}])["incidents"] == []


def test_title_with_half_of_a_surrogate_pair_is_readable():
    after = filtered(created(title="a\ud800"))
    assert (after["incident"]["title"], after["entry"]["title_sha256"]) == ("a?", title_digest("a?"))


def test_plugin_adds_the_incident():
    main = event_plugin("event_filter/contraforce_incident.py").main
    assert main(created(), workspaces={"acc-17": WORKSPACE}) == filtered(created(), {"acc-17": WORKSPACE})
    assert main(created()) == filtered(created())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("source", "incidentId", "incidentNumber", "id", "number", "title", "createdAt", "creationTime", "workspaceId")
LIKELY = st.sampled_from(
    [
        "sentinel",
        2,
        "61024",
        7,
        "9" * 5000,
        TITLE,
        HOSTILE,
        "2026-11-21T10:00:00Z",
        WORKSPACE,
        "9999-12-31T23:59:59-10:00",
    ]
)
FURTHER = ("accountId", "accountName", "status", "severity", "classification", "classificationReason")
FLAT = st.fixed_dictionaries({}, optional=dict.fromkeys((*NAMES, *FURTHER), LIKELY | JSON))
DATA = JSON | FLAT | st.fixed_dictionaries({"incident": FLAT}, optional=dict.fromkeys(NAMES, LIKELY | JSON))
EVENTS = JSON | st.fixed_dictionaries(
    {
        "payload": JSON
        | st.fixed_dictionaries(
            {"type": st.sampled_from(list(KEYS_BY_TYPE)) | JSON, "data": DATA}, optional={"isTest": JSON}
        )
    },
    optional={"meta": JSON | st.fixed_dictionaries({"headers": JSON}), "entry": JSON},
)
SAFE = {
    "workspace_id": r"[0-9a-f-]{36}",
    "created_at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z",
    "title_sha256": r"[0-9a-f]{64}",
    "source": r"[A-Za-z]+",
    "incident_number": r"[0-9]{1,18}",
    "incident_id": r"(?!.*\{[{%#]).+",
    "account_id": r"[0-9a-fA-F-]{36}",
}


@given(EVENTS)
def test_any_event_is_accepted_or_refused_safely(event):
    after = filtered(event, {"acc-17": WORKSPACE, TITLE: OTHER})
    if after is event:
        return
    assert ("entry" in after) != ("refused" in after)
    assert HOSTILE not in str(after.get("refused"))
    if "entry" in after:  # that the runbooks accept
        entry = after["entry"]
        incident_key(entry.get("workspace_id", WORKSPACE), entry["source"], entry["incident_id"])
        assert evidence_problem(entry) == ""
    for name, value in after.get("entry", {}).items():
        assert isinstance(value, str)
        assert re.fullmatch(SAFE[name], value), name
    assert all(isinstance(value, str) for value in after["incident"].values())
