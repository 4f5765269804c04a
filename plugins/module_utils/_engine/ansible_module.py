# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Run a module as an ordinary Ansible module. No other file of module_utils imports Ansible."""

from __future__ import annotations

import os
from typing import Any, Mapping, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound
from ansible.module_utils.errors import ArgumentTypeError

from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import (
    ExecutionContext,
    TaskResult,
    execute_redacted,
    redact,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import over_from_environment
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http import client as http
from ansible_collections.secops.itsm.plugins.module_utils._http import schema_validation
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option, label
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_blank, spelled
from ansible_collections.secops.itsm.plugins.module_utils._redaction.option_secrets import harmless_in
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry


def environment_fallback(name: str) -> str:
    """Return the value of an environment variable. AWX sets an empty string for a field without a value.

    :param name: the name of the variable.
    :raises AnsibleFallbackNotFound: if it is not set or empty.
    """
    value = os.environ.get(name, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def connection_spec(connection_options: Mapping[str, Option]) -> dict[str, dict[str, Any]]:
    """Return the connection options as an argument spec.

    :param connection_options: the connection options of a service.
    """
    spec: dict[str, dict[str, Any]] = {}
    for name, option in connection_options.items():
        spec[name] = {"type": option.type, "fallback": (environment_fallback, [option.env])}
        if option.default is not None:
            spec[name]["default"] = option.default
        if option.secret or option.secret is None:
            spec[name]["no_log"] = bool(option.secret)
    return spec


def full_argument_spec(definition: ModuleDefinition[Any]) -> dict[str, Any]:
    """Return the argument spec of a module, including the connection options.

    :param definition: the module.
    """
    return {**connection_spec(definition.service.connection_options), **definition.argument_spec}


def add_environment_variables(message: str, connection_options: Mapping[str, Option]) -> str:
    """Return a message of Ansible's validator, extended by the environment variables of the options that it names.

    :param message: the message, with the names of options in quotes.
    :param connection_options: the connection options of a service.
    """
    names = [label(name, connection_options) for name in connection_options if f"'{name}'" in message]
    return f"{message.rstrip('.')}. Check {', '.join(names)}." if names else message


def normalize_arguments(definition: ModuleDefinition[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's arguments in the form that Ansible's validator accepts.

    :param definition: the module.
    :param arguments: the arguments, as the task sets them.
    """
    return normalize_choices(definition.argument_spec, _drop_blank_values(definition, arguments))


def _drop_blank_values(definition: ModuleDefinition[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's arguments without the blank values of its list.

    Ansible's validator rejects a blank value if the option has choices or is not a string. Required options are kept,
    so that only the item without a value fails.
    """
    items = arguments.get(definition.bulk.option) if definition.bulk else None
    if not definition.bulk or not isinstance(items, list):
        return dict(arguments)
    spec = definition.argument_spec[definition.bulk.option]["options"]
    required = {name for name, option in spec.items() if option.get("required")}
    kept = [
        {name: value for name, value in item.items() if name in required or not is_blank(value)}
        if isinstance(item, Mapping)
        else item
        for item in items
    ]
    return {**arguments, definition.bulk.option: kept}


def normalize_choices(spec: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with choices spelled as in the spec, because choices are not case-sensitive.

    :param spec: an argument spec.
    :param arguments: the arguments by name, not validated yet.
    """
    return {name: _normalize_choice(spec[name], value) if name in spec else value for name, value in arguments.items()}


def _normalize_choice(option: Mapping[str, Any], value: Any) -> Any:
    if "options" in option:
        if isinstance(value, Mapping):
            return normalize_choices(option["options"], value)
        return [_normalize_choice(option, item) for item in value] if isinstance(value, list) else value
    choices = option.get("choices")
    if not choices:
        return value
    if isinstance(value, list):
        return [_normalize_choice(option, item) for item in value]
    if not isinstance(value, str):
        return value
    if option.get("type") == "list" and "," in value:
        return [_normalize_choice(option, item) for item in value.split(",")]
    return spelled(value, choices) or value


def check_arguments(
    spec: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any], rules: Mapping[str, Any] | None = None
) -> Any:
    """Return the result of Ansible's validator, with an error for each value that makes it raise an exception.

    :param spec: an argument spec.
    :param arguments: the arguments by name.
    :param rules: the dependencies between options, as arguments of Ansible's validator.
    """
    try:
        return ArgumentSpecValidator(dict(spec), **(rules or {})).validate(arguments)
    except Exception:  # such as the OverflowError for an infinite int
        invalid = _invalid_options(spec, arguments)
        if not invalid:
            raise
    # The other options are validated as usual, so that their defaults apply.
    checked = check_arguments(
        {**spec, **{name: {"type": "raw", "aliases": spec[name].get("aliases", [])} for name in invalid}},
        arguments,
        rules,
    )
    for message in invalid.values():
        checked.errors.append(ArgumentTypeError(message))
    return checked


def _invalid_options(spec: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the error message for each option that makes Ansible's validator raise an exception."""
    invalid = {}
    for name, option in spec.items():
        given = {key: arguments[key] for key in (name, *option.get("aliases", ())) if key in arguments}
        try:
            ArgumentSpecValidator({name: {**option, "required": False}}).validate(given)
        except Exception as error:  # any exception that a value can cause
            kind = f"is of type {type(next(iter(given.values())))}" if given else "comes from the environment"
            wanted = option.get("type", "str")
            invalid[name] = f"argument '{name}' {kind} and we were unable to convert to {wanted}: {error}"
    return invalid


def missing_library() -> str | None:
    """Return the message about a required library that is not installed, or None."""
    if not http.HAS_REQUESTS:
        return str(missing_required_lib("requests"))
    if not schema_validation.HAS_JSONSCHEMA:
        return str(missing_required_lib("jsonschema"))
    return None


class ItsmModule(AnsibleModule):  # type: ignore[misc]  # Ansible has no type hints
    """An AnsibleModule that adds a typed ``error`` to every failure and redacts every result.

    :param definition: the module.
    """

    def __init__(self, definition: ModuleDefinition[Any]) -> None:
        self.definition = definition
        self.secrets = SecretRegistry(definition.service.connection_options, lambda: self.params)
        spec = full_argument_spec(definition)
        checked = None
        try:
            super().__init__(argument_spec=spec, supports_check_mode=True, **definition.rules)
        except (ArithmeticError, RecursionError):  # raised by Ansible's validator, for example for an infinite int
            checked = check_arguments(spec, self.params, definition.rules)
            if not checked.error_messages:
                raise
        if checked:
            self.params.update(checked.validated_parameters)
            self.fail_json(str(checked.errors.msg), changed=False)

    def _load_params(self) -> None:
        """Load the task's arguments, and normalize them before Ansible validates them."""
        super()._load_params()
        self.params: dict[str, Any] = normalize_arguments(self.definition, self.params)

    def end(self, result: TaskResult) -> NoReturn:
        """End the module with a redacted result, and redact the parameters, which Ansible shows.

        :param result: the redacted result.
        """
        self.no_log_values.difference_update(harmless_in(self.params))
        self.params.clear()
        self.params.update(result.arguments)
        # Outside any except block, because some versions of Ansible would add a traceback.
        leave = super().fail_json if result.failed else super().exit_json
        leave(**result.values)
        raise AssertionError("unreachable")

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:  # type: ignore[override]  # one more signature per core
        """End the module with a failure. Ansible's validation of the options also calls this.

        :param msg: what happened, to what, and what to do.
        :param kwargs: further keys of the result.
        """
        msg = add_environment_variables(msg, self.definition.service.connection_options)
        kwargs.setdefault("error", configuration_error(msg).as_dict())
        self.end(redact(TaskResult(True, {"msg": msg, **kwargs}), self.secrets))


def run_module(definition: ModuleDefinition[Any]) -> None:
    """Run a module as an ordinary Ansible module.

    :param definition: the module.
    """
    module = ItsmModule(definition)
    missing = missing_library()
    if missing:
        module.fail_json(missing, changed=False)
    connections = ConnectionPool()
    is_over = over_from_environment(os.environ)
    context = ExecutionContext(
        module.check_mode, module._diff, module.secrets, connections, is_over=is_over, verbosity=module._verbosity
    )
    try:
        result = execute_redacted(definition, module.params, context)
    finally:
        connections.close()
    for warning in result.warnings:
        module.warn(warning)
    module.end(result)
