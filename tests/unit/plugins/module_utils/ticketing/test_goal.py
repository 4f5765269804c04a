# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ticket is to be: the options, and what the catalog makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.goal import (
    TEXTS,
    Goal,
    Wanted,
    goal_for_named,
    goal_for_new,
    wanted_from,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.ticketing.memory_api import (
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
        wanted_from(options)
    assert caught.value.category == "configuration"
    return caught.value.message


def goal(service: MemoryTicketing | None = None, **changes: Any) -> Goal:
    return goal_for_new(service or MemoryTicketing(), wanted_from(task(**changes)))


def stopped(service: MemoryTicketing | None = None, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        goal(service, **changes)
    return caught.value


def named_goal(service: MemoryTicketing, **options: Any) -> Goal:
    wanted = wanted_from({"object_id": "CTC-0054", **options})
    return goal_for_named(service, wanted, service._shown(service.tickets["CTC-0054"]))


# --- options --------------------------------------------------------------------------------------------------------


def test_what_is_wanted_of_a_new_ticket():
    wanted = wanted_from(
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
    wanted = wanted_from(
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
    assert wanted_from(task(unique_by=["", " "])).unique_by == ("summary",)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"team_id": None}, "add team_id, or object_id."),
        ({"summary": " "}, "add summary, or object_id."),
        ({"offer": ""}, "add offer_id (or offer), or object_id."),
        ({"team_id": "", "summary": "", "offer": ""}, "add team_id, summary, offer_id (or offer), or object_id."),
        ({"summary": "two\nlines"}, "summary holds the control character U+000A; it must be one line of text without"),
        ({"summary": "a\x00b"}, "summary holds the control character U+0000; "),
        ({"summary": "a\x07b"}, "summary holds the control character U+0007; "),
        ({"summary": "a\x1b[2Jb\x07"}, "summary holds the control character U+001B; "),
        ({"summary": "a\u2028b"}, "summary holds the control character U+2028; "),
        ({"summary": "a\u2029b"}, "summary holds the control character U+2029; "),
        ({"summary": "a\ud800b"}, "summary holds the control character U+D800; "),
        ({"attachments": {"a": float("nan")}}, "attachments holds a number or a text that JSON cannot carry."),
        ({"ticket_relation": {"a": ["\ud800"]}}, "ticket_relation holds a number or a text that JSON cannot carry."),
        ({"ticket_relation": {"a": {1, 2}}}, "ticket_relation holds a number or a text that JSON cannot carry."),
        ({"offer_id": "23640"}, "offer and offer_id are both given: one of them says it."),
        ({"item_type_id": "16920"}, "item_type and item_type_id are both given: one of them says it."),
        ({"object_id": "CTC-1"}, "team_id, offer, summary: only for a ticket that is to be found or created"),
        ({"verify_timeout": -1}, "verify_timeout must be a number of seconds, or 0 for no read-back."),
    ],
    ids=ascii,
)
def test_options_that_do_not_go_together(changes, words):
    assert words in refused({**task(), **changes})


@pytest.mark.parametrize(
    "name, value",
    [
        *((name, "a") for name in ("team_id", "offer_id", "offer", "summary")),
        *((name, {"a": 1}) for name in ("attachments", "ticket_relation")),
    ],
)
def test_a_named_ticket_takes_nothing_that_only_a_new_one_has(name, value):
    assert refused({"object_id": "CTC-1", name: value}).startswith(f"{name}: only for a ticket that is to be found")


@pytest.mark.parametrize("name", ["item_type", "item_type_id"])
def test_a_named_ticket_may_have_its_type_named(name):
    assert getattr(wanted_from({"object_id": "CTC-1", name: "a"}), name) == "a"


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
    assert wanted_from(task(summary=summary)).summary == summary


# --- a new ticket ---------------------------------------------------------------------------------------------------


def test_the_request_that_creates_the_ticket():
    found = goal(
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
    assert found.kind is not None
    assert found.kind.id == "16920"


def test_a_request_without_attachments_and_relation_has_the_keys_all_the_same():
    body = goal().body
    assert list(body) == ["source", "summary", "ticketBody", "attachments", "ticketRelation"]
    assert (body["source"], body["attachments"], body["ticketRelation"]) == ("api", {}, None)


def test_the_identity():
    identity = goal(unique_by=["summary", "Incident Reference"]).identity
    assert identity is not None
    assert (identity.home, identity.summary) == (
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
    identity = goal(unique_by=unique_by, fields={"Affected Hosts": "3"}).identity
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
    identity = goal(fields=fields).identity
    assert identity is not None
    assert [(kind.id, value) for kind, value in identity.selected] == selected


def test_the_summary_does_not_count_unless_it_is_named():
    identity = goal().identity
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
    found = goal(service, **changes)
    assert found.kind is not None
    assert (found.kind.id, found.body["ticketBody"]["offerId"]) == ("16920", "23640")
    assert service.calls == requests


def test_an_offer_that_does_not_say_its_type_needs_one():
    error = stopped(offer="Anything else", item_type=None)
    assert error.category == "configuration"
    assert error.message == "Offer 23660 does not say its ticket type: add item_type_id."
    assert goal(offer="Anything else").body["ticketBody"]["offerId"] == "23660"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"offer": "New laptop"}, "opens tickets of type 16910, not 16920"),
        ({"item_type": "Incident"}, "item_type 'Incident' is no ticket type. Nearest: 'Security Incident'"),
        ({"fields": {"Impact": "a"}}, "'Impact' is the label of 2 fields"),
        ({"fields": {"Due Date": ""}}, "'Due Date' must be a date in ISO 8601"),
        ({"fields": {"Incident Reference": ""}}, "'Incident Reference' is required, and must not be empty."),
        ({"unique_by": ["Reference"]}, "unique_by: 'Reference' is no field of ticket type Security Incident."),
        ({"unique_by": ["Responder"]}, "unique_by names 'Responder', so fields must hold a value for it."),
        ({"unique_by": ["Due Date"], "fields": {"Due Date": None}}, "so fields must hold a value for it."),
        ({"unique_by": ["Contained"], "fields": {"Contained": True}}, "only a text or a number can be searched for."),
        ({"unique_by": ["Tactics"], "fields": {"Tactics": ["Impact"]}}, "only a text or a number can be searched for."),
        ({"unique_by": ["Where"], "fields": {"Where": {"a": 1}}}, "only a text or a number can be searched for."),
        ({"ignore_fields": ["Descripton"]}, "ignore_fields: 'Descripton' is no field of ticket type"),
    ],
    ids=repr,
)
def test_what_the_catalog_does_not_have_is_refused(changes, words):
    error = stopped(**changes)
    assert error.category == "configuration"
    assert words in error.message


