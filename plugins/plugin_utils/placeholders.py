# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find and replace the placeholders in the summary and the fields of a ticket."""

from __future__ import annotations

import html
import re
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest

#: Placeholders of the identity of an incident.
IDENTITY = ("source", "incident_id", "workspace_id")

#: Placeholders of details, which may change or which the service may not show, so that they are only set in a new
#: ticket.
DETAILS = ("description", "alerts", "entities", "owner", "number", "created_at", "source_name", "portal_url")

#: Details that can have several lines.
MULTILINE = ("description", "alerts", "entities")

#: All names of values.
NAMES = (*IDENTITY, "title", "severity", "priority", *DETAILS)

#: The names of free texts, and the ending of their placeholders for a rich text field.
FREE_TEXTS = ("title", "description", "alerts", "entities", "owner", "source_name")
HTML = "_html"

#: Every placeholder, with the name of its value.
NAME_OF: Mapping[str, str] = {
    **{f"{{{name}}}": name for name in NAMES},
    **{f"{{{name}{HTML}}}": name for name in FREE_TEXTS},
}
PLACEHOLDERS: tuple[str, ...] = tuple(NAME_OF)

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))

#: Words in braces, such as a misspelled placeholder, but not ``{"a": 1}``.
_BRACED = re.compile(r"\{([\w\s.-]{1,80})\}")

#: What replaces the brackets of a token.
_PARENTHESES = str.maketrans("[]<>{}", "()()()")

#: A tag of HTML, but not ``<soc@example.com>``.
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")


def used_names(value: Any) -> set[str]:
    """Return the names of the values whose placeholders a value contains.

    :param value: a text, or lists and mappings of them.
    """
    return {NAME_OF[found] for _place, text in texts_in("", value) for found in _PLACEHOLDER.findall(text)}


def texts_in(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the place of each text in a value, such as ``fields.Description``, and the text.

    :param place: the name of the value.
    :param value: a text, or lists and mappings of them.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_in(f"{place}.{key}", inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(place, inner)
    elif isinstance(value, str):
        yield place, value


def unknown_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield each unknown placeholder in a text, with a sentence that suggests the nearest one, or nothing.

    :param text: the text.
    """
    names = [known[1:-1] for known in PLACEHOLDERS]
    for word in dict.fromkeys(_BRACED.findall(text)):
        name = re.sub(r"[\s.-]+", "_", word.strip())
        is_word = word.strip().isidentifier()
        # Several words may be literal text, unless they are similar to a placeholder.
        near = nearest(name, names)
        if word not in names and (is_word or near):
            yield f"{{{word}}}", f" {did_you_mean(f'{{{near}}}')}" if near else ""


def replace_placeholders(
    value: Any, texts: Mapping[str, str], markup: Sequence[str] = (), *, is_rich: bool | None = None
) -> Any:
    """Return a value with its placeholders replaced. Placeholders in the inserted texts are not replaced.

    :param value: a text, or lists and mappings of them.
    :param texts: the inserted texts by name; a missing one is empty.
    :param markup: tokens of the ticketing system that inserted texts must not form.
    :param is_rich: whether to escape the inserted texts for HTML; by default, if the text contains HTML.
    """
    if isinstance(value, Mapping):
        return {key: replace_placeholders(inner, texts, markup, is_rich=is_rich) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_placeholders(inner, texts, markup, is_rich=is_rich) for inner in value]
    if not isinstance(value, str):
        return value
    return _replaced(value, texts, markup, _contains_html(value, markup) if is_rich is None else is_rich)


def _contains_html(text: str, markup: Sequence[str]) -> bool:
    """Return whether a text is rich text: it contains a tag, a placeholder for rich text, or markup around HTML."""
    folded = text.casefold()
    return (
        bool(_TAG.search(text))
        or any(f"{{{name}{HTML}}}" in text for name in FREE_TEXTS)
        or any(token.casefold() in folded for token in markup)
    )


def _replaced(text: str, texts: Mapping[str, str], markup: Sequence[str], is_rich: bool) -> str:
    parts: list[str] = []
    inserted: list[tuple[int, int]] = []
    end = length = 0
    for found in _PLACEHOLDER.finditer(text):
        placeholder = found.group()
        plain = texts.get(NAME_OF[placeholder], "")
        # All placeholders of free texts for rich text end so.
        is_html = is_rich or placeholder.endswith(f"{HTML}}}")
        parts += [text[end : found.start()], _for_html(plain) if is_html else plain]
        begin = length + len(parts[-2])
        length = begin + len(parts[-1])
        inserted.append((begin, length))
        end = found.end()
    return _without_formed_markup("".join([*parts, text[end:]]), inserted, markup)


def _for_html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _without_formed_markup(text: str, inserted: list[tuple[int, int]], markup: Sequence[str]) -> str:
    """Return a text without the markup that inserted texts contain or form. The markup of the user is kept."""
    if not markup or not inserted:
        return text

    def replacement(found: re.Match[str]) -> str:
        is_formed = any(begin < found.end() and found.start() < end for begin, end in inserted)
        return found.group().translate(_PARENTHESES) if is_formed else found.group()

    return re.sub("|".join(map(re.escape, markup)), replacement, text, flags=re.IGNORECASE)
