# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source for callbacks of ticketing systems, as a server with real requests.

test_webhook_source.py covers what it shares with the source for ContraForce: TLS, connections and slow bodies.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from datetime import datetime, timezone
from typing import Any, Callable

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import RefusalLog
from ansible_collections.secops.itsm.tests.functional.webhook_sources import RunningSource, run_source

SECRET, FORMER = "curiouser-and-curiouser", "down-the-rabbit-hole"
BODY = {"number": "INC0012345", "sys_id": "1d5f0a2b3c4d5e6f708192a3b4c5d6e7", "state": "6"}

pytestmark = pytest.mark.anyio

#: Starts the source with options for the duration of a with statement.
Running = Callable[..., Any]


class Source(RunningSource):
    """The running source for callbacks."""

    async def call(
        self, body: Any = None, secret: str | None = SECRET, header: str = "X-Webhook-Secret", **more: str
    ) -> tuple[int, str]:
        """Return the response to a callback."""
        content = body if isinstance(body, bytes) else json.dumps(BODY if body is None else body).encode()
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        sent = headers if secret is None else {header: secret, **headers}
        return await self.request(path="/tickets", headers=sent, data=content)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Return the event loop of asynchronous tests."""
    return "asyncio"


@pytest.fixture
def running(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Run the source, record all log messages, and log every refusal."""
    note = RefusalLog.note

    def always(self: Any, *args: Any) -> None:
        self._last = None
        note(self, *args)

    monkeypatch.setattr(RefusalLog, "note", always)
    for name in ("SECRET", "FORMER_SECRET", "PASSWORD"):
        monkeypatch.delenv(f"TICKET_WEBHOOK_{name}", raising=False)
    caplog.set_level(logging.DEBUG)

    def run(room: int = 0, queue: Any = None, **options: Any) -> Any:
        args = {"port": 0, "path": "/tickets", "secret": SECRET, "ticket_system": "servicenow", **options}
        return run_source(Source, "ticket_webhook", caplog, args, queue or asyncio.Queue(room))

    return run


async def test_callback_becomes_an_event(running: Running) -> None:
    async with running() as source:
        started = datetime.now(timezone.utc).replace(microsecond=0)
        assert await source.call(X_Other="z") == (200, "accepted")
        (event,) = source.events()
        moment = event["ticket_event"].pop("received_at")
        assert started <= datetime.fromisoformat(moment.replace("Z", "+00:00")) <= datetime.now(timezone.utc)
        assert event == {
            "ticket_event": {
                "ticket_system": "servicenow",
                "ticket_number": BODY["number"],
                "ticket_id": BODY["sys_id"],
            },
            "ticket_payload": BODY,
            "meta": {"endpoint": "tickets", "headers": {}},
        }


