# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The connection options of the ticketing API, and the checks of their values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error, part_of
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import (
    Auth,
    ClientCredentialsAuth,
    api_key,
    bearer,
    claims_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import (
    Connection,
    build_transport,
    checked_headers,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import (
    Option,
    given_options,
    label,
    labels,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import ClientCredentials, fetch_token
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import base_url, is_direct
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

#: The authentication methods of the ticketing API, each with the options that are credentials. The options for the
#: address and scope of a token are not.
TICKETING_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "access_token": ("access_token",),
    "client_id with client_secret and token_url": ("client_id", "client_secret"),
    "api_key": ("api_key",),
}


def ticketing_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Check the connection options, and return the connection.

    :param options: values by option name, of the types in :data:`TICKETING_OPTIONS`.
    :param user_agent: the user agent of token requests.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, TICKETING_OPTIONS)
    for name in ("url", "tenant_id", "realm"):
        if not given[name]:
            raise configuration_error(
                f"{label(name, TICKETING_OPTIONS)} is missing. A runbook also takes it as the variable "
                f"{TICKETING_OPTIONS[name].variable}.",
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
    """Return the headers of the tenant and the realm. Source: Rezolve.ai API documentation, Create Ticket."""
    tenant, realm = given["tenant_id"].strip(), given["realm"].strip()
    if not is_uuid(tenant):
        name = label("tenant_id", TICKETING_OPTIONS)
        raise configuration_error(f"{name} must be the UUID of the tenant, with hyphens, not {tenant!r}.")
    if not realm.isascii() or not realm.isprintable():
        name = label("realm", TICKETING_OPTIONS)
        raise configuration_error(f"{name} holds a character that no realm can have.")
    return {
        "x-tenantid": tenant,
        "realmname": realm,
        "issupportrequest": "true" if given["is_support_request"] else "false",
    }


def _auth(given: Mapping[str, Any], transport: Transport, user_agent: str) -> Auth:
    """Return the authentication that the options configure."""
    for name in ("access_token", "client_id", "client_secret", "scope", "api_key"):
        if given[name] and not given[name].isprintable():
            called = label(name, TICKETING_OPTIONS)
            raise configuration_error(f"{called} holds a line break or another control character; remove it.")
    for name in ("access_token", "api_key"):
        if given[name] and not given[name].isascii():
            called = label(name, TICKETING_OPTIONS)
            raise configuration_error(f"{called} holds a character that no {name.replace('_', ' ')} can have.")
    ways = [way for way, names in TICKETING_CREDENTIALS.items() if any(given[name] for name in names)]
    if len(ways) > 1:
        raise configuration_error(
            f"More than one kind of credentials is set ({', '.join(ways)}): keep one of "
            f"{labels(('access_token', 'client_id', 'api_key'), TICKETING_OPTIONS)}."
        )
    if not ways:
        raise configuration_error(
            f"No credentials are set: give {', or '.join(TICKETING_CREDENTIALS)}. They are also environment variables, "
            f"such as {TICKETING_OPTIONS['client_id'].env}, and variables of a runbook, such as "
            f"{TICKETING_OPTIONS['client_id'].variable}."
        )
    if given["access_token"]:
        check_tenant(given["access_token"], given["tenant_id"])
        return bearer(given["access_token"])
    if given["api_key"]:
        return api_key(given["api_key"], API_KEY_HEADER)
    return _fetched_token(given, transport, user_agent)


def _fetched_token(given: Mapping[str, Any], transport: Transport, user_agent: str) -> ClientCredentialsAuth:
    missing = [name for name in ("client_id", "client_secret", "token_url") if not given[name]]
    if missing:
        found = f"{labels(missing, TICKETING_OPTIONS)} {'are' if missing[1:] else 'is'} missing"
        raise configuration_error(f"{found}: client_id, client_secret and token_url go together.")
    example = "https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token"
    base_url(given["token_url"], "", given["allow_http"], example, TICKETING_OPTIONS, "token_url")
    parts = urlsplit(given["token_url"].strip())
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    # The keys of a gateway are only sent to its host, and the headers of the tenant only to the API.
    is_same = _origin(parts) == _origin(urlsplit(transport.base_url))
    headers = checked_headers(given["headers"], TICKETING_OPTIONS) if is_same else {}
    credentials = ClientCredentials(
        replace(transport, base_url=server, headers=headers, direct=is_direct(given, server)),
        parts.path or "/",
        given["client_id"],
        given["client_secret"],
        given["scope"],
    )

    def fetch() -> str:
        token = fetch_token(credentials, user_agent, notice=auth.notify)
        check_tenant(token, given["tenant_id"])
        return token

    auth = ClientCredentialsAuth(fetch, (given["client_secret"],))
    return auth


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return the origin of an address."""
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def check_tenant(token: str, tenant_id: str) -> None:
    """Raise ApiError for a token of another tenant, for which the service would not find anything.

    Source: Rezolve.ai API documentation, Create Ticket.

    :param token: an access token, whose claims are checked if it is a JWT.
    :param tenant_id: the configured tenant.
    :raises ApiError: category ``configuration``.
    """
    claimed = claims_of(token).get("tenant_id")
    if isinstance(claimed, str) and claimed.strip().lower() not in ("", tenant_id.strip().lower()):
        raise configuration_error(
            f"{label('tenant_id', TICKETING_OPTIONS)} is {tenant_id}, but the access token was issued for tenant "
            f"{claimed}: give the tenant's own credentials.",
            check="tenant",
        )
