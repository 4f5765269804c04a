# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes every secret that the collection knows out of everything that it gives back.

Ansible masks C(no_log) values too, but not everywhere and not in every version, and never their encoded forms.
"""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "********"


@lru_cache(maxsize=64)
def encoded_forms(secret: str) -> frozenset[str]:
    """The spellings under which a secret can turn up: raw, URL-encoded, in JSON, in Base64."""
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret,
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode("ascii")
        forms |= {whole, quote(whole, safe="")}
        # Inside a longer Base64 text ("id:secret") a secret starts at one of three offsets; its middle is the same.
        for offset in range(3):
            shifted = encode(b"\0" * offset + raw).decode("ascii").rstrip("=")
            middle = shifted[(offset * 8 + 5) // 6 : -1]
            if len(middle) >= 8:
                forms.add(middle)
    # Some stacks write percent-encoding in lower case.
    forms |= {re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), form) for form in forms}
    return frozenset(forms - {""})


class Redactor:
    """Replaces known secrets by a mask.

    :param secrets: the secrets in clear; empty ones are passed over.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Take in further secrets, such as a token that was fetched."""
        forms = set(self._forms)
        for secret in secrets:
            if secret:
                forms |= encoded_forms(secret)
        # Longest first: a part must not be replaced before the whole.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def text(self, value: str) -> str:
        """The text without any secret, and without what no output can carry: half a surrogate pair."""
        value = value.encode("utf-8", "replace").decode("utf-8")
        for form in self._forms:
            if form in value:
                value = value.replace(form, MASK)
        return value

    def data(self, value: Any) -> Any:
        """The same lists and dicts with every text in them, keys included, free of secrets."""
        return copied(value, str if self.finds_nothing(value) else self.text)

    def finds_nothing(self, value: Any) -> bool:
        """Whether lists and dicts hold no text that would have to be changed.

        Looking through all of it at once takes a tenth of the time of looking at each text, and is what nearly every
        result comes to.
        """
        texts = "\0".join(_texts(value))
        try:
            texts.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return not any(form in texts for form in self._forms)


def copied(value: Any, change: Callable[[str], str] = str) -> Any:
    """The same lists and dicts with every text in them changed, keys included, and every number whose digits change.

    :param value: what JSON can carry, or a tuple.
    :param change: takes a text and gives another one.
    """
    if isinstance(value, str):
        return change(value)
    if change is not str and _is_number(value):
        text = change(str(value))
        return value if text == str(value) else text
    if isinstance(value, dict):
        return {copied(key, change): copied(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(item, change) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in lists and dicts, keys and numbers included."""
    if isinstance(value, str):
        yield value
    elif _is_number(value):
        yield str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
