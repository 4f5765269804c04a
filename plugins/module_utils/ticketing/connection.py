# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a connection to the ticketing API, and the checks on what users put there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils.auth import Auth, FetchedToken, api_key, bearer, claims_of
from ansible_collections.secops.itsm.plugins.module_utils.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    Connection,
    Option,
    base_url,
    given_options,
    headers_of,
    is_direct,
    transport_of,
    transport_options,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.oauth import ClientCredentials, fetch_token
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import API_KEY_HEADER

#: Source: the contract's section "Connection". There is no default address.
TICKETING_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "TICKETING_URL"),
    "tenant_id": Option("str", "TICKETING_TENANT_ID"),
    "realm": Option("str", "TICKETING_REALM"),
    "access_token": Option("str", "TICKETING_ACCESS_TOKEN", secret=True),
    "token_url": Option("str", "TICKETING_TOKEN_URL", secret=None),
    "client_id": Option("str", "TICKETING_CLIENT_ID"),
    "client_secret": Option("str", "TICKETING_CLIENT_SECRET", secret=True),
    "scope": Option("str", "TICKETING_SCOPE"),
    "api_key": Option("str", "TICKETING_API_KEY", secret=True),
    "is_support_request": Option("bool", "TICKETING_IS_SUPPORT_REQUEST", False),
    **transport_options("TICKETING"),
}

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

#: The ways to authenticate with the ticketing API, each with the options that are credentials: where to fetch a token,
#: and what for, are none by themselves.
TICKETING_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "access_token": ("access_token",),
    "client_id with client_secret and token_url": ("client_id", "client_secret"),
    "api_key": ("api_key",),
}


def ticketing_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Check the options of a connection to the ticketing API.

    :param options: values by option name, of the types in :data:`TICKETING_OPTIONS`.
    :param user_agent: with which a token is fetched.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, TICKETING_OPTIONS)
    for name in ("url", "tenant_id", "realm"):
        if not given[name]:
            raise configuration_error(
                f"{name} is missing: give it in the task, in module_defaults or as {TICKETING_OPTIONS[name].env}."
            )
    identity = _identity(given)
    url = base_url(given["url"], "/api/v2/ticketing", given["allow_http"], "https://ticketing.example.com")
    transport = transport_of(given, url, identity)
    return Connection(transport, _auth(given, transport, user_agent))


def _identity(given: Mapping[str, Any]) -> dict[str, str]:
    """The headers that say for whom a request is. Source: seed 004."""
    tenant, realm = given["tenant_id"].strip(), given["realm"].strip()
    if not _UUID.fullmatch(tenant):
        raise configuration_error(f"tenant_id must be the UUID of the tenant, with hyphens, not {tenant!r}.")
    if not realm.isascii() or not realm.isprintable():
        raise configuration_error("realm holds a character that no realm can have.")
    return {
        "x-tenantid": tenant,
        "realmname": realm,
        "issupportrequest": "true" if given["is_support_request"] else "false",
    }


def _auth(given: Mapping[str, Any], transport: Transport, user_agent: str) -> Auth:
    """The one way to authenticate that the options give."""
    for name in ("access_token", "client_id", "client_secret", "scope", "api_key"):
        if given[name] and not given[name].isprintable():
            raise configuration_error(f"{name} holds a line break or another control character; remove it.")
    for name in ("access_token", "api_key"):
        if given[name] and not given[name].isascii():
            raise configuration_error(f"{name} holds a character that no {name.replace('_', ' ')} can have.")
    ways = [way for way, names in TICKETING_CREDENTIALS.items() if any(given[name] for name in names)]
    if len(ways) > 1:
        raise configuration_error(
            f"More than one kind of credentials is set ({', '.join(ways)}): give one, and mind the environment "
            "variables TICKETING_ACCESS_TOKEN, TICKETING_CLIENT_ID, TICKETING_CLIENT_SECRET and TICKETING_API_KEY."
        )
    if not ways:
        raise configuration_error(
            f"No credentials are set: give {', or '.join(TICKETING_CREDENTIALS)}, in the task, in module_defaults or "
            "as environment variables."
        )
    if given["access_token"]:
        check_tenant(given["access_token"], given["tenant_id"])
        return bearer(given["access_token"])
    if given["api_key"]:
        return api_key(given["api_key"], API_KEY_HEADER)
    return _fetched_token(given, transport, user_agent)


def _fetched_token(given: Mapping[str, Any], transport: Transport, user_agent: str) -> FetchedToken:
    missing = [name for name in ("client_id", "client_secret", "token_url") if not given[name]]
    if missing:
        raise configuration_error(
            f"{' and '.join(missing)} missing: client_id, client_secret and token_url go together."
        )
    example = "https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token"
    base_url(given["token_url"], "", given["allow_http"], example, "token_url")
    parts = urlsplit(given["token_url"].strip())
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    # A gateway's keys are for the host that they were given for, and what identifies a caller is for the API alone.
    is_same = _origin(parts) == _origin(urlsplit(transport.base_url))
    headers = headers_of(given["headers"]) if is_same else {}
    credentials = ClientCredentials(
        replace(transport, base_url=server, headers=headers, direct=is_direct(given, server)),
        parts.path or "/",
        given["client_id"],
        given["client_secret"],
        given["scope"],
    )

    def fetch() -> str:
        token = fetch_token(credentials, user_agent)
        check_tenant(token, given["tenant_id"])
        return token

    return FetchedToken(fetch, (given["client_secret"],))


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """What an address has in common with another one of the same server."""
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def check_tenant(token: str, tenant_id: str) -> None:
    """Refuse a token of another tenant: the service would answer as if nothing were there. Source: seed 004, note 8.

    :param token: an access token, whose claims are looked at if it is a JWT.
    :param tenant_id: the tenant that is asked for.
    :raises ApiError: category ``configuration``.
    """
    claimed = claims_of(token).get("tenant_id")
    if isinstance(claimed, str) and claimed.strip().lower() not in ("", tenant_id.strip().lower()):
        raise configuration_error(
            f"tenant_id is {tenant_id}, but the access token was issued for tenant {claimed}: give the tenant's own "
            "credentials."
        )
