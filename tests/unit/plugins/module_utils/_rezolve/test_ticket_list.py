# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of tickets, page after page."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import pytest

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

MINE = {REFERENCE: "SEN-1"}
REQUEST = {"search": "", "sort": "createdAt"}


@pytest.mark.parametrize("says_end", [True, False])
@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 5, 100])
def test_every_row_is_given_once(page_size, says_end):
    service = MemoryTicketing(page_size=page_size, says_end=says_end)
    crowd(service, 5)
    assert [row["object_id"] for row in list_tickets(service, REQUEST)] == list(reversed(service.tickets))
    assert {body["top"] for body in service.searches} == {100}


@pytest.mark.parametrize(
    "count, says_end, offsets",
    [
        (0, True, [0]),
        (99, True, [0]),
        # A list that ends with a full page, and one that does not say that it is over.
        (100, True, [0, 90]),
        (99, False, [0, 89]),
        (190, True, [0, 90]),
        (250, True, [0, 90, 180]),
        (250, False, [0, 90, 180, 240]),
    ],
)
def test_pages_overlap(count, says_end, offsets):
    service = MemoryTicketing(says_end=says_end)
    crowd(service, count)
    assert len(list(list_tickets(service, REQUEST))) == count
    assert [body["offset"] for body in service.searches] == offsets


def test_no_more_pages_are_read_than_rows_are_asked_for():
    service = MemoryTicketing(page_size=2)
    crowd(service, 5)
    rows = list_tickets(service, REQUEST)
    assert [next(rows)["object_id"], next(rows)["object_id"]] == ["CTC-0058", "CTC-0057"]
    assert service.count("tickets_page") == 1


def test_a_ticket_that_comes_in_between_two_pages_shifts_rows_and_doubles_none():
    service = MemoryTicketing(page_size=2)
    crowd(service, 4)
    service.editor = lambda number, operation: service.add("New", {}) if number == 2 else None
    seen = [row["object_id"] for row in list_tickets(service, REQUEST)]
    assert seen == ["CTC-0057", "CTC-0056", "CTC-0055", "CTC-0054"]


@pytest.mark.parametrize("number", [3, 4])
def test_tickets_that_come_in_can_move_down_whole_pages(number):
    service = MemoryTicketing(page_size=2)
    crowd(service, 6)
    names = list(service.tickets)
    service.editor = lambda count, operation: crowd(service, 3) if count == number else None
    assert {row["object_id"] for row in list_tickets(service, REQUEST)} >= set(names)


def paged(service: MemoryTicketing, number: int, change: Callable[[Page, int], Page]) -> None:
    """Let the service change its pages from the so-manieth on; the change is given the number of the request."""
    right, requests = service.tickets_page, iter(range(1, 1000))

    def tickets_page(body: Mapping[str, Any]) -> Page:
        page, count = right(body), next(requests)
        return change(page, count) if count >= number else page

    service.tickets_page = tickets_page


ODD_PAGES: dict[str, Callable[[Page, int], Page]] = {
    "total beside no more": lambda page, number: Page(page.rows, False, page.total),
    "no more alone": lambda page, number: Page(page.rows, False),
    "total alone": lambda page, number: Page(page.rows, None, page.total),
    "total of the page": lambda page, number: Page(page.rows, None, len(page.rows)),
    "one empty page": lambda page, number: Page([], True, page.total) if number == 2 else page,
}


@pytest.mark.parametrize("change", ODD_PAGES.values(), ids=ODD_PAGES)
def test_list_is_read_until_all_that_its_pages_say_agrees(change):
    service = MemoryTicketing()
    crowd(service, 251)
    paged(service, 1, change)
    assert len(list(list_tickets(service, REQUEST))) == 251


def test_list_of_small_pages_with_their_own_totals_is_read_to_its_end():
    service = MemoryTicketing(page_size=50)
    crowd(service, 251)
    paged(service, 1, ODD_PAGES["total of the page"])
    assert len(list(list_tickets(service, REQUEST))) == 251


