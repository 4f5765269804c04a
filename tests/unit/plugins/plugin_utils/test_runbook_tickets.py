# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticket that a runbook opens for an incident."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_tickets import runbook_tickets
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import (
    filled,
    own_of,
    placeholders,
    problems_of_tickets,
    ticket_of,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
UUID = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ENTRY = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
SENTINEL = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": UUID}
RECORD = {"title": "Ransomware on FS01", "severity": "High"}
VALUES = {"team_id": "soc", "offer": "Report a security incident", "reference_field": "Reference", "fields": {}}
ALL = "{source} {incident_id} {workspace_id} {severity} {title}"


def ticket(entry=None, record=None, **values):
    """The ticket of an incident."""
    return ticket_of({**ENTRY, **(entry or {}), "record": RECORD if record is None else record}, {**VALUES, **values})


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
    "text", ["{titel}", "{}", "{ title }", "{TITLE}", "{title", "{title!r}", "{title.__class__}", "{0}", "%s"]
)
def test_other_braces_stay(text):
    assert ticket(summary=text)["summary"] == text


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
    assert ticket_of(ENTRY, VALUES)["summary"] == "DefenderXDR incident 61024: "


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
    assert seen.text == " ".join(title.split())


def test_title_html_escapes_once():
    assert placeholders(ENTRY, {"title": "a & <b>"})["{title_html}"] == "a &amp; &lt;b&gt;"


def test_a_template_is_not_changed():
    template = {"a": ["{title}"]}
    filled(template, placeholders(ENTRY, RECORD))
    assert template == {"a": ["{title}"]}


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
    assert own_of(entry, values) == expected


def test_a_ticket_has_what_the_module_takes():
    made = ticket({"offer_id": 5, "comment": "not for the ticket"})
    assert set(made) == {"team_id", "offer_id", "summary", "fields"}


# --- what is missing ------------------------------------------------------------------------------------------------


def test_nothing_is_missing():
    assert problems_of_tickets([ENTRY], VALUES) == []
    assert problems_of_tickets([{**ENTRY, "offer_id": 1}], {"team_id": "soc", "reference_field": "Reference"}) == []
    assert problems_of_tickets([ENTRY], {**VALUES, "reference_field": None}) == []


@pytest.mark.parametrize("values", [{"team_id": None}, {"offer": None}, {"team_id": ""}])
def test_a_team_and_an_offer_are_needed(values):
    (told,) = problems_of_tickets([{**ENTRY, "ticket_id": "1"}, ENTRY], {**VALUES, **values})
    assert told.startswith("To open the ticket of incident 2 of 2 (61024), set 'team_id' and 'offer' (or 'offer_id')")


def test_what_has_a_ticket_or_no_identifier_is_not_asked():
    assert problems_of_tickets([{**ENTRY, "ticket_id": "1"}, {}], {}) == []


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
    told = problems_of_tickets([ENTRY], {**VALUES, "reference_field": None, "summary": summary})
    assert (told == []) is is_fine
    if told:
        assert told[0].endswith(f"the one for incident 61024 does not: {summary}")
    assert problems_of_tickets([ENTRY], {**VALUES, "summary": summary}) == []
