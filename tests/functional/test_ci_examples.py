# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines in docs/ci: each is the same chain, and what they run does what it says.

No CI service runs here. What a pipeline file says is read, and its commands are run in a copy of the repository.
"""

from __future__ import annotations

import base64
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = ROOT / "docs" / "ci" / "repository"
SECRETS = ("CONTRAFORCE_CLIENT_ID", "CONTRAFORCE_CLIENT_SECRET", "TICKETING_CLIENT_ID", "TICKETING_CLIENT_SECRET")
KEPT = {"itsm-reports", "junit"}


@dataclass
class Stage:
    """A part of a pipeline.

    :param name: its name.
    :param on: what starts it: a C(pull request) or a C(merge).
    :param commands: what it runs in a shell, without what only shows or keeps files.
    :param variables: what it sets, but for secrets.
    :param secrets: the variables that it takes from the secret store.
    :param after: the stage that must have succeeded, if it is not the first of its kind.
    :param approved: whether somebody has to approve it.
    :param kept: folders that are kept, whether it fails or not.
    :param published: whether its JUnit files are shown by the service, whether it fails or not.
    """

    name: str
    on: str
    commands: list[str]
    variables: dict[str, str]
    secrets: set[str]
    after: str | None = None
    approved: bool = False
    kept: set[str] = field(default_factory=set)
    published: bool = True


def loaded(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def known(mapping: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A mapping, if it has no other keys than those that the service knows."""
    assert set(mapping) <= set(keys), f"unknown: {set(mapping) - set(keys)}"
    return mapping


def named_secrets(environment: dict[str, str], form: str) -> set[str]:
    """The variables that are taken from the secret store, each under its own name."""
    for name, value in environment.items():
        assert value == form.replace("NAME", name)
    return set(environment)


def github() -> Iterator[Stage]:
    flow = known(loaded(".github/workflows/incidents.yml"), "name", True, "permissions", "concurrency", "env", "jobs")
    # PyYAML takes the key "on" for a boolean.
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
            {secret for step in job["steps"] for secret in named_secrets(step.get("env", {}), "${{ secrets.NAME }}")},
            job.get("needs"),
            job.get("environment") == "itsm",
            set(uploads[0]["with"]["path"].split()),
        )


def gitlab() -> Iterator[Stage]:
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
        yield Stage(
            name,
            "merge" if merged else "pull request",
            [*job["before_script"], *job["script"]],
            flow["variables"],
            # Protected variables are there without being named, on protected branches.
            set(SECRETS) if merged else set(),
            job["needs"][0]["job"] if "needs" in job else None,
            rule.get("when") == "manual" and rule["allow_failure"] is False and job["environment"] == "itsm",
            {path.rstrip("/") for path in job["artifacts"]["paths"]},
            job["artifacts"]["reports"] == {"junit": "junit/*.xml"},
        )


def azure() -> Iterator[Stage]:
    flow = known(loaded("azure-pipelines.yml"), "trigger", "pr", "pool", "variables", "stages")
    assert flow["trigger"] == flow["pr"] == {"branches": {"include": ["main"]}}
    for stage in flow["stages"]:
        known(stage, "stage", "dependsOn", "condition", "lockBehavior", "variables", "jobs")
        (job,) = stage["jobs"]
        deploys = "deployment" in job
        known(job, "deployment" if deploys else "job", "timeoutInMinutes", "environment", "strategy", "steps")
        steps = job["strategy"]["runOnce"]["deploy"]["steps"] if deploys else job["steps"]
        assert steps[0] == {"checkout": "self", "clean": True}
        (published,) = (step for step in steps if step.get("task") == "PublishTestResults@2")
        kept = [step for step in steps if "publish" in step]
        assert {step["condition"] for step in [published, *kept]} == {"always()"}
        secrets = {
            secret for step in steps for secret in named_secrets(step.get("env", {}), "$(NAME)") if "script" in step
        }
        # Without the group there is nothing that could be taken.
        assert bool(secrets) == ({"group": "itsm"} in stage.get("variables", []))
        pull_request = stage.get("condition") == "eq(variables['Build.Reason'], 'PullRequest')"
        yield Stage(
            stage["stage"],
            "pull request" if pull_request else "merge",
            [step["script"] for step in steps if "script" in step],
            flow["variables"],
            secrets,
            stage["dependsOn"] if isinstance(stage.get("dependsOn"), str) else None,
            deploys and job["environment"] == "itsm",
            {step["publish"] for step in kept} | {published["inputs"]["testResultsFiles"].split("/")[0]},
            published["inputs"]["testResultsFormat"] == "JUnit",
        )


