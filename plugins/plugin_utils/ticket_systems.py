# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Discover the ticketing systems of the runbooks, the directories in ``playbooks/tickets`` with a ``system.yml``."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Iterator, Mapping

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import quoted
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import TICKET_SYSTEM, is_blank
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import AUTO_WAYS
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_system_folder import (
    check_definition,
    find_folder,
    is_path,
    missing_files,
    read_definition,
)

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
FOLDER = PLAYBOOKS / "tickets"
RUNBOOKS = PLAYBOOKS / "vars" / "runbooks.yml"
MODULE_UTILS = "ansible_collections.secops.itsm.plugins.module_utils"


#: The files of tasks of a system: find or open tickets, read which are closed, close tickets, list those that were
#: closed, check the connection.
TASK_FILES = ("open.yml", "closed.yml", "close.yml", "resolved.yml", "check.yml")

#: The groups of variables to which a system adds its own.
GROUPS = (TICKET_SYSTEM, "tickets", "resolution", "ticket_closing", "services")

#: The values of ``contraforce_links``: whether ContraForce can link tickets of the system to incidents.
LINKS = ("documented", "assumed", "no")

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class TicketSystem:
    """A ticketing system.

    :param name: the value of ``ticket_system``.
    :param folder: the directory with its files.
    :param definition: the content of its ``system.yml``.
    :param by_path: whether it is outside the collection; ``system.yml`` then contains its connection.
    """

    name: str
    folder: Path
    definition: Mapping[str, Any]
    by_path: bool = False

    @property
    def title(self) -> str:
        """Return its name for readers."""
        return str(self.definition["title"])

    @property
    def group(self) -> str:
        """Return the action group of its modules, which is also the name of its connection."""
        return str(self.definition["group"])

    @property
    def variables(self) -> Mapping[str, Mapping[str, Any]]:
        """Return its variables in groups."""
        groups: Mapping[str, Mapping[str, Any]] = self.definition["variables"]
        return groups

    @property
    def variable_names(self) -> set[str]:
        """Return the names of its variables."""
        return {name for group in self.variables.values() for name in group}

    @property
    def connection_options(self) -> Mapping[str, Option]:
        """Return the options of its connection. Raise AttributeError or ImportError if there are none."""
        if self.by_path:
            return {name: _declared_option(facts) for name, facts in self.definition["connection"].items()}
        table: Mapping[str, Option] = _imported(self.definition["connection_options"])
        return table

    @property
    def connection_variables(self) -> set[str]:
        """Return the variables of its connection."""
        return {option.variable for option in self.connection_options.values()}

    @property
    def required_options(self) -> list[str]:
        """Return the options of its connection that are always needed, if ``system.yml`` contains them."""
        declared = self.definition["connection"] if self.by_path else {}
        return [name for name, facts in declared.items() if facts.get("required")]

    @property
    def assumptions(self) -> Mapping[str, Assumption]:
        """Return the assumptions about its API. Raise AttributeError or ImportError if there are none."""
        table: Mapping[str, Assumption] = _imported(self.definition["assumptions"])
        return table

    def facts(self) -> dict[str, Any]:
        """Return what its files of tasks and the report need."""
        address = self.connection_options.get("url", _NO_ADDRESS)
        return {
            "name": self.name,
            "title": self.title,
            "folder": str(self.folder),
            "ticket": self.definition["ticket"],
            "contraforce_links": self.definition["contraforce_links"],
            "contraforce_type": self.definition.get("contraforce_type", ""),
            "auto_reference": AUTO_WAYS[self.definition["contraforce_links"]],
            "address": {"variable": address.variable, "environment": address.env},
            "variables": sorted(self.variable_names),
            "connection_variables": sorted(self.connection_variables),
            "missing_files": missing_files(self.folder) if self.by_path else {},
        }


#: The address of a system without one; no such variable exists.
_NO_ADDRESS = Option("str", "ITSM_NO_ADDRESS")


