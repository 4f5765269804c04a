# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Share open connections among tasks and loop items with the same options."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from typing import Any, Callable, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile

#: The maximum number of open connections; a loop may use the credentials of several customers.
MAX_CONNECTIONS = 8

#: Environment variables, in lower case, that requests and OpenSSL read.
ENVIRONMENT_VARIABLES = (
    "all_proxy",
    "curl_ca_bundle",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "ssl_cert_dir",
    "ssl_cert_file",
)


class Service(Protocol):
    """A service as the pool uses it."""

    @property
    def connection_options(self) -> Mapping[str, Option]:
        """Return the connection options."""

    @property
    def build_connection(self) -> Callable[[Mapping[str, Any], str], Connection]:
        """Return the function that builds a connection from a task's options and a user agent."""

    @property
    def errors(self) -> ErrorProfile:
        """Return the profile of its errors."""


class ConnectionPool:
    """The open connections, by the options and environment variables that they depend on."""

    def __init__(self) -> None:
        self._connections: OrderedDict[str, Connection] = OrderedDict()

    def open(self, service: Service, options: Mapping[str, Any], user_agent: str) -> Connection:
        """Return the connection for a task's options; open it if necessary.

        :param service: the service.
        :param options: values by option name.
        :param user_agent: the value of the ``User-Agent`` header.
        :raises ApiError: category ``configuration``.
        """
        key = _key(service, options)
        connection = self._connections.pop(key, None) or service.build_connection(options, user_agent)
        self._connections[key] = connection
        while len(self._connections) > MAX_CONNECTIONS:
            self._connections.popitem(last=False)[1].sessions.close()
        return connection

    def close(self) -> None:
        """Close all connections."""
        while self._connections:
            self._connections.popitem()[1].sessions.close()


def _key(service: Service, options: Mapping[str, Any]) -> str:
    """Return everything that a connection depends on, including secrets; it stays in the process."""
    given = {name: options.get(name) for name in service.connection_options}
    environment = {name: value for name, value in os.environ.items() if name.lower() in ENVIRONMENT_VARIABLES}
    return json.dumps([service.errors.name, given, environment], sort_keys=True, default=str)
