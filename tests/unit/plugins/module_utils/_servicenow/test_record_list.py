# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists are read to their end, although pages are short or rows are hidden."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import record_list
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Page
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import read_all


def rows_of(numbers: Any) -> list[dict[str, str]]:
    return [{"sys_id": f"{number:032x}"} for number in numbers]


class Pages:
    """A list of rows, some of which are hidden."""

    def __init__(
        self,
        size: int,
        page_size: int = 1000,
        hidden: frozenset[int] = frozenset(),
        *,
        counts: bool = True,
        links: bool = True,
    ) -> None:
        self.size, self.page_size, self.hidden, self.counts, self.links = size, page_size, hidden, counts, links
        self.requests = 0

    def read(self, limit: int, offset: int) -> Page:
        self.requests += 1
        end = offset + min(limit, self.page_size)
        shown = [number for number in range(offset, min(end, self.size)) if number not in self.hidden]
        following = end if self.links and end < self.size else None
        return Page(rows_of(shown), self.size if self.counts else None, following)


@pytest.mark.parametrize("counts, links", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 250])
@pytest.mark.parametrize("page_size", [3, 25, 1000])
def test_each_row_is_read_once(size, page_size, counts, links):
    pages = Pages(size, page_size, counts=counts, links=links)
    found, hidden = read_all(pages.read)
    assert (found, hidden) == (rows_of(range(size)), 0)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(
    "numbers", [frozenset({0}), frozenset({5, 149}), frozenset(range(90, 130)), frozenset(range(150))]
)
def test_hidden_rows_are_counted(numbers, links):
    found, hidden = read_all(Pages(150, hidden=numbers, links=links).read)
    assert found == rows_of(number for number in range(150) if number not in numbers)
    assert hidden == len(numbers)


@pytest.mark.parametrize("links", [True, False])
def test_row_that_moves_to_an_earlier_page_is_read(links):
    current = list(range(150))

    def read(limit: int, offset: int) -> Page:
        end = offset + limit
        page = Page(rows_of(current[offset:end]), len(current), end if links and end < len(current) else None)
        # After the first page, five of its rows leave the list.
        del current[:5]
        return page

    found, _hidden = read_all(read)
    assert found == rows_of(range(150))


def test_short_list_needs_one_request():
    pages = Pages(3)
    read_all(pages.read)
    assert pages.requests == 1


def test_endless_list_violates_the_contract(monkeypatch):
    monkeypatch.setattr(record_list, "MAX_PAGES", 5)
    with pytest.raises(ApiError) as caught:
        read_all(Pages(10_000).read)
    assert caught.value.category == "contract"
