# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Make text safe to display and to compare."""

from __future__ import annotations

import html
import re
import unicodedata

#: Unicode categories of invisible characters: controls, formats such as text direction, surrogates, unassigned ones.
INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

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
    plain = _unescaped(text)
    folded = unicodedata.normalize("NFC", plain.casefold())
    # Blanks next to a dropped character may be dropped as well.
    return " ".join(_SYMBOL.sub("", folded).split()) or folded


def symbols_of(text: str) -> str:
    """Return the characters of a text that services may drop, such as emoji and invisible characters.

    :param text: the text.
    """
    return "".join(_SYMBOL.findall(_unescaped(text)))


def _unescaped(text: str) -> str:
    return one_line(html.unescape(html.unescape(unicodedata.normalize("NFC", text))))


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
