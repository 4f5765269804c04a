# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the HTML page and the Markdown of reports: values of a service never become markup."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ansible_collections.secops.itsm.plugins.plugin_utils.report import NEXT_STEPS, build_report
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
    "![x](http://evil.example/x.png)",
    "](javascript:alert(1))",
    "<http://evil.example>",
    "[a]: http://evil.example",
    "http://evil.example www.evil.example https://evil.example ftp://evil.example",
    "WWW.EVIL.EXAMPLE HTTP://EVIL.EXAMPLE",
    "a | b || c \\| d",
    "ends with a backslash \\",
    "`code` ``more`` ``` fence",
    "**bold** __bold__ *it* _it_ ~~gone~~",
    "# heading\n## another\r\n\r\n---\n* item\n1. item\n> quote\n    code",
    "| a |\n| --- |\n| b |",
    "&lt;b&gt; &#60;b&#62; &copy; &amp;",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "<details><summary>x</summary><br><hr>",
]


def report_of(text: str, check_mode: bool = False) -> dict[str, Any]:
    """Return a report that contains a text in all values that come from a service or a user."""
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
    about = {"runbook": "close_incident", "title": "Close incidents", "check_mode": check_mode, "stopped": text}
    asked = {"comment": text, "severities": [text], "fields": {text: text}, "replace": True, "none": None}
    return build_report(
        steps, {**about, "head": [["Requested by", text], ["Reference", text]], "asked": asked}, [incident]
    )


class Page(HTMLParser):
    """Collect the elements with their attributes, and the text, of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[Any, ...]]] = []
        self.others: list[str] = []
        self.parts: list[str] = []
        self.handle_data = self.parts.append
        self.handle_comment = self.handle_pi = self.unknown_decl = self.others.append
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Collect an element."""
        self.elements.append((tag, tuple(attrs)))

    @property
    def text(self) -> str:
        """Return the visible text as one line."""
        return " ".join(" ".join(self.parts).split())