def _declared_option(facts: Mapping[str, Any]) -> Option:
    """Return a connection option that a ``system.yml`` contains."""
    return Option(facts.get("type", "str"), facts["environment"], facts.get("default"), facts.get("secret", False))


def _imported(name: str) -> Any:
    """Return a constant of a module in module_utils."""
    module, _dot, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"{MODULE_UTILS}.{module}"), attribute)


def system_names() -> list[str]:
    """Return the names of all systems."""
    return sorted(path.parent.name for path in FOLDER.glob("*/system.yml"))


def find_system(choice: Any) -> TicketSystem:
    """Return a system.

    :param choice: its name, the value of ``ticket_system``.
    :raises ValueError: if there is no such system, with a sentence that names the existing ones.
    """
    names = system_names()
    if not isinstance(choice, str) or choice.strip() not in names:
        raise ValueError(f"'{TICKET_SYSTEM}' must be one of {', '.join(names)}, not {quoted(choice)}.")
    return _read_system(FOLDER / choice.strip())


def choose_system(choice: Any) -> TicketSystem:
    """Return a system of the collection, or the default system for a blank choice.

    :param choice: the value of ``ticket_system``.
    :raises ValueError: if there is no such system.
    """
    return find_system(default_system() if is_blank(choice) else choice)


def system_of_run(choice: Any, base: str = "") -> TicketSystem:
    """Return the system of a run, which may be outside the collection.

    :param choice: the value of ``ticket_system``, a name or a path.
    :param base: the directory of the playbook, in which a relative path is searched first.
    :raises ValueError: if there is no such system, or its directory is invalid.
    """
    if is_path(choice):
        return read_folder(find_folder(choice, base))
    try:
        return choose_system(choice)
    except ValueError as error:
        raise ValueError(f"{str(error)[:-1]}. For a system of your own, set it to a path with a slash.") from None


