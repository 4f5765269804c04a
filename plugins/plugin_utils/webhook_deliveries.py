# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Verify deliveries of ContraForce, and dispatch their events, each once."""

from __future__ import annotations

import logging
import time
from typing import Iterable

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import (
    DeliveryHeaders,
    build_event,
    is_test,
    log_safe,
    parse_headers,
    parse_payload,
    verify,
)
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import sanitize
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_dispatcher import EventDispatcher
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import WebhookSettings

logger = logging.getLogger(__name__)


class ContraForceDeliveries:
    """Handle the deliveries of ContraForce. ``DeliveryHandler`` describes the methods.

    :param settings: the settings of the source.
    :param dispatcher: dispatches the events.
    """

    def __init__(self, settings: WebhookSettings, dispatcher: EventDispatcher) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._redact = Redactor(key.decode("utf-8") for key in settings.keys).text

    def check_headers(self, pairs: Iterable[tuple[str, str]]) -> DeliveryHeaders:
        """Return the headers of a delivery."""
        return parse_headers(pairs)

    def check_body(self, headers: DeliveryHeaders, body: bytes) -> None:
        """Verify the signature, which covers the body as it was sent."""
        verify(self._settings.keys, headers, body, time.time())

    def event_id(self, headers: DeliveryHeaders) -> str:
        """Return the id of the event without secrets."""
        return self._redact(headers.event_id)

    async def dispatch(self, headers: DeliveryHeaders, body: bytes) -> str:
        """Dispatch the event of a genuine delivery, and return its status."""
        payload = sanitize(parse_payload(body, headers.schema))
        shown_id = log_safe(self.event_id(headers))
        if is_test(headers, payload) and not self._settings.forward_tests:
            # The header is not signed, so the same delivery without it must not count as an event.
            self._dispatcher.discard(headers.event_id, headers.signature)
            logger.info("Test delivery %s is valid.", shown_id)
            return "test"
        event = build_event(self._settings.path, headers, payload)
        is_new = await self._dispatcher.deliver(headers.event_id, headers.signature, event)
        logger.info("Event %s %s.", shown_id, "was dispatched" if is_new else "was already dispatched")
        return "accepted" if is_new else "duplicate"
