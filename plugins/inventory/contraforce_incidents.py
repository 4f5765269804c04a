# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provide open incidents as the hosts of an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: contraforce_incidents
short_description: Use open ContraForce incidents of all workspaces as hosts
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Lists the incidents of all workspaces that the account can access, filtered by the service, and creates a host for
    each. A play then runs for every incident, a failure only affects its own incident, and the job slices of a
    controller distribute the incidents over its nodes.
  - The name of the file must end in C(contraforce_incidents.yml) or C(contraforce_incidents.yaml).
  - The name of a host consists of the source and the first digits of the identifier if this is a UUID, as in
    C(sentinel-6b1f0d7e), or of the source, the identifier and the first digits of the workspace, as in
    C(defenderxdr-48213-3f2b8c1e). Long identifiers are shortened, other characters are replaced, and a digest is
    added. If two incidents would have the same name, both names are longer.
  - The variables of a host are C(workspace_id), C(source), C(incident_id), C(incident_number) if the service returns
    it, and C(incident), the incident as listed. Their values are never evaluated as templates.
  - All hosts are in the group C(contraforce_incidents), and in a group for each of their source, severity, status and
    workspace, such as C(source_sentinel), C(severity_low), C(status_new) and
    C(workspace_3f2b8c1e_7d4a_4e59_9b60_1a2c3d4e5f60). Their tasks run on the controller.
  - If the list cannot be read completely, the inventory source fails and provides no hosts. Ansible continues without a
    failed source, unless E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is set.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.plugins
  - secops.itsm.contraforce.incident_filters
  - constructed
  - inventory_cache
options:
  plugin:
    description: Must be set to the plugin's name.
    type: str
    required: true
    choices:
      - secops.itsm.contraforce_incidents
  statuses:
    description: Only incidents with these statuses. By default, open incidents.
    default:
      - New
      - Active
  title_pattern:
    description: Only incidents whose title matches this regular expression anywhere, ignoring case.
    type: str
  workspace_ids:
    description: Only incidents of these workspaces.
    type: list
    elements: str
  older_than_hours:
    description: Only incidents that were created at least this number of hours ago.
    type: float
  hostname:
    description:
      - A Jinja expression, or a text with templates, for the first part of the name of each host, such as
        V(source ~ '-' ~ incident_number). It is percent-encoded and truncated to 100 characters.
      - A dot and twelve hexadecimal digits are appended, as in C(Sentinel-2871.a4718c8473a2). They are unique to the
        incident and the same in each run, so that a title cannot equal the name of a host or group of another inventory
        source.
      - The host keeps its default name if the result is empty, or if the evaluation fails and O(strict) is not set.
    type: str
notes:
  - Connection options and filters may be templates, such as V({{ lookup('ansible.builtin.env', 'A_VARIABLE'\) }}), or
    values encrypted with ansible-vault.
  - Connection options that are not in the file default to the extra variables (C(-e)) of the runbooks, such as
    C(contraforce_client_id), and then to the environment. An inventory plugin cannot access group variables.
  - Empty environment variables count as not set.
  - The cache is specific to the file, O(url), O(client_id) and the filters of the service. It contains the incidents,
    but no credentials. Use a file for each account if accounts authenticate with an O(access_token).
  - Unknown options are an error, because a misspelled filter would widen the selection.
  - Each entry of O(keyed_groups) needs a C(prefix) that no other inventory source uses, and a C(separator). Its
    C(parent_group) must be a name without templates. Otherwise, the title of an incident could add hosts to any group.
  - Do not set C(ansible_host) or other connection variables from incident data in O(compose).
  - It is an assumption that listed incidents contain their workspace (CF-A17 in the guide
    R(Verified and assumed, ansible_collections.secops.itsm.docsite.verified)). Incidents without it are skipped with a
    warning.
seealso:
  - module: secops.itsm.contraforce_incident_info
