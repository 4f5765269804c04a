#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_info
short_description: Read ContraForce incidents, or list them across workspaces
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads one incident, named by O(workspace_id), O(source) and O(incident_id), on request with the details of its
    investigation and its comments. With O(incidents), each of several incidents in the same way.
  - Or lists the incidents of all workspaces that the account sees, filtered by the service, page after page to the end.
    A list is complete or the task fails.
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
    description: UUID of the workspace that the incident belongs to.
    type: str
  source:
    description: The product that raised the incident, in any case.
    type: str
  incident_id:
    description: Identifier of the incident in its source.
    type: str
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents to read, instead of the one that O(incident_id) names. The options that filter the list of
        all incidents cannot be given with it.
      - Each has an outcome of its own in RV(results), in the same order. One that fails does not stop the others; the
        task fails in the end. Refused credentials, and a service that cannot be reached any more, end the whole list.
      - A workspace or a source that is missing or blank in an entry defaults to that of the task.
      - An incident that is there twice is read once.
    type: list
    elements: dict
    suboptions:
      workspace_id:
        description: UUID of the workspace that the incident belongs to.
        type: str
      source:
        description: The product that raised the incident.
        type: str
      incident_id:
        description: Identifier of the incident in its source.
        type: str
        required: true
  details:
    description: Whether to read the details of the investigation of each incident that is named. They can be large.
    type: bool
    default: false
  comments:
    description:
      - Whether to read the comments of each incident that is named. The service account needs the scope
        C(incidents:comments).
    type: bool
    default: false
  limit:
    description: The most incidents to return. RV(truncated) says whether there are more. All of them without it.
    type: int
notes:
  - The place of the page tokens is an assumption (CF-A16 in the README), and that a listed incident names its workspace
    (CF-A17).
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
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

- name: Show what is known of its ticket
  ansible.builtin.debug:
    var: one.link

- name: Read several incidents in one task, eight at a time
  secops.itsm.contraforce_incident_info:
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: Sentinel
        incident_id: 7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
  register: several

- name: Show which of them have a ticket
  ansible.builtin.debug:
    msg: "{{ several.results | selectattr('link.link', 'eq', 'linked') | map(attribute='title') | list }}"

- name: List what is new and severe in all workspaces
  secops.itsm.contraforce_incident_info:
    severities: [High]
    statuses: [New]
    time_range: FourtyEightHours
  register: severe

- name: List what nobody has taken up in the night, a hundred at the most
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
  description: The incidents as the service gave them. A single one with the fields of its record, a list with more.
  returned: success, without O(incidents)
  type: list
  elements: dict
  sample:
    - id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
      title: Sign-in from an unusual location
      severity: Medium
      status: New
      source: Sentinel
      workspaceId: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
truncated:
  description: Whether O(limit) cut the list off.
  returned: success, without O(incidents)
  type: bool
incident:
  description: The one incident that was asked for.
  returned: when O(incident_id) is given
  type: dict
link:
  description: What is known of the incident's ticket, without asking for more than the options say.
  returned: when O(incident_id) is given
  type: dict
  contains:
    link:
      description:
        - V(linked) or V(unlinked) where the read of the incident shows it, V(likely) where a comment names a ticket and
          O(comments=true), V(unknown) otherwise.
      returned: always
      type: str
      sample: linked
    evidence:
      description: V(incident), V(comments) or V(none).
      returned: always
      type: str
      sample: incident
    ticket_id:
      description: The ticket's identifier, as far as it is known.
      returned: always
      type: str
      sample: "41877"
    ticket_number:
      description: The ticket's display number, as far as it is known.
      returned: always
      type: str
      sample: T20261121.0042
    ticketing_system:
      description: The ticketing system, as far as it is known.
      returned: always
      type: str
      sample: Autotask
details:
  description: The C(investigationDetails), C(evidence) and C(gamebookCatalog) of the incident.
  returned: when O(details=true)
  type: dict
comments:
  description: The comments of the incident, in the service's order.
  returned: when O(comments=true)
  type: list
  elements: dict
request_ids:
  description: The service's identifiers of the requests of this run, for its support.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - What came of each entry of O(incidents), in its order. Besides the keys below, each has those that a run for one
      incident returns, such as RV(incident) and RV(link).
  returned: with O(incidents)
  type: list
  elements: dict
  contains:
    workspace_id:
      description: The workspace of the incident.
      returned: always
      type: str
    source:
      description: The source of the incident.
      returned: always
      type: str
    incident_id:
      description: The incident.
      returned: always
      type: str
    title:
      description: The incident's title as the service shows it, so that a report can be read by people.
      returned: if the incident was read and has one, whether the entry failed or not
      type: str
      sample: Credential dumping on SRV-DC02
    incident:
      description: As RV(incident).
      returned: if the entry did not fail
      type: dict
    failed:
      description: Whether this entry failed.
      returned: always
      type: bool
    changed:
      description: Always V(false).
      returned: always
      type: bool
    error:
      description: As RV(error), or null if the entry did not fail.
      returned: always
      type: dict
    msg:
      description: What went wrong with this entry, and what to do.
      returned: if the entry failed
      type: str
    duplicate_of:
      description: The place in the list, from 0, of the entry that this one repeats.
      returned: if it repeats one
      type: int
summary:
  description: How many there are of each outcome, every incident counted once.
  returned: with a list
  type: dict
  contains:
    total:
      description: How many different ones the list has.
      returned: always
      type: int
    changed:
      description: How many were changed.
      returned: always
      type: int
    ok:
      description: How many were as wanted already.
      returned: always
      type: int
    failed:
      description: How many failed.
      returned: always
      type: int
    duplicates:
      description: How many entries only repeat another one.
      returned: always
      type: int
  sample: {changed: 37, duplicates: 0, failed: 1, ok: 2, total: 40}
msg:
  description:
    - For a list, the outcome in a line; check mode counts what C(would change). For a failure, what happened, to what,
      and what to do.
  returned: with a list, and on failure
  type: str
  sample: 37 changed, 2 ok, 0 failed
error:
  description: What went wrong, for a C(rescue) to branch on.
  returned: failure
  type: dict
  contains:
    category:
      description:
        - One of V(configuration), V(authentication), V(permission), V(not_found), V(validation), V(conflict),
          V(ambiguous_match), V(rate_limited), V(unavailable), V(ambiguous_write), V(contract), V(not_converged), V(tls)
          and V(internal).
      returned: always
      type: str
      sample: not_found
    code:
      description: The service's own word for it, if it gave one.
      returned: always
      type: str
      sample: INSUFFICIENT_WORKSPACE_ROLE
    http_status:
      description: The status of the answer, if there was one.
      returned: always
      type: int
      sample: 403
    method:
      description: The HTTP method of the request that failed.
      returned: always
      type: str
      sample: PUT
    path:
      description: The path of that request, below O(url).
      returned: always
      type: str
    request_id:
      description: The service's identifier of that request.
      returned: always
      type: str
    retryable:
      description: Whether the same task may succeed when it is run again.
      returned: always
      type: bool
    fields:
      description: Messages by field, when the service refused values.
      returned: always
      type: dict
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
