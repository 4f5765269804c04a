# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes and notes that all modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the service.
  diff_mode:
    description: Returns details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row with the same options, and if the incident or ticket is not changed in between, the
        second run reports no change and only sends read requests.
  in_process:
    description:
      - Runs in the controller's process if the connection is C(local) and the task does not use C(become), C(async) or
        another Python interpreter. This avoids starting a process for each task and for each item of a loop, and the
        items of a loop share connections and tokens. The result is the same.
      - Set the variable C(secops_itsm_in_process) or the controller's environment variable
        E(SECOPS_ITSM_IN_PROCESS) to V(false) to always run as a separate process.
    support: full
notes:
  - Provide secrets by environment variables or C(module_defaults). Do not use the C(environment) keyword of a task,
    because Ansible prints it at C(-vvv).
    See the guide R(Options and authentication,ansible_collections.secops.itsm.docsite.connect).
"""

    LIST = r"""
options:
  concurrency:
    description:
      - Maximum number of list entries to process at the same time, from 1 to 32.
      - If the service reports too many requests, the entries are delayed together and fewer are processed at a time.
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

    ACTIONGROUP_SERVICENOW = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/secops.itsm.servicenow) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - secops.itsm.servicenow
"""
