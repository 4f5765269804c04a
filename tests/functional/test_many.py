# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list in one task, as its user sees it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES, Case, bulk_incident_entries
from ansible_collections.secops.itsm.tests.unit.loopback import free_port

STATUS = "secops.itsm.contraforce_incident_status"
CLOSURE = {"status": "Closed", "classification": "FalsePositive", "classification_reason": "InaccurateData"}
BOTH = pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
SLOW = {"latency": 0.3, "times": -1}
REFUSED = {"status": 429, "headers": {"Retry-After": "1"}}


def closing(incidents: Any, keywords: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """A task that closes incidents."""
    wanted = {**CLOSURE, "comment": "Closed in a list.", **arguments}
    return {"name": "Close all", STATUS: {"incidents": incidents, **wanted}, **(keywords or {})}


def stored(sandbox):
    """What became of the crowd: status and the number of comments of each incident, in its order."""
    known = {entry["id"]: (entry["status"], len(entry["comments"])) for entry in sandbox.state()["incidents"]}
    return [state for name, state in sorted(known.items()) if name.startswith("00000000-0000-4000-8000-")]


def progress_in(output):
    """The lines that tell how far a list is."""
    return re.findall(r"^secops\.itsm: (\d+) of (\d+) incidents after \d+ s: .*$", output, re.MULTILINE)


@BOTH
def test_results_in_the_order_of_the_list(player, sandbox, way):
    sandbox.reset(crowd=20)
    incidents = bulk_incident_entries(20)
    tasks = [
        closing(incidents[3:5], {"register": "before"}),
        closing([*incidents, incidents[7]], comment="For all."),
    ]
    played = player.play_tasks(tasks, environment=way)
    assert played.code == 0, played.output
    result = played.result
    assert result["msg"] == "18 changed, 2 ok, 0 failed (1 of the list were there twice)"
    assert result["summary"] == {"total": 20, "changed": 18, "ok": 2, "failed": 0, "duplicates": 1}
    named = [entry["incident_id"] for entry in result["results"]]
    assert named == [incident["incident_id"] for incident in [*incidents, incidents[7]]]
    changed = [entry["changed"] for entry in result["results"]]
    assert changed == [place not in (3, 4) for place in range(20)] + [False]
    assert result["results"][20]["duplicate_of"] == 7
    # For people; the crowd's incidents are counted from 1.
    assert [entry["title"] for entry in result["results"]] == [
        f"Incident {number} of a crowd" for number in [*range(1, 21), 8]
    ]
    assert stored(sandbox) == [("Closed", 1)] * 20
    # One read, one write and one read-back for each that changes, one read for each that does not.
    assert [sandbox.journal()[kind] for kind in ("reads", "writes")] == [2 * 2 + 18 * 2 + 2, 2 + 18]


@BOTH
def test_incidents_are_assigned_commented_and_read_in_lists(player, sandbox, way):
    """Each has the requests of a single run, and a second run only reads."""
    sandbox.reset(crowd=12)
    incidents = bulk_incident_entries(12)
    own = [{**incidents[0], "email": "analyst@northwind.example", "comment": "Its own."}, *incidents[1:]]
    entries = {
        key: [{name: value for name, value in entry.items() if name in (*incidents[0], key)} for entry in own]
        for key in ("email", "comment")
    }
    modules = {
        "assign": {
            "contraforce_incident_assignee": {"incidents": entries["email"], "email": "d.duty@northwind.example"}
        },
        "comment": {"contraforce_incident_comment": {"incidents": entries["comment"], "comment": "For all."}},
        "read": {"contraforce_incident_info": {"incidents": incidents, "comments": True}},
    }
    cases = [
        Case(name, {"name": name, **{f"secops.itsm.{module}": task for module, task in tasks.items()}})
        for name, tasks in modules.items()
    ]
    played = player.play_cases(sandbox, cases, anew=False, environment=way)
    assert played.code == 0, played.output
    assert played.results["assign"]["msg"] == played.results["comment"]["msg"] == "12 changed, 0 ok, 0 failed"
    assert played.results["read"]["msg"] == "0 changed, 12 ok, 0 failed"
    read = played.results["read"]["results"]
    assert [entry["incident"]["id"] for entry in read] == [incident["incident_id"] for incident in incidents]
    people = [entry["incident"]["user"]["email"].partition("@")[0] for entry in read]
    assert people == ["analyst", *["d.duty"] * 11]
    texts = [[comment["message"] for comment in entry["comments"]] for entry in read]
    assert texts == [["Its own."], *[["For all."]] * 11]
    journal = sandbox.journal()
    assert [journal[kind] for kind in ("reads", "writes")] == [2 * 2 * 12 + 2 * 12, 2 * 12]
    again = player.play_cases(sandbox, cases, anew=False, environment=way)
    assert [again.results[name]["msg"] for name in modules] == ["0 changed, 12 ok, 0 failed"] * 3
    assert sandbox.journal()["writes"] == 2 * 12


@BOTH
def test_blank_cells_default_to_the_task_and_null_texts_are_refused(player, sandbox, way):
    sandbox.reset(crowd=3)
    first, second, third = bulk_incident_entries(3)
    blanks = {"comment": "  ", "status": "", "classification": " ", "update_ticket": "", "ticket_id": "\n"}
    spaced = {name: f" {value}\t" for name, value in second.items()}
    link = {"secops.itsm.contraforce_ticket_link": {**third, "ticket_id": "{{ none | string }}"}, "name": "Link"}
    cases = [Case("close", closing([{**first, **blanks}, spaced])), Case("link", link)]
    played = player.play_cases(sandbox, cases, anew=False, environment=way)
    assert played.results["close"]["msg"] == "2 changed, 0 ok, 0 failed", played.output
    comments = [entry["comments"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"]
    assert [comment["message"] for found in comments for comment in found][-2:] == ["Closed in a list."] * 2
    assert stored(sandbox) == [("Closed", 1), ("Closed", 1), ("New", 0)]
    assert played.results["link"]["error"]["category"] == "configuration"
    assert played.results["link"]["msg"].startswith("ticket_id is the text 'None'")
    assert sandbox.journal()["writes"] == 2


@BOTH
def test_check_mode_and_difference(player, sandbox, way):
    sandbox.reset(crowd=4)
    incidents = bulk_incident_entries(4)
    task = closing(incidents)
    before = player.play_tasks([task], "--check", "--diff", environment=way)
    assert sandbox.journal()["writes"] == 0
    after = player.play_tasks([task], "--diff", environment=way)
    for played, counted in ((before, "would change"), (after, "changed")):
        assert played.result["msg"] == f"4 {counted}, 0 ok, 0 failed"
        assert len(re.findall(r'^\+ +"?comment"?: "Closed in a list\."', played.output, re.MULTILINE)) == 4
        shown = re.findall(r"^--- before: incident (\S+) ", played.output, re.MULTILINE)
        assert shown == [incident["incident_id"] for incident in incidents]
    assert [entry["diff"] for entry in before.result["results"]] == [entry["diff"] for entry in after.result["results"]]
    again = player.play_tasks([task], "--diff", environment=way)
    assert again.result["msg"] == "0 changed, 4 ok, 0 failed"
    assert "--- before" not in again.output


@BOTH
def test_one_failure_can_be_rescued_and_looked_at(player, sandbox, way):
    sandbox.reset(crowd=3)
    incidents = bulk_incident_entries(3)
    incidents.insert(1, {**incidents[0], "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"})
    failed = "{{ closed.results | selectattr('failed') | map(attribute='incident_id') | list }}"
    others = "{{ closed.results | rejectattr('failed') | selectattr('changed') | list }}"
    tasks = [
        {
            "name": "Try",
            "block": [closing(incidents, {"register": "closed"})],
            "rescue": [
                {"name": "Say which", "ansible.builtin.debug": {"msg": failed}},
                {
                    "name": "Say of the others",
                    "ansible.builtin.debug": {"msg": "{{ item.title }} is {{ item.after.status }}"},
                    "loop": others,
                },
            ],
        },
        {"name": "Go on", "ansible.builtin.debug": {"msg": "{{ closed.msg }}"}},
    ]
    played = player.play_tasks(tasks, environment=way)
    assert played.code == 0, played.output
    assert played.result["msg"].startswith(
        "3 changed, 0 ok, 1 failed: Incident 9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6 (Sentinel, "
    )
    assert re.search(r'"msg": \[\s+"9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"\s+\]', played.output)
    told = re.findall(r'"msg": "(.*) is Closed"', played.output)
    assert told == [f"Incident {number} of a crowd" for number in (1, 2, 3)]
    assert stored(sandbox) == [("Closed", 1)] * 3
    assert played.words.count("3 changed, 0 ok, 1 failed: Incident 9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6") >= 2


def test_progress_is_on_the_terminal_and_nowhere_else(player, sandbox):
    """As often as asked for, never with 0, and not by a module, which cannot reach the terminal."""
    often, never = {"vars": {"secops_itsm_progress_seconds": 0.2}}, {"vars": {"secops_itsm_progress_seconds": 0}}
    as_text = {"vars": {"secops_itsm_progress_seconds": "0.2"}}
    task = closing(bulk_incident_entries(12), concurrency=4)
    cases = [
        Case("often", {**task, **often, "name": "Do often"}, [SLOW], crowd=12),
        Case("never", {**task, **never, "name": "Do never"}, [SLOW], crowd=12),
        Case("as a text", {**task, **as_text, "name": "Do text"}, [SLOW], crowd=12),
        Case("hidden", {**task, **often, "no_log": True, "name": "Do hidden"}, [SLOW], crowd=12),
    ]
    played = player.play_cases(sandbox, cases)
    assert played.code == 0, played.output
    parts = re.split(r"^TASK \[(.*)\] \**\n", played.output, flags=re.MULTILINE)
    shown = {title: progress_in(text) for title, text in zip(parts[1::2], parts[2::2])}
    for title in ("Do often", "Do text"):
        assert shown[title], played.output
        done = [int(number) for number, total in shown[title] if total == "12"]
        assert done == sorted(done)
        assert done[-1] < 12
    assert not shown["Do never"]
    assert "secops.itsm: " not in str(played.results)
    as_module = player.play_cases(sandbox, cases[:1], environment=AS_MODULES)
    assert as_module.results["often"]["msg"] == "12 changed, 0 ok, 0 failed"
    assert not progress_in(as_module.output)


@BOTH
def test_refusals_for_too_many_requests_slow_all_workers(player, sandbox, way):
    """Six refusals: at the beginning, and in the middle. None of the workers hammers, and all incidents close."""
    sandbox.reset(crowd=30)
    ways = [{"operation": "v2-get-incident", "latency": 0.01, "times": 20}]
    sandbox.set_faults(REFUSED, *ways, {**REFUSED, "times": 5})
    played = player.play_tasks([closing(bulk_incident_entries(30))], environment=way)
    assert played.code == 0, played.output
    assert played.result["msg"] == "30 changed, 0 ok, 0 failed"
    assert stored(sandbox) == [("Closed", 1)] * 30
    entries = sandbox.journal()["entries"]
    assert [entry["status"] for entry in entries].count(429) == 6
    # Each refused request is sent again once for each refusal, and nothing else is.
    assert len(entries) == 30 * 3 + 6


@pytest.mark.parametrize("answered", [0, 40])
def test_service_that_refuses_for_good_is_not_asked_by_each_worker(player, sandbox, answered):
    """From some request on, every one is refused; patience is that of the task, not that of each entry."""
    sandbox.reset(crowd=100)
    sandbox.set_faults({"latency": 0.01, "times": answered}, {**REFUSED, "times": -1})
    played = player.play_tasks([closing(bulk_incident_entries(100), retry_timeout=3, verify_timeout=3)])
    failed = [entry for entry in played.result["results"] if entry["failed"]]
    assert len(failed) == 100 if answered == 0 else 80 <= len(failed) < 100
    assert {entry["error"]["category"] for entry in failed} == {"rate_limited"}
    assert played.result["error"]["retryable"] is True
    assert len(sandbox.journal()["entries"]) < answered + 40


@BOTH
def test_a_throttled_workspace_stops_no_other(player, sandbox, way):
    """The first entries of the list are those of the customer that is throttled."""
    sandbox.reset(crowd=30)
    other = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
    sandbox.set_faults({**REFUSED, "path": f"*/workspaces/{other}/*", "times": -1})
    throttled = [
        {"workspace_id": other, "source": "DefenderXDR", "incident_id": str(50370 + number)} for number in range(8)
    ]
    played = player.play_tasks([closing([*throttled, *bulk_incident_entries(30)], retry_timeout=3)], environment=way)
    assert played.result["msg"].startswith("30 changed, 0 ok, 8 failed: ")
    assert {entry["error"]["category"] for entry in played.result["results"][:8]} == {"rate_limited"}
    assert stored(sandbox) == [("Closed", 1)] * 30
    paths = [entry["path"] for entry in sandbox.journal()["entries"]]
    assert sum(other in path for path in paths) <= 4


def test_a_connection_that_is_retried_is_told_once_while_it_is(player, sandbox):
    """By a list as by a task, and with the address."""
    url = f"http://127.0.0.1:{free_port()}"
    incidents = bulk_incident_entries(20)
    tasks = [
        {
            "name": "Close one",
            "ignore_errors": True,
            STATUS: {**incidents[0], **CLOSURE, "url": url, "retry_timeout": 8},
        },
        closing(incidents, url=url, retry_timeout=8),
    ]
    played = player.play_tasks(tasks)
    parts = re.split(r"^TASK \[(.*)\] \**\n", played.output, flags=re.MULTILINE)
    shown = {
        title: text.count(f"The connection to ContraForce at {url} could not be made (Connection refused). The request")
        for title, text in zip(parts[1::2], parts[2::2])
    }
    assert (shown["Close one"], shown["Close all"]) == (1, 1), played.output


@BOTH
def test_wrong_credentials_are_refused_once(player, sandbox, way):
    sandbox.reset(crowd=100)
    played = player.play_tasks([closing(bulk_incident_entries(100), client_secret="wrong")], environment=way)
    assert {entry["error"]["category"] for entry in played.result["results"]} == {"authentication"}
    assert played.result["msg"].startswith("0 changed, 0 ok, 100 failed: ")
    assert len(sandbox.journal()["entries"]) <= 2


def test_workers_keep_their_connections(player, sandbox):
    """One for each worker, and the next list of the same loop gets new ones."""
    sandbox.reset(crowd=40)
    incidents = bulk_incident_entries(40)
    task = closing("{{ item }}", {"loop": [incidents[:20], incidents[20:]]}, concurrency=4)
    played = player.play_tasks([task])
    assert played.code == 0, played.output
    assert sandbox.journal()["connections"] <= 2 * (4 + 1)


@pytest.mark.parametrize("concurrency", [0, 33])
def test_number_of_workers_is_checked_before_anything_is_sent(player, sandbox, concurrency):
    played = player.play_tasks([closing(bulk_incident_entries(2), concurrency=concurrency)])
    assert played.result["error"]["category"] == "configuration"
    assert "from 1 to 32" in played.result["msg"]
    assert sandbox.journal()["entries"] == []
