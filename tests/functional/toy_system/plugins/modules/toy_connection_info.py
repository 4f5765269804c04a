# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toy_connection_info
short_description: Check the connection to the toy system
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads the file with the tickets.
extends_documentation_fragment:
  - secops.itsm.toy
  - secops.itsm.attributes
  - secops.itsm.toy.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options: {}
"""

EXAMPLES = r"""
- name: Check the connection
  secops.itsm.toy_connection_info:
"""

RETURN = r"""
checks:
  description: The checks.
  returned: when Ansible accepts the options
  type: list
  elements: dict
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
error:
  description: The cause of the failure. See the guide
    R(When something fails,ansible_collections.secops.itsm.docsite.errors).
  returned: failure
  type: dict
  sample:
    {category: not_found, code: null, http_status: 404, method: GET, path: /tickets/TOY-1, request_id: null,
    retryable: false, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._toy.backend import check_connection, refused_options
from ansible_collections.secops.itsm.plugins.module_utils._toy.connection import TOY_SERVICE

ARGUMENT_SPEC: dict[str, object] = {}

DEFINITION = ModuleDefinition(TOY_SERVICE, ARGUMENT_SPEC, check_connection, refused_options=refused_options)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
