# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define and validate the connection options of the ticketing API."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error, part_of
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Auth, api_key, bearer, claims_of
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection, build_transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import (
    Option,
    given_options,
    label,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.credentials import (
    check_characters,
    check_together,
    client_credentials_auth,
    single_method,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import base_url
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import API_KEY_HEADER

#: There is no default address. Source: the section "Connection" of the contract.
TICKETING_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "TICKETING_URL", is_address=True),
    "tenant_id": Option("str", "TICKETING_TENANT_ID"),
    "realm": Option("str", "TICKETING_REALM"),
    "access_token": Option("str", "TICKETING_ACCESS_TOKEN", secret=True),
    "token_url": Option("str", "TICKETING_TOKEN_URL", secret=None, is_address=True),
    "client_id": Option("str", "TICKETING_CLIENT_ID"),
    "client_secret": Option("str", "TICKETING_CLIENT_SECRET", secret=True),
    "scope": Option("str", "TICKETING_SCOPE"),
    "api_key": Option("str", "TICKETING_API_KEY", secret=True),
    "is_support_request": Option("bool", "TICKETING_IS_SUPPORT_REQUEST", False),
    **transport_options("TICKETING"),
}

#: The authentication methods of the ticketing API, each with the options that identify it. The address and the scope
#: of a token request do not.
TICKETING_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "access_token": ("access_token",),
    "client_id with client_secret and token_url": ("client_id", "client_secret"),
    "api_key": ("api_key",),
}


def ticketing_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Validate the connection options, and return the connection.

    :param options: values by option name, with the types in :data:`TICKETING_OPTIONS`.
    :param user_agent: the user agent for token requests.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, TICKETING_OPTIONS)
    for name in ("url", "tenant_id", "realm"):
        if not given[name]:
            raise configuration_error(
                f"{label(name, TICKETING_OPTIONS)} is missing. In a runbook, set the variable "
                f"{TICKETING_OPTIONS[name].variable} or the environment variable.",
                check="address" if name == "url" else "tenant",
            )
    with part_of("tenant"):
        identity = _identity(given)
    url = base_url(
        given["url"], "/api/v2/ticketing", given["allow_http"], "https://ticketing.example.com", TICKETING_OPTIONS
    )
    transport = build_transport(given, TICKETING_OPTIONS, url, identity)
    with part_of("credentials"):
        return Connection(transport, _auth(given, transport, user_agent), user_agent)


def _identity(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that identify the tenant and the realm.

    Source: Rezolve.ai API documentation, Create Ticket.
    """
    tenant, realm = given["tenant_id"].strip(), given["realm"].strip()
    if not is_uuid(tenant):
        name = label("tenant_id", TICKETING_OPTIONS)
        raise configuration_error(f"{name} must be the UUID of the tenant with hyphens, not {tenant!r}.")
    if not realm.isascii() or not realm.isprintable():
        name = label("realm", TICKETING_OPTIONS)
        raise configuration_error(
            f"{name} contains a character that is not allowed in a realm. Use printable ASCII characters only."
        )
    return {
        "x-tenantid": tenant,
        "realmname": realm,
        "issupportrequest": "true" if given["is_support_request"] else "false",
    }


def _auth(given: Mapping[str, Any], transport: Transport, user_agent: str) -> Auth:
    """Return the authentication method that the options select."""
    check_characters(
        given,
        TICKETING_OPTIONS,
        ("access_token", "client_id", "client_secret", "scope", "api_key"),
        ("access_token", "api_key"),
    )
    main = ("access_token", "client_id", "api_key")
    method = single_method(given, TICKETING_OPTIONS, TICKETING_CREDENTIALS, main, "client_id")
    if method == "access_token":
        check_tenant(given["access_token"], given["tenant_id"])
        return bearer(given["access_token"])
    if method == "api_key":
        return api_key(given["api_key"], API_KEY_HEADER)
    check_together(given, TICKETING_OPTIONS, ("client_id", "client_secret", "token_url"))
    return client_credentials_auth(
        given,
        TICKETING_OPTIONS,
        transport,
        given["token_url"],
        user_agent,
        "https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token",
        lambda token: check_tenant(token, given["tenant_id"]),
    )


def check_tenant(token: str, tenant_id: str) -> None:
    """Raise ApiError if a token was issued for another tenant, as the service would then answer "not found".

    Source: Rezolve.ai API documentation, Create Ticket.

    :param token: an access token; only a JWT has claims to check.
    :param tenant_id: the configured tenant.
    :raises ApiError: category ``configuration``.
    """
    claimed = claims_of(token).get("tenant_id")
    if isinstance(claimed, str) and claimed.strip().lower() not in ("", tenant_id.strip().lower()):
        raise configuration_error(
            f"{label('tenant_id', TICKETING_OPTIONS)} is {tenant_id}, but the access token was issued for tenant "
            f"{claimed}. Use credentials of the configured tenant.",
            check="tenant",
        )
