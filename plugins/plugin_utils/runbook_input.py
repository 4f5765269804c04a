# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read and validate the input of a runbook: its variables and its incidents.

The table in ``playbooks/vars/runbooks.yml`` defines the variables of each runbook.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import (
    check_arguments,
    normalize_choices,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null, spelled
from ansible_collections.secops.itsm.plugins.plugin_utils.customers import prepare_tickets, read_customers
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import INVALID_AGE, MAX_AGE_HOURS
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import (
    EVENT_KEYS,
    evidence_problem,
    has_evidence,
    search_window,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import parse_csv, parse_error, parse_text
from ansible_collections.secops.itsm.plugins.plugin_utils.portal_links import template_problem
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import (
    EntryProblem,
    example_names,
    problem_messages,
    quoted,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.resolved_tickets import resolution_problems
from ansible_collections.secops.itsm.plugins.plugin_utils.status_drift import direction_problems
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import choose_reference, with_given_number

#: The keys that identify an incident.
IDENTITY_KEYS: tuple[str, ...] = ("workspace_id", "source", "incident_id")

#: The keys that identify an incident or its ticket; their values are texts.
IDENTIFIER_KEYS: tuple[str, ...] = (*IDENTITY_KEYS, "incident_number", "ticket_id")

#: Identifiers that a spreadsheet or a program reformatted: 48213.0, or 4.82E+12, which has lost digits.
_REFORMATTED = re.compile(r"\d+[.,]0+|\d+([.,]\d+)?[eE]\+\d+")

#: The keys of the table that are part of an argument spec.
SPEC_KEYS = ("type", "elements", "choices", "default", "required")

#: The variable that chooses the ticketing system.
TICKET_SYSTEM = "ticket_system"

#: The variables that hold the incidents, and the word for one entry.
INCIDENT_LISTS: Mapping[str, str] = {"incidents": "incident", "pairs": "pair"}

#: The variables that can be long, and would be evaluated again with each use of a fact that contains them.
LONG_VARIABLES = (*INCIDENT_LISTS, "customers")

#: Replaces the workspace of an incident without one.
UNKNOWN_WORKSPACE = "00000000-0000-0000-0000-000000000000"

#: The link states that an entry of 'pairs' may have.
LINK_STATES = ("present", "absent")


def runbook_spec(name: str, table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the argument spec of a runbook.

    :param name: the name of the runbook.
    :param table: ``itsm_variables`` and ``itsm_runbooks``.
    """
    runbook = table["itsm_runbooks"][name]
    spec: dict[str, dict[str, Any]] = {}
    for group in runbook["takes"]:
        for variable, definition in table["itsm_variables"][group].items():
            spec[variable] = {key: definition[key] for key in SPEC_KEYS if key in definition}
    for variable in runbook.get("without", ()):
        del spec[variable]
    for variable in runbook.get("required", ()):
        spec[variable]["required"] = True
    for variable, default in runbook.get("defaults", {}).items():
        spec[variable]["default"] = default
    return spec


def is_blank(value: Any) -> bool:
    """Return whether a value counts as not set. A survey passes an empty text for an unanswered question.

    :param value: the value of a variable, or of a key of an entry.
    """
    return value is None or (isinstance(value, str) and not value.strip())


def given_values(raw: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the variables that are set. A list or a mapping may be a text in YAML or JSON.

    :param raw: the variables by name; None or an empty text if they are not set.
    :param spec: the argument spec.
    """
    return {
        name: _value(value, spec[name]) if isinstance(value, str) else value
        for name, value in raw.items()
        if not is_blank(value)
    }


def _value(text: str, definition: Mapping[str, Any]) -> Any:
    return parse_text(text, definition.get("type", "str"), definition.get("elements"))


def read_input(
    name: str,
    raw: Mapping[str, Any],
    table: Mapping[str, Any],
    pairs_text: str | None = None,
    customers_text: str | None = None,
) -> dict[str, Any]:
    """Return the input of a runbook, validated as far as possible without a request.

    The keys are ``runbook``, its properties for a report; ``given``, the variables that are set; ``options``, with
    defaults and converted types; ``incidents``, the entries of the list, or the one incident of the variables;
    ``ticket_system``, the facts of the ticketing system, empty if the runbook uses none; ``reference``, the facts about
    the reference of an incident to its ticket; ``nothing_to_do``, why there are no incidents; ``window``, the options
    for listing the incidents without a workspace; ``customers``, the map of customers if one of these incidents may
    need it; and ``problems``, messages, those of Ansible's validation of arguments first.

    :param name: the name of the runbook.
    :param raw: the variables by name; None or an empty text if they are not set.
    :param table: ``itsm_variables``, ``itsm_runbooks``, and ``itsm_ticket_system`` if the runbook uses one.
    :param pairs_text: the content of ``pairs_file``, if there is one.
    :param customers_text: the content of ``customers_file``, if there is one.
    """
    runbook = table["itsm_runbooks"][name]
    spec = runbook_spec(name, table)
    broken = _unparsable_texts(raw, spec)
    given = given_values({variable: raw.get(variable) for variable in spec if variable not in broken}, spec)
    checked = check_arguments(spec, normalize_choices(spec, given))
    identifiers = _identifiers(table)
    problems_of_options = [
        *broken.values(),
        *checked.error_messages,
        *_null_problems(given, identifiers),
        *_address_problems(checked.validated_parameters.get("portal_url")),
    ]
    result: dict[str, Any] = {"given": _without_lists(given), "options": _without_lists(checked.validated_parameters)}
    facts = {key: runbook[key] for key in ("title", "takes", "tags") if key in runbook}
    result.update(
        runbook=facts, incidents=[], nothing_to_do="", window={}, customers=None, problems=problems_of_options
    )
    system = table.get("itsm_ticket_system", {}) if TICKET_SYSTEM in spec else {}
    if "problem" in system:
        return {**result, "problems": [system["problem"]]}
    result["ticket_system"] = system
    choice = choose_reference(checked.validated_parameters, given, system)
    result.update(reference=choice.facts, options={**result["options"], **choice.options})
    problems_of_options += choice.problems
    problems_of_options += [
        text for group, text in system.get("missing_files", {}).items() if group in runbook["takes"]
    ]
    customers = read_customers(spec, raw, checked.validated_parameters, customers_text, table)
    problems_of_options += customers.problems
    option = next((variable for variable in INCIDENT_LISTS if variable in spec), None)
    if option is None or "entry" not in runbook:
        options = checked.validated_parameters
        return {
            **result,
            "problems": [
                *problems_of_options,
                *_pattern_problems(options.get("title_pattern")),
                *_age_problems(options),
                *(
                    resolution_problems(options, system["ticket"])
                    if "resolution" in runbook["takes"] and not problems_of_options
                    else ()
                ),
            ],
        }
    if option in broken:
        return result
    if "hosts" not in runbook["takes"] and pairs_text is None and not {option, *IDENTIFIER_KEYS} & set(given):
        return {
            **result,
            "problems": [*problems_of_options, f"No {option} are set. {_usage_hint(option)}; {runbook['hint']}"],
        }
    problem, listed = _listed_entries(option, given, pairs_text, [*IDENTITY_KEYS, *runbook["entry"]])
    if problem:
        return {**result, "problems": [problem]}
    if not listed:
        empty = f"{option} is empty" if pairs_text is None else "pairs_file has no rows"
        if option == "pairs" and not checked.validated_parameters["allow_empty"]:
            problems_of_options.append(
                f"There is nothing to compare, because {empty}. Set allow_empty to true if that is intended."
            )
        return {**result, "nothing_to_do": empty, "problems": problems_of_options}
    choices = {variable: spec[variable]["choices"] for variable in spec if "choices" in spec[variable]}
    if option == "pairs":
        choices["state"] = LINK_STATES
    entries = [_normalized(entry, choices) for entry in listed]
    entry_problems = list(_entry_problems(option, entries, choices, runbook, given, identifiers))
    problems = [
        *problems_of_options,
        *problem_messages(entry_problems, INCIDENT_LISTS[option], entries),
        *_duplicates(option, entries),
    ]
    if "tickets" in runbook["takes"]:
        options, form = checked.validated_parameters, system["ticket"]
        entries, of_tickets = prepare_tickets(entries, customers, options, form, is_valid=not problems)
        problems += of_tickets
    problems = problems or direction_problems(checked.validated_parameters, system, entries)
    window = {} if problems else search_window(entries)
    entries = [with_given_number(entry, choice.facts) for entry in entries]
    result.update(incidents=entries, window=window, customers=customers.by_id if window else None)
    return {**result, "problems": problems}


def _identifiers(table: Mapping[str, Any]) -> list[str]:
    """Return the variables of all runbooks that must not be the text of a null."""
    groups = table["itsm_variables"].values()
    return [name for group in groups for name, definition in group.items() if definition.get("identifier")]


def _unparsable_texts(raw: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the variables whose texts cannot be read as YAML or JSON, each with the parser's message."""
    broken = {}
    for name, definition in spec.items():
        text = raw.get(name)
        if isinstance(text, str) and definition.get("elements") != "str" and definition["type"] in ("list", "dict"):
            problem = parse_error(text)
            if problem:
                broken[name] = f"'{name}' cannot be read as YAML or JSON: {problem}."
    return broken


def _without_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without the lists of incidents and the map of customers."""
    return {name: value for name, value in values.items() if name not in LONG_VARIABLES}


def _pattern_problems(pattern: Any) -> list[str]:
    """Return a message if a regular expression is invalid."""
    try:
        re.compile(str(pattern or ""))
    except re.error as error:
        return [f"title_pattern is not a valid regular expression: {error}."]
    return []


def _address_problems(template: Any) -> list[str]:
    """Return a message if the address of incidents in the portal is not usable."""
    problem = template_problem(template) if isinstance(template, str) and template else ""
    return [f"portal_url {problem}."] if problem else []


def _age_problems(options: Mapping[str, Any]) -> list[str]:
    """Return a message if an age is invalid."""
    hours = options.get("older_than_hours")
    return [INVALID_AGE] if isinstance(hours, float) and not 0 <= hours <= MAX_AGE_HOURS else []


def _listed_entries(
    option: str, given: Mapping[str, Any], pairs_text: str | None, columns: Sequence[str]
) -> tuple[str, list[Any]]:
    """Return the problem of the list of incidents, or an empty text, and its entries."""
    single = [name for name in IDENTIFIER_KEYS if name in given]
    if option not in given and pairs_text is None:
        return "", [{name: given[name] for name in single}]
    if option in given and pairs_text is not None:
        return "'pairs' and 'pairs_file' are mutually exclusive. Set only one of them.", []
    if option in given and option == "incidents" and single:
        one = f"the variables of one incident ({', '.join(single)})"
        return f"'incidents' and {one} are mutually exclusive. Set either the list or the variables.", []
    if pairs_text is not None:
        return parse_csv(pairs_text, columns)
    value = given[option]
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return (
            f"'{option}' must be a list of mappings with workspace_id, source and incident_id, or such a list as YAML "
            "or JSON text."
        ), []
    return "", value


def _normalized(entry: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return an entry without blank values, with identifiers as texts and choices as the API spells them."""
    kept = {key: value for key, value in entry.items() if not is_blank(value)}
    texts = {key: str(kept[key]).strip() for key in IDENTIFIER_KEYS if _is_identifier(kept.get(key))}
    if "created_at" in kept:
        # YAML may have parsed it as a timestamp.
        texts["created_at"] = str(kept["created_at"])
    cleaned = {**kept, **texts}
    for key, words in {**choices, "source": SOURCES}.items():
        if isinstance(cleaned.get(key), str):
            cleaned[key] = spelled(cleaned[key], words) or cleaned[key]
    return cleaned


def _is_identifier(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _is_identified(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(entry.get(name), str) for name in IDENTITY_KEYS)


def _entry_problems(
    option: str,
    entries: Sequence[Mapping[str, Any]],
    choices: Mapping[str, Sequence[str]],
    runbook: Mapping[str, Any],
    for_all: Mapping[str, Any],
    identifiers: Sequence[str],
) -> Iterator[EntryProblem]:
    """Yield the problems of the entries."""
    allowed = [*IDENTITY_KEYS, *runbook["entry"]]
    of_events = EVENT_KEYS if option == "incidents" else ()
    for number, entry in enumerate(entries, 1):
        unknown = [str(key) for key in entry if key not in (*allowed, *of_events)]
        missing = [key for key in _required_keys(option, entry, runbook) if key not in {**for_all, **entry}]
        if unknown:
            hint = f". Supported keys of an entry of '{option}': {', '.join(allowed)}."
            yield EntryProblem(number, "unknown", f"{_subject(unknown)} unknown for ", hint)
        if missing:
            hint = f". {_usage_hint(option)}; {runbook['hint']}"
            yield EntryProblem(number, "missing", f"{_subject(missing)} missing for ", hint)
        for kind, text in _value_problems(option, entry, {key: choices.get(key, ()) for key in allowed}, identifiers):
            yield EntryProblem(number, kind, "For ", f", {text}")


def _subject(names: Sequence[str]) -> str:
    """Return names as the subject of a sentence, with its verb."""
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _value_problems(
    option: str, entry: Mapping[str, Any], choices: Mapping[str, Sequence[str]], identifiers: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the kind and the message of each invalid value of an entry."""
    for key, words in choices.items():
        if words and key in entry and entry[key] not in words:
            yield key, f"{key} must be one of {', '.join(words)}, not {quoted(entry[key])}."
    reformatted = [key for key in ("incident_id", "incident_number", "ticket_id") if _is_reformatted(entry.get(key))]
    for key in reformatted:
        yield (
            key,
            (
                f"{key} {entry[key]} looks like a number that a spreadsheet or a program reformatted. Enter it as the "
                "service shows it, and format the column as text."
            ),
        )
    unnamed = [
        key for key in IDENTIFIER_KEYS if key in entry and key not in reformatted and not isinstance(entry[key], str)
    ]
    if unnamed:
        yield "names", f"{' and '.join(unnamed)} must be a string or a number."
    if not isinstance(entry.get("fields", {}), dict):
        yield "fields", "'fields' must be a mapping of labels to values."
    for problem in _null_problems(entry, ("incident_number", "ticket_id", *identifiers)):
        yield "null", problem
    # An entry without a workspace is looked up by its other keys.
    named = {"workspace_id": UNKNOWN_WORKSPACE, **entry} if option == "incidents" and has_evidence(entry) else entry
    problem = (_key(named)[0] if _is_identified(named) and not reformatted else "") or evidence_problem(entry)
    if problem:
        yield "identity", problem


def _is_reformatted(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, str) and bool(_REFORMATTED.fullmatch(value)))


def _null_problems(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield a message for each identifier that is the text of a null."""
    for name in names:
        try:
            check_not_null(name, values.get(name))
        except ApiError as failure:
            yield str(failure)


def _key(entry: Mapping[str, Any]) -> tuple[str, IncidentKey | None]:
    """Return the problem of an entry's identity, or an empty text, and its key."""
    try:
        return "", incident_key(*(entry[name] for name in IDENTITY_KEYS))
    except ApiError as failure:
        return str(failure), None


def _required_keys(option: str, entry: Mapping[str, Any], runbook: Mapping[str, Any]) -> list[str]:
    """Return the keys that an entry requires."""
    of_sentinel = entry.get("source") == "Sentinel"
    of_event = option == "incidents" and has_evidence(entry)
    of_pair = option == "pairs" and entry.get("state", "present") == "present"
    return [
        *(name for name in IDENTITY_KEYS if not (of_event and name == "workspace_id")),
        *runbook.get("needs", ()),
        *(runbook.get("needs_of_sentinel", ()) if of_sentinel else ()),
        *(["ticket_id"] if of_pair else ()),
    ]


def _usage_hint(option: str) -> str:
    if option == "pairs":
        return "List them in 'pairs', with workspace_id, source, incident_id and ticket_id, or in 'pairs_file'"
    return (
        "List the incidents in 'incidents', with workspace_id, source and incident_id, or set these three variables "
        "for one incident"
    )


def _duplicates(option: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a message if incidents are listed twice, which is an error in a runbook's list."""
    seen: dict[IncidentKey, int] = {}
    for entry in entries:
        key = _key(entry)[1] if _is_identified(entry) else None
        if key:
            seen[key] = seen.get(key, 0) + 1
    twice = [str(key) for key, count in seen.items() if count > 1]
    if twice:
        yield f"'{option}' contains duplicate incidents: {example_names(twice)}. List each incident once."
