# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox raises incidents while it runs, and delivers their events to a webhook, as ContraForce does."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.error
import uuid
from datetime import datetime
from typing import Any

import pytest
import trustme
import yaml

from ansible_collections.secops.itsm.tests.sandbox.__main__ import webhook_secret
from ansible_collections.secops.itsm.tests.sandbox.deliveries import Deliveries
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import TicketingClient

NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
TIMES = ("created", "lastActivity", "occurred")
SECRET = "the secret of a webhook, ü"


def incident(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "workspaceId": NORTHWIND,
        "source": "Sentinel",
        "id": f"00000000-0000-4000-9000-{number:012}",
        "number": 5000 + number,
        "title": f"Sign-in from the office, {number}",
        "severity": "Low",
        "status": "New",
        **changes,
    }


def stored(sandbox: SandboxProcess) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in sandbox.state()["incidents"]}


def refused(sandbox: SandboxProcess, name: str, body: Any) -> str:
    """Return the message with which a control request is refused with status 400."""
    with pytest.raises(urllib.error.HTTPError, match="400") as refusal:
        sandbox.control("POST", name, body)
    with refusal.value:
        return str(json.load(refusal.value)["error"])


class Receiver:
    """A server that records the requests that it receives.

    :param responses: statuses and headers in order; the last one is used for all further requests.
    """

    def __init__(self, *responses: tuple[int, dict[str, str]]) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        receiver, statuses = self, list(responses or [(200, {})])

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(({"path": self.path, **dict(self.headers)}, body))
                status, headers = statuses.pop(0) if len(statuses) > 1 else statuses[0]
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(b'{"status": "seen"}')

            def log_message(self, *_arguments: Any) -> None:
                """Log nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events?of=itsm"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.received]

    def header(self, name: str) -> list[str | None]:
        return [headers.get(name) for headers, _body in self.received]

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def delivered(sandbox: SandboxProcess, count: int) -> list[dict[str, Any]]:
    """Wait until nothing is being delivered, and return the deliveries."""
    deadline = time.monotonic() + 10
    while True:
        shown = sandbox.deliveries()
        if len(shown["entries"]) >= count and not shown["waiting"]:
            assert len(shown["entries"]) == count
            return list(shown["entries"])
        assert time.monotonic() < deadline, shown
        time.sleep(0.01)


def signature(key: bytes, text: bytes) -> bytes:
    """Return the HMAC-SHA256 as RFC 2104 defines it, independently of the library that both sides use."""
    block = key.ljust(64, b"\0")
    assert len(block) == 64
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + text).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def test_event_of_an_incident_is_delivered(sandbox):
    analyst = {"id": "1", "displayName": "A. Analyst", "email": "a@northwind.example"}
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.add_incidents(incident(createdAt="2026-11-21T03:00:00Z", title="Zoë signs in", user=analyst))
        (entry,) = delivered(sandbox, 1)
        ((headers, body),) = receiver.received
    timestamp = headers["X-CF-Timestamp"]
    assert headers["path"] == "/events?of=itsm"
    assert headers["X-CF-Schema"] == "incident.created.v1"
    assert headers["Content-Type"] == "application/json"
    assert "X-CF-Test" not in headers
    assert abs(int(timestamp) - time.time()) < 60
    assert headers["X-CF-Signature"] == "sha256=" + signature(SECRET.encode(), f"{timestamp}.".encode() + body).hex()
    event = json.loads(body)
    created, account = event.pop("timestamp"), event["data"].pop("accountId")
    assert created >= event["data"].pop("lastActivityAt") > "2026-11-22"
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
    assert entry.pop("sent_at") >= created
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


def assert_accepted_by_the_samples(event: dict[str, Any]) -> None:
    """Assert that an event has the types that the receivers in the vendor's public samples require."""
    data = event["data"]
    assert str(uuid.UUID(data["accountId"])) == data["accountId"].lower()
    assert 0 <= data["incidentNumber"] < 2**31
    texts = [data[name] for name in ("accountName", "incidentId", "title", "severity", "source", "sourceDisplayName")]
    texts += [alert[name] for alert in data["alerts"] for name in ("title", "severity", "productName", "vendorName")]
    texts += [entity[name] for entity in data["entities"] for name in ("type", "displayName")]
    assert [text for text in [*texts, *data["alertProductNames"]] if not isinstance(text, str)] == []
    for time_ in (event["timestamp"], event["occurredAt"], *(data[f"{name}At"] for name in TIMES)):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)", time_)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"number": "77", "source": "QRadar", "title": None, "severity": None, "lastActivityTime": None},
        {"number": None, "createdAt": None, "updatedAt": None, "alertProductNames": None, "name": "Named"},
        {"createdAt": "2026-11-21", "updatedAt": "2026-11-21T03:00", "lastActivityTime": "2026-11-21 03:00:00+01:00"},
        {"source": "Splunk", "alerts": [{}, {"severity": 3}], "entities": [{}, {"kind": "Host", "hostName": "h"}]},
    ],
    ids=["complete", "null", "generated", "times", "details"],
)
def test_event_has_the_types_of_the_vendors_samples(sandbox, changes):
    sandbox.reset()
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.add_incidents(incident(), {**incident(2), **changes})
        delivered(sandbox, 2)
        sandbox.test_webhook()
        delivered(sandbox, 3)
    for body in receiver.bodies:
        assert_accepted_by_the_samples(body)
    made = next(body["data"] for body in receiver.bodies if body["data"]["incidentId"] == incident(2)["id"])
    if changes.get("number", True):
        assert made["incidentNumber"] == int(changes.get("number", 5002))
    else:
        assert made["incidentNumber"] > 5001
        assert str(made["incidentNumber"]) == str(stored(sandbox)[incident(2)["id"]]["number"])


