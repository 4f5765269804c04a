# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ticket that a runbook opens for an incident."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_tickets import DOCUMENTATION, runbook_tickets
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import PLACEHOLDERS
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket as build
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import template_problems
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import ticket_problems as problems_of
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import ticket_target as target_of
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import default_system, find_system
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
UUID = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ENTRY = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
SENTINEL = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": UUID}
RECORD = {"title": "Ransomware on FS01", "severity": "High"}
VALUES = {"team_id": "soc", "offer": "Report a security incident", "reference_field": "Reference", "fields": {}}
IDENTIFIED = "DefenderXDR incident 61024"
REFERENCE = {"Reference": f"DefenderXDR 61024 {WORKSPACE}"}
FORM = find_system(default_system()).definition["ticket"]
build_ticket = partial(build, ticket=FORM)
ticket_problems = partial(problems_of, ticket=FORM)
ticket_target = partial(target_of, ticket=FORM)


def ticket(entry=None, record=None, **values):
    """Return the ticket of an incident."""
    return build_ticket(
        {**ENTRY, **(entry or {}), "record": RECORD if record is None else record}, {**VALUES, **values}
    )


# --- placeholders ---------------------------------------------------------------------------------------------------


def test_placeholders_in_summary_and_fields_are_replaced():
    more = {"Number": 3, "Flag": True, "None": None}
    fields = {"{title}": "{title}", "List": ["{severity}", {"{source}": "{source}"}], **more}
    made = ticket(summary="{source} {incident_id} {workspace_id} {severity} {title}", fields=fields)
    assert made == {
        "team_id": "soc",
        "offer": "Report a security incident",
        "summary": f"DefenderXDR 61024 {WORKSPACE} High Ransomware on FS01",
        "fields": {
            "{title}": "Ransomware on FS01",
            "List": ["High", {"{source}": "DefenderXDR"}],
            **more,
            **REFERENCE,
        },
    }
    assert fields["List"][0] == "{severity}", "unchanged"


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": 1, "b": {"c": "{title"}}', "{}", "{title!r}", "{title.__class__}", "{0} x{3}", "%s", "{see wiki}"),
        f"{{{UUID}}}",
    ],
    ids=repr,
)
def test_other_braces_are_kept(text):
    values = {**VALUES, "summary": text, "fields": {"Description": text}}
    assert template_problems([ENTRY], values) == []
    made = ticket(**values)
    assert (made["summary"], made["fields"]["Description"]) == (text, text)


@pytest.mark.parametrize(
    "nearest, texts",
    [
        ("{title}", ["{titel}", "{Title}", "{ title }", "{\ntitle\t}"]),
        ("{title_html}", ["{titlehtml}"]),
        ("{incident_id}", ["{incident-id}", "{incident id}", "{incident.id}"]),
        ("{workspace_id}", ["{workspace}"]),
        ("", ["{x}", "{\u540d\u524d}"]),
    ],
)
def test_unknown_placeholder_is_refused_with_a_suggestion(nearest, texts):
    hint = f" Did you mean {nearest}?" if nearest else ""
    known = ", ".join(PLACEHOLDERS)
    for text in texts:
        (message,) = template_problems([], {"summary": f"{{title}} {{{{ {text} {text}"})
        expected = f"summary contains {text}, which is not a placeholder.{hint} Supported placeholders: {known}."
        assert message == expected
    with pytest.raises(AnsibleFilterError, match=re.escape(texts[0])):
        runbook_tickets([ENTRY], {**VALUES, "summary": texts[0]})


def test_unknown_placeholder_is_located():
    entry = {**ENTRY, "ticket_id": "1", "summary": "{sumary}", "fields": {"Hosts": [{"a": ["{title}", "{hosts}"]}]}}
    other = {"fields": "{fields}", "comment": "{comment}", "record": {"title": "{title1}"}}
    values = {"summary": 7, "fields": {"Owner": "{severty} {own}", "Reference": None}, "comment": "{comment}"}
    assert [message.partition(",")[0] for message in template_problems([entry, other], values)] == [
        "fields.Owner contains {severty}",
        "fields.Owner contains {own}",
        "summary of incident 1 of 2 (61024) contains {sumary}",
        "fields.Hosts.a of incident 1 of 2 (61024) contains {hosts}",
        "fields of incident 2 of 2 (without an id) contains {fields}",
    ]


