# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a job as an Ansible module. The only place of module_utils that knows Ansible."""

from __future__ import annotations

import os
from typing import Any, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.secops.itsm.plugins.module_utils import client as http
from ansible_collections.secops.itsm.plugins.module_utils import contract
from ansible_collections.secops.itsm.plugins.module_utils.connection import Option, harmless_in
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.job import Job, Shell, ending, perform
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy


def environment_fallback(name: str) -> str:
    """The value of an environment variable; AWX sets it to an empty text for a field that was left out.

    :param name: the variable's name.
    :raises AnsibleFallbackNotFound: when it is not there or empty.
    """
    value = os.environ.get(name, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def connection_spec(table: Mapping[str, Option]) -> dict[str, dict[str, Any]]:
    """The connection options as an argument spec.

    :param table: the connection's options.
    """
    spec: dict[str, dict[str, Any]] = {}
    for name, option in table.items():
        spec[name] = {"type": option.type, "fallback": (environment_fallback, [option.env])}
        if option.default is not None:
            spec[name]["default"] = option.default
        if option.secret or option.secret is None:
            spec[name]["no_log"] = bool(option.secret)
    return spec


def whole_spec(job: Job[Any]) -> dict[str, Any]:
    """The argument spec of a module, with the connection's options.

    :param job: the module.
    """
    return {**connection_spec(job.service.table), **job.argument_spec}


def missing_library() -> str | None:
    """What to install before anything can be done, or None."""
    if not http.HAS_REQUESTS:
        return str(missing_required_lib("requests"))
    if not contract.HAS_JSONSCHEMA:
        return str(missing_required_lib("jsonschema"))
    return None


class ItsmModule(AnsibleModule):  # type: ignore[misc]  # Ansible has no type hints
    """An AnsibleModule that ends every failure with a typed ``error``, and every result without a secret.

    :param job: what it does.
    """

    def __init__(self, job: Job[Any]) -> None:
        self.secrecy = Secrecy(job.service.table, lambda: self.params)
        super().__init__(argument_spec=whole_spec(job), supports_check_mode=True, **job.rules)

    def hide_secrets(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of a result without any secret; the parameters, which Ansible shows, lose theirs too.

        :param values: the result.
        """
        hidden = self.secrecy.values(values)
        self.no_log_values.difference_update(harmless_in(self.params))
        self.params.update(self.secrecy.options())
        return hidden

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End well."""
        super().exit_json(**self.hide_secrets(kwargs))
        raise AssertionError("unreachable")

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:  # type: ignore[override]  # one more signature per core
        """End with a failure; Ansible's own checks of the options call this too.

        :param msg: what happened, to what, and what to do.
        :param kwargs: further keys of the result.
        """
        kwargs.setdefault("error", configuration_error(msg).as_dict())
        values = self.hide_secrets({"msg": msg, **kwargs})
        # Outside any except block, so that no version of Ansible finds a traceback to add.
        super().fail_json(**values)
        raise AssertionError("unreachable")


def run_module(job: Job[Any]) -> None:
    """Run a job as a module.

    :param job: what the module does.
    """
    module = ItsmModule(job)
    missing = missing_library()
    if missing:
        module.fail_json(missing, changed=False)
    lines = Lines()
    try:
        end = ending(perform(job, module.params, Shell(module.check_mode, module._diff, module.secrecy, lines)))
    finally:
        lines.close()
    for warning in end.warnings:
        module.warn(module.secrecy.text(warning))
    if end.failed:
        module.fail_json(**end.values)
    module.exit_json(**end.values)
