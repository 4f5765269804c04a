# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ticket is to be: the options, and what the catalog makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    TEXTS,
    ResolvedTicket,
    Wanted,
    parse_options,
    resolve_existing,
    resolve_new,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    DESCRIPTION,
    DUE,
    HOSTS,
    INCIDENT,
    REFERENCE,
    RESPONDER,
    STATUS,
    SUMMARY,
    URGENCY,
    WHERE,
    MemoryTicketing,
    task,
)

FIELDS = INCIDENT["fields"]


def refused(options: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        parse_options(options)
    assert caught.value.category == "configuration"
    return caught.value.message


def resolved(service: MemoryTicketing | None = None, **changes: Any) -> ResolvedTicket:
    return resolve_new(service or MemoryTicketing(), parse_options(task(**changes)))


def stopped(service: MemoryTicketing | None = None, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        resolved(service, **changes)
    return caught.value


def named_goal(service: MemoryTicketing, **options: Any) -> ResolvedTicket:
    wanted = parse_options({"object_id": "CTC-0054", **options})
    return resolve_existing(service, wanted, service._shown(service.tickets["CTC-0054"]))


# --- options --------------------------------------------------------------------------------------------------------


def test_what_is_wanted_of_a_new_ticket():
    wanted = parse_options(
        {
            **task(),
            "team_id": " soc ",
            "unique_by": [" Incident Reference ", "", "summary", "summary"],
            "include_done": True,
            "ignore_fields": ["Description", " "],
            "attachments": {"a": 1},
            "ticket_relation": {"parent": "CTC-1"},
            "source": " runbook ",
        }
    )
    assert wanted == Wanted(
        team_id="soc",
        item_type="Security Incident",
        offer="Report a security incident",
        summary=SUMMARY,
        fields={"Incident Reference": "SEN-7c2a1e8f", "Urgency": "High"},
        unique_by=("Incident Reference", "summary"),
        include_done=True,
        ignore_fields=("Description",),
        attachments={"a": 1},
        ticket_relation={"parent": "CTC-1"},
        source="runbook",
    )
    assert str(wanted) == f"ticket {SUMMARY!r} (team soc)"


@pytest.mark.parametrize("blank", [None, "", " "], ids=repr)
def test_what_is_empty_counts_as_not_given(blank):
    empty = dict.fromkeys(TEXTS, blank)
    wanted = parse_options(
        {
            **empty,
            "object_id": " CTC-0041 ",
            "fields": None,
            "unique_by": None,
            "ignore_fields": [],
            "attachments": None,
            "ticket_relation": {},
            "source": blank,
            "include_done": None,
        }
    )
    assert wanted == Wanted(object_id="CTC-0041")
    assert (wanted.unique_by, wanted.source, wanted.ticket_relation) == (("summary",), "api", None)
    assert str(wanted) == "ticket CTC-0041"


def test_unique_by_that_a_survey_left_empty_is_the_summary():
    assert parse_options(task(unique_by=["", " "])).unique_by == ("summary",)


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"team_id": None}, ["add team_id", "object_id"]),
        ({"summary": " "}, ["add summary", "object_id"]),
        ({"offer": ""}, ["add offer_id", "offer", "object_id"]),
        ({"team_id": "", "summary": "", "offer": ""}, ["team_id", "summary", "offer_id", "offer", "object_id"]),
        ({"summary": "two\nlines"}, ["summary", "control character", "U+000A", "one line"]),
        ({"summary": "a\x00b"}, ["summary", "control character", "U+0000"]),
        ({"summary": "a\x07b"}, ["summary", "control character", "U+0007"]),
        ({"summary": "a\x1b[2Jb\x07"}, ["summary", "control character", "U+001B"]),
        ({"summary": "a\u2028b"}, ["summary", "control character", "U+2028"]),
        ({"summary": "a\u2029b"}, ["summary", "control character", "U+2029"]),
        ({"summary": "a\ud800b"}, ["summary", "control character", "U+D800"]),
        ({"attachments": {"a": float("nan")}}, ["attachments", "JSON"]),
        ({"ticket_relation": {"a": ["\ud800"]}}, ["ticket_relation", "JSON"]),
        ({"ticket_relation": {"a": {1, 2}}}, ["ticket_relation", "JSON"]),
        ({"offer_id": "23640"}, ["offer", "offer_id", "both"]),
        ({"item_type_id": "16920"}, ["item_type", "item_type_id", "both"]),
        ({"object_id": "CTC-1"}, ["team_id, offer, summary", "object_id"]),
        ({"object_id": "None"}, ["object_id", "'None'"]),
        ({"team_id": " null "}, ["team_id", "'null'"]),
        ({"offer": None, "offer_id": "None"}, ["offer_id", "'None'"]),
        ({"item_type": None, "item_type_id": "None"}, ["item_type_id", "'None'"]),
        ({"summary": "None", "unique_by": ["summary"]}, ["summary", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", "seconds", 0]),
    ],
    ids=ascii,
)
def test_options_that_do_not_go_together(changes, facts):
    assert_message(refused({**task(), **changes}), *facts)


