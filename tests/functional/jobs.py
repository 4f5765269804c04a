# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a job template as the controller does: by ansible-runner, from a folder that holds all that the job may have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.functional import controller
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

BIN = Path(sys.executable).parent

#: What the controller sets for every job. The collections are, there, those of the execution environment.
JOB_ENVIRONMENT = {
    "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
}

#: What the controller hands to every job about itself.
JOB_VARIABLES = {"awx_job_id": 7, "awx_user_name": "anna", "awx_job_launch_type": "manual"}
#: What it adds for a job of a workflow.
WORKFLOW_VARIABLES = {"awx_workflow_job_id": 6, "awx_workflow_job_name": "Open tickets, then close"}

Values = Mapping[str, Any]


@dataclass
class Job:
    """A job that ended.

    :param folder: what it left.
    :param project: the folder that it was started in.
    """

    folder: Path
    project: Path
    events: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        paths = (self.folder / "job_events").glob("*.json")
        found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        self.events = sorted(found, key=lambda event: event["counter"])

    @property
    def status(self) -> str:
        """How it ended."""
        return (self.folder / "status").read_text(encoding="utf-8")

    @property
    def output(self) -> str:
        """What it printed."""
        return (self.folder / "stdout").read_text(encoding="utf-8")

    @property
    def shown(self) -> str:
        """All that the controller keeps of it, and shows: events and output."""
        return json.dumps(self.events) + self.output

    @property
    def artifacts(self) -> dict[str, Any]:
        """What it hands on, from where the controller takes it."""
        (end,) = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(end["event_data"].get("artifact_data", {}))

    def tasks(self, event: str) -> list[str]:
        """The names of the tasks with an event.

        :param event: such as C(runner_on_failed).
        """
        return [one["event_data"]["task"] for one in self.events if one["event"] == event]


def default_answers(template: Values) -> dict[str, Any]:
    """What the controller takes for questions that nobody answered: defaults, but those that no answer could be.

    :param template: the job template.
    """
    questions = template["survey_spec"]["spec"]
    return {
        one["variable"]: one["default"]
        for one in questions
        if one["default"] != "" or (one["type"].startswith("text") and not one.get("min"))
    }


def run_job(
    folder: Path,
    name: str,
    answers: Values,
    credentials: Mapping[str, Values],
    *words: str,
    project: Path = controller.PROJECT,
) -> Job:
    """Run a job template to its end.

    :param folder: for the job; it must not be there yet.
    :param name: of the job template.
    :param answers: to its survey, and what else the controller gives the job as variables.
    :param credentials: inputs by the name of the credential.
    :param words: what the controller adds to the command, such as C(--check).
    :param project: what the project is a copy of.
    """
    setup = controller.configured()
    template = setup.one("job_template", name)
    for part in ("env", "inventory"):
        (folder / part).mkdir(parents=True)
    shutil.copytree(project, folder / "project")
    host = setup.one("host", "localhost")
    hosts = {"all": {"hosts": {host["name"]: host["variables"]}}}
    environment = dict(JOB_ENVIRONMENT)
    for credential in template["credentials"]:
        kind = setup.one("credential_type", setup.one("credential", credential)["credential_type"])
        environment.update(controller.injected(kind, credentials[credential], folder / "env"))
    variables = {**template["extra_vars"], **default_answers(template), **answers, **JOB_VARIABLES}
    _write(folder / "inventory" / "hosts.json", hosts)
    _write(folder / "env" / "envvars", environment)
    _write(folder / "env" / "extravars", variables)
    (folder / "env" / "cmdline").write_text(" ".join(words), encoding="utf-8")
    command = [BIN / "ansible-runner", "run", folder, "--playbook", template["playbook"], "--ident", "1", "--quiet"]
    # Nothing of the machine's user but the folder of the programs.
    clean = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    subprocess.run(command, env={**clean, "no_proxy": "127.0.0.1"}, check=False, timeout=300, stdout=subprocess.DEVNULL)
    return Job(folder / "artifacts" / "1", folder / "project")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
