# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate the directory of a ticketing system that ``ticket_system`` names by its path."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Iterator, Mapping, Sequence

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import TICKETING_SYSTEMS
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line, shortened
from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import YAML_ERRORS
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import MAX_VALUE_LENGTH, quoted
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest

#: The file that describes the system.
SYSTEM_FILE = "system.yml"

#: The files of tasks that the directory must contain.
REQUIRED_FILES = ("open.yml", "closed.yml", "close.yml", "check.yml")

#: The files of tasks that it may contain, by the group of variables of the runbooks that need them.
OPTIONAL_FILES: Mapping[str, str] = {"resolution": "resolved.yml"}

#: The types of variables and of connection options.
VARIABLE_TYPES = ("str", "int", "float", "bool", "list", "dict", "path")
CONNECTION_TYPES = ("str", "int", "bool", "path")

#: The keys of a variable, and of a connection option.
VARIABLE_KEYS = ("type", "elements", "choices", "default", "required", "identifier", "description")
CONNECTION_KEYS = ("environment", "type", "default", "required", "secret")

#: The keys of an entry that are not variables: those of events and of the steps, and the name of a customer.
OF_ENTRIES = ("account_id", "created_at", "name", "record", "ticket_number", "title_sha256")

#: The types of the variables that the runbooks use themselves.
MEANINGS: Mapping[str, str] = {"summary": "str", "fields": "dict"}

#: The keys of one of ``ticket.values``.
VALUE_KEYS = ("names", "required", "option", "field")

#: The groups that may contain the same variable, because no runbook uses both.
SHARING = {"tickets", "resolution"}

#: The starts of names that have a meaning for Ansible, AWX or the runbooks.
RESERVED = ("ansible_", "awx_", "tower_", "itsm_")

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_GUIDE = 'see the guide "Use a ticketing system of your own"'
_WORDS: Mapping[type, str] = {str: "a text", int: "a number", dict: "a mapping", list: "a list"}


@dataclass(frozen=True)
class Key:
    """A key of ``system.yml``.

    :param name: its path, with dots.
    :param kind: the type of its value.
    :param purpose: what its value is, for the message if it is missing; empty if the key is optional.
    """

    name: str
    # A type; pylint takes an attribute that is annotated so for an instance.
    kind: Any
    purpose: str = ""


#: The keys of ``system.yml``; a key follows the one that contains it.
KEYS = (
    Key("title", str, "the name of the ticketing system for readers"),
    Key("contraforce_links", str),
    Key("contraforce_type", str),
    Key("connection", dict),
    Key("ticket", dict, "the form of a ticket"),
    Key("ticket.result", dict, "the keys of a ticket's id and number in an outcome of open.yml"),
    Key("ticket.result.id", str, "the key of a ticket's ID in an outcome of open.yml"),
    Key("ticket.result.number", str, "the key of a ticket's number in an outcome of open.yml"),
    Key("ticket.summary", dict, "the option and the max_length of a ticket's summary"),
    Key("ticket.summary.option", str, "the key of the summary in an entry of runbook_tickets"),
    Key("ticket.summary.max_length", int, "the maximum number of characters of a summary"),
    Key("ticket.summary.assumption", str),
    Key("ticket.reference", dict, "the option with the identity of an incident"),
    Key("ticket.reference.option", str, "the key of the reference in an entry of runbook_tickets"),
    Key("ticket.reference.form", str),
    Key("ticket.reference.max_length", int),
    Key("ticket.fields", dict),
    Key("ticket.fields.option", str),
    Key("ticket.fields.ignore", str),
    Key("ticket.markup", list),
    Key("ticket.values", list),
    Key("ticket.hint", str),
    Key("ticket.required_hint", str),
    Key("variables", dict),
    Key("entry", list),
    Key("closing", dict),
    Key("closing.default", str),
    Key("closing.required_if_checked", list),
    Key("closing.find_closed", str),
)


def is_path(choice: Any) -> bool:
    """Return whether a value of ``ticket_system`` is a path, and not a name.

    :param choice: the value.
    """
    return isinstance(choice, str) and ("/" in choice or choice.strip().startswith("~"))


