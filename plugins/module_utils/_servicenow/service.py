# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define ServiceNow for the modules."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import SERVICENOW, ServiceNowApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection import (
    SERVICENOW_OPTIONS,
    servicenow_connection,
)

SERVICENOW_SERVICE: ServiceDefinition[ServiceNowApi] = ServiceDefinition(
    SERVICENOW_OPTIONS,
    servicenow_connection,
    SERVICENOW,
    lambda client, _options: ServiceNowApi(client),
    ("ticket", "number"),
)
