# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate the options of the event sources that receive webhooks."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import signing_keys
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import environment_fallback
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import is_loopback
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import validate_options

CONTRAFORCE, TICKET = "CONTRAFORCE_WEBHOOK", "TICKET_WEBHOOK"

Spec = Mapping[str, Mapping[str, Any]]


def _secret(variable: str, required: bool = False) -> Mapping[str, Any]:
    option = {"type": "str", "no_log": True, "fallback": (environment_fallback, [variable])}
    return {**option, "required": True} if required else option


def _with_server_options(prefix: str, specific: Spec) -> Spec:
    """Return the options of a source.

    :param prefix: the start of the names of its environment variables.
    :param specific: its own options.
    """
    return {
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "required": True},
        "path": {"type": "str", "default": "/"},
        "secret": _secret(f"{prefix}_SECRET", required=True),
        "former_secret": _secret(f"{prefix}_FORMER_SECRET"),
        **specific,
        "certfile": {"type": "path"},
        "keyfile": {"type": "path"},
        "password": _secret(f"{prefix}_PASSWORD"),
        "cafile": {"type": "path"},
        "allow_http": {"type": "bool", "default": False},
        "max_body": {"type": "int", "default": 1024 * 1024},
        "queue_size": {"type": "int", "default": 100},
        "answer_within": {"type": "float", "default": 5.0},
    }


#: The options of the source for ContraForce; a test compares them with its documentation.
WEBHOOK_SPEC: Spec = {**_with_server_options(CONTRAFORCE, {}), "forward_tests": {"type": "bool", "default": False}}

#: The options of the source for ticketing systems; a test compares them with its documentation.
TICKET_WEBHOOK_SPEC: Spec = _with_server_options(
    TICKET,
    {
        "secret_header": {"type": "str", "default": "X-Webhook-Secret"},
        "ticket_system": {"type": "str", "required": True},
        "number_keys": {
            "type": "list",
            "elements": "str",
            "default": ["number", "object_id", "objectId", "ticket_number", "key", "issue.key"],
        },
        "id_keys": {
            "type": "list",
            "elements": "str",
            "default": ["sys_id", "ticket_id", "ObjectID", "id", "issue.id"],
        },
        "id_header": {"type": "str"},
        "repeat_interval": {"type": "float", "default": 2.0},
    },
)

#: The minimum length of a shared secret.
MIN_SECRET_LENGTH = 16

