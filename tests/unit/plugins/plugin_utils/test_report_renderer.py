# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the HTML page and the Markdown of reports: values of a service never become markup."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ansible_collections.secops.itsm.plugins.plugin_utils.report import NEXT_STEPS, OUTCOMES, build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.report_renderer import (
    as_html,
    as_markdown,
    content_digest,
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


ABOUT = {"runbook": "r", "title": "T", "check_mode": False, "head": [["Runbook", "r"]], "asked": {}}


def report_of(text: str, check_mode: bool = False) -> dict[str, Any]:
    """Return a report that contains a text in all values that come from a service or a user."""
    incident = {"workspace_id": WORKSPACE, "source": "Splunk", "incident_id": text, "title": text, "severity": text}
    incident["incident_number"] = f"{text}-7"
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
    rows = [line for line in markdown.splitlines() if line.startswith("| Splunk ")]
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows] == [6, 4]
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


def contents_of(page: str, tag: str) -> list[str]:
    """Return the contents of all elements with a tag."""
    return re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)


def test_page_is_self_contained():
    text = as_html(report_of("word"))
    names = {name for _tag, attributes in ELEMENTS[False] for name, _value in attributes}
    assert not names & {"src", "srcset", "action", "data", "poster", "background", "style"}
    assert not [name for name in names if name.startswith("on")]
    forbidden = {"link", "img", "iframe", "object", "base"}
    assert not {tag for tag, _attributes in ELEMENTS[False]} & forbidden
    assert not re.search(r"url\(|@import|://", text)
    addresses = [dict(attributes)["href"] for tag, attributes in ELEMENTS[False] if tag == "a"]
    assert addresses == ["#incident-1"]