@pytest.mark.parametrize("left", [1, 9])
def test_rows_that_leave_between_two_pages_hide_no_other_row(left):
    service = MemoryTicketing()
    crowd(service, 150)
    names = list(service.tickets)
    service.editor = leaving(service, left)
    assert {row["object_id"] for row in list_tickets(service, REQUEST)} == set(names)


def leaving(service: MemoryTicketing, count: int) -> Callable[[int, str], None]:
    """Let the newest tickets leave the list before its second page is read."""

    def editor(number: int, operation: str) -> None:
        for name in list(service.tickets)[-count:] if number == 2 else ():
            del service.tickets[name]

    return editor


def test_more_rows_than_the_overlap_leave_between_two_pages():
    service = MemoryTicketing()
    crowd(service, 150)
    names = list(service.tickets)
    service.editor = leaving(service, 15)
    assert {row["object_id"] for row in list_tickets(service, REQUEST)} == set(names)
    assert [body["offset"] for body in service.searches] == [0, 90, 80]


#: Lists that cannot be read to their end: what is made of the offset that is asked for, and of the page.
Offset = Callable[[int], int]
ENDLESS: dict[str, tuple[Offset, Callable[[Page, int], Page]]] = {
    "ignored offset": (lambda offset: 0, lambda page, number: page),
    "ignored offset, no more alone": (lambda offset: 0, lambda page, number: Page(page.rows, False)),
    "ignored offset, nothing said": (lambda offset: 0, lambda page, number: Page(page.rows)),
    "page number": (lambda offset: offset * 100, lambda page, number: page),
    "page number, nothing said": (lambda offset: offset * 100, lambda page, number: Page(page.rows)),
    "page number, no more": (lambda offset: offset * 100, lambda page, number: Page(page.rows, False)),
    "empty pages": (lambda offset: offset, lambda page, number: Page([], True) if number > 1 else page),
    "total that is never reached": (lambda offset: offset, lambda page, number: Page(page.rows, False, 999)),
}


def endless(service: MemoryTicketing, kind: str) -> MemoryTicketing:
    offset, change = ENDLESS[kind]
    right = service.tickets_page
    service.tickets_page = lambda body: right({**body, "offset": offset(body["offset"])})
    paged(service, 1, change)
    return service


@pytest.mark.parametrize("kind", ENDLESS)
def test_list_that_cannot_be_read_to_its_end_fails_and_nothing_is_created(kind):
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    crowd(service, 250)
    endless(service, kind)
    with pytest.raises(ApiError) as caught:
        keep(service, task(fields={"Incident Reference": "SEN-1"}))
    assert (caught.value.category, service.writes) == ("contract", 0)
    assert_message(caught.value.message, "list of tickets", "end", "page", "offset")
    assert service.count("tickets_page") <= 8


def test_list_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(ticket_list, "MAX_PAGES", 7)
    service = MemoryTicketing(page_size=2)
    crowd(service, 50)
    with pytest.raises(ApiError) as caught:
        list(list_tickets(service, REQUEST))
    assert caught.value.category == "contract"
    assert_message(caught.value.message, "list of tickets", "end", 7)
    assert service.count("tickets_page") == 7


def test_ticket_that_comes_in_between_two_pages_does_not_keep_the_list_open():
    service = MemoryTicketing()
    crowd(service, 120)
    service.editor = lambda number, operation: service.add("New", {}) if number == 2 else None
    assert len(list(list_tickets(service, REQUEST))) == 120


def test_a_page_that_cannot_be_read_says_so():
    service = MemoryTicketing(page_size=2, faults={"tickets_page": [None, Fault(answered(503))]})
    crowd(service, 5)
    with pytest.raises(ApiError) as caught:
        list(list_tickets(service, REQUEST))
    assert_message(caught.value.message, "list of tickets", "read", "HTTP 503")
    assert caught.value.category == "unavailable"
