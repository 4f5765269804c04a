# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No form of a secret gets through."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from typing import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK, Redactor

SECRET = 'pä$$ w/rd"+=\\'


# --- encoders as other stacks have them, written without the code under test ------------------------------------------


def java(text: str) -> str:
    """URLEncoder.encode."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def javascript(text: str) -> str:
    """encodeURIComponent."""
    return quote(text, safe="!*()'")


def escape(text: str) -> str:
    """JavaScript's old escape()."""
    units = [int.from_bytes(text.encode("utf-16-be")[at : at + 2], "big") for at in range(0, 2 * utf16_length(text), 2)]
    return "".join(
        f"%u{unit:04X}" if unit > 255 else chr(unit) if chr(unit).isalnum() and unit < 128 else f"%{unit:02X}"
        for unit in units
    )


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def dotnet(text: str) -> str:
    """System.Text.Json, which keeps HTML safe."""
    units = text.encode("utf-16-be")
    told = []
    for high, low in zip(units[::2], units[1::2]):
        letter = chr(high * 256 + low)
        short = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}.get(letter)
        is_plain = " " <= letter <= "~" and letter not in "\"&'+<>`"
        told.append(short or (letter if is_plain else f"\\u{high:02X}{low:02X}"))
    return "".join(told)


def php(text: str) -> str:
    """json_encode, which escapes slashes."""
    return json.dumps(text)[1:-1].replace("/", "\\/")


LAYERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
    "lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "java": java,
    "javascript": javascript,
    "escape": escape,
    "json": lambda text: json.dumps(text)[1:-1],
    "json in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "php": php,
    "dotnet": dotnet,
    "html": html.escape,
    "html without quotes": lambda text: html.escape(text, quote=False),
    "html decimal": lambda text: "".join(f"&#{ord(letter):05};" for letter in text),
    "html hexadecimal": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "python": lambda text: repr(text)[1:-1],
}

#: Neither is in any secret here, nor anything that an escape could take.
LEFT, RIGHT = MARKS = "\u2039\u203a"
ODD = "\\\"'%&+~/!*()#;=<>@ .-_\n\tuxnt0123456789abcdefABCDEF\u00e4\u20ac\U0001f511"
SECRETS = st.text(st.sampled_from(ODD), min_size=1, max_size=24) | st.text(
    # Of Latin-1 only one that does not make UTF-8 of its neighbours, where an encoder writes it as a single byte.
    st.characters(max_codepoint=127)
    | st.just("\u00e4")
    | st.characters(min_codepoint=256, exclude_categories=["Cs"], exclude_characters=MARKS),
    min_size=1,
    max_size=24,
)


def is_masked(secret: str, spelled: str) -> bool:
    """Return whether nothing is left of a spelled secret between two marks."""
    text = Redactor([secret]).text(f"{LEFT}{spelled}{RIGHT}")
    if not secret.strip("\\"):
        # Each backslash of an encoding may be one of the secret, so that a few may be over.
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
    """The spellings of one character."""
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
    # The letter after a backslash is not written as an escape of its own in one that can be read as an escape itself.
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
    """What stands there makes an escape of the first or the last characters of the secret."""
    left = Redactor([secret]).text(text)
    assert MASK in left
    assert "bcdefgh" not in left


@pytest.mark.parametrize(
    "secret, text",
    [
        ("n", "first\\tab\r\n"),
        ("a\nb", "anb a n b"),
        ("%41", "A and %42"),
        ("100%25", "100% of it"),
        ("\\u0041", "A"),
        ("a+b", "a b"),
        ("s3cr3t+", "https://portal.example/a%20b?x=s3cr3t&y=%2B C:\\Users\\s3cr3 &lt;s3cr3t&gt; 5 &lt 6 & 7%"),
    ],
)
def test_similar_texts_are_not_masked(secret, text):
    kept = Redactor([secret]).text(text)
    assert kept == text


IDENTIFIERS = st.from_regex(
    r"[A-Z]{2,5}-[0-9]{1,7}|inc:[0-9a-f]{16}:[0-9a-f]{8}|%2F[a-z]+%20&amp;|C:\\\\[a-z]+", fullmatch=True
)


