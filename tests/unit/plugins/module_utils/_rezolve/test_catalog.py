# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service catalog: what is read of it, and what is found in it by id or by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import (
    MAX_PAGES,
    TYPES_PER_PAGE,
    Choice,
    Field,
    Offer,
    TicketType,
    find_offer,
    find_ticket_type,
    nearest,
    offer_from,
    offers,
    ticket_type_from,
    ticket_types,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    INCIDENT,
    OFFERS,
    Fault,
    MemoryTicketing,
    answered,
)


def refusal(call: Any, *args: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args)
    return caught.value


# --- what is read ---------------------------------------------------------------------------------------------------


def test_a_ticket_type_with_as_little_as_an_id():
    assert ticket_type_from({"id": 16910}) == TicketType("16910", "")
    assert ticket_type_from({"id": "16910", "name": None, "fields": None}) == TicketType("16910", "")


def test_a_field_with_as_little_as_an_id():
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", "label": None, "options": None}]}).fields
    assert (field.id, field.name, field.label, field.type, field.is_required) == ("f1", "", "", "", False)
    assert (field.data_type, field.title, field.choices, field.default) == ("other", "f1", (), None)


def test_a_field_is_not_required_unless_it_is_said():
    assert Field("f1", "", "", "text") == Field("f1", "", "", "text", False, None, ())


@pytest.mark.parametrize(
    "required, is_required",
    [(True, True), (False, False), (None, False), ("true", False), ({"when": {}}, False), (1, False)],
    ids=repr,
)
def test_only_true_makes_a_field_required(required, is_required):
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", "required": required}]}).fields
    assert field.is_required is is_required


@pytest.mark.parametrize(
    "word, kind",
    [
        ("Text", "text"),
        ("rich-text", "text"),
        ("rich_text", "text"),
        ("Date-Time", "date"),
        ("DATE_TIME", "date"),
        ("Multi_Select", "multiselect"),
        ("Radio", "select"),
        ("integer", "number"),
        ("checkbox", "boolean"),
        ("checkboxes", "multiselect"),
        ("user", "other"),
        ("", "other"),
    ],
)
def test_the_kind_of_a_field(word, kind):
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", "type": word}]}).fields
    assert field.data_type == kind


@pytest.mark.parametrize(
    "entry, title",
    [({"label": "Host", "name": "host"}, "Host"), ({"label": "", "name": "host"}, "host"), ({}, "f1")],
    ids=repr,
)
def test_the_title_of_a_field(entry, title):
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", **entry}]}).fields
    assert field.title == title


@pytest.mark.parametrize(
    "option, choices",
    [
        ("Open", (Choice("Open", ("Open",)),)),
        (3, (Choice(3, ("3",)),)),
        ({"id": "1", "value": "high", "label": "High", "name": "h"}, (Choice("high", ("high", "1", "High", "h")),)),
        ({"id": 7, "name": "Seven"}, (Choice(7, ("7", "Seven")),)),
        ({"label": "Only"}, (Choice("Only", ("Only",)),)),
        ({"value": "same", "label": "same"}, (Choice("same", ("same",)),)),
        ({"value": None, "id": 0}, (Choice(0, ("0",)),)),
        ({"other": "x"}, ()),
        ({}, ()),
        (None, ()),
    ],
    ids=repr,
)
def test_an_option(option, choices):
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", "options": [option]}]}).fields
    assert field.choices == choices


@pytest.mark.parametrize(
    "entry, offer",
    [
        ({"id": 23629, "name": "New laptop", "item_type": 16910}, Offer("23629", "New laptop", "16910")),
        ({"id": "1", "name": None, "item_type": None}, Offer("1", "", None)),
        ({"id": "1"}, Offer("1", "", None)),
    ],
    ids=repr,
)
def test_an_offer(entry, offer):
    assert offer_from(entry) == offer


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page, requests", [(1, 5), (2, 3), (3, 3), (4, 2), (100, 2)])
def test_types_are_read_until_a_page_brings_nothing_new(page, requests):
    service = MemoryTicketing(type_page=page)
    assert [kind.id for kind in ticket_types(service)] == ["16910", "16920", "16931", "16932"]
    assert service.count("ticket_types") == requests


def test_a_service_that_knows_no_skip_gives_each_type_once():
    service = MemoryTicketing()
    service.ticket_types = lambda top, skip: [{"id": "1"}, {"id": 1}, {"id": "2"}]
    found = [kind.id for kind in ticket_types(service)]
    assert sorted(set(found)) == ["1", "2"]


def test_types_are_asked_for_by_the_page_and_behind_those_that_are_known():
    service, asked = MemoryTicketing(type_page=3), []
    pages = service.ticket_types
    service.ticket_types = lambda top, skip: asked.append((top, skip)) or pages(top, skip)
    list(ticket_types(service))
    assert asked == [(TYPES_PER_PAGE, 0), (TYPES_PER_PAGE, 3), (TYPES_PER_PAGE, 4)]


