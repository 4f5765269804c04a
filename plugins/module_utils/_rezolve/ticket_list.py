# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the list of tickets page by page."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Page, Record, RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import object_id_of
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.schemas import MAX_PAGE_SIZE

#: Maximum number of pages, and the number of rows by which pages overlap, so that no row is missed if one disappears.
MAX_PAGES = 1000
OVERLAP = 10

#: Maximum number of consecutive pages without a new row. One is too few for small pages while tickets are created.
MAX_REPEATED_PAGES = 3

#: The part that all list requests share.
NEWEST_FIRST: Mapping[str, Any] = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}


def list_tickets(api: RezolveApi, request: Mapping[str, Any]) -> Iterator[Record]:
    """Yield each row of the list once, although pages overlap and may shift.

    A row without a display id is identified by its whole content.

    :param api: the ticketing API.
    :param request: the request without ``top`` and ``offset``.
    :raises ApiError: if a page cannot be read; category ``contract`` if the end of the list is not reached.
    """
    seen: set[str] = set()
    offset = longest = overlap = 0
    # A ticket that is created in the meantime counts in later totals, but is not among the following rows.
    total: int | None = None
    repeated = 0
    for _number in range(MAX_PAGES):
        page = _page(api, request, offset)
        rows = {row_key(row): row for row in page.rows}
        follows = not overlap or not seen.isdisjoint(rows)
        new = [key for key in rows if key not in seen] if follows else []
        if follows:
            total = min((count for count in (total, page.total) if count is not None), default=None)
            seen.update(new)
            yield from map(rows.__getitem__, new)
            if _is_last_page(page, total, len(seen), bool(new), longest or MAX_PAGE_SIZE):
                return
        if not new and repeated == MAX_REPEATED_PAGES:
            reason = "repeats earlier tickets" if follows and rows else "does not continue the list"
            raise _incomplete_list(offset, reason)
        repeated = 0 if new else repeated + 1
        if new:
            longest = max(longest, len(page.rows))
            overlap = min(OVERLAP, len(page.rows) // 2)
        # Overlap with the previous page, because rows may have left the list. A page without new rows may repeat rows
        # that new tickets moved down.
        offset = max(0, offset + (len(page.rows) if follows else 0) - overlap)
    raise _incomplete_list(offset, f"is the last of the {MAX_PAGES} pages that are read")


def row_key(row: Record) -> str:
    """Return a key that identifies a row of the list.

    :param row: a row of the list.
    """
    return object_id_of(row) or json.dumps(row, sort_keys=True)


def _page(api: RezolveApi, request: Mapping[str, Any], offset: int) -> Page:
    try:
        return api.tickets_page({**request, "top": MAX_PAGE_SIZE, "offset": offset})
    except ApiError as failure:
        raise failure.with_message(f"The list of tickets could not be read. {failure}") from None


def _is_last_page(page: Page, total: int | None, seen: int, has_new_rows: bool, longest: int) -> bool:
    """Return True if all signals of a page agree that the list ends with it.

    :param page: the page.
    :param total: the smallest total that the service returned.
    :param seen: number of different rows that were read so far.
    :param has_new_rows: whether this page contains any of them for the first time.
    :param longest: number of rows of a full page.
    """
    if page.has_more or (total is not None and total > seen):
        return False
    # A total that is not larger than the page may only count the page.
    is_counted = total is not None and total > len(page.rows)
    if len(page.rows) >= longest and not is_counted:
        return False
    return page.has_more is False or is_counted or not has_new_rows


def _incomplete_list(offset: int, reason: str) -> ApiError:
    return ApiError(
        f"The list of tickets could not be read to its end: the page at offset {offset} {reason}, although the list is "
        "not complete. Narrow the list, or set object_id.",
        "contract",
    )
