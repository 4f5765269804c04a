# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Compare texts that a service may have truncated, escaped or respelled, and choose search texts."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    ELLIPSIS,
    REPLACEMENT,
    composed,
    one_line,
    shortened,
    spelling_key,
    symbols_of,
    without_references,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import LONGEST_SUMMARY

WORD = re.compile(r"[^\W_]+")

#: An incident with its workspace, as runbooks name them in a field or a summary.
_REFERENCE = re.compile(
    r"\S+ (?:incident )?(?P<incident>.+) (?:in workspace )?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE
)

#: Characters that services escape.
_ESCAPED = re.compile(r"[&<>\"']")

#: Markup, including a truncated tag or character entity at the end.
_MARKUP = re.compile(r"<[^<>]*>|<[^<>]*$|&#?\w*$")
_CUT_ENTITY = re.compile(r"&#?\w*$")

#: Length in UTF-8 bytes from which a service may have truncated a text, and the minimum number of characters that
#: remain even if each was escaped twice.
_CUT_LENGTH = 251
_MIN_KEPT = _CUT_LENGTH // len("&amp;amp;")

#: The end of a truncated text: a part of a character entity, an ellipsis, or a part of a character.
_CUT_END = re.compile(rf"(&#?\w{{0,31}})?[.{ELLIPSIS}{REPLACEMENT}]{{0,3}}$")


def has_digit(word: str) -> bool:
    """Return True if a word contains a digit.

    :param word: any text.
    """
    return any(map(str.isdigit, word))


def search_text(text: str) -> str:
    """Return the search text that finds the ticket with a summary or a value.

    A service may return every ticket that contains any of the words. For a text with an incident and its workspace, the
    search text is therefore the rarest word of the incident id.

    :param text: the summary of the wanted ticket, or the value of a field.
    """
    reference = _REFERENCE.match(text)
    # A title follows after a colon.
    words = _searchable_words(reference["incident"].split(": ")[0]) if reference else []
    if words:
        return max(words, key=lambda word: (has_digit(word), len(word)))
    return full_search_text(text)


def full_search_text(text: str) -> str:
    """Return all words of a text that a search can find.

    :param text: the summary of the wanted ticket, or the value of a field.
    """
    return " ".join(_searchable_words(text)) or text


def _searchable_words(text: str) -> list[str]:
    """Return the words of a text that a service stores as they are, even if it changes the spelling of the rest."""
    words = text[:_CUT_LENGTH].split()
    if len(text) > _CUT_LENGTH:
        # The last word may be truncated.
        words = words[:-1]
    return [word for word in words if not word.endswith(ELLIPSIS) and not _may_be_respelled(word)]


def _may_be_respelled(word: str) -> bool:
    return bool(_ESCAPED.search(word) or symbols_of(word)) or composed(word) != word


def is_same_summary(shown: str, wanted: str) -> bool:
    """Return True if a ticket's summary is the wanted one, or what an earlier version of the collection wrote for it.

    Earlier versions did not replace characters, collapse white space or shorten the title.

    :param shown: the ticket's summary.
    :param wanted: the summary that a new ticket would get.
    """
    plain = one_line(shown)
    return one_line(wanted) in (plain, shortened(plain, LONGEST_SUMMARY))


def is_same_in_any_spelling(shown: Any, wanted: Any) -> bool:
    """Return True if a text is the wanted one in another spelling, or truncated by the service.

    :param shown: a value of a ticket. Only a text can match.
    :param wanted: a text or a number.
    """
    if not isinstance(shown, str):
        return False
    given = str(wanted)
    one, other = spelling_key(shown), spelling_key(given)
    if one == other and _has_symbols_of(shown, given):
        return True
    kept = _CUT_END.sub("", shown)
    key = spelling_key(kept)
    return may_be_cut(shown) and len(key) >= _MIN_KEPT and other.startswith(key) and _has_symbols_of(kept, given)


def _has_symbols_of(shown: str, wanted: str) -> bool:
    """Return True if the symbols of a text are a subsequence of the wanted ones; a service may drop symbols."""
    left = iter(symbols_of(wanted))
    return all(symbol in left for symbol in symbols_of(shown))


def may_be_cut(text: str) -> bool:
    """Return True if a text is so long that the service may have truncated it.

    :param text: a text of a ticket.
    """
    return len(text.encode("utf-8", "surrogatepass")) >= _CUT_LENGTH


def may_show(shown: Any, wanted: str) -> bool:
    """Return True if a value may represent a wanted text: empty, truncated, escaped, with markup or respelled.

    :param shown: a value of a row.
    :param wanted: the text.
    """
    if not isinstance(shown, (str, int)) or isinstance(shown, bool) or is_same_summary(str(shown), wanted):
        return True
    # The service may have the complete text, which was shortened here.
    is_short = wanted.endswith(ELLIPSIS)
    is_middle = str(shown).lstrip().startswith(("...", ELLIPSIS))
    # Either text may literally contain what looks like markup.
    for one in {_letters(str(shown), pattern) for pattern in (_MARKUP, _CUT_ENTITY)}:
        for other in {_letters(wanted, pattern) for pattern in (_MARKUP, _CUT_ENTITY)}:
            if other.startswith(one) or (is_middle and one in other) or (is_short and one.startswith(other)):
                return True
    return False


def is_other_title(shown: Any, title: str) -> bool:
    """Return True if a value is certainly another title, even if the service truncated or respelled it.

    :param shown: a value of a row.
    :param title: the title.
    """
    one, other = (_letters(text) for text in (shown if isinstance(shown, str) else "", title))
    return not one.startswith(other) and not other.startswith(one)


def _letters(text: str, pattern: re.Pattern[str] = _MARKUP) -> str:
    """Return the letters and digits of a text without case, accents and everything that matches a pattern."""
    plain = pattern.sub("", without_references(without_references(text)))
    # Decomposing a whole text takes quadratic time, because it sorts the combining characters.
    decomposed = "".join(unicodedata.normalize("NFKD", character) for character in plain).casefold()
    return "".join(letter for letter in decomposed if letter.isalnum())
