# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module of the collection says about check mode, diff mode and idempotence."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the service.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row with the same options, without anybody else changing the incident or ticket in between,
        the second run reports no change and sends only reads.
  in_process:
    description:
      - Runs in the controller's own process when the connection is C(local) and the task asks for no other Python,
        C(become) or C(async), which saves the start of a process for each task and for each item of a loop. The items
        of a loop share their connection and their token. The result is the same.
      - Set the variable C(secops_itsm_in_process), or the controller's environment variable
        E(SECOPS_ITSM_IN_PROCESS), to V(false) to run an ordinary module in any case.
    support: full
"""

    LIST = r"""
options:
  concurrency:
    description:
      - How many entries of a list are handled at the same time, from 1 to 32.
      - A refusal for too many requests holds all of them back together, and fewer go on after it.
    type: int
    default: 8
"""

    ACTIONGROUP_CONTRAFORCE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/secops.itsm.contraforce) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - secops.itsm.contraforce
"""

    ACTIONGROUP_TICKETING = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/secops.itsm.ticketing) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - secops.itsm.ticketing
"""
