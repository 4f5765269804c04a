# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how warnings, failures after a write, and bugs reach the user, with contraforce_incident_status."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.functional.bulk_job import MODES
from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES, Case
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply

SECRET = "T20261121.0042"
CLOSE = {
    "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60",
    "source": "DefenderXDR",
    "incident_id": "48213",
    "status": "Closed",
}


def task(**arguments: object) -> dict[str, object]:
    """Return a task that closes an incident."""
    return {"name": "A task", "secops.itsm.contraforce_incident_status": {**CLOSE, **arguments}}


def test_warnings_contain_no_secret(player, sandbox):
    """The warning contains the ID of the ticket, which is a secret in this test."""
    environment = {"CONTRAFORCE_HEADERS": json.dumps({"X-Key": SECRET}), "TICKET": SECRET}
    ticket = {"update_ticket": True, "ticket_id": "{{ lookup('ansible.builtin.env', 'TICKET') }}"}
    cases = [
        Case(mode, {**task(status="New", **ticket), "name": mode, "vars": variables})
        for mode, variables in MODES.items()
    ]
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    assert played.code == 0, played.output
    warning = "update_ticket closes ticket ******** although"
    assert [mode for mode in MODES if warning not in " ".join(played.results[mode]["warnings"])] == []
    # Ansible shows a repeated warning once.
    assert warning in played.words
    assert SECRET not in played.output


def test_failure_before_a_write_is_unchanged_and_redacted(player, sandbox):
    """A response that repeats a secret is redacted before its spaces are collapsed."""
    cases = [
        Case("echo", task(), [{"status": 400, "content": "echo"}]),
        Case("refused write", task(), [{"operation": "*update*", "status": 403}]),
    ]
    environment = {"CONTRAFORCE_HEADERS": json.dumps({"A-Key": "two  blanks inside"})}
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    found = {name: (result["error"]["category"], result["changed"]) for name, result in played.results.items()}
    assert found == {"echo": ("validation", False), "refused write": ("permission", False)}
    assert "blanks inside" not in played.output


def test_failure_after_a_write_is_changed(player, sandbox):
    sandbox.reset({"writes": "ignored"})
    played = player.play_tasks([task(verify_timeout=1)])
    assert (played.result["error"]["category"], played.result["changed"]) == ("not_converged", True)
    assert "within 1 s" in played.result["msg"]


def test_deeply_nested_response_after_a_write_is_a_contract_error(player, sandbox):
    wanted, cases, servers = {}, [], []
    for levels, category in ((95, None), (5000, "contract")):
        nested = '{"data": {"id": "48213", "status": "Closed", "x": ' + "[" * levels + "]" * levels + "}}"
        for mode, variables in MODES.items():
            before = Reply(body={"data": {"id": "48213", "status": "New"}})
            servers.append(LoopbackServer(before, Reply(204), Reply(body=nested.encode())))
            arguments = {"url": servers[-1].url, "verify_timeout": 1, "classification": "TruePositive"}
            cases.append(Case(f"{levels} {mode}", {**task(**arguments), "vars": variables}))
            wanted[f"{levels} {mode}"] = (category, True)
    try:
        played = player.play_cases(sandbox, cases, "-vvv", reset=False)
    finally:
        for server in servers:
            server.close()
    found = {
        name: (result.get("error", {}).get("category"), result["changed"]) for name, result in played.results.items()
    }
    assert found == wanted
    assert "Traceback" not in played.output


@pytest.mark.parametrize("verbosity, mode", [("-vv", {}), ("-vvv", {}), ("-vvv", AS_MODULES)])
def test_bug_shows_a_redacted_traceback_from_vvv_on(player, sandbox, tmp_path, verbosity, mode):
    """The bug is a requests library that raises an exception with a secret."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "requests.py").write_text(
        "import os\n"
        "class RequestException(Exception): pass\n"
        "def Session():\n"
        "    private = 'a private value'.upper()\n"
        "    raise TypeError('boom ' + os.environ['CONTRAFORCE_CLIENT_SECRET'])\n"
    )
    played = player.play_tasks([task()], verbosity, environment={"PYTHONPATH": str(tmp_path / "hidden"), **mode})
    assert played.code != 0
    assert played.result["error"]["category"] == "internal"
    assert "has a bug: TypeError at client.py:" in played.result["msg"]
    assert "incident 48213 before" in played.result["msg"]
    assert "Traceback" not in str(played.result)
    assert sandbox.credentials["client_secret"] not in played.output
    assert "A PRIVATE VALUE" not in played.output
    assert ("secops.itsm: Traceback (most recent call last):" in played.output) is (verbosity == "-vvv")
    assert ("TypeError: boom ********" in played.output) is (verbosity == "-vvv")
