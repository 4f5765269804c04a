# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check the options of a connection, and build its transport."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Sessions, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option, label
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import checked_proxy, is_direct

#: Headers that requests set themselves.
RESERVED_HEADERS = frozenset({"authorization", "host", "content-length", "content-type"})


class Connection:
    """A connection whose options have been checked.

    :param transport: how to reach the service.
    :param auth: how to authenticate.
    :param user_agent: the value of the ``User-Agent`` header.
    """

    def __init__(self, transport: Transport, auth: Auth, user_agent: str) -> None:
        self.transport = transport
        self.auth = auth
        self.sessions = Sessions(transport, auth, user_agent)


def build_transport(
    given: Mapping[str, Any],
    connection_options: Mapping[str, Option],
    base_url: str,
    identity: Mapping[str, str] | None = None,
) -> Transport:
    """Check the transport options, and return how to reach a service.

    :param given: the values of the connection options.
    :param connection_options: the options of the connection.
    :param base_url: the service's URL with the API prefix.
    :param identity: headers that identify the tenant, and that users must not set.
    :raises ApiError: category ``configuration``.
    """
    if given["timeout"] <= 0:
        raise configuration_error(f"{label('timeout', connection_options)} must be a number of seconds greater than 0.")
    if given["retry_timeout"] < 0:
        name = label("retry_timeout", connection_options)
        raise configuration_error(f"{name} must be a number of seconds, or 0 to disable retries.")
    for name in ("ca_path", "client_cert", "client_key"):
        if given[name] and not os.access(given[name], os.R_OK):
            option = label(name, connection_options)
            raise configuration_error(
                f"The file in {option} cannot be read: {given[name]}. Correct the path, or the permissions of the file."
            )
    if given["client_key"] and not given["client_cert"]:
        names = label("client_cert", connection_options), label("client_key", connection_options)
        raise configuration_error(f"{names[0]} is missing: {names[1]} is the key of a certificate.")
    verify: bool | str = given["validate_certs"]
    if verify and given["ca_path"]:
        verify = given["ca_path"]
    return Transport(
        base_url=base_url,
        timeout=given["timeout"],
        retry_timeout=given["retry_timeout"],
        verify=verify,
        client_cert=given["client_cert"],
        client_key=given["client_key"],
        proxy=checked_proxy(given, connection_options, base_url),
        direct=is_direct(given, base_url),
        headers={**checked_headers(given["headers"], connection_options, identity or {}), **(identity or {})},
    )


def checked_headers(
    headers: Mapping[str, Any] | None,
    connection_options: Mapping[str, Option],
    identity: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the additional headers of requests as text.

    :param headers: the value of the option.
    :param connection_options: the options of the connection.
    :param identity: headers that identify the tenant, with names in lower case.
    :raises ApiError: category ``configuration``.
    """
    option = label("headers", connection_options)
    reserved = {*RESERVED_HEADERS, *(identity or {})}
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        text = str(value)
        if not str(name).isascii() or not str(name).isprintable() or not _is_latin_1(text) or not str(name).strip():
            raise configuration_error(f"{option} contains a name or a value that is not valid for an HTTP header.")
        if str(name).lower() in reserved:
            raise configuration_error(f"{option} must not contain {name}, which is set from other options.")
        checked[str(name)] = text
    return checked


def _is_latin_1(text: str) -> bool:
    return text.isprintable() and all(ord(character) < 256 for character in text)
