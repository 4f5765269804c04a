# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of tickets: full text, filters and order."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.tests.sandbox.parsing import instant
from ansible_collections.secops.itsm.tests.sandbox.ticketing.records import Record, Ticket
from ansible_collections.secops.itsm.tests.sandbox.ticketing.refusals import invalid_filter

Test = Callable[[Record], bool]

_COLUMNS: Mapping[str, Callable[[Record], Any]] = {
    "createdAt": lambda record: instant(record["created_at"]),
    "updatedAt": lambda record: instant(record["updated_at"]),
    "status": lambda record: record["status_type"],
}
_FILTERED = ("createdAt", "status")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda value, operand: value == operand,
    "NE": lambda value, operand: value != operand,
    "GT": lambda value, operand: value > operand,
    "GE": lambda value, operand: value >= operand,
    "LT": lambda value, operand: value < operand,
    "LE": lambda value, operand: value <= operand,
    "IN": lambda value, operand: value in operand,
    "LIKE": lambda value, operand: operand.strip("%").casefold() in value.casefold(),
}


def found(tickets: Iterable[Ticket], body: Mapping[str, Any], all_fields: bool) -> list[Ticket]:
    """Return the tickets that a request matches, in its order.

    :param tickets: all visible tickets.
    :param body: ``ListTicketsRequest``.
    :param all_fields: whether the full-text search covers the fields.
    :raises RefusedError: if a filter or an order cannot be used.
    """
    words = body.get("search", "").casefold().split()
    passes = _filter(body.get("filter"))
    order = body.get("sort", "createdAt")
    if order not in _COLUMNS:
        raise invalid_filter(f"Cannot sort by {order}")
    matching = [ticket for ticket in tickets if _has_words(ticket, words, all_fields) and passes(ticket.record)]
    newest_first = body.get("searchOrder", "DESC") == "DESC"
    return sorted(matching, key=lambda ticket: _COLUMNS[order](ticket.record), reverse=newest_first)


def _has_words(ticket: Ticket, words: Sequence[str], all_fields: bool) -> bool:
    record = ticket.record
    texts = [record["summary"], record["object_id"]]
    if all_fields:
        values = (record["data"].get(identifier) for identifier in ticket.type.fields)
        texts += [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    return all(any(word in text.casefold() for text in texts) for word in words)


def _filter(given: Mapping[str, Any] | None) -> Test:
    tests = [_condition(entry) for entry in given["operand"]] if given else []
    if given and given["op"] == "OR" and tests:
        return lambda record: any(test(record) for test in tests)
    return lambda record: all(test(record) for test in tests)


def _condition(entry: Mapping[str, Any]) -> Test:
    name, word, operand = entry["column"], entry["op"], entry["operand"]
    if name not in _FILTERED:
        raise invalid_filter(f"Unknown column {name}")
    wanted = [_operand(name, word, part) for part in operand] if word == "IN" and isinstance(operand, list) else None
    if word != "IN":
        wanted = _operand(name, word, operand)
    if wanted is None:
        raise invalid_filter(f"{word} on {name} needs a list")
    return lambda record: _COMPARISONS[word](_COLUMNS[name](record), wanted)


def _operand(column: str, word: str, operand: Any) -> Any:
    """Return the value to compare a column with. Raise RefusedError if there is none."""
    if not isinstance(operand, str) or (column == "createdAt" and word == "LIKE"):
        raise invalid_filter(f"{word} on {column} cannot use {json.dumps(operand)}")
    try:
        return instant(operand) if column == "createdAt" else operand
    except ValueError:
        raise invalid_filter(f"{operand} is not a date") from None