@pytest.mark.parametrize(
    "values, facts",
    [
        ({"summary": "{alerts_html} {entities}"}, [["summary", "{alerts}"], ["summary", "{entities}"]]),
        ({"fields": {"a": ["{priority}"]}}, [["fields.a", "{priority}", "'priority_map' is not set"]]),
        ({"fields": {"a": "{portal_url}"}}, [["fields.a", "{portal_url}", "'portal_url' is not set"]]),
        (
            {"priority_map": {"high": {"a": "{titel}"}, "default": {"b": 1}}},
            [["priority_map.high.a", "{titel}", "{title}"]],
        ),
        ({"priority_map": {"high": 1}}, [["'priority_map'", "'default'"]]),
        (
            {"summary": "{priority}", "priority_map": {"default": {"a": "b"}}},
            [["summary", "{priority}", "mappings of fields"]],
        ),
        ({"summary": "{owner} {number} {source_name_html} {created_at}", "fields": {"a": "{alerts}"}}, []),
        ({"fields": {"a": "{priority} {portal_url}"}, "priority_map": {"default": 1}, "portal_url": "https://p"}, []),
    ],
)
def test_invalid_texts_are_refused(values, facts):
    assert_messages(template_problems([], values), *facts)


@pytest.mark.parametrize("name", ["alerts", "priority", "portal_url"])
def test_invalid_text_of_an_entry_is_refused(name):
    (message,) = template_problems([ENTRY, {**ENTRY, "summary": f"{{{name}}}"}], {})
    assert_message(message, "summary of incident 2 of 2 (61024)", f"{{{name}}}")


@pytest.mark.parametrize("name", ["owner", "number", "created_at", "source_name", "portal_url", "priority"])
def test_summary_that_identifies_a_ticket_contains_no_details(name):
    summary = f"{{incident_id}} {{workspace_id}} {{{name}}}"
    (message,) = ticket_problems([ENTRY], {**VALUES, "reference_field": None, "summary": summary})
    assert_message(message, "'reference_field'", f"{{{name}}}", "1 of 1", "61024")
    assert ticket_problems([ENTRY], {**VALUES, "summary": summary}) == []


def test_summary_contains_numbers_and_addresses_in_full_or_not_at_all():
    record = {"title": "t" * 300, "number": "n" * 60, "sourceDisplayName": "s" * 60}
    summary = "{number} {portal_url} {title} {source_name}"
    address = "https://p.example/{incident_id}/" + "x" * 100
    made = ticket(record=record, summary=summary, portal_url=address)["summary"]
    assert made.startswith(f"{'n' * 60} https://p.example/61024/{'x' * 100} ttt")
    assert len(made) <= 255
    made = ticket(record=record, summary=summary, portal_url=address + "x" * 200)["summary"]
    # Shortened, an address would lead to another page.
    assert "https" not in made


def test_values_of_variables_are_not_templates():
    """Only the summary and the fields are checked for unknown placeholders."""
    form = {**FORM, "values": [{"names": ["offer"], "field": "Offer"}]}
    built = build({**ENTRY, "record": RECORD}, {"offer": "{title}", "fields": {"a": "{title}"}}, form)
    assert built["fields"] == {"Offer": "{title}", "a": "Ransomware on FS01"}


PARTS = st.sampled_from(["{", "}", "title", "{title}", "{source}", "{title_html}", "\\1", "\\g<0>"])


@given(st.lists(PARTS, max_size=9).map("".join))
def test_placeholders_in_inserted_texts_are_kept(text):
    made = ticket(record={"title": text, "severity": text}, summary="a {title} b {source} {severity} c")
    shown = " ".join(text.split())
    assert made["summary"] == f"a {shown} b DefenderXDR {shown} c"


@pytest.mark.parametrize(
    "record, title",
    [
        ({"title": " a\r\n\tb\u2028c "}, "a b c"),
        ({"title": "", "name": "n"}, "n"),
        *[({"title": missing}, "") for missing in (None, "", " \n\u2003", 7, ["a"])],
        ({}, ""),
    ],
)
def test_missing_title_is_replaced_in_fields_only(record, title):
    fields = {"Text": "{title}", "Rich": "{title_html}"}
    made = ticket(record=record, summary="<{title}{severity}>", fields=fields)
    assert made["summary"] == f"<{title}>"
    assert (made["fields"]["Text"], made["fields"]["Rich"]) == (title or "(no title)",) * 2
    assert ticket(record=record, summary="{title}")["summary"] == (title or f"{IDENTIFIED}: ")


