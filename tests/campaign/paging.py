# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the ticket list, and how the hostile server reports the end of the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ansible_collections.secops.itsm.tests.campaign.world import Values, World


@dataclass(frozen=True)
class Page:
    """A page of the ticket list.

    :param rows: the tickets.
    :param signals: the keys of the response that report further rows.
    """

    rows: Sequence[Values]
    signals: Values


def page_of(world: World, found: Sequence[Values], top: int, offset: int) -> Page:
    """Return a page of a list.

    :param world: the state of the server.
    :param found: the whole list.
    :param top: the requested number of rows.
    :param offset: the requested offset.
    """
    cap = world.forms["page_cap"]
    size = top if cap == "none" else min(top, int(cap))
    if world.has("row_leaves") and offset > 0:
        found = found[1:]
    begin = offset
    if world.has("offset_ignored"):
        begin = 0
    elif world.has("offset_is_page"):
        begin = offset * size
    elif world.has("rows_overlap") and offset > 0:
        begin = offset - 1
    rows = found[begin : begin + size]
    if offset > 0 and world.has("page_empty_once") and not world.emptied(offset):
        return Page([], _signals(world, [], len(found), top, offset, has_more=True))
    return Page(rows, _signals(world, rows, len(found), top, offset, has_more=begin + len(rows) < len(found)))


def _signals(world: World, rows: Sequence[Values], total: int, top: int, offset: int, has_more: bool) -> Values:
    form = world.forms["signals"]
    if form == "none":
        return {}
    if form == "count":
        return {"count": total}
    if form == "total":
        return {"pagination": {"total": len(rows) if world.has("total_of_page") else total}}
    more = has_more and not world.has("more_denied")
    return {"pagination": {"total": total, "top": top, "offset": offset, "hasMore": more}}
