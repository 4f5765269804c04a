# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Define and validate the connection options of ServiceNow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error, part_of
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Auth, api_key, basic, bearer
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
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import TOKEN_SERVER
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import base_url

#: The start of the paths of the API. Source: ServiceNow's documentation of the Table API.
PREFIX = "/api/now/v2"

#: The path of the token endpoint. Source: ServiceNow's documentation of OAuth 2.0.
TOKEN_PATH = "/oauth_token.do"

#: The header of an API key. Source: ServiceNow's documentation of API keys.
API_KEY_HEADER = "x-sn-apikey"

SERVICENOW_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "SERVICENOW_URL", is_address=True),
    "username": Option("str", "SERVICENOW_USERNAME"),
    "password": Option("str", "SERVICENOW_PASSWORD", secret=True),
    "client_id": Option("str", "SERVICENOW_CLIENT_ID"),
    "client_secret": Option("str", "SERVICENOW_CLIENT_SECRET", secret=True),
    "token_url": Option("str", "SERVICENOW_TOKEN_URL", secret=None, is_address=True),
    "access_token": Option("str", "SERVICENOW_ACCESS_TOKEN", secret=True),
    "api_key": Option("str", "SERVICENOW_API_KEY", secret=True),
    **transport_options("SERVICENOW"),
}

#: The authentication methods, each with the options that identify it.
SERVICENOW_CREDENTIALS: Mapping[str, Sequence[str]] = {
    "username with password": ("username", "password"),
    "client_id with client_secret": ("client_id", "client_secret"),
    "access_token": ("access_token",),
    "api_key": ("api_key",),
}

#: How the token endpoint reports errors.
SERVICENOW_TOKENS: ErrorProfile = replace(
    TOKEN_SERVER,
    prefix="SERVICENOW",
    remedies={
        **TOKEN_SERVER.remedies,
        "authentication": "Check that {client_id} and {client_secret} are valid for {token_url}, and that the instance "
        "allows the grant client_credentials.",
        "permission": "Check that the OAuth client has an application user.",
        "validation": "Check {token_url}.",
    },
)


def servicenow_connection(options: Mapping[str, Any], user_agent: str = "secops.itsm") -> Connection:
    """Validate the connection options, and return the connection.

    :param options: values by option name, with the types in :data:`SERVICENOW_OPTIONS`.
    :param user_agent: the user agent for token requests.
    :raises ApiError: category ``configuration``.
    """
    given = given_options(options, SERVICENOW_OPTIONS)
    if not given["url"]:
        raise configuration_error(
            f"{label('url', SERVICENOW_OPTIONS)} is missing. In a runbook, set the variable "
            f"{SERVICENOW_OPTIONS['url'].variable} or the environment variable.",
            check="address",
        )
    url = base_url(given["url"], PREFIX, given["allow_http"], "https://example.service-now.com", SERVICENOW_OPTIONS)
    transport = build_transport(given, SERVICENOW_OPTIONS, url)
    with part_of("credentials"):
        return Connection(transport, _auth(given, transport, user_agent), user_agent)


def _auth(given: Mapping[str, Any], transport: Transport, user_agent: str) -> Auth:
    """Return the authentication method that the options select."""
    texts = ("username", "password", "client_id", "client_secret", "access_token", "api_key")
    check_characters(given, SERVICENOW_OPTIONS, texts, ("access_token", "api_key"))
    main = ("username", "client_id", "access_token", "api_key")
    method = single_method(given, SERVICENOW_OPTIONS, SERVICENOW_CREDENTIALS, main, "username")
    if method == "access_token":
        return bearer(given["access_token"])
    if method == "api_key":
        return api_key(given["api_key"], API_KEY_HEADER)
    names = SERVICENOW_CREDENTIALS[method]
    check_together(given, SERVICENOW_OPTIONS, names)
    if method == "username with password":
        if ":" in given["username"]:
            raise configuration_error(
                f"{label('username', SERVICENOW_OPTIONS)} must not contain a colon, which HTTP Basic authentication "
                "does not allow."
            )
        return basic(given["username"], given["password"])
    token_url = given["token_url"] or transport.base_url[: -len(PREFIX)] + TOKEN_PATH
    example = f"https://example.service-now.com{TOKEN_PATH}"
    return client_credentials_auth(
        given, SERVICENOW_OPTIONS, transport, token_url, user_agent, example, errors=SERVICENOW_TOKENS
    )
