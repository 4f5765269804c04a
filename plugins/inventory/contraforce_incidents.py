# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open incidents as the hosts of an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: contraforce_incidents
short_description: Open ContraForce incidents of all workspaces as hosts
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Lists incidents of all workspaces that the account sees, filtered by the service, and makes a host of each, so that
    a play runs for every incident, a failure stays with its incident, and the job slices of a controller spread the
    incidents over its nodes.
  - The name of the file must end in C(contraforce_incidents.yml) or C(contraforce_incidents.yaml).
  - A host is called by its source, its identifier and its workspace, as in
    C(sentinel.6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61.3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60). The identifier is
    percent-encoded.
  - Its variables are C(workspace_id), C(source), C(incident_id), C(incident_number) if the list shows that, and
    C(incident), the incident as it was listed. None of them is ever evaluated as a template, whatever is in it.
  - All hosts are in the group C(contraforce_incidents), which makes them run where Ansible runs, and in the groups of
    their source, severity, status and workspace, as in C(source_sentinel), C(severity_low), C(status_new) and
    C(workspace_3f2b8c1e_7d4a_4e59_9b60_1a2c3d4e5f60).
  - The list is complete, or the inventory source fails and gives no host. Ansible itself goes on without a source that
    failed, unless E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is set.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.plugins
  - secops.itsm.contraforce.incident_filters
  - constructed
  - inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices:
      - secops.itsm.contraforce_incidents
  statuses:
    description: Only incidents of these statuses; the open ones without it.
    default:
      - New
      - Active
  title_pattern:
    description: A regular expression that is found in the title of each incident that is taken, whatever the case.
    type: str
  workspace_ids:
    description: Only incidents of these workspaces.
    type: list
    elements: str
  older_than_hours:
    description: Only incidents that were raised at least so many hours ago.
    type: float
  hostname:
    description:
      - A Jinja expression, or a text with templates, for the name of each host, as in
        V(source ~ '-' ~ incident_number). It is percent-encoded.
      - The host keeps its usual name where it gives nothing, or fails without O(strict). And, with a warning that
        counts them, where it gives the name of a group, of another host or of another incident; the last is an error
        with O(strict).
    type: str
notes:
  - Connection options and filters may be templates, as in V({{ lookup('ansible.builtin.env', 'A_VARIABLE'\) }}).
  - An environment variable that is empty counts as not set.
  - What is kept by O(cache) belongs to the file, O(url), O(client_id) and the filters of the service. It holds the
    incidents, and no credentials. Different accounts with an O(access_token) each need a file each.
  - An option that there is not is an error, because a filter that is misspelled would widen the selection.
  - That a listed incident names its workspace is an assumption (CF-A17 in the README). Incidents without it are left
    out, with a warning.
seealso:
  - module: secops.itsm.contraforce_incident_info
"""

EXAMPLES = r"""
---
# night.contraforce_incidents.yml. The first line alone makes hosts of all that is open, in all workspaces, with the
# credentials of the environment. The others choose among them, and have an account of their own.
plugin: secops.itsm.contraforce_incidents
client_id: "{{ lookup('ansible.builtin.env', 'SOC_CLIENT_ID') }}"
client_secret: "{{ lookup('ansible.builtin.env', 'SOC_CLIENT_SECRET') }}"
sources: [Sentinel, DefenderXDR]
severities: [Low, Medium]
time_range: FourtyEightHours
title_pattern: backup account
older_than_hours: 4
hostname: source ~ '-' ~ incident_number
compose:
  comment: "'Known noise. The title was: ' ~ incident.title"
groups:
  unassigned: not incident.isAssigned
