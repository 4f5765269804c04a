# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Make text safe to display and to compare."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal

#: Unicode categories of invisible characters: controls, formats such as text direction, surrogates, unassigned ones.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

#: Maximum number of combining characters in a row, as in the stream-safe text format of Unicode (UAX 15).
MAX_COMBINING = 30

#: Maximum number of digits of a count, a length or a version.
MAX_DIGITS = 15

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

#: Characters that services may drop: those above U+FFFF, some blocks of symbols, variation selectors, and the
#: replacement of invisible characters.
_SYMBOL = re.compile(rf"[\U00010000-\U0010ffff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u20e3\ufe00-\ufe0f{REPLACEMENT}]")


def visible_text(text: str) -> str:
    """Return a text whose white space is blanks and line feeds, and whose invisible characters are replaced.

    :param text: the text.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isspace():
        return character if character == "\n" else " "
    return character if unicodedata.category(character) not in INVISIBLE_CATEGORIES else REPLACEMENT


def one_line(text: str) -> str:
    """Return a visible text on one line, with single blanks.

    :param text: the text.
    """
    return " ".join(visible_text(text).split())


def spelling_key(text: str) -> str:
    """Return a normalized text for comparisons with a stored one.

    Services may compose characters, escape them for HTML, change case or white space, or drop symbols.

    :param text: the text.
    """
    folded = composed(_unescaped(text).casefold())
    # Blanks next to a dropped character may be dropped as well.
    return " ".join(_SYMBOL.sub("", folded).split()) or folded


def symbols_of(text: str) -> str:
    """Return the characters of a text that services may drop, such as emoji and invisible characters.

    :param text: the text.
    """
    return "".join(_SYMBOL.findall(_unescaped(text)))


def _unescaped(text: str) -> str:
    return one_line(without_references(without_references(composed(text))))


def without_references(text: str) -> str:
    """Return a text with the characters that its HTML character references stand for.

    :param text: the text.
    """
    try:
        return html.unescape(text)
    except ValueError:
        # Python refuses to convert the thousands of digits of a reference, which is not one of a character.
        return text


def composed(text: str, form: Literal["NFC", "NFD", "NFKD"] = "NFC") -> str:
    """Return a text in a normalization form of Unicode, in linear time.

    Sorting a long run of combining characters takes quadratic time, so that only the first ones of a run are kept.

    :param text: the text.
    :param form: the form.
    """
    if text.isascii():
        return text
    kept, run = [], 0
    for letter in text:
        run = run + 1 if unicodedata.combining(letter) else 0
        if run <= MAX_COMBINING:
            kept.append(letter)
    return unicodedata.normalize(form, "".join(kept))


def whole_number(text: str) -> int | None:
    """Return the number that a text of ASCII digits spells, or None for any other text and for more than 15 digits.

    Python refuses to convert a text with thousands of digits.

    :param text: a text from a user or a service.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as JavaScript and many databases count it.

    :param text: the text.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, max_length: int) -> str:
    """Return a text, truncated with an ellipsis if it exceeds a maximum length.

    :param text: the text, without unpaired surrogates.
    :param max_length: the maximum length in UTF-16 code units.
    """
    if utf16_length(text) <= max_length:
        return text
    if max_length < 1:
        return ""
    kept = text.encode("utf-16-le")[: 2 * (max_length - 1)].decode("utf-16-le", "ignore")
    return f"{kept.rstrip()}{ELLIPSIS}"
