# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Process a list of tickets."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import ServiceNowApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.backend import ServiceNowBackend
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import (
    IDENTIFIERS,
    TITLE,
    parse_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.bulk_tickets import TicketBulk
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache

#: Options of the task that do not apply to an item with a certain option, which identifies the same thing.
DISPLACES: Mapping[str, Sequence[str]] = {
    "number": ("sys_id", "reference", TITLE),
    "sys_id": ("number", "reference", TITLE),
    "reference": ("number", "sys_id"),
}

#: The keys of a result with columns of the ticket, which the results of a list omit.
RECORDS = frozenset({"ticket", "display_values"})

TICKETS: BulkDefinition[ServiceNowApi] = replace(
    TicketBulk(ServiceNowBackend, ResponseCache, parse_options, (*IDENTIFIERS, "table")).definition(DISPLACES),
    records=RECORDS,
)
