# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The webhook to which events are delivered, and its signature.

The signature is independent of the collection's own code, which must verify it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.secops.itsm.tests.sandbox.events import INVESTIGATED, Event
from ansible_collections.secops.itsm.tests.sandbox.input_validation import check

HEX, BASE64 = "hex", "base64"


@dataclass(frozen=True)
class Webhook:
    """A subscription to events, and its faults. control.schema.yml describes its fields."""

    url: str
    secret: str
    encoding: str = HEX
    copies: int = 1
    age: float = 0.0
    signature: str = "right"
    attempts: int = 10
    pause: float = 1.0

    @classmethod
    def from_json(cls, value: Any, allowed_host: str | None = None) -> Webhook:
        """Return a subscription.

        :param value: any JSON value.
        :param allowed_host: a host besides this machine to which events may be delivered.
        :raises ValueError: if the value is not a subscription, or its host is not allowed.
        """
        check("webhook", value)
        host = host_of(value["url"])
        # Otherwise, any client of the sandbox could make it send requests to hosts that only the sandbox can reach.
        if not is_this_machine(host) and host != allowed_host:
            raise ValueError(f"webhook.url has the host {host}, which only the option --webhook-url can allow")
        return cls(**value)

    def headers(self, event: Event, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers of a delivery.

        :param body: the body of the event.
        :param now: the current time.
        """
        moment = now - timedelta(seconds=self.age)
        # The page of this event documents only one encoding.
        encoding = BASE64 if event.body["type"] == INVESTIGATED else self.encoding
        if encoding == HEX:
            stamp = str(int(moment.timestamp()))
        else:
            stamp = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        digest = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).digest()
        if self.signature == "wrong":
            digest = bytes(byte ^ 1 for byte in digest)
        written = f"sha256={digest.hex()}" if encoding == HEX else base64.b64encode(digest).decode("ascii")
        test = {"X-CF-Test": "true"} if event.is_test else {}
        return {
            "Content-Type": "application/json",
            "X-CF-Schema": str(event.body["type"]),
            "X-CF-Event-Id": event.id,
            "X-CF-Timestamp": stamp,
            "X-CF-Signature": written,
            **test,
        }


def host_of(url: str) -> str:
    """Return the host of a valid URL."""
    return urlsplit(url).hostname or ""


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is that of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
