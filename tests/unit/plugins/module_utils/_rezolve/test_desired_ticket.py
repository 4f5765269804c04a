# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the options of a ticket, and resolve them through the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    FOR_NEW,
    SENT_AS_IS,
    TEXTS,
    ResolvedTicket,
    Wanted,
    parse_options,
    resolve_existing,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import Identity
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


def parse_failure(options: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        parse_options(options)
    assert caught.value.category == "configuration"
    return caught.value.message


def resolved(service: MemoryTicketing | None = None, **changes: Any) -> ResolvedTicket:
    return resolve_new(service or MemoryTicketing(), parse_options(task(**changes)))


def identity(**changes: Any) -> Identity:
    found = resolved(**changes).identity
    assert found is not None
    return found


def failure(service: MemoryTicketing | None = None, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        resolved(service, **changes)
    return caught.value


def resolve_named(service: MemoryTicketing, **options: Any) -> ResolvedTicket:
    service.add(SUMMARY, {})
    wanted = parse_options({"object_id": "CTC-0054", **options})
    return resolve_existing(service, wanted, service._shown(service.tickets["CTC-0054"]))


# --- options --------------------------------------------------------------------------------------------------------


def test_options_of_a_new_ticket():
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


@pytest.mark.parametrize("empty", [None, "", " "], ids=repr)
def test_empty_options_have_their_defaults(empty):
    options = {
        **dict.fromkeys(TEXTS, empty),
        "object_id": " CTC-0041 ",
        "fields": None,
        "unique_by": None if empty is None else ["", " "],
        "ignore_fields": [],
        "attachments": None,
        "ticket_relation": {},
        "source": empty,
        "include_done": None,
    }
    wanted = parse_options(options)
    assert wanted == Wanted(object_id="CTC-0041")
    assert (wanted.unique_by, wanted.source, wanted.ticket_relation) == (("summary",), "api", None)
    assert str(wanted) == "ticket CTC-0041"


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"team_id": None}, ["Add team_id", "object_id"]),
        ({"summary": " "}, ["Add summary", "object_id"]),
        ({"offer": ""}, ["Add offer_id", "offer", "object_id"]),
        ({"team_id": "", "summary": "", "offer": ""}, ["Add team_id", "summary", "offer_id", "offer", "object_id"]),
        *(
            ({"summary": f"two{letter}lines"}, ["summary", "control character", code, "one line"])
            for letter, code in (
                ("\n", "U+000A"),
                ("\x1b[2J\x07", "U+001B"),
                ("\u2028", "U+2028"),
                ("\ud800", "U+D800"),
            )
        ),
        ({"attachments": {"a": float("nan")}}, ["attachments", "JSON"]),
        ({"ticket_relation": {"a": {1, 2}}}, ["ticket_relation", "JSON"]),
        ({"offer_id": "23640"}, ["offer", "offer_id", "mutually exclusive"]),
        ({"item_type_id": "16920"}, ["item_type", "item_type_id", "mutually exclusive"]),
        ({"object_id": "None"}, ["object_id", "'None'"]),
        ({"team_id": " null "}, ["team_id", "'null'"]),
        ({"offer": None, "offer_id": "None"}, ["offer_id", "'None'"]),
        ({"item_type": None, "item_type_id": "None"}, ["item_type_id", "'None'"]),
        ({"summary": "None", "unique_by": ["summary"]}, ["summary", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", "seconds", 0]),
    ],
    ids=ascii,
)
def test_invalid_options_are_refused(changes, facts):
    assert_message(parse_failure({**task(), **changes}), *facts)


@pytest.mark.parametrize("name", [*FOR_NEW, *SENT_AS_IS])
def test_options_of_a_new_ticket_exclude_object_id(name):
    message = parse_failure({"object_id": "CTC-1", name: {"a": 1} if name in SENT_AS_IS else "a"})
    assert_message(message, name, "object_id")
    assert not any(has_fact(message, other) for other in {*FOR_NEW, *SENT_AS_IS} - {name})