def test_a_list_of_types_without_end_is_given_up():
    service, asked = MemoryTicketing(), []
    service.ticket_types = lambda top, skip: asked.append(skip) or [{"id": str(skip)}]
    failure = refusal(list, ticket_types(service))
    assert failure.category == "contract"
    assert_message(failure.message, "ticket types", "end")
    assert len(asked) == MAX_PAGES


@pytest.mark.parametrize(
    "operation, read, what",
    [
        ("ticket_types", lambda api: list(ticket_types(api)), "ticket types"),
        ("offers", offers, "offers of the service"),
    ],
    ids=["types", "offers"],
)
def test_what_cannot_be_read_says_so(operation, read, what):
    service = MemoryTicketing(faults={operation: [Fault(answered(503))]})
    failure = refusal(read, service)
    assert failure.category == "unavailable"
    assert_message(failure.message, what, "read", "HTTP 503")


# --- entries that cannot be used ------------------------------------------------------------------------------------

NAMELESS: tuple[Any, ...] = (None, "x", {}, {"id": None, "name": "Draft"}, {"id": " "}, {"id": []}, {"id": True})


@pytest.mark.parametrize("page", [1, 3, 100])
def test_type_without_id_hides_no_other(page):
    types = [{"name": "C"}, {"id": "1", "name": "A"}, *NAMELESS, {"id": "2", "name": "B"}]
    service = MemoryTicketing(types=types, type_page=page)
    assert [kind.id for kind in ticket_types(service)] == ["1", "2"]
    assert find_ticket_type(service, None, "B").id == "2"


@pytest.mark.parametrize(
    "other", [{"fields": {}}, {"fields": [None, {}, {"id": None}, {"id": "f", "label": 7, "options": {}}]}, {"name": 7}]
)
def test_odd_type_hurts_no_other(other):
    service = MemoryTicketing(types=[{"id": "1", **other}, INCIDENT])
    assert find_ticket_type(service, None, "Security Incident") == ticket_type_from(INCIDENT)
    assert find_ticket_type(service, "16920", None) == ticket_type_from(INCIDENT)


@pytest.mark.parametrize("fields", [{}, "x", ["x"], [{"id": "a", "options": {}}], [{"id": "a", "label": 7}]], ids=repr)
def test_odd_type_that_is_used_is_refused(fields):
    service = MemoryTicketing(types=[{"id": "1", "name": "A", "fields": fields}])
    failure = refusal(find_ticket_type, service, "1", None)
    assert failure.category == "contract"
    assert_message(failure.message, "1 (A)", "API contract", "fields")


def test_field_without_id_of_the_type_that_is_used_is_passed_over():
    fields = [{"id": "f1", "label": "Urgency"}, {"label": "Section"}, {"id": None, "name": "hint"}, {"id": 7}, None]
    kind = find_ticket_type(MemoryTicketing(types=[{"id": "1", "fields": fields}]), "1", None)
    assert [field.id for field in kind.fields] == ["f1"]
    assert kind.without_id == ("Section", "hint")


@pytest.mark.parametrize("entry", NAMELESS, ids=repr)
def test_offer_without_id_hurts_no_other(entry):
    service = MemoryTicketing(catalog=[entry, *OFFERS])
    assert [offer.id for offer in offers(service)] == [entry["id"] for entry in OFFERS]
    assert find_offer(service, "23640", None, "16920").id == "23640"


def test_draft_of_an_offer_does_not_make_its_name_ambiguous():
    service = MemoryTicketing(catalog=[{"id": None, "name": "New laptop"}, *OFFERS])
    assert find_offer(service, None, "New laptop", None).id == "23629"


def test_draft_that_is_named_is_refused_by_its_name():
    service = MemoryTicketing(catalog=[{"id": None, "name": "New phone"}, *OFFERS])
    failure = refusal(find_offer, service, None, "new phone", None)
    assert failure.category == "configuration"
    assert all(has_fact(failure.message, fact) for fact in ("Offer", "'New phone'", "no id", "draft"))


def test_offer_of_an_odd_ticket_type_is_refused_only_if_it_is_used():
    service = MemoryTicketing(catalog=[{"id": "1", "name": "A", "item_type": {"id": "16920"}}, *OFFERS])
    assert find_offer(service, "23640", None, None).id == "23640"
    failure = refusal(find_offer, service, "1", None, "16920")
    assert failure.category == "contract"
    assert_message(failure.message, "Offer", "1 (A)", "API contract", "item_type")


# --- ticket types ---------------------------------------------------------------------------------------------------


def test_a_type_by_id_takes_no_more_pages_than_needed():
    service = MemoryTicketing(type_page=2)
    assert find_ticket_type(service, "16920", None).name == "Security Incident"
    assert service.count("ticket_types") == 1
    assert find_ticket_type(service, "16932", "whatever").id == "16932"
    assert service.count("ticket_types") == 3


