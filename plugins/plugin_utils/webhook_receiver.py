# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receives ContraForce's webhooks and hands their events to a rulebook, each once, and none before it is taken."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Mapping

try:
    from aiohttp import web
except ImportError:
    HAS_AIOHTTP = False
else:
    HAS_AIOHTTP = True

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.secops.itsm.plugins.module_utils.connection import is_loopback
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.webhooks import (
    DeliveryHeaders,
    Memory,
    RefusalError,
    RefusalLog,
    delivery_headers,
    event_of,
    in_a_log,
    is_test,
    payload_of,
    signing_keys,
    verify,
)
from ansible_collections.secops.itsm.plugins.module_utils.runner import environment_fallback
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import checked_options
from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import for_rules

#: The source's options; its documentation repeats them, and a test keeps the two the same.
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

#: Seconds that the body of a delivery may take to arrive.
BODY_SECONDS = 10.0

#: Bytes that all bodies together may take up before their signatures were looked at, if one alone may not have more.
MOST_UNVERIFIED = 64 * 1024 * 1024

#: A body of so many bytes is taken all the same: who knows no secret must not keep out those who do.
SMALL_BODY = 64 * 1024

#: Seconds after which a sender may try again what was not taken.
RETRY_AFTER = 10

#: How many events are remembered, and for how many seconds, so that a second delivery of one is known.
REMEMBERED = 10_000
REMEMBERED_SECONDS = 24 * 3600.0

#: Seconds that deliveries get for their answers when the source ends.
ENDING_SECONDS = 2.0

#: Seconds that a connection may stay open with nothing to do.
IDLE_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Options that were checked.

    :param keys: any of which may have signed a delivery.
    :param tls: how connections are encrypted, or None for not at all.
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


def settings_of(args: Mapping[str, Any]) -> Settings:
    """Check the options of the source.

    :param args: what ansible-rulebook gives.
    :raises ValueError: with one sentence, which holds no secret.
    """
    options = checked_options(WEBHOOK_SPEC, args)
    _check_numbers(options)
    for name in ("secret", "former_secret"):
        if options[name] and not options[name].isprintable():
            raise ValueError(f"{name} holds a line break or another control character; remove it.")
    if not options["path"].startswith("/") or not options["path"].isprintable() or set(options["path"]) & set("?#"):
        raise ValueError("path must begin with a slash and hold no query, such as /contraforce.")
    tls = _tls_of(options)
    if tls is None and not options["allow_http"] and not is_loopback(options["host"]):
        raise ValueError(
            f"host {options['host']} can be reached from elsewhere, and without certfile everything would travel in "
            "clear; set certfile, or allow_http where a proxy in front takes care of TLS."
        )
    return Settings(
        keys=signing_keys(options["secret"], options["former_secret"]),
        tls=tls,
        **{name: options[name] for name in ("host", "port", "path", "max_body")},
        **{name: options[name] for name in ("queue_size", "answer_within", "forward_tests")},
    )


def _check_numbers(options: Mapping[str, Any]) -> None:
    if not 0 <= options["port"] <= 65535:
        raise ValueError("port must be a number from 1 to 65535, or 0 for any that is free.")
    for name in ("max_body", "queue_size"):
        if options[name] < 1:
            raise ValueError(f"{name} must be 1 or more.")
    # Written so that not-a-number is refused, too.
    if not 0 < options["answer_within"] <= 3600:
        raise ValueError("answer_within must be a number of seconds above 0, and an hour at the most.")


