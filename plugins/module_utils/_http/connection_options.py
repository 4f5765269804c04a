# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The options of a connection, for any service and any kind of plugin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping


@dataclass(frozen=True)
class Option:
    """A connection option.

    :param type: its type, as in an argument spec.
    :param env: the environment variable that sets the option.
    :param default: its default.
    :param secret: whether it is a secret; None if only its name looks like that of a secret.
    :param is_address: whether it is a URL, which may contain a password if it is invalid.
    """

    type: str
    env: str
    default: Any = None
    secret: bool | None = False
    is_address: bool = False

    @property
    def variable(self) -> str:
        """Return the runbook variable that sets the option."""
        return self.env.lower()


def label(name: str, connection_options: Mapping[str, Option]) -> str:
    """Return the name of an option for a message, with the environment variable that users of runbooks set.

    :param name: the option.
    :param connection_options: the options of the connection.
    """
    return f"{name} ({connection_options[name].env})"


def labels(names: Iterable[str], connection_options: Mapping[str, Option]) -> str:
    """Return the names of several options for a message.

    :param names: the options.
    :param connection_options: the options of the connection.
    """
    *first, last = [label(name, connection_options) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def transport_options(prefix: str) -> dict[str, Option]:
    """Return the options for reaching a service, which are the same for every service.

    :param prefix: the start of the environment variables' names.
    """
    return {
        "timeout": Option("int", f"{prefix}_TIMEOUT", 30),
        "retry_timeout": Option("int", f"{prefix}_RETRY_TIMEOUT", 60),
        "validate_certs": Option("bool", f"{prefix}_VALIDATE_CERTS", True),
        "ca_path": Option("path", f"{prefix}_CA_PATH"),
        "client_cert": Option("path", f"{prefix}_CLIENT_CERT"),
        "client_key": Option("path", f"{prefix}_CLIENT_KEY", secret=None),
        "proxy": Option("str", f"{prefix}_PROXY", secret=True),
        "headers": Option("dict", f"{prefix}_HEADERS", secret=True),
        "allow_http": Option("bool", f"{prefix}_ALLOW_HTTP", False),
    }


def given_options(options: Mapping[str, Any], connection_options: Mapping[str, Option]) -> dict[str, Any]:
    """Return the values of the connection options, with None for blank ones, as AWX passes unset options as blank.

    :param options: values by option name.
    :param connection_options: the options of the connection.
    """
    return {name: _blank_as_none(options.get(name, option.default)) for name, option in connection_options.items()}


def _blank_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value