def test_details_of_an_incident_are_in_its_event(sandbox):
    account = {"kind": "Account", "name": "k.meyer", "upnSuffix": "northwind.example"}
    named = {"type": "Ip", "displayName": "office", "address": "203.0.113.24"}
    alert = {"id": "1", "title": "Atypical travel", "severity": "Medium"}
    own = {**alert, "productName": "Entra ID Protection", "vendorName": "Contoso"}
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        found = {"alertProductNames": ["Azure Sentinel"], "entities": [account, named], "alerts": [alert, own]}
        sandbox.add_incidents(incident(**found))
        delivered(sandbox, 1)
    data = receiver.bodies[0]["data"]
    assert [(entity["type"], entity["displayName"]) for entity in data["entities"]] == [
        ("Account", "k.meyer@northwind.example"),
        ("Ip", "office"),
    ]
    assert data["alerts"] == [
        {"title": "Atypical travel", "severity": "Medium", "productName": "Azure Sentinel", "vendorName": "Microsoft"},
        {"title": "Atypical travel", "severity": "Medium", "productName": own["productName"], "vendorName": "Contoso"},
    ]


def test_incident_that_cannot_have_an_event_is_not_stored(sandbox):
    for number in (2**31, "-1"):
        refusal = refused(sandbox, "incidents", [incident(8), {**incident(9), "number": number}])
        assert f"incident {incident(9)['id']} cannot have an event" in refusal
    assert not {incident(8)["id"], incident(9)["id"]} & set(stored(sandbox))


