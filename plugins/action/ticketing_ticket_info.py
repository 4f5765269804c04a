# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name inside the controller's process."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.modules.ticketing_ticket_info import JOB
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """The action plugin."""

    job = JOB