@pytest.mark.parametrize(
    "name, value",
    [
        *((name, "a") for name in ("team_id", "offer_id", "offer", "summary")),
        *((name, {"a": 1}) for name in ("attachments", "ticket_relation")),
    ],
)
def test_a_named_ticket_takes_nothing_that_only_a_new_one_has(name, value):
    message = refused({"object_id": "CTC-1", name: value})
    assert_message(message, name, "object_id")
    others = {"team_id", "offer_id", "offer", "summary", "attachments", "ticket_relation"} - {name}
    assert not any(has_fact(message, other) for other in others)


@pytest.mark.parametrize("name", ["item_type", "item_type_id"])
def test_a_named_ticket_may_have_its_type_named(name):
    assert getattr(parse_options({"object_id": "CTC-1", name: "a"}), name) == "a"


# Alert titles that were copied from a page hold such things.
@pytest.mark.parametrize(
    "letter",
    [
        "\N{NO-BREAK SPACE}",
        "\N{NARROW NO-BREAK SPACE}",
        "\N{SOFT HYPHEN}",
        "\N{ZERO WIDTH JOINER}",
        "\N{RIGHT-TO-LEFT MARK}",
        "\N{PILE OF POO}",
        "\ue000",
    ],
    ids=ascii,
)
def test_what_is_no_control_character_is_taken(letter):
    summary = f"Credential dumping{letter}on SRV-DC02"
    assert parse_options(task(summary=summary)).summary == summary


# --- a new ticket ---------------------------------------------------------------------------------------------------


def test_the_request_that_creates_the_ticket():
    found = resolved(
        fields={"Affected Hosts": "2", "Description": "<p>a</p>"},
        attachments={"a": {}},
        ticket_relation={"parent": "CTC-1"},
        source="runbook",
        ignore_fields=["description"],
    )
    values = {REFERENCE: "SEN-7c2a1e8f", URGENCY: "high", HOSTS: 2, DESCRIPTION: "<p>a</p>"}
    assert found.body == {
        "source": "runbook",
        "summary": SUMMARY,
        "ticketBody": {"offerId": "23640", **values},
        "attachments": {"a": {}},
        "ticketRelation": {"parent": "CTC-1"},
    }
    assert found.values == values
    assert found.ignored == {DESCRIPTION}
    assert found.ticket_type is not None
    assert found.ticket_type.id == "16920"


def test_a_request_without_attachments_and_relation_has_the_keys_all_the_same():
    body = resolved().body
    assert list(body) == ["source", "summary", "ticketBody", "attachments", "ticketRelation"]
    assert (body["source"], body["attachments"], body["ticketRelation"]) == ("api", {}, None)


def test_the_identity():
    identity = resolved(unique_by=["summary", "Incident Reference"]).identity
    assert identity is not None
    assert (identity.location, identity.summary) == (
        {"team_id": "soc", "item_type_id": "16920", "offer_id": "23640"},
        SUMMARY,
    )
    assert [(kind.id, value) for kind, value in identity.values] == [(REFERENCE, "SEN-7c2a1e8f")]
    # A text is no option, so whatever it says is no status either.
    assert [(kind.id, value) for kind, value in identity.selected] == [(URGENCY, "high")]


@pytest.mark.parametrize(
    "unique_by, text",
    [
        (["summary", "Incident Reference"], SUMMARY),
        (["Incident Reference", "summary"], "SEN-7c2a1e8f"),
        (["Affected Hosts", "Incident Reference"], "3"),
    ],
    ids=repr,
)
def test_the_first_entry_of_unique_by_is_searched_for(unique_by, text):
    identity = resolved(unique_by=unique_by, fields={"Affected Hosts": "3"}).identity
    assert identity is not None
    assert identity.text == text
    assert identity.summary == (SUMMARY if "summary" in unique_by else None)


