# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Choose how an incident refers to its ticket: by a link of ContraForce, by a comment, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import ticket_from_name
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line

#: The variable, and its values.
TICKET_REFERENCE = "ticket_reference"
AUTO, LINK, COMMENT, NONE = "auto", "link", "comment", "none"

#: The way that ``auto`` chooses for a system, by its ``contraforce_links``.
AUTO_WAYS: Mapping[str, str] = {"documented": LINK, "assumed": COMMENT, "no": COMMENT}

#: The deprecated variable.
DEPRECATED = "link"
DEPRECATION = (
    "'link' is deprecated and will be removed in 1.0. Set 'ticket_reference' to none instead of link: false, and to "
    "link instead of link: true."
)

#: The failures of a link that a system may cause whose tickets ContraForce cannot link.
_NOT_LINKED = ("not_converged",)
_NOT_FOUND = ("not_found", "validation")


@dataclass(frozen=True)
class Choice:
    """The way of a run, and what follows from it.

    :param facts: what the steps and the report need.
    :param options: the options that it changes.
    :param problems: messages about variables that contradict each other or are missing.
    """

    facts: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[str] = ()


#: The facts of a runbook that links tickets of any ticketing system.
LINKS_ONLY: Mapping[str, Any] = {"way": LINK, "text": "", "notes": [], "title": "", "links": "", "type": ""}


def choose_reference(options: Mapping[str, Any], given: Mapping[str, Any], system: Mapping[str, Any]) -> Choice:
    """Return the way in which the incidents of a run refer to their tickets.

    :param options: the options of the runbook.
    :param given: the variables that are set.
    :param system: the facts of the ticketing system.
    """
    if TICKET_REFERENCE not in options:
        return Choice(LINKS_ONLY, problems=_missing_values(options, system, LINK))
    asked = options.get(TICKET_REFERENCE) or AUTO
    former = (LINK if options.get(DEPRECATED) else NONE) if DEPRECATED in given else None
    way = AUTO_WAYS[system["contraforce_links"]] if asked == AUTO else asked
    text = f"{way} ({AUTO})" if asked == AUTO else way
    problems = []
    if former:
        if asked not in (AUTO, former):
            value = str(options[DEPRECATED]).lower()
            problems.append(f"'{DEPRECATED}' is {value}, but '{TICKET_REFERENCE}' is {asked}. Remove '{DEPRECATED}'.")
        way = text = former
    facts = {
        "way": way,
        "text": text,
        "notes": [DEPRECATION] if former else [],
        "title": system["title"],
        "links": system["contraforce_links"],
        "type": system["contraforce_type"],
    }
    changed: dict[str, Any] = {}
    if way != LINK and "ticket_closing" in options:
        if "ticket_closing" in given and options["ticket_closing"] == "contraforce":
            problems.append(
                f"'ticket_closing' is contraforce, but ContraForce only closes linked tickets, and "
                f"'{TICKET_REFERENCE}' is {text}. Set 'ticket_closing' to checked, or '{TICKET_REFERENCE}' to link if "
                f"ContraForce can link tickets of {system['title']}."
            )
        else:
            changed["ticket_closing"] = "checked"
        problems += _unfound_tickets(options, system, text)
    problems += _missing_values({**options, **changed}, system, way)
    return Choice(facts, changed, problems)


def _unfound_tickets(options: Mapping[str, Any], system: Mapping[str, Any], text: str) -> list[str]:
    """Return a message if each run would open and close another ticket, because it does not find a closed one."""
    name = system["closing"].get("find_closed")
    if not name or options.get(name) is not False:
        return []
    message = (
        f"'{name}' is false, but '{TICKET_REFERENCE}' is {text}, so that each run would open another ticket. Remove "
        f"'{name}', or set '{TICKET_REFERENCE}' to link if ContraForce can link tickets of {system['title']}."
    )
    return [message]


def _missing_values(options: Mapping[str, Any], system: Mapping[str, Any], way: str) -> list[str]:
    """Return a message for each variable that is missing to close a ticket in its system."""
    if options.get("ticket_closing") != "checked":
        return []
    title = system["title"]
    missing = [name for name in system["closing"]["required_if_checked"] if not str(options.get(name) or "").strip()]
    other_way = (
        "set 'ticket_closing' to contraforce"
        if way == LINK
        else f"set '{TICKET_REFERENCE}' to link if ContraForce can link and close them"
    )
    return [f"'{name}' is missing. Set it to close tickets of {title}, or {other_way}." for name in missing]


