# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define the ticketing service for the modules."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE, RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import (
    TICKETING_OPTIONS,
    ticketing_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.schemas import CATALOG_TYPES

#: The option that every request needs, documented in the fragment ``ticketing.catalog``.
CATALOG_SPEC: Mapping[str, Any] = {
    "type": {"type": "str", "choices": list(CATALOG_TYPES), "default": "template"},
}

REZOLVE_SERVICE: ServiceDefinition[RezolveApi] = ServiceDefinition(
    TICKETING_OPTIONS,
    ticketing_connection,
    REZOLVE,
    lambda client, options: RezolveApi(client, options["type"]),
    ("ticket", "object_id"),
)
