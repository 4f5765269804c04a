# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The connection options of ContraForce, and the validation of their values."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error, part_of
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import HeaderAuth, basic, bearer
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection, build_transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import (
    Option,
    given_options,
    label,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import base_url

#: The default URL is the one in the ContraForce API reference.
CONTRAFORCE_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "CONTRAFORCE_URL", "https://portal.contraforce.com/api/v2", is_address=True),
    "client_id": Option("str", "CONTRAFORCE_CLIENT_ID"),
    "client_secret": Option("str", "CONTRAFORCE_CLIENT_SECRET", secret=True),
    "access_token": Option("str", "CONTRAFORCE_ACCESS_TOKEN", secret=True),
    **transport_options("CONTRAFORCE"),
}


def contraforce_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Validate the options of a connection to ContraForce, and return the connection.

    :param options: values by option name, of the types in :data:`CONTRAFORCE_OPTIONS`.
    :param user_agent: the value of the ``User-Agent`` header.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, CONTRAFORCE_OPTIONS)
    with part_of("credentials"):
        auth = _contraforce_auth(given)
    example = str(CONTRAFORCE_OPTIONS["url"].default)
    url = given["url"] or example
    address = base_url(url, "/api/v2", given["allow_http"], example, CONTRAFORCE_OPTIONS)
    return Connection(build_transport(given, CONTRAFORCE_OPTIONS, address), auth, user_agent)


def _contraforce_auth(given: Mapping[str, Any]) -> HeaderAuth:
    client_id, client_secret, access_token = given["client_id"], given["client_secret"], given["access_token"]
    labels = {name: label(name, CONTRAFORCE_OPTIONS) for name in ("client_id", "client_secret", "access_token")}
    for name in ("client_id", "client_secret", "access_token"):
        if given[name] and not given[name].isprintable():
            raise configuration_error(f"{labels[name]} contains a line break or another control character. Remove it.")
    if access_token and not access_token.isascii():
        raise configuration_error(
            f"{labels['access_token']} contains a character that is not allowed in a token. Copy the token again."
        )
    if access_token and (client_id or client_secret):
        raise configuration_error(
            f"Both kinds of credentials are set: unset either {labels['client_id']} and {labels['client_secret']}, "
            f"or {labels['access_token']}."
        )
    if access_token:
        return bearer(access_token)
    if client_id and client_secret:
        if ":" in client_id:
            raise configuration_error(
                f"{labels['client_id']} must not contain a colon, which HTTP Basic authentication does not allow."
            )
        return basic(client_id, client_secret)
    if client_id or client_secret:
        missing = "client_secret" if client_id else "client_id"
        raise configuration_error(f"{labels[missing]} is missing: set client_id and client_secret together.")
    raise configuration_error(
        f"No credentials are set: set {labels['client_id']} and {labels['client_secret']}, or "
        f"{labels['access_token']}. A runbook also accepts them as variables, such as contraforce_client_id."
    )
