# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the placeholders of tickets."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import (
    DETAILS,
    FREE_TEXTS,
    MULTILINE,
    NAMES,
    PLACEHOLDERS,
    replace_placeholders,
    used_names,
)

TEXTS = {"title": "a & <b>", "owner": "O'Neil", "alerts": "1 <\n2", "severity": "<High>", "number": "7"}
MARKUP = ("[code]", "[/code]")


def test_names_are_consistent():
    assert set(FREE_TEXTS) <= set(NAMES)
    assert set(MULTILINE) <= set(DETAILS) <= set(NAMES)
    assert len(PLACEHOLDERS) == len(NAMES) + len(FREE_TEXTS)


@pytest.mark.parametrize(
    "template, text",
    [
        ("{title}, {alerts}", "a & <b>, 1 <\n2"),
        ("{title_html} {owner} {severity}", "a &amp; &lt;b&gt; O&#x27;Neil &lt;High&gt;"),
        ("<p>{title}</p>", "<p>a &amp; &lt;b&gt;</p>"),
        ("<br/>{alerts}", "<br/>1 &lt;<br>2"),
        ("<a href='{number}'>\n{alerts_html}</a>", "<a href='7'>\n1 &lt;<br>2</a>"),
        ("{title} <soc@example.com>", "a & <b> <soc@example.com>"),
        ("1 < 2 > {owner}", "1 < 2 > O'Neil"),
        ("{description}.", "."),
        ("{titel} {{title}}", "{titel} {a & <b>}"),
    ],
)
def test_texts_are_escaped_in_rich_text(template, text):
    assert replace_placeholders(template, TEXTS) == text


def test_rich_text_is_detected_for_each_text():
    assert replace_placeholders({"a": ["{owner}", "<b>{owner}</b>"], "{title}": 1}, TEXTS) == {
        "a": ["O'Neil", "<b>O&#x27;Neil</b>"],
        "{title}": 1,
    }
    assert replace_placeholders("<b>{owner}</b>{title_html}", TEXTS, is_rich=False) == "<b>O'Neil</b>a &amp; &lt;b&gt;"


@pytest.mark.parametrize(
    "template, texts, text",
    [
        ("{title}", {"title": "[code]x[/CODE]"}, "(code)x(/CODE)"),
        ("[{title}] {number}", {"title": "code"}, "(code) "),
        ("{title}{owner}", {"title": "[co", "owner": "de]"}, "(code)"),
        ("[code]{title}[/code]", {"title": "<i>[/code]"}, "[code]&lt;i&gt;(/code)[/code]"),
        ("[[code]{title}", {"title": "code]"}, "[[code]code]"),
        ("{title}", {"title": "[[code]code]"}, "[(code)code]"),
    ],
)
def test_inserted_texts_cannot_form_markup(template, texts, text):
    """The markup of the user is kept, and encloses HTML."""
    assert replace_placeholders(template, texts, MARKUP) == text


@pytest.mark.parametrize("template", ["[code]", "{title}"])
def test_other_systems_have_no_markup(template):
    assert replace_placeholders(template, {"title": "[code]"}) == "[code]"


PART = st.sampled_from(["[", "]", "code", "/", "{title}", "{owner}", "CODE", " ", "<b>", "[code]"])


@given(st.lists(PART, max_size=8).map("".join), st.lists(PART, max_size=8).map("".join))
def test_inserted_texts_never_form_markup(title, owner):
    made = replace_placeholders("{title}{owner}|{owner}]", {"title": title, "owner": owner}, MARKUP)
    assert not re.search(r"\[/?code\]", made, re.IGNORECASE)
    plain = replace_placeholders("{title}", {"title": title})
    assert plain == title
    assert html.unescape(replace_placeholders("{title_html}", {"title": title})) == title


def test_used_names_are_found_in_nested_values():
    value = {"{number}": "{title_html}", "b": [{"c": "{alerts} {alert}"}, 7, None]}
    assert used_names(value) == {"title", "alerts"}
    assert used_names(None) == set()
