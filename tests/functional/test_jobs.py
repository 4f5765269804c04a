# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of the controller, run as it runs them, against the sandbox."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.controller import PROJECT, configured
from ansible_collections.secops.itsm.tests.functional.jobs import WORKFLOW_VARIABLES, run_job

ANSWERS = Path(__file__).resolve().parent / "job_answers.yml"
OPEN, CLOSE, VERIFY = "Open tickets, to be approved", "Close incidents", "Verify the connections"
CLOSE_BOTH = "Close incidents with their tickets"
CHECK = ("--check", "--diff")


@pytest.fixture
def credentials(sandbox):
    """Return the inputs of both credentials."""
    named = ("url", "tenant_id", "realm", "token_url", "client_id", "client_secret", "scope")
    return {
        "ContraForce": {
            "url": sandbox.url,
            **{name: sandbox.credentials[name] for name in ("client_id", "client_secret")},
        },
        "ITSM ticketing": {name: sandbox.ticketing[name] for name in named},
    }


def secrets_of(credentials):
    """Return the secrets that no event may contain, in all encodings."""
    contraforce = credentials["ContraForce"]
    basic = f"{contraforce['client_id']}:{contraforce['client_secret']}"
    secrets = [contraforce["client_secret"], credentials["ITSM ticketing"]["client_secret"]]
    return [*secrets, base64.b64encode(basic.encode()).decode()]


def test_the_workflow_opens_and_closes(tmp_path, sandbox, credentials):
    """The first job in check mode and for real, and the last job with the stats of the first one."""
    answered = yaml.safe_load(ANSWERS.read_text(encoding="utf-8"))
    # The entries of the first job have no reason; it is an answer of the workflow.
    listed = [
        {key: entry[key] for key in entry if key != "classification_reason"} for entry in answered.pop("incidents")[:2]
    ]
    # Answers are strings, and each job of the workflow gets all of them.
    answers = {name: value if isinstance(value, str) else json.dumps(value) for name, value in answered.items()}
    answers["requested_incidents"] = yaml.safe_dump(listed)
    answers |= WORKFLOW_VARIABLES

    check = run_job(tmp_path / "check", OPEN, answers, credentials, *CHECK)
    assert check.status == "successful", check.output
    assert sandbox.journal()["writes"] == 0
    assert list(check.artifacts) == ["itsm_report"]
    report = check.artifacts["itsm_report"]
    assert (report["check_mode"], report["rehearsed"]) == (True, True)
    assert (report["outcome"], report["counts"]["changed"]) == ("changed", 2)

    opened = run_job(tmp_path / "open", OPEN, answers, credentials)
    assert opened.status == "successful", opened.output
    assert set(opened.artifacts) == {"itsm_report", "incidents"}
    passed_on = opened.artifacts["incidents"]
    assert [entry["incident_id"] for entry in passed_on] == [entry["incident_id"] for entry in listed]
    assert all(entry["ticket_id"] for entry in passed_on)
    states = {entry["id"]: entry["status"] for entry in sandbox.state()["incidents"]}
    assert {states[entry["incident_id"]] for entry in listed} & {"Closed"} == set(), "closed before the approval"

    # The answers of the workflow override the stats of the first job.
    closed = run_job(tmp_path / "close", CLOSE_BOTH, {**opened.artifacts, **answers}, credentials)
    assert closed.status == "successful", closed.output
    state = sandbox.state()
    states = {entry["id"]: entry["status"] for entry in state["incidents"]}
    assert {states[entry["incident_id"]] for entry in listed} == {"Closed"}
    counts = closed.artifacts["itsm_report"]["counts"]
    assert (counts["incidents"], counts["changed"], counts["failed"]) == (2, 2, 0)
    numbers = {entry["ticket_id"] for entry in passed_on}
    tickets = [ticket for ticket in state["platform_tickets"] if ticket["object_id"] in numbers]
    assert [ticket["status_category"].startswith("Done") for ticket in tickets] == [True, True]
    comments = [comment["message"] for entry in state["incidents"] for comment in entry["comments"]]
    assert [sum(f"[service ticket {number}]" in text for text in comments) for number in numbers] == [1, 1]

    for job in (check, opened, closed):
        assert not [secret for secret in secrets_of(credentials) if secret in job.shown]
        # Only this file contains them. The controller replaces it by a copy without secrets.
        assert credentials["ContraForce"]["client_secret"] in (job.folder / "command").read_text(encoding="utf-8")
        files = [Path(name) for name in job.artifacts["itsm_report"]["files"]]
        assert {path.suffix for path in files} == {".md", ".html"}
        assert {path.parent for path in files} == {job.project / "itsm-reports"}
        assert re.search(r"Requested by.*anna", files[0].read_text(encoding="utf-8"))
        assert "AWX job 7" in files[0].read_text(encoding="utf-8")


