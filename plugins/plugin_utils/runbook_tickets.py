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
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import LONGEST_SUMMARY
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import (
    MAX_VALUE_LENGTH,
    EntryProblem,
    problem_messages,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest

#: The default summaries, with and without a field that contains the incident's identity.
SUMMARY_WITH_REFERENCE = "{source} incident {incident_id}: {title}"
SUMMARY_ALONE = "{source} incident {incident_id} in workspace {workspace_id}"

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
    return {name: shortened(one_line(str(text or "")), LONGEST_SUMMARY) for name, text in shown.items()}


def placeholders(
    entry: Mapping[str, Any], texts: Mapping[str, str], max_length: int = LONGEST_SUMMARY
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


def summary_template(entry: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the template of a ticket's summary.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    """
    default = SUMMARY_WITH_REFERENCE if values.get("reference_field") else SUMMARY_ALONE
    return str(entry.get("summary") or values.get("summary") or default)


def ticket_summary(entry: Mapping[str, Any], texts: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Return the summary of a ticket: one line that is not too long (TK-A19), with the incident's identity in full.

    :param entry: the entry of the incident.
    :param texts: from :func:`free_texts`.
    :param values: the values of the runbook's variables.
    """
    summary = _fit_summary(summary_template(entry, values), entry, texts)
    # Without a title, the result of a template may be empty.
    return summary if summary.strip() else _fit_summary(SUMMARY_WITH_REFERENCE, entry, texts)


def _fit_summary(template: str, entry: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """Return a template on one line with its placeholders replaced, and free texts shortened as far as necessary."""
    line = visible_text(template).replace("\n", " ")
    for max_length in range(LONGEST_SUMMARY, -1, -1):
        summary = replace_placeholders(line, placeholders(entry, texts, max_length))
        if _length(summary) <= LONGEST_SUMMARY:
            break
    return str(summary)


def _length(summary: str) -> int:
    return utf16_length(summary.strip())


def ticket_target(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Return team, ticket type and offer of a ticket. An entry's values override the runbook's variables.

    :param entry: the entry of the incident.
    :param values: the values of the runbook's variables.
    """
    own = {"team_id": _first_value("team_id", entry, values)}
    for name in ("item_type", "offer"):
        by_id = f"{name}_id"
        values_of = entry if entry.get(name) or entry.get(by_id) else values
        # An identifier takes precedence over a name.
        chosen = by_id if values_of.get(by_id) else name
        own[chosen] = _first_value(chosen, values_of)
    return {name: value for name, value in own.items() if value}


def _first_value(name: str, *sources: Mapping[str, Any]) -> str:
    return next((str(values_of[name]) for values_of in sources if values_of.get(name)), "")


def build_ticket(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``tickets`` of the module ticketing_ticket.

    :param entry: the entry of the incident, with its ``record`` from the service.
    :param values: the values of the runbook's variables.
    """
    texts = free_texts(entry.get("record") or {})
    fields = {**(values.get("fields") or {}), **entry.get("fields", {})}
    reference_field = values.get("reference_field")
    if reference_field:
        fields[reference_field] = "{source} {incident_id} {workspace_id}"
    return {
        **ticket_target(entry, values),
        "summary": ticket_summary(entry, texts, values),
        "fields": replace_placeholders(fields, placeholders(entry, {**texts, "title": texts["title"] or NO_TITLE})),
    }


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


def ticket_problems(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """Return a message for each value that is missing to open a ticket.

    :param entries: the entries of the incidents; those with a ticket_id are skipped.
    :param values: the values of the runbook's variables.
    """
    return problem_messages(_ticket_problems(entries, values), "incident", entries)


def _ticket_problems(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> Iterator[EntryProblem]:
    for number, entry in enumerate(entries, 1):
        if "ticket_id" in entry or "incident_id" not in entry:
            continue
        own = ticket_target(entry, values)
        if not own.get("team_id") or not (own.get("offer") or own.get("offer_id")):
            yield EntryProblem(
                number,
                "offer",
                "To open the ticket of ",
                ", set 'team_id' and 'offer' (or 'offer_id') for all incidents or in its entry. To use an existing "
                "ticket, set 'ticket_id'.",
            )
        template = summary_template(entry, values)
        identifies_incident = ("{incident_id}" in template or entry["incident_id"] in template) and (
            "{workspace_id}" in template or entry.get("workspace_id", "{workspace_id}") in template
        )
        if not values.get("reference_field") and not identifies_incident:
            yield EntryProblem(
                number,
                "identity",
                "Without 'reference_field', the summary identifies the ticket and must contain {incident_id} and "
                "{workspace_id}. The summary of ",
                f" does not: {shortened(one_line(template), MAX_VALUE_LENGTH)}.",
            )
        length = _length(_fit_summary(template, {"workspace_id": _UNKNOWN_WORKSPACE, **entry}, {}))
        if length > LONGEST_SUMMARY:
            yield EntryProblem(
                number,
                "length",
                "The summary of ",
                f" has {length} characters even without the title, but the limit is {LONGEST_SUMMARY} (TK-A19). "
                "Set a shorter 'summary'.",
            )
