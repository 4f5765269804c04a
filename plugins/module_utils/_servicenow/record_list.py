# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read lists of records page by page, and count the matching records that the account is not shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Iterator

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Page, Row, value_of

#: Number of rows of a page, maximum number of pages, and the number of rows by which pages overlap, so that no row is
#: missed if one leaves the list.
PAGE_SIZE = 100
MAX_PAGES = 1000
OVERLAP = 10

#: Returns a page; takes the maximum number of rows and the number of rows to skip.
ReadPage = Callable[[int, int], Page]


@dataclass
class Listing:
    """The facts about a list that was read.

    :param read: returns a page.
    :param seen: the identifiers of the rows so far.
    :param total: the number of matching records, or None if the service does not report it.
    """

    read: ReadPage
    seen: set[str] = field(default_factory=set)
    total: int | None = None

    @property
    def hidden(self) -> int:
        """Return the number of matching records that the account is not shown (SN-A6), once the list was read."""
        return max(0, (self.total or 0) - len(self.seen))

    def rows(self) -> Iterator[Row]:
        """Yield each row once, although pages overlap.

        An access rule may remove rows from a page, and the service may send fewer rows than requested, so a short page
        is not the last one.

        :raises ApiError: if a page cannot be read; category ``contract`` if the end of the list is not reached.
        """
        offset = 0
        for _number in range(MAX_PAGES):
            page = self.read(PAGE_SIZE, offset)
            self.total = page.total
            new = [row for row in page.rows if (value_of(row, "sys_id") or "") not in self.seen]
            for row in new:
                self.seen.add(value_of(row, "sys_id") or "")
                yield row
            following = _next_offset(page, offset)
            if following is None:
                return
            offset = following
        raise ApiError(
            f"The list could not be read to its end: it has more than {MAX_PAGES} pages. Narrow the query, or set "
            "limit.",
            "contract",
        )


def _next_offset(page: Page, offset: int) -> int | None:
    """Return the offset of the next page, or None if all signals of a page agree that the list ends with it.

    Without a named next page, the offset never skips a row of a short page, although it may repeat some.
    """
    end = page.next_offset if page.next_offset is not None else offset + (len(page.rows) or PAGE_SIZE)
    is_last = end >= page.total if page.total is not None else page.next_offset is None and not page.rows
    if is_last or end <= offset:
        return None
    return end - OVERLAP if len(page.rows) > 2 * OVERLAP else end


def read_all(read: ReadPage) -> tuple[list[Row], int]:
    """Return all rows of a list, and the number of matching records that the account is not shown.

    :param read: returns a page.
    :raises ApiError: if a page cannot be read.
    """
    listing = Listing(read)
    rows = list(listing.rows())
    return rows, listing.hidden