@pytest.mark.parametrize("name", ["item_type", "item_type_id"])
def test_ticket_type_may_be_set_with_object_id(name):
    assert getattr(parse_options({"object_id": "CTC-1", name: "a"}), name) == "a"


# Alert titles that were copied from a page contain such characters.
@pytest.mark.parametrize(
    "letter", ["\N{NO-BREAK SPACE}", "\N{SOFT HYPHEN}", "\N{ZERO WIDTH JOINER}", "\ue000"], ids=ascii
)
def test_summary_may_contain_formatting_characters(letter):
    summary = f"Credential dumping{letter}on SRV-DC02"
    assert parse_options(task(summary=summary)).summary == summary


# --- a new ticket ---------------------------------------------------------------------------------------------------


def test_request_contains_all_values_and_keys():
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
    assert (found.values, found.ignored) == (values, {DESCRIPTION})
    assert found.ticket_type is not None
    assert found.ticket_type.id == "16920"
    body = resolved().body
    assert list(body) == list(found.body)
    assert (body["source"], body["attachments"], body["ticketRelation"]) == ("api", {}, None)


@pytest.mark.parametrize(
    "unique_by, text, names",
    [
        (["summary", "Incident Reference"], SUMMARY, [REFERENCE]),
        (["Incident Reference", "summary"], "SEN-7c2a1e8f", [REFERENCE]),
        (["Affected Hosts", "Incident Reference"], "3", [HOSTS, REFERENCE]),
    ],
    ids=repr,
)
def test_first_entry_of_unique_by_is_searched_for(unique_by, text, names):
    found = identity(unique_by=unique_by, fields={"Affected Hosts": "3"})
    assert (found.text, found.title, [kind.id for kind, _value in found.values]) == (text, SUMMARY, names)
    assert found.summary == (SUMMARY if "summary" in unique_by else None)
    assert found.location == {"team_id": "soc", "item_type_id": "16920", "offer_id": "23640"}


def test_full_text_of_a_search_contains_all_words():
    reference = "QRadar 12 3f2b8c1e-1111-4222-8333-44445555000a"
    found = identity(fields={"Incident Reference": reference})
    assert (found.text, found.full_text) == ("12", reference)


@pytest.mark.parametrize(
    "fields, selected",
    [
        ({"Status": "resolved"}, [(URGENCY, "high"), (STATUS, "Resolved")]),
        ({"Responder": "a", "Where": {"a": 1}}, [(URGENCY, "high"), (RESPONDER, "a"), (WHERE, {"a": 1})]),
        ({"Root Cause": "Resolved", "Tactics": ["Impact"], "Affected Hosts": 1}, [(URGENCY, "high")]),
    ],
    ids=repr,
)
def test_status_is_a_field_with_options_or_of_an_unknown_type(fields, selected):
    assert [(kind.id, value) for kind, value in identity(fields=fields).selected] == selected


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
def test_ticket_type_is_the_requested_one_or_that_of_the_offer(changes, requests):
    service = MemoryTicketing()
    found = resolved(service, **changes)
    assert found.ticket_type is not None
    assert (found.ticket_type.id, found.body["ticketBody"]["offerId"]) == ("16920", "23640")
    assert service.calls == requests


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"offer": "New laptop"}, ["16910", "16920"]),
        ({"offer": "Anything else", "item_type": None}, ["23660", "item_type_id"]),
        ({"fields": {"Impact": "a"}}, ["fields", "'Impact'", 2]),
        ({"unique_by": ["Reference"]}, ["unique_by", "'Reference'", "Security Incident"]),
        ({"unique_by": ["Responder"]}, ["unique_by", "'Responder'", "fields", "value"]),
        ({"unique_by": ["Due Date"], "fields": {"Due Date": None}}, ["unique_by", "'Due Date'", "fields", "value"]),
        ({"unique_by": ["Contained"], "fields": {"Contained": True}}, ["unique_by", "'Contained'", "text", "number"]),
        ({"unique_by": ["Tactics"], "fields": {"Tactics": ["Impact"]}}, ["unique_by", "'Tactics'", "text", "number"]),
        ({"unique_by": ["Where"], "fields": {"Where": {"a": 1}}}, ["unique_by", "'Where'", "text", "number"]),
        *(
            ({"unique_by": [name], "fields": {name: value}}, ["unique_by", repr(name), "spelling", "search"])
            for name, value in (("Detected At", "2026-11-21T02:40:00Z"), ("Due Date", "2026-11-21"))
        ),
        ({"fields": {"Incident Reference": "None"}}, ["'Incident Reference'", "'None'"]),
        ({"ignore_fields": ["Descripton"]}, ["ignore_fields", "'Descripton'", "Security Incident", "'Description'"]),
    ],
    ids=repr,
)
def test_options_that_do_not_fit_the_catalog_are_refused(changes, facts):
    error = failure(**changes)
    assert error.category == "configuration"
    assert_message(error.message, *facts)


