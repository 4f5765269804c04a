# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbook verify_connection, called by its FQCN."""

from __future__ import annotations

import json
import re
from itertools import product

import pytest

RUNBOOK = "secops.itsm.verify_connection"
#: Without the address of the other API, only ContraForce is looked at.
CONTRAFORCE_ONLY = {"TICKETING_URL": ""}
NOT_AGAIN = {"CONTRAFORCE_RETRY_TIMEOUT": "0"}
LINKED = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "50377"}


@pytest.fixture
def contraforce(player):
    """Runs playbooks that reach ContraForce only."""
    player.environment.update(CONTRAFORCE_ONLY)
    return player


def table(output: str) -> dict[str, str]:
    """The rows that the report shows: what was checked, and the rest."""
    rows = re.findall(r'^ +"(.{22}) (.+?)",?$', output, re.MULTILINE)
    return {name.strip(): rest for name, rest in rows}


def test_everything_works(contraforce, sandbox):
    played = contraforce.play(RUNBOOK, "-e", json.dumps(LINKED))
    assert played.code == 0, played.output
    rows = table(played.output)
    for check in ("address", "credentials", "list of incidents", "workspace role", "read of an incident", "comments"):
        assert rows[check].startswith("ok "), played.output
    assert rows["evidence of a link"] == "incident"
    assert rows["ticket link"].endswith("shows it: 10043 / SOC-312 (CF-A10)")
    assert sandbox.journal()["writes"] == 0


def test_an_incident_without_a_ticket_proves_nothing(contraforce):
    played = contraforce.play(RUNBOOK)
    assert played.code == 0, played.output
    rows = table(played.output)
    assert rows["ticket link"].startswith("unknown  the read of one incident shows none; check again")
    assert rows["evidence of a link"] == "unknown"


@pytest.mark.parametrize("shows, evidence", [("id", "incident"), ("comments", "comments"), ("hidden", "none")])
def test_which_evidence_of_a_link_the_tenant_offers(contraforce, sandbox, shows, evidence):
    sandbox.reset({"ticket": shows})
    comment = {**LINKED, "comment": "Mirrored to the ticket where comments are."}
    noted = contraforce.play_tasks([{"name": "Note", "secops.itsm.contraforce_incident_comment": comment}])
    assert noted.code == 0, noted.output
    played = contraforce.play(RUNBOOK, "-e", json.dumps(LINKED))
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
def test_what_does_not_work_is_named_in_its_row(contraforce, sandbox, faults, environment, row, words):
    sandbox.set_faults(*faults)
    played = contraforce.play(RUNBOOK, "-e", json.dumps(LINKED), environment=environment)
    assert played.code != 0
    rows = table(played.output)
    assert rows[row].startswith("failed "), played.output
    assert words in rows[row]
    assert sum(rest.startswith("failed ") for rest in rows.values()) == 1
    assert sandbox.journal()["writes"] == 0


@pytest.mark.parametrize(
    "environment, contraforce, ticketing",
    [
        (
            dict.fromkeys(map("_CLIENT_".join, product(("CONTRAFORCE", "TICKETING"), ("ID", "SECRET"))), ""),
            ("credentials", "No credentials are set"),
            ("credentials", "No credentials are set"),
        ),
        (
            {"CONTRAFORCE_TIMEOUT": "soon", "TICKETING_REALM": ""},
            ("connection", "Check timeout (CONTRAFORCE_TIMEOUT)."),
            ("tenant", "realm (TICKETING_REALM) is missing"),
        ),
    ],
)
def test_wrong_options_are_a_failed_row(player, sandbox, environment, contraforce, ticketing):
    played = player.play(RUNBOOK, environment=environment)
    assert played.code != 0
    first, second = map(table, played.output.split("TASK [Report on the ticketing API]"))
    assert first.pop("evidence of a link") == "unknown"
    for rows, (row, words) in ((first, contraforce), (second, ticketing)):
        assert list(rows) == [row], played.output
        assert rows[row].startswith("failed ")
        assert words in rows[row]
    assert sandbox.journal()["entries"] == []


def test_half_an_incident_is_refused(contraforce, sandbox):
    played = contraforce.play(RUNBOOK, "-e", json.dumps({"incident_id": "50377"}))
    assert played.code != 0
    assert table(played.output)["read of an incident"].startswith("failed ")
    assert "add workspace_id, source" in played.output
    assert sandbox.journal()["entries"] == []


def test_fields_left_empty_in_a_survey(contraforce):
    played = contraforce.play(RUNBOOK, "-e", json.dumps({"workspace_id": "", "source": "", "incident_id": ""}))
    assert played.code == 0, played.output


# --- the ticketing API ----------------------------------------------------------------------------------------------


def test_both_apis_where_both_are_there(player, sandbox):
    played = player.play(RUNBOOK)
    assert played.code == 0, played.output
    assert "TASK [Report on ContraForce]" in played.output
    rows = table(played.output.split("TASK [Report on the ticketing API]")[1])
    for check in ("address", "credentials", "tenant", "role", "ticket types", "offers", "list of tickets", "search"):
        assert rows[check].startswith("ok "), played.output
    assert rows["types of fields"] == "no       not known, and so not checked: geo, user (TK-A13)"
    assert sandbox.journal()["writes"] == 0


def test_one_that_does_not_work_does_not_hide_the_other(player, sandbox):
    played = player.play(RUNBOOK, environment={"CONTRAFORCE_CLIENT_SECRET": "wrong"})
    assert played.code != 0
    first, second = played.output.split("TASK [Report on the ticketing API]")
    assert table(first)["credentials"].startswith("failed ")
    assert table(second)["credentials"].startswith("ok ")
    assert "ContraForce: The credentials were refused" in second


@pytest.mark.parametrize(
    "ticketing, faults, environment, row, words",
    [
        ({}, [], {"TICKETING_CLIENT_SECRET": "wrong"}, "credentials", "failed   No access token could be fetched."),
        (
            {},
            [],
            {"TICKETING_TENANT_ID": "0" * 8 + "-0000-4000-8000-" + "0" * 12},
            "tenant",
            "failed   tenant_id (TICKET",
        ),
        ({}, [], {"TICKETING_REALM": "fabrikam"}, "tenant", "failed   The tenant was not found"),
        ({}, [{"operation": "list-tickets", "status": 403}], {}, "list of tickets", "failed   The account lacks"),
        ({}, [{"operation": "get-user-info", "status": 404, "content": "html"}], {}, "who am I", "no       It was not"),
        ({"lookup": "hidden"}, [], {}, "identity of a ticket", "no       does not show its team_id, item_type_id"),
        ({"rows": "thin", "list_shape": "rows"}, [], {}, "list of tickets", "ok       10 on the first page, 0 of them"),
    ],
)
def test_what_the_ticketing_api_shows(player, sandbox, ticketing, faults, environment, row, words):
    sandbox.reset(ticketing=ticketing, faults=faults)
    played = player.play(RUNBOOK, "-e", "apis=ticketing", environment=environment)
    rows = table(played.output)
    assert rows[row].startswith(words), played.output
    assert (played.code != 0) == words.startswith("failed")
    assert sandbox.journal()["writes"] == 0


def test_another_api_is_refused(player, sandbox):
    played = player.play(RUNBOOK, "-e", "apis=pager")
    assert played.code != 0
    assert "value of apis must be one or more of: contraforce, ticketing. Got no match for: pager" in played.words
    assert sandbox.journal()["entries"] == []