def braced(text: str, opening: str) -> list[tuple[str, str]]:
    """What stands in braces after an expression: its first group, and the content."""
    found = []
    for match in re.finditer(opening + r"\s*\{", text):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found.append((match[1] if match.lastindex else "", text[match.end() : end - 1]))
    return found


def assigned(text: str) -> dict[str, str]:
    """Names and values of an C(environment) in a Jenkinsfile."""
    content = "".join(body for _name, body in braced(text, r"\benvironment"))
    return dict(re.findall(r"^\s*(\w+) = (.+?)\s*$", content, re.MULTILINE))


def jenkins() -> Iterator[Stage]:
    text = re.sub(r"(^|\s)//.*", "", (REPOSITORY / "Jenkinsfile").read_text(encoding="utf-8"))
    ((_pipeline, content),) = braced(text, r"^\s*pipeline")
    assert text.count("{") == text.count("}")
    (before, *_rest) = content.split("stages {")
    common = {name: value.strip("'") for name, value in assigned(before).items()}
    previous, approved = None, False
    for name, body in braced(content, r"stage\('(\w+)'\)"):
        merged = "branch 'main'" in body
        assert merged != ("changeRequest()" in body)
        if "input message:" in body:
            assert "submitter: 'itsm-approvers'" in body
            approved = True
            continue
        ((_always, always),) = braced(body, r"\balways")
        kept = re.search(r"archiveArtifacts artifacts: '([^']*)', allowEmptyArchive: true", always)
        secrets = assigned(body)
        for variable, value in secrets.items():
            assert value == f"credentials('{variable.lower().replace('_', '-')}')"
        yield Stage(
            name,
            "merge" if merged else "pull request",
            re.findall(r"^\s*sh '([^']*)'$", body, re.MULTILINE),
            common,
            set(secrets),
            # A stage of a Jenkinsfile begins only if the ones before it did not fail.
            previous if merged else None,
            approved,
            {path.split("/")[0].strip() for path in kept[1].split(",")} if kept else set(),
            "junit testResults: 'junit/*.xml', allowEmptyResults: true" in always,
        )
        previous = name if merged else None


PIPELINES = {"GitHub Actions": github, "GitLab CI": gitlab, "Azure Pipelines": azure, "Jenkins": jenkins}


@pytest.mark.parametrize("name", PIPELINES)
def test_each_pipeline_is_the_same_chain(name):
    stages = list(PIPELINES[name]())
    assert [(stage.name, stage.on, stage.after, stage.approved) for stage in stages] == [
        ("rehearse", "pull request", None, False),
        ("foretell", "merge", None, False),
        ("run", "merge", "foretell", True),
    ]
    assert [stage.commands for stage in stages] == [
        ["sh scripts/set-up.sh", f"sh scripts/{stage.name}.sh"] for stage in stages
    ]
    assert [stage.secrets for stage in stages] == [set(), set(SECRETS), set(SECRETS)]
    assert [(stage.kept, stage.published) for stage in stages] == [(KEPT, True)] * 3
    assert {tuple(stage.variables.items()) for stage in stages} == {
        (("RUNBOOK", "close_incident"), ("VARIABLES", "incidents.yml"))
    }


def test_what_is_to_be_installed_covers_what_the_collection_needs():
    def names(path: Path) -> set[str]:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {re.split("[<>=]", line)[0] for line in lines if line and not line.startswith("#")}

    needed = names(ROOT / "meta" / "ee-requirements.txt") | names(ROOT / "tests" / "sandbox" / "requirements.txt")
    assert names(REPOSITORY / "requirements.txt") == {"ansible-core", *needed}


