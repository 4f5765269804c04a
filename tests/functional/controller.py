# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What configure_controller.yml sets up, as a controller gets it, and what the controller makes of it for a job."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Mapping

import yaml
from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE.parents[1] / "playbooks"
PROJECT = PLAYBOOKS / "awx" / "project"
OPTIONS = HERE / "controller_options.yml"
RUNBOOK = "secops.itsm.awx.configure_controller"

#: What a site must say, and what its surveys suggest.
SITE = {
    "controller_project_url": "https://git.example.com/soc/itsm-project.git",
    "controller_execution_environment_image": "registry.example.com/soc/itsm-ee:1.0",
    "controller_contraforce_inputs": {"client_id": "a-client", "client_secret": "a-secret"},
    "controller_ticketing_inputs": {"url": "https://ticketing.example.com", "api_key": "a-key"},
    "controller_notification_url": "https://hooks.example.com/a-secret-path",
}

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Controller:
    """What a controller was told to hold.

    :param calls: of the modules, in their order: each one's kind and arguments.
    """

    calls: tuple[tuple[str, Arguments], ...]

    def all(self, kind: str) -> list[Arguments]:
        """Everything of a kind.

        :param kind: the module that makes it.
        """
        return [arguments for called, arguments in self.calls if called == kind]

    def one(self, kind: str, name: str) -> Arguments:
        """One thing.

        :param kind: the module that makes it.
        :param name: its name.
        """
        return next(arguments for arguments in self.all(kind) if arguments["name"] == name)


@functools.lru_cache(maxsize=1)
def module_options() -> Arguments:
    """The options of each module of awx.awx, as Ansible checks them."""
    return dict(yaml.safe_load(OPTIONS.read_text(encoding="utf-8"))["controller_options"])


def install_doubles(folder: Path) -> Path:
    """A folder of collections in which awx.awx only writes down what it is told.

    :param folder: where it is made.
    """
    actions = folder / "ansible_collections" / "awx" / "awx" / "plugins" / "action"
    actions.mkdir(parents=True)
    for kind in module_options():
        shutil.copy(HERE / "doubles" / "controller_action.py", actions / f"{kind}.py")
    return folder


def configure(folder: Path, site: Mapping[str, Any], *arguments: str) -> tuple[int, str, Controller]:
    """Run configure_controller.yml: its exit code, what it printed, and what it set up.

    :param folder: for what it writes.
    :param site: the site's variables.
    :param arguments: further words of the command.
    """
    calls, options = folder / "calls", folder / "options"
    calls.write_text("", encoding="utf-8")
    options.write_text(json.dumps(module_options()), encoding="utf-8")
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": f"{install_doubles(folder / 'collections')}:{COLLECTIONS}",
        "CONTROLLER_OPTIONS": str(options),
        "CONTROLLER_CALLS": str(calls),
    }
    played = Player(folder, environment).play(RUNBOOK, "-e", json.dumps(dict(site)), *arguments)
    entries = [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]
    return played.code, played.output, Controller(tuple((entry["kind"], entry["arguments"]) for entry in entries))


@functools.lru_cache(maxsize=1)
def configured() -> Controller:
    """What is set up for the site of the tests; the playbook runs once for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        code, output, controller = configure(Path(folder), SITE)
    assert code == 0, output
    return controller


def namespace_of(paths: Mapping[str, str]) -> SimpleNamespace:
    """What the controller's templates call C(tower).

    :param paths: of the injected files, by the names of their templates.
    """
    names = {name.removeprefix("template."): path for name, path in paths.items()}
    return SimpleNamespace(filename=SimpleNamespace(**names))


def rendered(template: str, values: Mapping[str, Any], undefined: type[Undefined] = Undefined) -> str:
    """A template of a credential type, as the controller fills it.

    :param template: the text.
    :param values: by the identifiers of the inputs.
    :param undefined: what a value that is not there is taken for; AWX is strict when a credential type is made.
    """
    return ImmutableSandboxedEnvironment(undefined=undefined).from_string(template).render(values)


def rendered_strictly(template: str, values: Mapping[str, Any]) -> str:
    """A template of a credential type, as the controller tries it out.

    :param template: the text.
    :param values: by the identifiers of the inputs.
    """
    return rendered(template, values, StrictUndefined)


def injected(credential_type: Arguments, inputs: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The environment that a credential gives a job. Files are written to where the job finds them.

    :param credential_type: as it was set up.
    :param inputs: the values of a credential of this type.
    :param folder: for the files.
    """
    # A checkbox that nobody touched is False; any other input without a value is not there at all.
    unset = {field["id"]: False for field in credential_type["inputs"]["fields"] if field["type"] == "boolean"}
    values = {**unset, **inputs}
    paths = {}
    for number, (name, template) in enumerate(credential_type["injectors"].get("file", {}).items()):
        path = folder / f"{credential_type['name'].split()[0].lower()}-{number}"
        path.write_text(rendered(template, values), encoding="utf-8")
        paths[name] = str(path)
    values["tower"] = namespace_of(paths)
    return {name: rendered(template, values) for name, template in credential_type["injectors"]["env"].items()}
