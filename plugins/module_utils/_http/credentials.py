# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check the credentials among connection options, and fetch tokens with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import ClientCredentialsAuth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import checked_headers
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option, label, labels
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import (
    TOKEN_SERVER,
    ClientCredentials,
    fetch_token,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import base_url, is_direct


def check_characters(
    given: Mapping[str, Any], options: Mapping[str, Option], printable: Iterable[str], ascii_only: Iterable[str]
) -> None:
    """Raise ApiError if a credential contains a character that cannot be sent.

    :param given: the values of the connection options.
    :param options: the options of the connection.
    :param printable: the options that must not contain control characters.
    :param ascii_only: the options that are sent in a header.
    :raises ApiError: category ``configuration``.
    """
    for name in printable:
        if given[name] and not given[name].isprintable():
            raise configuration_error(
                f"{label(name, options)} contains a line break or another control character. Remove it."
            )
    for name in ascii_only:
        if given[name] and not given[name].isascii():
            raise configuration_error(f"{label(name, options)} contains a character other than ASCII. Check its value.")


def single_method(
    given: Mapping[str, Any],
    options: Mapping[str, Option],
    methods: Mapping[str, Sequence[str]],
    main: Sequence[str],
    example: str,
) -> str:
    """Return the authentication method that the options select.

    :param given: the values of the connection options.
    :param options: the options of the connection.
    :param methods: the options that identify each method, by the description of the method.
    :param main: the options that select a method, for the message about several methods.
    :param example: an option for the message about missing credentials.
    :raises ApiError: category ``configuration`` unless exactly one method is configured.
    """
    found = [method for method, names in methods.items() if any(given[name] for name in names)]
    if len(found) > 1:
        raise configuration_error(
            f"More than one authentication method is configured ({', '.join(found)}). Set only one of "
            f"{labels(main, options)}."
        )
    if not found:
        raise configuration_error(
            f"No credentials are set. Set {', or '.join(methods)}, as options, as environment variables such as "
            f"{options[example].env}, or as runbook variables such as {options[example].variable}."
        )
    return found[0]


def check_together(given: Mapping[str, Any], options: Mapping[str, Option], names: Sequence[str]) -> None:
    """Raise ApiError unless all options of an authentication method are set.

    :param given: the values of the connection options.
    :param options: the options of the connection.
    :param names: the options of the method.
    :raises ApiError: category ``configuration``.
    """
    missing = [name for name in names if not given[name]]
    if missing:
        together = f"{', '.join(names[:-1])} and {names[-1]}"
        raise configuration_error(
            f"{labels(missing, options)} {'are' if missing[1:] else 'is'} missing. Set {together} together."
        )


def client_credentials_auth(
    given: Mapping[str, Any],
    options: Mapping[str, Option],
    transport: Transport,
    token_url: str,
    user_agent: str,
    example: str,
    check_token: Callable[[str], None] | None = None,
    errors: ErrorProfile = TOKEN_SERVER,
) -> ClientCredentialsAuth:
    """Return authentication with tokens that are fetched with OAuth 2.0 client credentials.

    :param given: the values of the connection options.
    :param options: the options of the connection.
    :param transport: how to reach the API.
    :param token_url: the URL of the token endpoint.
    :param user_agent: the user agent for token requests.
    :param example: a valid URL of a token endpoint, for messages.
    :param check_token: raises ApiError if a token is not usable.
    :param errors: how the token server reports errors.
    :raises ApiError: category ``configuration``.
    """
    base_url(token_url, "", given["allow_http"], example, options, "token_url")
    parts = urlsplit(token_url.strip())
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    # Additional headers may contain gateway keys, so they are only sent to the origin of the API. The headers of the
    # tenant are not part of a token request.
    is_same_origin = _origin(parts) == _origin(urlsplit(transport.base_url))
    headers = checked_headers(given["headers"], options) if is_same_origin else {}
    credentials = ClientCredentials(
        replace(transport, base_url=server, headers=headers, direct=is_direct(given, server)),
        parts.path or "/",
        given["client_id"],
        given["client_secret"],
        given.get("scope"),
        errors,
    )

    def fetch() -> str:
        token = fetch_token(credentials, user_agent, notice=auth.notify)
        if check_token:
            check_token(token)
        return token

    auth = ClientCredentialsAuth(fetch, (given["client_secret"],))
    return auth


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return the origin of a URL: scheme, host and port."""
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
