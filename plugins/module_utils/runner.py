# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an operation as an Ansible module. The only place that knows Ansible."""

from __future__ import annotations

import os
import traceback
from typing import Any, Callable, Iterable, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.secops.itsm.plugins.module_utils import client as http
from ansible_collections.secops.itsm.plugins.module_utils import contract
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    ADDRESSES,
    Option,
    harmless_in,
    is_bare_address,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK, Redactor
from ansible_collections.secops.itsm.plugins.module_utils.service import Api, Service

VERSION = "0.3.0"

#: Results that are dicts with the collection's own keys; those of others come from the service.
OWN_NAMES = frozenset({"before", "after", "diff", "error", "link"})


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
        self._sources: list[Callable[[], Iterable[str]]] = []
        super().__init__(argument_spec={**connection_spec(table), **argument_spec}, **kwargs)

    def learn_secrets(self, source: Callable[[], Iterable[str]]) -> None:
        """Take in secrets that are not options, such as an encoded pair or a token that is fetched later.

        :param source: gives those that are known by the time that it is asked.
        """
        self._sources.append(source)

    @property
    def redactor(self) -> Redactor:
        """Knows every secret of this run."""
        learnt = [secret for source in self._sources for secret in source()]
        return Redactor([*secrets_in(self.params, self._table), *learnt])

    def hide(self, text: str) -> str:
        """A text without any secret that is known by now.

        :param text: such as what a service said.
        """
        return self.redactor.text(text)

    def hide_secrets(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of a result without any secret; the parameters, which Ansible shows, lose theirs too.

        :param values: the result.
        """
        redactor = self.redactor
        self.no_log_values.difference_update(harmless_in(self.params))
        # A refused address may hold a password; one that was taken does not.
        for name in ADDRESSES:
            if self.params.get(name) and not is_bare_address(str(self.params[name])):
                self.params[name] = MASK
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


def run_module(
    service: Service[Api], argument_spec: Mapping[str, Any], operation: Callable[[Api, Mapping[str, Any], Run], Result]
) -> None:
    """Run an operation as a module.

    :param service: what it is an operation on.
    :param argument_spec: the module's own options.
    :param operation: takes the API, the options and how to run.
    """
    module = ItsmModule(service.table, argument_spec, supports_check_mode=True)
    _finish(module, _attempt(module, service, operation))


def _attempt(
    module: ItsmModule, service: Service[Api], operation: Callable[[Api, Mapping[str, Any], Run], Result]
) -> Result | ApiError:
    if not http.HAS_REQUESTS:
        return configuration_error(missing_required_lib("requests"))
    if not contract.HAS_JSONSCHEMA:
        return configuration_error(missing_required_lib("jsonschema"))
    client = None
    user_agent = f"secops.itsm/{VERSION}"
    try:
        connection = service.connect(module.params, user_agent)
        module.learn_secrets(lambda: connection.auth.secrets)
        client = http.Client(
            connection.transport,
            connection.auth,
            service.vendor,
            read_only=module.check_mode,
            user_agent=user_agent,
            redact=module.hide,
        )
        run = Run(check_mode=module.check_mode, verify_timeout=module.params.get("verify_timeout") or 0)
        return operation(service.api(client, module.params), module.params, run)
    except ApiError as error:
        return error
    except Exception as bug:  # a bug of ours must end as one sentence, too, and must not print what it holds
        return _internal_error(bug, service, module.params)
    finally:
        if client is not None:
            client.close()


def _internal_error(bug: Exception, service: Service[Api], options: Mapping[str, Any]) -> ApiError:
    frames = traceback.extract_tb(bug.__traceback__)
    frame = [*frames, *(frame for frame in frames if "/secops/itsm/" in frame.filename)][-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    subject, option = service.subject
    name = options.get(option)
    return ApiError(
        f"secops.itsm {VERSION} has a bug: {type(bug).__name__} at {place}. Look at "
        f"{f'{subject} {name}' if name else 'what the task was about'} before you run the task again, and report this "
        "line to the maintainers.",
        "internal",
    )


def _finish(module: ItsmModule, end: Result | ApiError) -> None:
    if isinstance(end, ApiError):
        module.fail_json(end.message, error=end.as_dict(), changed=end.wrote)
    for warning in end.warnings:
        module.warn(module.hide(warning))
    if end.failure:
        module.fail_json(end.failure.message, error=end.failure.as_dict(), changed=end.changed, **end.values)
    module.exit_json(changed=end.changed, **end.values)
