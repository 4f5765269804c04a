# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the secrets among connection options."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import parse_url

#: Header values shorter than this are not secrets: masking them would mask large parts of every result.
MIN_SECRET_LENGTH = 6


def secrets_in(options: Mapping[str, Any], connection_options: Mapping[str, Option]) -> list[str]:
    """Return every secret text in the options, even in invalid ones.

    :param options: values by option name.
    :param connection_options: the options of the connection.
    """
    found = []
    for name, option in connection_options.items():
        if option.secret:
            value = options.get(name)
            is_dict = isinstance(value, Mapping)
            found += [str(item) for item in _texts_in(value) if not (is_dict and is_harmless_header(item))]
    proxy = parse_url(str(options.get("proxy") or ""))
    return [*found, proxy.password] if proxy and proxy.password else found


def harmless_in(options: Mapping[str, Any]) -> list[str]:
    """Return the header values that are too short to be secrets. Ansible would mask ``1`` in every number.

    :param options: values by option name.
    """
    headers = options.get("headers")
    values = headers.values() if isinstance(headers, Mapping) else []
    return [str(value) for value in values if is_harmless_header(value)]


def is_harmless_header(value: Any) -> bool:
    """Return whether the value of a header is too short to be a secret.

    :param value: the value, as the user set it.
    """
    return isinstance(value, (str, int, float)) and len(str(value)) < MIN_SECRET_LENGTH


def _texts_in(value: Any) -> Iterator[Any]:
    """Return the forms in which a value of any type may be sent or shown, including the items of lists and dicts."""
    if isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            if isinstance(item, (Mapping, list, tuple)):
                yield str(item)
            yield from _texts_in(item)
    elif value is not None:
        yield value
