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

DEMO = Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "tickets.yml"
OPEN, CLOSE, VERIFY = "Open tickets, to be approved", "Close incidents", "Verify the connections"
CHECK = ("--check", "--diff")


@pytest.fixture
def credentials(sandbox):
    """The inputs of both credentials."""
    named = ("url", "tenant_id", "realm", "token_url", "client_id", "client_secret", "scope")
    return {
        "ContraForce": {
            "url": sandbox.url,
            **{name: sandbox.credentials[name] for name in ("client_id", "client_secret")},
        },
        "ITSM ticketing": {name: sandbox.ticketing[name] for name in named},
    }


def secrets_of(credentials):
    """What no event may hold, in the forms that it travels in."""
    contraforce = credentials["ContraForce"]
    basic = f"{contraforce['client_id']}:{contraforce['client_secret']}"
    secrets = [contraforce["client_secret"], credentials["ITSM ticketing"]["client_secret"]]
    return [*secrets, base64.b64encode(basic.encode()).decode()]


def test_the_workflow(tmp_path, sandbox, credentials):
    """The rehearsal of its first job, the job, and its last one with what the first one handed on."""
    demo = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    # An entry takes what the first job takes; the reason is the workflow's.
    listed = [
        {key: entry[key] for key in entry if key != "classification_reason"} for entry in demo.pop("incidents")[:2]
    ]
    # As a person types it into the survey of the workflow; every answer goes to every job of it.
    answers = {name: value if isinstance(value, str) else json.dumps(value) for name, value in demo.items()}
    answers["requested_incidents"] = yaml.safe_dump(listed)
    answers |= WORKFLOW_VARIABLES

    rehearsal = run_job(tmp_path / "rehearsal", OPEN, answers, credentials, *CHECK)
    assert rehearsal.status == "successful", rehearsal.output
    assert sandbox.journal()["writes"] == 0
    assert list(rehearsal.artifacts) == ["itsm_report"]
    report = rehearsal.artifacts["itsm_report"]
    assert (report["rehearsed"], report["outcome"], report["counts"]["changed"]) == (True, "changed", 2)

    opened = run_job(tmp_path / "open", OPEN, answers, credentials)
    assert opened.status == "successful", opened.output
    assert set(opened.artifacts) == {"itsm_report", "incidents"}
    handed_on = opened.artifacts["incidents"]
    assert [entry["incident_id"] for entry in handed_on] == [entry["incident_id"] for entry in listed]
    assert all(entry["ticket_id"] for entry in handed_on)
    states = {entry["id"]: entry["status"] for entry in sandbox.state()["incidents"]}
    assert {states[entry["incident_id"]] for entry in listed} & {"Closed"} == set(), "not before the approval"

    # What a job hands on, and over that the answers to the survey of the workflow.
    closed = run_job(tmp_path / "close", CLOSE, {**opened.artifacts, **answers}, credentials)
    assert closed.status == "successful", closed.output
    state = sandbox.state()
    states = {entry["id"]: entry["status"] for entry in state["incidents"]}
    assert {states[entry["incident_id"]] for entry in listed} == {"Closed"}
    counts = closed.artifacts["itsm_report"]["counts"]
    assert (counts["incidents"], counts["changed"], counts["failed"]) == (2, 2, 0)

    for job in (rehearsal, opened, closed):
        assert not [secret for secret in secrets_of(credentials) if secret in job.shown]
        # Only this file has them. The controller makes it anew, without them, from what it knows to be secret.
        assert credentials["ContraForce"]["client_secret"] in (job.folder / "command").read_text(encoding="utf-8")
        files = [Path(name) for name in job.artifacts["itsm_report"]["files"]]
        assert {path.suffix for path in files} == {".md", ".html"}
        assert {path.parent for path in files} == {job.project / "itsm-reports"}
        assert re.search(r"Requested by.*anna", files[0].read_text(encoding="utf-8"))
        assert "AWX job 7" in files[0].read_text(encoding="utf-8")


