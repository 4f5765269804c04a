# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are removed from texts and data in any encoding."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from typing import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK, Redactor

SECRET = 'pä$$ w/rd"+=\\'


# --- encoders of other systems, independent of the code under test ----------------------------------------------------


def utf16_units(text: str) -> list[str]:
    """Return the UTF-16 code units of a text, each as a character."""
    encoded = text.encode("utf-16-be")
    return [chr(high * 256 + low) for high, low in zip(encoded[::2], encoded[1::2])]


def javascript_escape(text: str) -> str:
    """Encode like the deprecated JavaScript function escape()."""

    def escape(unit: str) -> str:
        if unit.isascii() and unit.isalnum():
            return unit
        return f"%{ord(unit):02X}" if ord(unit) < 256 else f"%u{ord(unit):04X}"

    return "".join(map(escape, utf16_units(text)))


def dotnet(text: str) -> str:
    """Encode like System.Text.Json, which escapes the special characters of HTML."""

    def escape(unit: str) -> str:
        if unit in "\\\n\r\t\b\f":
            return json.dumps(unit)[1:-1]
        return unit if " " <= unit <= "~" and unit not in "\"&'+<>`" else f"\\u{ord(unit):04X}"

    return "".join(map(escape, utf16_units(text)))


LAYERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
    "lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "java": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "javascript": lambda text: quote(text, safe="!*()'"),
    "javascript escape": javascript_escape,
    "json": lambda text: json.dumps(text)[1:-1],
    "json in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "php": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "dotnet": dotnet,
    "html": html.escape,
    "html without quotes": lambda text: html.escape(text, quote=False),
    "html decimal": lambda text: "".join(f"&#{ord(letter):05};" for letter in text),
    "html hexadecimal": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "python": lambda text: repr(text)[1:-1],
}

#: In no secret here, and never a part of an escape.
LEFT, RIGHT = MARKS = "\u2039\u203a"
ODD = "\\\"'%&+~/!*()#;=<>@ .-_\n\tuxnt0123456789abcdefABCDEF\u00e4\u20ac\U0001f511"
#: Of Latin-1, only a character that never forms valid UTF-8 with others, as some encoders write single bytes.
CHARACTERS = "".join(map(chr, range(128))) + "\u00e4\u0131\u0416\u2028\u20ac\u4e2d\ufeff\uffff\U0001f511\U0010ffff"
SECRETS = st.text(ODD, min_size=1, max_size=24) | st.text(CHARACTERS, min_size=1, max_size=24)


def is_masked(secret: str, spelled: str) -> bool:
    """Return whether an encoded secret between two marks is completely masked."""
    text = Redactor([secret]).text(f"{LEFT}{spelled}{RIGHT}")
    if not secret.strip("\\"):
        # Each backslash of an encoding may be one of the secret, so a few may remain.
        text = re.sub(f"({re.escape(MASK)})+", MASK, text.replace("\\", ""))
    return text == f"{LEFT}{MASK}{RIGHT}"


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("secret", [SECRET, "a~b!c*d(e)f'g", "x&y<z>\u20ac\U0001f511+/", "100%25 \\u0041&amp;\\n"])
def test_every_encoding_is_masked(secret, layer):
    text = Redactor([secret]).text(f"before {LAYERS[layer](secret)} after")
    assert text == f"before {MASK} after"


@given(SECRETS, st.lists(st.sampled_from(sorted(LAYERS)), max_size=3))
def test_nested_encodings_are_masked(secret, layers):
    spelled = secret
    for layer in layers:
        spelled = LAYERS[layer](spelled)
    assert is_masked(secret, spelled), spelled


def spellings(letter: str) -> list[str]:
    """Return the encodings of one character."""
    percent = "".join(f"%{byte:02X}" for byte in letter.encode())
    units = letter.encode("utf-16-be").hex()
    codes = [units[at : at + 4] for at in range(0, len(units), 4)]
    escaped = ["".join(f"{slashes}u{code}" for code in codes) for slashes in ("\\", "\\\\", "\\\\\\\\")]
    found = [letter, percent, percent.lower(), percent.replace("%", "%25"), percent.replace("%", "%252525")]
    found += [*escaped, *(each.upper().replace("U", "u") for each in escaped), escaped[0].replace("\\", "%5C")]
    found += [f"&#{ord(letter)};", f"&#x{ord(letter):x};", f"&#X000{ord(letter):X};", f"&amp;amp;#{ord(letter)};"]
    found += [html.escape(letter), html.escape(html.escape(letter)), json.dumps(json.dumps(letter)[1:-1])[1:-1]]
    found += [f"\\x{ord(letter):02x}"] if ord(letter) < 256 else []
    found += [f"\\U{ord(letter):08x}"]
    found += [f"\\{letter}", f"\\\\\\{letter}"] if letter in "\"'/\\" else []
    found += ["+"] if letter == " " else []
    return found


@given(SECRETS, st.randoms(use_true_random=False))
def test_each_character_may_have_its_own_encoding(secret, chance):
    # If the secret itself contains an escape, its letter must not be encoded separately.
    assume(not re.search(r"\\[uUx]", secret))
    spelled = "".join(chance.choice(spellings(letter)) for letter in secret)
    assert is_masked(secret, spelled), spelled


