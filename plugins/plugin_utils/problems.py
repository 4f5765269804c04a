# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Report the problems of many incidents, each once, with some incidents as examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line, shortened

#: Maximum number of examples of one problem.
MAX_EXAMPLES = 10

#: Maximum characters of a value in a message.
MAX_VALUE_LENGTH = 100


@dataclass(frozen=True)
class EntryProblem:
    """A problem of one entry of a list. The name of the entry is inserted between the two parts of its message.

    :param number: the number of the entry, from 1.
    :param kind: the kind of problem; problems of one kind are grouped.
    :param before: the message up to the entry.
    :param after: the rest of the message.
    """

    number: int
    kind: str
    before: str
    after: str


def quoted(value: Any) -> str:
    """Return the representation of a value for a message, shortened if it is long.

    :param value: any value.
    """
    return shortened(one_line(repr(value)), MAX_VALUE_LENGTH)


def problem_messages(problems: Iterable[EntryProblem], noun: str, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a message for each problem, and at most MAX_EXAMPLES of a kind.

    :param problems: the problems of the entries.
    :param noun: the word for an entry.
    :param entries: the whole list.
    """
    kinds: dict[str, dict[tuple[str, str], list[int]]] = {}
    for problem in problems:
        numbers = kinds.setdefault(problem.kind, {}).setdefault((problem.before, problem.after), [])
        # One entry may have a problem twice, for example in two texts.
        if problem.number not in numbers[-1:]:
            numbers.append(problem.number)
    messages = []
    for same_kind in kinds.values():
        texts = [
            f"{before}{_affected_entries(numbers, noun, entries, after)}"
            for (before, after), numbers in same_kind.items()
        ]
        messages += limit_texts(texts, "There are {} more problems like this one.")
    return messages


def limit_texts(texts: Sequence[str], rest: str) -> list[str]:
    """Return the first MAX_EXAMPLES texts, and a text with the number of further ones.

    :param texts: the texts.
    :param rest: the last text, with ``{}`` in place of the number.
    """
    more = len(texts) - MAX_EXAMPLES
    return [*texts[:MAX_EXAMPLES], rest.format(f"{more:,}")] if more > 0 else list(texts)


def example_names(names: Sequence[str]) -> str:
    """Return the first MAX_EXAMPLES names, and the number of further ones.

    :param names: the names.
    """
    more = len(names) - MAX_EXAMPLES
    return ", ".join(names[:MAX_EXAMPLES]) + (f" and {more:,} more" if more > 0 else "")


def entry_name(number: int, entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the identifier of an entry.

    :param number: the number of the entry, from 1.
    :param entries: the whole list.
    """
    identifier = entries[number - 1].get("incident_id")
    return "without an id" if identifier is None else shortened(one_line(str(identifier)), MAX_VALUE_LENGTH)


def _affected_entries(numbers: Sequence[int], noun: str, entries: Sequence[Mapping[str, Any]], after: str) -> str:
    """Return the entries that have a problem, and the rest of the message."""
    total = len(entries)
    if len(numbers) == 1:
        return f"{noun} {numbers[0]:,} of {total:,} ({entry_name(numbers[0], entries)}){after}"
    scope = f"all {total:,} {noun}s" if len(numbers) == total else f"{len(numbers):,} of {total:,} {noun}s"
    names = ", ".join(entry_name(number, entries) for number in numbers[:MAX_EXAMPLES])
    first = names if len(numbers) <= MAX_EXAMPLES else f"first: {names}"
    # At the end of a sentence, parentheses are not needed.
    return f"{scope}; {first}{after}" if after.startswith(".") else f"{scope} ({first}){after}"
