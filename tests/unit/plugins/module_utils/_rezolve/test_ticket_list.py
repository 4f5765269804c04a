# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the list of tickets page by page."""

from __future__ import annotations

from typing import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_list
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Page
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_list import list_tickets
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    REFERENCE,
    SUMMARY,
    Fault,
    MemoryTicketing,
    answered,
    crowd,
    keep,
    task,
)

REQUEST = {"search": "", "sort": "createdAt"}


def with_tickets(count: int, **options: object) -> MemoryTicketing:
    service = MemoryTicketing(**options)
    crowd(service, count)
    return service


def listed(service: MemoryTicketing) -> list[str | None]:
    return [row.get("object_id") for row in list_tickets(service, REQUEST)]


def failure(service: MemoryTicketing) -> ApiError:
    with pytest.raises(ApiError) as caught:
        listed(service)
    return caught.value


@given(count=st.integers(0, 12), page_size=st.integers(1, 13), says_end=st.booleans())
def test_each_ticket_is_returned_once(count, page_size, says_end):
    service = with_tickets(count, page_size=page_size, says_end=says_end)
    assert listed(service) == list(reversed(service.tickets))
    assert {body["top"] for body in service.searches} == {100}


@pytest.mark.parametrize(
    "count, says_end, offsets",
    [
        (99, True, [0]),
        # A full last page, and a list that does not show its end.
        (100, True, [0, 90]),
        (99, False, [0, 89]),
        (190, True, [0, 90]),
        (250, True, [0, 90, 180]),
        (250, False, [0, 90, 180, 240]),
    ],
)
def test_pages_overlap(count, says_end, offsets):
    service = with_tickets(count, says_end=says_end)
    assert len(listed(service)) == count
    assert [body["offset"] for body in service.searches] == offsets


def test_pages_are_read_only_when_needed():
    service = with_tickets(5, page_size=2)
    rows = list_tickets(service, REQUEST)
    assert [next(rows)["object_id"], next(rows)["object_id"]] == ["CTC-0058", "CTC-0057"]
    assert service.count("tickets_page") == 1


def test_rows_without_display_id_are_returned_once():
    service = with_tickets(3, page_size=2, says_end=False)
    whole = service._row
    service._row = lambda record, text=None: (
        whole(record, text) if record["object_id"] == "CTC-0056" else {"summary": record["summary"]}
    )
    rows = list_tickets(service, REQUEST)
    assert [next(rows).get("object_id") for _number in range(3)] == ["CTC-0056", None, None]


@pytest.mark.parametrize("count, page_size", [(4, 2), (120, 100)])
def test_new_ticket_between_two_pages_is_not_an_error(count, page_size):
    service = with_tickets(count, page_size=page_size)
    names = list(reversed(service.tickets))
    service.editor = lambda number, operation: service.add("New", {}) if number == 2 else None
    assert listed(service) == names


@pytest.mark.parametrize("number", [3, 4])
def test_new_tickets_may_move_whole_pages(number):
    service = with_tickets(6, page_size=2)
    names = set(service.tickets)
    service.editor = lambda count, operation: crowd(service, 3) if count == number else None
    assert set(listed(service)) >= names


@pytest.mark.parametrize("count, offsets", [(1, [0, 90]), (9, [0, 90]), (15, [0, 90, 80])])
def test_rows_that_leave_the_list_hide_no_other_row(count, offsets):
    service = with_tickets(150)
    names = list(service.tickets)

    def editor(number: int, operation: str) -> None:
        for name in names[-count:] if number == 2 else ():
            del service.tickets[name]

    service.editor = editor
    assert set(listed(service)) == set(names)
    assert [body["offset"] for body in service.searches] == offsets


def change_pages(service: MemoryTicketing, change: Callable[[Page, int], Page]) -> MemoryTicketing:
    """Let a function change each page; it also receives the number of the request."""
    right, numbers = service.tickets_page, iter(range(1, 1000))

    def tickets_page(body: Mapping[str, object]) -> Page:
        return change(right(body), next(numbers))

    service.tickets_page = tickets_page
    return service


ODD_PAGES: dict[str, Callable[[Page, int], Page]] = {
    "total and has_more of false": lambda page, number: Page(page.rows, False, page.total),
    "only has_more of false": lambda page, number: Page(page.rows, False),
    "only total": lambda page, number: Page(page.rows, None, page.total),
    "total of the page": lambda page, number: Page(page.rows, None, len(page.rows)),
    "one empty page": lambda page, number: Page([], True, page.total) if number == 2 else page,
}


@pytest.mark.parametrize("change", ODD_PAGES.values(), ids=ODD_PAGES)
def test_list_is_read_until_all_signals_agree(change):
    assert len(listed(change_pages(with_tickets(251), change))) == 251


def test_small_pages_with_their_own_totals_are_read_to_the_end():
    service = change_pages(with_tickets(251, page_size=50), ODD_PAGES["total of the page"])
    assert len(listed(service)) == 251


#: Changes of the requested offset, and of the page, so that the end of the list is not reached.
ENDLESS: dict[str, tuple[Callable[[int], int], Callable[[Page, int], Page]]] = {
    "ignored offset": (lambda offset: 0, lambda page, number: page),
    "ignored offset, only has_more of false": (lambda offset: 0, lambda page, number: Page(page.rows, False)),
    "ignored offset, no signal": (lambda offset: 0, lambda page, number: Page(page.rows)),
    "page number": (lambda offset: offset * 100, lambda page, number: page),
    "page number, no signal": (lambda offset: offset * 100, lambda page, number: Page(page.rows)),
    "page number, has_more of false": (lambda offset: offset * 100, lambda page, number: Page(page.rows, False)),
    "empty pages": (lambda offset: offset, lambda page, number: Page([], True) if number > 1 else page),
    "total too large": (lambda offset: offset, lambda page, number: Page(page.rows, False, 999)),
}


@pytest.mark.parametrize("offset, change", ENDLESS.values(), ids=ENDLESS)
def test_list_without_end_fails_and_creates_nothing(offset, change):
    service = MemoryTicketing()
    service.add(SUMMARY, {REFERENCE: "SEN-1"})
    crowd(service, 250)
    right = service.tickets_page
    service.tickets_page = lambda body: right({**body, "offset": offset(body["offset"])})
    change_pages(service, change)
    with pytest.raises(ApiError) as caught:
        keep(service, task(fields={"Incident Reference": "SEN-1"}))
    assert (caught.value.category, service.writes) == ("contract", 0)
    assert_message(caught.value.message, "list of tickets", "end", "page", "offset")
    assert service.count("tickets_page") in (5, 7)


def test_number_of_pages_is_limited(monkeypatch):
    monkeypatch.setattr(ticket_list, "MAX_PAGES", 7)
    service = with_tickets(50, page_size=2)
    error = failure(service)
    assert error.category == "contract"
    assert_message(error.message, "list of tickets", "end", 7)
    assert service.count("tickets_page") == 7


def test_unreadable_page_fails():
    error = failure(with_tickets(5, page_size=2, faults={"tickets_page": [None, Fault(answered(503))]}))
    assert error.category == "unavailable"
    assert_message(error.message, "list of tickets", "read", "HTTP 503")