@pytest.mark.parametrize(
    "secret, text",
    [
        ("41bcdefghi~jkl", "%41bcdefghi%7Ejkl"),
        ("u0041bcdefgh+jkl", "CORP\\u0041bcdefgh\\u002Bjkl"),
        ("x41bcdefghi/jkl", "CORP\\\\x41bcdefghi\\/jkl"),
        ("amp;bcdefgh+jkl", "&amp;bcdefgh%2Bjkl"),
        ("abcdefgh~jkl%", "abcdefgh%7Ejkl%2541"),
        ("abcdefgh~jkl&", "abcdefgh%7Ejkl&amp;lt;"),
    ],
)
def test_neighbours_do_not_hide_a_secret(secret, text):
    """They form an escape with the first or the last characters of the secret."""
    left = Redactor([secret]).text(text)
    assert MASK in left
    assert "bcdefgh" not in left


@pytest.mark.parametrize(
    "secret, text",
    [
        ("n", "first\\tab\r\n"),
        ("a\nb", "anb & a n b"),
        ("%41", "A and %42"),
        ("100%25", "100% of it"),
        ("\\u0041", "A"),
        ("a+b", "a b"),
        ("1114112", "no character: &#1114113; &#x110000; \\U00110000 \\u{110000}"),
        ("s3cr3t+", "https://portal.example/a%20b?x=s3cr3t&y=%2B C:\\Users\\s3cr3 &lt;s3cr3t&gt; 5 &lt 6 & 7%"),
    ],
)
def test_similar_texts_are_not_masked(secret, text):
    kept = Redactor([secret]).text(text)
    assert kept == text


IDENTIFIERS = st.sampled_from(["CTC-0054", "inc:0123456789abcdef:01234567", "%2Fabc%20&amp;", "C:\\\\users\\\\me"])


@settings(max_examples=40)
@given(st.lists(IDENTIFIERS | st.text(CHARACTERS, max_size=20), max_size=8))
def test_texts_without_secrets_are_unchanged(texts):
    text = " ".join(texts)
    assert (
        Redactor(["k3y/of+closer~8Q", "gateway k3y & \\more\\"]).text(text) == text.encode("utf-8", "replace").decode()
    )


def test_reference_with_thousands_of_zeros_is_decoded():
    assert Redactor(["s3cr3t"]).text(f"s3cr&#{'0' * 5000}51;t") == MASK


@pytest.mark.parametrize(
    "part", ["\\", "25", "%25", "%5C", "%3", "amp;", "&#0", "0", "\\u005c", "\\ud83d\\", "\\n", "%2525u"]
)
def test_time_is_linear_for_hostile_texts(part):
    """Quadratic time would be several minutes for each text."""
    redactor = Redactor(["\\" * 4, "%25%25", "5C5C5Cx", "&amp;amp;", "n\nn\n", "s3cr3t/of+closer"])
    started_at = time.process_time()
    for prefix in ("%", "&", "&#", "%41%", "\\"):
        redactor.text(prefix + part * (20_000 // len(part)) + "u0041")
    assert time.process_time() - started_at < 10


@given(st.text(CHARACTERS, max_size=9), st.text(CHARACTERS, min_size=9, max_size=40), st.text(CHARACTERS, max_size=9))
def test_secret_inside_base64(before, secret, after):
    encoded = base64.b64encode(f"{before}{secret}{after}".encode("utf-8", "surrogatepass")).decode()
    text = Redactor([secret]).text(encoded)
    # Only the characters that the secret shares with its neighbours remain.
    assert text == encoded or MASK in text
    if secret.isascii():
        assert MASK in text


def test_data_of_every_type_is_masked():
    redactor = Redactor(["secret", "123456789", "True", "1.5"])
    data = {"a secret": ["x secret y", ("secret",), {"b": "secret"}], "t": True, "none": None}
    assert redactor.data(data) == {f"a {MASK}": [f"x {MASK} y", [MASK], {"b": MASK}], "t": True, "none": None}
    numbers = {"n": 123456789, "in": [7123456789, 1.5, 2.5], "own": 12, 123456789: 1}
    assert redactor.data(numbers) == {"n": MASK, "in": [f"7{MASK}", MASK, 2.5], "own": 12, MASK: 1}


TEXTS = st.text(CHARACTERS, max_size=4)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(DATA)
def test_clean_data_is_copied_unchanged(data):
    redactor = Redactor(["\U0001f511 in no generated text"])
    found = redactor.data(data)
    assert found == data
    assert found is not data or not isinstance(data, (list, dict))


@given(st.lists(st.sampled_from(["x", "secret", "a secret of mine", 7, None, ("secret",), {"secret": "x"}])))
def test_is_clean_agrees_with_the_check_of_each_text(data):
    redactor = Redactor(["secret"])
    assert redactor.is_clean(data) is ("secret" not in str(data))
    assert "secret" not in str(redactor.data(data))


@pytest.mark.parametrize(
    "secrets, text, expected",
    [
        (["a/b+c=d"], "a%2fb%2bc%3dd", MASK),
        (["", ""], "text", "text"),
        (["token", "token-and-more"], "token-and-more", MASK),
        (["half a pair \ud83d!"], "half%20a+pair%20\\ud83d!", MASK),
        ([], "cut \ud83d", "cut ?"),
    ],
)
def test_special_cases_of_texts(secrets, text, expected):
    assert Redactor(secrets).data([text]) == [expected]


def test_secret_is_not_found_across_two_texts():
    assert Redactor(["ab"]).data(["a", "b"]) == ["a", "b"]


def test_secrets_can_be_added_later():
    redactor = Redactor(["first"])
    redactor.add("second")
    assert redactor.text("first second") == f"{MASK} {MASK}"
