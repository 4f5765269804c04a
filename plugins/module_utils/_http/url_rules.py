# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check the URLs of services and proxies."""

from __future__ import annotations

import ipaddress
from typing import Any, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.client import environment_proxy
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option, label


def parse_url(url: str) -> SplitResult | None:
    """Return the parts of an HTTP or HTTPS URL, or None for any other text.

    :param url: the value of the option.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # Raises UnicodeError, a ValueError, for an empty or too long label of a host name.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if is_valid else None


def is_bare_address(url: str) -> bool:
    """Return whether a URL has no user name, password, query or fragment, so that it contains no secret.

    :param url: the value of the option.
    """
    parts = parse_url(url.strip())
    return parts is not None and "@" not in parts.netloc and not parts.query and not parts.fragment


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    :param host: its name or IP address.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def base_url(
    url: str,
    prefix: str,
    allow_http: bool | None,
    example: str,
    connection_options: Mapping[str, Option],
    name: str = "url",
) -> str:
    """Return a URL with the API prefix, which the option may contain or omit.

    :param url: the value of the option.
    :param prefix: the start of every path of the API.
    :param allow_http: whether credentials may be sent unencrypted.
    :param example: a valid URL for messages.
    :param connection_options: the options of the connection.
    :param name: the option that contains the URL.
    :raises ApiError: category ``configuration``.
    """
    parts = parse_url(url.strip())
    option = label(name, connection_options)
    if parts is None:
        raise configuration_error(f"{option} must be a URL such as {example}.")
    if not is_bare_address(url):
        raise configuration_error(f"{option} must be a URL without a user name, password, query or fragment.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise configuration_error(
            f"{option} starts with http://, which would send the credentials unencrypted. Use https://, or set "
            f"{label('allow_http', connection_options)}."
        )
    return urlunsplit((parts.scheme, parts.netloc, _with_prefix(parts.path.rstrip("/"), prefix), "", ""))


def _with_prefix(path: str, prefix: str) -> str:
    """Return a path that ends with a prefix; the path may already end with all or at least two segments of it."""
    parts = prefix.split("/")[1:]
    for count in range(len(parts), 1, -1):
        start = "/" + "/".join(parts[:count])
        if path.endswith(start):
            return path[: -len(start)] + prefix
    return path + prefix


def is_direct(given: Mapping[str, Any], url: str) -> bool:
    """Return whether to use no proxy, because requests to this machine must not leave it.

    :param given: the values of the connection options.
    :param url: the URL of the service.
    """
    return not given["proxy"] and is_loopback(urlsplit(url).hostname or "")


def checked_proxy(given: Mapping[str, Any], connection_options: Mapping[str, Option], url: str) -> str | None:
    """Return the URL of the proxy from the options, or None after checking the proxy of the environment.

    :param given: the values of the connection options.
    :param connection_options: the options of the connection.
    :param url: the URL of the service.
    :raises ApiError: category ``configuration``.
    """
    proxy: str | None = given["proxy"]
    if proxy is not None and (parse_url(proxy) is None or not _is_bare_proxy(proxy)):
        raise _invalid_proxy(label("proxy", connection_options))
    if proxy is None and not is_direct(given, url):
        variable, value = environment_proxy(url)
        if variable and not _is_bare_proxy(value):
            raise _invalid_proxy(variable)
    return proxy


def _invalid_proxy(name: str) -> ApiError:
    """Return the error for an invalid proxy, without its value, which may contain a password."""
    return configuration_error(
        f"{name} must be a URL such as http://proxy.example.com:3128, without a path, query or fragment. "
        "Percent-encode special characters in its user name and password, for example %23 for #."
    )


def _is_bare_proxy(proxy: str) -> bool:
    """Return whether a proxy has no path, query or fragment."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_address and parts.path in ("", "/") and not set("?#") & set(proxy)