def test_a_failed_job_shows_the_reason_and_no_secret(tmp_path, sandbox, credentials):
    credentials["ContraForce"]["client_secret"] = "not-the-right-one"
    one = {"workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "source": "DefenderXDR", "incident_id": "48213"}
    why = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "By a test."}
    job = run_job(tmp_path / "job", CLOSE, {**one, **why}, credentials)
    assert job.status == "failed"
    assert job.tasks("runner_on_failed")[-1:] == ["Fail if any incident failed"], job.output
    (failure,) = job.artifacts["itsm_report"]["failures"]
    assert (failure["incident_id"], failure["category"]) == ("48213", "authentication")
    assert "incidents" not in job.artifacts
    assert not [secret for secret in secrets_of(credentials) if secret in job.shown]
    assert sandbox.journal()["writes"] == 0


def test_other_credentials_and_empty_inputs_work(tmp_path, sandbox, credentials):
    """An API key instead of a client, a certificate as a file, no proxy, and an unanswered question."""
    ticketing = {name: sandbox.ticketing[name] for name in ("url", "tenant_id", "realm", "api_key")}
    ticketing["ca_certificate"] = "-----BEGIN CERTIFICATE-----\nof a private CA\n-----END CERTIFICATE-----\n"
    contraforce = {**credentials["ContraForce"], "timeout": "20", "headers": '{"X-Gateway-Key": "of-the-gateway"}'}
    inputs = {"ContraForce": contraforce, "ITSM ticketing": ticketing}
    job = run_job(tmp_path / "job", VERIFY, {"apis": []}, inputs)
    assert job.status == "successful", job.output
    paths = [entry["path"] for entry in sandbox.journal()["entries"]]
    assert len({"/ticketing/" in path for path in paths}) == 2, "requests to both services"
    environment = json.loads((tmp_path / "job" / "env" / "envvars").read_text(encoding="utf-8"))
    path = Path(environment["TICKETING_CA_PATH"])
    assert path.read_text(encoding="utf-8") == ticketing["ca_certificate"]
    assert (environment["CONTRAFORCE_CA_PATH"], environment["CONTRAFORCE_VALIDATE_CERTS"]) == ("", "")
    for secret in (ticketing["api_key"], "of-the-gateway"):
        assert secret not in job.shown


def test_the_scheduled_audit_fails_on_drift(tmp_path, sandbox, credentials):
    schedule = configured().one("schedule", "Nightly audit of incidents and tickets")
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    with (project / schedule["extra_data"]["pairs_file"]).open("a", encoding="utf-8") as pairs:
        pairs.write("3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60,DefenderXDR,48213,T20261121.0042,present\n")
    name, answers = schedule["unified_job_template"], schedule["extra_data"]
    job = run_job(tmp_path / "job", name, answers, credentials, *CHECK, project=project)
    assert job.status == "failed"
    assert job.tasks("runner_on_failed") == ["Fail if anything had drifted"], job.output
    assert job.artifacts["itsm_report"]["counts"]["changed"] == 1
    assert sandbox.journal()["writes"] == 0


def test_no_choice_in_a_survey_is_no_restriction(tmp_path, sandbox, credentials):
    """The controller passes an empty list."""
    sandbox.reset(crowd=3)
    answers = {"title_pattern": "crowd", "severities": [], "time_range": "FourtyEightHours", "comment": "By a test."}
    answers |= {"classification": "FalsePositive", "classification_reason": "InaccurateData"}
    job = run_job(tmp_path / "job", "Close false positives", answers, credentials, *CHECK)
    assert job.status == "successful", job.output
    assert job.artifacts["itsm_report"]["counts"]["changed"] == 3
    assert sandbox.journal()["writes"] == 0
