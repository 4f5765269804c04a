# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an event says of an incident, and the incident as the runbooks take it."""

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
TITLE = "Sign-in of the backup account"
HOSTILE = "{{ lookup('pipe', 'touch /tmp/owned') }}"


def created(**data):
    """An event of the webhook."""
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
    """An event of the polling source."""
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
    """What the filter makes of an event."""
    return add_incident(event, AccountWorkspaces.from_option(workspaces))


def refused(event):
    """Why an event has no entry."""
    after = filtered(event)
    assert "entry" not in after
    return after["refused"]


def test_an_event_of_the_webhook():
    event = created()
    after = filtered(event)
    assert after == {
        **event,
        "incident": {
            "source": "DefenderXDR",
            "incident_id": "61024",
            "incident_number": "61024",
            "title": TITLE,
            "severity": "Low",
            "created_at": "2026-11-21T10:00:00.123456Z",
            "account_id": "acc-17",
            "account_name": "Northwind Health",
        },
        "entry": {
            "created_at": "2026-11-21T10:00:00.123456Z",
            "title_sha256": hashlib.sha256(TITLE.encode()).hexdigest(),
            "source": "DefenderXDR",
            "incident_id": "61024",
            "incident_number": "61024",
        },
    }
    assert event == created()  # the event itself is as it was


def test_an_event_of_the_polling_source():
    after = filtered(listed())
    assert after["incident"] == {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "61024",
        "incident_number": "61024",
        "title": TITLE,
        "severity": "Low",
        "status": "New",
        "created_at": "2026-11-21T10:00:00Z",
    }
    names = ("workspace_id", "source", "incident_id", "incident_number")
    assert after["entry"] == {name: after["incident"][name] for name in names}


def test_a_listed_incident_without_its_workspace():
    after = filtered(listed(workspaceId=None))
    assert set(after["entry"]) == {"created_at", "title_sha256", "source", "incident_id", "incident_number"}


@pytest.mark.parametrize(
    "workspaces, found",
    [
        ({"acc-17": WORKSPACE, "Northwind Health": OTHER}, WORKSPACE),
        ({"ACC-17": f" {WORKSPACE} "}, WORKSPACE),
        ({" acc-17 ": OTHER}, OTHER),
        ({"None": OTHER, "": OTHER}, None),
    ],
)
def test_workspaces_of_accounts(workspaces, found):
    after = filtered(created(), workspaces)
    assert after["incident"].get("workspace_id") == after["entry"].get("workspace_id") == found
    assert ("title_sha256" in after["entry"]) == (found is None)


@pytest.mark.parametrize("name", ["Northwind Health", "acc-17"])
@pytest.mark.parametrize("own", ["acc-99", None])
def test_the_name_of_an_account_is_no_proof(name, own):
    """A customer who calls his account like another one would have that one's incidents closed."""
    after = filtered(created(accountId=own, accountName=name), {"acc-17": WORKSPACE, "Northwind Health": WORKSPACE})
    assert "workspace_id" not in after["entry"]


def test_accounts_that_are_numbers_or_not_there():
    assert filtered(created(accountId=17), {17: WORKSPACE})["entry"]["workspace_id"] == WORKSPACE
    after = filtered(created(accountId=None, accountName=None), {"none": WORKSPACE, "": WORKSPACE})
    assert "workspace_id" not in after["entry"]


def test_the_event_knows_its_workspace_better_than_the_options():
    assert filtered(created(workspaceId=WORKSPACE), {"acc-17": OTHER})["entry"]["workspace_id"] == WORKSPACE
    assert filtered(created(workspaceId=HOSTILE), {"acc-17": OTHER})["entry"]["workspace_id"] == OTHER
    assert "workspace_id" not in filtered(created(workspaceId=HOSTILE))["entry"]


def test_no_free_text_gets_into_an_entry():
    hostile = dict.fromkeys(
        ("accountId", "accountName", "title", "severity", "status", "incidentNumber", "workspaceId", "more"), HOSTILE
    )
    after = filtered(created(**hostile))
    entry = {**filtered(created())["entry"], "title_sha256": title_digest(HOSTILE)}
    del entry["incident_number"]
    assert after["entry"] == entry
    assert after["incident"]["title"] == HOSTILE  # conditions may look at it


@pytest.mark.parametrize(
    "data, reason",
    [
        ({"source": "unheard"}, "Its source is none of Sentinel, "),
        ({"source": None}, "Its source is none of "),
        ({"source": HOSTILE}, "Its source is none of "),
        ({"source": ["Sentinel"]}, "Its source is none of "),
        ({"incidentId": None}, "It does not name its incident."),
        ({"incidentId": " "}, "It does not name its incident."),
        ({"incidentId": {"a": 1}}, "It does not name its incident."),
        ({"incidentId": True}, "It does not name its incident."),
        ({"incidentId": HOSTILE}, "the beginning of a template"),
        ({"incidentId": "1{% raw %}"}, "the beginning of a template"),
        ({"incidentId": "1{# x #}"}, "the beginning of a template"),
        ({"incidentId": "1\n2"}, "a control character"),
        ({"incidentId": "1\x7f"}, "a control character"),
        ({"incidentId": "1\ud800"}, "a control character"),
        ({"incidentId": "1\u202e2"}, "cannot be seen"),
        ({"incidentId": ".."}, "cannot be addressed"),
        ({"incidentId": " 1"}, "cannot be addressed"),
        ({"incidentId": "1" * (MAX_ID_LENGTH + 1)}, "cannot be addressed"),
        ({"createdAt": None}, "Its workspace is not known"),
        ({"createdAt": "yesterday"}, "Its workspace is not known"),
        ({"createdAt": "0001-01-01T00:00:00+10:00"}, "Its workspace is not known"),
        ({"createdAt": "1969-12-31T23:59:59Z"}, "Its workspace is not known"),
        ({"createdAt": "9999-01-01T00:00:00Z"}, "Its workspace is not known"),
    ],
)
def test_what_has_no_entry(data, reason):
    said = refused(created(**data))
    assert reason in said
    assert "lookup" not in said