"""

EXAMPLES = r"""
---
# night.contraforce_incidents.yml. Only the first line is required. It selects all open incidents of all workspaces,
# with the credentials of the environment. The other lines set another account and filter the incidents.
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
    prefix: assignee
    default_value: none
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/soc
cache_timeout: 300
"""

import hashlib
import json
from functools import partial
from typing import Any, Mapping

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_info import incident_info
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IDENTIFIERS, IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import FILTER_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import (
    add_environment_variables,
    check_arguments,
    full_argument_spec,
    missing_library,
    normalize_arguments,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import ExecutionContext, execute
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry
from ansible_collections.secops.itsm.plugins.plugin_utils.connection_variables import connection_options_from
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_hosts import (
    ALL_INCIDENTS,
    IncidentHost,
    build_hosts,
    custom_host_name,
    filter_records,
    without_unsafe_mark,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.plain_values import plain_value

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, which evaluates all texts that are not marked as unsafe

    def trust_as_template(value: str) -> str:
        """Return the text unchanged.

        :param value: a template.
        """
        return value


FILE_NAMES = (f"{ALL_INCIDENTS}.yml", f"{ALL_INCIDENTS}.yaml")

#: Options by which this plugin filters the listed incidents.
SELECTION_SPEC: Mapping[str, Mapping[str, Any]] = {
    "title_pattern": {"type": "str"},
    "workspace_ids": {"type": "list", "elements": "str"},
    "older_than_hours": {"type": "float"},
}

DEFINITION = ModuleDefinition(
    CONTRAFORCE_SERVICE,
    {**FILTER_SPEC, "statuses": {**FILTER_SPEC["statuses"], "default": ["New", "Active"]}, **SELECTION_SPEC},
    incident_info,
)

#: Variables that run tasks on the controller, as its user, with the Python that has the libraries of the modules. They
#: are set for each host, because a user's group_vars override the variables of a group.
RUNS_HERE: Mapping[str, Any] = {
    "ansible_connection": trust_as_template("local"),
    "ansible_become": False,
    "ansible_python_interpreter": trust_as_template("{{ ansible_playbook_python }}"),
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # Ansible has no type hints
    """The inventory plugin."""

    NAME = "secops.itsm.contraforce_incidents"

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[str, Any] = {}
        self._secrets = SecretRegistry(CONTRAFORCE_OPTIONS, lambda: self._given)

    @staticmethod
    def _sanitize_group_name(name: str) -> str:
        """Return a valid group name, regardless of Ansible's settings, because attackers may control parts of the name.

        :param name: a name from ``groups`` or ``keyed_groups``.
        """
        return without_unsafe_mark(to_safe_group_name(name, force=True, silent=True))

    def verify_file(self, path: str) -> bool:
        """Return whether a file is for this plugin.

        :param path: the path of the file.
        """
        return bool(super().verify_file(path)) and path.endswith(FILE_NAMES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory.

        :param inventory: the inventory.
        :param loader: reads files.
        :param path: the path of the file.
        :param cache: whether cached incidents may be used.
        """
        super().parse(inventory, loader, path, cache)
        missing = missing_library()
        if missing:
            raise AnsibleParserError(missing)
        self._read_config_data(path)
        self._check_keyed_groups()
        records = self._records(path, cache)
        try:
            selected = filter_records(records, **{name: self._given.get(name) or None for name in SELECTION_SPEC})
        except ValueError as error:
            raise AnsibleParserError(str(error)) from None
        hosts, skipped = build_hosts(selected, _taken_names(inventory))
        if skipped:
            self.display.warning(
                f"secops.itsm.contraforce_incidents: {skipped} of {len(selected)} incidents were skipped, because the "
                "list does not show their workspace (CF-A17), their identifier, or a known source."
            )
        self._fill({self._name(host): host for host in hosts})

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: Mapping[str, Any] | None = None
    ) -> None:
        """Set the options. Those of the collection are validated like options of its modules; templates are evaluated.

        :param task_keys: not used.
        :param var_options: the extra variables.
        :param direct: the content of the file.
        """
        given = dict(direct or {})
        unknown = sorted(str(name) for name in given if name not in self.option_definitions)
        if unknown:
            raise AnsibleParserError(f"Unknown option: {', '.join(unknown)}. Remove it, or correct its name.")
        spec = full_argument_spec(DEFINITION)
        variables = var_options or {}
        self._given = {
            **connection_options_from(variables, CONTRAFORCE_OPTIONS, partial(self._evaluated, variables)),
            **{name: self._evaluated(variables, name, given[name]) for name in spec if name in given},
        }
        checked = check_arguments(spec, normalize_arguments(DEFINITION, self._given))
        self._given = checked.validated_parameters
        if checked.error_messages:
            raise AnsibleParserError(
                self._secrets.text(add_environment_variables(str(checked.errors.msg), CONTRAFORCE_OPTIONS))
            )
        # Ansible would read environment variables of options without a value, even empty ones.
        usable = {name: _empty(spec[name]) if value is None else value for name, value in self._given.items()}
        super().set_options(task_keys, var_options, {**given, **usable})

    def _evaluated(self, variables: Mapping[str, Any], name: str, value: Any) -> Any:
        """Return the value of an option or variable as a module would receive it, with templates evaluated."""
        self.templar.available_variables = variables
        try:
            return plain_value(self.templar.template(value))
        except AnsibleError as error:
            raise AnsibleParserError(f"The template of {name} cannot be evaluated: {error}") from None
        except (TypeError, ValueError):
            raise AnsibleParserError(f"{name} has a value that JSON cannot represent. Correct it.") from None

    def _records(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """Return the incidents from the cache or the service."""
        if not self.get_option("cache"):
            return self._listed()
        key = f"{self.get_cache_key(path)}_{_digest(self._given)}"
        if cache:
            try:
                return list(json.loads(self._cache[key]["incidents"]))
            except (AnsibleError, KeyError, TypeError, ValueError):
                # The entry is missing or damaged.
                self.display.vvv("secops.itsm.contraforce_incidents: the cache has no usable entry")
        records = self._listed()
        # As a text, so that no cache plugin converts parts of it to objects.
        self._cache[key] = {"incidents": json.dumps(records)}
        return records

    def _listed(self) -> list[dict[str, Any]]:
        """Return the incidents as the service lists them."""
        connections = ConnectionPool()
        try:
            result = execute(
                DEFINITION,
                self._given,
                ExecutionContext(True, False, self._secrets, connections, passthrough_exceptions=(AnsibleError,)),
            )
        finally:
            connections.close()
        if isinstance(result, ApiError):
            raise AnsibleParserError(self._secrets.text(result.message))
        return list(self._secrets.values(result.values)["incidents"])

    def _check_keyed_groups(self) -> None:
        """Raise AnsibleParserError if incident data alone would determine the names of groups."""
        for entry in self.get_option("keyed_groups") or []:
            if not isinstance(entry, dict):
                continue  # Ansible refuses it
            if not entry.get("prefix") or not entry.get("separator", "_"):
                raise AnsibleParserError(
                    f"The keyed_groups entry for {entry.get('key')} needs a prefix and a separator. Without them, an "
                    "incident could join a group of another inventory source."
                )
            if _is_template(str(entry.get("parent_group"))):
                raise AnsibleParserError(
                    f"The parent_group of the keyed_groups entry for {entry.get('key')} is a template. Set a fixed "
                    "name, because an incident could otherwise join a group of another inventory source."
                )

    def _name(self, host: IncidentHost) -> str:
        """Return the name of a host."""
        template = self.get_option("hostname")
        if not template:
            return host.name
        variables = wrap_var(dict(host.variables))
        try:
            if _is_template(template):
                self.templar.available_variables = variables
                name = self.templar.template(template)
            else:
                name = self._compose(template, variables)
        except Exception as error:  # filters and tests in the template may raise anything
            if self.get_option("strict"):
                raise AnsibleParserError(f"hostname cannot be evaluated for {host.key}: {error}") from None
            return host.name
        custom = custom_host_name(host.full_name, "" if name is None else str(name))
        return host.name if custom == host.full_name else custom

    def _fill(self, hosts: Mapping[str, IncidentHost]) -> None:
        """Add all hosts to the inventory, or none. The group of all incidents exists even without hosts."""
        try:
            for name, host in hosts.items():
                self._add(name, host)
        except AnsibleError:
            for name in hosts:
                if name in self.inventory.hosts:
                    self.inventory.remove_host(self.inventory.hosts[name])
            raise
        self.inventory.add_group(ALL_INCIDENTS)
        for name in hosts:
            self.inventory.add_child(ALL_INCIDENTS, name)

    def _add(self, name: str, host: IncidentHost) -> None:
        """Add a host to the inventory, with its variables and groups."""
        self.inventory.add_host(name)
        variables = wrap_var(dict(host.variables))
        for variable, value in {**variables, **RUNS_HERE}.items():
            self.inventory.set_variable(name, variable, value)
        for group in host.groups:
            self.inventory.add_group(group)
            self.inventory.add_child(group, name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)


def _is_template(text: str) -> bool:
    """Return whether a text is a template; other texts of the file are expressions or names."""
    return "{{" in text or "{%" in text


def _empty(definition: Mapping[str, Any]) -> Any:
    """Return an empty value of an option's type, because Ansible would replace None with values of other sources."""
    return {"dict": {}, "list": []}.get(definition["type"])


def _taken_names(inventory: Any) -> dict[str, IncidentKey | None]:
    """Return the names in an inventory, with the key of the incident if a name is that of an incident's host."""
    names: dict[str, IncidentKey | None] = dict.fromkeys(map(str, inventory.groups))
    for name, host in inventory.hosts.items():
        parts = [host.vars.get(part) for part in IDENTIFIERS]
        names[str(name)] = IncidentKey(*map(str, parts)) if all(parts) else None
    return names


def _digest(options: Mapping[str, Any]) -> str:
    """Return a digest of the options that the list depends on, without secrets."""
    relevant = {name: options.get(name) for name in ("url", "client_id", *FILTER_SPEC)}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True, default=str).encode()).hexdigest()[:16]
