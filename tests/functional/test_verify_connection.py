# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbook verify_connection. The unit tests named test_connection_check.py cover the checks and their findings."""

from __future__ import annotations

import json
import re
from itertools import product

from ansible_collections.secops.itsm.tests.functional.runbooks import BUSY

RUNBOOK = "secops.itsm.verify_connection"


def tables(output: str) -> list[dict[str, str]]:
    """Return the rows of each report, on ContraForce and on the ticketing API: the check, and the rest."""
    parts = output.split("TASK [Report on the ticketing API]")
    rows = [re.findall(r'^ +"(.{22}) (.+?)",?$', part, re.MULTILINE) for part in parts]
    return [{name.strip(): rest for name, rest in found} for found in rows if found]


def test_both_apis_are_reported(player, sandbox):
    played = player.play(RUNBOOK, "-e", json.dumps(BUSY))
    assert played.code == 0, played.output
    contraforce, ticketing = tables(played.output)
    assert contraforce.pop("evidence of a link") == "incident"
    assert contraforce["ticket link"].endswith("shows it: 10043 / SOC-312 (CF-A10)")
    assert {"address", "credentials", "list of incidents", "workspace role", "comments"} <= set(contraforce)
    assert {"address", "credentials", "tenant", "role", "offers", "list of tickets", "search"} <= set(ticketing)
    assert ticketing.pop("ticket_reference: auto") == "comment"
    # A finding that is not a failure does not fail the run.
    assert ticketing.pop("types of fields").startswith("limited  ")
    assert [rest for rest in [*contraforce.values(), *ticketing.values()] if rest.startswith("failed")] == []
    assert sandbox.journal()["writes"] == 0


def test_the_chosen_ticketing_system_is_checked(player, sandbox):
    """By its own address, whatever the address of the default system is."""
    chosen = ["-e", "ticket_system=servicenow"]
    played = player.play(RUNBOOK, *chosen, environment={"TICKETING_URL": ""})
    assert played.code == 0, played.output
    _contraforce, ticketing = tables(played.output)
    assert {"address", "credentials", "search"} <= set(ticketing)
    assert ticketing["ticket_reference: auto"] == "link"
    played = player.play(RUNBOOK, *chosen, environment={"SERVICENOW_URL": ""})
    assert len(tables(played.output)) == 1
    played = player.play(RUNBOOK, *chosen, "-e", "ticket_to_read=INC0000001")
    assert "INC0000001" in played.words
    played = player.play(RUNBOOK, *chosen, "-e", "object_id=CTC-0041")
    assert played.code == 0, "a variable of another runbook"
    assert sandbox.journal()["writes"] == 0


def test_contraforce_alone_without_an_incident(player):
    """With survey answers left empty. Without TICKETING_URL, only ContraForce is checked."""
    answers = {"workspace_id": "", "source": "", "incident_id": ""}
    played = player.play(RUNBOOK, "-e", json.dumps(answers), environment={"TICKETING_URL": ""})
    assert played.code == 0, played.output
    (rows,) = tables(played.output)
    assert rows["ticket link"].startswith("not checked ")
    assert rows["evidence of a link"] == "unknown"


def test_evidence_in_comments_is_reported(player, sandbox):
    sandbox.reset({"ticket": "comments"})
    comment = {**BUSY, "comment": "Copied to the ticket where comments are."}
    noted = player.play_tasks([{"name": "Comment", "secops.itsm.contraforce_incident_comment": comment}])
    assert noted.code == 0, noted.output
    played = player.play(RUNBOOK, "-e", json.dumps({**BUSY, "apis": ["contraforce"]}))
    assert played.code == 0, played.output
    (rows,) = tables(played.output)
    assert rows["evidence of a link"] == "comments"


def test_a_failure_of_one_api_does_not_hide_the_other(player, sandbox):
    played = player.play(RUNBOOK, environment={"CONTRAFORCE_CLIENT_SECRET": "wrong"})
    assert played.code == 2
    contraforce, ticketing = tables(played.output)
    assert contraforce["credentials"].startswith("failed ")
    assert ticketing["credentials"].startswith("ok ")
    assert "ContraForce: The credentials were refused" in played.words
    sandbox.set_faults({"operation": "list-tickets", "status": 403})
    played = player.play(RUNBOOK, "-e", "apis=ticketing")
    assert played.code == 2
    (rows,) = tables(played.output)
    assert [name for name, rest in rows.items() if rest.startswith("failed ")] == ["list of tickets"]
    assert "The ticketing API: " in played.words


def test_invalid_options_are_reported_as_a_failed_row(player, sandbox):
    no_credentials = dict.fromkeys(map("_CLIENT_".join, product(("CONTRAFORCE", "TICKETING"), ("ID", "SECRET"))), "")
    invalid = {"CONTRAFORCE_TIMEOUT": "soon", "TICKETING_REALM": ""}
    for environment, expected in (
        (no_credentials, [("credentials", "credentials"), ("credentials", "credentials")]),
        (invalid, [("connection", "CONTRAFORCE_TIMEOUT"), ("tenant", "TICKETING_REALM")]),
    ):
        played = player.play(RUNBOOK, environment=environment)
        assert played.code == 2
        contraforce, ticketing = tables(played.output)
        assert contraforce.pop("evidence of a link") == "unknown"
        assert "ticket_reference: auto" in ticketing
        del ticketing["ticket_reference: auto"]
        for rows, (row, fact) in zip((contraforce, ticketing), expected):
            assert list(rows) == [row], played.output
            assert rows[row].startswith("failed ")
            assert fact in rows[row]
    assert sandbox.journal()["entries"] == []
