# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Remove known secrets from texts, in any encoding.

Ansible also masks ``no_log`` values, but not everywhere, not in every version, and never in encoded form.

A secret is searched for in the text itself and in the text with all escapes decoded, at any depth. This finds each
character of a secret in any encoding, even next to characters in other encodings, without a list of variants. The
positions in the original are only computed for a text that contains a secret.
"""

from __future__ import annotations

import base64
import re
from array import array
from functools import lru_cache
from html.entities import html5
from typing import Any, Callable, Iterable, Iterator, Sequence

MASK = "********"

#: The maximum number of passes to decode a text. One pass removes all nested escapes of one kind.
MAX_PASSES = 16

#: The ends of a secret may be part of adjacent escapes. The core between them is searched for if it is this long.
MIN_CORE_LENGTH = 8

_HEX2, _HEX4 = "[0-9a-fA-F]{2}", "[0-9a-fA-F]{4}"
_UTF_16 = rf"u(?:[dD][89abAB]{_HEX2}(?:\\+|%(?:25)*)u[dD][c-fC-F]{_HEX2}|{_HEX4})"
#: An encoded percent sign that starts another escape is left to the next pass, together with that escape.
_BYTE = rf"%(?!(?:25)+u{_HEX4})(?:25)*{_HEX2}"
_PERCENT = re.compile(rf"%(?:25)*{_UTF_16}|{_BYTE}(?:{_BYTE})*")
_HEX_DIGITS = rf"{_UTF_16}|x{_HEX2}|U{_HEX4}{_HEX4}|u\{{[0-9a-fA-F]{{1,6}}\}}"
#: A sequence of backslashes is always matched as a whole, so that a long one takes linear time.
_BACKSLASH = re.compile(rf"\\(?:\\+(?:{_HEX_DIGITS})?|{_HEX_DIGITS})")
_ENTITY = re.compile(r"&(?:amp;)*(?:#(?:0*[0-9]{1,7}|[xX]0*[0-9a-fA-F]{1,6})|[A-Za-z][A-Za-z0-9]{1,31});")
_CODE = re.compile(r"[uUx]\{?([0-9a-fA-F]+)")

#: Control characters, with the letters that represent them after a backslash.
_CONTROLS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}

#: The part of a secret that an escape before it can include, and the part that an escape after it can include.
_ESCAPE_BEFORE = re.compile(r"[#0-9A-Za-z]{1,31};|U[0-9a-fA-F]{8}|[ux#]?(?:25)*[0-9a-fA-F]{0,4}")
_ESCAPE_AFTER = re.compile(r"(?:%(?:25)*[0-9a-fA-F]?|&#?[0-9A-Za-z]{0,31})\Z")

#: Bytes that are not UTF-8 are read as Latin-1, which some systems percent-encode.
_AS_LATIN = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


class _EscapeRule:
    """Decode one kind of escape.

    :param sign: a character that every such escape contains.
    :param pattern: matches one escape, or several in a row.
    :param decode: returns the characters of a match, each with the length of its escape.
    """

    def __init__(self, sign: str, pattern: re.Pattern[str], decode: Callable[[str], list[tuple[str, int]]]) -> None:
        self._sign = sign
        self._pattern = pattern
        self._decode = decode
        self._cached = lru_cache(maxsize=1024)(self._decode_match)

    def decode(self, text: str, positions: _Positions | None = None) -> str:
        """Return a text with these escapes decoded.

        :param text: the text.
        :param positions: the positions of its characters in the original; they are updated.
        """
        if self._sign not in text:
            return text
        if positions is None:
            return self._pattern.sub(self._cached_match, text)
        return self._decode_with_positions(text, positions)

    def _cached_match(self, found: re.Match[str]) -> str:
        part = found.group()
        return self._cached(part) if len(part) <= 32 else self._decode_match(part)

    def _decode_match(self, part: str) -> str:
        return "".join(character for character, _width in self._decode(part))

    def _decode_with_positions(self, text: str, positions: _Positions) -> str:
        pieces: list[str] = []
        starts, ends, last = array("q"), array("q"), 0
        for found in self._pattern.finditer(text):
            position, end = found.span()
            pieces.append(text[last:position])
            starts.extend(positions.starts[last:position])
            ends.extend(positions.ends[last:position])
            for character, width in self._decode(found.group()):
                pieces.append(character)
                starts.append(positions.starts[min(position, end - 1)])
                ends.append(positions.ends[position + width - 1])
                position += width
            last = end
        starts.extend(positions.starts[last:])
        ends.extend(positions.ends[last:])
        positions.starts, positions.ends = starts, ends
        return "".join([*pieces, text[last:]])


class _Positions:
    """The start and the end of each character of a decoded text in the original.

    :param original: the text before anything is decoded.
    """

    def __init__(self, original: str) -> None:
        self._original = original
        self.starts, self.ends = array("q", range(len(original))), array("q", range(1, len(original) + 1))

    def end_before(self, index: int) -> int:
        """Return where the character before another one ends."""
        return self.ends[index - 1] if index else 0

    def start_after(self, index: int) -> int:
        """Return where the character after another one starts."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else len(self._original)

    def is_escape(self, index: int) -> bool:
        """Return whether a character was an escape."""
        return self.ends[index] - self.starts[index] > 1

    def is_control(self, index: int) -> bool:
        """Return whether a letter represents a control character instead of itself."""
        start = self.starts[index]
        return self.is_escape(index) or self._original[start] in _CONTROLS or start > self.end_before(index)


