# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name in the controller's process."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.modules.servicenow_connection_info import DEFINITION
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """The action plugin of the module."""

    definition = DEFINITION