class Tags(HTMLParser):
    """Collect the tags and the text of an HTML text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Collect a tag."""
        self.tags.append(tag)

    def handle_data(self, data):
        """Collect a text."""
        self.text += data


@given(st.text(alphabet=st.sampled_from("<>&\"'/= abscript;#39!-")))
def test_title_html_contains_no_markup(title):
    made = ticket(record={"title": title}, fields={"Description": "<p title='{title_html}'>{title_html}</p>"})
    found = Tags(made["fields"]["Description"])
    assert (found.tags, found.text) == (["p"], " ".join(title.split()) or "(no title)")


def test_placeholders_are_documented():
    page = Path(__file__).resolve().parents[4] / "docs" / "docsite" / "rst" / "runbook_open_ticket.rst"
    listed = page.read_text(encoding="utf-8").split("\nPlaceholders\n")[1].split("\nAny other")[0]
    assert set(re.findall(r"``(\{\w+\})``", listed)) == set(PLACEHOLDERS)
    assert set(re.findall(r"C\((\{\w+\})\)", DOCUMENTATION)) == set(PLACEHOLDERS)


# --- summary --------------------------------------------------------------------------------------------------------

#: Characters that a service, a terminal or a database may refuse, and some ordinary ones.
LETTERS = [
    *"\x00\x07\x1b\x7f\x85\x9b\n\t\ud800\u061c\u200b\u202e\u2066\u2028\ufeff\ufffe\U000e0041",
    *"a {}&<\u2026\U0001f525",
]


