# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the parsing of the service catalog, and how its entries are found by id or name."""

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
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    INCIDENT,
    OFFERS,
    Fault,
    MemoryTicketing,
    answered,
)

#: Entries without an id, such as drafts.
NAMELESS: tuple[Any, ...] = (None, "x", {}, {"id": None, "name": "Draft"}, {"id": " "}, {"id": []}, {"id": True})


def assert_refused(call: Any, *facts: Any, category: str = "configuration") -> None:
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.category == category
    assert_message(caught.value.message, *facts)


def field_from(**entry: Any) -> Field:
    (field,) = ticket_type_from({"id": "1", "fields": [{"id": "f1", **entry}]}).fields
    return field


# --- parsing --------------------------------------------------------------------------------------------------------


def test_ticket_type_and_field_may_have_only_an_id():
    assert ticket_type_from({"id": 16910}) == TicketType("16910", "")
    assert ticket_type_from({"id": "16910", "name": None, "fields": None}) == TicketType("16910", "")
    assert field_from(label=None, options=None) == Field("f1", "", "", "", False, None, ())


@pytest.mark.parametrize(
    "entry, name, value",
    [
        ({"required": True}, "is_required", True),
        *(({"required": required}, "is_required", False) for required in (False, None, "true", {"when": {}}, 1)),
        ({"label": "Host", "name": "host"}, "title", "Host"),
        ({"label": "", "name": "host"}, "title", "host"),
        ({}, "title", "f1"),
        ({"type": "rich-text"}, "data_type", "text"),
        ({"type": "DATE_TIME"}, "data_type", "date"),
        ({"type": "Multi_Select"}, "data_type", "multiselect"),
        ({"type": "user"}, "data_type", "other"),
        ({"type": ""}, "data_type", "other"),
        ({"defaultValue": 0}, "default", 0),
    ],
    ids=repr,
)
def test_property_of_a_field(entry, name, value):
    assert getattr(field_from(**entry), name) == value


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
        (None, ()),
    ],
    ids=repr,
)
def test_option_of_a_field(option, choices):
    assert field_from(options=[option]).choices == choices


@pytest.mark.parametrize(
    "entry, offer",
    [
        ({"id": 23629, "name": "New laptop", "item_type": 16910}, Offer("23629", "New laptop", "16910")),
        ({"id": "1", "name": None, "item_type": None}, Offer("1", "", None)),
        ({"id": "1"}, Offer("1", "", None)),
    ],
    ids=repr,
)
def test_offer(entry, offer):
    assert offer_from(entry) == offer


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page, skipped", [(1, [0, 1, 2, 3, 4]), (3, [0, 3, 4]), (4, [0, 4]), (100, [0, 4])])
def test_types_are_read_until_a_page_has_no_new_one(page, skipped):
    service, requests = MemoryTicketing(type_page=page), []
    read_page = service.ticket_types
    service.ticket_types = lambda top, skip: requests.append((top, skip)) or read_page(top, skip)
    assert [entry.id for entry in ticket_types(service)] == ["16910", "16920", "16931", "16932"]
    assert requests == [(TYPES_PER_PAGE, skip) for skip in skipped]


def test_type_on_every_page_is_returned_once():
    service = MemoryTicketing()
    service.ticket_types = lambda top, skip: [{"id": "1"}, {"id": 1}, {"id": "2"}] if skip < 6 else [{"id": 2}]
    assert sorted({entry.id for entry in ticket_types(service)}) == ["1", "2"]


def test_endless_list_of_types_is_refused():
    service, requests = MemoryTicketing(), []
    service.ticket_types = lambda top, skip: requests.append(skip) or [{"id": str(skip)}]
    assert_refused(lambda: list(ticket_types(service)), "ticket types", "end", category="contract")
    assert len(requests) == MAX_PAGES


@pytest.mark.parametrize(
    "operation, read, noun",
    [
        ("ticket_types", lambda api: list(ticket_types(api)), "ticket types"),
        ("offers", offers, "offers of the service"),
    ],
    ids=["types", "offers"],
)
def test_failing_request_names_what_could_not_be_read(operation, read, noun):
    service = MemoryTicketing(faults={operation: [Fault(answered(503))]})
    assert_refused(lambda: read(service), noun, "read", "HTTP 503", category="unavailable")


# --- malformed entries ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 3, 100])
def test_type_without_an_id_does_not_hide_others(page):
    types = [{"name": "C"}, {"id": "1", "name": "A"}, *NAMELESS, {"id": "2", "name": "B"}]
    service = MemoryTicketing(types=types, type_page=page)
    assert [entry.id for entry in ticket_types(service)] == ["1", "2"]
    assert find_ticket_type(service, None, "B").id == "2"


@pytest.mark.parametrize("fields", [{}, "x", ["x"], [{"id": "a", "options": {}}], [{"id": "a", "label": 7}]], ids=repr)
def test_malformed_type_is_only_refused_if_it_is_used(fields):
    service = MemoryTicketing(types=[{"id": "1", "name": "A", "fields": fields}, INCIDENT])
    assert find_ticket_type(service, None, "Security Incident") == ticket_type_from(INCIDENT)
    assert find_ticket_type(service, "16920", None) == ticket_type_from(INCIDENT)
    facts = ["1 (A)", "API contract", "fields"]
    assert_refused(lambda: find_ticket_type(service, "1", None), *facts, category="contract")


def test_field_without_an_id_is_ignored():
    fields = [{"id": "f1", "label": "Urgency"}, {"label": "Section"}, {"id": None, "name": "hint"}, {"id": 7}, None]
    found = find_ticket_type(MemoryTicketing(types=[{"id": "1", "fields": fields}]), "1", None)
    assert [field.id for field in found.fields] == ["f1"]
    assert found.without_id == ("Section", "hint")