def test_event_of_an_investigation_is_delivered(sandbox):
    named = {key: incident()[key] for key in ("workspaceId", "source", "id")}
    verdict = {"classification": "FalsePositive", "classificationReason": "InaccurateData"}
    with Receiver() as receiver:
        # This event is documented with one encoding only.
        sandbox.set_webhook(receiver.url, SECRET, encoding="hex")
        sandbox.add_incidents(incident())
        delivered(sandbox, 1)
        sandbox.complete_investigations({**named, **verdict})
        delivered(sandbox, 2)
        headers, body = receiver.received[1]
        for wrong in ([{**named, "id": "none"}], [{**named, "classification": "Guess"}], {}):
            assert refused(sandbox, "investigations", wrong)
    assert headers["X-CF-Schema"] == json.loads(body)["type"] == "agent.investigation.completed.v1"
    stamp = headers["X-CF-Timestamp"]
    assert datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    right = signature(SECRET.encode(), stamp.encode() + b"." + body)
    assert base64.b64decode(headers["X-CF-Signature"], validate=True) == right
    data = json.loads(body)["data"]
    assert {name: data[name] for name in verdict} == verdict
    assert (data["incidentId"], data["source"]) == (named["id"], "sentinel")


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("faults", [{}, {"signature": "wrong", "age": 3600}], ids=str)
def test_signature_has_the_encoding_and_the_faults(sandbox, encoding, faults):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET, encoding=encoding, **faults)
        sandbox.add_incidents(incident())
        delivered(sandbox, 1)
        ((headers, body),) = receiver.received
    timestamp, sent = headers["X-CF-Timestamp"], headers["X-CF-Signature"]
    right = signature(SECRET.encode(), f"{timestamp}.".encode() + body)
    found = bytes.fromhex(sent.removeprefix("sha256=")) if encoding == "hex" else base64.b64decode(sent)
    assert len(found) == 32
    assert (found == right) == (not faults)
    moment = timestamp if encoding == "hex" else datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    assert abs(time.time() - float(moment) - faults.get("age", 0)) < 60


def test_event_is_delivered_again_until_it_is_accepted(sandbox):
    with Receiver((500, {}), (302, {"Location": "/"}), (503, {"Retry-After": "0"}), (204, {})) as receiver:
        sandbox.set_webhook(receiver.url, SECRET, pause=0.04)
        sandbox.add_incidents(incident())
        entries = delivered(sandbox, 4)
    assert [(entry["attempt"], entry["status"]) for entry in entries] == [(1, 500), (2, 302), (3, 503), (4, 204)]
    assert len(set(receiver.header("X-CF-Event-Id"))) == 1
    assert receiver.bodies[0] == receiver.bodies[3]
    times = [datetime.fromisoformat(entry["sent_at"].replace("Z", "+00:00")).timestamp() for entry in entries]
    first, second, third = (later - earlier for earlier, later in zip(times, times[1:]))
    assert first >= 0.039
    assert second >= 0.079
    assert third < 0.16
    assert sandbox.deliveries()["given_up"] == 0


def test_delivery_is_given_up_without_a_receiver(sandbox):
    with Receiver() as receiver:
        pass
    sandbox.set_webhook(receiver.url, SECRET, attempts=3, pause=0)
    sandbox.add_incidents(incident())
    entries = delivered(sandbox, 3)
    assert {(entry["status"], entry["answer"]) for entry in entries} == {(None, None)}
    assert all("onnect" in entry["error"] for entry in entries)
    assert sandbox.deliveries()["given_up"] == 1
    assert incident()["id"] in stored(sandbox)


def test_every_incident_and_test_delivery_has_its_event(sandbox):
    with Receiver() as receiver:
        sandbox.set_webhook(receiver.url, SECRET)
        sandbox.add_incidents(*(incident(number) for number in range(20)))
        delivered(sandbox, 20)
        before = stored(sandbox)
        sandbox.test_webhook()
        entry = delivered(sandbox, 21)[20]
    assert len(set(receiver.header("X-CF-Event-Id"))) == 21
    ids = {body["data"]["incidentId"] for body in receiver.bodies}
    assert ids > {incident(number)["id"] for number in range(20)}
    assert len({body["data"]["accountId"] for body in receiver.bodies}) == 1
    assert receiver.header("X-CF-Test")[19:] == [None, "true"]
    assert entry["is_test"] is receiver.bodies[20]["isTest"] is True
    assert stored(sandbox) == before


