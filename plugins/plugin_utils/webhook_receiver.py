# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Receive webhooks over HTTP, and have their events dispatched to a rulebook."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Callable, Iterable, Mapping, Protocol, TypeVar

try:
    from aiohttp import web
except ImportError:
    HAS_AIOHTTP = False
else:
    HAS_AIOHTTP = True

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import RefusalError, RefusalLog
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_callbacks import TicketCallbacks
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_connections import Connections
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_deliveries import ContraForceDeliveries
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_dispatcher import EventDispatcher
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import (
    ServerSettings,
    parse_settings,
    parse_ticket_settings,
)

#: Maximum seconds to receive the body of a delivery.
BODY_TIMEOUT = 10.0

#: Maximum bytes of all bodies that are not verified yet, unless a single body may be larger.
MAX_UNVERIFIED_BYTES = 64 * 1024 * 1024

#: Bodies up to this size are always accepted, so that senders without a secret cannot block those with one.
SMALL_BODY = 64 * 1024

#: Seconds that a sender should wait before it repeats a refused delivery.
RETRY_AFTER = 10

#: Maximum seconds to wait for open responses when the source shuts down.
SHUTDOWN_TIMEOUT = 2.0

#: Seconds that an idle connection may stay open after a response.
IDLE_TIMEOUT = 30.0

logger = logging.getLogger(__name__)


Headers = TypeVar("Headers")