#: Maximum seconds that an identical callback waits.
MAX_REPEAT_INTERVAL = 60

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
#: Headers that clients and proxies set themselves.
_OCCUPIED_HEADER = re.compile(
    r"(accept|content|proxy|sec|x-cf|x-forwarded)-.*"
    r"|accept|connection|cookie|date|expect|forwarded|host|keep-alive|origin|range|referer|te|trailer"
    r"|transfer-encoding|upgrade|user-agent|via|x-real-ip",
    re.IGNORECASE,
)
#: A text that a header can contain.
_HEADER_TEXT = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)
_TICKET_SYSTEM = re.compile(r"[A-Za-z0-9_./-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class ServerSettings:
    """The validated options of a source.

    :param keys: the secrets that deliveries may be signed or authenticated with.
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


@dataclass(frozen=True)
class WebhookSettings(ServerSettings):
    """The validated options of the source for ContraForce."""

    forward_tests: bool


@dataclass(frozen=True)
class TicketWebhookSettings(ServerSettings):
    """The validated options of the source for ticketing systems.

    :param id_header: the header with the id of a callback, or an empty text.
    """

    secret_header: str
    ticket_system: str
    number_keys: Sequence[str]
    id_keys: Sequence[str]
    id_header: str
    repeat_interval: float


def parse_settings(args: Mapping[str, Any]) -> WebhookSettings:
    """Return the settings of the source for ContraForce.

    :param args: the options as ansible-rulebook passes them.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    options = validate_options(WEBHOOK_SPEC, args)
    return WebhookSettings(**_server_settings(options, "/contraforce"), forward_tests=options["forward_tests"])


def parse_ticket_settings(args: Mapping[str, Any]) -> TicketWebhookSettings:
    """Return the settings of the source for ticketing systems.

    :param args: the options as ansible-rulebook passes them.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    options = validate_options(TICKET_WEBHOOK_SPEC, args)
    server = _server_settings(options, "/tickets")
    _check_shared_secrets(options)
    _check_headers(options)
    if not _TICKET_SYSTEM.fullmatch(options["ticket_system"]):
        raise ValueError("ticket_system must be the name of a ticketing system, such as servicenow, or a path.")
    for name in ("number_keys", "id_keys"):
        if not all(key and all(key.split(".")) for key in options[name]):
            raise ValueError(f"{name} must contain keys such as number or issue.key.")
    # This form of the condition also refuses NaN.
    if not 0 <= options["repeat_interval"] <= MAX_REPEAT_INTERVAL:
        raise ValueError(f"repeat_interval must be a number of seconds from 0 to {MAX_REPEAT_INTERVAL}.")
    names = ("secret_header", "ticket_system", "number_keys", "id_keys", "repeat_interval")
    return TicketWebhookSettings(
        **server, id_header=options["id_header"] or "", **{name: options[name] for name in names}
    )


def _check_shared_secrets(options: Mapping[str, Any]) -> None:
    """Raise ValueError if a secret is too weak, cannot be in a header, or signs the webhooks of ContraForce."""
    for name in ("secret", "former_secret"):
        secret = options[name]
        if not secret:
            continue
        if not _HEADER_TEXT.fullmatch(secret):
            raise ValueError(f"{name} must consist of ASCII characters, because it is sent in a header.")
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"{name} must have at least {MIN_SECRET_LENGTH} characters, so that it cannot be guessed.")
        if secret == os.environ.get(f"{CONTRAFORCE}_SECRET"):
            raise ValueError(
                f"{name} must differ from {CONTRAFORCE}_SECRET, because each callback contains it. Use a secret of its "
                "own."
            )


def _check_headers(options: Mapping[str, Any]) -> None:
    for name in ("secret_header", "id_header"):
        header = options[name]
        if not header:
            continue
        if not _HEADER_NAME.fullmatch(header) or _OCCUPIED_HEADER.fullmatch(header):
            raise ValueError(
                f"{name} must be the name of a header that neither HTTP clients nor proxies set, such as "
                "X-Webhook-Secret or X-Request-Id."
            )
    if options["secret_header"].lower() == (options["id_header"] or "").lower():
        raise ValueError("secret_header and id_header must be different headers, because the id is shown in events.")
    if (options["id_header"] or "").lower() == "authorization":
        raise ValueError("id_header must not be Authorization, because the id is shown in events.")


def _server_settings(options: Mapping[str, Any], path_example: str) -> dict[str, Any]:
    """Return the values of :class:`ServerSettings`. Raise ValueError if one of them is invalid."""
    _check_numbers(options)
    for name in ("secret", "former_secret"):
        if options[name] and not options[name].isprintable():
            raise ValueError(f"{name} contains a line break or another control character. Remove it.")
    if not options["path"].startswith("/") or not options["path"].isprintable() or set(options["path"]) & set("?#"):
        raise ValueError(f"path must start with a slash and must not contain a query, as in {path_example}.")
    tls = _tls_context(options)
    if tls is None and not options["allow_http"] and not is_loopback(options["host"]):
        raise ValueError(
            f"host {options['host']} is reachable from other machines, but without certfile connections are not "
            "encrypted. Set certfile, or set allow_http if a reverse proxy terminates TLS."
        )
    names = ("host", "port", "path", "max_body", "queue_size", "answer_within")
    return {
        "keys": signing_keys(options["secret"], options["former_secret"]),
        "tls": tls,
        **{name: options[name] for name in names},
    }


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