@pytest.mark.parametrize("entry", NAMELESS, ids=repr)
def test_offer_without_an_id_does_not_hide_others(entry):
    service = MemoryTicketing(catalog=[entry, *OFFERS])
    assert [offer.id for offer in offers(service)] == [known["id"] for known in OFFERS]
    assert find_offer(service, "23640", None, "16920").id == "23640"
    assert_refused(lambda: find_offer(service, None, "New laptops", None), "'New laptops'", "'New laptop'")


def test_draft_of_an_offer_is_only_refused_if_it_is_named():
    drafts = [{"id": None, "name": "New laptop"}, {"id": None, "name": "New phone"}]
    service = MemoryTicketing(catalog=[*drafts, *OFFERS])
    assert find_offer(service, None, "New laptop", None).id == "23629"
    assert_refused(lambda: find_offer(service, None, "new phone", None), "Offer", "'New phone'", "no id", "draft")


def test_malformed_offer_is_only_refused_if_it_is_used():
    service = MemoryTicketing(catalog=[{"id": "1", "name": "A", "item_type": {"id": "16920"}}, *OFFERS])
    assert find_offer(service, "23640", None, None).id == "23640"
    facts = ["Offer", "1 (A)", "API contract", "item_type"]
    assert_refused(lambda: find_offer(service, "1", None, "16920"), *facts, category="contract")


# --- finding entries ------------------------------------------------------------------------------------------------


def test_search_for_an_id_stops_at_its_page():
    service = MemoryTicketing(type_page=2)
    assert find_ticket_type(service, "16920", None).name == "Security Incident"
    assert service.count("ticket_types") == 1
    assert find_ticket_type(service, "16932", "any name").id == "16932"
    assert service.count("ticket_types") == 3


def test_type_is_found_by_name_ignoring_case():
    assert find_ticket_type(MemoryTicketing(), None, " SECURITY incident ").id == "16920"
    service = MemoryTicketing(types=[{"id": "1", "name": "alert"}, {"id": "2", "name": "Alert"}])
    assert find_ticket_type(service, None, "Alert").id == "2"


@pytest.mark.parametrize(
    "offer_id, offer, item_type, found",
    [
        ("23640", None, "16920", "23640"),
        ("23640", "New laptop", None, "23640"),
        (None, " report a SECURITY incident", None, "23640"),
        (None, "Access", "16932", "23651"),
        (None, "Access", "16931", "23650"),
        ("23660", None, "16910", "23660"),
        (None, "Anything else", "16910", "23660"),
    ],
)
def test_offer_is_found_by_id_or_name(offer_id, offer, item_type, found):
    assert find_offer(MemoryTicketing(), offer_id, offer, item_type).id == found


@pytest.mark.parametrize(
    "find, arguments, facts",
    [
        (find_ticket_type, ("1691", None), ["item_type_id", "'1691'", "'16910'"]),
        (find_ticket_type, (None, "Security Incidents"), ["item_type", "'Security Incidents'", "'Security Incident'"]),
        (find_ticket_type, (None, "access request"), ["'access request'", 2, "item_type_id", "16931, 16932"]),
        (find_offer, ("2364", None, "16920"), ["offer_id", "'2364'", "'23640'"]),
        (find_offer, (None, "New laptops", "16910"), ["offer", "'New laptops'", "'New laptop'"]),
        (find_offer, (None, "Access", None), ["offer", "'Access'", 2, "offer_id", "23650, 23651"]),
        (find_offer, (None, "Access", "16920"), ["offer", "'Access'", 2, "offer_id", "23650, 23651"]),
        (find_offer, ("23629", None, "16920"), ["23629 (New laptop)", "16910", "16920"]),
        (find_offer, (None, "New laptop", "16920"), ["23629 (New laptop)", "16910", "16920"]),
    ],
)
def test_unknown_or_ambiguous_entry_is_refused(find, arguments, facts):
    assert_refused(lambda: find(MemoryTicketing(), *arguments), *facts)


def test_offers_with_and_without_a_type_are_ambiguous():
    service = MemoryTicketing(catalog=[{"id": "1", "name": "Help"}, {"id": "2", "name": "Help", "item_type": "16920"}])
    assert_refused(lambda: find_offer(service, None, "Help", "16920"), "offer", "'Help'", "offer_id", "1, 2")
    assert find_offer(service, "2", None, "16920").item_type_id == "16920"


# --- suggestions ----------------------------------------------------------------------------------------------------


def test_suggestions_are_limited():
    assert nearest("alert", [f"Alert {number}" for number in range(9)]).count("'Alert ") == 3
    text = nearest("qqqq", [f"Alert {number:02d}" for number in range(12)])
    assert text.startswith(" Known: 'Alert 00', ")
    assert text.endswith("'Alert 09'.")
    assert nearest("a", ["", ""]) == ""


words = st.text("abcABC12 ", min_size=1, max_size=12)


@given(words, st.lists(words, max_size=15))
def test_only_known_values_are_suggested(unknown, known):
    text = nearest(unknown, known)
    suggested = text.rstrip(".").split(": ", 1)[1].split(", ") if text else []
    assert set(suggested) <= {repr(name) for name in known}
    assert bool(suggested) == bool(known)
    assert len(suggested) <= 10


@given(words, st.lists(words, max_size=10))
def test_value_in_another_case_is_suggested_first(unknown, known):
    assert nearest(unknown.swapcase(), [unknown, *known]).startswith(f" Nearest: {unknown!r}")
