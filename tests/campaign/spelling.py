# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change the texts of tickets when the hostile server stores them, and when it shows them in rows."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.tests.campaign.world import World


def _without_emoji(text: str) -> str:
    return "".join(letter for letter in text if ord(letter) < 0x1F000)


STORED: Mapping[str, Callable[[str], str]] = {
    "store_trimmed": str.strip,
    "store_collapsed": lambda text: " ".join(text.split()),
    "store_composed": lambda text: unicodedata.normalize("NFC", text),
    "store_escaped": html.escape,
    "store_cut": lambda text: text[:255],
    "store_without_emoji": _without_emoji,
    "store_lower_case": str.lower,
}

SHOWN_IN_ROWS: Mapping[str, Callable[[str], Any]] = {
    "row_identity_null": lambda text: None,
    "row_identity_empty": lambda text: "",
    "row_identity_cut": lambda text: text[:12],
    "row_identity_escaped": html.escape,
    "row_identity_marked": lambda text: re.sub(r"(\w+)", r"<em>\1</em>", text, count=2),
    "row_identity_stale": lambda text: "to be filled in",
}


def stored(world: World, text: Any) -> Any:
    """Return a text as the server stores it.

    :param world: the state of the server.
    :param text: the value that was sent; only texts are changed.
    """
    for name, change in STORED.items():
        if world.has(name) and isinstance(text, str):
            text = change(text)
    return text


def identity_in_row(world: World, text: Any) -> Any:
    """Return the identity field as a row of the ticket list shows it.

    :param world: the state of the server.
    :param text: the stored value.
    """
    for name, change in SHOWN_IN_ROWS.items():
        if world.has(name) and isinstance(text, str):
            return change(text)
    return text


def words_of(text: str) -> set[str]:
    """Return the words of a text as the search indexes them.

    :param text: a stored text, or the text of a search.
    """
    return set(re.findall(r"\w+", unicodedata.normalize("NFC", html.unescape(text)).casefold()))