def find_folder(choice: str, base: str) -> Path:
    """Return the directory that a path names.

    A relative path is searched in the directory of the playbook, as for ``vars_files``, and then in the working
    directory, because the directory of a runbook that was started by its full name is inside the collection.

    :param choice: the path.
    :param base: the directory of the playbook; empty if it is not known.
    :raises ValueError: if there is no such directory.
    """
    path = Path(os.path.expanduser(choice.strip()))
    places = list(dict.fromkeys([*([base] if base else []), os.getcwd()]))
    found = [Path(os.path.abspath(os.path.join(place, path))) for place in places]
    for folder in found:
        if folder.is_dir():
            return folder
    searched = " and ".join(dict.fromkeys(map(str, found)))
    raise ValueError(
        f"'ticket_system' is the path {quoted(choice.strip())}, but there is no such directory. Searched: {searched}."
    )


def read_definition(folder: Path) -> dict[str, Any]:
    """Return the content of ``system.yml``, with the defaults of optional keys.

    :param folder: the directory of the system.
    :raises ValueError: if a file or a key is missing or invalid, with a sentence that names both.
    """
    content = _parsed(folder / SYSTEM_FILE, "It describes the ticketing system")
    place = folder / SYSTEM_FILE
    if not isinstance(content, dict):
        raise ValueError(f"{place} must be a mapping with the keys title and ticket.")
    _check_keys(place, content)
    optional = [name for name in OPTIONAL_FILES.values() if os.path.lexists(folder / name)]
    for name in (*REQUIRED_FILES, *optional):
        tasks = _parsed(folder / name, "It contains tasks of the runbooks")
        if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
            raise ValueError(f"{folder / name} must be a list of tasks.")
    return _with_defaults(content)


def missing_files(folder: Path) -> dict[str, str]:
    """Return a message for each optional file that a directory lacks, by the group of variables that needs it.

    :param folder: the directory of the system.
    """
    return {
        group: f"{folder / name} is missing. This runbook needs it; {_GUIDE}."
        for group, name in OPTIONAL_FILES.items()
        if not (folder / name).is_file()
    }


def check_definition(
    folder: Path,
    definition: Mapping[str, Any],
    common: Collection[str],
    groups: Sequence[str],
    links: Sequence[str],
    closing_ways: Sequence[str],
) -> None:
    """Raise ValueError if a value of ``system.yml`` is invalid, with a sentence that names the file and the key.

    :param folder: the directory of the system.
    :param definition: the result of :func:`read_definition`.
    :param common: the names of the variables of all runbooks and of the connections of the collection.
    :param groups: the groups of variables that a system may extend.
    :param links: the values of ``contraforce_links``.
    :param closing_ways: the values of ``ticket_closing``.
    """
    for key, problem in _problems(definition, common, groups, links, closing_ways):
        raise ValueError(f"{folder / SYSTEM_FILE}: '{key}' {problem}")


def _parsed(path: Path, purpose: str) -> Any:
    """Return the content of a YAML file. Raise ValueError if it cannot be read."""
    if not path.is_file():
        raise ValueError(f"{path} is missing. {purpose}; {_GUIDE}.")
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _TagLoader)  # a SafeLoader
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except YAML_ERRORS as error:
        text = shortened(one_line(str(error)), 2 * MAX_VALUE_LENGTH)
        raise ValueError(f"{path} is not valid YAML: {text}.") from None


class _TagLoader(yaml.SafeLoader):
    """Load YAML with tags such as ``!vault`` and ``!unsafe``, whose values are not needed to check a file."""


def _without_value(_loader: Any, _suffix: str, _node: Any) -> None:
    """Return None for a value with a tag."""


_TagLoader.add_multi_constructor("!", _without_value)


def _check_keys(place: Path, content: Mapping[str, Any]) -> None:
    """Raise ValueError if a key is missing, unknown or has a value of another type."""
    for key in KEYS:
        parent, _dot, name = key.name.rpartition(".")
        holder = _value_at(content, parent)
        if not isinstance(holder, dict):
            continue
        value = holder.get(name)
        if key.name == "contraforce_links" and value is False:
            value = "no"
        if value is None and key.purpose:
            raise ValueError(f"{place}: '{key.name}' is missing. Set it to {key.purpose}.")
        if value is not None and (not isinstance(value, key.kind) or isinstance(value, bool)):
            raise ValueError(f"{place}: '{key.name}' must be {_WORDS[key.kind]}, not {quoted(value)}.")
        if key.purpose and key.kind is str and not str(value).strip():
            raise ValueError(f"{place}: '{key.name}' is empty. Set it to {key.purpose}.")
    known = {key.name for key in KEYS}
    closed = {key.name for key in KEYS if any(inner.startswith(f"{key.name}.") for inner in known)}
    for parent in ("", *sorted(closed)):
        for name in _value_at(content, parent) or ():
            full = f"{parent}.{name}" if parent else str(name)
            if full not in known:
                hint = did_you_mean(nearest(full, known)) or "Remove it."
                raise ValueError(f"{place}: '{full}' is not a key of a ticketing system. {hint}")