def test_missing_required_field_is_refused():
    wanted = parse_options({**task(unique_by=["summary"]), "fields": {}})
    with pytest.raises(ApiError) as caught:
        resolve_new(MemoryTicketing(), wanted)
    assert_message(caught.value.message, "fields", "'Incident Reference'", "Security Incident")


@pytest.mark.parametrize("kind", ["richtext", "RichText", "rich_text", "Rich-Text", "HTML"])
def test_rich_text_is_refused_in_unique_by(kind):
    fields = [{**entry, "type": kind} if entry["id"] == DESCRIPTION else entry for entry in INCIDENT["fields"]]
    service = MemoryTicketing(types=[{**INCIDENT, "fields": fields}])
    error = failure(service, unique_by=["Description"], fields={"Description": "a"})
    assert error.category == "configuration"
    assert_message(error.message, "unique_by", "'Description'", "spelling", "search")


@pytest.mark.parametrize(
    "name, value",
    [("Affected Hosts", float("nan")), ("Where", {"lat": [float("-inf")]}), ("Root Cause", "a\udfffb")],
    ids=ascii,
)
def test_values_that_json_cannot_represent_are_refused(name, value):
    service = MemoryTicketing()
    error = failure(service, fields={name: value})
    assert error.category == "configuration"
    assert_message(error.message, "fields", "JSON")
    assert set(service.calls) == {"ticket_types", "offers"}


# --- a ticket with object_id ----------------------------------------------------------------------------------------


def test_ticket_without_fields_needs_no_catalog():
    service = MemoryTicketing()
    assert resolve_named(service) == ResolvedTicket()
    assert service.calls == []


@pytest.mark.parametrize("options", [{}, {"item_type_id": "16920"}, {"item_type": "security incident"}], ids=repr)
def test_fields_of_an_existing_ticket_are_resolved(options):
    # Required fields may be omitted.
    fields = {"Urgency": "Low", "Due Date": "2026-11-21"}
    found = resolve_named(MemoryTicketing(), fields=fields, ignore_fields=["Due Date"], **options)
    assert found.ticket_type is not None
    assert (found.ticket_type.id, found.values, found.ignored) == (
        "16920",
        {URGENCY: "low", DUE: "2026-11-21"},
        {DUE},
    )
    assert (found.identity, found.body) == (None, {})


def test_existing_ticket_of_another_type_is_refused():
    with pytest.raises(ApiError) as caught:
        resolve_named(MemoryTicketing(), fields={"Model": "a"}, item_type="Hardware Request")
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "CTC-0054", "16920", "16910", "Hardware Request")


def test_existing_ticket_that_hides_its_type_needs_one():
    with pytest.raises(ApiError) as caught:
        resolve_named(MemoryTicketing(shows_place=False), fields={"Urgency": "low"})
    assert caught.value.category == "contract"
    assert_message(caught.value.message, "CTC-0054", "ticket type", "fields", "item_type_id")
    for options in ({"item_type_id": "16920"}, {"item_type": "Security Incident"}):
        found = resolve_named(MemoryTicketing(shows_place=False), fields={"Urgency": "low"}, **options)
        assert found.values == {URGENCY: "low"}
