# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test lists of incidents of the modules that comment on, assign and read incidents."""

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
from ansible_collections.secops.itsm.tests.unit.messages import has_fact

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
SHARED = {"workspace_id": WORKSPACE, "source": "Splunk"}
NO_COMMENTS = Reply(body={"data": []})
MODULES = [contraforce_incident_assignee, contraforce_incident_comment, contraforce_incident_info]
EVERY_MODULE = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition("_")[2])

#: The required options of each module besides the incidents.
OWN = {
    contraforce_incident_assignee: {"email": "day@soc.example"},
    contraforce_incident_comment: {"comment": "Seen."},
    contraforce_incident_info: {},
}


def shown(name: str, **record: Any) -> Reply:
    """Return the response with an incident."""
    return Reply(body={"data": {"id": name, "status": "New", "title": f"Title {name}", **record}})


def commented(*messages: str) -> Reply:
    """Return the response with an incident's comments."""
    return Reply(body={"data": [{"id": f"c{place}", "message": text} for place, text in enumerate(messages)]})


def posted(message: str) -> Reply:
    """Return the response to a posted comment."""
    return Reply(201, {"data": {"id": "c9", "message": message}})


def run(module: Any, server: Any, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """Return the result of a task, which handles one entry at a time, so that requests have a known order."""
    connections = ConnectionPool()
    given = {"url": server.url, "access_token": "token-of-a-test", "retry_timeout": 0, "concurrency": 1, **arguments}
    settings = {"check_mode": check_mode, "diff_mode": True, "connections": connections, "clock": FakeClock()}
    try:
        return run_in_process(module.DEFINITION, "secops.itsm.it", given, settings)
    finally:
        connections.close()


def sent(server: Any, method: str) -> list[tuple[str, Any]]:
    """Return the paths and bodies of the requests with a method."""
    return [
        (request.target.rpartition("/api/v2")[2], json.loads(request.body))
        for request in server.seen
        if request.method == method
    ]


def column(result: dict[str, Any], key: str) -> list[Any]:
    """Return a key of each entry's result."""
    return [entry.get(key) for entry in result["results"]]


# --- all modules ----------------------------------------------------------------------------------------------------


@EVERY_MODULE
@pytest.mark.parametrize(
    "options, facts",
    [
        ({"incidents": [{**SHARED, "incident_id": "1", "severity": "High"}]}, ["severity"]),
        ({**SHARED, "incident_id": "1", "incidents": [{"incident_id": "2"}]}, ["mutually exclusive"]),
    ],
)
def test_invalid_list_is_refused_before_any_request(serve, module, options, facts):
    server = serve()
    result = run(module, server, **{**OWN[module], **options})
    assert (result["failed"], server.seen) == (True, [])
    assert all(fact in result["msg"] for fact in facts)


@EVERY_MODULE
def test_entry_without_an_identity_fails_alone(serve, module):
    server = serve(Reply(404), Reply(404))
    entries = [{"incident_id": "1", "source": "Splunk"}, {**SHARED, "incident_id": "2"}]
    result = run(module, server, **OWN[module], incidents=entries)
    assert [error["category"] for error in column(result, "error")] == ["configuration", "not_found"]
    first, second = column(result, "msg")
    assert all(has_fact(first, fact) for fact in ("Splunk", 1, "workspace_id"))
    assert all(has_fact(second, fact) for fact in (2, WORKSPACE))


# --- comments -------------------------------------------------------------------------------------------------------


def test_comment_and_marker_of_an_entry_override_the_task(serve):
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


def test_entry_without_a_comment_fails_alone(serve):
    server = serve(commented("Seen."))
    entries = [{"incident_id": "1"}, {"incident_id": "2", "comment": "Seen."}]
    result = run(contraforce_incident_comment, server, **SHARED, incidents=entries)
    assert (column(result, "failed"), column(result, "changed")) == ([True, False], [False, False])
    assert all(has_fact(column(result, "msg")[0], fact) for fact in ("comment", "missing", 1, "Splunk"))
    assert len(server.seen) == 1


def test_different_comments_on_one_incident_are_refused(serve):
    server = serve()
    entries = [{"incident_id": "1", "comment": text} for text in ("First.", "Second.")]
    result = run(contraforce_incident_comment, server, **SHARED, incidents=entries)
    assert column(result, "failed") == [True, True]
    assert all(has_fact(result["msg"], fact) for fact in (1, 2))
    assert server.seen == []


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
def test_assignee_of_an_entry_overrides_the_task(serve, of_task, entry, body):
    server = serve(shown("1"), Reply(204), shown("1"))
    result = run(contraforce_incident_assignee, server, **SHARED, **of_task, incidents=[{"incident_id": "1", **entry}])
    assert sent(server, "PUT") == [(f"/workspaces/{WORKSPACE}/incidents/Splunk/1/assignee", body)], result
    assert (column(result, "changed"), column(result, "title")) == ([True], ["Title 1"])
    # The record would make the result of a long list too large.
    assert "incident" not in result["results"][0]


@pytest.mark.parametrize("own", [{}, {"email": "day@soc.example", "user_id": "u-7"}])
def test_entry_without_exactly_one_assignee_fails(serve, own):
    server = serve()
    result = run(contraforce_incident_assignee, server, **SHARED, incidents=[{"incident_id": "1", **own}])
    assert all(has_fact(column(result, "msg")[0], fact) for fact in ("email", "user_id", 1))
    assert server.seen == []


# --- reads ----------------------------------------------------------------------------------------------------------


def read(server: Any, entries: Sequence[Any], **arguments: Any) -> dict[str, Any]:
    """Return the result of the module that reads incidents."""
    return run(contraforce_incident_info, server, incidents=entries, **arguments)


def test_each_entry_has_the_record_of_its_incident(serve):
    server = serve(shown("1", ticketId="41877"), Reply(404), shown("3"))
    entries = [{"incident_id": "1"}, {"incident_id": "2"}, {"incident_id": "3", "workspace_id": OTHER}]
    result = read(server, entries, **SHARED)
    first, second, third = result["results"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert all(has_fact(result["msg"], fact) for fact in ("0 changed, 2 ok, 1 failed", 2, "Splunk"))
    assert first["incident"]["ticketId"] == "41877"
    assert (first["link"]["link"], first["link"]["ticket_id"]) == ("linked", "41877")
    assert (third["incident"]["id"], third["workspace_id"], third["title"]) == ("3", OTHER, "Title 3")
    assert (second["failed"], second["error"]["category"], "incident" in second) == (True, "not_found", False)
    # A read has no state before and after.
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


def test_filters_cannot_be_combined_with_incidents(serve):
    server = serve(shown("1"))
    for name, value in (("severities", ["High"]), ("query", "x"), ("limit", 5), ("include_unassigned", False)):
        result = read(server, [{"incident_id": "1"}], **SHARED, **{name: value})
        assert (result["error"]["category"], server.seen) == ("configuration", [])
        assert has_fact(result["msg"], name)
    assert read(server, [{"incident_id": "1"}], **SHARED, severities=[], query="")["failed"] is False
