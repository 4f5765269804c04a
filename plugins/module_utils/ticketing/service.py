# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing platform as modules reach it."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.service import Service
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.api import TICKETING, TicketingApi
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.connection import (
    TICKETING_OPTIONS,
    ticketing_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.schemas import CATALOG_TYPES

#: The option that every request needs; the documentation fragment C(ticketing.catalog) says what it is.
CATALOG_SPEC: Mapping[str, Any] = {
    "type": {"type": "str", "choices": list(CATALOG_TYPES), "default": "template"},
}

TICKETING_SERVICE: Service[TicketingApi] = Service(
    TICKETING_OPTIONS,
    ticketing_connection,
    TICKETING,
    lambda client, options: TicketingApi(client, options["type"]),
    ("ticket", "object_id"),
)
