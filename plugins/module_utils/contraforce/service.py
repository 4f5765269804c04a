# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ContraForce as modules reach it."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils.service import Service

#: The options that name an incident; the documentation fragment C(contraforce.incident) says what they are.
INCIDENT_SPEC: Mapping[str, Any] = {
    "workspace_id": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "incident_id": {"type": "str", "required": True},
}

CONTRAFORCE_SERVICE: Service[ContraForceApi] = Service(
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
    CONTRAFORCE,
    lambda client, _options: ContraForceApi(client),
    ("incident", "incident_id"),
)