#: CommonMark with tables, strikethrough and HTML.
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Return the markup in a Markdown text, in its order."""
    found = []
    for block in READER.parse(text):
        found.append((block.type, block.tag, tuple(sorted(block.attrs.items()))))
        for inner in block.children or []:
            if inner.type not in ("text", "text_special", "softbreak"):
                content = inner.content if inner.type == "html_inline" else inner.tag
                found.append((inner.type, content, tuple(sorted(inner.attrs.items()))))
    return found


def text_of(markdown: str) -> str:
    """Return the visible text of Markdown as one line."""
    blocks = READER.parse(markdown)
    return " ".join(" ".join("".join(inner.content for inner in block.children or []) for block in blocks).split())


MODES = (False, True)
#: The markup of reports with a harmless word.
ELEMENTS = {check_mode: Page(as_html(report_of("word", check_mode))).elements for check_mode in MODES}
TOKENS = {check_mode: tokens(as_markdown(report_of("word", check_mode))) for check_mode in MODES}


# --- markup ---------------------------------------------------------------------------------------------------------


def assert_no_markup(text: str, check_mode: bool) -> None:
    """Assert that a text is shown, and adds no markup to a report."""
    made = report_of(text, check_mode)
    page, markdown = Page(as_html(made)), as_markdown(made)
    assert page.elements == ELEMENTS[check_mode]
    assert page.others == []
    assert tokens(markdown) == TOKENS[check_mode]
    # Viewers such as GitHub and GitLab link addresses regardless of the markup around them.
    assert not re.search(r"(?i)(?:https?|ftp|file)://|\bwww\.", markdown)
    (row,) = [line for line in markdown.splitlines() if line.startswith("| failed |")]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 7
    shown = " ".join(text.split())
    assert shown in page.text
    assert shown in text_of(markdown)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("check_mode", MODES)
def test_hostile_text_adds_no_markup(text, check_mode):
    assert_no_markup(text, check_mode)


PARTS = st.sampled_from([*"\\`*_[]()<>|~&#!-+=:/.$^{}\"' a1\n", "www.", "://", "&lt;"])


@settings(max_examples=40)
@given(st.lists(PARTS, min_size=1).map("".join).filter(str.strip))
@example("\\")
@example("__a__")
@example("<")
def test_any_text_adds_no_markup(text):
    assert_no_markup(text, False)


# "New" is the status before, so it would be shown as unchanged.
@settings(max_examples=30)
@given(st.text(min_size=1).filter(lambda text: text.strip() not in ("", "New")))
def test_any_unicode_text_adds_no_element(text):
    assert Page(as_html(report_of(text))).elements == ELEMENTS[False]


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_control_characters_are_replaced(render):
    """Marks of the writing direction or terminal escapes could forge an outcome or an identifier."""
    for character in "\u202e\u202d\u2066\u2067\u2068\u200f\x1b\x00\x07\x9b":
        made = render(report_of(f"a{character}b"))
        categories = {unicodedata.category(found) for found in made if found != "\n"}
        assert categories.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}), character


def test_page_is_self_contained():
    text = as_html(report_of("word"))
    names = {name for _tag, attributes in ELEMENTS[False] for name, _value in attributes}
    assert not names & {"src", "href", "srcset", "action", "data", "poster", "background", "onload", "onclick"}
    forbidden = {"script", "link", "img", "iframe", "object", "form", "base", "a"}
    assert not {tag for tag, _attributes in ELEMENTS[False]} & forbidden
    assert not re.search(r"url\(|@import|://", text)
    policy = [dict(attributes).get("content") for tag, attributes in ELEMENTS[False] if tag == "meta"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in policy


def test_markdown_has_no_links_and_only_line_breaks_as_html():
    assert {content for kind, content, _tag in TOKENS[False] if kind == "html_inline"} == {"<br>"}
    forbidden = ("link", "image", "html_block", "fence", "code")
    assert not [kind for kind, _content, _tag in TOKENS[False] if kind.startswith(forbidden)]


# --- content --------------------------------------------------------------------------------------------------------


def test_page_shows_the_run():
    text = Page(as_html(report_of("word"))).text
    for words in (
        "Close incidents failed",
        "Failed: 1 of 1 incident failed; 1 linked; the run was stopped.",
        "Requested by word",
        f"Next step: {NEXT_STEPS['conflict']}",
        "request word",
        "Splunk word, word",
        f"workspace {WORKSPACE}",
        "a: word → none",
        "b: word",
        "status: New → word",
        "Close failed",
        "replace yes",
        "fields word: word",
        "Created by secops.itsm",
    ):
        assert words in text, words
    assert "Nothing was written." not in text


def test_markdown_shows_the_run():
    made = as_markdown(report_of("word"))
    for line in (
        "# Close incidents\n",
        "**Failed: 1 of 1 incident failed; 1 linked; the run was stopped.**\n",
        "| Requested by | word |\n",
        "## Failures of the run\n",
        "## Failures\n",
        f"* **Splunk word** (workspace {WORKSPACE}), Close: word\n",
        "## Notes\n\n* Splunk word: word\n",
        "* Splunk word, Link: word\n",
        "| replace | yes |\n",
    ):
        assert line in made, line
    changes = "a: word -> none<br>status: New -> word<br>b: word<br>"
    assert f"| failed | Splunk word | word | word | linked; Close failed | {changes} |" in made
    assert "Nothing was written." not in made


@pytest.mark.parametrize("check_mode, label", [(True, "would change"), (False, "changed")])
def test_check_mode_is_visible(check_mode, label):
    made = report_of("word", check_mode)
    changed = {**made, "incidents": [{**made["incidents"][0], "outcome": "changed"}]}
    page, markdown = as_html(changed), as_markdown(changed)
    assert f'<span class="mark changed">{label}</span>' in page
    assert f"{label}</span>" in page.partition('aria-label="Summary"')[2]
    assert f"| {label} |" in markdown
    assert ("Nothing was written" in page.partition("aria-label")[0]) is check_mode
    assert ("Nothing was written" in markdown) is check_mode


@pytest.mark.parametrize("render, words", [(as_html, "There were no incidents."), (as_markdown, "\nNone.\n")])
def test_run_without_incidents_is_rendered(render, words):
    made = render(build_report([], {"runbook": "r", "title": "T", "check_mode": False, "head": [], "asked": {}}, []))
    assert words in made
    assert made.endswith("\n")


@pytest.mark.parametrize(
    "value, text",
    [
        *[(None, ""), (True, "yes"), (False, "no"), (0, "0"), ("x", "x"), (["a", None, 2], "a, , 2")],
        ({"a": [1], "b": {"c": None}}, "a: 1, b: c: "),
    ],
)
def test_value_is_displayed_as_text(value, text):
    assert display_text(value) == text


@pytest.mark.parametrize(
    "value, text", [("snake_case_name", "snake_case_name"), ("_a_", r"\_a\_"), (" a\n b ", "a b"), ("a.b:c", "a.b:c")]
)
def test_plain_text_is_not_escaped_in_markdown(value, text):
    assert escape_markdown(value) == text
