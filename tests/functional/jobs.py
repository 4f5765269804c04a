# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run job templates as the controller does: with ansible-runner, in a private data directory."""

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

#: The environment of every job. In the controller, the collections are those of the execution environment.
JOB_ENVIRONMENT = {
    "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
}

#: The variables that the controller adds to every job.
JOB_VARIABLES = {"awx_job_id": 7, "awx_user_name": "anna", "awx_job_launch_type": "manual"}
#: The variables that it adds to jobs of workflows.
WORKFLOW_VARIABLES = {"awx_workflow_job_id": 6, "awx_workflow_job_name": "Open tickets, then close"}

Values = Mapping[str, Any]


@dataclass
class Job:
    """A finished job.

    :param folder: its artifacts.
    :param project: its working directory.
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
        """Return the status."""
        return (self.folder / "status").read_text(encoding="utf-8")

    @property
    def output(self) -> str:
        """Return the output."""
        return (self.folder / "stdout").read_text(encoding="utf-8")

    @property
    def shown(self) -> str:
        """Return everything that the controller stores and shows: events and output."""
        return json.dumps(self.events) + self.output

    @property
    def artifacts(self) -> dict[str, Any]:
        """Return the custom stats, from the same event as the controller."""
        (end,) = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(end["event_data"].get("artifact_data", {}))

    def tasks(self, event: str) -> list[str]:
        """Return the names of the tasks with an event.

        :param event: the type of the event, such as ``runner_on_failed``.
        """
        return [one["event_data"]["task"] for one in self.events if one["event"] == event]


def default_answers(template: Values) -> dict[str, Any]:
    """Return the answers that the controller uses for unanswered questions: all defaults that are valid answers.

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
    """Run a job template and return the finished job.

    :param folder: a directory for the job, which must not exist.
    :param name: the name of the job template.
    :param answers: the answers of its survey, and further variables.
    :param credentials: the inputs by the name of the credential.
    :param words: further arguments of the command, such as ``--check``.
    :param project: the directory of the project, which is copied.
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
    # A clean environment.
    clean = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    subprocess.run(command, env={**clean, "no_proxy": "127.0.0.1"}, check=False, timeout=300, stdout=subprocess.DEVNULL)
    return Job(folder / "artifacts" / "1", folder / "project")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
