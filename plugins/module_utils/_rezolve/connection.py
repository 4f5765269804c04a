# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define and validate the connection options of the ticketing API."""

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
    for name in ("access_token", "client_id", "client_secret", "scope", "api_key"):
        if given[name] and not given[name].isprintable():
            named = label(name, TICKETING_OPTIONS)
            raise configuration_error(f"{named} contains a line break or another control character. Remove it.")
    for name in ("access_token", "api_key"):
        if given[name] and not given[name].isascii():
            named = label(name, TICKETING_OPTIONS)
            raise configuration_error(f"{named} contains a character other than ASCII. Check its value.")
    methods = [method for method, names in TICKETING_CREDENTIALS.items() if any(given[name] for name in names)]
    if len(methods) > 1:
        raise configuration_error(
            f"More than one authentication method is configured ({', '.join(methods)}). Set only one of "
            f"{labels(('access_token', 'client_id', 'api_key'), TICKETING_OPTIONS)}."
        )
    if not methods:
        raise configuration_error(
            f"No credentials are set. Set {', or '.join(TICKETING_CREDENTIALS)}, as options, as environment variables "
            f"such as {TICKETING_OPTIONS['client_id'].env}, or as runbook variables such as "
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
        raise configuration_error(
            f"{labels(missing, TICKETING_OPTIONS)} {'are' if missing[1:] else 'is'} missing. Set client_id, "
            "client_secret and token_url together."
        )
    example = "https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token"
    base_url(given["token_url"], "", given["allow_http"], example, TICKETING_OPTIONS, "token_url")
    parts = urlsplit(given["token_url"].strip())
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    # Additional headers may contain gateway keys, so they are only sent to the origin of the API. The headers of the
    # tenant are not part of a token request.
    is_same_origin = _origin(parts) == _origin(urlsplit(transport.base_url))
    headers = checked_headers(given["headers"], TICKETING_OPTIONS) if is_same_origin else {}
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
    """Return the origin of a URL: scheme, host and port."""
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


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
