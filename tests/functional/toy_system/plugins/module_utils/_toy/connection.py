# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define the connection options of the toy system, whose tickets are in a file, and the service."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import NoAuth
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection, build_transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import (
    Option,
    given_options,
    label,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import TOKEN_SERVER
from ansible_collections.secops.itsm.plugins.module_utils._toy.api import ToyApi

TOY_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "TOY_URL", is_address=True),
    **transport_options("TOY"),
}


def toy_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Check the connection options, and return the connection.

    :param options: values by option name.
    :param user_agent: not used, because no requests are sent.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, TOY_OPTIONS)
    if not str(given["url"]).startswith("file:///"):
        raise configuration_error(f"{label('url', TOY_OPTIONS)} must begin with file:///.", check="address")
    return Connection(build_transport(given, TOY_OPTIONS, "http://127.0.0.1"), NoAuth(), user_agent)


TOY_SERVICE: ServiceDefinition[ToyApi] = ServiceDefinition(
    TOY_OPTIONS,
    toy_connection,
    TOKEN_SERVER,
    lambda _client, options: ToyApi(options["url"].removeprefix("file://")),
    ("ticket", "name"),
)