def _decode_percent(part: str) -> list[tuple[str, int]]:
    if "u" in part:
        return _decode_backslash(part)
    units = part.split("%")[1:]
    characters, start = [], 0
    for character in bytes(int(unit[-2:], 16) for unit in units).decode("utf-8", "surrogateescape"):
        end = start + len(character.encode("utf-8", "surrogateescape"))
        characters.append((character.translate(_AS_LATIN), sum(len(unit) + 1 for unit in units[start:end])))
        start = end
    return characters


def _decode_backslash(part: str) -> list[tuple[str, int]]:
    codes = [int(code, 16) for code in _CODE.findall(part)]
    if not codes or codes == [ord("\\")]:
        # Backslashes may escape each other.
        count = max(1, len(part) - len(part.lstrip("\\")))
        return [*[("\\", 1)] * (count - 1), ("\\", len(part) - count + 1)]
    if len(codes) == 1:
        return _decode_code(codes[0], part)
    pair = b"".join(code.to_bytes(2, "big") for code in codes)
    return [(pair.decode("utf-16-be"), len(part))]


def _decode_code(code: int, part: str) -> list[tuple[str, int]]:
    if code > 0x10FFFF:
        return [(character, 1) for character in part]
    return [(chr(code).translate(_AS_LATIN), len(part))]


def _decode_entity(part: str) -> list[tuple[str, int]]:
    if "#" in part:
        digits = part[part.index("#") + 1 : -1]
        return _decode_code(int(digits[1:], 16) if digits[0] in "xX" else int(digits.lstrip("0") or 0), part)
    name = part[max(part.rfind("&"), part.rfind(";", 0, -1)) + 1 :]
    if name in html5:
        return [(character, 0 if count else len(part)) for count, character in enumerate(html5[name])]
    # Not an entity, but its ampersand may be encoded.
    return [("&", len(part) - len(name)), *((character, 1) for character in name)]


_ENCODINGS = (
    _EscapeRule("%", _PERCENT, _decode_percent),
    _EscapeRule("\\", _BACKSLASH, _decode_backslash),
    _EscapeRule("&", _ENTITY, _decode_entity),
)
#: The remaining backslashes escape the next character, or are part of a secret.
_BACKSLASHES = _EscapeRule("\\", re.compile(r"\\\\*"), lambda _part: [])
_CONTROL = _EscapeRule("", re.compile("[\b\f\n\r\t]"), lambda part: [(_CONTROLS[part], 1)])
_PLUS = _EscapeRule("+", re.compile(r"\+"), lambda _part: [(" ", 1)])


def _decoded(text: str, positions: _Positions | None = None) -> str:
    """Return a text with its escapes decoded repeatedly, until nothing changes."""
    for _pass in range(MAX_PASSES):
        former = text
        for rule in _ENCODINGS:
            text = rule.decode(text, positions)
        if text == former:
            break
    return text


def _fully_decoded(text: str, rules: Sequence[_EscapeRule], positions: _Positions | None = None) -> str:
    """Return a text with its escapes decoded and additional rules applied.

    :param text: the text.
    :param rules: the additional rules.
    :param positions: of its characters in the original; they are updated.
    """
    text = _decoded(text, positions)
    for rule in rules:
        former = text
        text = rule.decode(text, positions)
        if rule is _BACKSLASHES and text != former:
            text = rule.decode(_decoded(text, positions), positions)
    return text


