# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate the options of an event source or filter as Ansible validates those of a module."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import (
    check_arguments,
    normalize_choices,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._redaction.option_secrets import secrets_in
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor

#: Names that ansible-rulebook may add to the options of a source.
IGNORED_NAMES = frozenset({"eda_feedback_queue"})


def validate_options(
    spec: Mapping[str, Mapping[str, Any]], args: Mapping[str, Any], known: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the options with defaults, values from the environment, and converted types.

    A blank value counts as not set, because the template of an unset variable is blank.

    :param spec: an argument spec; options with ``no_log`` are secret.
    :param args: the options as ansible-rulebook passes them.
    :param known: further names to ignore.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    ignored = IGNORED_NAMES.union(known)
    given = {str(name): value for name, value in args.items() if name not in ignored and not _is_blank(value)}
    _check_names(spec, given)
    _check_secrets(spec, given)
    checked = check_arguments(spec, normalize_choices(spec, given))
    options: dict[str, Any] = dict(checked.validated_parameters)
    _check_missing(spec, options)
    if checked.error_messages:
        secrets = secrets_in(options, {name: Option("raw", "", secret=True) for name in _secret_names(spec)})
        raise ValueError(" ".join(Redactor(secrets).text(str(checked.errors.msg)).split()))
    return options


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _secret_names(spec: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, option in spec.items() if option.get("no_log")]


def _check_names(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(spec))
    if unknown:
        raise ValueError(f"Unknown option: {', '.join(unknown)}. Supported options: {', '.join(sorted(spec))}.")


def _check_secrets(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Raise ValueError if a secret is a number: YAML and templates change the digits of 0123, 1e5 or 1_000."""
    for name in _secret_names(spec):
        if spec[name].get("type", "str") == "str" and not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name} must be a string. Put it in quotes{_variable_hint(spec[name])}.")


def _check_missing(spec: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]) -> None:
    for name, option in spec.items():
        if option.get("required") and options.get(name) is None:
            raise ValueError(f"{name} is missing. Set the option{_variable_hint(option)}.")


def _variable_hint(option: Mapping[str, Any]) -> str:
    _strategy, *variables = option.get("fallback", (None,))
    return f", or set the environment variable {variables[0][0]}" if variables else ""
