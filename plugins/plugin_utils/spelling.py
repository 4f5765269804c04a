# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Suggest corrections of misspelled words."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Iterable

#: How similar two words must be, from 0 to 1. "stauts" and "status" have 0.83.
SIMILARITY = 0.8


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word, or None if no word is similar enough.

    :param word: the word; its case is ignored.
    :param known: the words that are accepted.
    """
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, 1, SIMILARITY)
    return by_lower[found[0]] if found else None


def did_you_mean(near: str | None) -> str:
    """Return a question that suggests a word, or an empty text.

    :param near: the result of :func:`nearest`.
    """
    return f"Did you mean {near}?" if near else ""
