# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the ticket list, and what the hostile server says of where the list ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ansible_collections.secops.itsm.tests.campaign.world import Values, World


@dataclass(frozen=True)
class Page:
    """A page.

    :param rows: tickets.
    :param signals: what the answer says beside them.
    """

    rows: Sequence[Values]
    signals: Values


def page_of(world: World, found: Sequence[Values], top: int, offset: int) -> Page:
    """Return a page of a list.

    :param world: which may show a behaviour.
    :param found: the whole list.
    :param top: how many rows are asked for.
    :param offset: of the first one that is asked for.
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