def test_a_required_field_must_be_given():
    wanted = wanted_from({**task(unique_by=["summary"]), "fields": {}})
    with pytest.raises(ApiError) as caught:
        goal_for_new(MemoryTicketing(), wanted)
    assert caught.value.message.startswith("fields lacks 'Incident Reference'")


@pytest.mark.parametrize(
    "name, value", [("Detected At", "2026-11-21T03:40:00+01:00"), ("Due Date", "2026-11-21"), ("Description", "a")]
)
def test_what_the_service_may_spell_otherwise_cannot_be_searched_for(name, value):
    error = stopped(unique_by=[name], fields={name: value})
    assert error.category == "configuration"
    assert error.message == (
        f"unique_by names {name!r}, which the service may spell otherwise, so that the search would not find it again."
    )


@pytest.mark.parametrize("kind", ["RichText", "rich_text", "Rich-Text", "HTML"])
def test_rich_text_however_its_type_is_spelled_cannot_be_searched_for(kind):
    service = MemoryTicketing()
    service.types = [
        {**INCIDENT, "fields": [{**entry, "type": kind} if entry["id"] == DESCRIPTION else entry for entry in FIELDS]}
    ]
    error = stopped(service, unique_by=["Description"], fields={"Description": "a"})
    assert "which the service may spell otherwise" in error.message


#: Numbers and texts that no service can store, and that YAML has all the same.
NOT_CARRIED = [
    ("Affected Hosts", float("nan"), "JSON cannot carry."),
    ("Affected Hosts", ".nan", "must be a number, not '.nan'."),
    ("Affected Hosts", "nan", "must be a number, not 'nan'."),
    ("Affected Hosts", float("inf"), "JSON cannot carry."),
    ("Affected Hosts", float("-inf"), "JSON cannot carry."),
    ("Affected Hosts", "9" * 400, "must be a number, not '999"),
    ("Affected Hosts", "0." + "1" * 40, "must be a number, not '0.111"),
    ("Where", float("nan"), "JSON cannot carry."),
    ("Where", {"lat": [float("inf")]}, "JSON cannot carry."),
    ("Responder", "\ud800", "JSON cannot carry."),
    ("Root Cause", "a\udfffb", "JSON cannot carry."),
    ("", "a", "fields holds an empty name, which is that of no field."),
    (" ", "a", "fields holds an empty name, which is that of no field."),
]


@pytest.mark.parametrize("name, value, words", NOT_CARRIED, ids=[ascii(row[:2])[:40] for row in NOT_CARRIED])
def test_what_json_cannot_carry_is_refused_before_anything_but_the_catalog(name, value, words):
    service = MemoryTicketing()
    error = stopped(service, fields={name: value})
    assert error.category == "configuration"
    assert words in error.message
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
    assert named_goal(service) == Goal()
    assert service.calls == []


@pytest.mark.parametrize("options", [{}, {"item_type_id": "16920"}, {"item_type": "security incident"}], ids=repr)
def test_the_fields_of_a_named_ticket(options):
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    found = named_goal(
        service, fields={"Urgency": "Low", "Due Date": "2026-11-21"}, ignore_fields=["Due Date"], **options
    )
    assert found.kind is not None
    assert (found.kind.id, found.values, found.ignored) == (
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
    assert caught.value.message == "Ticket CTC-0054 is of type 16920, not 16910 (Hardware Request)."


def test_a_named_ticket_that_hides_its_type_needs_one():
    service = MemoryTicketing(shows_place=False)
    service.add(SUMMARY, {})
    with pytest.raises(ApiError) as caught:
        named_goal(service, fields={"Urgency": "low"})
    assert caught.value.category == "contract"
    assert caught.value.message == (
        "Ticket CTC-0054 does not show its ticket type, by which fields are found: add item_type_id."
    )
    assert named_goal(service, fields={"Urgency": "low"}, item_type_id="16920").values == {URGENCY: "low"}
    assert named_goal(service, fields={"Urgency": "low"}, item_type="Security Incident").values == {URGENCY: "low"}


def test_required_fields_of_a_named_ticket_may_be_left_out():
    service = MemoryTicketing()
    service.add(SUMMARY, {})
    assert named_goal(service, fields={"Affected Hosts": 1}).values == {HOSTS: 1}