@pytest.mark.parametrize(
    "fields, selected",
    [
        ({"Status": "resolved"}, [(URGENCY, "high"), (STATUS, "Resolved")]),
        ({"Responder": "a", "Where": {"a": 1}}, [(URGENCY, "high"), (RESPONDER, "a"), (WHERE, {"a": 1})]),
        ({"Root Cause": "Resolved", "Tactics": ["Impact"], "Affected Hosts": 1}, [(URGENCY, "high")]),
    ],
    ids=repr,
)
def test_only_a_field_with_options_or_of_an_unknown_type_may_be_the_status(fields, selected):
    identity = resolved(fields=fields).identity
    assert identity is not None
    assert [(kind.id, value) for kind, value in identity.selected] == selected


def test_the_summary_does_not_count_unless_it_is_named():
    identity = resolved().identity
    assert identity is not None
    assert (identity.summary, identity.text) == (None, "SEN-7c2a1e8f")


@pytest.mark.parametrize(
    "changes, requests",
    [
        ({"item_type": None}, ["offers", "ticket_types"]),
        ({"item_type": None, "item_type_id": "16920"}, ["ticket_types", "offers"]),
        ({}, ["ticket_types", "ticket_types", "offers"]),
        ({"offer": None, "offer_id": "23640", "item_type": None}, ["offers", "ticket_types"]),
    ],
    ids=repr,
)
def test_the_type_is_that_of_the_offer_or_named(changes, requests):
    service = MemoryTicketing()
    found = resolved(service, **changes)
    assert found.ticket_type is not None
    assert (found.ticket_type.id, found.body["ticketBody"]["offerId"]) == ("16920", "23640")
    assert service.calls == requests


def test_an_offer_that_does_not_say_its_type_needs_one():
    error = stopped(offer="Anything else", item_type=None)
    assert error.category == "configuration"
    assert_message(error.message, "23660", "item_type_id")
    assert resolved(offer="Anything else").body["ticketBody"]["offerId"] == "23660"


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"offer": "New laptop"}, ["16910", "16920"]),
        ({"item_type": "Incident"}, ["item_type", "'Incident'", "'Security Incident'"]),
        ({"fields": {"Impact": "a"}}, ["fields", "'Impact'", 2]),
        ({"fields": {"Due Date": ""}}, ["fields", "'Due Date'", "ISO 8601"]),
        ({"fields": {"Incident Reference": ""}}, ["fields", "'Incident Reference'", "required", "empty"]),
        ({"unique_by": ["Reference"]}, ["unique_by", "'Reference'", "Security Incident"]),
        ({"unique_by": ["Responder"]}, ["unique_by", "'Responder'", "fields", "value"]),
        ({"unique_by": ["Due Date"], "fields": {"Due Date": None}}, ["unique_by", "'Due Date'", "fields", "value"]),
        ({"unique_by": ["Contained"], "fields": {"Contained": True}}, ["unique_by", "'Contained'", "text", "number"]),
        ({"unique_by": ["Tactics"], "fields": {"Tactics": ["Impact"]}}, ["unique_by", "'Tactics'", "text", "number"]),
        ({"unique_by": ["Where"], "fields": {"Where": {"a": 1}}}, ["unique_by", "'Where'", "text", "number"]),
        ({"fields": {"Incident Reference": "None"}}, ["'Incident Reference'", "'None'"]),
        ({"ignore_fields": ["Descripton"]}, ["ignore_fields", "'Descripton'", "Security Incident", "'Description'"]),
    ],
    ids=repr,
)
def test_what_the_catalog_does_not_have_is_refused(changes, facts):
    error = stopped(**changes)
    assert error.category == "configuration"
    assert_message(error.message, *facts)


def test_a_required_field_must_be_given():
    wanted = parse_options({**task(unique_by=["summary"]), "fields": {}})
    with pytest.raises(ApiError) as caught:
        resolve_new(MemoryTicketing(), wanted)
    assert_message(caught.value.message, "fields", "'Incident Reference'", "Security Incident")


@pytest.mark.parametrize(
    "name, value", [("Detected At", "2026-11-21T03:40:00+01:00"), ("Due Date", "2026-11-21"), ("Description", "a")]
)
def test_what_the_service_may_spell_otherwise_cannot_be_searched_for(name, value):
    error = stopped(unique_by=[name], fields={name: value})
    assert error.category == "configuration"
    assert_message(error.message, "unique_by", repr(name), "spell", "search")


