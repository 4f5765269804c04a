# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test lists in one task as their user sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import (
    BOTH_MODES,
    Case,
    bulk_incident_entries,
)
from ansible_collections.secops.itsm.tests.unit.loopback import free_port

STATUS = "secops.itsm.contraforce_incident_status"
CLOSURE = {"status": "Closed", "classification": "FalsePositive", "classification_reason": "InaccurateData"}
SLOW = {"latency": 0.1, "times": -1}
REFUSED = {"status": 429, "headers": {"Retry-After": "1"}}


def closing(incidents: Any, keywords: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """Return a task that closes incidents.

    :param incidents: the list.
    :param keywords: keywords of the task.
    :param arguments: options of the module.
    """
    wanted = {**CLOSURE, "comment": "Closed in a list.", **arguments}
    return {"name": "Close all", STATUS: {"incidents": incidents, **wanted}, **(keywords or {})}


def stored(sandbox):
    """Return the status and the number of comments of each bulk incident."""
    known = {entry["id"]: (entry["status"], len(entry["comments"])) for entry in sandbox.state()["incidents"]}
    return [state for name, state in sorted(known.items()) if name.startswith("00000000-0000-4000-8000-")]


def progress_in(output):
    """Return the numbers of the progress lines."""
    return re.findall(r"^secops\.itsm: (\d+) of (\d+) incidents after \d+ s: .*$", output, re.MULTILINE)


@BOTH_MODES
def test_results_are_in_order_of_list(player, sandbox, mode):
    sandbox.reset(crowd=20)
    incidents = bulk_incident_entries(20)
    tasks = [
        closing(incidents[3:5], {"register": "before"}),
        closing([*incidents, incidents[7]], comment="For all."),
    ]
    played = player.play_tasks(tasks, environment=mode)
    assert played.code == 0, played.output
    result = played.result
    assert result["msg"] == "18 changed, 2 ok, 0 failed (1 duplicate)"
    assert result["summary"] == {"total": 20, "changed": 18, "ok": 2, "failed": 0, "duplicates": 1}
    named = [entry["incident_id"] for entry in result["results"]]
    assert named == [incident["incident_id"] for incident in [*incidents, incidents[7]]]
    changed = [entry["changed"] for entry in result["results"]]
    assert changed == [place not in (3, 4) for place in range(20)] + [False]
    assert result["results"][20]["duplicate_of"] == 7
    assert [entry["title"] for entry in result["results"]] == [
        f"Incident {number} of a crowd" for number in [*range(1, 21), 8]
    ]
    assert stored(sandbox) == [("Closed", 1)] * 20
    # A changed incident takes two reads and a write, an unchanged one takes one read.
    assert [sandbox.journal()[kind] for kind in ("reads", "writes")] == [2 * 2 + 18 * 2 + 2, 2 + 18]


@BOTH_MODES
def test_incidents_are_assigned_commented_and_read_in_lists(player, sandbox, mode):
    """Each incident takes the requests of a single task, and a second run only reads."""
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
        Case(f"{name}{run}", {"name": name, **{f"secops.itsm.{module}": task for module, task in tasks.items()}})
        for run in ("", " again")
        for name, tasks in modules.items()
    ]
    played = player.play_cases(sandbox, cases, reset=False, environment=mode)
    assert played.code == 0, played.output
    assert played.results["assign"]["msg"] == played.results["comment"]["msg"] == "12 changed, 0 ok, 0 failed"
    read = played.results["read"]["results"]
    assert [entry["incident"]["id"] for entry in read] == [incident["incident_id"] for incident in incidents]
    people = [entry["incident"]["user"]["email"].partition("@")[0] for entry in read]
    assert people == ["analyst", *["d.duty"] * 11]
    texts = [[comment["message"] for comment in entry["comments"]] for entry in read]
    assert texts == [["Its own."], *[["For all."]] * 11]
    unchanged = [played.results[name]["msg"] for name in ("read", "assign again", "comment again", "read again")]
    assert unchanged == ["0 changed, 12 ok, 0 failed"] * 4
    journal = sandbox.journal()
    reads_of_first_run, reads_of_second_run = 2 * 2 * 12 + 2 * 12, 2 * 12 + 2 * 12
    assert [journal[kind] for kind in ("reads", "writes")] == [reads_of_first_run + reads_of_second_run, 2 * 12]


