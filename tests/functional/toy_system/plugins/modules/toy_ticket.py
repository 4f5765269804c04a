# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toy_ticket
short_description: Create or close tickets of the toy system
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Creates or closes tickets in a file.
extends_documentation_fragment:
  - secops.itsm.toy
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.toy.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of an existing ticket.
    type: str
  reference:
    description: Value that identifies a ticket to find or create.
    type: str
  title:
    description: Title of a new ticket.
    type: str
  closed:
    description: Whether the ticket is closed.
    type: bool
  include_closed:
    description: Whether to also look for closed tickets.
    type: bool
    default: false
  tickets:
    description: A list of tickets.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name), for this ticket.
        type: str
      reference:
        description: As O(reference), for this ticket.
        type: str
      title:
        description: As O(title), for this ticket.
        type: str
      closed:
        description: As O(closed), for this ticket.
        type: bool
      include_closed:
        description: As O(include_closed), for this ticket.
        type: bool
  verify_timeout:
    description: Time in seconds within which the ticket must show the change.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Create a ticket
  secops.itsm.toy_ticket:
    reference: "61024"
    title: Ransomware
"""

RETURN = r"""
name:
  description: Name of the ticket.
  returned: success
  type: str
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
summary:
  description: The number of entries by outcome. C(total) does not include C(duplicates).
  returned: with a list
  type: dict
  sample: {changed: 37, duplicates: 0, failed: 1, ok: 2, total: 40}
msg:
  description: For a list, the outcome in one line. For a failure, what happened and what to do.
  returned: with a list, and on failure
  type: str
  sample: 37 changed, 2 ok, 0 failed
results:
  description: The result of each entry, as for one ticket without RV(ticket) and RV(display_values).
  returned: with a list
  type: list
  elements: dict
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
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._toy.backend import TICKETS, ensure_ticket, parse_options
from ansible_collections.secops.itsm.plugins.module_utils._toy.connection import TOY_SERVICE

TICKET_SPEC = {
    "name": {"type": "str"},
    "reference": {"type": "str"},
    "title": {"type": "str"},
    "closed": {"type": "bool"},
    "include_closed": {"type": "bool"},
}

ARGUMENT_SPEC = {
    **TICKET_SPEC,
    "include_closed": {"type": "bool", "default": False},
    "tickets": {"type": "list", "elements": "dict", "options": TICKET_SPEC},
    "verify_timeout": {"type": "int", "default": 30},
    **CONCURRENCY_SPEC,
}

DEFINITION = ModuleDefinition(TOY_SERVICE, ARGUMENT_SPEC, ensure_ticket, TICKETS, parse=parse_options)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
