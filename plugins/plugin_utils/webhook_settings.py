# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate the options of the webhook event source."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import signing_keys
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import environment_fallback
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import is_loopback
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import validate_options

#: The options of the source; a test compares them with its documentation.
WEBHOOK_SPEC: Mapping[str, Mapping[str, Any]] = {
    "host": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int", "required": True},
    "path": {"type": "str", "default": "/"},
    "secret": {
        "type": "str",
        "required": True,
        "no_log": True,
        "fallback": (environment_fallback, ["CONTRAFORCE_WEBHOOK_SECRET"]),
    },
    "former_secret": {
        "type": "str",
        "no_log": True,
        "fallback": (environment_fallback, ["CONTRAFORCE_WEBHOOK_FORMER_SECRET"]),
    },
    "certfile": {"type": "path"},
    "keyfile": {"type": "path"},
    "password": {
        "type": "str",
        "no_log": True,
        "fallback": (environment_fallback, ["CONTRAFORCE_WEBHOOK_PASSWORD"]),
    },
    "cafile": {"type": "path"},
    "allow_http": {"type": "bool", "default": False},
    "max_body": {"type": "int", "default": 1024 * 1024},
    "queue_size": {"type": "int", "default": 100},
    "answer_within": {"type": "float", "default": 5.0},
    "forward_tests": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class WebhookSettings:
    """The validated options of the source.

    :param keys: the keys that deliveries may be signed with.
    :param tls: the TLS context, or None for no encryption.
    """

    host: str
    port: int
    path: str
    keys: tuple[bytes, ...] = field(repr=False)
    tls: ssl.SSLContext | None
    max_body: int
    queue_size: int
    answer_within: float
    forward_tests: bool


def parse_settings(args: Mapping[str, Any]) -> WebhookSettings:
    """Return the settings of the source.

    :param args: the options as ansible-rulebook passes them.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    options = validate_options(WEBHOOK_SPEC, args)
    _check_numbers(options)
    for name in ("secret", "former_secret"):
        if options[name] and not options[name].isprintable():
            raise ValueError(f"{name} contains a line break or another control character. Remove it.")
    if not options["path"].startswith("/") or not options["path"].isprintable() or set(options["path"]) & set("?#"):
        raise ValueError("path must start with a slash and must not contain a query, as in /contraforce.")
    tls = _tls_context(options)
    if tls is None and not options["allow_http"] and not is_loopback(options["host"]):
        raise ValueError(
            f"host {options['host']} is reachable from other machines, but without certfile connections are not "
            "encrypted. Set certfile, or set allow_http if a reverse proxy terminates TLS."
        )
    return WebhookSettings(
        keys=signing_keys(options["secret"], options["former_secret"]),
        tls=tls,
        **{name: options[name] for name in ("host", "port", "path", "max_body")},
        **{name: options[name] for name in ("queue_size", "answer_within", "forward_tests")},
    )


def _check_numbers(options: Mapping[str, Any]) -> None:
    if not 0 <= options["port"] <= 65535:
        raise ValueError("port must be a number from 1 to 65535, or 0 for any free port.")
    for name in ("max_body", "queue_size"):
        if options[name] < 1:
            raise ValueError(f"{name} must be 1 or more.")
    # This form of the condition also refuses NaN.
    if not 0 < options["answer_within"] <= 3600:
        raise ValueError("answer_within must be a number of seconds greater than 0 and at most 3600.")


def _tls_context(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """Return the TLS context, which requires client certificates if ``cafile`` is set."""
    if not options["certfile"]:
        for name in ("keyfile", "password", "cafile"):
            if options[name]:
                raise ValueError(f"certfile is missing. It is required if {name} is set.")
        return None
    for name in ("certfile", "keyfile", "cafile"):
        if options[name] and not os.access(options[name], os.R_OK):
            raise ValueError(f"{name} cannot be read: {options[name]}. Check the path and its permissions.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = options["password"] or ""
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(options["certfile"], options["keyfile"], lambda: password)
    except (ssl.SSLError, ValueError):
        raise ValueError(
            "certfile and keyfile must be a certificate in PEM format and its key, and password that of the key."
        ) from None
    if options["cafile"]:
        try:
            context.load_verify_locations(options["cafile"])
        except ssl.SSLError:
            raise ValueError("cafile must contain CA certificates in PEM format.") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context