keyed_groups:
  - key: incident.user.displayName
    prefix: of
    default_value: nobody
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/soc
cache_timeout: 300
"""

import hashlib
import json
from collections import Counter
from typing import Any, Mapping, Sequence

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_info import incident_info
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_list import FILTER_SPEC
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE, IDENTIFIERS
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.job import Job, Shell, perform
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.runner import missing_library, whole_spec
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_hosts import (
    ALL_INCIDENTS,
    IncidentHost,
    as_plain,
    hosts_of,
    safe_name,
    selected,
)

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, where every text is a template that is not marked as unsafe

    def trust_as_template(value: str) -> str:
        """The text as it is.

        :param value: a template.
        """
        return value


FILE_NAMES = (f"{ALL_INCIDENTS}.yml", f"{ALL_INCIDENTS}.yaml")

#: What this plugin filters by itself, whatever the service listed.
SELECTION_SPEC: Mapping[str, Mapping[str, Any]] = {
    "title_pattern": {"type": "str"},
    "workspace_ids": {"type": "list", "elements": "str"},
    "older_than_hours": {"type": "float"},
}

JOB = Job(
    CONTRAFORCE_SERVICE,
    {**FILTER_SPEC, "statuses": {**FILTER_SPEC["statuses"], "default": ["New", "Active"]}, **SELECTION_SPEC},
    incident_info,
)

#: Names that no host of ours may have.
TAKEN_NAMES = frozenset({"", "all", "ungrouped", "localhost", ALL_INCIDENTS})

#: What hosts need to run where Ansible itself runs, with the Python that has what the modules need.
RUNS_HERE: Mapping[str, str] = {
    "ansible_connection": trust_as_template("local"),
    "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # Ansible has no type hints
    """What Ansible loads."""

    NAME = "secops.itsm.contraforce_incidents"

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[str, Any] = {}
        self._secrecy = Secrecy(CONTRAFORCE_OPTIONS, lambda: self._given)

    @staticmethod
    def _sanitize_group_name(name: str) -> str:
        """A name that can be the name of a group, whatever Ansible is set to: it may be made of what attackers wrote.

        :param name: as C(groups) and C(keyed_groups) give it.
        """
        return as_plain(to_safe_group_name(name, force=True, silent=True))

    def verify_file(self, path: str) -> bool:
        """Whether a file is for this plugin.

        :param path: of the file.
        """
        return bool(super().verify_file(path)) and path.endswith(FILE_NAMES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory.

        :param inventory: takes the hosts.
        :param loader: reads files.
        :param path: of the file.
        :param cache: whether what is in the cache may be used.
        """
        super().parse(inventory, loader, path, cache)
        missing = missing_library()
        if missing:
            raise AnsibleParserError(missing)
        self._read_config_data(path)
        records = self._records(path, cache)
        try:
            wanted = selected(records, **{name: self._given.get(name) or None for name in SELECTION_SPEC})
        except ValueError as error:
            raise AnsibleParserError(str(error)) from None
        hosts, left_out = hosts_of(wanted)
        if left_out:
            self.display.warning(
                f"secops.itsm.contraforce_incidents: {left_out} of {len(wanted)} incidents are left out, because the "
                "list does not show their workspace (CF-A17), their identifier, or a source that is known."
            )
        self._fill(self._named(hosts))

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: Mapping[str, Any] | None = None
    ) -> None:
        """Take in the options. The collection's own are checked as those of its modules are, templates are evaluated.

        :param task_keys: there are none.
        :param var_options: extra variables.
        :param direct: what the file holds.
        """
        given = dict(direct or {})
        unknown = sorted(str(name) for name in given if name not in self.option_definitions)
        if unknown:
            raise AnsibleParserError(f"There is no option {', '.join(unknown)}.")
        spec = whole_spec(JOB)
        self._given = {name: self._evaluated(name, given[name], var_options) for name in spec if name in given}
        checked = ArgumentSpecValidator(spec).validate(self._given)
        self._given = checked.validated_parameters
        if checked.error_messages:
            raise AnsibleParserError(self._secrecy.text(str(checked.errors.msg)))
        # Ansible reads the variables of the environment by itself, even empty ones, so it is given a value for each.
        usable = {name: _empty(spec[name]) if value is None else value for name, value in self._given.items()}
        super().set_options(task_keys, var_options, {**given, **usable})

    def _evaluated(self, name: str, value: Any, variables: Any) -> Any:
        """An option's value; templates in it are evaluated, with the extra variables."""
        self.templar.available_variables = variables or {}
        try:
            return self.templar.template(value)
        except AnsibleError as error:
            raise AnsibleParserError(f"The template of {name} cannot be evaluated: {error}") from None

    def _records(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """The incidents as the service listed them, or as the cache has them."""
        if not self.get_option("cache"):
            return self._listed()
        key = f"{self.get_cache_key(path)}_{_digest(self._given)}"
        if cache:
            try:
                return list(json.loads(self._cache[key]["incidents"]))
            except (AnsibleError, KeyError, TypeError, ValueError):
                # It is not there, or it is damaged.
                self.display.vvv("secops.itsm.contraforce_incidents: nothing usable in the cache")
        records = self._listed()
        # As a text, in which no cache plugin finds anything to make an object of.
        self._cache[key] = {"incidents": json.dumps(records)}
        return records

    def _listed(self) -> list[dict[str, Any]]:
        """The incidents as the service lists them."""
        lines = Lines()
        try:
            end = perform(JOB, self._given, Shell(True, False, self._secrecy, lines, passing=(AnsibleError,)))
        finally:
            lines.close()
        if isinstance(end, ApiError):
            raise AnsibleParserError(self._secrecy.text(end.message))
        return list(self._secrecy.values(end.values)["incidents"])

    def _named(self, hosts: Sequence[IncidentHost]) -> dict[str, IncidentHost]:
        """The hosts by their names, which no two of them have.

        One that cannot have the name that was asked for keeps its usual one: titles are written by attackers, and must
        not be able to empty the inventory.
        """
        asked = [self._name(host) for host in hosts]
        groups = {*TAKEN_NAMES, *self.inventory.groups, *(group for host in hosts for group in host.groups)}
        usual = {host.name: host for host in hosts}
        shared = {name for name, count in Counter(asked).items() if name and count > 1}
        unusable = groups | shared
        named: dict[str, IncidentHost] = {}
        kept = 0
        for name, host in zip(asked, hosts):
            if name in shared and self.get_option("strict"):
                both = " and ".join(str(one.key) for other, one in zip(asked, hosts) if other == name)
                raise AnsibleParserError(f"hostname gives {name} to several incidents: {both}.")
            is_taken = name in unusable or usual.get(name, host) is not host or self._is_another(name, host)
            kept += is_taken and bool(name)
            named[host.name if is_taken else name] = host
        if kept:
            self.display.warning(
                f"secops.itsm.contraforce_incidents: {kept} of {len(hosts)} hosts keep their usual names, because "
                "hostname gives them the name of a group, of another incident or of another host."
            )
        return named

    def _is_another(self, name: str, host: IncidentHost) -> bool:
        """Whether another source has a host of that name already, which is not of the same incident."""
        known = self.inventory.hosts.get(name)
        return known is not None and any(known.vars.get(part) != host.variables[part] for part in IDENTIFIERS)

    def _name(self, host: IncidentHost) -> str:
        """The name that was asked for, or else the usual one."""
        template = self.get_option("hostname")
        if not template:
            return host.name
        variables = wrap_var(dict(host.variables))
        try:
            if "{{" in template or "{%" in template:
                self.templar.available_variables = variables
                name = self.templar.template(template)
            else:
                name = self._compose(template, variables)
        except Exception as error:  # whatever a filter or a test of the template raises
            if self.get_option("strict"):
                raise AnsibleParserError(f"hostname cannot be evaluated for {host.key}: {error}") from None
            return host.name
        return safe_name("" if name is None else str(name).strip())

    def _fill(self, hosts: Mapping[str, IncidentHost]) -> None:
        """Put the hosts into the inventory, all or none. Without any, the group of all is there, unless this fails."""
        try:
            for name, host in hosts.items():
                self._add(name, host)
        except AnsibleError:
            for name in hosts:
                if name in self.inventory.hosts:
                    self.inventory.remove_host(self.inventory.hosts[name])
            raise
        self.inventory.add_group(ALL_INCIDENTS)
        for variable, value in RUNS_HERE.items():
            self.inventory.set_variable(ALL_INCIDENTS, variable, value)
        for name in hosts:
            self.inventory.add_child(ALL_INCIDENTS, name)

    def _add(self, name: str, host: IncidentHost) -> None:
        """Put a host into the inventory, with what the file makes of it."""
        self.inventory.add_host(name)
        variables = wrap_var(dict(host.variables))
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        for group in host.groups:
            self.inventory.add_group(group)
            self.inventory.add_child(group, name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)


def _empty(definition: Mapping[str, Any]) -> Any:
    """A value of an option's type that says nothing, where None would make Ansible look elsewhere."""
    return {"dict": {}, "list": []}.get(definition["type"])


def _digest(options: Mapping[str, Any]) -> str:
    """What the list depends on, but for secrets, in a word that can be part of a file's name."""
    relevant = {name: options.get(name) for name in ("url", "client_id", *FILTER_SPEC)}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True, default=str).encode()).hexdigest()[:16]
