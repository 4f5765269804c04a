# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines in docs/ci have the same stages, and their scripts work.

No CI service runs here. The pipeline files are parsed, and their commands run in a copy of the repository.
"""

from __future__ import annotations

import base64
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.tests.functional.conftest import tarball
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = ROOT / "docs" / "ci" / "repository"
SECRETS = ("CONTRAFORCE_CLIENT_ID", "CONTRAFORCE_CLIENT_SECRET", "TICKETING_CLIENT_ID", "TICKETING_CLIENT_SECRET")
KEPT = {"itsm-reports", "junit"}


@dataclass
class Stage:
    """A stage of a pipeline.

    :param name: its name.
    :param trigger: ``pull request`` or ``merge``.
    :param commands: its shell commands, without those that only show or keep files.
    :param variables: the variables that it sets, except secrets.
    :param secrets: the variables from the secret store.
    :param after: the stage that must succeed first.
    :param approved: whether it needs an approval.
    :param kept: the directories that are kept even if it fails.
    """

    name: str
    trigger: str
    commands: list[str]
    variables: dict[str, str]
    secrets: set[str]
    after: str | None
    approved: bool
    kept: set[str]


def loaded(name: str) -> Any:
    """Return the content of a YAML file of the repository."""
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def known(mapping: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return a mapping if it only has keys that the service supports."""
    assert set(mapping) <= set(keys), f"unknown: {set(mapping) - set(keys)}"
    return mapping


def secrets_of(step: dict[str, Any]) -> set[str]:
    """Return the variables that a step of GitHub takes from the secret store, each by its own name."""
    environment = step.get("env", {})
    assert all(value == f"${{{{ secrets.{name} }}}}" for name, value in environment.items())
    return set(environment)


