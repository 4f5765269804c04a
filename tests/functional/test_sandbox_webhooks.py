# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incidents come up in the sandbox while it runs, and it tells so by webhook, as ContraForce does."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

MODULE = "ansible_collections.secops.itsm.tests.sandbox"
NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


class Reached(Protocol):
    """A sandbox, however it was started."""

    url: str


def steer(sandbox: Reached, method: str, name: str, body: Any) -> tuple[int, Any]:
    """Tell the sandbox something; the status and the body of its answer."""
    request = urllib.request.Request(f"{sandbox.url}/_sandbox/{name}", json.dumps(body).encode(), method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def incident(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A new incident; a change to None takes a field away."""
    made = {
        "workspaceId": NORTHWIND,
        "source": "Sentinel",
        "id": f"00000000-0000-4000-9000-{number:012}",
        "number": 5000 + number,
        "title": f"Sign-in from the office, {number}",
        "severity": "Low",
        "status": "New",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def stored(sandbox: SandboxProcess) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in sandbox.state()["incidents"]}


def test_incidents_come_up(sandbox):
    before = len(stored(sandbox))
    sandbox.add_incidents(incident(1), incident(2, createdAt="2026-11-21T03:00:00Z", ticketId="T20261121.0042"))
    now = stored(sandbox)
    assert len(now) == before + 2
    first, second = now[incident(1)["id"]], now[incident(2)["id"]]
    assert first["createdAt"] == first["updatedAt"] > "2026-11-22"
    assert (first["ticketId"], first["user"], first["comments"]) == (None, None, [])
    assert (second["createdAt"], second["ticketId"]) == ("2026-11-21T03:00:00Z", 41877)
    sandbox.reset()
    assert len(stored(sandbox)) == before


@pytest.mark.parametrize(
    "body, told",
    [
        (None, "incidents are a list, as a seed has them; wrong is all of it: None is not of type 'array'"),
        ([incident(status=None)], "incidents are a list, as a seed has them; wrong is 0: 'status' is a required"),
        ([incident(colour="red")], "incidents are a list, as a seed has them; wrong is 0: Additional properties"),
        ([incident(severity="Loud")], "incidents are a list, as a seed has them; wrong is 0.severity: 'Loud' is not"),
        ([incident(), incident()], "with these, the sandbox has"),
        ([incident(id="6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61")], "with these, the sandbox has"),
        ([incident(ticketId="T0")], "with these, the sandbox links incident"),
        ([incident(createdAt="yesterday")], "'yesterday' is not an instant"),
        ([incident(workspaceId=NORTHWIND[:-1] + "1")], "which is none of its workspaces"),
        ([incident(5), incident(6, ticketId="T0")], "with these, the sandbox links incident"),
    ],
    ids=range(10),
)
def test_what_is_no_incident_is_refused(sandbox, body, told):
    before = stored(sandbox)
    status, answer = steer(sandbox, "POST", "incidents", body)
    assert (status, list(answer)) == (400, ["error"])
    assert told in answer["error"]
    assert stored(sandbox) == before


SECRET = "a webhook's secret, ü"


class Receiver:
    """A server that takes down what it is sent.

    :param answers: the statuses and headers of its answers, in their order; the last one is that of all further ones.
    """

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.taken: list[tuple[float, dict[str, str], bytes]] = []
        receiver, statuses = self, list(answers or [(200, {})])

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append((time.monotonic(), {"path": self.path, **dict(self.headers)}, body))
                status, headers = statuses.pop(0) if len(statuses) > 1 else statuses[0]
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(b'{"status": "seen"}')

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events?of=itsm"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _time, _headers, body in self.taken]

    def header(self, name: str) -> list[str | None]:
        return [headers.get(name) for _time, headers, _body in self.taken]

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Started:
    """A sandbox as a user starts it.

    :param folder: from where.
    :param words: further words of the command.
    :param environment: further variables.
    """

    def __init__(self, folder: Path, *words: str, environment: dict[str, str] | None = None) -> None:
        file = folder / "sandbox.env"
        self.process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--env-file", str(file), *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS), **(environment or {})},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not file.exists():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        read = subprocess.run(["sh", "-c", f". {file} && env -0"], check=True, stdout=subprocess.PIPE, text=True)
        self.variables = dict(line.split("=", 1) for line in read.stdout.split("\0") if line)
        self.url = self.variables["CONTRAFORCE_URL"]

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0


def delivered(sandbox: SandboxProcess, count: int) -> list[dict[str, Any]]:
    """The deliveries, once there are so many, and nothing is on its way."""
    deadline = time.monotonic() + 10
    while True:
        shown = sandbox.deliveries()
        if len(shown["entries"]) >= count and not shown["waiting"]:
            assert len(shown["entries"]) == count
            return list(shown["entries"])
        assert time.monotonic() < deadline, shown
        time.sleep(0.02)


def signature(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA256 as RFC 2104 defines it, so that neither side's library is its own judge."""
    block = key.ljust(64, b"\0")
    assert len(block) == 64
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + text).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def test_an_incident_that_comes_up_is_told(sandbox):
    analyst = {
        "id": "9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e",
        "displayName": "A. Analyst",
        "email": "a@northwind.example",
    }
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.add_incidents(incident(createdAt="2026-11-21T03:00:00Z", title="Zoë signs in", user=analyst))
        (entry,) = delivered(sandbox, 1)
        (headers, body) = receiver.taken[0][1:]
    stamp = headers["X-CF-Timestamp"]
    assert headers["path"] == "/events?of=itsm"
    assert headers["X-CF-Schema"] == "incident.created.v1"
    assert headers["Content-Type"] == "application/json"
    assert "X-CF-Test" not in headers
    assert abs(int(stamp) - time.time()) < 60
    assert headers["X-CF-Signature"] == "sha256=" + signature(SECRET.encode(), stamp.encode() + b"." + body).hex()
    event = json.loads(body)
    told, account = event.pop("timestamp"), event["data"].pop("accountId")
    assert told >= event["data"].pop("lastActivityAt") > "2026-11-22"
    assert account != NORTHWIND
    assert event == {
        "type": "incident.created.v1",
        "isTest": False,
        "occurredAt": "2026-11-21T03:00:00Z",
        "data": {
            "accountName": "Northwind Traders",
            "incidentId": incident()["id"],
            "incidentNumber": 5001,
            "title": "Zoë signs in",
            "description": None,
            "severity": "Low",
            "source": "sentinel",
            "sourceDisplayName": "Sentinel",
            "owner": {"displayName": "A. Analyst", "email": "a@northwind.example"},
            "createdAt": "2026-11-21T03:00:00Z",
            "occurredAt": "2026-11-21T03:00:00Z",
            "alertProductNames": [],
            "alerts": [],
            "entities": [],
        },
    }
    sent_at = entry.pop("sent_at")
    assert sent_at >= told
    assert entry == {
        "number": 1,
        "event_id": headers["X-CF-Event-Id"],
        "type": "incident.created.v1",
        "is_test": False,
        "incident_id": incident()["id"],
        "attempt": 1,
        "status": 200,
        "answer": '{"status": "seen"}',
        "error": None,
    }


def test_the_other_encoding(sandbox):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET, encoding="base64")
        sandbox.add_incidents(incident())
        delivered(sandbox, 1)
        ((_time, headers, body),) = receiver.taken
    stamp = headers["X-CF-Timestamp"]
    age = datetime.now(timezone.utc) - datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    assert abs(age.total_seconds()) < 60
    assert stamp.endswith("Z")
    assert base64.b64decode(headers["X-CF-Signature"]) == signature(SECRET.encode(), f"{stamp}.".encode() + body)


