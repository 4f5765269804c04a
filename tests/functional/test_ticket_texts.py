# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of tickets: the details of their incidents, and their priorities."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CHAINS,
    DENIES,
    DUMPING,
    EACH_SYSTEM,
    FABRIKAM,
    TAILSPIN,
    check_run_and_repeat,
    play,
)

LIST = "v2-list-incidents-across-workspaces"
READ = "v2-get-incident"
PORTAL = "https://portal.example/incidents/{incident_number}?workspace={workspace_id}&view=all"
TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'id') }}"
DESCRIPTION_FIELD = "a1c0ffee-0001-4000-8000-000000000002"
URGENCY_FIELD = "a1c0ffee-0001-4000-8000-000000000003"
SUMMARY = "{priority} {source_name} {number}, {owner}: {title}"
TEXT = "{description}\n\nAlerts:\n{alerts}\n\nEntities:\n{entities}\n\nOwner: {owner}, {created_at}\n{portal_url}"
#: What differs between the systems: the workspace, the field for texts, its template, and the field for the urgency.
TEXTS = {
    "rezolve": (TAILSPIN, "Description", f"<pre>{TEXT}</pre>", "Urgency"),
    "servicenow": (FABRIKAM, "description", f"[code]{TEXT}[/code] [co{{number}}de]", "urgency"),
}

LOWEST = {"rezolve": "Low", "servicenow": "3 - Low"}


def hostile(workspace):
    """Return an incident whose texts an attacker chose."""
    return {
        "workspaceId": workspace,
        "source": "DefenderXDR",
        "id": "72001",
        "number": 72001,
        "title": f"{{title}} {TEMPLATE} \u202e\x1b[2J",
        "description": f"{TEMPLATE}\r\n\r\n\r\n<script>{{alerts}}[/code] [code]",
        "severity": "Informational",
        "status": "New",
        "createdAt": "2026-11-20T10:00:00.500Z",
        "sourceDisplayName": "Microsoft Defender XDR",
        "user": {"id": "1", "displayName": "A. <b>Analyst</b>", "email": "a@example.com"},
        "alerts": [
            {"title": f"Alert {number} {TEMPLATE}", "severity": "High", "productName": "{owner}"}
            for number in range(1, 14)
        ],
        "entities": [{"kind": "Account", "name": TEMPLATE, "upnSuffix": "example"}, {"type": "Ip", "address": "::1"}],
    }


def texts_of(sandbox, chain):
    """Return the summary, the text and the urgency of the only new ticket."""
    reference = f"DefenderXDR 72001 {TEXTS[chain.system][0]}"
    if chain.system == "servicenow":
        (row,) = [row for row in sandbox.state()["servicenow"]["incident"] if row["correlation_id"] == reference]
        return row["short_description"], row["description"], row["urgency"]
    (row,) = [row for row in sandbox.state()["platform_tickets"] if reference in row["data"].values()]
    return row["summary"], row["data"][DESCRIPTION_FIELD], row["data"][URGENCY_FIELD]


def requests(sandbox, operation):
    """Return the requests of an operation."""
    return [entry for entry in sandbox.journal()["entries"] if entry["operation"] == operation]


def variables_of(chain):
    """Return the variables for a ticket with all details."""
    workspace, text, template, urgency = TEXTS[chain.system]
    return {
        **chain.variables,
        "ticket_reference": "none",
        "summary": SUMMARY,
        "portal_url": PORTAL,
        "priority_map": {"High": "High", "default": LOWEST[chain.system]},
        "workspace_id": workspace,
        "source": "defenderxdr",
        "incident_id": "72001",
        "fields": {**chain.variables["fields"], text: template, urgency: "{priority}"},
    }


@EACH_SYSTEM
def test_ticket_contains_details_that_are_never_evaluated(player, sandbox, chain):
    """A second run must not change the ticket, although the incident has another alert then."""
    workspace = TEXTS[chain.system][0]
    sandbox.reset({"ticket": "hidden", "assignee": "hidden"})
    sandbox.add_incidents(hostile(workspace))
    variables = variables_of(chain)
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 1 incident, 0 failed; 1 ticket would be opened.",
        "Done: 1 incident, 0 failed; 1 ticket opened.",
        "Done: 1 incident, 0 failed; 1 ticket found.",
    ]
    assert [len(requests(sandbox, operation)) for operation in (LIST, READ)] == [3, 3]
    summary, text, urgency = texts_of(sandbox, chain)
    shown = f"{{title}} {TEMPLATE} \ufffd\ufffd[2J"
    assert summary == f"{LOWEST[chain.system]} Microsoft Defender XDR 72001, A. <b>Analyst</b>: {shown}"
    assert urgency == ("low" if chain.system == "rezolve" else "3")
    escaped = TEMPLATE.replace("'", "&#x27;")
    before, after = "<pre>", "</pre>"
    code = "[/code] [code]"
    if chain.system == "servicenow":
        code, before, after = "(/code) (code)", "[code]", "[/code] [co72001de]"
    alerts = "<br>".join(f"Alert {number} {escaped} (High, {{owner}})" for number in range(1, 11))
    assert text == (
        f"{before}{escaped}<br><br>&lt;script&gt;{{alerts}}{code}\n\nAlerts:\n{alerts}<br>and 3 more\n\n"
        f"Entities:\nAccount {escaped}@example<br>Ip ::1\n\n"
        "Owner: A. &lt;b&gt;Analyst&lt;/b&gt;, 2026-11-20T10:00:00Z\n"
        f"https://portal.example/incidents/72001?workspace={workspace}&amp;view=all{after}"
    )
    more = [{"title": "Another alert", "severity": "High", "productName": "Sentinel"}]
    sandbox.set_faults({"operation": READ, "replace": {"data.investigationDetails.alerts": more}, "times": -1})
    before_writes = sandbox.journal()["writes"]
    played = play(player, "open_ticket", variables)
    assert (played.summaries, sandbox.journal()["writes"]) == (
        ["Done: 1 incident, 0 failed; 1 ticket found."],
        before_writes,
    ), played.output
    assert texts_of(sandbox, chain)[1] == text


