# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Format the record of an incident as the texts of a ticket.

Attackers may control any value of a record. The texts have a limited length, and their invisible characters are
replaced, so that no record can prevent its ticket.
"""

from __future__ import annotations

from datetime import timezone
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    ELLIPSIS,
    one_line,
    shortened,
    visible_text,
)
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.portal_links import portal_link

#: Maximum characters of a text of one line.
MAX_TEXT_LENGTH = 255

#: Maximum characters of a description. It fits in a column of 4000 characters together with both lists.
MAX_DESCRIPTION_LENGTH = 1500

#: Maximum lines of a list, before the number of further ones, and maximum characters of a line.
MAX_LIST_LINES = 10
MAX_LINE_LENGTH = 100

#: Maximum characters of a short value in a line of a list, such as a product.
MAX_WORD_LENGTH = 30

#: Replaces a missing title in a list.
NO_TITLE = "(no title)"

#: The keys of a record with the number that the portal of the source shows, best first.
NUMBER_KEYS = ("displayId", "number")

#: The keys of an alert and of an entity, best first. The API documents those of events, but not those of a read.
ALERT_KEYS: Mapping[str, Sequence[str]] = {
    "title": ("title", "alertDisplayName", "displayName", "name"),
    "severity": ("severity",),
    "product": ("productName", "productDisplayName", "detectionSource"),
}
ENTITY_TYPE_KEYS = ("type", "kind")
ENTITY_NAME_KEYS = (
    *("displayName", "friendlyName", "name", "hostName", "address", "url", "fileName", "domainName"),
    *("mailboxPrimaryAddress", "id"),
)

#: An object in an entity that may contain its names.
ENTITY_PROPERTIES = "properties"


def incident_texts(entry: Mapping[str, Any], portal_url: str = "") -> dict[str, str]:
    """Return the texts of an incident by the name of their placeholder; empty for what the record does not show.

    The description and the lists can have several lines.

    :param entry: the entry of the incident, with its ``record``, whose lists are from :func:`list_excerpt`.
    :param portal_url: the address of an incident in the portal, with placeholders.
    """
    record = entry.get("record") or {}
    # The normalized identity, because later runs search the ticket by it.
    key = IncidentKey(entry["workspace_id"], entry["source"], entry["incident_id"])
    identity = dict(zip(("workspace_id", "source", "incident_id"), key.identity))
    number = _line(entry.get("incident_number") or number_of(record))
    return {
        **identity,
        "title": _line(title_of(record)),
        "severity": _line(record.get("severity")),
        "description": shortened_at_word(_paragraphs(record.get("description")), MAX_DESCRIPTION_LENGTH),
        **{name: _lines(record.get(name), line_of) for name, line_of in LISTS.items()},
        "owner": _line(_owner(record.get("user"))),
        "number": number,
        "created_at": _moment(record.get("createdAt")),
        "source_name": _line(record.get("sourceDisplayName")),
        "portal_url": portal_link(portal_url, {**identity, "number": number}) or "",
    }


def number_of(record: Mapping[str, Any]) -> str | None:
    """Return the number of an incident that the portal of its source shows, or None.

    :param record: the record from the service.
    """
    return next(filter(None, (_scalar(record.get(key)) for key in NUMBER_KEYS)), None)


def shortened_at_word(text: str, max_length: int) -> str:
    """Return a text, truncated with an ellipsis after a word if it exceeds a maximum length.

    :param text: the text, without unpaired surrogates.
    :param max_length: the maximum length in UTF-16 code units.
    """
    cut = shortened(text, max_length)
    if cut == text or not cut:
        return cut
    kept = cut[: -len(ELLIPSIS)]
    if not text[len(kept) : len(kept) + 1].isspace():
        words = kept.rsplit(None, 1)
        # A very long word is cut.
        kept = words[0] if len(words[0]) >= len(kept) // 2 else kept
    return f"{kept.rstrip()}{ELLIPSIS}"


def alert_line(alert: Any) -> str:
    """Return a line such as ``Atypical travel (Medium, Entra ID Protection)``, or an empty text.

    :param alert: the alert as the service returned it.
    """
    if not isinstance(alert, Mapping):
        return ""
    title, severity, product = (_line(_first(alert, keys)) for keys in ALERT_KEYS.values())
    facts = ", ".join(shortened(text, MAX_WORD_LENGTH) for text in (severity, product) if text)
    ending = f" ({facts})" if facts else ""
    if not title and not ending:
        return ""
    return f"{shortened_at_word(title or NO_TITLE, MAX_LINE_LENGTH - len(ending))}{ending}"


def entity_line(entity: Any) -> str:
    """Return a line such as ``Host SRV-DC02``, or an empty text.

    :param entity: the entity as the service returned it.
    """
    if not isinstance(entity, Mapping):
        return ""
    inner = entity.get(ENTITY_PROPERTIES)
    # The values of the entity itself come first.
    shown = {**(inner if isinstance(inner, Mapping) else {}), **entity}
    name, suffix = _first(shown, ENTITY_NAME_KEYS), _scalar(shown.get("upnSuffix"))
    if suffix and name == _scalar(shown.get("name")):
        name = f"{name}@{suffix}"
    kind = shortened(_line(_first(shown, ENTITY_TYPE_KEYS)), MAX_WORD_LENGTH)
    return shortened(" ".join(filter(None, (kind, _line(name)))), MAX_LINE_LENGTH)


#: How to format an entry of each list.
LISTS: Mapping[str, Callable[[Any], str]] = {"alerts": alert_line, "entities": entity_line}

#: The keys of an alert or an entity that are shown.
SHOWN_KEYS = frozenset(
    {*(key for keys in ALERT_KEYS.values() for key in keys), *ENTITY_TYPE_KEYS, *ENTITY_NAME_KEYS, "upnSuffix"}
)


def list_excerpt(name: str, values: Any) -> dict[str, Any]:
    """Return the first values of a list, with what is shown of them, and the number of further ones.

    :param name: the name of the list.
    :param values: the list as the service returned it; any other value counts as an empty list.
    """
    shown = [value for value in (values if isinstance(values, list) else []) if LISTS[name](value)]
    first = [_shown_part(value) for value in shown[:MAX_LIST_LINES]]
    return {"first": first, "more": len(shown) - len(first)}


def _shown_part(value: Mapping[str, Any]) -> dict[str, Any]:
    part = {key: inner for key, inner in value.items() if key in SHOWN_KEYS}
    inner = value.get(ENTITY_PROPERTIES)
    return {**part, ENTITY_PROPERTIES: _shown_part(inner)} if isinstance(inner, Mapping) else part


def _lines(excerpt: Any, line_of: Callable[[Any], str]) -> str:
    """Return a line for each value of an excerpt, and a line with the number of further ones."""
    if not isinstance(excerpt, Mapping):
        return ""
    more = excerpt["more"]
    return "\n".join([*map(line_of, excerpt["first"]), *([f"and {more:,} more"] if more else [])])


def _paragraphs(text: Any) -> str:
    """Return a text with single blanks, and with at most one empty line between its paragraphs."""
    if not isinstance(text, str):
        return ""
    # The text is shortened afterwards, and may be very long.
    start = text[: 4 * MAX_DESCRIPTION_LENGTH].replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(_without_repeated_blank_lines(visible_text(start)))


def _without_repeated_blank_lines(text: str) -> Iterator[str]:
    is_blank = True
    for line in (" ".join(line.split()) for line in text.strip().split("\n")):
        if line or not is_blank:
            yield line
        is_blank = not line


def _owner(user: Any) -> Any:
    """Return the name of a user, or the e-mail address."""
    if not isinstance(user, Mapping):
        return None
    return next((user[key] for key in ("displayName", "email") if one_line(str(user.get(key) or ""))), None)


def _moment(text: Any) -> str:
    """Return a point in time in the format of the APIs, in whole seconds; any other text as it is."""
    moment = instant(text)
    try:
        return spelled_utc(moment.astimezone(timezone.utc), "seconds") if moment else _line(text)
    except OverflowError:
        return _line(text)


def _first(values: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next(filter(None, (_scalar(values.get(key)) for key in keys)), None)


def _scalar(value: Any) -> str:
    """Return a text or a whole number as a text, or an empty text."""
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _line(text: Any) -> str:
    return shortened(one_line(_scalar(text)[: 4 * MAX_TEXT_LENGTH]), MAX_TEXT_LENGTH)
