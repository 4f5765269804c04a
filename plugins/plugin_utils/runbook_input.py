# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a runbook was given: its variables, with defaults and of the right types, its incidents, and what is wrong.

The table of the runbooks, C(playbooks/vars/runbooks.yml), says what each one takes.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import (
    SOURCES,
    IncidentKey,
    incident_key,
    spelled,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import LONGEST_AGE, NO_AGE
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import (
    EVIDENCE,
    has_evidence,
    problem_of_evidence,
    window,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_texts import rows_of, value_of
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import problems_of_tickets

#: What names an incident.
IDENTITY: tuple[str, ...] = ("workspace_id", "source", "incident_id")

#: What names an incident or its ticket, always a text.
NAMES: tuple[str, ...] = (*IDENTITY, "incident_number", "ticket_id")

#: What is taken from the table for Ansible's own check.
KEYS_OF_A_SPEC = ("type", "elements", "choices", "default", "required")

#: Variables that hold the incidents, and what one is called.
LISTS: Mapping[str, str] = {"incidents": "incident", "pairs": "pair"}

#: Stands for the workspace of an incident that came without it.
NOWHERE = "00000000-0000-0000-0000-000000000000"

#: What each entry of 'pairs' may say of its link.
LINK_STATES = ("present", "absent")


def spec_of(name: str, table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The argument spec of a runbook.

    :param name: of the runbook.
    :param table: C(itsm_variables) and C(itsm_runbooks).
    """
    runbook = table["itsm_runbooks"][name]
    spec: dict[str, dict[str, Any]] = {}
    for group in runbook["takes"]:
        for variable, definition in table["itsm_variables"][group].items():
            spec[variable] = {key: definition[key] for key in KEYS_OF_A_SPEC if key in definition}
    for variable in runbook.get("without", ()):
        del spec[variable]
    for variable in runbook.get("required", ()):
        spec[variable]["required"] = True
    for variable, default in runbook.get("defaults", {}).items():
        spec[variable]["default"] = default
    return spec


def is_blank(value: Any) -> bool:
    """Whether a value counts as not given: a survey gives an empty text for what was left out.

    :param value: of a variable, or of a key of an entry.
    """
    return value is None or (isinstance(value, str) and not value.strip())


def as_given(raw: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The variables that were given; a list or a mapping may have come as its text.

    :param raw: by name; what is not set is None or an empty text.
    :param spec: the argument spec.
    """
    return {
        name: _value(value, spec[name]) if isinstance(value, str) else value
        for name, value in raw.items()
        if not is_blank(value)
    }


def _value(text: str, definition: Mapping[str, Any]) -> Any:
    return value_of(text, definition.get("type", "str"), definition.get("elements"))


def take_in(
    name: str, raw: Mapping[str, Any], table: Mapping[str, Any], pairs_text: str | None = None
) -> dict[str, Any]:
    """What a runbook was given, checked as far as that can be done without asking a service.

    Gives C(runbook), what a report says of it; C(given); C(options), with defaults and of the right types;
    C(incidents), the entries of the list, or the one incident of the variables; C(window), the options of the list in
    which those are to be looked up that came without their workspace; and C(problems), sentences, those of Ansible's
    own check of arguments first.

    :param name: of the runbook.
    :param raw: its variables by name; what is not set is None or an empty text.
    :param table: C(itsm_variables) and C(itsm_runbooks).
    :param pairs_text: the content of C(pairs_file), if there is one.
    """
    runbook = table["itsm_runbooks"][name]
    spec = spec_of(name, table)
    given = as_given({variable: raw.get(variable) for variable in spec}, spec)
    checked = ArgumentSpecValidator(spec).validate(given)
    wrong = list(checked.error_messages)
    taken: dict[str, Any] = {"given": _but_lists(given), "options": _but_lists(checked.validated_parameters)}
    told = {key: runbook[key] for key in ("title", "takes")}
    taken.update(runbook=told, incidents=[], window={}, problems=wrong)
    option = next((variable for variable in LISTS if variable in spec), None)
    if option is None or "entry" not in runbook:
        options = checked.validated_parameters
        return {**taken, "problems": [*wrong, *_no_pattern(options.get("title_pattern")), *_no_age(options)]}
    problem, listed = _listed(option, given, pairs_text, [*IDENTITY, *runbook["entry"]])
    if problem:
        return {**taken, "problems": [problem]}
    entries = [_cleaned(entry) for entry in listed]
    of_choices = {variable: spec[variable]["choices"] for variable in spec if "choices" in spec[variable]}
    if option == "pairs":
        of_choices["state"] = LINK_STATES
    problems = [
        *wrong,
        *_problems_of_entries(option, entries, of_choices, runbook, given),
        *_named_twice(option, entries),
    ]
    if not problems and "team_id" in spec:
        problems = problems_of_tickets(entries, checked.validated_parameters)
    return {**taken, "incidents": entries, "window": {} if problems else window(entries), "problems": problems}


def _but_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without the incidents, which would else be there thrice, and be looked through with each use of one."""
    return {name: value for name, value in values.items() if name not in LISTS}


def _no_pattern(pattern: Any) -> list[str]:
    """What is wrong with a regular expression."""
    try:
        re.compile(str(pattern or ""))
    except re.error as error:
        return [f"title_pattern is no regular expression: {error}."]
    return []


def _no_age(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with an age."""
    hours = options.get("older_than_hours")
    return [NO_AGE] if isinstance(hours, float) and not 0 <= hours <= LONGEST_AGE else []


def _listed(
    option: str, given: Mapping[str, Any], pairs_text: str | None, columns: Sequence[str]
) -> tuple[str, list[Any]]:
    """What is wrong with the list itself, and its entries."""
    single = [name for name in NAMES if name in given]
    if option == "pairs" and option not in given and pairs_text is None:
        return f"{_how(option)}.", []
    if option not in given and pairs_text is None:
        return "", [{name: given[name] for name in single}]
    if option in given and pairs_text is not None:
        return "Both 'pairs' and 'pairs_file' are set: give one of them.", []
    if option in given and option == "incidents" and single:
        return f"Both 'incidents' and {', '.join(single)} are set: give the list, or the variables of one incident.", []
    if pairs_text is not None:
        return rows_of(pairs_text, columns)
    value = given[option]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return (
            f"'{option}' must be a list of mappings with workspace_id, source and incident_id, or the text of one in "
            "YAML or JSON."
        ), []
    return "", value


def _cleaned(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without what was left empty, its identifiers as texts, its source as the API spells it."""
    kept = {key: value for key, value in entry.items() if not is_blank(value)}
    texts = {key: str(kept[key]).strip() for key in NAMES if _is_name(kept.get(key))}
    if "created_at" in kept:
        # YAML knows points in time.
        texts["created_at"] = str(kept["created_at"])
    if "source" in texts:
        texts["source"] = spelled(texts["source"], SOURCES) or texts["source"]
    return {**kept, **texts}


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _is_named(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(name), str) for name in IDENTITY)


def _problems_of_entries(
    option: str,
    entries: Sequence[Mapping[str, Any]],
    of_choices: Mapping[str, Sequence[str]],
    runbook: Mapping[str, Any],
    for_all: Mapping[str, Any],
) -> Iterator[str]:
    """What is wrong with single entries."""
    allowed = [*IDENTITY, *runbook["entry"]]
    of_events = EVIDENCE if option == "incidents" else ()
    for number, entry in enumerate(entries, 1):
        which = f"{LISTS[option]} {number} of {len(entries)} ({entry.get('incident_id', 'without an id')})"
        unknown = [str(key) for key in entry if key not in (*allowed, *of_events)]
        missing = [key for key in _wanted(option, entry, runbook) if key not in {**for_all, **entry}]
        if unknown:
            yield f"Unknown for {which}: {', '.join(unknown)}. An entry of '{option}' may have {', '.join(allowed)}."
        if missing:
            yield f"Missing for {which}: {', '.join(missing)}. {_how(option)}; {runbook['hint']}"
        for key in allowed:
            words = of_choices.get(key, ())
            if words and key in entry and entry[key] not in words:
                yield f"For {which}, {key} must be one of {', '.join(words)}, not {entry[key]!r}."
        unnamed = [key for key in NAMES if key in entry and not isinstance(entry[key], str)]
        if unnamed:
            yield f"For {which}, {' and '.join(unnamed)} must be a text or a number."
        if not isinstance(entry.get("fields", {}), dict):
            yield f"For {which}, 'fields' must be a mapping of labels to values."
        # Without its workspace, it is looked up by the rest.
        named = {"workspace_id": NOWHERE, **entry} if option == "incidents" and has_evidence(entry) else entry
        problem = (_key(named)[0] if _is_named(named) else "") or problem_of_evidence(entry)
        if problem:
            yield f"For {which}, {problem}"


def _key(entry: Mapping[str, Any]) -> tuple[str, IncidentKey | None]:
    """What is wrong with what names an incident, or its key."""
    try:
        return "", incident_key(*(entry[name] for name in IDENTITY))
    except ApiError as failure:
        return str(failure), None


def _wanted(option: str, entry: Mapping[str, Any], runbook: Mapping[str, Any]) -> list[str]:
    """What an entry needs."""
    of_sentinel = entry.get("source") == "Sentinel"
    of_event = option == "incidents" and has_evidence(entry)
    of_pair = option == "pairs" and entry.get("state", "present") == "present"
    return [
        *(name for name in IDENTITY if not (of_event and name == "workspace_id")),
        *runbook.get("needs", ()),
        *(runbook.get("needs_of_sentinel", ()) if of_sentinel else ()),
        *(["ticket_id"] if of_pair else ()),
    ]


def _how(option: str) -> str:
    if option == "pairs":
        return "Name them in 'pairs', a list of workspace_id, source, incident_id and ticket_id, or in 'pairs_file'"
    return (
        "Name the incidents in 'incidents', a list of workspace_id, source and incident_id, or one incident in these "
        "three variables"
    )


def _named_twice(option: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """An incident that is there twice: in a runbook, a slip of whoever wrote the list."""
    seen: dict[IncidentKey, int] = {}
    for entry in entries:
        key = _key(entry)[1] if _is_named(entry) else None
        if key:
            seen[key] = seen.get(key, 0) + 1
    twice = [str(key) for key, count in seen.items() if count > 1]
    if twice:
        yield f"'{option}' names an incident twice; each may stand there once: {', '.join(twice)}."
