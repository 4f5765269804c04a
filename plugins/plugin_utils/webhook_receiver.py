# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receives ContraForce's webhooks and hands their events to a rulebook, each once, and none before it is taken."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Mapping

try:
    from aiohttp import web
except ImportError:
    HAS_AIOHTTP = False
else:
    HAS_AIOHTTP = True

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.webhooks import (
    DeliveryHeaders,
    RefusalError,
    RefusalLog,
    delivery_headers,
    event_of,
    in_a_log,
    is_test,
    payload_of,
    verify,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import for_rules
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_hand_over import HandOver
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import Settings, settings_of

#: Seconds that the body of a delivery may take to arrive.
BODY_SECONDS = 10.0

#: Bytes that all bodies together may take up before their signatures were looked at, if one alone may not have more.
MOST_UNVERIFIED = 64 * 1024 * 1024

#: A body of so many bytes is taken all the same: who knows no secret must not keep out those who do.
SMALL_BODY = 64 * 1024

#: Seconds after which a sender may try again what was not taken.
RETRY_AFTER = 10

#: Seconds that deliveries get for their answers when the source ends.
ENDING_SECONDS = 2.0

#: Seconds that a connection may stay open with nothing to do.
IDLE_SECONDS = 30.0

logger = logging.getLogger(__name__)


class Receiver:
    """Answers requests.

    :param settings: the source's.
    :param hand_over: takes the events.
    """

    def __init__(self, settings: Settings, hand_over: HandOver) -> None:
        self._settings = settings
        self._hand_over = hand_over
        self._unverified = 0
        self.refusals = RefusalLog(logger.warning, time.monotonic)

    async def answer(self, request: web.Request) -> web.Response:
        """The answer to a request; tells nobody more than its status.

        :param request: any.
        """
        event_id = ""
        try:
            headers, body = await self._genuine(request)
            event_id = headers.event_id
            return _answer(200, await self._taken(headers, body))
        except RefusalError as error:
            refused = error
        except Exception as error:  # a mistake of ours; its text may hold what was sent
            refused = RefusalError(503, f"it failed with {type(error).__name__}")
        self.refusals.note(request.remote, refused, event_id)
        return _refusal(refused.status)

    async def _genuine(self, request: web.Request) -> tuple[DeliveryHeaders, bytes]:
        """The headers and the body of a delivery whose signature is right."""
        if request.path != self._settings.path:
            raise RefusalError(404, "it went to another path")
        if request.method != "POST":
            raise RefusalError(405, "it is no POST")
        headers = delivery_headers(request.headers.items())
        body = await self._body(request)
        verify(self._settings.keys, headers, body, time.time())
        return headers, body

    async def _body(self, request: web.Request) -> bytes:
        """The body, byte for byte."""
        if (request.content_length or 0) > self._settings.max_body:
            raise self._too_big()
        try:
            return await asyncio.wait_for(self._read(request), BODY_SECONDS)
        except asyncio.TimeoutError:
            raise RefusalError(408, f"its body took more than {BODY_SECONDS:.0f} s") from None
        except (OSError, web.PayloadAccessError, web.RequestPayloadError) as error:
            raise RefusalError(400, f"its body broke off with {type(error).__name__}") from None

    async def _read(self, request: web.Request) -> bytes:
        body = bytearray()
        try:
            async for piece in request.content.iter_any():
                body += piece
                self._unverified += len(piece)
                if len(body) > self._settings.max_body:
                    raise self._too_big()
                is_too_much = self._unverified > max(MOST_UNVERIFIED, self._settings.max_body)
                if is_too_much and len(body) > SMALL_BODY:
                    raise RefusalError(503, "too much is being sent at the same time")
            return bytes(body)
        finally:
            self._unverified -= len(body)

    def _too_big(self) -> RefusalError:
        return RefusalError(413, f"its body has more than {self._settings.max_body} bytes")

    async def _taken(self, headers: DeliveryHeaders, body: bytes) -> str:
        """What has become of a genuine delivery."""
        payload = for_rules(payload_of(body))
        if is_test(headers, payload) and not self._settings.forward_tests:
            # The header is not signed: without it, the same delivery must not count as an event.
            self._hand_over.forgo(headers.event_id, headers.signature)
            logger.info("Test delivery %s is in order.", in_a_log(headers.event_id))
            return "test"
        event = event_of(self._settings.path, headers, payload)
        is_new = await self._hand_over.deliver(headers.event_id, headers.signature, event)
        logger.info("Event %s %s.", in_a_log(headers.event_id), "was handed over" if is_new else "came once more")
        return "accepted" if is_new else "duplicate"


def _answer(status: int, word: str) -> web.Response:
    return web.json_response({"status": word}, status=status)


def _refusal(status: int) -> web.Response:
    response = _answer(status, "busy" if status == 503 else "refused")
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if status == 405:
        response.headers["Allow"] = "POST"
    if status in (408, 413, 503):
        # Nobody waits for the rest of the body.
        response.force_close()
    return response


class _Unreadable(logging.Handler):
    """Takes what aiohttp logs of requests that are no HTTP: it would show what they hold, as often as one likes.

    :param refusals: tells of them instead.
    """

    def __init__(self, refusals: RefusalLog) -> None:
        super().__init__(logging.ERROR)
        self._refusals = refusals

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a request."""
        remote = record.args[0] if isinstance(record.args, tuple) and record.args else None
        self._refusals.note(str(remote or "") or None, RefusalError(400, "it could not be read as HTTP"))


def _runner(receiver: Receiver) -> web.AppRunner:
    """The web server, with everything that it would tell or log by itself kept back."""
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", receiver.answer)
    application.on_response_prepare.append(_without_name)
    log = logging.Logger(__name__)
    log.addHandler(_Unreadable(receiver.refusals))
    return web.AppRunner(
        application,
        access_log=None,
        logger=log,
        # The signature goes over the bytes as they were sent.
        auto_decompress=False,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=1.0,
        shutdown_timeout=ENDING_SECONDS,
    )


async def _without_name(request: web.Request, response: web.StreamResponse) -> None:
    """Do not tell what runs here, in which version."""
    del request
    response.headers.pop("Server", None)


async def receive(queue: Any, args: Mapping[str, Any]) -> None:
    """Receive webhooks until cancelled.

    :param queue: the rulebook's.
    :param args: the source's options.
    :raises ValueError: with one sentence about wrong options.
    """
    if not HAS_AIOHTTP:
        raise ValueError(missing_required_lib("aiohttp"))
    settings = settings_of(args)
    hand_over = HandOver(queue, settings.queue_size, settings.answer_within)
    receiver = Receiver(settings, hand_over)
    runner = _runner(receiver)
    await runner.setup()
    carrier = asyncio.ensure_future(hand_over.carry())
    try:
        await _listen(runner, settings)
        await carrier
    finally:
        carrier.cancel()
        await asyncio.wait({carrier})
        hand_over.close()
        await runner.cleanup()
        receiver.refusals.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=settings.tls).start()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"Nothing can listen on port {settings.port} of {settings.host}: {reason}") from None
    scheme = "https" if settings.tls else "http"
    for address in runner.addresses:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        logger.info("Listening on %s://%s:%d%s", scheme, host, address[1], settings.path)