def test_what_is_not_taken_is_delivered_again(sandbox):
    with Receiver((500, {}), (302, {"Location": "/"}), (503, {"Retry-After": "1"}), (204, {})) as receiver:
        sandbox.set_webhook(receiver.url, SECRET, pause=0.1)
        sandbox.add_incidents(incident())
        entries = delivered(sandbox, 4)
        times = [moment for moment, _headers, _body in receiver.taken]
    assert [(entry["attempt"], entry["status"]) for entry in entries] == [(1, 500), (2, 302), (3, 503), (4, 204)]
    assert len(set(receiver.header("X-CF-Event-Id"))) == 1
    assert receiver.bodies[0] == receiver.bodies[3]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert 0.1 <= pauses[0] < 0.2 <= pauses[1] < 1 <= pauses[2]
    assert sandbox.deliveries()["given_up"] == 0


def test_nobody_there(sandbox):
    with Receiver() as receiver:
        pass
    sandbox.set_webhook(receiver.url, SECRET, attempts=3, pause=0)
    sandbox.add_incidents(incident())
    entries = delivered(sandbox, 3)
    assert {(entry["status"], entry["answer"]) for entry in entries} == {(None, None)}
    assert all("onnect" in entry["error"] for entry in entries)
    assert sandbox.deliveries()["given_up"] == 1
    assert incident()["id"] in stored(sandbox)


