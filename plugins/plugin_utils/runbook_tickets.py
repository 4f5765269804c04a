# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Build the ticket that a runbook opens for an incident: its summary and its fields."""

from __future__ import annotations

import html
import re
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    one_line,
    shortened,
    utf16_length,
    visible_text,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import (
    MAX_VALUE_LENGTH,
    EntryProblem,
    problem_messages,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest

#: The default summaries, with and without a field that contains the incident's identity.
SUMMARY_WITH_REFERENCE = "{source} incident {incident_id}: {title}"
SUMMARY_ALONE = "{source} incident {incident_id} in workspace {workspace_id}"

#: The form of an incident's identity by which its ticket is found again.
REFERENCE = "{source} {incident_id} {workspace_id}"

#: The start of the form that ContraForce's public samples use. It lacks the workspace.
CONTRAFORCE_FORM = "cf|"

#: Maximum characters of a free text of an incident.
MAX_TEXT_LENGTH = 255

#: Replaces a missing title in a field, because the field may be required.
NO_TITLE = "(no title)"

#: Replaces the workspace of an incident whose workspace is not known yet.
_UNKNOWN_WORKSPACE = "00000000-0000-0000-0000-000000000000"

#: Words in braces, such as a misspelled placeholder, but not ``{"a": 1}``.
_BRACED = re.compile(r"\{([\w\s.-]{1,80})\}")


def free_texts(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the free texts of an incident, which attackers may control, in a form that a ticket accepts.

    :param record: the incident's record from the service.
    """
    shown = {"severity": record.get("severity"), "title": title_of(record)}
    return {name: shortened(one_line(str(text or "")), MAX_TEXT_LENGTH) for name, text in shown.items()}


def placeholders(
    entry: Mapping[str, Any], texts: Mapping[str, str], max_length: int = MAX_TEXT_LENGTH
) -> dict[str, str]:
    """Return the replacement of each placeholder in a summary or a field.

    :param entry: the entry of the incident.
    :param texts: from :func:`free_texts`.
    :param max_length: the length to which each of them is shortened.
    """
    # The normalized identity, because later runs search the ticket by it.
    key = IncidentKey(entry["workspace_id"], entry["source"], entry["incident_id"])
    workspace_id, source, incident_id = key.identity
    severity, title = (shortened(texts.get(name, ""), max_length) for name in ("severity", "title"))
    return {
        "{source}": source,
        "{incident_id}": incident_id,
        "{workspace_id}": workspace_id,
        "{severity}": severity,
        # For a field of rich text.
        "{title_html}": html.escape(title),
        "{title}": title,
    }


#: Every placeholder.
PLACEHOLDERS: tuple[str, ...] = tuple(placeholders({"workspace_id": "", "source": "", "incident_id": ""}, {}))

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))


def replace_placeholders(value: Any, replacements: Mapping[str, str]) -> Any:
    """Return a value with its placeholders replaced. Placeholders in the inserted texts are not replaced.

    :param value: a text, or lists and mappings of them.
    :param replacements: the texts by placeholder.
    """
    if isinstance(value, Mapping):
        return {key: replace_placeholders(inner, replacements) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_placeholders(inner, replacements) for inner in value]
    if not isinstance(value, str):
        return value
    return _PLACEHOLDER.sub(lambda found: replacements[found.group()], value)


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
    :param texts: from :func:`free_texts`.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    limit = ticket["summary"]["max_length"]
    summary = _fit_summary(summary_template(entry, values, ticket), entry, texts, limit)
    # Without a title, the result of a template may be empty.
    return summary if summary.strip() else _fit_summary(SUMMARY_WITH_REFERENCE, entry, texts, limit)


def _fit_summary(template: str, entry: Mapping[str, Any], texts: Mapping[str, str], limit: int) -> str:
    """Return a template on one line with its placeholders replaced, and free texts shortened as far as necessary."""
    line = visible_text(template).replace("\n", " ")
    for max_length in range(limit, -1, -1):
        summary = replace_placeholders(line, placeholders(entry, texts, max_length))
        if _length(summary) <= limit:
            break
    return str(summary)


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
    texts = free_texts(entry.get("record") or {})
    fields = {**(values.get("fields") or {}), **entry.get("fields", {})}
    target = ticket_target(entry, values, ticket)
    built: dict[str, Any] = {}
    for group in ticket["values"]:
        for name in set(group["names"]) & set(target):
            # A field that is set by its own name takes precedence.
            (fields if "field" in group else built).setdefault(
                group.get("field") or group.get("option") or name, target[name]
            )
    reference = ticket["reference"]
    if "option" in reference:
        built[reference["option"]] = ticket_reference(entry, values, ticket)
    built[ticket["summary"]["option"]] = ticket_summary(entry, texts, values, ticket)
    replaced = replace_placeholders(fields, placeholders(entry, {**texts, "title": texts["title"] or NO_TITLE}))
    if "option" not in reference and has_reference(values, ticket):
        replaced[values[reference["field"]]] = ticket_reference(entry, values, ticket)
    return {**built, ticket["fields"]["option"]: replaced} if "fields" in ticket else built


def ticket_reference(entry: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> str:
    """Return the identity of an incident in the chosen form.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    name = ticket["reference"].get("form", "")
    form = str(entry.get(name) or values.get(name) or REFERENCE)
    replacements = placeholders(entry, {})
    if form.startswith(CONTRAFORCE_FORM):
        # ContraForce's public samples write the source in lower case.
        replacements["{source}"] = replacements["{source}"].lower()
    return str(replace_placeholders(form, replacements))


def unknown_placeholders(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """Return a message for each text in a summary or in fields that looks like a placeholder but is not supported.

    :param entries: the entries of the incidents, valid or not.
    :param values: the values of the runbook's variables.
    """
    known = f"Supported placeholders: {', '.join(PLACEHOLDERS)}."
    for_all = [f"{place} contains {unknown}{hint} {known}" for place, unknown, hint in _unknown_in(values)]
    of_entries = [
        EntryProblem(number, "placeholder", f"{place} of ", f" contains {unknown}{hint} {known}")
        for number, entry in enumerate(entries, 1)
        for place, unknown, hint in _unknown_in(entry)
    ]
    return [*for_all, *problem_messages(of_entries, "incident", entries)]


def _unknown_in(values_of: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the place of each unknown placeholder, the placeholder, and the rest of its sentence."""
    for name in ("summary", "fields"):
        for place, text in _texts_in(name, values_of.get(name)):
            for unknown, hint in _unknown_words(text):
                yield place, unknown, f", which is not a placeholder.{hint}"


def _texts_in(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the place of each text in a value, such as ``fields.Description``, and the text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts_in(f"{place}.{key}", inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts_in(place, inner)
    elif isinstance(value, str):
        yield place, value


def _unknown_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield each unknown placeholder in a text, with a sentence that suggests the nearest one, or nothing."""
    names = [known[1:-1] for known in PLACEHOLDERS]
    for replacements in dict.fromkeys(_BRACED.findall(text)):
        name = re.sub(r"[\s.-]+", "_", replacements.strip())
        is_word = replacements.strip().isidentifier()
        # Several words may be literal text, unless they are similar to a placeholder.
        near = nearest(name, names)
        if replacements not in names and (is_word or near):
            yield f"{{{replacements}}}", f" {did_you_mean(f'{{{near}}}')}" if near else ""


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
        complete = {"workspace_id": _UNKNOWN_WORKSPACE, **entry}
        length = _length(_fit_summary(template, complete, {}, limit))
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
