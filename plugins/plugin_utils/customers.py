# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Give the tickets of each customer values of their own, such as a company or a team, by workspace or account.

A map of many customers is easily wrong in one entry, and a ticket with the values of another customer shows that one's
incident. So every entry is validated, and an incident whose customer is unknown stops the run before it writes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping, Sequence

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import check_arguments
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import (
    check_not_null,
    is_blank,
    is_uuid,
    spelled,
)
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line, shortened
from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import (
    YAML_ERRORS,
    PlainLoader,
    parse_error,
    parse_text,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import (
    MAX_VALUE_LENGTH,
    example_names,
    limit_texts,
    quoted,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import (
    template_problems,
    ticket_problems,
    unknown_placeholders,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_references import reference_problems

#: The variables with the map, and with the file that contains it.
VARIABLE, FILE_VARIABLE = "customers", "customers_file"

#: The key of the entry for all other workspaces and accounts.
OTHERS = "default"

#: The key of an entry with the name of the customer, for messages.
NAME = "name"

#: The key of an incident with its account, as the event filter sets it.
ACCOUNT = "account_id"

#: Values by key of an entry of ``incidents``, by workspace or account.
Customers = Mapping[str, Mapping[str, Any]]

_MORE = "There are {} more problems like this one."


@dataclass(frozen=True)
class CustomerInput:
    """The map of customers as it was set.

    :param variable: the variable that sets it.
    :param by_id: the valid map, or None if it is not set or invalid.
    :param problems: messages.
    """

    variable: str = VARIABLE
    by_id: Customers | None = None
    problems: Sequence[str] = field(default_factory=tuple)


# --- reading and validation -----------------------------------------------------------------------------------------


def read_customers(
    spec: Mapping[str, Any],
    raw: Mapping[str, Any],
    options: Mapping[str, Any],
    text: str | None,
    table: Mapping[str, Any],
) -> CustomerInput:
    """Return the map of customers of a runbook, which is not set if the runbook does not take it.

    :param spec: the argument spec of the runbook.
    :param raw: the variables of the runbook by name, as set.
    :param options: the variables with defaults and converted types.
    :param text: the content of ``customers_file``, if it is set.
    :param table: the table of runbooks with the variables of the ticketing system.
    """
    given: Any = raw.get(VARIABLE)
    value: Any = options.get(VARIABLE)
    if VARIABLE not in spec or (text is None and not isinstance(value, Mapping)):
        # The validation of types reports a value that is not a mapping.
        return CustomerInput()
    variable = VARIABLE if text is None else FILE_VARIABLE
    if text is not None:
        problem = _file_problem(given, text)
        if problem:
            return CustomerInput(problems=[problem])
        given, value = text, parse_text(text, "dict")
    twice = duplicate_keys(given) if isinstance(given, str) else []
    if twice:
        problem = f"'{variable}' contains a key twice: {example_names(twice)}. Keep one of each."
        return CustomerInput(problems=[problem])
    entry, defined = table["itsm_ticket_system"]["entry"], table["itsm_variables"]["tickets"]
    known = {name: defined[name] for name in entry if name in defined}
    problems = [*_key_problems(variable, value), *_entry_problems(variable, value, known)]
    return CustomerInput(variable, None if problems else normalized(value, known), problems)


def _file_problem(given: Any, text: str) -> str:
    """Return the problem of the file with the map, or an empty text."""
    if not is_blank(given):
        return f"'{VARIABLE}' and '{FILE_VARIABLE}' are mutually exclusive. Set only one of them."
    broken = parse_error(text)
    if broken:
        return f"'{FILE_VARIABLE}' cannot be read as YAML or JSON: {broken}."
    if not isinstance(parse_text(text, "dict"), dict):
        return f"'{FILE_VARIABLE}' must contain a mapping of workspace or account UUIDs to the values of their tickets."
    return ""


class _UniqueKeysLoader(PlainLoader):
    """Collect the keys that a mapping contains more than once, of which YAML keeps the last one."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.twice: list[str] = []

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Return a mapping. Merge keys are resolved later, so that a merged key can be overridden."""
        node = super().compose_mapping_node(anchor)
        self.twice += _repeated(key.value for key, _value in node.value if isinstance(key, yaml.ScalarNode))
        return node


def duplicate_keys(text: str) -> list[str]:
    """Return the keys that a mapping in a text contains more than once.

    :param text: valid JSON or YAML.
    """
    found: list[str] = []

    def collect(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(_repeated(key for key, _value in pairs))
        return dict(pairs)

    with suppress(ValueError, RecursionError):
        json.loads(text, object_pairs_hook=collect)
        return [_shown(name) for name in found]
    loader = _UniqueKeysLoader(text)
    with suppress(*YAML_ERRORS):
        loader.get_single_data()
    return [_shown(name) for name in loader.twice]


def _repeated(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return [name for name in dict.fromkeys(listed) if listed.count(name) > 1]


def _folded(key: Any) -> str:
    return str(key).strip().lower()


def _shown(text: Any) -> str:
    return shortened(one_line(str(text)), MAX_VALUE_LENGTH)


def _key_problems(variable: str, customers: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the messages about the keys of the map."""
    wrong = [quoted(key) for key in customers if not is_uuid(_folded(key)) and _folded(key) != OTHERS]
    if wrong:
        yield (
            f"'{variable}' contains keys that are not UUIDs: {example_names(wrong)}. Use the ID of a workspace or an "
            f"account, or {OTHERS}."
        )
    twice = _repeated(_folded(key) for key in customers)
    if twice:
        names = example_names([_shown(key) for key in twice])
        yield f"'{variable}' contains keys in several spellings: {names}. Keep one of each."


def _entry_problems(variable: str, customers: Mapping[Any, Any], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the messages about the entries of the map, each with the entries that it is about."""
    found: dict[str, list[str]] = {}
    for key, values in customers.items():
        for text in dict.fromkeys(_value_problems(values, known)):
            found.setdefault(text, []).append(_label(key, values))
    messages = [f"'{variable}', {example_names(labels)}: {text}" for text, labels in found.items()]
    return limit_texts(messages, _MORE)


def _label(key: Any, values: Any) -> str:
    """Return the key of an entry, with the name of the customer if it has one."""
    name = values.get(NAME) if isinstance(values, Mapping) else None
    return f"{_shown(key)} ({_shown(name)})" if name and isinstance(name, str) else _shown(key)


def _value_problems(values: Any, known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the messages about an entry of the map."""
    supported = f"Supported keys: {', '.join([*known, NAME])}."
    if not isinstance(values, Mapping):
        yield f"the entry must be a mapping, not {quoted(values)}. {supported}"
        return
    unknown = [key for key in values if key not in known and key != NAME]
    if unknown:
        near = f" {did_you_mean(nearest(str(unknown[0]), [*known, NAME]))}".rstrip() if len(unknown) == 1 else ""
        verb = "is" if len(unknown) == 1 else "are"
        yield f"{' and '.join(map(_shown, unknown))} {verb} unknown.{near} {supported}"
    definitions = {**known, NAME: {"type": "str"}}
    given = {key: value for key, value in values.items() if key in definitions and not is_blank(value)}
    for key, value in given.items():
        yield from _type_problems(key, value, definitions[key])
    yield from unknown_placeholders([], given)


def _type_problems(key: str, value: Any, definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the messages about a value."""
    if definition["type"] == "str":
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            yield f"{key} must be a string or a number, not {quoted(value)}."
            return
        choices = definition.get("choices")
        if choices and not spelled(str(value), choices):
            yield f"{key} must be one of {', '.join(choices)}, not {quoted(value)}."
        if definition.get("identifier"):
            try:
                check_not_null(key, value)
            except ApiError as failure:
                yield str(failure)
    elif definition["type"] == "dict":
        if not isinstance(value, Mapping):
            yield f"{key} must be a mapping of labels to values, not {quoted(value)}."
    else:
        spec = {name: definition[name] for name in ("type", "elements", "choices") if name in definition}
        yield from (f"{message}." for message in check_arguments({key: spec}, {key: value}).error_messages)


def normalized(customers: Mapping[Any, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a valid map with keys in lower case, without blank values, and with choices in their usual spelling.

    :param customers: the map.
    :param known: the definitions of the supported keys.
    """
    return {
        _folded(key): {
            name: spelled(value, known[name].get("choices", ())) or value
            if isinstance(value, str) and name in known
            else value
            for name, value in values.items()
            if not is_blank(value)
        }
        for key, values in customers.items()
    }


# --- the values of an incident --------------------------------------------------------------------------------------


def customer_of(entry: Mapping[str, Any], customers: Customers) -> str | None:
    """Return the key of an incident's customer, or None. The workspace takes precedence over the account.

    :param entry: the entry of the incident.
    :param customers: the valid map.
    """
    keys = (_folded(entry.get("workspace_id")), _folded(entry.get(ACCOUNT)), OTHERS)
    return next((key for key in keys if key in customers), None)


def merge_values(
    entry: Mapping[str, Any], customer: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the entry of an incident with the values of its customer.

    The entry takes precedence over the customer, and the customer over the variables for all incidents. A thing that
    the entry names in any way, such as by ID, is not named by the customer as well.

    :param entry: the entry of the incident.
    :param customer: the values of its customer.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    own = {name: value for name, value in customer.items() if name != NAME}
    fields, of_entry, of_all = dict(own.pop("fields", {})), entry.get("fields") or {}, _fields_of_all(values)
    for group in ticket["values"]:
        names, stored_in = group["names"], group.get("field")
        if any(entry.get(name) for name in names) or stored_in in of_entry:
            for name in names:
                own.pop(name, None)
            fields.pop(stored_in, None)
        chosen = next((own[name] for name in names if own.get(name)), None)
        if chosen is not None and stored_in in of_all:
            # Otherwise, the field that is set for all incidents would take precedence over the customer's value.
            fields.setdefault(stored_in, chosen)
    merged = {**fields, **of_entry}
    return {**own, **entry, **({"fields": merged} if merged else {})}


def _fields_of_all(values: Mapping[str, Any]) -> set[str]:
    """Return the names of the fields that the variables set for all incidents, or for those of a priority."""
    named = [values.get("fields"), *(values.get("priority_map") or {}).values()]
    return {name for fields in named if isinstance(fields, Mapping) for name in fields}


def prepare_tickets(
    entries: list[dict[str, Any]],
    customers: CustomerInput,
    values: Mapping[str, Any],
    ticket: Mapping[str, Any],
    is_valid: bool,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the entries with the values of their customers, and all messages about their tickets.

    :param entries: the entries of the incidents.
    :param customers: the map.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    :param is_valid: whether the entries and the map are valid. Otherwise, only their texts are validated.
    """
    if not is_valid:
        return entries, template_problems(entries, values)
    return with_customers(entries, customers, values, ticket)


def with_customers(
    entries: Sequence[Mapping[str, Any]],
    customers: CustomerInput,
    values: Mapping[str, Any],
    ticket: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the entries with the values of their customers, and messages about those that cannot get a ticket.

    If there is a map of customers, an incident whose workspace is not known yet is left unchanged and not validated.

    :param entries: the entries of the incidents; those with a ticket_id are skipped.
    :param customers: the map.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    by_id = customers.by_id
    merged, missing, skipped = [], [], set()
    for number, entry in enumerate(entries):
        key = customer_of(entry, by_id) if by_id is not None else None
        if by_id is not None and ("workspace_id" not in entry or (key is None and "ticket_id" not in entry)):
            skipped.add(number)
            missing += [entry] if "workspace_id" in entry else []
        customer = by_id[key] if by_id is not None and key is not None and number not in skipped else None
        merged.append(dict(entry) if customer is None else merge_values(entry, customer, values, ticket))
    # Entries with a ticket are not validated.
    checked = [{**entry, "ticket_id": ""} if number in skipped else entry for number, entry in enumerate(merged)]
    return merged, [
        *template_problems(merged, values),
        *_missing_message(customers.variable, missing),
        *ticket_problems(checked, values, ticket),
        *reference_problems(checked, by_id or {}, values, ticket),
    ]


def _missing_message(variable: str, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a message that names the workspaces without an entry, those with the most incidents first."""
    counts: dict[str, int] = {}
    for entry in entries:
        account = f", account {_shown(entry[ACCOUNT])}" if entry.get(ACCOUNT) else ""
        place = f"{_folded(entry['workspace_id'])} ({{}}{account})"
        counts[place] = counts.get(place, 0) + 1
    if not counts:
        return []
    listed = sorted(counts, key=lambda place: (-counts[place], place))
    names = [place.format(f"{counts[place]:,} incident{'s' if counts[place] > 1 else ''}") for place in listed]
    noun = "workspace" if len(names) == 1 else "workspaces"
    advice = f"Add an entry for each, or an entry {OTHERS} for all others."
    return [f"'{variable}' has no entry for {noun} {example_names(names)}. {advice}"]