def test_every_incident_has_its_event(sandbox):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.add_incidents(*(incident(number) for number in range(20)))
        delivered(sandbox, 20)
    assert len(set(receiver.header("X-CF-Event-Id"))) == 20
    assert {body["data"]["incidentId"] for body in receiver.bodies} == {incident(number)["id"] for number in range(20)}
    assert len({body["data"]["accountId"] for body in receiver.bodies}) == 1


def test_a_test_delivery(sandbox):
    before = stored(sandbox)
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.test_webhook()
        (entry,) = delivered(sandbox, 1)
    assert receiver.header("X-CF-Test") == ["true"]
    assert entry["is_test"] is receiver.bodies[0]["isTest"] is True
    assert stored(sandbox) == before


def test_delivered_again_by_mistake(sandbox):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET, copies=2)
        sandbox.add_incidents(incident())
        delivered(sandbox, 2)
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.deliver_again()
        delivered(sandbox, 3)
        sandbox.deliver_again(new_id=True)
        delivered(sandbox, 4)
    first, second, third, fourth = receiver.header("X-CF-Event-Id")
    assert first == second == third != fourth
    assert receiver.bodies[0] == receiver.bodies[1] == receiver.bodies[2]
    assert receiver.bodies[3].pop("timestamp") > receiver.bodies[0]["timestamp"]
    assert receiver.bodies[3]["data"] == receiver.bodies[0]["data"]


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_misbehaviour(sandbox, encoding):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET, encoding=encoding, signature="wrong", age=3600)
        sandbox.add_incidents(incident())
        delivered(sandbox, 1)
        ((_time, headers, body),) = receiver.taken
    stamp, sent = headers["X-CF-Timestamp"], headers["X-CF-Signature"]
    right = signature(SECRET.encode(), f"{stamp}.".encode() + body)
    found = bytes.fromhex(sent.removeprefix("sha256=")) if encoding == "hex" else base64.b64decode(sent)
    assert len(found) == 32
    assert found != right
    moment = int(stamp) if encoding == "hex" else datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
    assert 3540 < time.time() - moment < 3660


def test_reset_ends_the_subscription_and_what_is_on_its_way(sandbox):
    with Receiver((503, {})) as receiver:
        sandbox.set_webhook(receiver.url, SECRET, pause=0.05)
        sandbox.add_incidents(incident())
        while not receiver.taken:
            time.sleep(0.01)
        sandbox.reset()
        sandbox.add_incidents(incident())
        seen = len(receiver.taken)
        time.sleep(0.3)
        # One may have been under way.
        assert len(receiver.taken) <= seen + 1
    assert sandbox.deliveries() == {"entries": [], "waiting": 0, "given_up": 0}


@pytest.mark.parametrize(
    "body, told",
    [
        (
            {},
            "a webhook has url and secret, may have encoding, copies, age, signature, attempts, pause",
        ),
        ({"url": "http://127.0.0.1:1/", "secret": ""}, "a webhook's secret is a text"),
        ({"url": "ftp://127.0.0.1/", "secret": "x"}, "a webhook's url is an address that begins with http"),
        ({"url": "http://127.0.0.1/\r\nHost: x", "secret": "x"}, "a webhook's url is an address that begins with http"),
        ({"url": "http://me@127.0.0.1/", "secret": "x"}, "a webhook's url is an address that begins with http"),
        ({"url": "http://127.0.0.1:99999/", "secret": "x"}, "a webhook's url is an address that begins with http"),
        ({"url": "http://192.0.2.1/", "secret": "x"}, "the sandbox delivers to this machine only"),
        (
            {"url": "http://127.0.0.1.example/", "secret": "x"},
            "the sandbox delivers to this machine only",
        ),
        ({"url": "http://[::1]:1/", "secret": "x", "encoding": "hexa"}, "a webhook's encoding is hex or base64"),
        ({"url": "http://[::1]:1/", "secret": "x", "copies": True}, "a webhook's copies is an integer from 1 to 100"),
        ({"url": "http://localhost/", "secret": "x", "age": "1"}, "a webhook's age is a number of seconds"),
        ({"url": "http://localhost/", "secret": "x", "signature": None}, "a webhook's signature is right or wrong"),
        (
            {"url": "http://localhost/", "secret": "x", "attempts": 0},
            "a webhook's attempts is an integer from",
        ),
        ({"url": "http://localhost/", "secret": "x", "pause": -1}, "a webhook's pause is a number of seconds, up to"),
    ],
    ids=range(14),
)
def test_what_is_no_webhook_is_refused(sandbox, body, told):
    status, answer = steer(sandbox, "PUT", "webhook", body)
    assert (status, list(answer)) == (400, ["error"])
    assert answer["error"].startswith(told)