def test_event_is_delivered_again_on_request(sandbox):
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


def test_reset_ends_the_subscription_and_its_deliveries(sandbox):
    with Receiver((503, {})) as receiver:
        sandbox.set_webhook(receiver.url, SECRET, pause=0.01)
        sandbox.add_incidents(incident())
        while not receiver.received:
            time.sleep(0.01)
        sandbox.reset()
        sandbox.add_incidents(incident())
        seen = len(receiver.received)
        time.sleep(0.05)
        # One request may have been in transit.
        assert len(receiver.received) <= seen + 1
    assert sandbox.deliveries() == {"entries": [], "waiting": 0, "given_up": 0}


def test_delivery_without_a_webhook_or_an_event_is_refused():
    deliveries = Deliveries()
    with pytest.raises(ValueError, match="no webhook"):
        deliveries.send_again(None)
    deliveries.subscribe({"url": "http://127.0.0.1:1/", "secret": SECRET})
    with pytest.raises(ValueError, match="no event"):
        deliveries.send_again({"new_id": True})
    deliveries.subscribe(None)
    assert deliveries.webhook is None


def test_secret_is_generated():
    assert len({webhook_secret(None), webhook_secret(None)}) == 2


def own_seed() -> dict[str, Any]:
    """Return a seed without optional keys, but with linked incidents and a client with two scopes."""
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    del seed["users"], seed["now"]
    seed["incidents"][1]["ticketId"] = "T20261121.0043"
    seed["incidents"][13]["ticketId"] = "CTC-0041"
    seed["ticketing"]["clients"][0]["scope"] = "tickets:read tickets:write"
    return seed


def test_sandbox_uses_the_seed_and_the_webhook_of_its_options(tmp_path, sandbox):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    text = yaml.safe_dump(own_seed()).replace("'2026-11-20T22:41:07.113Z'", "2026-11-20T22:41:07.113Z")
    (tmp_path / "seed.yml").write_text(text, encoding="utf-8")
    with Receiver() as receiver, socket.create_server(("127.0.0.1", 0)) as silent:
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = receiver.url.replace("http://127.0.0.1", "https://localhost")
        words = ("--webhook-url", url, "--webhook-secret-file", str(tmp_path / "secret"))
        trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        with SandboxProcess(tmp_path / "seed.yml", *words, environment=trusted) as started:
            known = {entry["id"]: entry for entry in started.state()["incidents"]}
            assert known["6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"]["createdAt"] == "2026-11-20T22:41:07.113Z"
            closed, dump = known["c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"], known["7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"]
            assert (closed["ticketId"], closed["comments"][0]["ticketId"], dump["ticketId"]) == (
                41878,
                41878,
                "1458671",
            )
            token = TicketingClient(started).fetch_token(scope="tickets:read").body["access_token"]
            reader = TicketingClient(started, {"Authorization": f"Bearer {token}"})
            assert reader.request("GET", "/user/userinfo").body["data"]["permissions"] == ["tickets:read"]
            assert reader.create({}).body["code"] == "USER_PERMISSION_FAILURE"
            # The webhook of the command line remains after a reset.
            started.reset()
            started.add_incidents(incident())
            delivered(started, 1)
            ((headers, body),) = receiver.received
            right = signature(SECRET.encode(), headers["X-CF-Timestamp"].encode() + b"." + body).hex()
            assert headers["X-CF-Signature"] == f"sha256={right}"
            # A receiver that never responds does not delay the end.
            started.set_webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", SECRET)
            started.add_incidents(incident(2))
            begin = time.monotonic()
            assert started.stop() == 0
            assert time.monotonic() - begin < 5
        # Without the certificate authority, the certificate is not trusted.
        sandbox.set_webhook(url, SECRET, attempts=1)
        sandbox.add_incidents(incident())
        (entry,) = delivered(sandbox, 1)
    assert "certificate verify failed" in entry["error"]