class DeliveryHandler(Protocol[Headers]):
    """Verify the deliveries of a service, and dispatch their events."""

    def check_headers(self, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Return the headers of a delivery. Raise RefusalError to refuse it without reading its body."""

    def check_body(self, headers: Headers, body: bytes) -> None:
        """Raise RefusalError if a delivery is not genuine."""

    def event_id(self, headers: Headers) -> str:
        """Return the id of a genuine delivery for the log, without secrets."""

    async def dispatch(self, headers: Headers, body: bytes) -> str:
        """Dispatch the event of a genuine delivery, and return its status. Raise RefusalError to refuse it."""


class Receiver:
    """Handle requests.

    :param settings: the settings of the server.
    :param handler: handles the deliveries.
    :param connections: the open connections.
    """

    def __init__(self, settings: ServerSettings, handler: DeliveryHandler[Any], connections: Connections) -> None:
        self._settings = settings
        self._handler = handler
        self._connections = connections
        self._unverified = 0
        self.refusals = RefusalLog(logger.warning, time.monotonic)

    async def handle(self, request: web.Request) -> web.Response:
        """Return the response to a request, without details.

        :param request: the request.
        """
        event_id = ""
        self._connections.mark_request(request.protocol)
        try:
            headers, body = await self._verified_delivery(request)
            event_id = self._handler.event_id(headers)
            with self._connections.protect(request.protocol):
                return _json_response(200, await self._handler.dispatch(headers, body))
        except RefusalError as error:
            return self._refuse(request, error, event_id)
        except Exception as error:  # a bug; the text of the exception may contain parts of the request
            return self._refuse(request, RefusalError(503, f"it failed with {type(error).__name__}"), event_id)

    def _refuse(self, request: web.Request, why: RefusalError, event_id: str) -> web.Response:
        self.refusals.note(request.remote, why, event_id)
        return _refusal_response(why.status)

    async def _verified_delivery(self, request: web.Request) -> tuple[Any, bytes]:
        """Return the headers and the body of a genuine delivery."""
        if request.path != self._settings.path:
            raise RefusalError(404, "it was sent to another path")
        if request.method != "POST":
            raise RefusalError(405, "it is not a POST request")
        headers = self._handler.check_headers(request.headers.items())
        body = await self._body(request)
        self._handler.check_body(headers, body)
        return headers, body

    async def _body(self, request: web.Request) -> bytes:
        """Return the body as it was sent."""
        if (request.content_length or 0) > self._settings.max_body:
            raise self._too_big()
        try:
            return await asyncio.wait_for(self._read(request), BODY_TIMEOUT)
        except asyncio.TimeoutError:
            raise RefusalError(408, f"its body took more than {BODY_TIMEOUT:.0f} s") from None
        except (OSError, web.PayloadAccessError, web.RequestPayloadError) as error:
            raise RefusalError(400, f"its body was interrupted by {type(error).__name__}") from None

    async def _read(self, request: web.Request) -> bytes:
        body = bytearray()
        try:
            async for piece in request.content.iter_any():
                body += piece
                self._unverified += len(piece)
                if len(body) > self._settings.max_body:
                    raise self._too_big()
                is_too_much = self._unverified > max(MAX_UNVERIFIED_BYTES, self._settings.max_body)
                if is_too_much and len(body) > SMALL_BODY:
                    raise RefusalError(503, "too much data is being received at the same time")
            return bytes(body)
        finally:
            self._unverified -= len(body)

    def _too_big(self) -> RefusalError:
        return RefusalError(413, f"its body has more than {self._settings.max_body} bytes")


def _json_response(status: int, word: str) -> web.Response:
    return web.json_response({"status": word}, status=status)


def _refusal_response(status: int) -> web.Response:
    response = _json_response(status, "busy" if status == 503 else "refused")
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if status == 405:
        response.headers["Allow"] = "POST"
    if status in (408, 413, 503):
        # Do not wait for the rest of the body.
        response.force_close()
    return response


class _UnreadableRequestHandler(logging.Handler):
    """Replace aiohttp's log messages about invalid HTTP, which would contain the requests and flood the log.

    :param refusals: logs the refusals instead.
    """

    def __init__(self, refusals: RefusalLog) -> None:
        super().__init__(logging.ERROR)
        self._refusals = refusals

    def emit(self, record: logging.LogRecord) -> None:
        """Log a refused request."""
        remote = record.args[0] if isinstance(record.args, tuple) and record.args else None
        self._refusals.note(str(remote or "") or None, RefusalError(400, "it could not be read as HTTP"))


def _runner(receiver: Receiver) -> web.AppRunner:
    """Return the web server, without its own log messages and headers."""
    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", receiver.handle)
    application.on_response_prepare.append(_remove_server_header)
    log = logging.Logger(__name__)
    log.addHandler(_UnreadableRequestHandler(receiver.refusals))
    return web.AppRunner(
        application,
        access_log=None,
        logger=log,
        # The signature covers the bytes as they were sent.
        auto_decompress=False,
        keepalive_timeout=IDLE_TIMEOUT,
        lingering_time=1.0,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


async def _remove_server_header(request: web.Request, response: web.StreamResponse) -> None:
    """Remove the header with the name and version of the server."""
    del request
    response.headers.pop("Server", None)


async def receive(queue: Any, args: Mapping[str, Any]) -> None:
    """Receive webhooks of ContraForce until cancelled.

    :param queue: the queue of the rulebook.
    :param args: the options of the source.
    :raises ValueError: if an option is invalid.
    """
    _check_library()
    settings = parse_settings(args)
    await _serve(queue, settings, lambda dispatcher: ContraForceDeliveries(settings, dispatcher))


async def receive_callbacks(queue: Any, args: Mapping[str, Any]) -> None:
    """Receive callbacks of a ticketing system until cancelled.

    :param queue: the queue of the rulebook.
    :param args: the options of the source.
    :raises ValueError: if an option is invalid.
    """
    _check_library()
    settings = parse_ticket_settings(args)
    await _serve(queue, settings, lambda dispatcher: TicketCallbacks(settings, dispatcher))


def _check_library() -> None:
    if not HAS_AIOHTTP:
        raise ValueError(missing_required_lib("aiohttp"))


async def _serve(
    queue: Any, settings: ServerSettings, create_handler: Callable[[EventDispatcher], DeliveryHandler[Any]]
) -> None:
    dispatcher = EventDispatcher(queue, settings.queue_size, settings.answer_within)
    connections = Connections(logger.warning)
    receiver = Receiver(settings, create_handler(dispatcher), connections)
    runner = _runner(receiver)
    await runner.setup()
    dispatching = asyncio.ensure_future(dispatcher.run())
    try:
        await _listen(runner, connections, settings)
        await dispatching
    finally:
        await connections.close()
        dispatching.cancel()
        await asyncio.wait({dispatching})
        dispatcher.close()
        await runner.cleanup()
        receiver.refusals.close()


async def _listen(runner: web.AppRunner, connections: Connections, settings: ServerSettings) -> None:
    if runner.server is None:
        raise RuntimeError("The runner was not set up.")
    try:
        addresses = await connections.listen(runner.server, settings.host, settings.port, settings.tls)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"The source cannot listen on port {settings.port} of {settings.host}: {reason}.") from None
    scheme = "https" if settings.tls else "http"
    for address in addresses:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        logger.info("Listening on %s://%s:%d%s", scheme, host, address[1], settings.path)