def test_nothing_to_deliver(sandbox):
    sandbox.add_incidents(incident())
    for name in ("webhook/test", "webhook/again"):
        assert steer(sandbox, "POST", name, None) == (400, {"error": "there is no webhook to deliver to"})
    sandbox.set_webhook("http://127.0.0.1:1/", SECRET)
    assert steer(sandbox, "POST", "webhook/again", None) == (400, {"error": "nothing was delivered yet"})
    for wrong in ([], {"new_id": 1}, {"old_id": True}):
        told = {"error": "again takes new_id, true or false, and nothing else"}
        assert steer(sandbox, "POST", "webhook/again", wrong) == (400, told)
    assert sandbox.deliveries()["entries"] == []


def test_the_webhook_of_the_command_line(tmp_path):
    """It stays over a reset, and its host may be named again; the secret is in the file of variables only."""
    (tmp_path / "secret").write_text("of one's own\n", encoding="utf-8")
    with Receiver() as receiver:
        for words, secret in (([], None), (["--webhook-secret-file", "secret"], "of one's own")):
            receiver.taken.clear()
            with Started(tmp_path, "--webhook-url", receiver.url, *words) as started:
                exported = started.variables["CONTRAFORCE_WEBHOOK_SECRET"]
                assert secret in (None, exported)
                assert len(exported) >= 12
                for _again in range(2):
                    steer(started, "POST", "reset", {})
                    assert steer(started, "POST", "incidents", [incident()])[0] == 200
                deadline = time.monotonic() + 10
                while len(receiver.taken) < 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                _time, headers, body = receiver.taken[-1]
                right = signature(exported.encode(), headers["X-CF-Timestamp"].encode() + b"." + body).hex()
                assert headers["X-CF-Signature"] == f"sha256={right}"


def test_a_host_that_the_command_line_named(tmp_path):
    with Started(tmp_path, "--webhook-url", "http://itsm.example.invalid:1/") as started:
        named = {"url": "http://itsm.example.invalid:2/", "secret": "x"}
        assert steer(started, "PUT", "webhook", named)[0] == 200
        assert steer(started, "PUT", "webhook", {**named, "url": "http://other.example.invalid/"})[0] == 400


@pytest.mark.parametrize(
    "words, told",
    [
        (["--webhook-url", "127.0.0.1:5000"], "a webhook's url is an address that begins with http:// or https://"),
        (["--webhook-url", "http://127.0.0.1/", "--webhook-secret-file", "none"], "none cannot be read: No such file"),
        (["--webhook-url", "http://127.0.0.1/", "--webhook-secret-file", "empty"], "empty is no secret of one line"),
    ],
    ids=range(3),
)
def test_a_command_line_that_cannot_be_used(tmp_path, words, told):
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", MODULE, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"sandbox: {told}")


def test_over_tls(sandbox_process, tmp_path):
    """With the certificate authorities that Python's own variable names, and not without them."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Receiver() as receiver:
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = receiver.url.replace("http://127.0.0.1", "https://localhost")
        with Started(
            tmp_path, "--webhook-url", url, environment={"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        ) as started:
            steer(started, "POST", "incidents", [incident()])
            deadline = time.monotonic() + 10
            while not receiver.taken:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        sandbox_process.reset()
        sandbox_process.set_webhook(url, SECRET, attempts=1)
        sandbox_process.add_incidents(incident())
        (entry,) = delivered(sandbox_process, 1)
    assert "certificate verify failed" in entry["error"]


def test_a_receiver_that_never_answers_does_not_keep_the_sandbox(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with Started(tmp_path, "--webhook-url", url) as started:
            steer(started, "POST", "incidents", [incident()])
            begin = time.monotonic()
        assert time.monotonic() - begin < 5
