# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of incidents to comment, to assign and to read: what an entry may say, and what is sent for it."""

from __future__ import annotations

import json
from typing import Any, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.modules import (
    contraforce_incident_assignee,
    contraforce_incident_comment,
    contraforce_incident_info,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import run_in_process
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
SHARED = {"workspace_id": WORKSPACE, "source": "Splunk"}
NO_COMMENTS = Reply(body={"data": []})
MODULES = [contraforce_incident_assignee, contraforce_incident_comment, contraforce_incident_info]
EVERY_MODULE = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition("_")[2])

#: What each module needs besides the incidents.
OWN = {
    contraforce_incident_assignee: {"email": "day@soc.example"},
    contraforce_incident_comment: {"comment": "Seen."},
    contraforce_incident_info: {},
}


def shown(name: str, **record: Any) -> Reply:
    """The read of an incident."""
    return Reply(body={"data": {"id": name, "status": "New", "title": f"Title {name}", **record}})


def commented(*messages: str) -> Reply:
    """The read of an incident's comments."""
    return Reply(body={"data": [{"id": f"c{place}", "message": text} for place, text in enumerate(messages)]})


def posted(message: str) -> Reply:
    """The answer to a comment."""
    return Reply(201, {"data": {"id": "c9", "message": message}})


def run(module: Any, server: Any, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """What a task returns; one entry after the other, so that the answers of the server are in a known order."""
    connections = ConnectionPool()
    given = {"url": server.url, "access_token": "token-of-a-test", "retry_timeout": 0, "concurrency": 1, **arguments}
    settings = {"check_mode": check_mode, "diff_mode": True, "connections": connections, "clock": FakeClock()}
    try:
        return run_in_process(module.DEFINITION, "secops.itsm.it", given, settings)
    finally:
        connections.close()


def sent(server: Any, method: str) -> list[tuple[str, Any]]:
    """The paths and bodies of the requests with a method."""
    return [
        (request.target.rpartition("/api/v2")[2], json.loads(request.body))
        for request in server.seen
        if request.method == method
    ]


def column(result: dict[str, Any], key: str) -> list[Any]:
    """A key of each entry's result."""
    return [entry.get(key) for entry in result["results"]]


# --- what all of them have in common --------------------------------------------------------------------------------


@EVERY_MODULE
def test_an_unknown_key_of_an_entry_is_refused_before_any_request(serve, module):
    server = serve()
    result = run(module, server, **OWN[module], incidents=[{**SHARED, "incident_id": "1", "severity": "High"}])
    assert (result["failed"], result["error"]["category"]) == (True, "configuration")
    assert "severity" in result["msg"]
    assert server.seen == []


@EVERY_MODULE
def test_one_incident_and_a_list_exclude_each_other(serve, module):
    server = serve()
    result = run(module, server, **SHARED, **OWN[module], incident_id="1", incidents=[{"incident_id": "2"}])
    assert "mutually exclusive" in result["msg"]
    assert server.seen == []


@EVERY_MODULE
def test_an_empty_list_is_ok_and_sends_nothing(serve, module):
    server = serve()
    result = run(module, server, **OWN[module], incidents=[])
    assert (result["failed"], result["results"], result["msg"]) == (False, [], "0 changed, 0 ok, 0 failed")
    assert server.seen == []


@EVERY_MODULE
def test_an_entry_that_is_not_named_fails_alone(serve, module):
    server = serve(Reply(404), Reply(404))
    entries = [{"incident_id": "1", "source": "Splunk"}, {**SHARED, "incident_id": "2"}]
    result = run(module, server, **OWN[module], incidents=entries)
    assert [error["category"] for error in column(result, "error")] == ["configuration", "not_found"]
    assert column(result, "msg")[0].startswith("Entry 1 of the list (source Splunk, incident_id 1) lacks workspace_id.")
    assert [name in column(result, "msg")[1] for name in ("ncident 2 ", WORKSPACE)] == [True, True]


@EVERY_MODULE
def test_an_incident_that_is_there_twice_is_handled_once(serve, module):
    server = serve(Reply(404))
    entries = [{"incident_id": "1"}, {"incident_id": "1", "source": "splunk"}]
    result = run(module, server, **SHARED, **OWN[module], incidents=entries)
    assert column(result, "duplicate_of") == [None, 0]
    assert len(server.seen) == 1
    assert result["summary"] == {"total": 1, "changed": 0, "ok": 0, "failed": 1, "duplicates": 1}


# --- comments -------------------------------------------------------------------------------------------------------


def test_comments_and_markers_of_entries_stand_in_for_those_of_the_task(serve):
    texts = ["For all.\n\n[CHG-1]", "Its own.\n\n[CHG-1]", "For all.\n\n[CHG-2]"]
    replies = [reply for text in texts for reply in (NO_COMMENTS, posted(text), commented(text))]
    server = serve(*replies)
    entries = [
        {"incident_id": "1", "comment": " ", "marker": ""},
        {"incident_id": "2", "comment": "Its own."},
        {"incident_id": "3", "marker": "CHG-2"},
    ]
    result = run(contraforce_incident_comment, server, **SHARED, comment="For all.", marker="CHG-1", incidents=entries)
    assert (result["failed"], result["msg"]) == (False, "3 changed, 0 ok, 0 failed"), result
    paths = [f"/workspaces/{WORKSPACE}/incidents/Splunk/{number}/comments" for number in (1, 2, 3)]
    assert sent(server, "POST") == [(path, {"content": text}) for path, text in zip(paths, texts)]
    assert column(result, "before") == [{"comment": None}] * 3
    assert column(result, "after") == [{"comment": text} for text in texts]
    assert [entry["comment"]["message"] for entry in result["results"]] == texts
    assert [diff["after"]["comment"] for diff in result["diff"]] == texts


def test_an_entry_without_a_comment_fails_alone(serve):
    server = serve(commented("Seen."))
    entries = [{"incident_id": "1"}, {"incident_id": "2", "comment": "Seen."}]
    result = run(contraforce_incident_comment, server, **SHARED, incidents=entries)
    assert (column(result, "failed"), column(result, "changed")) == ([True, False], [False, False])
    assert column(result, "msg")[0].startswith("comment is missing: name what is to be posted to incident 1 (Splunk, ")
    assert len(server.seen) == 1


def test_a_single_incident_needs_a_comment(serve):
    server = serve()
    result = run(contraforce_incident_comment, server, **SHARED, incident_id="1")
    assert result["error"]["category"] == "configuration"
    assert "comment is missing" in result["msg"]
    assert server.seen == []


def test_two_comments_on_one_incident_contradict_each_other(serve):
    server = serve()
    entries = [{"incident_id": "1", "comment": text} for text in ("First.", "Second.")]
    result = run(contraforce_incident_comment, server, **SHARED, incidents=entries)
    assert column(result, "failed") == [True, True]
    assert "Entries 1, 2 of the list" in result["msg"]
    assert server.seen == []


def test_a_comment_that_is_kept_in_other_words_is_a_warning_of_its_entry(serve):
    server = serve(
        NO_COMMENTS,
        posted("<p>Seen.</p>"),
        Reply(body={"data": [{"id": "c9", "message": "<p>Seen.</p>"}]}),
        commented("Seen."),
    )
    result = run(
        contraforce_incident_comment,
        server,
        **SHARED,
        comment="Seen.",
        incidents=[{"incident_id": "1"}, {"incident_id": "2"}],
    )
    (warning,) = column(result, "warnings")[0]
    assert "in other words than it was given" in warning
    assert column(result, "warnings")[1] is None
    assert result["warnings"] == [warning]


# --- assignees ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "of_task, entry, body",
    [
        ({"email": "day@soc.example"}, {"user_id": "u-7"}, {"userId": "u-7"}),
        ({"user_id": "u-7"}, {"email": "day@soc.example"}, {"email": "day@soc.example"}),
        ({"email": "day@soc.example"}, {"email": " ", "user_id": ""}, {"email": "day@soc.example"}),
        ({}, {"email": "day@soc.example"}, {"email": "day@soc.example"}),
    ],
)
def test_the_assignee_of_an_entry_displaces_that_of_the_task(serve, of_task, entry, body):
    server = serve(shown("1"), Reply(204), shown("1"))
    result = run(contraforce_incident_assignee, server, **SHARED, **of_task, incidents=[{"incident_id": "1", **entry}])
    assert sent(server, "PUT") == [(f"/workspaces/{WORKSPACE}/incidents/Splunk/1/assignee", body)], result
    assert (column(result, "changed"), column(result, "title")) == ([True], ["Title 1"])
    # The record would make the result of a long list too large.
    assert "incident" not in result["results"][0]


