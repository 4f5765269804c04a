# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Build the ticket that a runbook opens for an incident: its summary and its fields."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    one_line,
    shortened,
    utf16_length,
    visible_text,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_texts import NO_TITLE, incident_texts
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import (
    DETAILS,
    IDENTITY,
    MULTILINE,
    PLACEHOLDERS,
    replace_placeholders,
    texts_in,
    unknown_words,
    used_names,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.priority_map import (
    PRIORITY_MAP,
    priority_map_problems,
    priority_of,
    sets_fields,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import (
    MAX_VALUE_LENGTH,
    EntryProblem,
    problem_messages,
)

#: The default summaries, with and without a field that contains the incident's identity.
SUMMARY_WITH_REFERENCE = "{source} incident {incident_id}: {title}"
SUMMARY_ALONE = "{source} incident {incident_id} in workspace {workspace_id}"

#: The form of an incident's identity by which its ticket is found again.
REFERENCE = "{source} {incident_id} {workspace_id}"

#: The start of the form that ContraForce's public samples use. It lacks the workspace.
CONTRAFORCE_FORM = "cf|"

#: Replaces the workspace of an incident whose workspace is not known yet.
_UNKNOWN_WORKSPACE = "00000000-0000-0000-0000-000000000000"

#: Texts that a summary contains in full, or not at all.
_INDIVISIBLE = ("number", "created_at", "portal_url")


def ticket_texts(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of an incident by the name of their placeholder.

    :param entry: the entry of the incident, with its ``record`` from the service.
    :param values: the values of the runbook's variables.
    """
    texts = incident_texts(entry, str(values.get("portal_url") or ""))
    return {**texts, "priority": priority_of(values, texts["severity"])[0]}


def has_reference(values: Mapping[str, Any], ticket: Mapping[str, Any]) -> bool:
    """Return whether tickets are found by a reference, and not by their summaries.

    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    reference = ticket["reference"]
    return "option" in reference or bool(values.get(reference["field"]))


def summary_template(entry: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> str:
    """Return the template of a ticket's summary.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    default = SUMMARY_WITH_REFERENCE if has_reference(values, ticket) else SUMMARY_ALONE
    return str(entry.get("summary") or values.get("summary") or default)


def ticket_summary(
    entry: Mapping[str, Any], texts: Mapping[str, str], values: Mapping[str, Any], ticket: Mapping[str, Any]
) -> str:
    """Return the summary of a ticket: one line that is not too long, with the incident's identity in full.

    :param entry: the entry of the incident.
    :param texts: from :func:`ticket_texts`.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    summary = _fit_summary(summary_template(entry, values, ticket), texts, ticket)
    # Without a title, the result of a template may be empty.
    return summary if summary.strip() else _fit_summary(SUMMARY_WITH_REFERENCE, texts, ticket)


def _fit_summary(template: str, texts: Mapping[str, str], ticket: Mapping[str, Any]) -> str:
    """Return a template on one line with its placeholders replaced, and free texts shortened as far as necessary."""
    line, limit = visible_text(template).replace("\n", " "), ticket["summary"]["max_length"]
    for max_length in range(limit, -1, -1):
        fitting = {name: _fit_text(name, text, max_length) for name, text in texts.items()}
        summary = replace_placeholders(line, fitting, ticket.get("markup", ()), is_rich=False)
        if _length(summary) <= limit:
            break
    return str(summary)


def _fit_text(name: str, text: str, max_length: int) -> str:
    if name in IDENTITY:
        return text
    if name in _INDIVISIBLE:
        return text if max_length else ""
    return shortened(text, max_length)


def _length(summary: str) -> int:
    return utf16_length(summary.strip())


def ticket_target(entry: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a ticket besides its texts, such as its team, by the name of the variable.

    An entry's values override the runbook's variables. Of several names for the same thing, the first one with a value
    is used.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    chosen: dict[str, str] = {}
    for group in ticket["values"]:
        values_of = entry if any(entry.get(name) for name in group["names"]) else values
        given = [name for name in group["names"] if values_of.get(name)]
        chosen.update({name: str(values_of[name]) for name in given[:1]})
    return chosen


def build_ticket(entry: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``tickets`` of the system's module.

    :param entry: the entry of the incident, with its ``record`` from the service.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    texts = ticket_texts(entry, values)
    templates = _field_templates(entry, values, texts)
    target = ticket_target(entry, values, ticket)
    built: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for group in ticket["values"]:
        for name in set(group["names"]) & set(target):
            (fields if "field" in group else built)[group.get("field") or group.get("option") or name] = target[name]
        if "field" in group and any(entry.get(name) for name in group["names"]):
            # Otherwise, the field that is set for all incidents would take precedence over the entry's value.
            templates = {
                name: value
                for name, value in templates.items()
                if name != group["field"] or name in entry.get("fields", {})
            }
    reference = ticket["reference"]
    if "option" in reference:
        built[reference["option"]] = ticket_reference(entry, values, ticket)
    elif has_reference(values, ticket):
        templates.pop(values[reference["field"]], None)
        fields[values[reference["field"]]] = ticket_reference(entry, values, ticket)
    built[ticket["summary"]["option"]] = ticket_summary(entry, texts, values, ticket)
    if "fields" not in ticket:
        return built
    in_fields = {**texts, "title": texts["title"] or NO_TITLE}
    # A field that is set by its own name takes precedence.
    fields.update(replace_placeholders(templates, in_fields, ticket.get("markup", ())))
    return {**built, ticket["fields"]["option"]: fields, **_ignored_fields(templates, values, ticket["fields"])}


def _field_templates(entry: Mapping[str, Any], values: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a ticket with placeholders: those of all tickets, of the priority, and of the entry."""
    of_priority = priority_of(values, texts["severity"])[1]
    return {**(values.get("fields") or {}), **of_priority, **entry.get("fields", {})}


def _ignored_fields(
    templates: Mapping[str, Any], values: Mapping[str, Any], definition: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the option with the fields that are only set in a new ticket, if there are any with details.

    The option of an entry replaces that of the task, so it contains the fields of both.

    :param templates: the fields with placeholders.
    :param values: the values of the runbook's variables.
    :param definition: ``fields`` of the system's ``ticket``.
    """
    option = definition.get("ignore")
    with_details = [str(name) for name, template in templates.items() if used_names(template) & set(DETAILS)]
    if not option or not with_details:
        return {}
    return {option: list(dict.fromkeys([*(values.get(option) or []), *with_details]))}


def ticket_reference(entry: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> str:
    """Return the identity of an incident in the chosen form.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    name = ticket["reference"].get("form", "")
    form = str(entry.get(name) or values.get(name) or REFERENCE)
    texts = incident_texts({name: entry[name] for name in IDENTITY})
    if form.startswith(CONTRAFORCE_FORM):
        # ContraForce's public samples write the source in lower case.
        texts["source"] = texts["source"].lower()
    return str(replace_placeholders(form, texts, is_rich=False))


def template_problems(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """Return a message for each problem of ``priority_map``, and of each placeholder in a summary or in fields.

    :param entries: the entries of the incidents, valid or not.
    :param values: the values of the runbook's variables.
    """
    misplaced = _messages(entries, values, lambda place, text: _misplaced_in(place, text, values))
    return [*priority_map_problems(values), *unknown_placeholders(entries, values), *misplaced]


def unknown_placeholders(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """Return a message for each text in a summary or in fields that looks like a placeholder but is not supported.

    :param entries: the entries of the incidents, valid or not.
    :param values: the values of the runbook's variables.
    """
    return _messages(entries, values, _unknown_in)


def _messages(
    entries: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    problems_in: Callable[[str, str], Iterator[str]],
) -> list[str]:
    """Return a message for each problem of a text.

    :param problems_in: yields the end of the message of each problem; takes the place of the text, and the text.
    """

    def located(values_of: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name in ("summary", "fields", PRIORITY_MAP):
            for place, text in texts_in(name, values_of.get(name)):
                for problem in problems_in(place, text):
                    yield place, problem

    of_entries = [
        EntryProblem(number, "placeholder", f"{place} of ", problem)
        for number, entry in enumerate(entries, 1)
        for place, problem in located(entry)
    ]
    for_all = [f"{place}{problem}" for place, problem in located(values)]
    return [*for_all, *problem_messages(of_entries, "incident", entries)]


def _unknown_in(_place: str, text: str) -> Iterator[str]:
    """Yield the end of a message for each unknown placeholder."""
    known = f"Supported placeholders: {', '.join(PLACEHOLDERS)}."
    for unknown, hint in unknown_words(text):
        yield f" contains {unknown}, which is not a placeholder.{hint} {known}"


def _misplaced_in(place: str, text: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the end of a message for each placeholder that cannot be replaced in this place."""
    used = used_names(text)
    for name in (name for name in MULTILINE if place == "summary" and name in used):
        yield f" contains {{{name}}}, which can have several lines. Use it in 'fields' instead."
    if "priority" in used and not values.get(PRIORITY_MAP):
        yield f" contains {{priority}}, but '{PRIORITY_MAP}' is not set. Set it, or remove the placeholder."
    elif "priority" in used and sets_fields(values):
        problem = f"contains {{priority}}, but '{PRIORITY_MAP}' contains mappings of fields"
        yield f" {problem}. Use texts in it, or remove the placeholder."
    if "portal_url" in used and not values.get("portal_url"):
        yield " contains {portal_url}, but 'portal_url' is not set. Set it, or remove the placeholder."


def ticket_problems(
    entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any], ticket: Mapping[str, Any]
) -> list[str]:
    """Return a message for each value that is missing to open a ticket.

    :param entries: the entries of the incidents; those with a ticket_id are skipped.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    return problem_messages(_ticket_problems(entries, values, ticket), "incident", entries)


def _ticket_problems(
    entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any], ticket: Mapping[str, Any]
) -> Iterator[EntryProblem]:
    summary, reference = ticket["summary"], ticket["reference"]
    limit = summary["max_length"]
    for number, entry in enumerate(entries, 1):
        if "ticket_id" in entry or "incident_id" not in entry:
            continue
        own = ticket_target(entry, values, ticket)
        needed = [group["names"] for group in ticket["values"] if group.get("required")]
        if not all(any(name in own for name in names) for names in needed):
            yield EntryProblem(
                number,
                "required",
                "To open the ticket of ",
                f", {ticket['required_hint']}. To use an existing ticket, set 'ticket_id'.",
            )
        if sets_fields(values) and "fields" not in ticket:
            yield EntryProblem(
                number,
                "priority",
                f"'{PRIORITY_MAP}' contains mappings of fields, but the ticketing system does not have any. Use texts "
                "in it to open the ticket of ",
                ".",
            )
        template = summary_template(entry, values, ticket)
        identifies_incident = ("{incident_id}" in template or entry["incident_id"] in template) and (
            "{workspace_id}" in template or entry.get("workspace_id", "{workspace_id}") in template
        )
        if not has_reference(values, ticket) and not identifies_incident:
            yield EntryProblem(
                number,
                "identity",
                f"Without '{reference['field']}', the summary identifies the ticket and must contain "
                "{incident_id} and {workspace_id}. The summary of ",
                f" does not: {shortened(one_line(template), MAX_VALUE_LENGTH)}.",
            )
        unstable = [f"{{{name}}}" for name in (*DETAILS, "priority") if name in used_names(template)]
        if not has_reference(values, ticket) and unstable:
            yield EntryProblem(
                number,
                "unstable",
                f"Without '{reference['field']}', the summary identifies the ticket. That of ",
                f" must not contain {', '.join(unstable)}, because the value can change or be missing.",
            )
        complete = {"workspace_id": _UNKNOWN_WORKSPACE, **entry}
        identity = {name: text for name, text in incident_texts(complete).items() if name in IDENTITY}
        length = _length(_fit_summary(template, identity, ticket))
        if length > limit:
            source = f" ({summary['assumption']})" if "assumption" in summary else ""
            yield EntryProblem(
                number,
                "length",
                "The summary of ",
                f" has {length} characters even without the title, but the limit is {limit}{source}. "
                "Set a shorter 'summary'.",
            )
        reference_length = len(ticket_reference(complete, values, ticket)) if "option" in reference else 0
        if reference_length > reference.get("max_length", reference_length):
            yield EntryProblem(
                number,
                "reference",
                "The reference of ",
                f" has {reference_length} characters, but the limit is {reference['max_length']}. Choose a shorter "
                f"form in '{reference['form']}', or set 'ticket_id'.",
            )
