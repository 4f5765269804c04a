# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where events are delivered to, and how they are signed.

The signature is made here as the contract has it, and not with the collection's own code, which is to verify it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.secops.itsm.tests.sandbox.events import Event

HEX, BASE64 = "hex", "base64"
RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True)
class Webhook:
    """A subscription to events, and how the sandbox misbehaves in it.

    :param url: where they are delivered to.
    :param secret: what they are signed with.
    :param encoding: of the signature, as the vendor's pages disagree on it: ``hex``, behind ``sha256=``, with Unix
        seconds as the timestamp; or ``base64``, with one of ISO 8601.
    :param copies: how often each is delivered, even if it was taken.
    :param age: how many seconds ago its timestamp is; a negative number is in the future.
    :param signature: ``right`` or ``wrong``.
    :param attempts: how often a delivery is tried before it is given up.
    :param pause: seconds until the second try; twice as many until each further one, up to half a minute.
    """

    url: str
    secret: str
    encoding: str = HEX
    copies: int = 1
    age: float = 0.0
    signature: str = RIGHT
    attempts: int = 10
    pause: float = 1.0

    @classmethod
    def from_json(cls, value: Any, allowed_host: str | None = None) -> Webhook:
        """A subscription from what was posted.

        :param value: anything that JSON can carry.
        :param allowed_host: a host besides this machine that may be delivered to.
        :raises ValueError: for what is none, in a sentence.
        """
        if not isinstance(value, Mapping) or not {"url", "secret"} <= set(value) <= set(_CHECKS):
            optional = [name for name in _CHECKS if name not in ("url", "secret")]
            raise ValueError(f"a webhook has url and secret, may have {', '.join(optional)}, and nothing else")
        for name, entry in value.items():
            right, sentence = _CHECKS[name]
            if not right(entry):
                raise ValueError(f"a webhook's {name} is {sentence}")
        host = host_of(value["url"])
        # Whoever reaches the sandbox could otherwise let it knock at doors that only it can see.
        if not is_this_machine(host) and host != allowed_host:
            raise ValueError(f"the sandbox delivers to this machine only; start it with --webhook-url to allow {host}")
        return cls(**value)

    def headers(self, event: Event, body: bytes, now: datetime) -> dict[str, str]:
        """The headers of a delivery.

        :param event: what is delivered.
        :param body: as it is sent.
        :param now: the instant.
        """
        moment = now - timedelta(seconds=self.age)
        if self.encoding == HEX:
            stamp = str(int(moment.timestamp()))
        else:
            stamp = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        digest = hmac.new(self.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).digest()
        if self.signature == WRONG:
            digest = bytes(byte ^ 1 for byte in digest)
        written = f"sha256={digest.hex()}" if self.encoding == HEX else base64.b64encode(digest).decode("ascii")
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
    """The host of a URL.

    :param url: checked.
    """
    return urlsplit(url).hostname or ""


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine itself.

    :param host: a name or an address.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_url(value: Any) -> bool:
    """Whether a value is a URL that can be delivered to.

    :param value: anything.
    """
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        reachable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return reachable and "@" not in parts.netloc


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100


#: What each field may be, and how a refusal says it.
_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "url": (is_url, "an address that begins with http:// or https://"),
    "secret": (lambda value: isinstance(value, str) and bool(value), "a text"),
    "encoding": (lambda value: value in (HEX, BASE64), f"{HEX} or {BASE64}"),
    "copies": (_is_count, "an integer from 1 to 100"),
    "age": (lambda value: _is_number(value) and abs(value) <= 10**9, "a number of seconds"),
    "signature": (lambda value: value in (RIGHT, WRONG), f"{RIGHT} or {WRONG}"),
    "attempts": (_is_count, "an integer from 1 to 100"),
    "pause": (lambda value: _is_number(value) and 0 <= value <= 3600, "a number of seconds, up to 3600"),
}
