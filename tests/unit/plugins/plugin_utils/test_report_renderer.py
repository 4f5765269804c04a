# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page and as Markdown: nothing of what a service shows becomes markup."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ansible_collections.secops.itsm.plugins.plugin_utils.report import build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.report_renderer import (
    as_html,
    as_markdown,
    display_text,
    escape_markdown,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"

HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style><script src=//evil.example/x.js></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "--><svg/onload=alert(1)><!--",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "](javascript:alert(1))",
    "<http://evil.example>",
    "[a]: http://evil.example",
    "http://evil.example www.evil.example https://evil.example ftp://evil.example",
    "WWW.EVIL.EXAMPLE HTTP://EVIL.EXAMPLE",
    "a | b || c \\| d",
    "ends with a backslash \\",
    "\\\\",
    "`code` ``more`` ``` fence",
    "**bold** __bold__ *it* _it_ ~~gone~~",
    "# heading\n## another\r\n\r\n---\n* item\n1. item\n> quote\n    code",
    "| a |\n| --- |\n| b |",
    "&lt;b&gt; &#60;b&#62; &copy; &amp;",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "<details><summary>x</summary>",
    "<br><hr>",
    "$x$ @someone #1 :smile:",
]


def report_of(text: str, rehearsed: bool = False) -> dict[str, Any]:
    """A report that has a text wherever somebody else's may come in."""
    incident = {"workspace_id": WORKSPACE, "source": "Splunk", "incident_id": text, "title": text, "severity": text}
    named = {key: incident[key] for key in ("workspace_id", "source", "incident_id")}
    link = {"before": "unlinked", "after": "linked", "ticket_id": text, "ticket_number": text}
    diff = {"before": {"a": text, "status": "New"}, "after": {"b": text, "status": text}}
    done = {**named, "changed": True, "link": link, "warnings": [text], "unverified": [text], "request_ids": [text]}
    broken = {**named, "failed": True, "msg": text, "error": {"category": "conflict", "request_id": text}}
    steps = [
        {"name": "link", "result": {"results": [{**done, "diff": diff}]}},
        {"name": "close", "result": {"results": [broken]}},
        {"name": "comment", "result": {"failed": True, "msg": text, "error": {"request_id": text}}},
    ]
    about = {"runbook": "close_incident", "title": "Close incidents", "rehearsed": rehearsed, "stopped": text}
    asked = {"comment": text, "severities": [text], "fields": {text: text}, "replace": True, "none": None}
    return build_report(
        steps, {**about, "head": [["Requested by", text], ["Reference", text]], "asked": asked}, [incident]
    )


# --- the page -------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Elements with their attributes, and the text, of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[Any, ...]]] = []
        self.others: list[str] = []
        self.parts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data):
        self.parts.append(data)

    @property
    def text(self) -> str:
        """What people read, as one line."""
        return " ".join(" ".join(self.parts).split())

    def handle_comment(self, data):
        self.others.append(data)

    def handle_pi(self, data):
        self.others.append(data)

    def unknown_decl(self, data):
        self.others.append(data)


#: What the pages have for a text that is only a word.
ELEMENTS = {rehearsed: Page(as_html(report_of("word", rehearsed))).elements for rehearsed in (False, True)}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("rehearsed", [False, True])
def test_a_text_adds_no_element_and_no_attribute_to_a_page(text, rehearsed):
    page = Page(as_html(report_of(text, rehearsed)))
    assert page.elements == ELEMENTS[rehearsed]
    assert page.others == []
    assert " ".join(text.split()) in page.text


@given(st.text(min_size=1).filter(str.strip))
@example("<")
def test_no_text_adds_one(text):
    assert Page(as_html(report_of(text))).elements == ELEMENTS[False]