def _tls_of(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """How connections are encrypted; with C(cafile), clients have to show a certificate."""
    if not options["certfile"]:
        for name in ("keyfile", "password", "cafile"):
            if options[name]:
                raise ValueError(f"certfile is missing: {name} goes with that certificate.")
        return None
    for name in ("certfile", "keyfile", "cafile"):
        if options[name] and not os.access(options[name], os.R_OK):
            raise ValueError(f"{name} names a file that cannot be read: {options[name]}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = options["password"] or ""
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(options["certfile"], options["keyfile"], lambda: password)
    except (ssl.SSLError, ValueError):
        raise ValueError(
            "certfile and keyfile are not a certificate (PEM) and its key, or password is not that of the key."
        ) from None
    if options["cafile"]:
        try:
            context.load_verify_locations(options["cafile"])
        except ssl.SSLError:
            raise ValueError("cafile holds no CA certificates (PEM).") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Waiting:
    """An event on its way to the rulebook.

    :param event: what the rulebook gets.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        #: How many requests wait for the outcome.
        self.requests = 0
        #: Whether the rulebook is being given it; from then on nobody can say that it will not get it.
        self.is_going = False
        #: None when the rulebook has it, or why not.
        self.outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()


class HandOver:
    """Hands events to the rulebook one after the other, each once.

    Nothing that is under way is ever cancelled while the source runs, so a delivery that was answered with 503 is in
    one of two states. Either its event had not begun its way: it is dropped and forgotten, and the next try is a new
    one. Or the rulebook was just being given it: then it stays known, and the next try gets the answer that this one
    did not wait for. So no event gets lost or doubled if the sender tries again, and none is doubled if it does not.

    :param queue: the rulebook's.
    :param most: how many deliveries may wait.
    :param seconds: how long each of them may.
    """

    def __init__(self, queue: Any, most: int, seconds: float) -> None:
        self._queue = queue
        self._most = most
        self._seconds = seconds
        self._taken = Memory(REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._signed = Memory(REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._line: deque[str] = deque()
        self._by_id: dict[str, _Waiting] = {}
        self._requests = 0
        self._filled = asyncio.Event()
        self._is_closed = False

    async def deliver(self, event_id: str, signature: str, event: Mapping[str, Any]) -> bool:
        """Wait until the rulebook has an event; False if it had it before.

        :param event_id: which is not signed, so that one signature counts for the first identifier that it came with.
        :param signature: of this delivery.
        :param event: what the rulebook gets.
        :raises RefusalError: when the rulebook has not taken it in time.
        """
        event_id = self._signed.keep(signature, event_id)
        if event_id in self._taken:
            return False
        if self._is_closed:
            raise RefusalError(503, "the source ends")
        if self._requests >= self._most:
            raise RefusalError(503, f"{self._requests} deliveries wait for the rulebook already")
        is_first = event_id not in self._by_id
        if is_first:
            self._by_id[event_id] = _Waiting(event)
            self._line.append(event_id)
            self._filled.set()
        await self._outcome(event_id, self._by_id[event_id])
        return is_first

    def forgo(self, event_id: str, signature: str) -> None:
        """Never hand over what was signed so; a delivery of the same event that was signed anew is another one.

        :param event_id: that it came with.
        :param signature: of the delivery.
        """
        self._taken.keep(self._signed.keep(signature, f"test {event_id}"))

    async def _outcome(self, event_id: str, waiting: _Waiting) -> None:
        self._requests += 1
        waiting.requests += 1
        try:
            await asyncio.wait({waiting.outcome}, timeout=self._seconds)
        finally:
            self._requests -= 1
            waiting.requests -= 1
            if not (waiting.requests or waiting.is_going or waiting.outcome.done()):
                self._line.remove(event_id)
                del self._by_id[event_id]
        failure = waiting.outcome.result() if waiting.outcome.done() else "the rulebook has not taken it in time"
        if failure is not None:
            raise RefusalError(503, failure)

    async def carry(self) -> None:
        """Hand over whatever comes, until cancelled."""
        while True:
            while not self._line:
                self._filled.clear()
                await self._filled.wait()
            event_id = self._line.popleft()
            waiting = self._by_id[event_id]
            waiting.is_going = True
            try:
                await self._queue.put(waiting.event)
            except Exception as error:  # whatever a filter of the rulebook raises
                self._settle(event_id, f"a filter of the rulebook failed with {type(error).__name__}")
            else:
                self._taken.keep(event_id)
                self._settle(event_id, None)

    def _settle(self, event_id: str, failure: str | None) -> None:
        self._by_id.pop(event_id).outcome.set_result(failure)

    def close(self) -> None:
        """Take nothing more, and refuse what waits; whatever carried the events must have ended."""
        self._is_closed = True
        self._line.clear()
        for event_id in list(self._by_id):
            self._settle(event_id, "the source ends")


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