def test_blank_cells_default_to_the_task_and_null_texts_are_refused(player, sandbox):
    sandbox.reset(crowd=3)
    first, second, third = bulk_incident_entries(3)
    blanks = {"comment": "  ", "status": "", "classification": " ", "update_ticket": "", "ticket_id": "\n"}
    spaced = {name: f" {value}\t" for name, value in second.items()}
    link = {"secops.itsm.contraforce_ticket_link": {**third, "ticket_id": "{{ none | string }}"}, "name": "Link"}
    cases = [Case("close", closing([{**first, **blanks}, spaced])), Case("link", link)]
    played = player.play_cases(sandbox, cases, reset=False)
    assert played.results["close"]["msg"] == "2 changed, 0 ok, 0 failed", played.output
    comments = [entry["comments"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"]
    assert [comment["message"] for found in comments for comment in found][-2:] == ["Closed in a list."] * 2
    assert stored(sandbox) == [("Closed", 1), ("Closed", 1), ("New", 0)]
    assert played.results["link"]["error"]["category"] == "configuration"
    assert played.results["link"]["msg"].startswith("ticket_id is the text 'None'")
    assert sandbox.journal()["writes"] == 2


@BOTH_MODES
def test_check_mode_and_difference(player, sandbox, mode):
    sandbox.reset(crowd=4)
    incidents = bulk_incident_entries(4)
    task = {**closing(incidents), "diff": True}
    cases = [
        Case(name, {**task, "name": name, "check_mode": name == "check mode"})
        for name in ("check mode", "run", "second run")
    ]
    played = player.play_cases(sandbox, cases, reset=False, environment=mode)
    assert sandbox.journal()["writes"] == 4
    sections = played.sections()
    for name, counted in (("check mode", "would change"), ("run", "changed")):
        assert played.results[name]["msg"] == f"4 {counted}, 0 ok, 0 failed"
        assert len(re.findall(r'^\+ +"?comment"?: "Closed in a list\."', sections[name], re.MULTILINE)) == 4
        shown = re.findall(r"^--- before: incident (\S+) ", sections[name], re.MULTILINE)
        assert shown == [incident["incident_id"] for incident in incidents]
    predicted, made = ([entry["diff"] for entry in played.results[name]["results"]] for name in ("check mode", "run"))
    assert predicted == made
    assert played.results["second run"]["msg"] == "0 changed, 4 ok, 0 failed"
    assert "--- before" not in sections["second run"]


def test_failure_of_one_entry_can_be_rescued(player, sandbox):
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
                {"name": "Show the failed incidents", "ansible.builtin.debug": {"msg": failed}},
                {
                    "name": "Show the others",
                    "ansible.builtin.debug": {"msg": "{{ item.title }} is {{ item.after.status }}"},
                    "loop": others,
                },
            ],
        },
        {"name": "Continue", "ansible.builtin.debug": {"msg": "{{ closed.msg }}"}},
    ]
    played = player.play_tasks(tasks)
    assert played.code == 0, played.output
    assert played.result["msg"].startswith(
        "3 changed, 0 ok, 1 failed: Incident 9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6 (Sentinel, "
    )
    assert re.search(r'"msg": \[\s+"9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"\s+\]', played.output)
    shown = re.findall(r'"msg": "(.*) is Closed"', played.output)
    assert shown == [f"Incident {number} of a crowd" for number in (1, 2, 3)]
    assert stored(sandbox) == [("Closed", 1)] * 3
    assert played.words.count("3 changed, 0 ok, 1 failed: Incident 9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6") >= 2


def test_progress_is_only_shown_on_the_terminal(player, sandbox):
    """An ordinary module cannot show it, as it does not reach the terminal."""
    task = closing(bulk_incident_entries(12), concurrency=4)
    often, never = {"secops_itsm_progress_seconds": 0.2}, {"secops_itsm_progress_seconds": 0}
    tasks = {
        "often": {**task, "vars": often},
        "as a string": {**task, "vars": {"secops_itsm_progress_seconds": "0.2"}},
        "never": {**task, "vars": never},
        "module": {**task, "vars": {**often, "secops_itsm_in_process": False}},
        "hidden": {**task, "vars": often, "no_log": True},
    }
    cases = [Case(name, {**given, "name": name}, [SLOW], crowd=12) for name, given in tasks.items()]
    played = player.play_cases(sandbox, cases)
    assert played.code == 0, played.output
    shown = {name: progress_in(text) for name, text in played.sections().items()}
    for name in ("often", "as a string"):
        assert shown[name], played.output
        done = [int(number) for number, total in shown[name] if total == "12"]
        assert done == sorted(done)
        assert done[-1] < 12
    assert not shown["never"]
    assert not shown["module"]
    assert {result["msg"] for result in played.results.values()} == {"12 changed, 0 ok, 0 failed"}
    assert "secops.itsm: " not in str(played.results)


