# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connect to this machine as if it were another host, without sshd."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: next_door
short_description: Connect to this machine as if it were another host
description: Works like P(ansible.builtin.local#connection).
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):  # type: ignore[misc]  # Ansible has no type hints
    """Connect to this machine."""

    transport = "next_door"
