# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbook verify_connection, called by its FQCN."""

from __future__ import annotations

import json
import re

import pytest

RUNBOOK = "secops.itsm.verify_connection"
NOT_AGAIN = {"CONTRAFORCE_RETRY_TIMEOUT": "0"}
LINKED = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "50377"}


def table(output: str) -> dict[str, str]:
    """The rows that the report shows: what was checked, and the rest."""
    rows = re.findall(r'^ +"(.{22}) (.+?)",?$', output, re.MULTILINE)
    return {name.strip(): rest for name, rest in rows}


def test_everything_works(player, sandbox):
    played = player.play(RUNBOOK, "-e", json.dumps(LINKED))
    assert played.code == 0, played.output
    rows = table(played.output)
    for check in ("address", "credentials", "list of incidents", "workspace role", "read of an incident", "comments"):
        assert rows[check].startswith("ok "), played.output
    assert rows["evidence of a link"] == "incident"
    assert rows["ticket link"].endswith("shows it: 10043 / SOC-312 (CF-A10)")
    assert sandbox.journal()["writes"] == 0


def test_an_incident_without_a_ticket_proves_nothing(player):
    played = player.play(RUNBOOK)
    assert played.code == 0, played.output
    rows = table(played.output)
    assert rows["ticket link"].startswith("unknown  the read of one incident shows none; check again")
    assert rows["evidence of a link"] == "unknown"


@pytest.mark.parametrize("shows, evidence", [("id", "incident"), ("comments", "comments"), ("hidden", "none")])
def test_which_evidence_of_a_link_the_tenant_offers(player, sandbox, shows, evidence):
    sandbox.reset({"ticket": shows})
    comment = {**LINKED, "comment": "Mirrored to the ticket where comments are."}
    noted = player.play_tasks([{"name": "Note", "secops.itsm.contraforce_incident_comment": comment}])
    assert noted.code == 0, noted.output
    played = player.play(RUNBOOK, "-e", json.dumps(LINKED))
    assert played.code == 0, played.output
    assert table(played.output)["evidence of a link"] == evidence


@pytest.mark.parametrize(
    "faults, environment, row, words",
    [
        ([], {"CONTRAFORCE_CLIENT_SECRET": "wrong"}, "credentials", "The credentials were refused"),
        ([], {**NOT_AGAIN, "CONTRAFORCE_URL": "http://127.0.0.1:9"}, "address", "could not be made"),
        ([{"operation": "v2-get-incident", "status": 403}], {}, "workspace role", "lacks a permission"),
        ([{"operation": "v2-list-incident-comments", "status": 403}], {}, "comments", "lacks a permission"),
        ([{"status": 200, "content": "html"}], {}, "list of incidents", "an HTML page"),
        ([{"operation": "v2-get-incident", "status": 404, "content": "html"}], {}, "read of an incident", "not found"),
    ],
)
def test_what_does_not_work_is_named_in_its_row(player, sandbox, faults, environment, row, words):
    sandbox.set_faults(*faults)
    played = player.play(RUNBOOK, "-e", json.dumps(LINKED), environment=environment)
    assert played.code != 0
    rows = table(played.output)
    assert rows[row].startswith("failed "), played.output
    assert words in rows[row]
    assert sum(rest.startswith("failed ") for rest in rows.values()) == 1
    assert sandbox.journal()["writes"] == 0


def test_half_an_incident_is_refused(player, sandbox):
    played = player.play(RUNBOOK, "-e", json.dumps({"incident_id": "50377"}))
    assert played.code != 0
    assert "add workspace_id, source" in played.output
    assert sandbox.journal()["entries"] == []


def test_fields_left_empty_in_a_survey(player):
    played = player.play(RUNBOOK, "-e", json.dumps({"workspace_id": "", "source": "", "incident_id": ""}))
    assert played.code == 0, played.output
