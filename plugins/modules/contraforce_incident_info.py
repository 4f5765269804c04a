#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_info
short_description: Retrieve ContraForce incidents
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads one incident or a list of specific incidents, optionally with comments and investigation details.
  - Without O(incident_id) and O(incidents), lists the incidents of all workspaces that the account can access. The list
    is always complete. If a page cannot be read, the task fails.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.incident_filters
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
options:
  workspace_id:
    description: UUID of the incident's workspace. Required with O(incident_id).
    type: str
  source:
    description: Product that raised the incident, in any case. Required with O(incident_id).
    type: str
  incident_id:
    description: ID of the incident in its source.
    type: str
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents to read, instead of O(incident_id). Mutually exclusive with the options that filter the list
        of all incidents.
      - A workspace or a source that is missing or blank in an entry defaults to that of the task.
      - Each entry is processed independently and has its own result in RV(results), in the same order. The task fails
        if any entry fails.
      - An incident that is listed twice is read once.
    type: list
    elements: dict
    suboptions:
      workspace_id:
        description: UUID of the incident's workspace.
        type: str
      source:
        description: Product that raised the incident.
        type: str
      incident_id:
        description: ID of the incident in its source.
        type: str
        required: true
  details:
    description: Whether to also read the investigation details of each specified incident. They can be large.
    type: bool
    default: false
  comments:
    description:
      - Whether to also read the comments of each specified incident. The service account needs the scope
        C(incidents:comments).
    type: bool
    default: false
  limit:
    description: Maximum number of incidents to list. RV(truncated) shows whether there are more. Unlimited by default.
    type: int
notes:
  - The list relies on assumptions CF-A16 and CF-A17 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.contraforce_incident_status
"""

EXAMPLES = r"""
- name: Read an incident with its comments
  secops.itsm.contraforce_incident_info:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    comments: true
  register: one

- name: Print its ticket
  ansible.builtin.debug:
    var: one.link

- name: Read several incidents
  secops.itsm.contraforce_incident_info:
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: Sentinel
        incident_id: 7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
  register: several

- name: Print the titles of those with a ticket
  ansible.builtin.debug:
    msg: "{{ several.results | selectattr('link.link', 'eq', 'linked') | map(attribute='title') | list }}"

- name: List new incidents of high severity in all workspaces
  secops.itsm.contraforce_incident_info:
    severities: [High]
    statuses: [New]
    time_range: FourtyEightHours
  register: severe

- name: List up to 100 open incidents of one night
  secops.itsm.contraforce_incident_info:
    statuses: [New, Active]
    sources: [sentinel, defenderxdr]
    include_unassigned: true
    time_from: "2026-11-20T20:00:00+01:00"
    time_to: "2026-11-21T06:00:00+01:00"
    limit: 100
"""

RETURN = r"""
incidents:
  description: The incidents as returned by the service. The list has other fields than the record of a single incident.
  returned: success, without O(incidents)
  type: list
  elements: dict
  sample:
    - {id: "48213", title: Mass download by one user, severity: Medium, status: New, source: DefenderXDR,
      workspaceId: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60}
truncated:
  description: Whether there are more incidents than O(limit).
  returned: success, without O(incidents)
  type: bool
incident:
  description: The record of the incident.
  returned: when O(incident_id) is given
  type: dict
link:
  description:
    - The ticket of the incident, as far as it is known. C(link) is V(linked) or V(unlinked) if the incident's record
      shows it, V(likely) if a comment names the ticket and O(comments=true), and V(unknown) otherwise.
    - C(evidence) is V(incident), V(comments) or V(none).
  returned: when O(incident_id) is given
  type: dict
  sample: {link: linked, evidence: incident, ticket_id: "41877", ticket_number: T20261121.0042,
    ticketing_system: Autotask}
details:
  description: The C(investigationDetails), C(evidence) and C(gamebookCatalog) of the incident.
  returned: when O(details=true)
  type: dict
comments:
  description: The comments of the incident in the order of the service.
  returned: when O(comments=true)
  type: list
  elements: dict
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - The result of each entry in list order, with the keys of a task for one incident. Failed entries have C(msg), and
      repeated entries have C(duplicate_of), the index of the first one.
  returned: with O(incidents)
  type: list
  elements: dict
  sample:
    - {workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60, source: DefenderXDR, incident_id: "48213",
      title: Mass download by one user, incident: {}, changed: false, failed: false, error: null}
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
error:
  description: The cause of the failure. See the guide
    R(When something fails,ansible_collections.secops.itsm.docsite.errors).
  returned: failure
  type: dict
  sample: {category: permission, code: INSUFFICIENT_WORKSPACE_ROLE, http_status: 403, method: GET,
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/DefenderXDR/48213,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_info import (
    check_filters,
    incident_info,
    parse_options,
    read_incident,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import FILTER_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    CONTRAFORCE_SERVICE,
    incidents,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition

OWN = {
    "details": {"type": "bool", "default": False},
    "comments": {"type": "bool", "default": False},
    **FILTER_SPEC,
    "limit": {"type": "int"},
}

ARGUMENT_SPEC = one_or_many_spec(OWN, for_all=OWN)

LIST = incidents(parse_options, read_incident, read_only=True, check=check_filters)
DEFINITION = ModuleDefinition(
    CONTRAFORCE_SERVICE, ARGUMENT_SPEC, incident_info, LIST, {"mutually_exclusive": [("incident_id", "incidents")]}
)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
