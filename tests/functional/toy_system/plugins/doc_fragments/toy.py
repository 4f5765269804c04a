# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that the plugins for the toy system share."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options for the connection, and the action group."""

    DOCUMENTATION: str = r"""
options:
  url:
    description:
      - URL of the file with the tickets, such as V(file:///srv/tickets.json). Required.
      - If not set, the value of the environment variable E(TOY_URL) is used.
    type: str
""" + transport_documentation("TOY")

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/secops.itsm.toy) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - secops.itsm.toy
"""
