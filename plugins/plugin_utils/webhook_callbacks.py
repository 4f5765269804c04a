# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Verify callbacks of a ticketing system, and dispatch their events.

A callback is authenticated by a shared secret in a header. It is not signed and has no timestamp, so the secret
protects neither its body nor its time. The event therefore only reports that a ticket may have changed, and a playbook
must read the ticket.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import (
    MAX_HEADER_LENGTH,
    RefusalError,
    log_safe,
    parse_object,
)
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import sanitize
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import parse_identifier
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_names import TICKET_NAME
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_dispatcher import EventDispatcher
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import TicketWebhookSettings

#: The scheme of the secret in the header of this name.
AUTHORIZATION, BEARER = "authorization", "bearer "

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallbackHeaders:
    """The headers of an authenticated callback.

    :param callback_id: the id in the configured header, or an empty text.
    """

    callback_id: str = ""


class TicketCallbacks:
    """Handle the callbacks of a ticketing system. ``DeliveryHandler`` describes the methods.

    :param settings: the settings of the source.
    :param dispatcher: dispatches the events.
    """

    def __init__(self, settings: TicketWebhookSettings, dispatcher: EventDispatcher) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._redactor = Redactor(key.decode("ascii") for key in settings.keys)
        self._numbers = count(1)

    def check_headers(self, pairs: Iterable[tuple[str, str]]) -> CallbackHeaders:
        """Verify the secret, and return the headers of a callback."""
        settings = self._settings
        found = [(name.lower(), value) for name, value in pairs]
        given = [value for name, value in found if name == settings.secret_header.lower()]
        if not has_secret(settings.keys, settings.secret_header, given):
            raise RefusalError(401, f"its {settings.secret_header} header does not contain the secret")
        if not settings.id_header:
            return CallbackHeaders()
        ids = [value for name, value in found if name == settings.id_header.lower()]
        if len(ids) != 1 or not ids[0].strip():
            raise RefusalError(400, f"it does not have exactly one {settings.id_header} header")
        if len(ids[0]) > MAX_HEADER_LENGTH or not ids[0].isprintable():
            raise RefusalError(400, f"its {settings.id_header} header is too long or contains invalid characters")
        return CallbackHeaders(self._redactor.text(ids[0]))

    def check_body(self, headers: CallbackHeaders, body: bytes) -> None:
        """Do nothing: the secret in a header does not depend on the body."""

    def event_id(self, headers: CallbackHeaders) -> str:
        """Return the id of the callback without secrets."""
        return headers.callback_id

    async def dispatch(self, headers: CallbackHeaders, body: bytes) -> str:
        """Dispatch the event of a callback, and return its status."""
        payload = sanitize(self._redactor.data(parse_object(body)))
        ticket = self._ticket(payload)
        shown = {} if not headers.callback_id else {self._settings.id_header: headers.callback_id}
        event = {
            "ticket_event": ticket,
            "ticket_payload": payload,
            "meta": {"endpoint": self._settings.path.lstrip("/"), "headers": shown},
        }
        event_id = await self._event_id(headers, body)
        is_new = await self._dispatcher.deliver(event_id, event_id, event)
        number = log_safe(ticket.get("ticket_number") or ticket["ticket_id"])
        logger.info("Callback for ticket %s %s.", number, "was dispatched" if is_new else "was already dispatched")
        return "accepted" if is_new else "duplicate"

    def _ticket(self, payload: Mapping[str, Any]) -> dict[str, str]:
        """Return the validated values of a callback, which are safe to pass to a playbook."""
        settings = self._settings
        found = {
            "ticket_number": first_value(payload, settings.number_keys),
            "ticket_id": first_value(payload, settings.id_keys),
        }
        named = {name: value for name, value in found.items() if value}
        if not named:
            raise RefusalError(
                400, "its body contains no ticket number or identifier in the keys of number_keys and id_keys"
            )
        if not all(map(TICKET_NAME.fullmatch, named.values())):
            raise RefusalError(400, "its ticket number or identifier contains characters that are not allowed")
        received = spelled_utc(datetime.now(timezone.utc), "seconds")
        return {"ticket_system": settings.ticket_system, **named, "received_at": received}

    async def _event_id(self, headers: CallbackHeaders, body: bytes) -> str:
        """Return the id of a callback's event, which repeated callbacks share.

        Without a header with an id, identical callbacks may announce different changes of a ticket. An event that the
        rulebook has accepted therefore never stands for a later callback: that one waits for the next interval.
        """
        if headers.callback_id:
            return f"id {headers.callback_id}"
        digest, interval = hashlib.sha256(body).hexdigest(), self._settings.repeat_interval
        if not interval:
            return f"{digest} {next(self._numbers)}"
        slot = int(time.monotonic() // interval)
        if self._dispatcher.has_delivered(f"{digest} {slot}"):
            slot += 1
            await asyncio.sleep(slot * interval - time.monotonic())
        return f"{digest} {slot}"


def has_secret(keys: Sequence[bytes], header: str, given: Sequence[str]) -> bool:
    """Return whether a header contains one of the secrets, in a time that does not depend on their content.

    :param keys: the accepted secrets.
    :param header: the name of the header.
    :param given: its values in the request.
    """
    text = given[0] if len(given) == 1 else ""
    if header.lower() == AUTHORIZATION:
        text = text[len(BEARER) :].strip() if text.lower().startswith(BEARER) else ""
    # Digests have the same length, so that the comparison does not show the length of a secret.
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    matches = [hmac.compare_digest(digest, hashlib.sha256(key).digest()) for key in keys]
    return any(matches)


def first_value(payload: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the first text or number at one of the keys, or an empty text.

    :param payload: the body of the callback.
    :param keys: keys, with dots between those of nested objects.
    """
    for key in keys:
        value: Any = payload
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        text = (parse_identifier(value) or "").strip()
        if text:
            return text
    return ""
