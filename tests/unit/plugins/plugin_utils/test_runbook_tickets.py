# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticket that a runbook opens for an incident."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_tickets import DOCUMENTATION, runbook_tickets
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import (
    PLACEHOLDERS,
    build_ticket,
    placeholders,
    replace_placeholders,
    ticket_problems,
    ticket_target,
    unknown_placeholders,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
UUID = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ENTRY = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
SENTINEL = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": UUID}
RECORD = {"title": "Ransomware on FS01", "severity": "High"}
VALUES = {"team_id": "soc", "offer": "Report a security incident", "reference_field": "Reference", "fields": {}}
ALL = "{source} {incident_id} {workspace_id} {severity} {title}"


def ticket(entry=None, record=None, **values):
    """The ticket of an incident."""
    return build_ticket(
        {**ENTRY, **(entry or {}), "record": RECORD if record is None else record}, {**VALUES, **values}
    )


# --- placeholders ---------------------------------------------------------------------------------------------------


def test_each_placeholder():
    assert ticket(summary=ALL)["summary"] == f"DefenderXDR 61024 {WORKSPACE} High Ransomware on FS01"


def test_placeholders_in_fields_at_any_depth_and_not_in_labels():
    fields = {
        "{title}": "{title}",
        "List": ["{severity}", {"{source}": "{source}"}],
        "Number": 3,
        "Flag": True,
        "None": None,
    }
    assert ticket(fields=fields)["fields"] == {
        "{title}": "Ransomware on FS01",
        "List": ["High", {"{source}": "DefenderXDR"}],
        "Number": 3,
        "Flag": True,
        "None": None,
        "Reference": f"DefenderXDR 61024 {WORKSPACE}",
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": {"c": "{title"}}',
        "{}",
        "{title!r}",
        "{title.__class__}",
        "{0} x{3}",
        "%s",
        "{see wiki}",
        f"{{{UUID}}}",
    ],
    ids=repr,
)
def test_other_braces_are_kept(text):
    values = {**VALUES, "summary": text, "fields": {"Description": text}}
    assert unknown_placeholders([ENTRY], values) == []
    made = ticket(**values)
    assert (made["summary"], made["fields"]["Description"]) == (text, text)


@pytest.mark.parametrize(
    "text, nearest",
    [
        ("{titel}", "{title}"),
        ("{Title}", "{title}"),
        ("{ title }", "{title}"),
        ("{\ntitle\t}", "{title}"),
        ("{titlehtml}", "{title_html}"),
        ("{incident-id}", "{incident_id}"),
        ("{incident id}", "{incident_id}"),
        ("{incident.id}", "{incident_id}"),
        ("{workspace}", "{workspace_id}"),
        ("{x}", ""),
        ("{\u540d\u524d}", ""),
    ],
)
def test_unknown_placeholder_is_refused(text, nearest):
    (said,) = unknown_placeholders([], {"summary": f"{{title}} {{{{ {text} {text}"})
    hint = f" Did you mean {nearest}?" if nearest else ""
    known = "{source}, {incident_id}, {workspace_id}, {severity}, {title_html}, {title}"
    assert said == f"summary contains {text}, which is not a placeholder.{hint} Known placeholders: {known}."


def test_unknown_placeholder_is_located():
    entry = {**ENTRY, "ticket_id": "1", "summary": "{sumary}", "fields": {"Hosts": [{"a": ["{title}", "{hosts}"]}]}}
    other = {"fields": "{fields}", "comment": "{comment}", "record": {"title": "{title1}"}}
    values = {"summary": 7, "fields": {"Owner": "{severty} {own}", "Reference": None}, "comment": "{comment}"}
    assert [said.partition(",")[0] for said in unknown_placeholders([entry, other], values)] == [
        "fields.Owner contains {severty}",
        "fields.Owner contains {own}",
        "summary of incident 1 of 2 (61024) contains {sumary}",
        "fields.Hosts.a of incident 1 of 2 (61024) contains {hosts}",
        "fields of incident 2 of 2 (without an id) contains {fields}",
    ]


def test_filter_refuses_unknown_placeholder():
    with pytest.raises(AnsibleFilterError, match=re.escape("Did you mean {title}?")):
        runbook_tickets([ENTRY], {**VALUES, "summary": "{titel}"})


@given(
    st.lists(st.sampled_from(["{", "}", "title", "{title}", "{source}", "{title_html}", "\\1", "\\g<0>"])).map("".join)
)
def test_what_a_title_brings_along_is_not_looked_at_again(title):
    shown = " ".join(title.split())
    made = ticket(record={"title": title}, summary="a {title} b {source}")
    assert made["summary"] == f"a {shown} b DefenderXDR"


def test_of_a_severity_neither():
    assert ticket(record={"title": "t", "severity": "{title}"}, summary="{severity}")["summary"] == "{title}"


def test_a_title_is_one_line():
    assert ticket(record={"title": " a\r\n\tb\u2028c "}, summary="{title}")["summary"] == "a b c"


@pytest.mark.parametrize(
    "record, title", [({"name": "n"}, "n"), ({"title": "", "name": "n"}, "n"), ({"title": None}, ""), ({}, "")]
)
def test_without_a_title(record, title):
    assert ticket(record=record, summary="<{title}{severity}>")["summary"] == f"<{title}>"


def test_without_a_record():
    assert build_ticket(ENTRY, VALUES)["summary"] == "DefenderXDR incident 61024: "


class Tags(HTMLParser):
    """What of a text is markup."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(st.text(alphabet=st.sampled_from("<>&\"'/= abscript;#39!-")))
def test_title_html_is_no_markup(title):
    made = ticket(record={"title": title}, fields={"Description": "<p title='{title_html}'>{title_html}</p>"})
    seen = Tags(made["fields"]["Description"])
    assert seen.tags == ["p"]
    assert seen.text == (" ".join(title.split()) or "(no title)")


def test_title_html_escapes_once():
    assert placeholders(ENTRY, {"title": "a & <b>"})["{title_html}"] == "a &amp; &lt;b&gt;"


def test_a_template_is_not_changed():
    template = {"a": ["{title}"]}
    replace_placeholders(template, placeholders(ENTRY, RECORD))
    assert template == {"a": ["{title}"]}


def test_placeholders_are_documented():
    page = Path(__file__).resolve().parents[4] / "docs" / "docsite" / "rst" / "runbook_open_ticket.rst"
    listed = page.read_text(encoding="utf-8").split("\nPlaceholders\n")[1].split("\nAny other")[0]
    assert set(re.findall(r"``(\{\w+\})``", listed)) == set(PLACEHOLDERS)
    assert set(re.findall(r"C\((\{\w+\})\)", DOCUMENTATION)) == set(PLACEHOLDERS)


# --- titles that a service would refuse -----------------------------------------------------------------------------

#: Letters of every kind that a service, a terminal or a database may refuse, and some that none does.
LETTERS = [
    *"\x00\x07\x1b\x7f\x85\x9b\n\t\ud800\u061c\u200b\u202e\u2066\u2028\ufeff\ufffe\U000e0041",
    *"a {}&<\u2026\U0001f525",
]
IDENTIFIED = "DefenderXDR incident 61024"


@given(
    st.text(st.sampled_from(LETTERS)).map(lambda part: part * 30),
    st.sampled_from(["", "{title}", "{title} {incident_id}\x1b\n{title_html} {workspace_id} {severity}{title}"]),
    st.booleans(),
)
def test_summary_is_always_accepted(title, template, has_reference):
    """The options of the module are checked as the module does it."""
    reference_field = "Reference" if has_reference else None
    made = ticket(record={"title": title, "severity": title}, summary=template, reference_field=reference_field)
    summary = parse_options(made).summary
    assert summary is not None
    assert len(summary.encode("utf-16-le")) <= 2 * 255
    assert {unicodedata.category(letter) for letter in summary}.isdisjoint({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
    identity = {"61024", WORKSPACE} if template.count("{") > 1 or not has_reference else {"61024"}
    if template != "{title}":
        assert all(word in summary for word in identity)
    reference = {"Reference": f"DefenderXDR 61024 {WORKSPACE}"} if has_reference else {}
    assert made["fields"] == reference


@pytest.mark.parametrize(
    "letter", ["\x1b", "\x00", "\x9b", "\ud800", "\u202e", "\u200d", "\ue000", "\U000e0041"], ids=ascii
)
def test_character_that_cannot_be_seen_is_replaced(letter):
    made = ticket(
        record={"title": f"a{letter}b", "severity": f"c{letter}d"}, fields={"Text": "1\n\x1b2 {title} {severity}"}
    )
    assert made["summary"] == f"{IDENTIFIED}: a\ufffdb"
    # What the user wrote stays as it is.
    assert made["fields"]["Text"] == "1\n\x1b2 a\ufffdb c\ufffdd"


@pytest.mark.parametrize("more, end", [(0, "x"), (1, "\u2026"), (345, "\u2026")])
def test_only_longer_summary_is_shortened(more, end):
    title = "x" * (255 - len(f"{IDENTIFIED}: ") + more)
    summary = ticket(record={"title": title})["summary"]
    assert (len(summary), summary[-2:]) == (255, f"x{end}")
    assert summary.startswith(f"{IDENTIFIED}: x")


def test_summary_is_shortened_before_identity():
    summary = "{title} | {title_html} | {incident_id} {workspace_id}"
    made = ticket(record={"title": "<\U0001f525" * 100}, summary=summary)["summary"]
    assert re.fullmatch(f"[<\U0001f525]+\u2026 \\| (&lt;|\U0001f525)+\u2026 \\| 61024 {WORKSPACE}", made)
    assert 240 < len(made.encode("utf-16-le")) / 2 <= 255


def test_title_in_field_is_shortened():
    fire = "\U0001f525"
    made = ticket(record={"title": fire * 5000}, fields={"Description": "<p>{title}</p>"})
    assert made["fields"]["Description"] == f"<p>{fire * 127}\u2026</p>"


@pytest.mark.parametrize(
    "record", [{}, {"title": None}, {"title": ""}, {"title": " \n\u2003"}, {"title": 7}, {"title": ["a"]}]
)
def test_missing_title(record):
    """A field may be a required one, and a summary always is."""
    made = ticket(record=record, summary="{title}", fields={"Text": "{title}", "Rich": "{title_html}"})
    assert made["summary"] == f"{IDENTIFIED}: "
    assert (made["fields"]["Text"], made["fields"]["Rich"]) == ("(no title)", "(no title)")


@pytest.mark.parametrize(
    "entry", [ENTRY, {key: ENTRY[key] for key in ("source", "incident_id")}], ids=["known", "unknown"]
)
@pytest.mark.parametrize("reference_field", ["Reference", None])
def test_summary_that_is_too_long_without_title_is_refused(entry, reference_field):
    template = "{source} {incident_id} {workspace_id} {title} {title_html} {severity}"
    spare = 255 - len(f"DefenderXDR 61024 {WORKSPACE}")
    values = {**VALUES, "reference_field": reference_field}
    assert unknown_placeholders([entry], {"summary": template}) == []
    assert ticket_problems([entry], {**values, "summary": "x" * (spare - 1) + f" {template}"}) == []
    (said,) = ticket_problems([entry], {**values, "summary": "x" * spare + f" {template}"})
    assert_message(said, "1 of 1", "61024", 256, 255, "TK-A19", "'summary'")


# --- what it is found again by --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, values, summary",
    [
        ({}, {}, "DefenderXDR incident 61024: Ransomware on FS01"),
        ({}, {"reference_field": None}, f"DefenderXDR incident 61024 in workspace {WORKSPACE}"),
        ({}, {"reference_field": ""}, f"DefenderXDR incident 61024 in workspace {WORKSPACE}"),
        ({}, {"summary": "for all"}, "for all"),
        ({"summary": "own {incident_id}"}, {"summary": "for all"}, "own 61024"),
        ({"summary": 7}, {}, "7"),
    ],
)
def test_the_summary(entry, values, summary):
    assert ticket(entry, **values)["summary"] == summary


def test_the_reference_goes_before_a_field_of_that_name():
    made = ticket({"fields": {"Reference": "own"}}, fields={"Reference": "for all"})
    assert made["fields"] == {"Reference": f"DefenderXDR 61024 {WORKSPACE}"}


def test_without_a_reference_field_there_is_none():
    assert ticket(reference_field=None)["fields"] == {}


def test_an_entry_adds_to_the_fields():
    made = ticket({"fields": {"Urgency": "low"}}, fields={"Urgency": "high", "Team": "a"}, reference_field=None)
    assert made["fields"] == {"Urgency": "low", "Team": "a"}


@pytest.mark.parametrize("values", [{}, {"reference_field": None}])
def test_one_incident_has_one_identity_however_it_is_typed(values):
    """Or a second ticket is opened where the first one cannot be seen."""
    typed = [SENTINEL, {**SENTINEL, "workspace_id": WORKSPACE.upper()}, {**SENTINEL, "incident_id": UUID.upper()}]
    tickets = runbook_tickets([{**entry, "record": RECORD} for entry in typed], {**VALUES, **values})
    assert tickets == [tickets[0]] * 3


# --- team, ticket type and offer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, values, expected",
    [
        ({}, {"team_id": "a", "offer": "o"}, {"team_id": "a", "offer": "o"}),
        ({"team_id": "b"}, {"team_id": "a", "offer": "o"}, {"team_id": "b", "offer": "o"}),
        ({}, {"offer": "o", "offer_id": 1}, {"offer_id": "1"}),
        ({"offer": "own"}, {"offer_id": 1}, {"offer": "own"}),
        ({"offer_id": 2}, {"offer": "o"}, {"offer_id": "2"}),
        ({"offer_id": 2, "offer": "own"}, {"offer_id": 1}, {"offer_id": "2"}),
        ({}, {"item_type": "t", "item_type_id": "1"}, {"item_type_id": "1"}),
        ({"item_type": "own"}, {"item_type_id": "1", "offer_id": "3"}, {"item_type": "own", "offer_id": "3"}),
        ({}, {"team_id": None, "offer": "", "item_type": None}, {}),
    ],
)
def test_what_an_entry_says_goes_first_and_an_identifier_before_a_name(entry, values, expected):
    assert ticket_target(entry, values) == expected


def test_a_ticket_has_what_the_module_takes():
    made = ticket({"offer_id": 5, "comment": "not for the ticket"})
    assert set(made) == {"team_id", "offer_id", "summary", "fields"}


# --- what is missing ------------------------------------------------------------------------------------------------


def test_nothing_is_missing():
    assert ticket_problems([ENTRY], VALUES) == []
    assert ticket_problems([{**ENTRY, "offer_id": 1}], {"team_id": "soc", "reference_field": "Reference"}) == []
    assert ticket_problems([ENTRY], {**VALUES, "reference_field": None}) == []


@pytest.mark.parametrize("values", [{"team_id": None}, {"offer": None}, {"team_id": ""}])
def test_a_team_and_an_offer_are_needed(values):
    (told,) = ticket_problems([{**ENTRY, "ticket_id": "1"}, ENTRY], {**VALUES, **values})
    assert_message(told, "2 of 2", "61024", "'team_id'", "'offer'", "'offer_id'", "'ticket_id'")


def test_what_has_a_ticket_or_no_identifier_is_not_asked():
    assert ticket_problems([{**ENTRY, "ticket_id": "1"}, {}], {}) == []


@pytest.mark.parametrize(
    "summary, is_fine",
    [
        ("{incident_id} {workspace_id}", True),
        (f"61024 of {WORKSPACE}", True),
        (f"{{incident_id}} {WORKSPACE}", True),
        ("{incident_id}", False),
        ("{workspace_id}", False),
        ("{title}", False),
    ],
)
def test_without_a_reference_field_the_summary_must_say_which(summary, is_fine):
    told = ticket_problems([ENTRY], {**VALUES, "reference_field": None, "summary": summary})
    assert (told == []) is is_fine
    if told:
        assert told[0].endswith(f"the one for incident 1 of 1 (61024) does not: {summary}")
    assert ticket_problems([ENTRY], {**VALUES, "summary": summary}) == []