@pytest.mark.parametrize("form", ["texts", "fields"])
@EACH_SYSTEM
def test_informational_incident_has_a_priority(player, sandbox, chain, form):
    """The field does not have a choice with this name."""
    workspace, _text, _template, urgency = TEXTS[chain.system]
    sandbox.add_incidents(hostile(workspace))
    named = {"workspace_id": workspace, "source": "DefenderXDR", "incident_id": "72001", "ticket_reference": "none"}
    variables = {**chain.variables, **named, "fields": {**chain.variables["fields"], urgency: "{severity}"}}
    if form == "texts":
        refused = play(player, "open_ticket", variables)
        assert refused.code == 2
        assert "Informational" in refused.words
        assert sandbox.journal()["writes"] == 0
        variables["fields"][urgency] = "{priority}"
        variables["priority_map"] = {"informational": LOWEST[chain.system], "default": "High"}
    else:
        # As text, as a survey passes it.
        variables["priority_map"] = f"{{high: {{x: High}}, default: {{{urgency}: {LOWEST[chain.system]}}}}}"
    played = play(player, "open_ticket", variables)
    assert played.code == 0, played.output
    assert texts_of(sandbox, chain)[2] == ("low" if chain.system == "rezolve" else "3")


def test_details_are_only_read_if_a_text_contains_them(player, sandbox):
    """Reading an incident may show its owner, and its number may be given."""
    chain = CHAINS["rezolve"]
    sandbox.reset({"ticket": "hidden"})
    given = {**DUMPING, "incident_number": "2871", "ticket_reference": "none"}
    plain = {**chain.variables, **given}
    own = {**plain, "fields": {"Urgency": "High", "Description": "{owner} {number} {created_at}"}}
    for variables in (plain, own):
        played = play(player, "open_ticket", variables)
        assert played.code == 0, played.output
        assert requests(sandbox, LIST) == []
        assert all("withDetails" not in entry["path"] for entry in requests(sandbox, READ))
    assert "The service does not show a value for {owner} of Sentinel" in played.words


@pytest.mark.parametrize("listed", ["failed", "without a workspace"])
def test_details_that_are_not_listed(player, sandbox, listed):
    """If the list fails, no ticket is opened, because details are not added to it later."""
    chain = CHAINS["servicenow"]
    variables = {**chain.variables, **DENIES, "fields": {"description": "{description} ({source_name})"}}
    if listed == "failed":
        sandbox.set_faults({"operation": LIST, "status": 500, "times": -1})
        played = play(player, "open_ticket", variables, environment={"CONTRAFORCE_RETRY_TIMEOUT": "0"})
        assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
        assert "The list of incidents could not be read." in played.words
        sandbox.set_faults()
    else:
        sandbox.reset({"list_workspace": "hidden"})
    played = play(player, "open_ticket", variables)
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 ticket opened; 1 linked."], played.output
    missing = "{description}" if listed == "failed" else "{description} and {source_name}"
    assert f"The service does not show a value for {missing} of QRadar 20931." in played.words
    (ticket,) = chain.tickets(sandbox)[DENIES["incident_id"]]
    assert ticket["record"]["description"].strip() == ("(QRadar)" if listed == "failed" else "()")


def test_failure_is_reported_after_another_runbook_in_the_same_playbook(player, sandbox):
    """Facts of the first runbook do not hide the reason."""
    chain = CHAINS["servicenow"]
    variables = {**chain.variables, **DENIES, "fields": {"description": "{description}"}}
    ignored = {"itsm_ignored_variables": sorted(variables)}
    checked = play(player, "verify_connection", {"ticket_system": "servicenow"})
    assert checked.code == 0, checked.output
    before = len(requests(sandbox, LIST))
    sandbox.set_faults({"operation": LIST, "status": 500, "times": -1, "skip": before})
    both = player.folder / "both.yml"
    both.write_text(
        json.dumps([{"import_playbook": f"secops.itsm.{name}"} for name in ("verify_connection", "open_ticket")])
    )
    played = player.play(
        both, "-e", json.dumps({**variables, **ignored}), environment={"CONTRAFORCE_RETRY_TIMEOUT": "0"}
    )
    assert played.code == 2, played.output
    assert "stopped Check that the incidents were listed: The list of incidents could not be read." in played.words
    assert sandbox.journal()["writes"] == 0


REFUSED = {
    "priority": ({"fields": {"Urgency": "{priority}"}}, "contains {priority}, but 'priority_map' is not set."),
    "portal_url": ({"fields": {"Description": "{portal_url}"}}, "contains {portal_url}, but 'portal_url' is not set."),
    "lines": ({"summary": "{alerts} {title}"}, "summary contains {alerts}, which can have several lines."),
    "default": ({"priority_map": "{High: 1}"}, "'priority_map' does not contain 'default'"),
    "severity": ({"priority_map": {"Hig": 1, "default": 2}}, "'Hig', which is not a severity. Did you mean High?"),
    "identity": (
        {"reference_field": "", "summary": "{incident_id} {workspace_id} {owner}"},
        "must not contain {owner}",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_texts_are_checked_before_any_request(player, sandbox, case):
    variables, message = REFUSED[case]
    played = play(player, "open_ticket", {**CHAINS["rezolve"].variables, **DUMPING, **variables})
    assert (played.code, sandbox.journal()["entries"]) == (2, [])
    assert message in played.words
