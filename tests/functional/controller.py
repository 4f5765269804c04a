# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run configure_controller.yml with stubs of awx.awx, and render credentials as the controller does."""

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

#: The settings of a site.
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
    """The configuration of a controller.

    :param calls: the kind and arguments of each module, in order.
    """

    calls: tuple[tuple[str, Arguments], ...]

    def all(self, kind: str) -> list[Arguments]:
        """Return all objects of a kind.

        :param kind: the name of their module.
        """
        return [arguments for called, arguments in self.calls if called == kind]

    def one(self, kind: str, name: str) -> Arguments:
        """Return an object.

        :param kind: the name of its module.
        :param name: its name.
        """
        return next(arguments for arguments in self.all(kind) if arguments["name"] == name)


@functools.lru_cache(maxsize=1)
def module_options() -> Arguments:
    """Return the argument specs of the modules of awx.awx."""
    return dict(yaml.safe_load(OPTIONS.read_text(encoding="utf-8"))["controller_options"])


def install_doubles(folder: Path) -> Path:
    """Create a collections directory in which the modules of awx.awx only record their arguments, and return it.

    :param folder: the directory.
    """
    actions = folder / "ansible_collections" / "awx" / "awx" / "plugins" / "action"
    actions.mkdir(parents=True)
    for kind in module_options():
        shutil.copy(HERE / "doubles" / "controller_action.py", actions / f"{kind}.py")
    return folder


def configure(folder: Path, site: Mapping[str, Any], *arguments: str) -> tuple[int, str, Controller]:
    """Run configure_controller.yml, and return its exit code, its output and the configuration.

    :param folder: a directory for its files.
    :param site: the site's variables.
    :param arguments: further arguments of the command.
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
def _configure_once() -> tuple[str, Controller]:
    """Run the playbook once for all tests, and return its output and the configuration."""
    with tempfile.TemporaryDirectory() as folder:
        code, output, controller = configure(Path(folder), SITE, "-vv")
    assert code == 0, output
    return output, controller


def configured() -> Controller:
    """Return the configuration of the site of the tests."""
    return _configure_once()[1]


def configured_output() -> str:
    """Return the output of the playbook at ``-vv``."""
    return _configure_once()[0]


def namespace_of(paths: Mapping[str, str]) -> SimpleNamespace:
    """Return the variable ``tower`` of the controller's templates.

    :param paths: the paths of injected files, by the names of their templates.
    """
    names = {name.removeprefix("template."): path for name, path in paths.items()}
    return SimpleNamespace(filename=SimpleNamespace(**names))


def rendered(template: str, values: Mapping[str, Any], undefined: type[Undefined] = Undefined) -> str:
    """Render a template of a credential type as the controller does for a job.

    :param template: the template.
    :param values: the values of the inputs.
    :param undefined: the type of undefined values.
    """
    return ImmutableSandboxedEnvironment(undefined=undefined).from_string(template).render(values)


def rendered_strictly(template: str, values: Mapping[str, Any]) -> str:
    """Render a template as the controller does when a credential type is created.

    :param template: the template.
    :param values: the values of the inputs.
    """
    return rendered(template, values, StrictUndefined)


def injected(credential_type: Arguments, inputs: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Write the files of a credential, and return the environment variables of its jobs.

    :param credential_type: the credential type.
    :param inputs: the inputs of the credential.
    :param folder: the directory for the files.
    """
    # An untouched checkbox is False; all other inputs without a value are undefined.
    unset = {field["id"]: False for field in credential_type["inputs"]["fields"] if field["type"] == "boolean"}
    values = {**unset, **inputs}
    paths = {}
    for number, (name, template) in enumerate(credential_type["injectors"].get("file", {}).items()):
        path = folder / f"{credential_type['name'].split()[0].lower()}-{number}"
        path.write_text(rendered(template, values), encoding="utf-8")
        paths[name] = str(path)
    values["tower"] = namespace_of(paths)
    return {name: rendered(template, values) for name, template in credential_type["injectors"]["env"].items()}
