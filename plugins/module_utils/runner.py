# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an operation as an Ansible module. The only place that knows Ansible."""

from __future__ import annotations

import os
import traceback
from typing import Any, Callable, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.secops.itsm.plugins.module_utils import client as http
from ansible_collections.secops.itsm.plugins.module_utils import contract
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    CONTRAFORCE_OPTIONS,
    Option,
    contraforce_connection,
    harmless_in,
    is_bare_address,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK, Redactor

VERSION = "0.2.0"

#: Results that are dicts with the collection's own keys; those of others come from the service.
OWN_NAMES = frozenset({"before", "after", "diff", "error", "link"})

#: The options that name an incident; the documentation fragment C(contraforce.incident) says what they are.
INCIDENT_SPEC: Mapping[str, Any] = {
    "workspace_id": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "incident_id": {"type": "str", "required": True},
}


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


class ItsmModule(AnsibleModule):  # type: ignore[misc]  # Ansible has no type hints
    """An AnsibleModule that ends every failure with a typed ``error``, and every result without a secret.

    :param table: the connection's options, of which the secret ones are known from it.
    :param argument_spec: the module's own options.
    :param kwargs: what AnsibleModule takes besides.
    """

    def __init__(self, table: Mapping[str, Option], argument_spec: Mapping[str, Any], **kwargs: Any) -> None:
        self._table = table
        self._learnt: tuple[str, ...] = ()
        super().__init__(argument_spec={**connection_spec(table), **argument_spec}, **kwargs)

    def learn_secrets(self, *secrets: str) -> None:
        """Take in secrets that are not options, such as an encoded pair or a token that was fetched."""
        self._learnt += secrets

    @property
    def redactor(self) -> Redactor:
        """Knows every secret of this run."""
        return Redactor([*secrets_in(self.params, self._table), *self._learnt])

    def hide_secrets(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of a result without any secret; the parameters, which Ansible shows, lose theirs too.

        :param values: the result.
        """
        redactor = self.redactor
        self.no_log_values.difference_update(harmless_in(self.params))
        # A refused url may hold a password; one that was taken does not.
        if not is_bare_address(str(self.params.get("url") or "")):
            self.params["url"] = MASK
        self.params.update(_with_own_names(redactor, self.params))
        return {
            name: _with_own_names(redactor, value) if name in OWN_NAMES else redactor.data(value)
            for name, value in values.items()
        }

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


def _with_own_names(redactor: Redactor, value: Mapping[str, Any]) -> dict[str, Any]:
    """A dict whose keys are the collection's own, and stay even if a header's value is the same word."""
    return {name: redactor.data(item) for name, item in value.items()}


def run_contraforce(
    argument_spec: Mapping[str, Any], operation: Callable[[ContraForceApi, Mapping[str, Any], Run], Result]
) -> None:
    """Run an operation on ContraForce as a module.

    :param argument_spec: the module's own options.
    :param operation: takes the API, the options and how to run.
    """
    module = ItsmModule(CONTRAFORCE_OPTIONS, argument_spec, supports_check_mode=True)
    _finish(module, _attempt(module, operation))


def _attempt(
    module: ItsmModule, operation: Callable[[ContraForceApi, Mapping[str, Any], Run], Result]
) -> Result | ApiError:
    if not http.HAS_REQUESTS:
        return configuration_error(missing_required_lib("requests"))
    if not contract.HAS_JSONSCHEMA:
        return configuration_error(missing_required_lib("jsonschema"))
    client = None
    try:
        connection = contraforce_connection(module.params)
        module.learn_secrets(*connection.auth.secrets)
        client = http.Client(
            connection.transport,
            connection.auth,
            CONTRAFORCE,
            read_only=module.check_mode,
            user_agent=f"secops.itsm/{VERSION}",
            redact=module.redactor.text,
        )
        run = Run(check_mode=module.check_mode, verify_timeout=module.params.get("verify_timeout") or 0)
        return operation(ContraForceApi(client), module.params, run)
    except ApiError as error:
        return error
    except Exception as bug:  # a bug of ours must end as one sentence, too, and must not print what it holds
        return _internal_error(bug, module.params)
    finally:
        if client is not None:
            client.close()


def _internal_error(bug: Exception, options: Mapping[str, Any]) -> ApiError:
    frames = traceback.extract_tb(bug.__traceback__)
    frame = [*frames, *(frame for frame in frames if "/secops/itsm/" in frame.filename)][-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    name = options.get("incident_id")
    return ApiError(
        f"secops.itsm {VERSION} has a bug: {type(bug).__name__} at {place}. Look at "
        f"{f'incident {name}' if name else 'what the task was to read'} before you run the task again, and report "
        "this line to the maintainers.",
        "internal",
    )


def _finish(module: ItsmModule, end: Result | ApiError) -> None:
    if isinstance(end, ApiError):
        module.fail_json(end.message, error=end.as_dict(), changed=end.wrote)
    redactor = module.redactor
    for warning in end.warnings:
        module.warn(redactor.text(warning))
    if end.failure:
        module.fail_json(end.failure.message, error=end.failure.as_dict(), changed=end.changed, **end.values)
    module.exit_json(changed=end.changed, **end.values)