class _SearchTerm:
    """A text to search for.

    :param raw: a secret, or its Base64 form.
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        raw = raw.translate(_AS_LATIN)
        drops = (_BACKSLASHES,) if _fully_decoded(raw, (_BACKSLASHES,)) else ()
        decoded = _fully_decoded(raw, drops)
        # Only for terms that need these rules; other terms would match too much.
        controls = (_CONTROL,) if set(decoded) & set(_CONTROLS) else ()
        blanks = (_PLUS,) if " " in decoded else ()
        self.rules = (*drops, *controls, *blanks)
        text = _fully_decoded(raw, self.rules)
        self._controls = [at for at, character in enumerate(decoded) if character in _CONTROLS]
        taken, left = _ESCAPE_BEFORE.match(text), _ESCAPE_AFTER.search(text)
        start, end = taken.end() if taken else 0, left.start() if left else len(text)
        if end - start < MIN_CORE_LENGTH:
            start, end = 0, len(text)
        self._before, self.core, self._after = text[:start], text[start:end], text[end:]
        kept = _decoded(raw)
        self._is_bare, self._ends_escaping = kept[0].isalnum(), kept[-1] == "\\"
        # No encoding is shorter than this.
        self._length = len(raw) - (raw.count("\\") if drops else 0)

    def spans(self, text: str, positions: _Positions) -> Iterator[tuple[int, int]]:
        """Return its positions in the original of a text.

        :param text: decoded by its rules.
        :param positions: of the text's characters.
        """
        at = text.find(self.core)
        while at >= 0:
            start, end = self._start(text, positions, at), self._end(text, positions, at + len(self.core))
            if start is not None and end is not None and end - start >= self._length and self._fits(positions, at):
                yield start, end
            at = text.find(self.core, at + 1)

    def _fits(self, positions: _Positions, at: int) -> bool:
        """Return whether all letters that must represent control characters do so."""
        first = at - len(self._before)
        found = [first + index for index in self._controls if 0 <= first + index < len(positions.starts)]
        return all(positions.is_control(index) for index in found)

    def _start(self, text: str, positions: _Positions, at: int) -> int | None:
        first = at - len(self._before)
        if first >= 0 and text.startswith(self._before, first):
            # The escape of the first character belongs to the secret.
            is_bare = self._is_bare and not positions.is_escape(first)
            return positions.starts[first] if is_bare else positions.end_before(first)
        taken = [index for index in range(max(first, 0), at) if positions.is_escape(index)]
        return positions.starts[taken[-1]] if taken else None

    def _end(self, text: str, positions: _Positions, at: int) -> int | None:
        if text.startswith(self._after, at):
            last = at + len(self._after) - 1
            return positions.start_after(last) if self._ends_escaping else positions.ends[last]
        taken = [index for index in range(at, min(at + len(self._after), len(text))) if positions.is_escape(index)]
        return positions.ends[taken[0]] if taken else None


@lru_cache(maxsize=64)
def _search_terms(secret: str) -> tuple[_SearchTerm, ...]:
    """Return the terms for a secret: itself, and its Base64 forms."""
    try:
        raw = secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.add(encode(raw).decode("ascii"))
        # Inside a longer Base64 text ("id:secret"), a secret starts at one of three offsets; its middle is the same.
        for offset in range(3):
            shifted = encode(b"\0" * offset + raw).decode("ascii").rstrip("=")
            middle = shifted[(offset * 8 + 5) // 6 : -1]
            if len(middle) >= 8:
                forms.add(middle)
    return tuple(_SearchTerm(form) for form in sorted(forms))


class Redactor:
    """Replace known secrets with a mask.

    :param secrets: the secrets; empty ones are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._search_terms: dict[str, _SearchTerm] = {}
        self._by_rules: dict[tuple[_EscapeRule, ...], list[_SearchTerm]] = {}
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Add secrets, such as a token that was fetched."""
        terms = [term for secret in secrets if secret for term in _search_terms(secret)]
        self._search_terms = {**self._search_terms, **{term.raw: term for term in terms}}
        by_rules: dict[tuple[_EscapeRule, ...], list[_SearchTerm]] = {}
        for term in self._search_terms.values():
            by_rules.setdefault(term.rules, []).append(term)
        self._by_rules = by_rules

    def text(self, value: str) -> str:
        """Return a text without secrets, and without unpaired surrogates, which cannot be printed."""
        value = value.encode("utf-8", "replace").decode("utf-8")
        return _masked(value, self._spans(value)) if self._may_contain_secret(value) else value

    def data(self, value: Any) -> Any:
        """Return lists and dicts without secrets in any text, including keys."""
        return map_texts(value, str if self.is_clean(value) else self.text)

    def is_clean(self, value: Any) -> bool:
        """Return whether it is certain that no text in lists and dicts has to be changed.

        Checking all texts at once takes a tenth of the time, and nearly every result is clean.
        """
        texts = "\0".join(_texts(value))
        try:
            texts.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return not self._may_contain_secret(texts)

    def _may_contain_secret(self, text: str) -> bool:
        if any(raw in text for raw in self._search_terms):
            return True
        if not any(sign in text for sign in "%\\&+"):
            return False
        for rules, terms in self._by_rules.items():
            decoded_text = _fully_decoded(text, rules)
            if any(term.core in decoded_text for term in terms):
                return True
        return False

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Return the positions of secrets, in any order; they may overlap."""
        for raw in self._search_terms:
            for found in re.finditer(re.escape(raw), text):
                yield found.span()
        for rules, terms in self._by_rules.items():
            positions = _Positions(text)
            decoded_text = _fully_decoded(text, rules, positions)
            for term in terms:
                yield from term.spans(decoded_text, positions)


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with a mask for each position; overlapping ones share a mask."""
    pieces, last = [], 0
    for start, end in sorted(spans):
        if start >= last:
            pieces += [text[last:start], MASK]
        last = max(last, end)
    return "".join([*pieces, text[last:]])


def map_texts(value: Any, change: Callable[[str], str] = str) -> Any:
    """Return a copy of lists and dicts with every text changed, including keys and the digits of numbers.

    :param value: any JSON value, or a tuple.
    :param change: returns the changed text.
    """
    if isinstance(value, str):
        return change(value)
    if change is not str and _is_number(value):
        text = change(str(value))
        return value if text == str(value) else text
    if isinstance(value, dict):
        return {map_texts(key, change): map_texts(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [map_texts(item, change) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    """Return every text in lists and dicts, including keys and numbers."""
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