def test_a_page_needs_nothing_else():
    page = Page(as_html(report_of("word")))
    names = {name for _tag, attributes in page.elements for name, _value in attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster", "background", "onload", "onclick"}
    assert not {tag for tag, _attributes in page.elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "form",
        "base",
        "a",
    }
    text = as_html(report_of("word"))
    assert not re.search(r"url\(|@import|://", text)
    policy = [dict(attributes).get("content") for tag, attributes in page.elements if tag == "meta"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in policy


def test_a_page_shows_the_run():
    text = Page(as_html(report_of("word"))).text
    for words in (
        "Close incidents failed",
        "Failed: 1 of 1 incident failed; 1 linked; it was stopped.",
        "Requested by word",
        "Next step: Look at what stands there",
        "request word",
        "Splunk word, word",
        f"workspace {WORKSPACE}",
        "a: word → none",
        "b: word",
        "status: New → word",
        "Close failed",
        "replace yes",
        "fields word: word",
        "Made by secops.itsm",
    ):
        assert words in text, words
    assert "Nothing was written." not in text


def test_a_rehearsal_says_so_first():
    text = as_html(report_of("word", rehearsed=True))
    assert text.index("Nothing was written") < text.index("At a glance")
    assert "would change</span>" in text


def test_a_rehearsal_claims_no_change_of_an_incident():
    changed = {**report_of("word", rehearsed=True)["incidents"][0], "outcome": "changed"}
    for rehearsed, glance in ((True, "would change"), (False, "changed")):
        told = {**report_of("word", rehearsed), "incidents": [changed]}
        assert f'<span class="mark changed">{glance}</span>' in as_html(told)
        assert f"| {glance} |" in as_markdown(told)


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_a_run_without_incidents(render):
    made = render(build_report([], {"runbook": "r", "title": "T", "rehearsed": False, "head": [], "asked": {}}, []))
    assert "There was no incident" in made or "None." in made
    assert made.endswith("\n")


# --- Markdown -------------------------------------------------------------------------------------------------------

#: As CommonMark with tables, struck text, and HTML.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[tuple[str, str, tuple[Any, ...]]]:
    """What is markup in Markdown, in its order; HTML by its content, as the template has some."""
    found = []
    for block in READER.parse(text):
        found.append((block.type, block.tag, tuple(sorted(block.attrs.items()))))
        for inner in block.children or []:
            if inner.type not in ("text", "text_special", "softbreak"):
                content = inner.content if inner.type == "html_inline" else inner.tag
                found.append((inner.type, content, tuple(sorted(inner.attrs.items()))))
    return found


def text_of(markdown: str) -> str:
    """What people read."""
    blocks = READER.parse(markdown)
    return " ".join("".join(inner.content for inner in block.children or []) for block in blocks)


TOKENS = {rehearsed: tokens(as_markdown(report_of("word", rehearsed))) for rehearsed in (False, True)}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("rehearsed", [False, True])
def test_a_text_adds_no_markup_to_markdown(text, rehearsed):
    made = as_markdown(report_of(text, rehearsed))
    assert tokens(made) == TOKENS[rehearsed]
    assert " ".join(text.split()) in " ".join(text_of(made).split())


@given(
    st.lists(
        st.sampled_from(list("\\`*_[]()<>|~&#!-+=:/.$^{}\"' a1\n")) | st.sampled_from(["www.", "://", "&lt;"]),
        min_size=1,
    )
)
@example(["\\"])
@example(["__a__"])
def test_no_text_adds_any(parts):
    text = "".join(parts)
    if not text.strip():
        return
    made = as_markdown(report_of(text))
    assert tokens(made) == TOKENS[False]
    assert " ".join(text.split()) in " ".join(text_of(made).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_address_is_there_for_a_viewer_to_link(text):
    """GitHub, GitLab and others make links of addresses, whatever is around them."""
    assert not re.search(r"(?i)(?:https?|ftp|file)://|\bwww\.", as_markdown(report_of(text)))


def test_markdown_has_nothing_else():
    made = as_markdown(report_of("word"))
    assert {content for kind, content, _tag in tokens(made) if kind == "html_inline"} == {"<br>"}
    assert not [
        kind
        for kind, _content, _tag in tokens(made)
        if kind.startswith(("link", "image", "html_block", "fence", "code"))
    ]


def test_markdown_shows_the_run():
    made = as_markdown(report_of("word"))
    for line in (
        "# Close incidents\n",
        "**Failed: 1 of 1 incident failed; 1 linked; it was stopped.**\n",
        "| Requested by | word |\n",
        "## What failed as a whole\n",
        "## Failures\n",
        f"* **Splunk word** (workspace {WORKSPACE}), Close: word\n",
        "## Notes\n\n* Splunk word: word\n",
        "* Splunk word, Link: word\n",
        "| replace | yes |\n",
    ):
        assert line in made, line
    changes = "a: word -> none<br>status: New -> word<br>b: word<br>"
    assert f"| failed | Splunk word | word | word | linked; Close failed | {changes} |" in made


def test_each_row_of_a_table_has_its_cells():
    for text in HOSTILE:
        lines = as_markdown(report_of(text)).splitlines()
        rows = [line for line in lines if line.startswith("| failed |")]
        assert len(rows) == 1
        # Apart from escaped ones.
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", rows[0])) == 7


# --- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, text",
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (["a", None, 2], "a, , 2"),
        ({"a": [1], "b": {"c": None}}, "a: 1, b: c: "),
        ("x", "x"),
    ],
)
def test_shown(value, text):
    assert display_text(value) == text


@pytest.mark.parametrize(
    "value, text", [("snake_case_name", "snake_case_name"), ("_a_", r"\_a\_"), (" a\n b ", "a b"), ("a.b:c", "a.b:c")]
)
def test_plain(value, text):
    assert escape_markdown(value) == text


@pytest.mark.parametrize("render", [as_html, as_markdown])
@pytest.mark.parametrize(
    "character", ["\u202e", "\u202d", "\u2066", "\u2067", "\u2068", "\u200f", "\x1b", "\x00", "\x07", "\x9b"]
)
def test_no_character_that_turns_the_text_around_or_steers_a_terminal_gets_through(render, character):
    """A title could show an outcome, or an identifier, that is not there."""
    made = render(report_of(f"a{character}b"))
    assert character not in made
    assert {unicodedata.category(found) for found in made if found != "\n"} <= {
        *("Ll", "Lu", "Nd", "Zs", "Po", "Ps", "Pe", "Pd", "Pc", "Sm", "Sc", "Sk", "So", "Pi", "Pf"),
    }