@pytest.mark.parametrize("identifier", ["1" * MAX_ID_LENGTH, "a/b?c", "{1}", "}}", "Vorfall-ü", "inst:cid:1", 7])
def test_identifiers_that_can_be_used(identifier):
    assert filtered(created(incidentId=identifier))["entry"]["incident_id"] == str(identifier)


@pytest.mark.parametrize(
    "number, text",
    [(7, "7"), ("7", "7"), (True, None), (-7, None), (7.5, None), ("7a", None), ("\u0667", None), (10**30, None)],
)
def test_numbers(number, text):
    after = filtered(created(incidentNumber=number))
    assert after["incident"].get("incident_number") == after["entry"].get("incident_number") == text


@pytest.mark.parametrize("status, spelled", [("new", "New"), (2, "New"), (True, None), (9, None), ("Odd", "Odd")])
def test_statuses(status, spelled):
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
def test_a_test_delivery_has_no_entry(mark):
    assert refused({**created(), **mark}) == "It is a test delivery."


@pytest.mark.parametrize("mark", [{"X-CF-Test": "false"}, {"X-CF-Test": ""}, {"X-CF-Test": ["true"]}, {1: "true"}])
def test_no_test_delivery(mark):
    assert filtered({**created(), "meta": {"headers": mark}})["entry"]


def test_a_known_event_without_data():
    assert refused({"payload": {"type": "incident.created.v1"}}).startswith("Its source")
    assert refused({"payload": {"type": "incident.created.v1", "data": []}}).startswith("Its source")


def test_an_investigation_is_about_its_incident():
    event = created()
    event["payload"]["type"] = "agent.investigation.completed.v1"
    assert filtered(event)["entry"] == filtered(created())["entry"]


def test_what_somebody_else_added_is_replaced():
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
def test_other_events_are_left_as_they_are(event):
    assert filtered(event) is event


@pytest.mark.parametrize(
    "option, words",
    [
        ("{{ workspaces }}", "must be a mapping"),
        ([WORKSPACE], "must be a mapping"),
        ({"acc-17": "soc"}, "must have a UUID"),
        ({"acc-17": None}, "must have a UUID"),
        ({"acc-17": f"{WORKSPACE}0"}, "must have a UUID"),
        ({"acc": WORKSPACE, "ACC": OTHER}, "twice"),
    ],
)
def test_wrong_options_are_loud(option, words):
    with pytest.raises(ValueError, match=words):
        filtered({}, option)


def test_the_same_workspace_twice_is_no_mistake():
    assert AccountWorkspaces.from_option({"acc": WORKSPACE, "ACC": WORKSPACE.upper()}).of("acc") == WORKSPACE


@pytest.mark.parametrize("title", [None, "", " \n", 7, {"a": 1}], ids=repr)
def test_event_without_title_is_found_by_its_time(title):
    """Whoever raises an incident may leave its title out, which must not keep it from its ticket."""
    entry = filtered(created(title=title))["entry"]
    named = {"id": "61024", "source": "DefenderXDR", "workspaceId": OTHER, "creationTime": entry["created_at"]}
    for name in (None, "A name"):
        found = add_workspaces([entry], [{**named, "title": title, "name": name}])
        assert [incident["workspace_id"] for incident in found["incidents"]] == [OTHER]
    assert add_workspaces([entry], [{**named, "title": "Another"}])["incidents"] == []


def test_a_title_that_is_no_utf8():
    after = filtered(created(title="a\ud800"))
    assert after["incident"]["title"] == "a?"  # as the modules' results show it
    assert after["entry"]["title_sha256"] == title_digest("a?")


def test_the_plugin():
    main = event_plugin("event_filter/contraforce_incident.py").main
    assert main(created(), workspaces={"acc-17": WORKSPACE}) == filtered(created(), {"acc-17": WORKSPACE})
    assert main(created()) == filtered(created())
    with pytest.raises(ValueError, match="must be a mapping"):
        main({}, workspaces="{{ workspaces }}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("source", "incidentId", "incidentNumber", "id", "number", "title", "createdAt", "creationTime", "workspaceId")
LIKELY = st.sampled_from(
    ["sentinel", "61024", 7, TITLE, HOSTILE, "2026-11-21T10:00:00Z", WORKSPACE, "9999-12-31T23:59:59-10:00"]
)
FURTHER = ("accountId", "accountName", "status", "severity")
DATA = JSON | st.fixed_dictionaries({}, optional=dict.fromkeys((*NAMES, *FURTHER), LIKELY | JSON))
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
}


@given(EVENTS)
def test_nothing_that_an_event_holds_is_too_much(event):
    after = filtered(event, {"acc-17": WORKSPACE, TITLE: OTHER})
    if after is event:
        return
    assert ("entry" in after) != ("refused" in after)
    assert HOSTILE not in str(after.get("refused"))
    if "entry" in after:  # the runbooks take it
        entry = after["entry"]
        incident_key(entry.get("workspace_id", WORKSPACE), entry["source"], entry["incident_id"])
        assert evidence_problem(entry) == ""
    for name, value in after.get("entry", {}).items():
        assert isinstance(value, str)
        assert re.fullmatch(SAFE[name], value), name
    assert all(isinstance(value, str) for value in after["incident"].values())
