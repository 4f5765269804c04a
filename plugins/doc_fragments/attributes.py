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
