# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the ticketing service behaves where its documentation leaves it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Mapping

from ansible_collections.secops.itsm.tests.sandbox.profile import Settings


@dataclass(frozen=True)
class TicketingProfile(Settings):
    """How the ticketing service behaves where its documentation leaves it open.

    :param envelope: where the record of the read of one ticket stands: C(ticket), C(data.ticket), C(data), or C(body)
        for the body itself.
    :param lookup: C(lookup_props) is C(shown) when tickets are read and listed, or C(hidden).
    :param missing: a ticket that is not there is a 404 with a page of C(html), or with C(json).
    :param category: C(documented), such as C(Done Category), or C(short), such as C(Done).
    :param rows: listed tickets are C(fat), as they are read, or C(thin): four of their fields.
    :param row_id: the display id in a row is C(object_id) or C(objectId).
    :param list_shape: rows stand in C(tickets), with a pagination, or in C(rows), with a count.
    :param page_size: how many rows a page holds at most, whatever the request asks for.
    :param search_lag: how many lists after its creation do not show a ticket yet.
    :param search_fields: full text looks into C(all) fields, or into the C(summary) and the display id only.
    :param catalog: where ticket types and offers stand: C(value) for data.value and data.offers, C(data), C(bare) for
        the body itself, C(top) for value and offers.
    :param type_page: how many ticket types a page holds at most.
    :param html: rich text comes back as it was sent, C(kept), or C(cleaned).
    :param numbers: C(kept), or as C(text).
    :param dates: C(kept), or in C(utc) with milliseconds.
    :param update_answer: an update answers with the C(full) ticket, or with the new C(etag) alone.
    :param stale: the status that refuses an etag which is not the current one.
    :param writes: updates are C(applied), or C(ignored): accepted and answered as if done, without an effect.
    :param lag_reads: how many reads of a ticket after an update still show the old one.
    :param token_uses: how many requests a fetched token is good for; 0 for any number.
    """

    envelope: str = "ticket"
    lookup: str = "shown"
    missing: str = "html"
    category: str = "documented"
    rows: str = "fat"
    row_id: str = "object_id"
    list_shape: str = "tickets"
    page_size: int = 100
    search_lag: int = 0
    search_fields: str = "all"
    catalog: str = "value"
    type_page: int = 100
    html: str = "kept"
    numbers: str = "kept"
    dates: str = "kept"
    update_answer: str = "full"
    stale: str = "409"
    writes: str = "applied"
    lag_reads: int = 0
    token_uses: int = 0

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "envelope": ("ticket", "data.ticket", "data", "body"),
        "lookup": ("shown", "hidden"),
        "missing": ("html", "json"),
        "category": ("documented", "short"),
        "rows": ("fat", "thin"),
        "row_id": ("object_id", "objectId"),
        "list_shape": ("tickets", "rows"),
        "search_fields": ("all", "summary"),
        "catalog": ("value", "data", "bare", "top"),
        "html": ("kept", "cleaned"),
        "numbers": ("kept", "text"),
        "dates": ("kept", "utc"),
        "update_answer": ("full", "etag"),
        "stale": ("409", "412", "400"),
        "writes": ("applied", "ignored"),
    }
    LEAST: ClassVar[Mapping[str, int]] = {
        "page_size": 1,
        "search_lag": 0,
        "type_page": 1,
        "lag_reads": 0,
        "token_uses": 0,
    }

    @classmethod
    def from_json(cls, value: Any) -> TicketingProfile:
        """A profile from what was posted; C(stale) may be an integer, too.

        :param value: anything that JSON can carry.
        :raises ValueError: for what is no profile, in a sentence.
        """
        stale = value.get("stale") if isinstance(value, Mapping) else None
        if isinstance(stale, int) and not isinstance(stale, bool):
            value = {**value, "stale": str(value["stale"])}
        return super().from_json(value)