@pytest.mark.parametrize("own", [{}, {"email": "day@soc.example", "user_id": "u-7"}])
def test_an_entry_needs_exactly_one_assignee(serve, own):
    server = serve()
    result = run(contraforce_incident_assignee, server, **SHARED, incidents=[{"incident_id": "1", **own}])
    assert column(result, "msg")[0].startswith("Give either email or user_id: exactly one says whom incident 1 ")
    assert server.seen == []


def test_check_mode_names_what_cannot_be_verified_for_each_entry(serve):
    assigned = {"user": {"email": "DAY@soc.example"}}
    server = serve(shown("1"), shown("2", **assigned))
    entries = [{"incident_id": "1"}, {"incident_id": "2"}]
    result = run(
        contraforce_incident_assignee, server, check_mode=True, **SHARED, email="day@soc.example", incidents=entries
    )
    first, second = result["results"]
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["unverified"] == [
        "email 'day@soc.example' cannot be checked: the service does not show who can be assigned."
    ]
    assert second["unverified"] == []
    assert "rests on no evidence" in first["warnings"][0]
    assert result["msg"] == "1 would change, 1 ok, 0 failed"


# --- reads ----------------------------------------------------------------------------------------------------------


def read(server: Any, entries: Sequence[Any], **arguments: Any) -> dict[str, Any]:
    return run(contraforce_incident_info, server, incidents=entries, **arguments)


