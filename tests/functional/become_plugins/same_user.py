# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Become the same user: a task with become runs as an ordinary module, regardless of the user of the tests."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: same_user
short_description: Become the same user
description: Runs the command unchanged.
"""


class BecomeModule(BecomeBase):  # type: ignore[misc]  # Ansible has no type hints
    """Become the same user."""

    name = "same_user"

    def build_become_command(self, cmd: str, shell: object) -> str:
        """Return the command with the success marker that Ansible waits for.

        :param cmd: the command.
        :param shell: the shell plugin, which quotes.
        """
        super().build_become_command(cmd, shell)
        return str(self._build_success_command(cmd, shell))
