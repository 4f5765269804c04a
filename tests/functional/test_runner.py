# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runner makes of warnings, failures after a write, and bugs; shown with contraforce_incident_status."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply

SECRET = "T20261121.0042"
CLOSE = {
    "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60",
    "source": "DefenderXDR",
    "incident_id": "48213",
    "status": "Closed",
}


def task(**arguments: object) -> dict[str, object]:
    return {"name": "A task", "secops.itsm.contraforce_incident_status": {**CLOSE, **arguments}}


@pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
def test_warnings_hold_no_secret(player, way):
    """The ticket's id, which the warning names, is a secret here."""
    environment = {"CONTRAFORCE_HEADERS": json.dumps({"X-Key": SECRET}), "TICKET": SECRET, **way}
    ticket = {"update_ticket": True, "ticket_id": "{{ lookup('ansible.builtin.env', 'TICKET') }}"}
    played = player.play_tasks([task(status="New", **ticket)], "-vvvv", environment=environment)
    assert played.code == 0, played.output
    assert "update_ticket closes ticket ******** although" in " ".join(played.output.split())
    assert SECRET not in played.output


def test_a_secret_that_the_service_repeats_is_known_before_its_blanks_are_folded(player, sandbox):
    sandbox.set_faults({"status": 400, "content": "echo"})
    environment = {"CONTRAFORCE_HEADERS": json.dumps({"A-Key": "two  blanks inside"})}
    played = player.play_tasks([task()], "-vvvv", environment=environment)
    assert played.result["error"]["category"] == "validation"
    assert "blanks inside" not in played.output


def test_a_failure_after_a_write_is_changed(player, sandbox):
    sandbox.reset({"writes": "ignored"})
    played = player.play_tasks([task(verify_timeout=1)])
    assert (played.result["error"]["category"], played.result["changed"]) == ("not_converged", True)
    assert "within 1 s" in played.result["msg"]


@pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
@pytest.mark.parametrize("levels, category", [(95, None), (5000, "contract")])
def test_an_answer_nested_too_deep_after_a_write(player, way, levels, category):
    nested = '{"data": {"id": "48213", "status": "Closed", "x": ' + "[" * levels + "]" * levels + "}}"
    before = Reply(body={"data": {"id": "48213", "status": "New"}})
    server = LoopbackServer(before, Reply(204), Reply(body=nested.encode()))
    try:
        arguments = {"url": server.url, "verify_timeout": 1, "classification": "TruePositive"}
        played = player.play_tasks([task(**arguments)], "-vvv", environment=way)
    finally:
        server.close()
    assert (played.result.get("error", {}).get("category"), played.result["changed"]) == (category, True)
    assert "Traceback" not in played.output


def test_a_failure_before_any_write_is_not(player, sandbox):
    sandbox.set_faults({"operation": "*update*", "status": 403})
    played = player.play_tasks([task()])
    assert (played.result["error"]["category"], played.result["changed"]) == ("permission", False)


@pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
@pytest.mark.parametrize("verbosity", ["-v", "-vv", "-vvv"])
def test_bug_shows_a_redacted_traceback_from_vvv_on(player, sandbox, tmp_path, verbosity, way):
    """A requests library that raises an exception with a known secret stands in for a bug."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "requests.py").write_text(
        "import os\n"
        "class RequestException(Exception): pass\n"
        "def Session():\n"
        "    private = 'a private value'.upper()\n"
        "    raise TypeError('boom ' + os.environ['CONTRAFORCE_CLIENT_SECRET'])\n"
    )
    played = player.play_tasks([task()], verbosity, environment={"PYTHONPATH": str(tmp_path / "hidden"), **way})
    assert played.code != 0
    assert played.result["error"]["category"] == "internal"
    assert "has a bug: TypeError at client.py:" in played.result["msg"]
    assert "Look at incident 48213 before" in played.result["msg"]
    assert "Traceback" not in str(played.result)
    assert sandbox.credentials["client_secret"] not in played.output
    assert "A PRIVATE VALUE" not in played.output
    assert ("secops.itsm: Traceback (most recent call last):" in played.output) is (verbosity == "-vvv")
    assert ("TypeError: boom ********" in played.output) is (verbosity == "-vvv")