def read_folder(folder: Path) -> TicketSystem:
    """Return the system in a directory outside the collection.

    :param folder: the directory.
    :raises ValueError: if a file or a key is missing or invalid.
    """
    # Without links to missing files, such as the locks of an editor.
    files = sorted(path for path in folder.glob("*.yml") if path.exists())
    return _read_folder(folder, tuple((path.name, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=8)
def _read_folder(folder: Path, _modified: Any) -> TicketSystem:
    """Return the system in a directory, which is checked again once a file has changed."""
    definition = read_definition(folder)
    ways = read_table()["itsm_variables"]["ticket_closing"]["ticket_closing"]["choices"]
    check_definition(folder, definition, _names_in_use(), GROUPS, LINKS, ways)
    return TicketSystem(str(folder), folder, definition, by_path=True)


def _names_in_use() -> Collection[str]:
    """Return the variables of all runbooks, and those of the connections of the collection."""
    tables = (CONTRAFORCE_OPTIONS, *connection_tables().values())
    connections = {option.variable for table in tables for option in table.values()}
    return connections | {name for group in read_table()["itsm_variables"].values() for name in group}


def _read_system(folder: Path) -> TicketSystem:
    return TicketSystem(folder.name, folder, _read(folder / "system.yml", (folder / "system.yml").stat().st_mtime_ns))


@functools.lru_cache(maxsize=32)
def _read(path: Path, _modified: int) -> Mapping[str, Any]:
    """Return the content of a file, which is read again once it has changed."""
    content: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # a SafeLoader
    return content


def read_table() -> Mapping[str, Any]:
    """Return the table of runbooks: ``itsm_variables`` and ``itsm_runbooks``, without the variables of systems."""
    return _read(RUNBOOKS, RUNBOOKS.stat().st_mtime_ns)


def all_systems() -> list[TicketSystem]:
    """Return all systems."""
    return [find_system(name) for name in system_names()]


def default_system() -> str:
    """Return the name of the system that runbooks use by default."""
    return str(read_table()["itsm_variables"][TICKET_SYSTEM][TICKET_SYSTEM]["default"])


def connection_tables() -> dict[str, Mapping[str, Option]]:
    """Return the connection options of all systems by the name of their action group."""
    return {system.group: system.connection_options for system in all_systems()}


def variables_of_systems() -> set[str]:
    """Return the names of the variables of all systems."""
    return {name for system in all_systems() for name in system.variable_names}


def systems_of_variable(name: str) -> list[str]:
    """Return the names of the systems that have a variable.

    :param name: the name of the variable.
    """
    return [system.name for system in all_systems() if name in system.variable_names]


def with_ticket_system(table: Mapping[str, Any], choice: Any = "", base: str = "") -> dict[str, Any]:
    """Return the table of runbooks with the variables of a system.

    Its key ``itsm_ticket_system`` contains the facts of the system, or ``problem``, a sentence, if it is unknown.

    :param table: ``itsm_variables`` and ``itsm_runbooks``.
    :param choice: the value of ``ticket_system``; blank for the default.
    :param base: the directory of the playbook, in which a relative path is searched first.
    """
    try:
        system = system_of_run(choice, base)
    except ValueError as error:
        return {**table, "itsm_ticket_system": {"problem": str(error)}}
    variables = {
        group: {**generic, **system.variables.get(group, {})} for group, generic in table["itsm_variables"].items()
    }
    closing = dict(variables["ticket_closing"])
    closing["ticket_closing"] = {**closing["ticket_closing"], "default": system.definition["closing"]["default"]}
    return {
        **table,
        "itsm_variables": {**variables, "ticket_closing": closing},
        "itsm_runbooks": {
            name: _with_entry(runbook, system) if "tickets" in runbook["takes"] else runbook
            for name, runbook in table["itsm_runbooks"].items()
        },
        "itsm_ticket_system": {
            **system.facts(),
            "closing": system.definition["closing"],
            "entry": system.definition["entry"],
        },
    }


def _with_entry(runbook: Mapping[str, Any], system: TicketSystem) -> dict[str, Any]:
    """Return a runbook whose entries accept the keys of a system."""
    hint = system.definition["ticket"]["hint"] if runbook["hint"] == "of_tickets" else runbook["hint"]
    return {**runbook, "entry": [*runbook["entry"], *system.definition["entry"]], "hint": hint}


# --- the controller -------------------------------------------------------------------------------------------------

#: The inputs of files in a credential, by connection option: the name of the file's template, and of the input.
_FILES: Mapping[str, tuple[str, str]] = {
    "ca_path": ("ca", "ca_certificate"),
    "client_cert": ("certificate", "client_certificate"),
    "client_key": ("key", "client_key"),
}


def credential_type(system: TicketSystem, common_fields: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the credential type of a controller, which sets the environment variables of the connection.

    :param system: the system.
    :param common_fields: the inputs that all systems have.
    """
    stated = system.definition["credential_type"]
    options = system.connection_options
    return {
        "name": stated["name"],
        "description": stated["description"],
        "inputs": {"required": stated["required"], "fields": [*stated["fields"], *common_fields]},
        "injectors": {
            "file": {f"template.{name}": f"{{{{ {field} }}}}" for name, field in _FILES.values()},
            "env": dict(_injectors(options)),
        },
    }


def _injectors(options: Mapping[str, Option]) -> Iterator[tuple[str, str]]:
    """Yield the environment variables with their templates."""
    for name, option in options.items():
        if name in _FILES:
            file, field = _FILES[name]
            yield option.env, f"{{{{ tower.filename.{file} if {field} else '' }}}}"
        else:
            yield option.env, f"{{{{ {name} }}}}"


def survey_questions(system: TicketSystem, answers: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the questions of the surveys by the group of their variables.

    :param system: the system.
    :param answers: the default answers by setting.
    """
    return {
        group: [_with_default(question, answers) for question in questions]
        for group, questions in system.definition["survey"].items()
    }


def _with_default(question: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in question.items() if key != "default_setting"}
    setting = question.get("default_setting")
    return {**plain, "default": answers[setting]} if setting else plain
