# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The behavior of the services where their documentation leaves it open. control.schema.yml describes each field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """The behavior of ContraForce."""

    spelling: str = "pascal"
    classification: str = "kept"
    reason: str = "kept"
    lag_reads: int = 0
    writes: str = "applied"
    record: str = "nested"
    ticket: str = "object"
    relink: str = "replaced"
    missing_ticket: str = "404"
    unlink_unlinked: str = "false"
    ids: str = "native"
    comment_lag: int = 0
    comment_text: str = "kept"
    assignee: str = "shown"
    page_size: int = 5
    last_page: str = "empty"
    list_workspace: str = "shown"
    servicenow_close: str = "Closed"


@dataclass(frozen=True)
class TicketingProfile:
    """The behavior of the ticketing service."""

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
    stale: str | int = "409"
    writes: str = "applied"
    lag_reads: int = 0
    token_uses: int = 0


@dataclass(frozen=True)
class ServiceNowProfile:
    """The behavior of the ServiceNow instance."""

    instance: str = "awake"
    basic: str = "accepted"
    client_credentials: str = "enabled"
    token_uses: int = 0
    rate_limit: int = 0
    rate_seconds: float = 3600
    invalid_query: str = "all_rows"
    case: str = "insensitive"
    denied_query: str = "refused"
    query_zone: str = "utc"
    total: str = "all"
    page_size: int = 10_000
    search_lag: int = 0
    lag_reads: int = 0
    writes: str = "applied"
    journal: str = "shown"
    choices: str = "newer"
    invalid_choices: str = "stored"
    invalid_references: str = "dropped"
    policies: str = "enforced"
    process: str = "enforced"
    closing: str = "any"