def test_each_entry_has_the_record_of_its_incident(serve):
    server = serve(shown("1", ticketId="41877"), Reply(404), shown("3"))
    entries = [{"incident_id": "1"}, {"incident_id": "2"}, {"incident_id": "3", "workspace_id": OTHER}]
    result = read(server, entries, **SHARED)
    first, second, third = result["results"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("0 changed, 2 ok, 1 failed: The incident 2 (Splunk, ")
    assert first["incident"]["ticketId"] == "41877"
    assert (first["link"]["link"], first["link"]["ticket_id"]) == ("linked", "41877")
    assert (third["incident"]["id"], third["workspace_id"], third["title"]) == ("3", OTHER, "Title 3")
    assert (second["failed"], second["error"]["category"], "incident" in second) == (True, "not_found", False)
    # It is a read: there is no state before and after.
    for entry in result["results"]:
        assert not {"before", "after", "diff", "incidents", "truncated", "details", "comments"} & set(entry)
    assert "diff" not in result


def test_details_and_comments_are_read_for_each_entry(serve):
    details = {"investigationDetails": {"entities": []}, "evidence": [1]}
    first = Reply(body={"data": {"incident": {"id": "1", "status": "New"}, **details}})
    server = serve(first, commented("Seen."), shown("2"), NO_COMMENTS)
    result = read(server, [{"incident_id": "1"}, {"incident_id": "2"}], **SHARED, details=True, comments=True)
    assert result["results"][0]["details"] == {**details, "gamebookCatalog": None}
    assert [[comment["message"] for comment in entry["comments"]] for entry in result["results"]] == [["Seen."], []]
    assert [request.target.rpartition("/api/v2")[2] for request in server.seen][:2] == [
        f"/workspaces/{WORKSPACE}/incidents/Splunk/1?withDetails=true",
        f"/workspaces/{WORKSPACE}/incidents/Splunk/1/comments",
    ]


def test_a_repeated_entry_has_the_record_too(serve):
    server = serve(shown("1"))
    result = read(server, [{"incident_id": "1"}, {"incident_id": "1"}], **SHARED)
    assert [entry["incident"]["id"] for entry in result["results"]] == ["1", "1"]
    assert not {"before", "diff"} & set(result["results"][1])


@pytest.mark.parametrize(
    "name, value", [("severities", ["High"]), ("query", "x"), ("limit", 5), ("include_unassigned", False)]
)
def test_a_filter_does_not_go_with_the_incidents_that_are_named(serve, name, value):
    server = serve()
    result = read(server, [{"incident_id": "1"}], **SHARED, **{name: value})
    assert result["error"]["category"] == "configuration"
    assert result["msg"].startswith(f"{name}: only for a list ")
    assert server.seen == []


def test_empty_filters_go_with_the_incidents_that_are_named(serve):
    server = serve(shown("1"))
    assert read(server, [{"incident_id": "1"}], **SHARED, severities=[], query="")["failed"] is False
