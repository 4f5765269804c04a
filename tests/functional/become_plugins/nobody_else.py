# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Becomes nobody else: shows that a task with become is an ordinary run, whoever runs the tests."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: nobody_else
short_description: Become nobody else
description: Runs the command as it is.
"""


class BecomeModule(BecomeBase):  # type: ignore[misc]  # Ansible has no type hints
    """The become plugin."""

    name = "nobody_else"

    def build_become_command(self, cmd: str, shell: object) -> str:
        """The command itself, after the word that Ansible waits for.

        :param cmd: what is to be run.
        :param shell: knows how to quote.
        """
        super().build_become_command(cmd, shell)
        return str(self._build_success_command(cmd, shell))
