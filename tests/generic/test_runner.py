# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runner makes of warnings, failures after a write, and bugs; shown with contraforce_incident_status."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.generic.conftest import AS_MODULES

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


def test_a_failure_before_any_write_is_not(player, sandbox):
    sandbox.set_faults({"operation": "*update*", "status": 403})
    played = player.play_tasks([task()])
    assert (played.result["error"]["category"], played.result["changed"]) == ("permission", False)


def test_a_bug_ends_as_one_sentence(player, tmp_path):
    """A requests that nobody has ever seen stands in for a bug."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "requests.py").write_text(
        "class RequestException(Exception): pass\ndef Session(): raise TypeError('boom ' + 'private')\n"
    )
    ordinary = {"vars": {"secops_itsm_in_process": False}, "environment": {"PYTHONPATH": str(tmp_path / "hidden")}}
    played = player.play_tasks([{**task(), **ordinary}], "-vvvv")
    assert played.code != 0
    assert played.result["error"]["category"] == "internal"
    assert "has a bug: TypeError at client.py:" in played.result["msg"]
    assert "Look at incident 48213 before" in played.result["msg"]
    assert "boom private" not in played.output
    assert "Traceback" not in played.output
