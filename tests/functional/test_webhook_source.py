# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source of ContraForce's webhooks: the real server on a port of its own, with real requests."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import random
import re
import resource
import runpy
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import serialization

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import RefusalLog
from ansible_collections.secops.itsm.plugins.plugin_utils import webhook_connections, webhook_receiver
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import WEBHOOK_SPEC, parse_settings
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

FILE = Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_source/contraforce_webhook.py"
SECRET, FORMER = "curiouser-and-curiouser", "looking-glass-house"
PAYLOAD = {
    "type": "incident.created.v1",
    "timestamp": "2026-11-21T03:02:11Z",
    "isTest": False,
    "occurredAt": "2026-11-21T03:02:10Z",
    "data": {"incidentId": "61024", "title": "Gr\u00fc\u00dfe aus \u4eac\u90fd"},
}


@dataclass
class Delivery:
    """One try to deliver an event, as ContraForce makes it.

    :param event_id: of the event.
    :param payload: a JSON object, or the bytes of the body.
    :param age: how many seconds ago it was signed.
    :param encoding: C(hex) or C(base64).
    :param changes: headers that are others; None leaves one out.
    """

    event_id: str = "e-1"
    payload: Any = field(default_factory=lambda: PAYLOAD)
    secret: str = SECRET
    age: float = 0
    encoding: str = "hex"
    changes: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The body, byte for byte."""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, ensure_ascii=False).encode("utf-8")

    def headers(self) -> dict[str, str]:
        """The headers, signed now."""
        moment = time.time() - self.age
        stamp = str(int(moment))
        if self.encoding != "hex":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}Z"
        digest = hmac.new(self.secret.encode(), stamp.encode() + b"." + self.body, hashlib.sha256).digest()
        signature = "sha256=" + digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        headers: dict[str, str | None] = {
            "X-CF-Schema": "incident.created.v1",
            "X-CF-Event-Id": self.event_id,
            "X-CF-Timestamp": stamp,
            "X-CF-Signature": signature,
            "Content-Type": "application/json",
            **self.changes,
        }
        return {name: value for name, value in headers.items() if value is not None}


class Source:
    """The event source at work.

    :param url: where it listens.
    :param queue: what it puts events into.
    :param task: runs it.
    """

    def __init__(self, url: str, queue: asyncio.Queue[Any], task: asyncio.Task[None]) -> None:
        self.url = url
        self.queue = queue
        self.task = task
        self.session = aiohttp.ClientSession()

    async def request(self, method: str = "POST", path: str = "/cf", **more: Any) -> tuple[int, str]:
        """The status and the word of an answer."""
        more.setdefault("skip_auto_headers", ["User-Agent"])
        async with self.session.request(method, self.url + path, **more) as answer:
            text = await answer.text()
            assert "Server" not in answer.headers
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            assert answer.headers.get("Retry-After") == ("10" if answer.status == 503 else None)
            word = json.loads(text)["status"] if text else ""
            assert text in ("", json.dumps({"status": word}))
            return answer.status, word

    async def send(self, delivery: Delivery | None = None, **more: Any) -> tuple[int, str]:
        """The status and the word of the answer to a delivery."""
        delivery = delivery or Delivery()
        return await self.request(headers=delivery.headers(), data=delivery.body, **more)

    async def raw(self, *pieces: bytes, pause: float = 0.0) -> str:
        """The answer to what is no request, or one that no client would send."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer.decode()

    def events(self) -> list[Any]:
        """What the rulebook has got and not looked at."""
        return [self.queue.get_nowait() for _each in range(self.queue.qsize())]

    async def end(self) -> None:
        """End it as ansible-rulebook does."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def head_of(delivery: Delivery, *more: str) -> bytes:
    """The head of a request, without its end."""
    lines = ["POST /cf HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in delivery.headers().items()]
    return "\r\n".join([*lines, *more, ""]).encode()


#: Starts the source with options, for as long as a with statement runs.
Running = Callable[..., Any]


@pytest.fixture
def running(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Run the source; everything that anything logs is kept."""
    for name in ("CONTRAFORCE_WEBHOOK_SECRET", "CONTRAFORCE_WEBHOOK_FORMER_SECRET", "CONTRAFORCE_WEBHOOK_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.DEBUG)

    @asynccontextmanager
    async def run(room: int = 0, queue: Any = None, **options: Any) -> AsyncIterator[Source]:
        main = runpy.run_path(str(FILE))["main"]
        caplog.clear()
        queue = queue or asyncio.Queue(room)
        args = {"port": 0, "path": "/cf", "secret": SECRET, **options}
        task = asyncio.create_task(main(queue, {name: value for name, value in args.items() if value is not None}))
        while not (found := re.search(r"Listening on (\S+)/cf", caplog.text)):
            assert not task.done(), task
            await asyncio.sleep(0.01)
        source = Source(found[1], queue, task)
        try:
            yield source
        finally:
            await source.session.close()
            await source.end()

    return run


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about refusals."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story of a test; one that hangs fails."""
    asyncio.run(asyncio.wait_for(story(), 60))


async def settled() -> None:
    """Give everything that can go on the time to do so."""
    await asyncio.sleep(0.15)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_an_event_is_handed_over(running: Running, encoding: str) -> None:
    async def story() -> None:
        async with running() as source:
            delivery = Delivery(encoding=encoding, changes={"Authorization": "Basic eDp5", "X-Other": "z"})
            headers = delivery.headers()
            assert await source.request(headers=headers, data=delivery.body) == (200, "accepted")
            shown = {name: headers[name] for name in ("X-CF-Event-Id", "X-CF-Schema", "X-CF-Timestamp")}
            assert source.events() == [{"payload": PAYLOAD, "meta": {"endpoint": "cf", "headers": shown}}]

    play(story)


def test_the_signature_goes_over_the_bytes_that_came(running: Running) -> None:
    spaced = b'{ "type":"x",\r\n\t"data": "caf\xc3\xa9 \\u00e9 \xf0\x9f\x90\x87", "data": [1.0, 1e2] }\n'

    async def story() -> None:
        async with running() as source:
            assert await source.send(Delivery(payload=spaced)) == (200, "accepted")
            assert source.events()[0]["payload"] == {"type": "x", "data": [1.0, 100.0]}
            # Genuine, and still no JSON: bytes that are no UTF-8, and what a server might unpack unasked.
            assert await source.send(Delivery("e-2", b'{"type": "caf\xe9"}')) == (400, "refused")
            packed = Delivery("e-3", gzip.compress(Delivery().body), changes={"Content-Encoding": "gzip"})
            assert await source.send(packed) == (400, "refused")
            assert not source.events()

    play(story)


def test_the_rulebook_gets_nothing_that_it_stumbles_over(running: Running) -> None:
    odd = b'{"type": "x", "data": {"": 1e999, "deep": ' + b"[" * 300 + b"]" * 300 + b"}}"

    async def story() -> None:
        async with running() as source:
            assert await source.send(Delivery(payload=odd)) == (200, "accepted")
            data = source.events()[0]["payload"]["data"]
            assert data["(no name)"] == "inf"
            assert "nested too deep" in json.dumps(data["deep"])

    play(story)


def test_two_secrets_while_one_is_being_changed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with running(former_secret=FORMER) as source:
            assert await source.send(Delivery("e-1")) == (200, "accepted")
            assert await source.send(Delivery("e-2", secret=FORMER)) == (200, "accepted")
            assert await source.send(Delivery("e-3", secret="off-with-his-head")) == (401, "refused")
        async with running(secret=None) as source:
            # Those of the environment.
            assert await source.send(Delivery("e-1", secret="of-the-environment")) == (200, "accepted")
            assert await source.send(Delivery("e-2", secret="of-old")) == (200, "accepted")
            assert await source.send(Delivery("e-3")) == (401, "refused")

    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_SECRET", "of-the-environment")
    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_FORMER_SECRET", "of-old")

    async def first() -> None:
        with monkeypatch.context() as patch:
            patch.delenv("CONTRAFORCE_WEBHOOK_FORMER_SECRET")
            async with running() as source:
                assert await source.send(Delivery("e-1", secret=FORMER)) == (401, "refused")

    play(first)
    play(story)


@pytest.mark.parametrize(
    "delivery, status",
    [
        (Delivery(secret="other"), 401),
        (Delivery(age=302), 401),
        (Delivery(age=-303), 401),
        (Delivery(age=302, encoding="base64"), 401),
        (Delivery(age=290), 200),
        (Delivery(age=-290), 200),
        (Delivery(age=290, encoding="base64"), 200),
        (Delivery(changes={"X-CF-Signature": None}), 400),
        (Delivery(changes={"X-CF-Signature": ""}), 400),
        (Delivery(changes={"X-CF-Signature": "\u00e4"}), 401),
        (Delivery(changes={"X-CF-Timestamp": None}), 400),
        (Delivery(changes={"X-CF-Timestamp": "soon"}), 401),
        (Delivery(changes={"X-CF-Event-Id": None}), 400),
        (Delivery(changes={"X-CF-Event-Id": "x" * 257}), 400),
        (Delivery(changes={"X-CF-Schema": None}), 200),
        (Delivery(changes={"Content-Type": "text/plain; charset=utf-16"}), 200),
        (Delivery(payload=b"type=x"), 400),
        (Delivery(payload=[PAYLOAD]), 400),
        (Delivery(payload={"isTest": False}), 400),
        (Delivery(payload=b""), 400),
    ],
)
def test_what_is_taken_and_what_is_refused(
    running: Running, caplog: pytest.LogCaptureFixture, delivery: Delivery, status: int
) -> None:
    async def story() -> None:
        async with running() as source:
            answer = await source.send(delivery)
            assert answer == (status, "accepted" if status == 200 else "refused")
            assert len(source.events()) == (status == 200)
            lines = warnings_in(caplog)
            assert len(lines) == (status != 200)
            # Known to be genuine once its signature is right.
            is_genuine = status == 400 and not delivery.changes
            beginning = "Delivery e-1 from 127.0.0.1" if is_genuine else "A delivery from 127.0.0.1"
            assert all(line.startswith(f"{beginning} was refused with {status}: it") for line in lines)

    play(story)


@pytest.mark.parametrize("payload, status", [(PAYLOAD, 200), ({**PAYLOAD, "isTest": True}, 200), (b"", 400)])
def test_a_secret_in_an_identifier_is_not_in_the_log(
    running: Running, caplog: pytest.LogCaptureFixture, payload: Any, status: int
) -> None:
    async def story() -> None:
        async with running() as source:
            spelled = SECRET.replace("-", "\\u002D")
            assert (await source.send(Delivery("x" * 60 + spelled, payload)))[0] == status
            assert "x" * 60 + "********" in caplog.text
            assert "curiouser" not in caplog.text

    play(story)


@pytest.mark.parametrize("encoding, other", [("hex", "base64"), ("base64", "hex")])
def test_the_two_spellings_do_not_mix(running: Running, encoding: str, other: str) -> None:
    async def story() -> None:
        async with running() as source:
            headers = Delivery(encoding=encoding).headers()
            stamp = headers["X-CF-Timestamp"].encode()
            digest = hmac.new(SECRET.encode(), stamp + b"." + Delivery().body, hashlib.sha256).digest()
            written = "sha256=" + digest.hex() if other == "hex" else base64.b64encode(digest).decode()
            headers["X-CF-Signature"] = written
            assert await source.request(headers=headers, data=Delivery().body) == (401, "refused")

    play(story)


@pytest.mark.parametrize("path", ["/", "/cf/", "/CF", "//cf", "/cf/x", "/x/../x", "/%2Fcf", "/cf%00"])
def test_another_path_is_not_found(running: Running, path: str) -> None:
    async def story() -> None:
        async with running() as source:
            delivery = Delivery()
            answer = await source.request(path=path, headers=delivery.headers(), data=delivery.body)
            assert answer == (404, "refused")
            assert await source.request("GET", path) == (404, "refused")
            assert not source.events()

    play(story)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"])
def test_another_method_is_not_allowed(running: Running, method: str) -> None:
    async def story() -> None:
        async with running() as source:
            delivery = Delivery()
            answer = await source.request(method, headers=delivery.headers(), data=delivery.body)
            assert answer == (405, "" if method == "HEAD" else "refused")
            assert not source.events()

    play(story)


def test_a_path_with_a_query_is_the_same_path(running: Running) -> None:
    async def story() -> None:
        async with running() as source:
            delivery = Delivery()
            answer = await source.request(path="/cf?a=b", headers=delivery.headers(), data=delivery.body)
            assert answer == (200, "accepted")

    play(story)


def sized(size: int) -> bytes:
    """A body with so many bytes."""
    return b'{"type": "x", "data": "' + b"x" * (size - 25) + b'"}'


@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_largest_body(running: Running, is_chunked: bool) -> None:
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 700):
            yield body[start : start + 700]

    async def story() -> None:
        async with running(max_body=5000) as source:
            for event_id, size, expected in (("e-1", 5000, (200, "accepted")), ("e-2", 5001, (413, "refused"))):
                delivery = Delivery(event_id, sized(size))
                data = pieces(delivery.body) if is_chunked else delivery.body
                assert await source.request(headers=delivery.headers(), data=data) == expected
            assert [len(event["payload"]["data"]) for event in source.events()] == [4975]

    play(story)


