# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options of whichever service, for every kind of plugin, and the checks on what users put there."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Any, Iterator, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils.auth import Auth
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


#: Options that are addresses; one that was refused may hold a password.
ADDRESSES = ("url", "token_url")


def harmless_in(options: Mapping[str, Any]) -> list[str]:
    """Header values too short for a secret. Ansible would mask them wherever they occur, a C(1) in every number.

    :param options: values by option name.
    """
    headers = options.get("headers")
    values = headers.values() if isinstance(headers, Mapping) else []
    return [str(value) for value in values if is_harmless_header(value)]


def is_harmless_header(value: Any) -> bool:
    """Whether a header's value is too short for a secret.

    :param value: as the user gave it.
    """
    return isinstance(value, (str, int, float)) and len(str(value)) < SHORTEST_HEADER_SECRET


def _texts_in(value: Any) -> Iterator[Any]:
    """A value of whatever type as it may be sent or shown: what lists and dicts hold, too."""
    if isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            if isinstance(item, (Mapping, list, tuple)):
                yield str(item)
            yield from _texts_in(item)
    elif value is not None:
        yield value


@dataclass(frozen=True)
class Connection:
    """Connection options that were checked."""

    transport: Transport
    auth: Auth


def secrets_in(options: Mapping[str, Any], table: Mapping[str, Option]) -> list[str]:
    """Every text among the options that must not be shown, checked or not.

    :param options: values by option name.
    :param table: the connection's options.
    """
    found = []
    for name, option in table.items():
        if option.secret:
            value = options.get(name)
            is_dict = isinstance(value, Mapping)
            found += [str(item) for item in _texts_in(value) if not (is_dict and is_harmless_header(item))]
    proxy = _split(str(options.get("proxy") or ""))
    return [*found, proxy.password] if proxy and proxy.password else found


def given_options(options: Mapping[str, Any], table: Mapping[str, Option]) -> dict[str, Any]:
    """The values of a table's options, with None for what was left out; AWX injects an empty text for that.

    :param options: values by option name.
    :param table: the connection's options.
    """
    return {name: _blank_as_none(options.get(name, option.default)) for name, option in table.items()}


def is_bare_address(url: str) -> bool:
    """Whether a URL is just an address, so that it holds no secret and can be shown.

    :param url: what the user gave.
    """
    parts = _split(url.strip())
    return parts is not None and "@" not in parts.netloc and not parts.query and not parts.fragment


def _blank_as_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


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


def base_url(url: str, prefix: str, allow_http: bool | None, example: str, name: str = "url") -> str:
    """An address with its API prefix, whether the user gave that or not.

    :param url: what the user gave.
    :param prefix: of every path of the API.
    :param allow_http: whether credentials may travel in clear.
    :param example: an address such as it must be.
    :param name: the option that it was given in.
    :raises ApiError: category C(configuration).
    """
    parts = _split(url.strip())
    if parts is None:
        raise configuration_error(f"{name} must be an address such as {example}.")
    if not is_bare_address(url):
        raise configuration_error(f"{name} must be a bare address: no user name, password, query or fragment.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise configuration_error(
            f"{name} begins with http://, which would send the credentials in clear; use https://, or set allow_http."
        )
    return urlunsplit((parts.scheme, parts.netloc, _with_prefix(parts.path.rstrip("/"), prefix), "", ""))


def _with_prefix(path: str, prefix: str) -> str:
    """A path that ends in a prefix, of which the user may have given all, the first two parts at the least, or none."""
    parts = prefix.split("/")[1:]
    for count in range(len(parts), 1, -1):
        head = "/" + "/".join(parts[:count])
        if path.endswith(head):
            return path[: -len(head)] + prefix
    return path + prefix


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that what is sent to it stays here.

    :param host: a name or an address.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_direct(given: Mapping[str, Any], url: str) -> bool:
    """Whether to pass by any proxy: what is sent to this machine in clear must not leave it through one.

    :param given: checked options.
    :param url: where requests go.
    """
    return not given["proxy"] and is_loopback(urlsplit(url).hostname or "")


def transport_of(given: Mapping[str, Any], base_url: str, identity: Mapping[str, str] | None = None) -> Transport:
    """How to reach a service.

    :param given: options that were checked for blanks.
    :param base_url: its address with the API prefix.
    :param identity: headers that say for whom each request is, and that users must not set.
    :raises ApiError: category C(configuration).
    """
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
        direct=is_direct(given, base_url),
        headers={**headers_of(given["headers"], identity or {}), **(identity or {})},
    )


def _is_latin(text: str) -> bool:
    return text.isprintable() and all(ord(character) < 256 for character in text)


def _proxy(proxy: str | None) -> str | None:
    if proxy is not None and _split(proxy) is None:
        raise configuration_error("proxy must be an address such as http://proxy.example.com:3128.")
    return proxy


def headers_of(headers: Mapping[str, Any] | None, taken: Mapping[str, str] | None = None) -> dict[str, str]:
    """Additional headers as requests send them.

    :param headers: what the user gave.
    :param taken: headers that other options take care of, by their names in small letters.
    :raises ApiError: category C(configuration).
    """
    reserved = {"authorization", "host", "content-length", "content-type", *(taken or {})}
    checked: dict[str, str] = {}
    for name, value in (headers or {}).items():
        text = str(value)
        if not str(name).isascii() or not str(name).isprintable() or not _is_latin(text) or not str(name).strip():
            raise configuration_error("headers holds a name or a value that no HTTP header can have.")
        if str(name).lower() in reserved:
            raise configuration_error(f"headers must not set {name}: the other options take care of it.")
        checked[str(name)] = text
    return checked
