# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The webhook event source as a server with real requests.

Unit tests cover signatures and payloads (test_webhooks.py), options (test_webhook_settings.py) and the timing of events
(test_webhook_dispatcher.py).
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import re
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import RefusalLog
from ansible_collections.secops.itsm.plugins.plugin_utils import (
    webhook_connections,
    webhook_deliveries,
    webhook_receiver,
)
from ansible_collections.secops.itsm.tests.functional.webhook_sources import SOURCES, RunningSource, run_source
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

FILE = SOURCES / "contraforce_webhook.py"
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
    """An attempt to deliver an event.

    :param event_id: the ID of the event.
    :param payload: a JSON object, or the bytes of the body.
    :param secret: the signing key.
    :param age: seconds since it was signed.
    :param encoding: ``hex`` or ``base64``.
    :param changes: other values of headers; None removes one.
    """

    event_id: str = "e-1"
    payload: Any = field(default_factory=lambda: PAYLOAD)
    secret: str = SECRET
    age: float = 0
    encoding: str = "hex"
    changes: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """Return the body."""
        if isinstance(self.payload, bytes):
            return self.payload
        return json.dumps(self.payload, ensure_ascii=False).encode("utf-8")

    def headers(self) -> dict[str, str]:
        """Return the headers, signed now."""
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


def numbered(number: int) -> Delivery:
    """Return a delivery of another event for each number."""
    return Delivery(f"e-{number}", {**PAYLOAD, "data": number})


class Source(RunningSource):
    """The running source for ContraForce."""

    async def send(self, delivery: Delivery | None = None, **more: Any) -> tuple[int, str]:
        """Return the response to a delivery."""
        delivery = delivery or Delivery()
        return await self.request(headers=delivery.headers(), data=delivery.body, **more)

    def sending(self, *deliveries: Delivery) -> list[asyncio.Task[tuple[int, str]]]:
        """Start deliveries."""
        return [asyncio.create_task(self.send(delivery)) for delivery in deliveries]