def test_bodies_that_nobody_verified_have_a_limit_together(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who knows no secret fills no memory with many bodies that are sent slowly."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 6000
        await asyncio.sleep(60)

    async def story() -> None:
        async with running(max_body=8000) as source:
            monkeypatch.setattr(webhook_receiver, "MAX_UNVERIFIED_BYTES", 10_000)
            monkeypatch.setattr(webhook_receiver, "SMALL_BODY", 5000)
            genuine = Delivery("e-1", sized(6000))
            first = asyncio.create_task(source.request(headers=genuine.headers(), data=slow()))
            await settled()
            assert await source.send(genuine) == (503, "busy")
            assert await source.send(Delivery("e-2", sized(4900))) == (200, "accepted")
            first.cancel()
            await settled()
            assert await source.send(genuine) == (200, "accepted")

    play(story)


def test_a_body_that_is_announced_too_large_is_not_waited_for(running: Running) -> None:
    async def story() -> None:
        async with running(max_body=5000) as source:
            started = time.monotonic()
            head = head_of(Delivery(), "Content-Length: 5001", "").replace(b"Connection: close\r\n", b"")
            answer = await source.raw(head)
            assert answer.startswith("HTTP/1.1 413 ")
            assert "Connection: close" in answer
            assert time.monotonic() - started < 5

    play(story)


def test_a_body_without_end_is_cut(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"

    async def story() -> None:
        async with running(max_body=5000) as source:
            answer = await source.raw(head_of(Delivery(), "Transfer-Encoding: chunked", ""), *[chunk] * 6)
            assert answer.startswith("HTTP/1.1 413 ")

    play(story)


def test_a_slow_body_is_not_waited_for(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert webhook_receiver.BODY_TIMEOUT == 10
    monkeypatch.setattr(webhook_receiver, "BODY_TIMEOUT", 0.5)
    delivery = Delivery()
    head = head_of(delivery, f"Content-Length: {len(delivery.body)}", "")

    async def story() -> None:
        async with running() as source:
            # A byte now and then does not keep it going.
            drops = [delivery.body[place : place + 1] for place in range(8)]
            assert (await source.raw(head, *drops, pause=0.1)).startswith("HTTP/1.1 408 ")
            assert not source.events()
            assert await source.send(delivery) == (200, "accepted")

    play(story)
    assert "refused with 408: its body took more than" in warnings_in(caplog)[0]


def test_a_body_that_breaks_off(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    delivery = Delivery()

    async def story() -> None:
        async with running() as source:
            parts = urlsplit(source.url)
            _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(head_of(delivery, "Content-Length: 500", "") + delivery.body[:20])
            await settled()
            writer.close()
            await settled()
            await asyncio.sleep(1)
            answer = await source.raw(head_of(delivery, "Transfer-Encoding: chunked", "") + b"no size\r\n\r\n")
            assert answer.split()[1] == "400"
            assert await source.send(delivery) == (200, "accepted")
            assert len(source.events()) == 1

    play(story)
    lines = warnings_in(caplog)
    assert "refused with 400: its body broke off" in lines[0]
    assert len(lines) == 2


@pytest.mark.parametrize("name", ["X-CF-Event-Id", "X-CF-Timestamp", "X-CF-Signature", "X-CF-Schema"])
def test_a_header_that_is_there_twice(running: Running, name: str) -> None:
    delivery = Delivery()

    async def story() -> None:
        async with running() as source:
            value = delivery.headers()[name]
            head = head_of(delivery, f"{name.lower()}: {value}", f"Content-Length: {len(delivery.body)}", "")
            assert (await source.raw(head, delivery.body)).startswith("HTTP/1.1 400 ")
            assert not source.events()

    play(story)


@pytest.mark.parametrize(
    "garbage",
    [
        b"confidential\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00confidential",
        b"POST /cf HTTP/1.1\r\nHost: x\r\nX-CF-Signature: a\x00confidential\r\n\r\n",
        b"POST /cf HTTP/1.1\r\nHost: x\r\nX-CF-Signature: " + b"confidential" * 2000 + b"\r\n\r\n",
        b"POST /cf HTTP/1.1\r\nHost: x\r\nContent-Length: confidential\r\n\r\n",
    ],
)
def test_what_is_no_http_is_not_shown(running: Running, caplog: pytest.LogCaptureFixture, garbage: bytes) -> None:
    async def story() -> None:
        async with running() as source:
            assert (await source.raw(garbage)).startswith("HTTP/1.")
            for _again in range(20):
                await source.raw(garbage)
            assert await source.send() == (200, "accepted")

    play(story)
    assert "confidential" not in caplog.text
    assert "Traceback" not in caplog.text
    assert len(warnings_in(caplog)) <= 3


def test_an_event_comes_once(running: Running) -> None:
    async def story() -> None:
        async with running() as source:
            first = Delivery("e-1")
            headers = first.headers()
            assert await source.request(headers=headers, data=first.body) == (200, "accepted")
            assert await source.request(headers=headers, data=first.body) == (200, "duplicate")
            # Signed anew, as a second try may be, and another event in the same moment.
            again = Delivery("e-1", age=3).headers()
            assert await source.request(headers=again, data=first.body) == (200, "duplicate")
            assert await source.send(Delivery("e-2", {**PAYLOAD, "data": 2})) == (200, "accepted")
            # Neither signature can be used under another identifier, as that is not signed.
            for used in (headers, again):
                replay = {**used, "X-CF-Event-Id": "e-9"}
                assert await source.request(headers=replay, data=first.body) == (200, "duplicate")
            # An identifier that was made up so is not known for that.
            assert await source.send(Delivery("e-9", {**PAYLOAD, "data": 9})) == (200, "accepted")
            assert [event["meta"]["headers"]["X-CF-Event-Id"] for event in source.events()] == ["e-1", "e-2", "e-9"]

    play(story)


def test_the_answer_waits_for_the_rulebook(running: Running) -> None:
    async def story() -> None:
        async with running(room=1) as source:
            assert await source.send(Delivery("e-1")) == (200, "accepted")
            second = asyncio.create_task(source.send(Delivery("e-2", {**PAYLOAD, "data": 2})))
            third = asyncio.create_task(source.send(Delivery("e-3", {**PAYLOAD, "data": 3})))
            await settled()
            assert not second.done()
            assert not third.done()
            assert len(source.events()) == 1
            assert await second == (200, "accepted")
            await settled()
            assert not third.done()
            await source.queue.get()
            assert await third == (200, "accepted")

    play(story)


def test_duplicates_wait_for_the_same_outcome(running: Running) -> None:
    async def story() -> None:
        async with running(room=1) as source:
            await source.queue.put("busy")
            tries = [asyncio.create_task(source.send(Delivery("e-1", age=age))) for age in range(5)]
            replay = Delivery("e-1", age=4).headers() | {"X-CF-Event-Id": "e-9"}
            tries.append(asyncio.create_task(source.request(headers=replay, data=Delivery().body)))
            await settled()
            assert not any(each.done() for each in tries)
            await source.queue.get()
            outcomes = Counter([await each for each in tries])
            assert outcomes == {(200, "accepted"): 1, (200, "duplicate"): 5}
            await settled()
            assert len(source.events()) == 1

    play(story)


def test_what_was_not_taken_in_time_can_be_tried_again(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running(room=1, answer_within=0.4) as source:
            await source.queue.put("busy")
            # The first one is at the rulebook's door, the second one stands behind it.
            first, second = Delivery("e-1"), Delivery("e-2", {**PAYLOAD, "data": 2})
            signed = first.headers(), second.headers()
            begun = asyncio.create_task(source.request(headers=signed[0], data=first.body))
            await settled()
            assert await source.request(headers=signed[1], data=second.body) == (503, "busy")
            assert await begun == (503, "busy")
            # Neither is counted as delivered, nor does the signature stand in the way of a second try.
            assert await source.request(headers=signed[1], data=second.body) == (503, "busy")
            assert await source.request(headers=signed[0], data=first.body) == (503, "busy")
            assert await source.queue.get() == "busy"
            await settled()
            # What was at the door went in, once; its next try learns so. The other one was dropped, and is new.
            assert await source.request(headers=signed[0], data=first.body) == (200, "duplicate")
            assert [event["payload"] for event in source.events()] == [PAYLOAD]
            await settled()
            assert not source.events()
            assert await source.request(headers=signed[1], data=second.body) == (200, "accepted")
            # The signature of a try that failed cannot be used under another identifier either.
            replay = {**signed[1], "X-CF-Event-Id": "e-9"}
            assert await source.request(headers=replay, data=second.body) == (200, "duplicate")
            assert [event["payload"]["data"] for event in source.events()] == [2]

    play(story)
    expected = "Delivery e-1 from 127.0.0.1 was refused with 503: the rulebook has not taken it in time."
    assert warnings_in(caplog)[0] == expected


def test_a_second_try_keeps_the_place_of_the_first(running: Running) -> None:
    async def story() -> None:
        async with running(room=1, answer_within=2) as source:
            await source.queue.put("busy")
            at_the_door = asyncio.create_task(source.send(Delivery("e-1")))
            await settled()
            delivery = Delivery("e-2", {**PAYLOAD, "data": 2})
            first = asyncio.create_task(source.send(delivery))
            await asyncio.sleep(1)
            second = asyncio.create_task(source.send(delivery))
            assert await first == (503, "busy")
            assert await at_the_door == (503, "busy")
            assert not second.done()
            assert await source.queue.get() == "busy"
            assert (await source.queue.get())["payload"] == PAYLOAD
            assert await second == (200, "duplicate")
            assert [event["payload"]["data"] for event in source.events()] == [2]

    play(story)


def test_only_so_many_deliveries_wait(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running(room=1, queue_size=3, answer_within=30) as source:
            await source.queue.put("busy")
            waiting = [
                asyncio.create_task(source.send(Delivery(f"e-{number}", {**PAYLOAD, "data": number})))
                for number in range(3)
            ]
            await settled()
            started = time.monotonic()
            assert await source.send(Delivery("e-3", {**PAYLOAD, "data": 3})) == (503, "busy")
            assert time.monotonic() - started < 5
            # Refusals for other reasons, and what came before, take no place.
            assert await source.send(Delivery("e-4", secret="x")) == (401, "refused")
            taken = []
            for _each in range(4):
                taken.append(await asyncio.wait_for(source.queue.get(), 5))
                await settled()
            assert [await each for each in waiting] == [(200, "accepted")] * 3
            assert [event["payload"]["data"] for event in taken[1:]] == [0, 1, 2]
            assert await source.send(Delivery("e-3", {**PAYLOAD, "data": 3})) == (200, "accepted")

    play(story)
    assert "Delivery e-3 from 127.0.0.1 was refused with 503: 3 deliveries wait for the rulebook" in caplog.text


def test_a_sender_that_is_gone_has_delivered(running: Running) -> None:
    async def story() -> None:
        async with running(room=1) as source:
            await source.queue.put("busy")
            delivery = Delivery()
            parts = urlsplit(source.url)
            _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(head_of(delivery, f"Content-Length: {len(delivery.body)}", "") + delivery.body)
            await settled()
            writer.close()
            await settled()
            await source.queue.get()
            assert (await source.queue.get())["payload"] == PAYLOAD
            assert await source.send() == (200, "duplicate")

    play(story)


def test_nothing_is_lost_or_doubled_while_the_rulebook_is_slow(running: Running) -> None:
    chance = random.Random(31)
    numbers = range(60)

    async def deliver(source: Source, number: int) -> int:
        """Try until it is delivered, as ContraForce does, and sometimes twice at a time; give the tries."""
        delivery = Delivery(f"e-{number}", {**PAYLOAD, "data": number})
        for tries in range(1, 2000):
            answers = await asyncio.gather(*[source.send(delivery) for _each in range(chance.choice((1, 1, 2)))])
            assert {status for status, _word in answers} <= {200, 503}
            if any(status == 200 for status, _word in answers):
                return tries
            await asyncio.sleep(chance.uniform(0, 0.05))
        raise AssertionError("never delivered")

    async def story() -> None:
        async with running(room=1, queue_size=8, answer_within=0.03) as source:
            got: list[int] = []

            async def work() -> None:
                while True:
                    got.append((await source.queue.get())["payload"]["data"])
                    await asyncio.sleep(chance.choice((0, 0.001, 0.02, 0.06)))

            worker = asyncio.create_task(work())
            tries = await asyncio.gather(*[deliver(source, number) for number in numbers])
            await asyncio.sleep(0.3)
            worker.cancel()
            assert sorted(got) == list(numbers)
            # Otherwise the test has shown nothing.
            assert max(tries) > 1

    play(story)


def test_what_waits_when_the_source_ends_is_refused(running: Running) -> None:
    async def story() -> None:
        async with running(room=1, answer_within=30) as source:
            await source.queue.put("busy")
            waiting = [
                asyncio.create_task(source.send(Delivery(f"e-{number}", {**PAYLOAD, "data": number})))
                for number in range(3)
            ]
            await settled()
            started = time.monotonic()
            await source.end()
            assert time.monotonic() - started < 5
            assert [await each for each in waiting] == [(503, "busy")] * 3
            # Nothing comes after the end.
            assert source.events() == ["busy"]
            await settled()
            assert source.events() == []
            with pytest.raises(aiohttp.ClientConnectionError):
                await source.send()

    play(story)


def test_an_end_at_any_moment_loses_no_event_that_was_answered(running: Running) -> None:
    async def story() -> None:
        for moment in range(12):
            async with running(room=1, answer_within=30) as source:
                await source.queue.put("busy")
                waiting = [
                    asyncio.create_task(source.send(Delivery(f"e-{number}", {**PAYLOAD, "data": number})))
                    for number in range(2)
                ]
                await settled()
                assert source.queue.get_nowait() == "busy"
                # So many turns of the loop after the rulebook made room.
                for _turn in range(moment):
                    await asyncio.sleep(0)
                await source.end()
                answers = [await each for each in waiting]
                events = source.events()
                assert [status for status, _word in answers].count(200) == len(events)

    play(story)


class FailingQueue(asyncio.Queue[Any]):
    """A queue whose filter fails over some events."""

    async def put(self, item: Any) -> None:
        """Put an item, or not."""
        if item["payload"]["data"] == "bad":
            raise KeyError("confidential")
        await super().put(item)


def test_a_filter_that_fails_does_not_end_the_source(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running(queue=FailingQueue()) as source:
            bad = Delivery("e-1", {**PAYLOAD, "data": "bad"})
            assert await source.send(bad) == (503, "busy")
            assert await source.send(bad) == (503, "busy")
            assert await source.send(Delivery("e-2")) == (200, "accepted")
            assert len(source.events()) == 1

    play(story)
    assert "refused with 503: a filter of the rulebook failed with KeyError." in caplog.text
    assert "confidential" not in caplog.text


def test_a_mistake_of_ours_tells_nothing(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: Any) -> None:
        raise RuntimeError("confidential")

    monkeypatch.setattr(webhook_receiver, "parse_payload", fails)

    async def story() -> None:
        async with running() as source:
            assert await source.send() == (503, "busy")

    play(story)
    assert "failed with RuntimeError" in caplog.text
    assert "confidential" not in caplog.text


BY_HEADER = Delivery("e-1", changes={"X-CF-Test": "true"})
BY_BODY = Delivery("e-2", {**PAYLOAD, "isTest": True})


def test_a_test_delivery_is_answered_only(running: Running) -> None:
    async def story() -> None:
        async with running(room=1) as source:
            await source.queue.put("busy")
            for delivery in (BY_HEADER, BY_BODY, BY_BODY):
                assert await source.send(delivery) == (200, "test")
            forged = Delivery("e-3", secret="x", changes={"X-CF-Test": "true"})
            assert await source.send(forged) == (401, "refused")
            assert source.events() == ["busy"]
            # The header is not signed: an event that it was put on is not known for that, once it is signed anew.
            assert await source.send(Delivery("e-1", age=2)) == (200, "accepted")

    play(story)


def test_a_test_delivery_is_no_event_without_its_header(running: Running) -> None:
    """Nobody signed the header: whoever saw the delivery could send it again without."""

    async def story() -> None:
        async with running() as source:
            test = Delivery("e-1", changes={"X-CF-Test": "true"})
            headers = test.headers()
            assert await source.request(headers=headers, data=test.body) == (200, "test")
            del headers["X-CF-Test"]
            assert await source.request(headers=headers, data=test.body) == (200, "duplicate")
            assert not source.events()
            assert await source.send(Delivery("e-1", age=5)) == (200, "accepted")

    play(story)


def test_a_test_delivery_that_is_wanted(running: Running) -> None:
    async def story() -> None:
        async with running(forward_tests=True) as source:
            for delivery in (BY_HEADER, BY_BODY):
                assert await source.send(delivery) == (200, "accepted")
                assert await source.send(delivery) == (200, "duplicate")
            events = source.events()
            assert [event["payload"] for event in events] == [{**PAYLOAD, "isTest": True}] * 2

    play(story)


@dataclass
class Certificates:
    """Files for TLS."""

    folder: Path
    ca: trustme.CA
    other_ca: trustme.CA
    options: dict[str, str]

    def client(self, issuer: trustme.CA | None = None) -> ssl.SSLContext:
        """How a client connects, with a certificate of its own or without one."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if issuer:
            issuer.issue_cert("client@example.com").configure_cert(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, and a certificate for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    ca, other_ca = trustme.CA(), trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "plain.key")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    how = serialization.BestAvailableEncryption(b"drink-me")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    (folder / "locked.key").write_bytes(locked)
    return Certificates(folder, ca, other_ca, {"certfile": str(folder / "both.pem")})


def test_tls(running: Running, certificates: Certificates) -> None:
    async def story() -> None:
        async with running(**certificates.options) as source:
            assert source.url.startswith("https://127.0.0.1:")
            assert await source.send(ssl=certificates.client()) == (200, "accepted")
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await source.send(ssl=ssl.create_default_context())
            old = certificates.client()
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.options &= ~ssl.OP_NO_TLSv1_1
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(aiohttp.ClientConnectorError):
                await source.send(ssl=old)
            source.url = source.url.replace("https", "http")
            with pytest.raises(aiohttp.ClientConnectionError):
                await source.send()

    with pytest.warns(DeprecationWarning, match="TLSv1_1|OP_NO_TLS|TLSVersion"):
        play(story)


def talks_to(url: str, context: ssl.SSLContext) -> bool:
    """Whether a server answers a client; asyncio's own does not tidy up what was refused, before Python 3.11."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=parts.hostname) as encrypted:
                encrypted.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return encrypted.recv(12).startswith(b"HTTP/1.1")
        except OSError:
            return False


def test_client_certificates(running: Running, certificates: Certificates) -> None:
    async def story() -> None:
        async with running(**certificates.options, cafile=str(certificates.folder / "ca.pem")) as source:
            assert await source.send(ssl=certificates.client(certificates.ca)) == (200, "accepted")
            for issuer in (None, certificates.other_ca):
                assert not await asyncio.to_thread(talks_to, source.url, certificates.client(issuer))
            assert await asyncio.to_thread(talks_to, source.url, certificates.client(certificates.ca))
            assert len(source.events()) == 1

    play(story)


def test_a_key_with_a_password(running: Running, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = certificates.folder
    options = {"certfile": str(folder / "cert.pem"), "keyfile": str(folder / "locked.key")}

    async def story(**more: str) -> None:
        async with running(**options, **more) as source:
            assert await source.send(ssl=certificates.client()) == (200, "accepted")

    play(lambda: story(password="drink-me"))
    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_PASSWORD", "drink-me")
    play(story)


@asynccontextmanager
async def idle(url: str, count: int, sent: bytes = b"", **more: Any) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold connections open that send no request."""
    parts = urlsplit(url)
    opened = [await asyncio.open_connection(parts.hostname, parts.port, **more) for _each in range(count)]
    for _reader, writer in opened:
        writer.write(sent)
    await settled()
    try:
        yield [reader for reader, _writer in opened]
    finally:
        for _reader, writer in opened:
            writer.close()


async def open_ones(readers: list[asyncio.StreamReader]) -> list[int]:
    """The numbers of the connections that are open."""

    async def is_open(reader: asyncio.StreamReader) -> bool:
        with suppress(asyncio.TimeoutError, ConnectionError):
            return bool(await asyncio.wait_for(reader.read(1), 0.1))
        return reader.exception() is None and not reader.at_eof()

    found = await asyncio.gather(*map(is_open, readers))
    return [number for number, each in enumerate(found) if each]


@pytest.mark.parametrize(
    "is_encrypted, sent", [(False, b""), (False, b"POST /cf HTTP/1.1\r\nHost: x\r\nX-CF-"), (True, b"")]
)
def test_idle_connections_keep_no_delivery_out(
    running: Running,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    certificates: Certificates,
    is_encrypted: bool,
    sent: bytes,
) -> None:
    """With TLS they do not even begin the handshake."""
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 20)
    tls = certificates.client() if is_encrypted else None

    async def story() -> None:
        options = certificates.options if is_encrypted else {}
        async with running(**options) as source, idle(source.url, 60, sent) as readers:
            assert await open_ones(readers) == list(range(40, 60))
            for number in range(3):
                delivery = Delivery(f"e-{number}", {**PAYLOAD, "data": number})
                assert await source.send(delivery, ssl=tls) == (200, "accepted")
            assert len(source.events()) == 3

    play(story)
    assert warnings_in(caplog) == ["More than 20 connections were open, and one without a delivery was closed."]


def test_connections_of_one_address_do_not_displace_those_of_another(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 10)

    async def story() -> None:
        async with (
            running() as source,
            idle(source.url, 3, local_addr=("127.0.0.2", 0)) as others,
            idle(source.url, 30) as readers,
        ):
            assert await open_ones(others) == [0, 1, 2]
            assert await open_ones(readers) == list(range(23, 30))
            assert await source.send() == (200, "accepted")

    play(story)


def test_a_delivery_that_waits_for_its_answer_is_never_cut(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 2)

    async def story() -> None:
        async with running(room=1, answer_within=30) as source:
            await source.queue.put("busy")
            waiting = [
                asyncio.create_task(source.send(Delivery(f"e-{number}", {**PAYLOAD, "data": number})))
                for number in range(2)
            ]
            await settled()
            async with idle(source.url, 10) as readers:
                assert await open_ones(readers) == []
                for _each in range(3):
                    await source.queue.get()
                assert [await each for each in waiting] == [(200, "accepted")] * 2
            assert await source.send(Delivery("e-2", {**PAYLOAD, "data": 2})) == (200, "accepted")

    play(story)


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_connection_that_asks_for_nothing_is_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, is_encrypted: bool
) -> None:
    assert webhook_connections.HEADER_TIMEOUT == 10
    monkeypatch.setattr(webhook_connections, "HEADER_TIMEOUT", 0.5)

    async def story() -> None:
        async with running(**(certificates.options if is_encrypted else {})) as source:
            tls = certificates.client() if is_encrypted else None
            async with idle(source.url, 2) as silent, idle(source.url, 2, ssl=tls) as late:
                assert await open_ones(silent + late) == [0, 1, 2, 3]
                # One that has sent a request stays open for the next one.
                assert await source.send(ssl=tls) == (200, "accepted")
                await asyncio.sleep(1.5)
                assert await open_ones(silent + late) == []
                (connections,) = source.session.connector._conns.values()  # type: ignore[union-attr]
                assert [each[0].is_connected() for each in connections] == [True]
                assert await source.send(ssl=tls) == (200, "duplicate")

    play(story)


@pytest.mark.parametrize("files, limit", [(64, 16), (1024, 256), (10**6, 500), (3, 1), (resource.RLIM_INFINITY, 500)])
def test_the_limit_of_connections(monkeypatch: pytest.MonkeyPatch, files: int, limit: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (files, resource.RLIM_INFINITY))
    assert webhook_connections.connection_limit() == limit


#: Runs the source in a process that may open few files more than it has; the number is how many.
SCARCE = f"""
    import asyncio, logging, os, resource, runpy, sys

    async def main():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        source = asyncio.ensure_future(runpy.run_path({str(FILE)!r})["main"](asyncio.Queue(), {{"port": 0}}))
        await asyncio.sleep(0.5)
        files = []
        try:
            while True:
                files.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            for each in files[-int(sys.argv[1]):]:
                os.close(each)
        await source

    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
"""


@pytest.mark.parametrize("files", [40, 8])
def test_a_process_with_few_files_left_takes_deliveries_and_logs_little(tmp_path: Path, files: int) -> None:
    """Many connections are held open; with 8 files, accepting fails before the limit is reached."""
    log = tmp_path / "log"
    environment = {"PYTHONPATH": str(COLLECTIONS), "CONTRAFORCE_WEBHOOK_SECRET": SECRET}

    async def story(url: str) -> None:
        async with idle(url, 150):
            session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20))
            async with session:
                for number in range(3):
                    delivery = Delivery(f"e-{number}", {**PAYLOAD, "data": number})
                    async with session.post(url, headers=delivery.headers(), data=delivery.body) as answer:
                        assert answer.status == 200

    with log.open("w") as output:
        command = [sys.executable, "-c", textwrap.dedent(SCARCE), str(files)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        while not (found := re.search(r"Listening on (\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        time.sleep(1)
        play(lambda: story(found[1]))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    lines = log.read_text().splitlines()
    assert len([line for line in lines if "WARNING" in line or "ERROR" in line]) == 1, lines
    assert len(lines) < 10
    assert ("connections were open" if files == 40 else "could not be accepted: Too many open files") in log.read_text()


def refusal(**options: Any) -> str:
    """What is said of wrong options."""
    args = {"port": 0, "secret": SECRET, **options}
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse_settings({name: value for name, value in args.items() if value is not None})
    return str(caught.value)


@pytest.fixture
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "FORMER_SECRET", "PASSWORD"):
        monkeypatch.delenv(f"CONTRAFORCE_WEBHOOK_{name}", raising=False)


@pytest.mark.usefixtures("_no_environment")
@pytest.mark.parametrize(
    "options, expected",
    [
        ({"port": None}, "port is missing: set the option."),
        (
            {"secret": None},
            "secret is missing: set the option, or set the environment variable CONTRAFORCE_WEBHOOK_SECRET.",
        ),
        ({"secret": ""}, "secret is missing"),
        ({"secret": "x\n"}, "secret holds a line break or another control character; remove it."),
        ({"secret": "\udce4"}, "secret holds a line break or another control character; remove it."),
        ({"former_secret": "a\tb"}, "former_secret holds a line break"),
        ({"secret": 12345678}, "secret was not read as a text"),
        ({"hmac_secret": "x"}, "There is no option hmac_secret; the options are allow_http, answer_within, cafile,"),
        ({"port": 65536}, "port must be a number from 1 to 65535, or 0 for any that is free."),
        ({"port": -1}, "port must be a number from 1"),
        ({"port": "http"}, "port"),
        ({"path": "cf"}, "path must begin with a slash and hold no query, such as /contraforce."),
        ({"path": "/cf?a"}, "path must begin"),
        ({"path": "/cf\x00"}, "path must begin"),
        ({"max_body": 0}, "max_body must be 1 or more."),
        ({"queue_size": 0}, "queue_size must be 1 or more."),
        ({"answer_within": 0}, "answer_within must be a number of seconds above 0"),
        ({"answer_within": "nan"}, "answer_within must be a number"),
        ({"answer_within": "inf"}, "answer_within must be a number"),
        (
            {"host": "0.0.0.0"},
            "host 0.0.0.0 can be reached from elsewhere, and without certfile everything would",
        ),
        ({"host": "::"}, "host :: can be reached from elsewhere"),
        ({"host": "soc.example.com"}, "host soc.example.com can be reached from elsewhere"),
        ({"keyfile": "/etc/passwd"}, "certfile is missing: keyfile goes with that certificate."),
        ({"cafile": "/etc/passwd"}, "certfile is missing: cafile goes with that certificate."),
        ({"password": "drink-me"}, "certfile is missing: password goes with that certificate."),
        ({"certfile": "/nowhere.pem"}, "certfile names a file that cannot be read: /nowhere.pem"),
    ],
)
def test_wrong_options_get_one_sentence(options: Mapping[str, Any], expected: str) -> None:
    sentence = refusal(**options)
    assert sentence.startswith(expected) or (expected == "port" and "port" in sentence)
    assert not any(secret in sentence for secret in (SECRET, "drink-me", "12345678"))


@pytest.mark.usefixtures("_no_environment")
@pytest.mark.parametrize(
    "options, expected",
    [
        ({"keyfile": "locked.key"}, "certfile and keyfile are not a certificate (PEM) and its key, or password is not"),
        ({"keyfile": "locked.key", "password": "eat-me"}, "certfile and keyfile are not a certificate"),
        ({"keyfile": "ca.pem"}, "certfile and keyfile are not a certificate"),
        ({}, "certfile and keyfile are not a certificate"),
        ({"keyfile": "plain.key", "cafile": "plain.key"}, "cafile holds no CA certificates (PEM)."),
    ],
)
def test_wrong_certificates_get_one_sentence(
    certificates: Certificates, options: Mapping[str, str], expected: str
) -> None:
    folder = certificates.folder
    paths = {name: str(folder / value) if name != "password" else value for name, value in options.items()}
    sentence = refusal(certfile=str(folder / "cert.pem"), **paths)
    assert sentence.startswith(expected)
    assert "eat-me" not in sentence


@pytest.mark.usefixtures("_no_environment")
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", "", None])
def test_this_machine_alone_needs_no_tls(host: str | None) -> None:
    settings = parse_settings({"port": "8080", "secret": SECRET, "host": host, "eda_feedback_queue": object()})
    assert (settings.host, settings.port, settings.tls) == (host or "127.0.0.1", 8080, None)
    assert SECRET not in repr(settings)


@pytest.mark.usefixtures("_no_environment")
def test_http_on_another_address_is_allowed_on_request(certificates: Certificates) -> None:
    assert parse_settings({"port": 1, "secret": SECRET, "host": "0.0.0.0", "allow_http": True}).tls is None
    settings = parse_settings({"port": 1, "secret": SECRET, "host": "0.0.0.0", **certificates.options})
    assert settings.tls is not None
    assert settings.tls.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_port_that_is_taken_gets_one_sentence(running: Running) -> None:
    async def story() -> None:
        async with running() as source:
            port = urlsplit(source.url).port
            with pytest.raises(ValueError, match=f"Nothing can listen on port {port} of 127.0.0.1: ") as caught:
                await webhook_receiver.receive(source.queue, {"port": port, "secret": SECRET})
            assert "\n" not in str(caught.value)

    play(story)


def test_the_documentation_says_what_the_options_are() -> None:
    constants = runpy.run_path(str(FILE))
    documented = yaml.safe_load(constants["DOCUMENTATION"])["options"]
    assert list(documented) == list(WEBHOOK_SPEC)
    for name, option in WEBHOOK_SPEC.items():
        text = " ".join(documented[name].pop("description"))
        said = {key: documented[name].get(key) for key in ("type", "default", "required")}
        assert said == {key: option.get(key) for key in ("type", "default", "required")}
        variables = option.get("fallback", (None, []))[1]
        assert re.findall(r"E\((\w+)\)", text) == variables
    sources = yaml.safe_load(constants["EXAMPLES"])[0]["sources"]
    args = sources[0]["secops.itsm.contraforce_webhook"]
    assert set(args) <= set(documented)


def test_no_log_shows_a_secret_or_a_body(
    running: Running, caplog: pytest.LogCaptureFixture, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    signatures: list[str] = []
    secret_body = {"type": "x", "data": "of-the-body"}

    async def story() -> None:
        options: dict[str, Any] = {
            "former_secret": FORMER,
            "certfile": str(certificates.folder / "cert.pem"),
            "keyfile": str(certificates.folder / "locked.key"),
            "password": "drink-me",
        }
        async with running(room=1, queue_size=1, answer_within=0.2, **options) as source:
            asyncio.get_running_loop().set_debug(True)
            tls = certificates.client()
            changes: list[dict[str, Any]] = [{}, {"secret": FORMER}, {"secret": "x"}, {"age": 400}, {"age": -1}]
            for number, change in enumerate(changes):
                delivery = Delivery(f"e-{number}", secret_body, **change)
                for method, path in (("POST", "/cf"), ("POST", "/cf"), ("PUT", "/cf"), ("POST", "/other")):
                    headers = delivery.headers()
                    signatures.append(headers["X-CF-Signature"])
                    await source.request(method, path, headers=headers, data=delivery.body, ssl=tls)

    # Tell of everything.
    note = RefusalLog.note

    def always(self: Any, *args: Any) -> None:
        self._last = None
        note(self, *args)

    monkeypatch.setattr(RefusalLog, "note", always)
    play(story)
    statuses = set(re.findall(r"refused with (\d+)", "\n".join(warnings_in(caplog))))
    assert statuses == {"401", "404", "405", "503"}
    for text in (SECRET, FORMER, "drink-me", "of-the-body", *signatures):
        assert text not in caplog.text
        assert text.removeprefix("sha256=") not in caplog.text


def test_a_flood_of_refusals_does_not_flood_the_log(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running() as source:
            delivery = Delivery("e-1\x1b", secret="x", changes={"X-CF-Event-Id": "forged"})
            started = time.monotonic()
            for _again in range(200):
                await source.send(delivery)
            told = [record for record in caplog.records if record.levelno > logging.DEBUG]
            # One of them says where it listens.
            assert len(told) <= 3 + time.monotonic() - started

    play(story)
    lines = warnings_in(caplog)
    counted = sum(int(found) for line in lines for found in re.findall(r"(\d+) more since", line))
    one_each = sum("was refused with 401" in line for line in lines)
    assert counted + one_each == 200
    assert "forged" not in caplog.text
