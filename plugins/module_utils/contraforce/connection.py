# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a connection to ContraForce, and the checks on what users put there."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.auth import HeaderAuth, basic, bearer
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    Connection,
    Option,
    base_url,
    given_options,
    transport_of,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

#: Source: the contract's section "Connection"; the default URL is documented.
CONTRAFORCE_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "CONTRAFORCE_URL", "https://portal.contraforce.com/api/v2"),
    "client_id": Option("str", "CONTRAFORCE_CLIENT_ID"),
    "client_secret": Option("str", "CONTRAFORCE_CLIENT_SECRET", secret=True),
    "access_token": Option("str", "CONTRAFORCE_ACCESS_TOKEN", secret=True),
    **transport_options("CONTRAFORCE"),
}


def contraforce_connection(options: Mapping[str, Any], user_agent: str = "") -> Connection:
    """Check the options of a connection to ContraForce.

    :param options: values by option name, of the types in :data:`CONTRAFORCE_OPTIONS`.
    :param user_agent: not used: nothing has to be fetched.
    :raises ApiError: category ``configuration``.
    """
    del user_agent
    given = given_options(options, CONTRAFORCE_OPTIONS)
    auth = _contraforce_auth(given)
    example = str(CONTRAFORCE_OPTIONS["url"].default)
    url = given["url"] or example
    return Connection(transport_of(given, base_url(url, "/api/v2", given["allow_http"], example)), auth)


def _contraforce_auth(given: Mapping[str, Any]) -> HeaderAuth:
    client_id, client_secret, access_token = given["client_id"], given["client_secret"], given["access_token"]
    for name in ("client_id", "client_secret", "access_token"):
        if given[name] and not given[name].isprintable():
            raise configuration_error(f"{name} holds a line break or another control character; remove it.")
    if access_token and not access_token.isascii():
        raise configuration_error("access_token holds a character that no token can have.")
    if access_token and (client_id or client_secret):
        raise configuration_error(
            "Both kinds of credentials are set: give either client_id with client_secret, or access_token, "
            "and mind the environment variables CONTRAFORCE_CLIENT_ID, CONTRAFORCE_CLIENT_SECRET and "
            "CONTRAFORCE_ACCESS_TOKEN."
        )
    if access_token:
        return bearer(access_token)
    if client_id and client_secret:
        if ":" in client_id:
            raise configuration_error("client_id must not hold a colon, which HTTP Basic cannot carry.")
        return basic(client_id, client_secret)
    if client_id or client_secret:
        missing = "client_secret" if client_id else "client_id"
        raise configuration_error(f"{missing} is missing: client_id and client_secret go together.")
    raise configuration_error(
        "No credentials are set: give client_id with client_secret, or access_token, in the task, in module_defaults "
        "or as environment variables."
    )