def test_the_addresses_are_options_of_the_connections():
    text = (REPOSITORY / "services.sh").read_text(encoding="utf-8")
    options = [*CONTRAFORCE_OPTIONS.values(), *TICKETING_OPTIONS.values()]
    assert set(re.findall(r"export (\w+)=", text)) <= {option.env for option in options if not option.secret}
    assert set(SECRETS) <= {option.env for option in options}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository where set-up.sh has installed the collection as it is published."""
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("prepared") / "repository"
    command = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection", "build", "--output-path", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(REPOSITORY, folder)
    wanted = {"collections": [{"name": str(path), "type": "file"} for path in built.glob("*.tar.gz")]}
    (folder / "requirements.yml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    done = shell("sh scripts/set-up.sh", folder, {})
    assert done.returncode == 0, done.stdout
    assert "was installed successfully" in done.stdout
    return folder


def shell(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of a pipeline, with nothing of the machine's user but the Ansible of the tests."""
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
    """A copy of the repository, with the sandbox in the place of the real services.

    :param folder: where.
    :param prepared: what it is a copy of.
    :param services: the sandbox.
    """

    def __init__(self, folder: Path, prepared: Path, services: SandboxProcess) -> None:
        self.folder = folder
        shutil.copytree(prepared, folder)
        self.reached = services.environment()
        lines = [f"export {name}={value}\n" for name, value in self.reached.items() if name not in SECRETS]
        (folder / "services.sh").write_text("".join(lines), encoding="utf-8")

    def run(self, command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command of a pipeline.

        :param command: for a shell.
        :param environment: the variables that the pipeline sets.
        """
        return shell(command, self.folder, environment)

    def junit(self) -> list[tuple[int, int]]:
        """How many tests and failures each JUnit file tells of, oldest first; they are gone then."""
        counts = []
        for path in sorted((self.folder / "junit").glob("*.xml")):
            suite = ElementTree.parse(path).getroot()
            assert suite.tag == "testsuites"
            failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
            counts.append((int(suite.get("tests", "0")), failed))
            path.unlink()
        return counts

    def leaks(self, output: str) -> list[str]:
        """Secrets of the services in the output, the JUnit files and the reports, in whatever form."""
        texts = {"output": output}
        for name in KEPT:
            texts.update({path.name: path.read_text(encoding="utf-8") for path in (self.folder / name).iterdir()})
        assert {Path(name).suffix for name in texts} == {"", ".xml", ".md", ".html"}
        forms = []
        for service in ("CONTRAFORCE", "TICKETING"):
            name, secret = (self.reached[f"{service}_CLIENT_{part}"] for part in ("ID", "SECRET"))
            plain = (secret, f"{name}:{secret}")
            forms += [secret, quote(secret, ""), *(base64.b64encode(text.encode()).decode() for text in plain)]
        return [f"{form} in {name}" for name, text in texts.items() for form in forms if form in text]


@pytest.fixture
def repository(tmp_path: Path, prepared: Path, sandbox: SandboxProcess) -> Repository:
    """A copy in a new folder."""
    return Repository(tmp_path / "repository", prepared, sandbox)


def test_the_chain_does_what_it_says(repository, sandbox):
    """Once for all, because a test above says that all are the same."""
    writes, tests, output = [], [], ""
    for stage in github():
        environment = {**stage.variables, **{name: repository.reached[name] for name in stage.secrets}}
        if stage.name == "foretell":
            # What the guide says of it: only the JUnit file tells of failures.
            environment["JUNIT_FAIL_ON_CHANGE"] = "true"
        for command in stage.commands:
            done = repository.run(command, environment)
            assert done.returncode == 0, done.stdout
            output += done.stdout
        reached = sandbox.journal()
        writes.append((bool(reached["reads"]), reached["writes"]))
        assert repository.leaks(output) == []
        tests.append(repository.junit())
    # The rehearsal reached another sandbox, twice.
    assert writes == [(False, 0), (True, 0), (True, 3)]
    assert [[failed for _number, failed in counts] for counts in tests] == [[0, 0], [2], [0]]
    assert all(number > 5 for counts in tests for number, _failed in counts)
    assert len(list((repository.folder / "itsm-reports").glob("*.html"))) == 4
    closed = {entry["id"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"}
    assert {"48213", "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"} <= closed


def test_a_rehearsal_that_fails_ends_its_sandbox_and_reaches_nothing_else(repository, sandbox):
    """Though the variables of the real services are set, and the runbook asks for the incidents before it fails."""
    seed = loaded("seed.yml")
    seed["workspaces"][0]["role"] = "none"
    (repository.folder / "refusing.yml").write_text(yaml.safe_dump(seed), encoding="utf-8")
    done = repository.run("sh scripts/rehearse.sh", {**repository.reached, "SEED": "refusing.yml"})
    assert done.returncode != 0
    assert "Failed in check mode: 2 of 2 incidents failed" in done.stdout
    ((_number, failed),) = repository.junit()
    assert failed > 0
    assert not (repository.folder / "sandbox.env").exists()
    address = urlsplit((repository.folder / "sandbox.log").read_text(encoding="utf-8").split()[3])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    assert sandbox.journal()["entries"] == []


def test_a_sandbox_that_does_not_start_is_told(repository):
    done = repository.run("sh scripts/rehearse.sh", {"SEED": "nonsense.yml"})
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "sandbox: nonsense.yml cannot be read: No such file or directory",
        "The sandbox did not start.",
    ]