def github() -> Iterator[Stage]:
    """Return the stages of GitHub Actions."""
    flow = known(loaded(".github/workflows/incidents.yml"), "name", True, "permissions", "concurrency", "env", "jobs")
    # PyYAML parses the key "on" as a boolean.
    assert flow[True] == {"pull_request": None, "push": {"branches": ["main"]}}
    assert flow["permissions"] == {"contents": "read"}
    for name, job in flow["jobs"].items():
        known(job, "if", "needs", "runs-on", "timeout-minutes", "environment", "steps")
        for step in job["steps"]:
            known(step, "name", "if", "uses", "with", "run", "env")
            assert ("uses" in step) != ("run" in step)
            assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
        shown = [step for step in job["steps"] if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
        uploads = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
        assert [step["if"] for step in [*shown, *uploads]] == ["always()"] * 2
        yield Stage(
            name,
            "pull request" if job.get("if") == "github.event_name == 'pull_request'" else "merge",
            [step["run"] for step in job["steps"] if "run" in step and step not in shown],
            flow["env"],
            {secret for step in job["steps"] for secret in secrets_of(step)},
            job.get("needs"),
            job.get("environment") == "itsm",
            set(uploads[0]["with"]["path"].split()),
        )


def gitlab() -> Iterator[Stage]:
    """Return the stages of GitLab CI."""
    flow = loaded(".gitlab-ci.yml")
    jobs = {name: job for name, job in flow.items() if name not in ("stages", "default", "variables")}
    assert flow["stages"] == [name for name in jobs if not name.startswith(".")]
    keys = "extends stage timeout interruptible before_script script artifacts rules needs resource_group environment"
    for name, own in jobs.items():
        if name.startswith("."):
            continue
        job = known({**jobs[own["extends"]], **own}, *keys.split())
        assert job["stage"] == name
        (rule,) = job["rules"]
        known(rule, "if", "when", "allow_failure")
        merged = rule["if"] == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
        assert merged or rule["if"] == '$CI_PIPELINE_SOURCE == "merge_request_event"'
        assert job["artifacts"]["when"] == "always"
        assert job["artifacts"]["reports"] == {"junit": "junit/*.xml"}
        yield Stage(
            name,
            "merge" if merged else "pull request",
            [*job["before_script"], *job["script"]],
            flow["variables"],
            # Protected branches have all protected variables.
            set(SECRETS) if merged else set(),
            job["needs"][0]["job"] if "needs" in job else None,
            rule.get("when") == "manual" and rule["allow_failure"] is False and job["environment"] == "itsm",
            {path.rstrip("/") for path in job["artifacts"]["paths"]},
        )


def test_pipelines_have_the_same_stages():
    variables = {"RUNBOOK": "close_incident", "VARIABLES": "incidents.yml"}
    commands = [["sh scripts/set-up.sh", f"sh scripts/{name}.sh"] for name in ("sandbox", "check", "run")]
    expected = [
        Stage("sandbox", "pull request", commands[0], variables, set(), None, False, KEPT),
        Stage("check", "merge", commands[1], variables, set(SECRETS), None, False, KEPT),
        Stage("run", "merge", commands[2], variables, set(SECRETS), "check", True, KEPT),
    ]
    assert list(github()) == expected
    assert list(gitlab()) == expected


def test_requirements_include_those_of_the_collection():
    def names(path: Path) -> set[str]:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {re.split("[<>=]", line)[0] for line in lines if line and not line.startswith("#")}

    needed = names(ROOT / "meta" / "ee-requirements.txt") | names(ROOT / "tests" / "sandbox" / "requirements.txt")
    assert names(REPOSITORY / "requirements.txt") == {"ansible-core", *needed}


def test_addresses_are_connection_options():
    text = (REPOSITORY / "services.sh").read_text(encoding="utf-8")
    options = [*CONTRAFORCE_OPTIONS.values(), *TICKETING_OPTIONS.values()]
    assert set(re.findall(r"export (\w+)=", text)) <= {option.env for option in options if not option.secret}
    assert set(SECRETS) <= {option.env for option in options}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository in which set-up.sh has installed the built collection."""
    folder = tmp_path_factory.mktemp("prepared") / "repository"
    shutil.copytree(REPOSITORY, folder)
    wanted = {"collections": [{"name": str(tarball(tmp_path_factory.mktemp("built"))), "type": "file"}]}
    (folder / "requirements.yml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    done = shell("sh scripts/set-up.sh", folder, {})
    assert done.returncode == 0, done.stdout
    assert "was installed successfully" in done.stdout
    return folder


def shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of a pipeline in a clean environment with the Ansible of the tests."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder.parent), "LANG": "C.UTF-8", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


class Repository:
    """A copy of the repository that uses a sandbox instead of the real services.

    :param folder: its path.
    :param prepared: the repository to copy.
    :param services: the sandbox.
    """

    def __init__(self, folder: Path, prepared: Path, services: SandboxProcess) -> None:
        self.folder = folder
        shutil.copytree(prepared, folder)
        self.environment = services.environment()
        lines = [f"export {name}={value}\n" for name, value in self.environment.items() if name not in SECRETS]
        (folder / "services.sh").write_text("".join(lines), encoding="utf-8")

    def junit(self) -> list[tuple[int, int]]:
        """Remove the JUnit files and return the number of tests and failures of each, oldest first."""
        counts = []
        for path in sorted((self.folder / "junit").glob("*.xml")):
            suite = ElementTree.parse(path).getroot()
            assert suite.tag == "testsuites"
            failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
            counts.append((int(suite.get("tests", "0")), failed))
            path.unlink()
        return counts

    def leaks(self, output: str) -> list[str]:
        """Return the secrets in the output, the JUnit files and the reports, in any encoding."""
        texts = {"output": output}
        for name in KEPT:
            texts.update({path.name: path.read_text(encoding="utf-8") for path in (self.folder / name).iterdir()})
        assert {Path(name).suffix for name in texts} == {"", ".xml", ".md", ".html"}
        forms = []
        for service in ("CONTRAFORCE", "TICKETING"):
            name, secret = (self.environment[f"{service}_CLIENT_{part}"] for part in ("ID", "SECRET"))
            plain = (secret, f"{name}:{secret}")
            forms += [secret, quote(secret, ""), *(base64.b64encode(text.encode()).decode() for text in plain)]
        return [f"{form} in {name}" for name, text in texts.items() for form in forms if form in text]


@pytest.fixture
def repository(tmp_path: Path, prepared: Path, sandbox: SandboxProcess) -> Repository:
    """Return a copy in a new directory."""
    return Repository(tmp_path / "repository", prepared, sandbox)


def test_stages_do_what_they_document(repository, sandbox):
    """The stages of one pipeline, because both are equal."""
    writes, tests, output = [], [], ""
    for stage in github():
        environment = {**stage.variables, **{name: repository.environment[name] for name in stage.secrets}}
        if stage.name == "check":
            environment["JUNIT_FAIL_ON_CHANGE"] = "true"
        for command in stage.commands:
            done = shell(command, repository.folder, environment)
            assert done.returncode == 0, done.stdout
            output += done.stdout
        reached = sandbox.journal()
        writes.append((bool(reached["reads"]), reached["writes"]))
        assert repository.leaks(output) == []
        tests.append(repository.junit())
    # The first stage uses a sandbox of its own, twice.
    assert writes == [(False, 0), (True, 0), (True, 3)]
    assert [[failed for _number, failed in counts] for counts in tests] == [[0, 0], [2], [0]]
    assert all(number > 5 for counts in tests for number, _failed in counts)
    assert len(list((repository.folder / "itsm-reports").glob("*.html"))) == 4
    closed = {entry["id"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"}
    assert {"48213", "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"} <= closed


def test_a_failed_sandbox_stage_stops_its_sandbox(repository, sandbox):
    """Even if the credentials of the real services are set, they are not used."""
    seed = loaded("seed.yml")
    seed["workspaces"][0]["role"] = "none"
    (repository.folder / "refusing.yml").write_text(yaml.safe_dump(seed), encoding="utf-8")
    environment = {**repository.environment, "SEED": "refusing.yml"}
    done = shell("sh scripts/sandbox.sh", repository.folder, environment)
    assert done.returncode != 0
    assert "Failed in check mode: 2 of 2 incidents failed" in done.stdout
    ((_number, failed),) = repository.junit()
    assert failed > 0
    assert not (repository.folder / "sandbox.env").exists()
    address = urlsplit((repository.folder / "sandbox.log").read_text(encoding="utf-8").split()[3])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    assert sandbox.journal()["entries"] == []


def test_a_sandbox_that_does_not_start_is_reported(repository):
    done = shell("sh scripts/sandbox.sh", repository.folder, {"SEED": "nonsense.yml"})
    assert done.returncode == 1
    assert "nonsense.yml" in done.stdout
    assert done.stdout.splitlines()[-1] == "The sandbox did not start."