@given(st.lists(IDENTIFIERS | st.text(max_size=30)))
def test_texts_without_secrets_are_unchanged(texts):
    text = " ".join(texts)
    assert (
        Redactor(["k3y/of+closer~8Q", "gateway k3y & \\more\\"]).text(text) == text.encode("utf-8", "replace").decode()
    )


def test_secret_that_cannot_be_encoded_is_masked():
    assert Redactor(["half a pair \ud83d!"]).text("half%20a+pair%20\\ud83d!") == MASK


@pytest.mark.parametrize("secret", ["\\" * 4, "%25%25", "5C5C5Cx", "&amp;amp;", "n\nn\n", "s3cr3t/of+closer"])
@pytest.mark.parametrize(
    "part", ["\\", "25", "%25", "%5C", "%3", "amp;", "&#0", "0", "\\u005c", "\\ud83d\\", "\\n", "%2525u"]
)
def test_time_is_linear_for_hostile_texts(part, secret):
    """Were it its square, each of them would take minutes."""
    begun = time.process_time()
    for before in ("%", "&", "&#", "%41%", "\\"):
        Redactor([secret]).text(before + part * (60_000 // len(part)) + "u0041")
    assert time.process_time() - begun < 30


@given(st.text(max_size=9), st.text(min_size=9, max_size=40), st.text(max_size=9))
def test_secret_inside_base64(before, secret, after):
    encoded = base64.b64encode(f"{before}{secret}{after}".encode("utf-8", "surrogatepass")).decode()
    text = Redactor([secret]).text(encoded)
    # At most the characters that the secret shares with its neighbours are left of it.
    assert text == encoded or MASK in text
    if secret.isascii():
        assert MASK in text


def test_data_of_every_type():
    data = {"a secret": ["x secret y", ("secret",), {"b": "secret"}], "n": 1, "t": True, "none": None}
    assert Redactor(["secret"]).data(data) == {
        f"a {MASK}": [f"x {MASK} y", [MASK], {"b": MASK}],
        "n": 1,
        "t": True,
        "none": None,
    }


def test_numbers_with_a_secret_are_masked():
    redactor = Redactor(["123456789", "True", "1.5"])
    data = {"n": 123456789, "in": [7123456789, 1.5, 2.5], "own": 12, "truth": True, 123456789: 1}
    assert redactor.data(data) == {"n": MASK, "in": [f"7{MASK}", MASK, 2.5], "own": 12, "truth": True, MASK: 1}


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
DATA = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(DATA)
def test_clean_data_is_copied_unchanged(data):
    redactor = Redactor(["\U0001f511 no text of hypothesis holds this"])
    found = redactor.data(data)
    assert found == data
    assert found is not data or not isinstance(data, (list, dict))


@given(st.lists(st.sampled_from(["x", "secret", "a secret of mine", 7, None, ("secret",), {"secret": "x"}])))
def test_is_clean_agrees_with_the_check_of_each_text(data):
    redactor = Redactor(["secret"])
    assert redactor.is_clean(data) is ("secret" not in str(data))
    assert "secret" not in str(redactor.data(data))


def test_secret_is_not_found_across_two_texts():
    assert Redactor(["ab"]).data(["a", "b"]) == ["a", "b"]


def test_percent_encoding_in_lower_case():
    assert Redactor(["a/b+c=d"]).text("a%2fb%2bc%3dd") == MASK


def test_unpaired_surrogate_is_replaced():
    assert Redactor().data({"title": "cut \ud83d"}) == {"title": "cut ?"}


def test_empty_secrets_are_ignored():
    assert Redactor(["", ""]).text("text") == "text"


def test_overlapping_secrets_share_one_mask():
    assert Redactor(["token", "token-and-more"]).text("token-and-more") == MASK


def test_secrets_can_be_added_later():
    redactor = Redactor(["first"])
    redactor.add("second")
    assert redactor.text("first second") == f"{MASK} {MASK}"
