# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open connections, which the items of a loop share if, and only if, everything about them is the same."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.client import Sessions
from ansible_collections.secops.itsm.plugins.module_utils.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils.service import Service

#: How many are kept open; a loop may go over the credentials of several customers.
MOST_OPEN = 8

#: Variables of the environment that requests, or OpenSSL below it, look at.
LOOKED_AT = (
    "all_proxy",
    "curl_ca_bundle",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "ssl_cert_dir",
    "ssl_cert_file",
)


@dataclass(frozen=True)
class Line:
    """An open connection.

    :param connection: the checked options, the credentials with their token among them.
    :param sessions: with the service.
    """

    connection: Connection
    sessions: Sessions


class Lines:
    """The connections that are open, by all that makes them what they are."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Line] = OrderedDict()

    def open(self, service: Service[Any], options: Mapping[str, Any], user_agent: str) -> Line:
        """The connection that a task's options describe: one that is open already, or a new one.

        :param service: the service.
        :param options: values by option name.
        :param user_agent: the C(User-Agent) header.
        :raises ApiError: category C(configuration).
        """
        key = _key(service, options)
        line = self._open.pop(key, None)
        if line is None:
            connection = service.connect(options, user_agent)
            line = Line(connection, Sessions(connection.transport, connection.auth, user_agent))
        self._open[key] = line
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)[1].sessions.close()
        return line

    def close(self) -> None:
        """End all of them."""
        while self._open:
            self._open.popitem()[1].sessions.close()


def _key(service: Service[Any], options: Mapping[str, Any]) -> str:
    """Everything that a connection depends on, secrets and all: it never leaves the process."""
    given = {name: options.get(name) for name in service.table}
    environment = {name: value for name, value in os.environ.items() if name.lower() in LOOKED_AT}
    return json.dumps([service.vendor.name, given, environment], sort_keys=True, default=str)