async def test_callback_without_the_secret_is_refused(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    wrong = (None, "", "x", SECRET[:-1], f"{SECRET}x", SECRET.upper(), f"Bearer {SECRET}", "\udcff" * 16)

    async with running(former_secret=FORMER) as source:
        for secret in wrong:
            caplog.clear()
            assert await source.call(secret=secret) == (401, "refused")
            (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
            assert "refused with 401: its X-Webhook-Secret header does not contain the secret" in line
        assert await source.call(header="X-Other") == (401, "refused")
        twice = f"X-Webhook-Secret: {SECRET}\r\n" * 2
        head = f"POST /tickets HTTP/1.1\r\nHost: x\r\n{twice}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        assert (await source.raw(head.encode())).startswith("HTTP/1.1 401 ")
        assert source.events() == []
        assert await source.call({**BODY, "state": "7"}, FORMER) == (200, "accepted")
        assert await source.call() == (200, "accepted")


async def test_body_without_the_secret_is_not_read(running: Running) -> None:
    """The response does not wait for the body, which never comes."""
    async with running() as source:
        head = b"POST /tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        reader, writer = await source.connect()
        writer.write(head)
        line = await asyncio.wait_for(reader.readline(), 5)
        assert line.startswith(b"HTTP/1.1 401 ")
        writer.close()


async def test_header_of_the_secret_is_an_option(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_WEBHOOK_SECRET", SECRET)
    async with running(secret=None, secret_header="x-snow-secret") as source:
        assert await source.call() == (401, "refused")
        assert await source.call(header="X-SNow-Secret") == (200, "accepted")
    async with running(secret_header="Authorization") as source:
        assert await source.call(header="Authorization") == (401, "refused")
        assert await source.call(header="Authorization", secret=f"Basic {SECRET}") == (401, "refused")
        assert await source.call(header="Authorization", secret=f"bearer {SECRET}") == (200, "accepted")


@pytest.mark.parametrize(
    "body, number, identifier",
    [
        ({"sys_id": "a1"}, None, "a1"),
        ({"objectId": "CTC-0054", "id": "51b101e4-e689-4b86-a0bb-d3fc8188e3b1"}, "CTC-0054", "51b101e4-e689-4b86"),
        ({"issue": {"key": "SOC-311", "id": "10042"}}, "SOC-311", "10042"),
        ({"ID": 7, "Type": "ticket", "Action": "updated", "ObjectID": 41877}, None, "41877"),
        ({"ticket_id": 12, "id": 13}, None, "12"),
        ({"number": " T20261121.0042 ", "sys_id": None}, "T20261121.0042", None),
        ({"number": {"value": "INC1"}, "ticket_number": True, "key": "#4 2"}, "#4 2", None),
    ],
    ids=["servicenow", "rezolve", "jira", "connectwise", "halopsa", "blanks", "others"],
)
async def test_ticket_is_found_in_the_bodies_of_systems(
    running: Running, body: Any, number: str | None, identifier: str | None
) -> None:
    async with running() as source:
        assert await source.call(body) == (200, "accepted")
        ticket = source.events()[0]["ticket_event"]
        assert ticket.get("ticket_number") == number
        assert str(ticket.get("ticket_id")).startswith(str(identifier))


async def test_keys_of_the_ticket_are_options(running: Running) -> None:
    async with running(number_keys=["record.display"], id_keys="record.key") as source:
        assert await source.call() == (400, "refused")
        assert await source.call({"record": {"display": "T-1", "key": 5}}) == (200, "accepted")
        ticket = source.events()[0]["ticket_event"]
        assert (ticket["ticket_number"], ticket["ticket_id"]) == ("T-1", "5")


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"", "is not JSON"),
        (b'{"number": NaN}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'["INC0012345"]', "is not a JSON object"),
        ({"state": "6", "number": ""}, "contains no ticket number or identifier in the keys of number_keys"),
        ({"number": "{{ 7 * 6 }}"}, "characters that are not allowed"),
        ({"number": "INC1", "sys_id": "a\nb"}, "characters that are not allowed"),
        ({"number": "INC\u0661"}, "characters that are not allowed"),
        ({"number": "x" * 129}, "characters that are not allowed"),
        ({"number": SECRET}, "characters that are not allowed"),
    ],
    ids=["empty", "nan", "deep", "list", "without", "template", "control", "unicode", "long", "secret"],
)
async def test_unusable_body_is_refused(
    running: Running, caplog: pytest.LogCaptureFixture, body: Any, reason: str
) -> None:
    async with running() as source:
        assert await source.call(body) == (400, "refused")
        assert source.events() == []
    assert f"was refused with 400: its {'body' if 'char' not in reason else 'ticket number'}" in caplog.text
    assert reason in caplog.text


async def test_size_of_the_body_is_limited(running: Running) -> None:
    async with running(max_body=200) as source:
        assert await source.call({**BODY, "note": "x" * 200}) == (413, "refused")
        assert await source.call() == (200, "accepted")


async def test_secrets_and_odd_values_are_not_passed_on(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    odd = {"": 1, "note": f"was {SECRET}, now {FORMER}", FORMER: 2**70, "deep": json.loads("[" * 90 + "]" * 90)}

    async with running(former_secret=FORMER, id_header="X-Callback-Id") as source:
        assert await source.call({**BODY, **odd}, X_Callback_Id=f"id-{SECRET}") == (200, "accepted")
        (event,) = source.events()
    shown = json.dumps(event)
    assert "nested too deep" in shown
    assert event["ticket_payload"]["note"] == "was ********, now ********"
    assert "(no name)" in event["ticket_payload"]
    for secret in (SECRET, FORMER):
        assert secret not in shown
        assert secret not in caplog.text
    assert "Callback for ticket INC0012345 was dispatched." in caplog.text


async def test_repeated_id_is_one_event(running: Running) -> None:
    async with running(id_header="X-Callback-Id") as source:
        assert await source.call() == (400, "refused")
        assert await source.call(X_Callback_Id=" ") == (400, "refused")
        assert await source.call(X_Callback_Id="x" * 257) == (400, "refused")
        assert await source.call(X_Callback_Id="c-1") == (200, "accepted")
        assert await source.call({**BODY, "state": "7"}, X_Callback_Id="c-1") == (200, "duplicate")
        # The same body with another ID is another change.
        assert await source.call(X_Callback_Id="c-2") == (200, "accepted")
        assert [event["meta"]["headers"] for event in source.events()] == [
            {"X-Callback-Id": "c-1"},
            {"X-Callback-Id": "c-2"},
        ]


async def test_identical_callbacks_are_limited_without_losing_the_last(running: Running) -> None:
    async with running(repeat_interval=0.4) as source:
        taken: list[float] = []
        sent: list[float] = []
        begin = time.monotonic()
        calls = []
        while time.monotonic() - begin < 1.3:
            sent.append(time.monotonic())
            calls.append(asyncio.create_task(source.call()))
            await asyncio.sleep(0.03)
            taken += [time.monotonic()] * len(source.events())
        results = await asyncio.gather(*calls)
        taken += [time.monotonic()] * len(source.events())
        assert {status for status, _word in results} == {200}
        assert 3 <= len(taken) <= 6
        # A playbook that reads the ticket after the last event sees the change that the last callback reported.
        assert taken[-1] >= sent[-1]
        # Another body does not wait.
        begin = time.monotonic()
        assert await source.call({**BODY, "state": "7"}) == (200, "accepted")
        assert time.monotonic() - begin < 0.3


async def test_every_callback_is_an_event_without_an_interval(running: Running) -> None:
    async with running(repeat_interval=0) as source:
        assert [await source.call() for _each in range(3)] == [(200, "accepted")] * 3
        assert len(source.events()) == 3


async def test_busy_rulebook_is_reported(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async with running(room=1, answer_within=0.05) as source:
        await source.queue.put("busy")
        assert await source.call() == (503, "busy")
        assert await source.queue.get() == "busy"
        # It was being passed on when the time expired.
        assert (await source.queue.get())["ticket_event"]["ticket_number"] == BODY["number"]
        assert await source.call({**BODY, "state": "7"}) == (200, "accepted")
    assert re.search(r"refused with 503: the rulebook did not accept it in time", caplog.text)


async def test_other_paths_and_methods_are_refused(running: Running) -> None:
    async with running() as source:
        given = {"X-Webhook-Secret": SECRET}
        assert await source.request(path="/", headers=given, data=b"{}") == (404, "refused")
        assert await source.request("GET", "/tickets", headers=given) == (405, "refused")