def _value_at(content: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path of keys, or None if there is none."""
    value: Any = content
    for name in filter(None, path.split(".")):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _with_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with the defaults of optional keys."""
    links = content.get("contraforce_links")
    ticket = {"values": [], "hint": "and the variables of the ticketing system.", **_without_none(content["ticket"])}
    # No module of this collection validates the reference.
    ticket["reference"] = {**_without_none(ticket["reference"]), "is_validated": False}
    closing = {"default": "checked", "required_if_checked": [], **_without_none(content.get("closing") or {})}
    return {
        "title": content["title"],
        "contraforce_links": "no" if links in (None, False) else links,
        "contraforce_type": content.get("contraforce_type") or "",
        "connection": content.get("connection") or {},
        "ticket": ticket,
        "variables": content.get("variables") or {},
        "entry": content.get("entry") or [],
        "closing": closing,
    }


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _problems(
    definition: Mapping[str, Any],
    common: Collection[str],
    groups: Sequence[str],
    links: Sequence[str],
    closing_ways: Sequence[str],
) -> Iterator[tuple[str, str]]:
    """Yield each invalid key with the rest of a sentence."""
    if definition["contraforce_links"] not in links:
        yield "contraforce_links", f"must be one of {', '.join(links)}. Quote the word no."
    types = [name for name in TICKETING_SYSTEMS if name != "None"]
    if definition["contraforce_type"] not in ("", *types):
        yield "contraforce_type", f"must be one of {', '.join(types)}."
    if definition["closing"]["default"] not in closing_ways:
        yield "closing.default", f"must be one of {', '.join(closing_ways)}."
    connection = definition["connection"]
    for name, option in connection.items():
        yield from _connection_problems(f"connection.{name}", name, option, common)
    taken = {*common, *(option["environment"].lower() for option in connection.values() if _has_environment(option))}
    seen: dict[str, str] = {}
    for group, variables in definition["variables"].items():
        if group not in groups:
            yield f"variables.{group}", f"is not a group of variables. Use one of {', '.join(groups)}."
        elif not isinstance(variables, dict):
            yield f"variables.{group}", "must be a mapping of variables."
        else:
            for name, facts in variables.items():
                if name in seen and {group, seen[name]} != SHARING:
                    yield f"variables.{group}.{name}", f"is also in the group {seen[name]}. Remove one of them."
                seen.setdefault(name, group)
                yield from _variable_problems(f"variables.{group}.{name}", name, facts, taken)
    yield from _reference_problems(definition, seen)


def _has_environment(option: Any) -> bool:
    return isinstance(option, dict) and isinstance(option.get("environment"), str)


def _connection_problems(key: str, name: Any, option: Any, common: Collection[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield key, "must be a name of lower-case letters, digits and underscores."
    elif not _has_environment(option) or not _ENVIRONMENT.fullmatch(option["environment"]):
        yield (
            f"{key}.environment",
            "is missing or invalid. Set it to an environment variable in upper case.",
        )
    elif option["environment"].lower() in common or option["environment"].lower().startswith(RESERVED):
        yield f"{key}.environment", f"must not be {option['environment']}, because that name has another meaning."
    else:
        yield from _facts_problems(key, option, CONNECTION_KEYS, CONNECTION_TYPES)


def _variable_problems(key: str, name: Any, facts: Any, taken: Collection[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith(RESERVED):
        yield key, f"must be a name of lower-case letters, digits and underscores that does not begin with {_RESERVED}."
    elif name in taken or name in OF_ENTRIES:
        yield key, "is a variable of all runbooks or of a connection, or a key of an entry. Choose another name."
    elif not isinstance(facts, dict) or "type" not in facts:
        yield f"{key}.type", f"is missing. Set it to one of {', '.join(VARIABLE_TYPES)}."
    else:
        yield from _facts_problems(key, facts, VARIABLE_KEYS, VARIABLE_TYPES)


_RESERVED = " or ".join(RESERVED)


def _facts_problems(
    key: str, facts: Mapping[str, Any], keys: Sequence[str], types: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if name not in keys:
            yield f"{key}.{name}", f"is not supported. Use {', '.join(keys)}."
        elif name in ("type", "elements") and value not in types:
            yield f"{key}.{name}", f"must be one of {', '.join(types)}, not {quoted(value)}."
        elif name in ("required", "identifier", "secret") and not isinstance(value, bool):
            yield f"{key}.{name}", "must be true or false."
        elif name == "choices" and not (isinstance(value, list) and value and _are_texts(value)):
            yield f"{key}.{name}", "must be a list of texts. Quote numbers, and words such as yes."
    default = facts.get("default")
    if facts.get("choices") and any(
        value not in (None, *facts["choices"]) for value in (default if isinstance(default, list) else [default])
    ):
        yield f"{key}.default", "must be one of the choices."


def _are_texts(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) and value.strip() for value in values)


def _reference_problems(definition: Mapping[str, Any], seen: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the keys that name variables which do not exist."""
    of_tickets = set(definition["variables"].get("tickets") or ())
    for name, kind in MEANINGS.items():
        if name in of_tickets and definition["variables"]["tickets"][name]["type"] != kind:
            yield f"variables.tickets.{name}.type", f"must be {kind}."
    if definition["ticket"]["summary"]["max_length"] < 1:
        yield "ticket.summary.max_length", "must be at least 1."
    if not _are_texts(definition["ticket"].get("markup", ())):
        yield "ticket.markup", "must be a list of texts."
    yield from _ticket_problems(definition["ticket"], of_tickets)
    for name in definition["entry"]:
        if not isinstance(name, str) or name not in of_tickets:
            yield "entry", f"contains {quoted(name)}, which is not a variable in 'variables.tickets'."
    for name in definition["closing"]["required_if_checked"]:
        if not isinstance(name, str) or seen.get(name) != "ticket_closing":
            yield (
                "closing.required_if_checked",
                f"contains {quoted(name)}, which is not a variable in 'variables.ticket_closing'.",
            )
    if definition["closing"].get("find_closed", "") not in ("", *of_tickets):
        yield "closing.find_closed", "must be a variable in 'variables.tickets'."


def _ticket_problems(ticket: Mapping[str, Any], of_tickets: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the keys in ``ticket`` that name variables which do not exist."""
    reference = ticket["reference"]
    if "form" in reference and reference["form"] not in of_tickets:
        yield "ticket.reference.form", "must be a variable in 'variables.tickets'."
    if "max_length" in reference and "form" not in reference:
        yield "ticket.reference.form", "is missing. A reference with a 'max_length' needs the variable for its form."
    if "fields" in ticket and "fields" not in of_tickets:
        yield "variables.tickets.fields", "is missing, because 'ticket.fields' is set. Declare it with the type dict."
    if "fields" in ticket and "option" not in ticket["fields"]:
        yield "ticket.fields.option", "is missing. Set it to the key of the fields in an entry of runbook_tickets."
    for number, value in enumerate(ticket["values"]):
        yield from _target_problems(f"ticket.values[{number}]", value, of_tickets)
        if value.get("required") and "required_hint" not in ticket:
            yield "ticket.required_hint", f"is missing, because {', '.join(map(str, value['names']))} is required."


def _target_problems(key: str, value: Any, of_tickets: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the invalid keys of one of ``ticket.values``."""
    names = value.get("names") if isinstance(value, dict) else None
    if not isinstance(names, list) or not names or not set(map(str, names)) <= set(of_tickets):
        yield f"{key}.names", "must be a list of variables in 'variables.tickets'."
        return
    for name, inner in value.items():
        if name not in VALUE_KEYS:
            yield f"{key}.{name}", f"is not supported. Use {', '.join(VALUE_KEYS)}."
        elif name in ("option", "field") and not (isinstance(inner, str) and inner.strip()):
            yield f"{key}.{name}", "must be a text."
        elif name == "required" and not isinstance(inner, bool):
            yield f"{key}.{name}", "must be true or false."
