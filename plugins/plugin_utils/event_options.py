# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an event source or filter, checked as Ansible checks those of a module."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.secops.itsm.plugins.module_utils.connection import Option, secrets_in
from ansible_collections.secops.itsm.plugins.module_utils.redact import Redactor

#: What ansible-rulebook puts beside the options of a source, at times.
NO_OPTIONS = frozenset({"eda_feedback_queue"})


def checked_options(
    spec: Mapping[str, Mapping[str, Any]], args: Mapping[str, Any], known: Iterable[str] = ()
) -> dict[str, Any]:
    """The options with their defaults, those of the environment, and the right types.

    What is empty counts as left out, for a variable that a user did not set often is.

    :param spec: an argument spec; C(no_log) says which options are secret.
    :param args: what ansible-rulebook gives.
    :param known: further names that may be among them, and are passed over.
    :raises ValueError: with one sentence, which holds no secret.
    """
    passed_over = NO_OPTIONS.union(known)
    given = {str(name): value for name, value in args.items() if name not in passed_over and not _is_blank(value)}
    _check_names(spec, given)
    _check_secrets(spec, given)
    checked = ArgumentSpecValidator(dict(spec)).validate(given)
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
        raise ValueError(f"There is no option {', '.join(unknown)}; the options are {', '.join(sorted(spec))}.")


def _check_secrets(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Refuse a number for a secret: YAML and templates make of 0123, 1e5 or 1_000 a number with other digits."""
    for name in _secret_names(spec):
        if spec[name].get("type", "str") == "str" and not isinstance(given.get(name, ""), str):
            raise ValueError(f"{name} was not read as a text: put it between quotes{_or_variable(spec[name])}.")


def _check_missing(spec: Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]) -> None:
    for name, option in spec.items():
        if option.get("required") and options.get(name) is None:
            raise ValueError(f"{name} is missing: set the option{_or_variable(option)}.")


def _or_variable(option: Mapping[str, Any]) -> str:
    _strategy, *variables = option.get("fallback", (None,))
    return f", or set the environment variable {variables[0][0]}" if variables else ""