def test_policy_allows_only_the_style_and_the_script_of_the_page():
    text = as_html(report_of("</script><script>alert(1)</script>"))
    (style,), (script,) = contents_of(text, "style"), contents_of(text, "script")
    assert "addEventListener" in script
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert policy == (
        f"default-src 'none'; style-src '{content_digest(style)}'; script-src '{content_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert content_digest("alert(1)") == "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI="


def test_script_finds_what_it_looks_for():
    made = report_of_many()
    others = [{**row, "incident_id": f"{row['incident_id']}-2"} for row in made["incidents"]]
    text = as_html({**made, "incidents": [*made["incidents"], *others]})
    (script,) = contents_of(text, "script")
    elements = [dict(attributes) for _tag, attributes in Page(text).elements]
    found = {
        *(f"#{element.get('id')}" for element in elements),
        *(f"[name={element.get('name')}]" for element in elements),
        *(f".{name}" for element in elements for name in (element.get("class") or "").split()),
    }
    wanted = {f"#{name}" for name in re.findall(r'getElementById\("([\w-]+)"\)', script)}
    for selector in re.findall(r'querySelector(?:All)?\("([^"]+)"\)', script):
        wanted.update(re.findall(r"\.[\w-]+|\[name=\w+\]", selector))
    assert {"#tools", "#incident-list", "[name=search]", "[name=order]", ".row", ".size"} <= wanted <= found
    orders = {element["value"] for element in elements if "value" in element and element["value"] not in OUTCOMES}
    assert orders - {""} == {"title", "name"}
    assert all(f".{name}" in found for name in orders - {""})


def luminance(color: str) -> float:
    """Return the relative luminance of a color, as WCAG 2 defines it."""
    digits = color * 2 if len(color) == 3 else color
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "text, grounds",
    [
        ("ink", ("ground", "paper", "raised", "note-ground")),
        ("soft", ("ground", "paper", "raised", "note-ground")),
        ("link", ("paper",)),
        *[(outcome, ("paper", f"{outcome}-ground")) for outcome in ("failed", "attention", "changed", "ok")],
    ],
)
def test_text_has_enough_contrast(scheme, text, grounds):
    (style,) = contents_of(as_html(report_of("word")), "style")
    colors = dict(re.findall(r"--([\w-]+): #(\w+);", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]))
    for ground in grounds:
        dark, light = sorted((luminance(colors[text]), luminance(colors[ground])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, ground


def test_everything_is_printed():
    """A browser that does not know the pseudo-element opens all elements by the script."""
    text = as_html(report_of("word"))
    assert "details::details-content { content-visibility: visible;" in text.partition("@media print")[2]
    assert "beforeprint" in text


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
        "1 failed 1 incident",
        "Requested by word",
        "Close failed (conflict) 1 incident word",
        f"Next step: {NEXT_STEPS['conflict']}",
        "Request word",
        "failed linked, Close failed (conflict) 1 incident",
        "Title word Incident Splunk word-7 Severity word Ticket word",
        f"ID Splunk word Number word-7 Workspace {WORKSPACE}",
        "a word none",
        "b none word",
        "status New word",
        "Requests: Link word ; Close word",
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
        f"| Workspace | {WORKSPACE} |\n",
        "## Needs attention\n",
        "* **Comment**: word\n",
        "* **Close failed, 1 incident**: word\n",
        "  Incidents: Splunk word\n",
        "### Failed: linked, Close failed (conflict) (1)\n",
        "| Splunk word-7 | Splunk word | Link: word; Close: word |\n",
        "| replace | yes |\n",
    ):
        assert line in made, line
    changes = "a: word -> none<br>status: New -> word<br>b: word"
    notes = "word<br>The service does not show word."
    assert f"| Splunk word-7 | word | word | word | {changes}<br>{notes}<br>Close failed: word |" in made
    assert "Nothing was written." not in made


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_notes_of_the_run_need_attention(render):
    report = build_report([], {**ABOUT, "notes": ["Sentinel 7: <b>reopened</b>."], "nothing_to_do": "none is open"}, [])
    made = render(report)
    text = Page(made).text if render is as_html else made
    assert "Needs attention" in text
    assert "Note" in text
    assert "<b>" not in made
    assert "Needs attention" not in render({**report, "notes": []})


def report_of_many(**about: Any) -> dict[str, Any]:
    """Return the report of five incidents: two closed, one closed already, one failed, and one not reached."""
    incidents = [
        {"workspace_id": WORKSPACE, "source": "Splunk", "incident_id": f"e-{number}", "title": f"Title {number}"}
        for number in range(5)
    ]
    diff = {"before": {"status": "New"}, "after": {"status": "Closed", "comment": "Known."}}
    outcomes = [
        {**incidents[0], "changed": False},
        {**incidents[1], "changed": True, "diff": diff, "request_ids": ["r-1"]},
        {**incidents[2], "failed": True, "msg": "It broke.", "error": {"category": "conflict", "request_id": "r-2"}},
        {**incidents[3], "changed": True, "diff": diff, "request_ids": ["r-3"]},
    ]
    run = {**ABOUT, "asked": {"comment": "Known."}, **about}
    return build_report([{"name": "close", "result": {"results": outcomes}}], run, incidents)


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_report_has_failures_first_and_loses_nothing(render):
    made = render(report_of_many())
    text = Page(made).text if render is as_html else made
    listed = text[text.rindex("Incidents") :]
    places = [listed.index(f"Title {number}") for number in (2, 4, 1, 3, 0)]
    assert places == sorted(places)
    for words in ("e-0", "e-1", "e-2", "e-3", "e-4", "r-1", "r-2", "r-3", "It broke."):
        assert words in text, words


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_shared_values_are_shown_once(render):
    made = render(report_of_many())
    assert made.count("Known.") == 1
    assert made.count("New") == 1
    assert made.count(WORKSPACE) == (1 if render is as_markdown else 6)


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_properties_that_are_not_set_are_visible(render):
    made = render(report_of_many())
    for label in ("Requested by", "Reference"):
        words = f"{label} not given" if render is as_html else f"| {label} | not given |"
        assert words in (Page(made).text if render is as_html else made)


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_ticket_is_a_column_only_if_there_is_one(render):
    made = report_of_many()
    assert "icket" not in render(made).replace("ID, ticket or message", "").replace(".ticket", "")
    made["incidents"][0]["ticket"] = "T-1"
    assert "T-1" in render(made)


def test_failed_run_does_not_count_zero_failures():
    problem = [{"name": "find", "result": {"failed": True, "msg": "Unauthorized."}}]
    run = {"runbook": "r", "title": "T", "check_mode": False, "head": [], "asked": {}}
    text = Page(as_html(build_report(problem, run, []))).text
    assert "Find failed" in text
    assert not re.search(r"\b0 (failed|changed|not reached)", text)


@pytest.mark.parametrize("text", ["word", *HOSTILE])
def test_link_to_the_portal_contains_only_the_address(text):
    made = report_of(text)
    url = "https://portal.example/incidents?id={incident_id}&source={source}"
    steps = [{"name": "close", "result": {"results": [{**made["incidents"][0], "changed": True}]}}]
    linked = build_report(steps, {**made, "portal_url": url, "stopped": ""}, made["incidents"])
    page = Page(as_html(linked))
    (address,) = [dict(found)["href"] for tag, found in page.elements if tag == "a" and "rel" in dict(found)]
    assert address == url.format(incident_id=quote(text, safe=""), source="Splunk")
    links = [
        token.attrs["href"]
        for block in READER.parse(as_markdown(linked))
        for token in block.children or []
        if token.type == "link_open"
    ]
    assert links == [READER.normalizeLink(address)]


@pytest.mark.parametrize("check_mode, label", [(True, "would change"), (False, "changed")])
def test_check_mode_is_visible(check_mode, label):
    made = report_of_many(check_mode=check_mode)
    page, markdown = as_html(made), as_markdown(made)
    assert f'<span class="mark changed">{label}</span>' in page
    assert f"</b>{label}</li>" in page.partition('aria-label="Summary"')[2]
    assert f"### {label.capitalize()}: " in markdown
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