@pytest.mark.parametrize("kind", ["RichText", "rich_text", "Rich-Text", "HTML"])
def test_rich_text_however_its_type_is_spelled_cannot_be_searched_for(kind):
    service = MemoryTicketing()
    service.types = [
        {**INCIDENT, "fields": [{**entry, "type": kind} if entry["id"] == DESCRIPTION else entry for entry in FIELDS]}
    ]
    error = stopped(service, unique_by=["Description"], fields={"Description": "a"})
    assert error.category == "configuration"
    assert_message(error.message, "unique_by", "'Description'", "spell", "search")


#: Numbers and texts that no service can store, and that YAML has all the same.
NOT_CARRIED = [
    ("Affected Hosts", float("nan"), ["JSON"]),
    ("Affected Hosts", ".nan", ["'Affected Hosts'", "number", "'.nan'"]),
    ("Affected Hosts", "nan", ["'Affected Hosts'", "number", "'nan'"]),
    ("Affected Hosts", float("inf"), ["JSON"]),
    ("Affected Hosts", float("-inf"), ["JSON"]),
    ("Affected Hosts", "9" * 400, ["'Affected Hosts'", "number", f"'{'9' * 56}"]),
    ("Affected Hosts", "0." + "1" * 40, ["'Affected Hosts'", "number", f"'0.{'1' * 40}'"]),
    ("Where", float("nan"), ["JSON"]),
    ("Where", {"lat": [float("inf")]}, ["JSON"]),
    ("Responder", "\ud800", ["JSON"]),
    ("Root Cause", "a\udfffb", ["JSON"]),
    ("", "a", ["empty name"]),
    (" ", "a", ["empty name"]),
]


@pytest.mark.parametrize("name, value, facts", NOT_CARRIED, ids=[ascii(row[:2])[:40] for row in NOT_CARRIED])
def test_what_json_cannot_carry_is_refused_before_anything_but_the_catalog(name, value, facts):
    service = MemoryTicketing()
    error = stopped(service, fields={name: value})
    assert error.category == "configuration"
    assert_message(error.message, "fields", *facts)
    assert set(service.calls) == {"ticket_types", "offers"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=repr)
def test_no_number_is_written_as_its_name(value):
    assert stopped(fields={"Root Cause": value}).category == "configuration"


def test_a_number_of_absurd_length_is_refused_as_its_digits_are():
    assert stopped(fields={"Affected Hosts": int("9" * 400)}).category == "configuration"


# --- a named ticket -------------------------------------------------------------------------------------------------


def test_a_named_ticket_without_fields_needs_no_catalog():
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    assert named_goal(service) == ResolvedTicket()
    assert service.calls == []


@pytest.mark.parametrize("options", [{}, {"item_type_id": "16920"}, {"item_type": "security incident"}], ids=repr)
def test_the_fields_of_a_named_ticket(options):
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    found = named_goal(
        service, fields={"Urgency": "Low", "Due Date": "2026-11-21"}, ignore_fields=["Due Date"], **options
    )
    assert found.ticket_type is not None
    assert (found.ticket_type.id, found.values, found.ignored) == (
        "16920",
        {URGENCY: "low", DUE: "2026-11-21"},
        {DUE},
    )
    assert (found.identity, found.body) == (None, {})


def test_a_named_ticket_of_another_type_than_named():
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    with pytest.raises(ApiError) as caught:
        named_goal(service, fields={"Model": "a"}, item_type="Hardware Request")
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "CTC-0054", "16920", "16910", "Hardware Request")


def test_a_named_ticket_that_hides_its_type_needs_one():
    service = MemoryTicketing(shows_place=False)
    service.add(SUMMARY, {})
    with pytest.raises(ApiError) as caught:
        named_goal(service, fields={"Urgency": "low"})
    assert caught.value.category == "contract"
    assert_message(caught.value.message, "CTC-0054", "ticket type", "fields", "item_type_id")
    assert named_goal(service, fields={"Urgency": "low"}, item_type_id="16920").values == {URGENCY: "low"}
    assert named_goal(service, fields={"Urgency": "low"}, item_type="Security Incident").values == {URGENCY: "low"}


def test_required_fields_of_a_named_ticket_may_be_left_out():
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    assert named_goal(service, fields={"Affected Hosts": 1}).values == {HOSTS: 1}