@pytest.mark.parametrize("name", ["Security Incident", "security incident", " SECURITY INCIDENT "])
def test_a_type_by_name(name):
    assert find_ticket_type(MemoryTicketing(), None, name).id == "16920"


def test_an_unknown_id_of_a_type_is_refused_with_the_nearest():
    failure = refusal(find_ticket_type, MemoryTicketing(), "1691", None)
    assert failure.category == "configuration"
    assert_message(failure.message, "item_type_id", "'1691'", "'16910'")


def test_an_unknown_name_of_a_type_is_refused_with_the_nearest():
    failure = refusal(find_ticket_type, MemoryTicketing(), None, "Security Incidents")
    assert failure.category == "configuration"
    assert_message(failure.message, "item_type", "'Security Incidents'", "'Security Incident'")


def test_a_name_of_two_types_is_refused_with_their_ids():
    failure = refusal(find_ticket_type, MemoryTicketing(), None, "access request")
    assert failure.category == "configuration"
    assert_message(failure.message, "item_type", "'access request'", 2, "item_type_id", "16931", "16932")


def test_an_exact_name_goes_before_a_similar_one():
    service = MemoryTicketing(types=[{"id": "1", "name": "alert"}, {"id": "2", "name": "Alert"}])
    assert find_ticket_type(service, None, "Alert").id == "2"


# --- offers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "offer_id, offer, item_type, found",
    [
        ("23640", None, "16920", "23640"),
        ("23640", "New laptop", None, "23640"),
        ("23650", None, None, "23650"),
        (None, "report a SECURITY incident", None, "23640"),
        (None, "Report a security incident", "16920", "23640"),
        (None, "Access", "16932", "23651"),
        (None, "Access", "16931", "23650"),
        ("23660", None, "16910", "23660"),
        (None, "Anything else", "16910", "23660"),
    ],
)
def test_an_offer_by_id_or_name(offer_id, offer, item_type, found):
    assert find_offer(MemoryTicketing(), offer_id, offer, item_type).id == found


@pytest.mark.parametrize(
    "offer_id, offer, item_type, facts",
    [
        ("23642", None, None, ["offer_id", "'23642'", "'23640'"]),
        ("2364", None, "16920", ["offer_id", "'2364'", "'23640'"]),
        (None, "Report a security incidnt", None, ["offer", "incidnt'", "'Report a security incident'"]),
        (None, "New laptops", "16910", ["offer", "'New laptops'", "'New laptop'"]),
        (None, "Access", None, ["offer", "'Access'", 2, "offer_id", "23650", "23651"]),
        (None, "Access", "16920", ["offer", "'Access'", 2, "offer_id", "23650", "23651"]),
        ("23629", None, "16920", ["23629 (New laptop)", "16910", "16920"]),
        (None, "New laptop", "16920", ["23629 (New laptop)", "16910", "16920"]),
    ],
)
def test_an_offer_that_is_not_there_or_does_not_belong_to_the_type(offer_id, offer, item_type, facts):
    failure = refusal(find_offer, MemoryTicketing(), offer_id, offer, item_type)
    assert failure.category == "configuration"
    assert_message(failure.message, *facts)


def test_an_offer_of_the_type_goes_before_one_that_shows_none():
    service = MemoryTicketing(catalog=[{"id": "1", "name": "Help"}, {"id": "2", "name": "Help", "item_type": "16920"}])
    failure = refusal(find_offer, service, None, "Help", "16920")
    assert_message(failure.message, "offer", "'Help'", "offer_id", "1, 2")
    assert find_offer(service, "2", None, "16920").item_type_id == "16920"


# --- suggestions ----------------------------------------------------------------------------------------------------


def test_nothing_known_is_nothing_to_suggest():
    assert nearest("a", []) == ""
    assert nearest("a", ["", ""]) == ""


def test_at_most_three_are_near():
    known = [f"Alert {n}" for n in range(9)]
    assert nearest("alert", known).count("'Alert ") == 3


def test_at_most_ten_are_known():
    known = [f"Alert {n:02d}" for n in range(12)]
    text = nearest("qqqq", known)
    assert text.startswith(" Known: 'Alert 00', ")
    assert text.endswith("'Alert 09'.")


words = st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), min_size=1, max_size=12)


@given(words, st.lists(words, max_size=15))
def test_only_what_is_known_is_suggested(wanted, known):
    text = nearest(wanted, known)
    suggested = text.rstrip(".").split(": ", 1)[1].split(", ") if text else []
    assert set(suggested) <= {repr(name) for name in known}
    assert bool(suggested) == bool(known)
    assert len(suggested) <= 10


@given(words, st.lists(words, max_size=10))
def test_what_is_known_is_nearest_to_itself(wanted, known):
    # Of two that differ in case alone, the first one is enough.
    text = nearest(wanted.swapcase(), [wanted, *known])
    assert text.startswith(f" Nearest: {wanted!r}")


def test_every_offer_of_the_tests_is_read():
    assert [offer.id for offer in offers(MemoryTicketing())] == [entry["id"] for entry in OFFERS]
