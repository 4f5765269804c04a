# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of connection options, for every kind of plugin, and the checks on what users put there."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils.auth import HeaderAuth, basic, bearer
from ansible_collections.secops.itsm.plugins.module_utils.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

#: Header values shorter than this are no secrets, and masking them would blot out half of every result.
SHORTEST_HEADER_SECRET = 6


@dataclass(frozen=True)
class Option:
    """One connection option.

    :param type: its type, in Ansible's words.
    :param env: the environment variable that is read when the option is not given.
    :param default: its value when neither is there.
    :param secret: whether it must never be shown; None where the name looks like a secret and is none.
    """

    type: str
    env: str
    default: Any = None
    secret: bool | None = False


def transport_options(prefix: str) -> dict[str, Option]:
    """The options that reaching any service takes.

    :param prefix: the first part of the environment variables' names.
    """
    return {
        "timeout": Option("int", f"{prefix}_TIMEOUT", 30),
        "retry_timeout": Option("int", f"{prefix}_RETRY_TIMEOUT", 60),
        "validate_certs": Option("bool", f"{prefix}_VALIDATE_CERTS", True),
        "ca_path": Option("path", f"{prefix}_CA_PATH"),
        "client_cert": Option("path", f"{prefix}_CLIENT_CERT"),
        "client_key": Option("path", f"{prefix}_CLIENT_KEY", secret=None),
        "proxy": Option("str", f"{prefix}_PROXY", secret=True),
        "headers": Option("dict", f"{prefix}_HEADERS", secret=True),
        "allow_http": Option("bool", f"{prefix}_ALLOW_HTTP", False),
    }


#: Source: the contract's section "Connection"; the default URL is documented.
CONTRAFORCE_OPTIONS: Mapping[str, Option] = {
    "url": Option("str", "CONTRAFORCE_URL", "https://portal.contraforce.com/api/v2"),
    "client_id": Option("str", "CONTRAFORCE_CLIENT_ID"),
    "client_secret": Option("str", "CONTRAFORCE_CLIENT_SECRET", secret=True),
    "access_token": Option("str", "CONTRAFORCE_ACCESS_TOKEN", secret=True),
    **transport_options("CONTRAFORCE"),
}


def harmless_in(options: Mapping[str, Any]) -> list[str]:
    """Header values too short for a secret. Ansible would mask them wherever they occur, a C(1) in every number.

    :param options: values by option name.
    """
    return [text for text in _header_values(options) if len(text) < SHORTEST_HEADER_SECRET]


def _header_values(options: Mapping[str, Any]) -> list[str]:
    headers = options.get("headers")
    return [str(value) for value in headers.values()] if isinstance(headers, Mapping) else []


@dataclass(frozen=True)
class Connection:
    """Connection options that were checked."""

    transport: Transport
    auth: HeaderAuth


def secrets_in(options: Mapping[str, Any], table: Mapping[str, Option]) -> list[str]:
    """Every text among the options that must not be shown, checked or not.

    :param options: values by option name.
    :param table: the connection's options.
    """
    values = [options.get(name) for name, option in table.items() if option.secret]
    found = [str(value) for value in values if value and not isinstance(value, Mapping)]
    found += [text for text in _header_values(options) if len(text) >= SHORTEST_HEADER_SECRET]
    proxy = _split(str(options.get("proxy") or ""))
    return [*found, proxy.password] if proxy and proxy.password else found


def contraforce_connection(options: Mapping[str, Any]) -> Connection:
    """Check the options of a connection to ContraForce.

    :param options: values by option name, of the types in :data:`CONTRAFORCE_OPTIONS`.
    :raises ApiError: category ``configuration``.
    """
    given = {name: _blank_as_none(options.get(name, option.default)) for name, option in CONTRAFORCE_OPTIONS.items()}
    auth = _contraforce_auth(given)
    url = given["url"] or CONTRAFORCE_OPTIONS["url"].default
    return Connection(_transport(given, _base_url(url, "/api/v2", given["allow_http"])), auth)


def is_bare_address(url: str) -> bool:
    """Whether a URL is just an address, so that it holds no secret and can be shown.

    :param url: what the user gave.
    """
    parts = _split(url.strip())
    return parts is not None and "@" not in parts.netloc and not parts.query and not parts.fragment


def _blank_as_none(value: Any) -> Any:
    """AWX injects an empty text for a field that was left out."""
    return None if isinstance(value, str) and not value.strip() else value


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


def _split(url: str) -> SplitResult | None:
    """The parts of an http or https address, or None if it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # Refuses what no name of a host can be: an empty or too long label.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if usable else None


def _base_url(url: str, prefix: str, allow_http: bool | None) -> str:
    """The URL with its API prefix, whether the user gave that or not."""
    parts = _split(url.strip())
    if parts is None:
        raise configuration_error("url must be an address such as https://portal.contraforce.com/api/v2.")
    if not is_bare_address(url):
        raise configuration_error("url must be a bare address: no user name, password, query or fragment.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname or ""):
        raise configuration_error(
            "url begins with http://, which would send the credentials in clear; use https://, or set allow_http."
        )
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path if path.endswith(prefix) else path + prefix, "", ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _transport(given: Mapping[str, Any], base_url: str) -> Transport:
    if given["timeout"] <= 0:
        raise configuration_error("timeout must be a number of seconds above 0.")
    if given["retry_timeout"] < 0:
        raise configuration_error("retry_timeout must be a number of seconds, or 0 for no second try.")
    for name in ("ca_path", "client_cert", "client_key"):
        if given[name] and not os.access(given[name], os.R_OK):
            raise configuration_error(f"{name} names a file that cannot be read: {given[name]}")
    if given["client_key"] and not given["client_cert"]:
        raise configuration_error("client_cert is missing: client_key is the key of that certificate.")
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
        proxy=_proxy(given["proxy"]),
        # What is sent to this machine in clear must not leave it through a proxy of the environment.
        direct=not given["proxy"] and _is_loopback(urlsplit(base_url).hostname or ""),
        headers=_headers(given["headers"]),
    )


def _is_latin(text: str) -> bool:
    return text.isprintable() and all(ord(character) < 256 for character in text)


def _proxy(proxy: str | None) -> str | None:
    if proxy is not None and _split(proxy) is None:
        raise configuration_error("proxy must be an address such as http://proxy.example.com:3128.")
    return proxy


def _headers(headers: Mapping[str, Any] | None) -> dict[str, str]:
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        text = str(value)
        if not str(name).isascii() or not str(name).isprintable() or not _is_latin(text) or not str(name).strip():
            raise configuration_error("headers holds a name or a value that no HTTP header can have.")
        if str(name).lower() in ("authorization", "host", "content-length", "content-type"):
            raise configuration_error(f"headers must not set {name}: the other options take care of it.")
        checked[str(name)] = text
    return checked