def head_of(delivery: Delivery, *more: str) -> bytes:
    """Return the start of a request with headers, without the end of the headers."""
    lines = ["POST /cf HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in delivery.headers().items()]
    return "\r\n".join([*lines, *more, ""]).encode()


pytestmark = pytest.mark.anyio

#: Starts the source with options for the duration of a with statement.
Running = Callable[..., Any]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Return the event loop of asynchronous tests."""
    return "asyncio"


@pytest.fixture
def running(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Run the source and record all log messages."""
    for name in ("CONTRAFORCE_WEBHOOK_SECRET", "CONTRAFORCE_WEBHOOK_FORMER_SECRET", "CONTRAFORCE_WEBHOOK_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.DEBUG)

    def run(room: int = 0, queue: Any = None, **options: Any) -> Any:
        args = {"port": 0, "path": "/cf", "secret": SECRET, **options}
        return run_source(Source, "contraforce_webhook", caplog, args, queue or asyncio.Queue(room))

    return run


@pytest.fixture
def _every_refusal_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    note = RefusalLog.note

    def always(self: Any, *args: Any) -> None:
        self._last = None
        note(self, *args)

    monkeypatch.setattr(RefusalLog, "note", always)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in the log."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story; one that hangs fails."""
    asyncio.run(asyncio.wait_for(story(), 60))


async def settled() -> None:
    """Let all tasks and connections proceed that can."""
    for _turn in range(5):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
async def test_an_event_is_sent_to_the_rulebook(running: Running, encoding: str) -> None:
    async with running() as source:
        delivery = Delivery(encoding=encoding, changes={"Authorization": "Basic eDp5", "X-Other": "z"})
        headers = delivery.headers()
        assert await source.request(headers=headers, data=delivery.body, path="/cf?a=b") == (200, "accepted")
        shown = {name: headers[name] for name in ("X-CF-Event-Id", "X-CF-Schema", "X-CF-Timestamp")}
        assert source.events() == [{"payload": PAYLOAD, "meta": {"endpoint": "cf", "headers": shown}}]


async def test_bodies_are_verified_as_sent_and_sanitized(running: Running) -> None:
    spaced = b'{ "type":"x",\r\n\t"data": "caf\xc3\xa9 \\u00e9 \xf0\x9f\x90\x87", "data": [1.0, 1e2] }\n'
    odd = b'{"type": "x", "data": {"": 1e999, "deep": ' + b"[" * 300 + b"]" * 300 + b"}}"

    async with running() as source:
        assert await source.send(Delivery(payload=spaced)) == (200, "accepted")
        assert source.events()[0]["payload"] == {"type": "x", "data": [1.0, 100.0]}
        # The rule engine of ansible-rulebook would lose these values.
        assert await source.send(Delivery("e-2", odd)) == (200, "accepted")
        data = source.events()[0]["payload"]["data"]
        assert data["(no name)"] == "inf"
        assert "nested too deep" in json.dumps(data["deep"])
        # Not decompressed, and therefore not JSON.
        packed = Delivery("e-3", gzip.compress(Delivery().body), changes={"Content-Encoding": "gzip"})
        assert await source.send(packed) == (400, "refused")
        assert not source.events()


async def test_both_secrets_of_the_environment_are_accepted(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_SECRET", "of-the-environment")
    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_FORMER_SECRET", FORMER)

    async with running(secret=None) as source:
        assert await source.send(Delivery("e-1", secret="of-the-environment")) == (200, "accepted")
        assert await source.send(Delivery("e-2", secret=FORMER)) == (200, "accepted")
        assert await source.send(Delivery("e-3")) == (401, "refused")


@pytest.mark.usefixtures("_every_refusal_logged")
async def test_each_refusal_has_its_status_and_one_log_line(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    refused = [
        (Delivery(secret="other"), 401),
        (Delivery(age=302), 401),
        (Delivery(age=-303, encoding="base64"), 401),
        (Delivery(changes={"X-CF-Signature": None}), 400),
        (Delivery(changes={"X-CF-Event-Id": "x" * 257}), 400),
        # The ID is only logged if the delivery is genuine.
        (Delivery(payload={"isTest": False}), 400),
        (Delivery(payload=b'{"type": "caf\xe9"}'), 400),
    ]

    async with running() as source:
        for delivery, status in refused:
            caplog.clear()
            assert await source.send(delivery) == (status, "refused")
            (line,) = warnings_in(caplog)
            is_genuine = status == 400 and not delivery.changes
            start = "Delivery e-1 from 127.0.0.1" if is_genuine else "A delivery from 127.0.0.1"
            assert line.startswith(f"{start} was refused with {status}: it")
        assert not source.events()
        for number, delivery in enumerate((Delivery(age=290), Delivery(age=-290, encoding="base64"))):
            delivery.event_id = f"e-{number}"
            assert await source.send(delivery) == (200, "accepted")


async def test_other_paths_and_methods_are_refused(running: Running) -> None:
    async with running() as source:
        headers, body = Delivery().headers(), Delivery().body
        for path in ("/", "/cf/", "/CF", "//cf", "/cf/x", "/x/../x", "/%2Fcf", "/cf%00"):
            assert await source.request(path=path, headers=headers, data=body) == (404, "refused")
            assert await source.request("GET", path) == (404, "refused")
        for method in ("GET", "PUT", "OPTIONS", "HEAD", "PROPFIND"):
            expected = (405, "" if method == "HEAD" else "refused")
            assert await source.request(method, headers=headers, data=body) == expected
        assert not source.events()


async def test_a_duplicate_header_is_refused(running: Running) -> None:
    async with running() as source:
        delivery = Delivery()
        for name in ("X-CF-Event-Id", "X-CF-Signature"):
            value = delivery.headers()[name]
            head = head_of(delivery, f"{name.lower()}: {value}", f"Content-Length: {len(delivery.body)}", "")
            assert (await source.raw(head, delivery.body)).startswith("HTTP/1.1 400 ")
        assert not source.events()


async def test_secrets_in_identifiers_are_not_logged(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    spelled = "x" * 60 + SECRET.replace("-", "\\u002D")

    for payload, status in ((PAYLOAD, 200), ({**PAYLOAD, "isTest": True}, 200), (b"", 400)):
        async with running() as source:
            assert (await source.send(Delivery(spelled, payload)))[0] == status
            assert "x" * 60 + "********" in caplog.text
            assert "curiouser" not in caplog.text


def sized(size: int) -> bytes:
    """Return a body of a size in bytes."""
    return b'{"type": "x", "data": "' + b"x" * (size - 25) + b'"}'


async def test_larger_bodies_than_max_body_are_refused(running: Running) -> None:
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 700):
            yield body[start : start + 700]

    async with running(max_body=5000) as source:
        for number, is_chunked in enumerate((False, True)):
            for size, expected in ((5000, (200, "accepted")), (5001, (413, "refused"))):
                delivery = Delivery(f"e-{number}-{size}", sized(size), age=number)
                data = pieces(delivery.body) if is_chunked else delivery.body
                assert await source.request(headers=delivery.headers(), data=data) == expected
        assert [len(event["payload"]["data"]) for event in source.events()] == [4975] * 2
        # The announced length suffices; the body is not read.
        head = head_of(Delivery(), "Content-Length: 5001", "").replace(b"Connection: close\r\n", b"")
        response = await source.raw(head)
        assert response.startswith("HTTP/1.1 413 ")
        assert "Connection: close" in response
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        response = await source.raw(head_of(Delivery(), "Transfer-Encoding: chunked", ""), *[chunk] * 6)
        assert response.startswith("HTTP/1.1 413 ")


async def test_unverified_bodies_have_a_common_limit(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders without the secret cannot fill the memory with many slow bodies."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 6000
        await asyncio.sleep(60)

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


@pytest.mark.usefixtures("_every_refusal_logged")
async def test_slow_and_interrupted_bodies_are_refused(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert webhook_receiver.BODY_TIMEOUT == 10
    monkeypatch.setattr(webhook_receiver, "BODY_TIMEOUT", 0.1)
    delivery = Delivery()

    async with running() as source:
        # A byte now and then does not extend the time.
        drops = [delivery.body[place : place + 1] for place in range(6)]
        head = head_of(delivery, f"Content-Length: {len(delivery.body)}", "")
        assert (await source.raw(head, *drops, pause=0.03)).startswith("HTTP/1.1 408 ")
        _reader, writer = await source.connect()
        writer.write(head_of(delivery, "Content-Length: 500", "") + delivery.body[:20])
        await asyncio.sleep(0.02)
        writer.close()
        while len(warnings_in(caplog)) < 2:
            await asyncio.sleep(0.01)
        response = await source.raw(head_of(delivery, "Transfer-Encoding: chunked", "") + b"no size\r\n\r\n")
        assert response.split()[1] == "400"
        assert await source.send(delivery) == (200, "accepted")
        assert len(source.events()) == 1
    assert [re.findall(r"refused with (\d+): its body", line) for line in warnings_in(caplog)[:2]] == [["408"], ["400"]]


async def test_requests_that_are_not_http_are_not_logged(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /cf HTTP/1.1\r\nHost: x\r\n"
    garbage = [
        b"confidential\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00confidential",
        head + b"X-CF-Signature: a\x00confidential\r\n\r\n",
        head + b"X-CF-Signature: " + b"confidential" * 2000 + b"\r\n\r\n",
        head + b"Content-Length: confidential\r\n\r\n",
    ]

    async with running() as source:
        for each in garbage * 2:
            assert (await source.raw(each)).startswith("HTTP/1.")
        assert await source.send() == (200, "accepted")
    assert "confidential" not in caplog.text
    assert "Traceback" not in caplog.text
    # At most one message a second, and at the end the number of the others.
    lines = warnings_in(caplog)
    assert len(lines) <= 3
    assert re.search(r"\d+ more", lines[-1])


async def test_an_event_is_sent_once(running: Running) -> None:
    async with running() as source:
        first = Delivery("e-1")
        headers = first.headers()
        assert await source.request(headers=headers, data=first.body) == (200, "accepted")
        assert await source.send(Delivery("e-1", age=3)) == (200, "duplicate")
        # The ID is not signed, so the signature counts for the first ID that it came with.
        replay = {**headers, "X-CF-Event-Id": "e-9"}
        assert await source.request(headers=replay, data=first.body) == (200, "duplicate")
        assert await source.send(Delivery("e-9", {**PAYLOAD, "data": 9})) == (200, "accepted")
        assert [event["meta"]["headers"]["X-CF-Event-Id"] for event in source.events()] == ["e-1", "e-9"]


async def test_a_busy_rulebook_delays_or_refuses_deliveries(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async with running(room=1, queue_size=2, answer_within=30) as source:
        await source.queue.put("busy")
        waiting = source.sending(numbered(1), numbered(2))
        await settled()
        assert await source.send(numbered(3)) == (503, "busy")
        # Other refusals do not wait.
        assert await source.send(Delivery("e-4", secret="x")) == (401, "refused")
        assert not any(task.done() for task in waiting)
        taken = [await source.queue.get() for _each in range(3)]
        assert [await task for task in waiting] == [(200, "accepted")] * 2
        assert sorted(event["payload"]["data"] for event in taken[1:]) == [1, 2]
        assert await source.send(numbered(3)) == (200, "accepted")
    assert "Delivery e-3 from 127.0.0.1 was refused with 503: " in caplog.text


async def test_a_delivery_counts_if_its_sender_disconnects(running: Running) -> None:
    async with running(room=1) as source:
        await source.queue.put("busy")
        delivery = Delivery()
        _reader, writer = await source.connect()
        writer.write(head_of(delivery, f"Content-Length: {len(delivery.body)}", "") + delivery.body)
        await settled()
        writer.close()
        await settled()
        await source.queue.get()
        assert (await source.queue.get())["payload"] == PAYLOAD
        assert await source.send() == (200, "duplicate")


async def test_waiting_deliveries_are_refused_at_the_end(running: Running) -> None:
    async with running(room=1, answer_within=30) as source:
        await source.queue.put("busy")
        waiting = source.sending(*map(numbered, range(3)))
        await settled()
        started = time.monotonic()
        await source.end()
        assert time.monotonic() - started < 5
        assert [await task for task in waiting] == [(503, "busy")] * 3
        assert source.events() == ["busy"]
        with pytest.raises(aiohttp.ClientConnectionError):
            await source.send()


async def test_an_end_at_any_moment_answers_for_each_event(running: Running) -> None:
    for turns in range(8):
        async with running(room=1, answer_within=30) as source:
            await source.queue.put("busy")
            waiting = source.sending(numbered(0), numbered(1))
            await settled()
            assert source.queue.get_nowait() == "busy"
            for _turn in range(turns):
                await asyncio.sleep(0)
            await source.end()
            statuses = [(await task)[0] for task in waiting]
            assert statuses.count(200) == len(source.events())


class FailingQueue(asyncio.Queue[Any]):
    """A queue whose filter fails for some events."""

    async def put(self, item: Any) -> None:
        """Put an item, or fail."""
        if item["payload"]["data"] == "bad":
            raise KeyError("confidential")
        await super().put(item)


@pytest.mark.usefixtures("_every_refusal_logged")
async def test_filter_failures_and_bugs_reveal_nothing(
    running: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: Any) -> None:
        raise RuntimeError("confidential")

    async with running(queue=FailingQueue()) as source:
        assert await source.send(Delivery("e-1", {**PAYLOAD, "data": "bad"})) == (503, "busy")
        assert await source.send(Delivery("e-2")) == (200, "accepted")
        assert len(source.events()) == 1
        with monkeypatch.context() as patch:
            patch.setattr(webhook_deliveries, "parse_payload", fails)
            assert await source.send(numbered(3)) == (503, "busy")
    assert "with KeyError" in caplog.text
    assert "with RuntimeError" in caplog.text
    assert "confidential" not in caplog.text


BY_HEADER = Delivery("e-1", changes={"X-CF-Test": "true"})
BY_BODY = Delivery("e-2", {**PAYLOAD, "isTest": True})


async def test_a_test_delivery_is_not_an_event(running: Running) -> None:
    """Its header is not signed: without it, the same delivery is refused, and signed again, the event is accepted."""

    async with running(room=1) as source:
        await source.queue.put("busy")
        headers = BY_HEADER.headers()
        assert await source.request(headers=headers, data=BY_HEADER.body) == (200, "test")
        for _again in range(2):
            assert await source.send(BY_BODY) == (200, "test")
        assert await source.send(Delivery("e-3", secret="x", changes=BY_HEADER.changes)) == (401, "refused")
        del headers["X-CF-Test"]
        assert await source.request(headers=headers, data=BY_HEADER.body) == (200, "duplicate")
        assert source.events() == ["busy"]
        assert await source.send(Delivery("e-1", age=2)) == (200, "accepted")


async def test_test_deliveries_are_forwarded_on_request(running: Running) -> None:
    async with running(forward_tests=True) as source:
        for delivery in (BY_HEADER, BY_BODY):
            assert await source.send(delivery) == (200, "accepted")
            assert await source.send(delivery) == (200, "duplicate")
        assert [event["payload"] for event in source.events()] == [{**PAYLOAD, "isTest": True}] * 2


@dataclass
class Certificates:
    """Certificates for TLS.

    :param folder: the directory of ``cert.pem``, ``locked.key`` and ``ca.pem``.
    :param ca: the CA of the server, and of its clients.
    """

    folder: Path
    ca: trustme.CA

    @property
    def options(self) -> dict[str, str]:
        """Return the options of the source."""
        files = {"certfile": str(self.folder / "cert.pem"), "keyfile": str(self.folder / "locked.key")}
        return {**files, "password": "drink-me"}

    def client(self, issuer: trustme.CA | None = None) -> ssl.SSLContext:
        """Return the TLS context of a client, with a certificate of an issuer or without one."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if issuer:
            issuer.issue_cert("client@example.com").configure_cert(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a CA and a certificate for this machine, whose key has a password."""
    folder, ca = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"drink-me")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder / "locked.key").write_bytes(locked)
    return Certificates(folder, ca)


def responds_to(url: str, context: ssl.SSLContext) -> bool:
    """Return whether a server responds to a client. Before Python 3.11, asyncio does not clean up after a refusal."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=parts.hostname) as encrypted:
                encrypted.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return encrypted.recv(12).startswith(b"HTTP/1.1")
        except OSError:
            return False


def test_tls_refuses_old_versions_and_plain_http(running: Running, certificates: Certificates) -> None:
    async def story() -> None:
        async with running(**certificates.options) as source:
            assert source.url.startswith("https://127.0.0.1:")
            assert await source.send(ssl=certificates.client()) == (200, "accepted")
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


async def test_clients_need_a_certificate_of_cafile(running: Running, certificates: Certificates) -> None:
    async with running(**certificates.options, cafile=str(certificates.folder / "ca.pem")) as source:
        assert await source.send(ssl=certificates.client(certificates.ca)) == (200, "accepted")
        for issuer, responds in ((None, False), (trustme.CA(), False), (certificates.ca, True)):
            assert await asyncio.to_thread(responds_to, source.url, certificates.client(issuer)) is responds


@asynccontextmanager
async def idle(url: str, count: int, sent: bytes = b"", **more: Any) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold connections open that send no complete request."""
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
    """Return the numbers of the open connections."""

    async def is_open(reader: asyncio.StreamReader) -> bool:
        with suppress(asyncio.TimeoutError, ConnectionError):
            return bool(await asyncio.wait_for(reader.read(1), 0.05))
        return reader.exception() is None and not reader.at_eof()

    found = await asyncio.gather(*map(is_open, readers))
    return [number for number, each in enumerate(found) if each]


@pytest.mark.parametrize("is_encrypted, sent", [(False, b"POST /cf HTTP/1.1\r\nHost: x\r\nX-CF-"), (True, b"")])
async def test_idle_connections_do_not_block_deliveries(
    running: Running,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    certificates: Certificates,
    is_encrypted: bool,
    sent: bytes,
) -> None:
    """With TLS, they do not even start the handshake."""
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 20)
    tls = certificates.client() if is_encrypted else None

    options = certificates.options if is_encrypted else {}
    async with running(**options) as source, idle(source.url, 60, sent) as readers:
        assert await open_ones(readers) == list(range(40, 60))
        for number in range(3):
            assert await source.send(numbered(number), ssl=tls) == (200, "accepted")
    (line,) = warnings_in(caplog)
    assert "20 connections" in line


async def test_an_address_only_displaces_its_own_connections(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 10)

    async with (
        running() as source,
        idle(source.url, 3, local_addr=("127.0.0.2", 0)) as others,
        idle(source.url, 30) as readers,
    ):
        assert await open_ones(others) == [0, 1, 2]
        assert await open_ones(readers) == list(range(23, 30))
        assert await source.send() == (200, "accepted")


async def test_connections_of_waiting_deliveries_are_kept(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_connections, "MAX_CONNECTIONS", 2)

    async with running(room=1, answer_within=30) as source:
        await source.queue.put("busy")
        waiting = source.sending(numbered(0), numbered(1))
        await settled()
        async with idle(source.url, 10) as readers:
            assert await open_ones(readers) == []
            for _each in range(3):
                await source.queue.get()
            assert [await task for task in waiting] == [(200, "accepted")] * 2
        assert await source.send(numbered(2)) == (200, "accepted")


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_connections_without_a_request_are_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, is_encrypted: bool
) -> None:
    assert webhook_connections.HEADER_TIMEOUT == 10
    async with running(**(certificates.options if is_encrypted else {})) as source:
        tls = certificates.client() if is_encrypted else None
        async with idle(source.url, 2) as silent, idle(source.url, 2, ssl=tls) as late:
            assert await source.send(ssl=tls) == (200, "accepted")
            assert await open_ones(silent + late) == [0, 1, 2, 3]
            monkeypatch.setattr(webhook_connections, "HEADER_TIMEOUT", 0)
            while await open_ones(silent + late):
                await asyncio.sleep(0.02)
            # A connection with a request stays open for the next one.
            (connections,) = source.session.connector._conns.values()  # type: ignore[union-attr]
            assert [each[0].is_connected() for each in connections] == [True]
            assert await source.send(ssl=tls) == (200, "duplicate")


#: Runs the source in a process that can open only a few more files; the argument is their number.
SCARCE = f"""
    import asyncio, logging, os, resource, runpy, sys

    async def main():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        source = asyncio.ensure_future(runpy.run_path({str(FILE)!r})["main"](asyncio.Queue(), {{"port": 0}}))
        await asyncio.sleep(0.2)
        files = []
        try:
            while True:
                files.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            for each in files[-int(sys.argv[1]):]:
                os.close(each)
        print("ready", flush=True)
        await source

    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
"""


@pytest.mark.parametrize("files", [40, 8])
def test_a_process_with_few_files_accepts_deliveries(tmp_path: Path, files: int) -> None:
    """With many open connections; with 8 files, accepting fails before the limit of connections is reached."""
    log = tmp_path / "log"
    environment = {"PYTHONPATH": str(COLLECTIONS), "CONTRAFORCE_WEBHOOK_SECRET": SECRET}

    async def story(url: str) -> None:
        async with idle(url, 150), aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
            for delivery in map(numbered, range(3)):
                async with session.post(url, headers=delivery.headers(), data=delivery.body) as response:
                    assert response.status == 200

    with log.open("w") as output:
        command = [sys.executable, "-c", textwrap.dedent(SCARCE), str(files)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        while "ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        url = re.search(r"Listening on (\S+)", log.read_text())
        assert url
        play(lambda: story(url[1]))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    lines = [line for line in log.read_text().splitlines() if "WARNING" in line or "ERROR" in line]
    assert len(lines) == 1, lines
    assert ("connections were open" if files == 40 else "Too many open files") in lines[0]


async def test_a_port_in_use_is_reported(running: Running) -> None:
    async with running() as source:
        port = urlsplit(source.url).port
        with pytest.raises(ValueError, match=rf"port {port} of 127\.0\.0\.1: [^\n]+$"):
            await webhook_receiver.receive(source.queue, {"port": port, "secret": SECRET})


@pytest.mark.usefixtures("_every_refusal_logged")
async def test_no_log_shows_a_secret_or_a_body(
    running: Running, caplog: pytest.LogCaptureFixture, certificates: Certificates
) -> None:
    signatures: list[str] = []
    payload = {"type": "x", "data": "of-the-body"}

    options = {**certificates.options, "former_secret": FORMER}
    async with running(room=1, queue_size=1, answer_within=0.05, **options) as source:
        asyncio.get_running_loop().set_debug(True)
        tls = certificates.client()
        changes: list[dict[str, Any]] = [{}, {"secret": FORMER}, {"secret": "x"}, {"age": 400}, {"age": -1}]
        for number, change in enumerate(changes):
            delivery = Delivery(f"e-{number}", payload, **change)
            for method, path in (("POST", "/cf"), ("POST", "/cf"), ("PUT", "/cf"), ("POST", "/other")):
                headers = delivery.headers()
                signatures.append(headers["X-CF-Signature"])
                await source.request(method, path, headers=headers, data=delivery.body, ssl=tls)
    statuses = set(re.findall(r"refused with (\d+)", "\n".join(warnings_in(caplog))))
    assert statuses == {"401", "404", "405", "503"}
    for text in (SECRET, FORMER, "drink-me", "of-the-body", *signatures):
        assert text not in caplog.text
        assert text.removeprefix("sha256=") not in caplog.text