def reference_comment(number: Any, title: str) -> dict[str, str]:
    """Return the comment that names the ticket of an incident, and the marker by which it is found again.

    The marker is neither a part of the comment on a closed ticket nor of the marker of another number.

    :param number: the display number of the ticket.
    :param title: the name of the ticketing system for readers.
    """
    shown = one_line(str(number))
    marker = f"[service ticket {shown}]"
    return {"comment": f"The ticket of this incident in {title} is {shown}.\n\n{marker}", "marker": marker}


def with_ticket_number(incident: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return an incident whose ticket has a number if no link will show it: by default its ID.

    :param incident: the incident, with or without a ticket.
    :param reference: the facts about the reference.
    """
    if "ticket_id" not in incident or reference.get("way", LINK) == LINK:
        return dict(incident)
    return {"ticket_number": incident["ticket_id"], **incident}


def with_given_number(entry: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry whose ticket has a number if the user named it by one, or if no link will show it.

    No step may find the number, because tags can select a single one.

    :param entry: the entry, with or without a ticket.
    :param reference: the facts about the reference.
    """
    ticket = entry.get("ticket_id")
    if reference.get("title") and isinstance(ticket, str) and ticket_from_name(ticket).number:
        return {"ticket_number": ticket, **entry}
    return with_ticket_number(entry, reference)


def own_link(outcome: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome of reading an incident, without the link if its ticket is not one of the ticketing system.

    Without a link, ContraForce may be connected to another system, whose tickets it shows.

    :param outcome: the outcome for an incident.
    :param reference: the facts about the reference.
    """
    link = outcome.get("link")
    if not isinstance(link, Mapping) or "after" in link or reference.get("way", LINK) == LINK:
        return dict(outcome)
    shown, expected = link.get("ticketing_system"), reference["type"]
    cannot_link = reference["links"] == "no" or (reference["way"] == COMMENT and reference["links"] == "assumed")
    if cannot_link or (expected and shown and shown != expected):
        return {name: value for name, value in outcome.items() if name != "link"}
    return dict(outcome)


def checked_link(outcome: Mapping[str, Any], reference: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Return the outcome of linking a ticket, failed if it contradicts the capability of the ticketing system.

    :param outcome: the outcome for an incident.
    :param reference: the facts about the reference.
    :param check_mode: whether the run is in check mode, which cannot find out whether tickets can be linked.
    """
    title, expected = reference.get("title"), reference.get("type")
    if not title or reference["way"] != LINK:
        return dict(outcome)
    if outcome.get("failed"):
        return _with_advice(outcome, reference)
    link = outcome.get("link") or {}
    shown = link.get("ticketing_system")
    if expected and shown and shown != expected and link.get("after") == "linked":
        ticket = link.get("ticket_number") or link.get("ticket_id") or "the ticket"
        message = (
            f"ContraForce shows {ticket} as a ticket of {shown}, not of {title}. Unlink it and connect {title} to the "
            f"workspace in ContraForce, or set '{TICKET_REFERENCE}' to comment."
        )
        return {**outcome, "failed": True, "msg": message, "error": {"category": "configuration"}}
    if check_mode and outcome.get("changed"):
        return {
            **outcome,
            "unverified": [
                *(outcome.get("unverified") or ()),
                f"Not checked: whether ContraForce can link tickets of {title}.",
            ],
        }
    return dict(outcome)


def _with_advice(outcome: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return a failed outcome that names the variable if the system may be the reason of the failure."""
    category = (outcome.get("error") or {}).get("category")
    reasons = _NOT_LINKED if reference["links"] == "documented" else (*_NOT_LINKED, *_NOT_FOUND)
    if category not in reasons:
        return dict(outcome)
    advice = f"If ContraForce cannot link tickets of {reference['title']}, set '{TICKET_REFERENCE}' to comment."
    return {**outcome, "msg": f"{outcome.get('msg')} {advice}"}