def test_a_job_that_fails(tmp_path, sandbox, credentials):
    """The wrong password: the status says so, the event has the reason, and neither has the password."""
    credentials["ContraForce"]["client_secret"] = "not-the-right-one"
    one = {"workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "source": "DefenderXDR", "incident_id": "48213"}
    why = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "By a test."}
    job = run_job(tmp_path / "job", CLOSE, {**one, **why}, credentials)
    assert job.status == "failed"
    assert job.tasks("runner_on_failed")[-1:] == ["Fail for what is not as wanted"], job.output
    (failure,) = job.artifacts["itsm_report"]["failures"]
    assert (failure["incident_id"], failure["category"]) == ("48213", "authentication")
    assert "incidents" not in job.artifacts
    assert not [secret for secret in secrets_of(credentials) if secret in job.shown]
    assert sandbox.journal()["writes"] == 0


def test_the_other_credentials_and_what_is_left_out(tmp_path, sandbox, credentials):
    """An API key instead of a client, a certificate as a file, no proxy, and no answer to a question."""
    ticketing = {name: sandbox.ticketing[name] for name in ("url", "tenant_id", "realm", "api_key")}
    ticketing["ca_certificate"] = "-----BEGIN CERTIFICATE-----\nof a private CA\n-----END CERTIFICATE-----\n"
    contraforce = {**credentials["ContraForce"], "timeout": "20", "headers": '{"X-Gateway-Key": "of-the-gateway"}'}
    inputs = {"ContraForce": contraforce, "ITSM ticketing": ticketing}
    job = run_job(tmp_path / "job", VERIFY, {"apis": []}, inputs)
    assert job.status == "successful", job.output
    paths = [entry["path"] for entry in sandbox.journal()["entries"]]
    assert len({"/ticketing/" in path for path in paths}) == 2, "both services were looked at"
    environment = json.loads((tmp_path / "job" / "env" / "envvars").read_text(encoding="utf-8"))
    path = Path(environment["TICKETING_CA_PATH"])
    assert path.read_text(encoding="utf-8") == ticketing["ca_certificate"]
    assert (environment["CONTRAFORCE_CA_PATH"], environment["CONTRAFORCE_VALIDATE_CERTS"]) == ("", "")
    for secret in (ticketing["api_key"], "of-the-gateway"):
        assert secret not in job.shown


def test_a_schedule(tmp_path, sandbox, credentials):
    """The nightly audit: a check of a file of the project, that fails because something drifted."""
    schedule = configured().one("schedule", "Nightly audit of incidents and tickets")
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    with (project / schedule["extra_data"]["pairs_file"]).open("a", encoding="utf-8") as pairs:
        pairs.write("3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60,DefenderXDR,48213,T20261121.0042,present\n")
    name, answers = schedule["unified_job_template"], schedule["extra_data"]
    job = run_job(tmp_path / "job", name, answers, credentials, *CHECK, project=project)
    assert job.status == "failed"
    assert job.tasks("runner_on_failed") == ["Fail for what had drifted"], job.output
    assert job.artifacts["itsm_report"]["counts"]["changed"] == 1
    assert sandbox.journal()["writes"] == 0


def test_a_survey_with_nothing_chosen(tmp_path, sandbox, credentials):
    """Where several can be chosen, no answer is an empty list, and no restriction."""
    sandbox.reset(crowd=3)
    answers = {"title_pattern": "crowd", "severities": [], "time_range": "FourtyEightHours", "comment": "By a test."}
    answers |= {"classification": "FalsePositive", "classification_reason": "InaccurateData"}
    job = run_job(tmp_path / "job", "Close false positives", answers, credentials, *CHECK)
    assert job.status == "successful", job.output
    assert job.artifacts["itsm_report"]["counts"]["changed"] == 3
    assert sandbox.journal()["writes"] == 0
