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

    :param envelope: where the record of the read of one ticket stands: ``ticket``, ``data.ticket``, ``data``, or
        ``body`` for the body itself.
    :param lookup: ``lookup_props`` is ``shown`` when tickets are read and listed, or ``hidden``.
    :param missing: a ticket that is not there is a 404 with a page of ``html``, or with ``json``.
    :param category: ``documented``, such as ``Done Category``, or ``short``, such as ``Done``.
    :param rows: listed tickets are ``fat``, as they are read, or ``thin``: four of their fields.
    :param row_id: the display id in a row is ``object_id`` or ``objectId``.
    :param list_shape: rows stand in ``tickets``, with a pagination, or in ``rows``, with a count.
    :param page_size: how many rows a page holds at most, whatever the request asks for.
    :param search_lag: how many lists after its creation do not show a ticket yet.
    :param search_fields: full text looks into ``all`` fields, or into the ``summary`` and the display id only.
    :param catalog: where ticket types and offers stand: ``value`` for data.value and data.offers, ``data``, ``bare``
        for the body itself, ``top`` for value and offers.
    :param type_page: how many ticket types a page holds at most.
    :param texts: a summary and the texts of fields may be ``any``, or must be ``plain``: without control and formatting
        characters, and a summary of at most 255 characters on one line.
    :param html: rich text comes back as it was sent, ``kept``, or ``cleaned``.
    :param numbers: ``kept``, or as ``text``.
    :param dates: ``kept``, or in ``utc`` with milliseconds.
    :param update_answer: an update answers with the ``full`` ticket, or with the new ``etag`` alone.
    :param stale: the status that refuses an etag which is not the current one.
    :param writes: updates are ``applied``, or ``ignored``: accepted and answered as if done, without an effect.
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
    texts: str = "any"
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
        "texts": ("any", "plain"),
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
        """A profile from what was posted; ``stale`` may be an integer, too.

        :param value: anything that JSON can carry.
        :raises ValueError: for what is no profile, in a sentence.
        """
        stale = value.get("stale") if isinstance(value, Mapping) else None
        if isinstance(stale, int) and not isinstance(stale, bool):
            value = {**value, "stale": str(value["stale"])}
        return super().from_json(value)