def test_refusals_for_too_many_requests_slow_all_workers(player, sandbox):
    """Requests are refused first, and again later; all incidents are closed."""
    sandbox.reset(crowd=30)
    answered = {"operation": "v2-get-incident", "latency": 0.01, "times": 20}
    sandbox.set_faults(REFUSED, answered, {**REFUSED, "times": 3})
    played = player.play_tasks([closing(bulk_incident_entries(30))])
    assert played.code == 0, played.output
    assert played.result["msg"] == "30 changed, 0 ok, 0 failed"
    assert stored(sandbox) == [("Closed", 1)] * 30
    entries = sandbox.journal()["entries"]
    assert [entry["status"] for entry in entries].count(429) == 4
    # Only refused requests are sent again, once for each refusal.
    assert len(entries) == 30 * 3 + 4


@pytest.mark.parametrize("answered", [0, 40])
def test_persistent_refusal_is_not_met_by_each_worker(player, sandbox, answered):
    """Every request after the first ones is refused; retry_timeout applies to the task, not to each entry."""
    sandbox.reset(crowd=100)
    sandbox.set_faults({"latency": 0.01, "times": answered}, {**REFUSED, "times": -1})
    played = player.play_tasks([closing(bulk_incident_entries(100), retry_timeout=2, verify_timeout=2)])
    failed = [entry for entry in played.result["results"] if entry["failed"]]
    assert len(failed) == 100 if answered == 0 else 80 <= len(failed) < 100
    assert {entry["error"]["category"] for entry in failed} == {"rate_limited"}
    assert played.result["error"]["retryable"] is True
    assert len(sandbox.journal()["entries"]) < answered + 40


@BOTH_MODES
def test_throttled_workspace_does_not_delay_others(player, sandbox, mode):
    """The list begins with the throttled workspace."""
    sandbox.reset(crowd=30)
    other = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
    sandbox.set_faults({**REFUSED, "path": f"*/workspaces/{other}/*", "times": -1})
    throttled = [
        {"workspace_id": other, "source": "DefenderXDR", "incident_id": str(50370 + number)} for number in range(8)
    ]
    tasks = [closing([*throttled, *bulk_incident_entries(30)], retry_timeout=2)]
    played = player.play_tasks(tasks, environment=mode)
    assert played.result["msg"].startswith("30 changed, 0 ok, 8 failed: ")
    assert {entry["error"]["category"] for entry in played.result["results"][:8]} == {"rate_limited"}
    assert stored(sandbox) == [("Closed", 1)] * 30
    paths = [entry["path"] for entry in sandbox.journal()["entries"]]
    assert sum(other in path for path in paths) <= 4


def test_retried_connection_is_reported_once(player, sandbox):
    """The notice contains the address; a list shows it as often as a single task."""
    url = f"http://127.0.0.1:{free_port()}"
    incidents = bulk_incident_entries(20)
    single = {STATUS: {**incidents[0], **CLOSURE, "url": url, "retry_timeout": 8}}
    tasks = [
        {"name": "Close one", **single, "when": "inventory_hostname == 'single'"},
        closing(incidents, {"when": "inventory_hostname == 'list'"}, url=url, retry_timeout=8),
    ]
    path = player.write(tasks)
    # Both wait for seconds, so they run in parallel.
    path.write_text(path.read_text().replace("hosts: localhost", "hosts: all\n  strategy: free"))
    played = player.play(path, "-i", "single,list,", "-e", "ansible_connection=local")
    words = f"The connection to ContraForce at {url} failed (Connection refused). The request"
    assert played.output.count(words) == 2, played.output


def test_invalid_concurrency_and_wrong_credentials_stop_early(player, sandbox):
    sandbox.reset(crowd=100)
    incidents = bulk_incident_entries(100)
    cases = [
        *(Case(f"concurrency {number}", closing(incidents, concurrency=number)) for number in (0, 33)),
        Case("credentials", closing(incidents, client_secret="wrong")),
    ]
    played = player.play_cases(sandbox, cases, reset=False)
    for name in ("concurrency 0", "concurrency 33"):
        assert played.results[name]["error"]["category"] == "configuration"
        assert "from 1 to 32" in played.results[name]["msg"]
    refused = played.results["credentials"]
    assert {entry["error"]["category"] for entry in refused["results"]} == {"authentication"}
    assert refused["msg"].startswith("0 changed, 0 ok, 100 failed: ")
    # All of the last case.
    assert len(sandbox.journal()["entries"]) <= 2


def test_workers_keep_their_connections(player, sandbox):
    """Each worker has one connection; the next list of a loop has others."""
    sandbox.reset(crowd=40)
    incidents = bulk_incident_entries(40)
    task = closing("{{ item }}", {"loop": [incidents[:20], incidents[20:]]}, concurrency=4)
    played = player.play_tasks([task])
    assert played.code == 0, played.output
    assert sandbox.journal()["connections"] <= 2 * (4 + 1)