@given(
    st.text(st.sampled_from(LETTERS)).map(lambda part: part * 30),
    st.sampled_from(["", "{title}", "{title} {incident_id}\x1b\n{title_html} {workspace_id} {severity}{title}"]),
    st.booleans(),
)
def test_summary_is_always_valid(title, template, has_reference):
    """The module accepts the summary, which contains the identity in full."""
    reference_field = "Reference" if has_reference else None
    made = ticket(record={"title": title, "severity": title}, summary=template, reference_field=reference_field)
    summary = parse_options(made).summary
    assert summary is not None
    assert len(summary.encode("utf-16-le")) <= 2 * 255
    assert {unicodedata.category(letter) for letter in summary}.isdisjoint({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
    identity = {"61024", WORKSPACE} if template.count("{") > 1 or not has_reference else {"61024"}
    if template != "{title}":
        assert all(word in summary for word in identity)
    assert made["fields"] == (REFERENCE if has_reference else {})


@pytest.mark.parametrize("letter", "\x1b\x00\x9b\ud800\u202e\u200d\ue000\U000e0041", ids=ascii)
def test_invisible_characters_of_a_record_are_replaced(letter):
    record = {"title": f"a{letter}b", "severity": f"c{letter}d"}
    made = ticket(record=record, fields={"Text": "1\n\x1b2 {title} {severity}"})
    # The text of the user is kept.
    assert made["fields"]["Text"] == "1\n\x1b2 a\ufffdb c\ufffdd"
    assert made["summary"] == f"{IDENTIFIED}: a\ufffdb"


@pytest.mark.parametrize("more, end", [(0, "x"), (1, "\u2026"), (345, "\u2026")])
def test_only_a_long_title_is_shortened(more, end):
    title = "x" * (255 - len(f"{IDENTIFIED}: ") + more)
    summary = ticket(record={"title": title})["summary"]
    assert (len(summary), summary[-2:]) == (255, f"x{end}")
    assert summary.startswith(f"{IDENTIFIED}: x")


def test_title_is_shortened_rather_than_the_identity():
    fire = "\U0001f525"
    summary = "{title} | {title_html} | {incident_id} {workspace_id}"
    made = ticket(record={"title": f"<{fire}" * 100}, summary=summary)["summary"]
    assert re.fullmatch(f"[<{fire}]+\u2026 \\| (&lt;|{fire})+\u2026 \\| 61024 {WORKSPACE}", made)
    assert 240 < len(made.encode("utf-16-le")) / 2 <= 255
    made = ticket(record={"title": fire * 5000}, fields={"Description": "<p>{title}</p>"})
    assert made["fields"]["Description"] == f"<p>{fire * 127}\u2026</p>"


@pytest.mark.parametrize("reference_field", ["Reference", None])
@pytest.mark.parametrize("has_workspace", [True, False])
def test_summary_that_is_too_long_without_title_is_refused(has_workspace, reference_field):
    entry = {name: value for name, value in ENTRY.items() if has_workspace or name != "workspace_id"}
    template = "{source} {incident_id} {workspace_id} {title} {title_html} {severity}"
    spare = 255 - len(f"DefenderXDR 61024 {WORKSPACE}")
    values = {**VALUES, "reference_field": reference_field}
    assert ticket_problems([entry], {**values, "summary": "x" * (spare - 1) + f" {template}"}) == []
    found = ticket_problems([entry], {**values, "summary": "x" * spare + f" {template}"})
    assert_messages(found, ["1 of 1", "61024", 256, 255, "TK-A19", "'summary'"])


@pytest.mark.parametrize(
    "entry, values, summary",
    [
        ({}, {}, f"{IDENTIFIED}: Ransomware on FS01"),
        *[({}, {"reference_field": empty}, f"{IDENTIFIED} in workspace {WORKSPACE}") for empty in (None, "")],
        ({}, {"summary": "for all"}, "for all"),
        ({"summary": "own {incident_id}"}, {"summary": "for all"}, "own 61024"),
        ({"summary": 7}, {}, "7"),
    ],
)
def test_summary_of_an_entry_overrides_the_variable(entry, values, summary):
    assert ticket(entry, **values)["summary"] == summary


# --- fields and identity --------------------------------------------------------------------------------------------


def test_fields_of_an_entry_override_the_variable():
    made = ticket({"fields": {"Urgency": "low"}}, fields={"Urgency": "high", "Team": "a"}, reference_field=None)
    assert made["fields"] == {"Urgency": "low", "Team": "a"}
    assert ticket({"fields": {"Reference": "own"}}, fields={"Reference": "for all"})["fields"] == REFERENCE
    assert build_ticket(ENTRY, VALUES)["fields"] == REFERENCE
    made = ticket({"fields": {"a": "{alerts}"}}, fields={"Reference": "{alerts}"}, ignore_fields=["b"])
    assert (made["fields"], made["ignore_fields"]) == ({"a": "", **REFERENCE}, ["b", "a"])


@pytest.mark.parametrize("values", [{}, {"reference_field": None}])
def test_identity_does_not_depend_on_case(values):
    """Otherwise, a later run would not find the ticket and open another one."""
    typed = [SENTINEL, {**SENTINEL, "workspace_id": WORKSPACE.upper()}, {**SENTINEL, "incident_id": UUID.upper()}]
    tickets = runbook_tickets([{**entry, "record": RECORD} for entry in typed], {**VALUES, **values})
    assert tickets == [tickets[0]] * 3


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
def test_entry_overrides_variables_and_id_overrides_name(entry, values, expected):
    assert ticket_target(entry, values) == expected


@pytest.mark.parametrize(
    "change, is_valid",
    [
        *[({}, True), ({"offer": None, "offer_id": 1}, True), ({"reference_field": None}, True)],
        *[({"team_id": None}, False), ({"offer": None}, False), ({"team_id": ""}, False)],
    ],
)
def test_team_and_offer_are_required_without_a_ticket(change, is_valid):
    found = ticket_problems([{**ENTRY, "ticket_id": "1"}, ENTRY, {}], {**VALUES, **change})
    facts = ["2 of 3", "61024", "'team_id'", "'offer'", "'offer_id'", "'ticket_id'"]
    assert_messages(found, *([] if is_valid else [facts]))


@pytest.mark.parametrize(
    "summary, is_valid",
    [
        *[
            ("{incident_id} {workspace_id}", True),
            (f"61024 of {WORKSPACE}", True),
            (f"{{incident_id}} {WORKSPACE}", True),
        ],
        *[("{incident_id}", False), ("{workspace_id}", False), ("{title}", False)],
    ],
)
def test_summary_without_reference_field_needs_the_identity(summary, is_valid):
    found = ticket_problems([ENTRY], {**VALUES, "reference_field": None, "summary": summary})
    assert bool(found) is not is_valid
    for message in found:
        assert_message(message, "'reference_field'", "{incident_id}", "{workspace_id}", "1 of 1", "61024", summary)
    assert ticket_problems([ENTRY], {**VALUES, "summary": summary}) == []
