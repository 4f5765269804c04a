# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Process a list of tickets of Rezolve.ai."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import RezolveBackend
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_cache import CatalogCache
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    FOR_NEW,
    SENT_AS_IS,
    SUMMARY,
    parse_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.bulk_tickets import TicketBulk

#: Options of the task that do not apply to an item with a certain option, which identifies the same thing.
DISPLACES: Mapping[str, Sequence[str]] = {
    "object_id": (*FOR_NEW, *SENT_AS_IS),
    "offer_id": ("offer",),
    "offer": ("offer_id",),
    "item_type_id": ("item_type",),
    "item_type": ("item_type_id",),
}


def _backend(api: RezolveApi, cache: CatalogCache) -> RezolveBackend:
    """Return a backend that reads the catalog through the cache of the list."""
    return RezolveBackend(cache.wrap(api))


TICKETS: BulkDefinition[RezolveApi] = TicketBulk(
    _backend, CatalogCache, parse_options, ("object_id", "team_id", SUMMARY)
).definition(DISPLACES)
