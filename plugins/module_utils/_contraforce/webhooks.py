# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Verify and parse deliveries of ContraForce webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, NoReturn, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

EVENT_ID = "X-CF-Event-Id"
SCHEMA = "X-CF-Schema"
TIMESTAMP = "X-CF-Timestamp"
SIGNATURE = "X-CF-Signature"
TEST = "X-CF-Test"

#: Headers that every delivery must have.
REQUIRED_HEADERS = (EVENT_ID, TIMESTAMP, SIGNATURE)

#: Headers that an event contains.
EVENT_HEADERS = (EVENT_ID, SCHEMA, TIMESTAMP)

#: The types of events whose headers are documented, but not their bodies (CF-A25).
UNDOCUMENTED_BODIES = ("agent.investigation.completed.v1",)

#: Seconds by which a timestamp may differ from the current time. Source: ContraForce documentation, webhooks.
TIMESTAMP_TOLERANCE = 300

#: Maximum length of a header; genuine headers are much shorter.
MAX_HEADER_LENGTH = 256

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class RefusalError(Exception):
    """The reason to refuse a delivery.

    :param status: the HTTP status, the only thing that the sender learns.
    :param reason: the reason for the log; contains no data of the delivery.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class DeliveryHeaders:
    """The headers of a delivery.

    :param event_id: the event's id, the same for all attempts to deliver it.
    :param timestamp: the time of the signature, exactly as sent, because it is signed too.
    :param signature: the signature as sent.
    :param schema: the schema of the body, or None.
    :param is_test: whether this is a test delivery.
    """

    event_id: str
    timestamp: str
    signature: str = field(repr=False)
    schema: str | None = None
    is_test: bool = False

    def shown(self) -> dict[str, str]:
        """Return the headers for an event, by their documented names."""
        values = zip(EVENT_HEADERS, (self.event_id, self.schema, self.timestamp))
        return {name: value for name, value in values if value is not None}


def parse_headers(pairs: Iterable[tuple[str, str]]) -> DeliveryHeaders:
    """Parse the headers of a delivery.

    :param pairs: names and values as received, in any order and case.
    :raises RefusalError: if a header is missing, duplicate or invalid.
    """
    names = {name.lower(): name for name in (*REQUIRED_HEADERS, SCHEMA, TEST)}
    found: dict[str, str] = {}
    for given, value in pairs:
        name = names.get(given.lower())
        if name in found:
            raise RefusalError(400, f"it has more than one {name} header")
        if name is not None:
            found[name] = value
    for name in REQUIRED_HEADERS:
        if not found.get(name):
            raise RefusalError(400, f"its {name} header is missing")
    for name, value in found.items():
        if len(value) > MAX_HEADER_LENGTH or not value.isprintable():
            raise RefusalError(400, f"its {name} header is too long or contains invalid characters")
    is_test = found.get(TEST, "").lower() == "true"
    return DeliveryHeaders(found[EVENT_ID], found[TIMESTAMP], found[SIGNATURE], found.get(SCHEMA), is_test)


def signing_keys(*secrets: str | None) -> tuple[bytes, ...]:
    """Return the signing keys of the secrets that are set (CF-A20).

    :param secrets: the secrets as ContraForce shows them, or None.
    """
    return tuple(secret.encode("utf-8") for secret in secrets if secret)


def verify(keys: Sequence[bytes], headers: DeliveryHeaders, body: bytes, now: float) -> None:
    """Verify that a delivery was signed recently with one of the keys.

    Two pairs of formats are documented: Unix seconds with ``sha256=`` and lower-case hexadecimal digits, and ISO 8601
    with Base64. All checks run for every delivery, so that the response time does not show which one failed.

    :param keys: the accepted keys.
    :param headers: the delivery's headers.
    :param body: the body exactly as received.
    :param now: the current time in Unix seconds.
    :raises RefusalError: with the same status for every failure.
    """
    encode, sent = _signing_time(headers.timestamp)
    given = headers.signature.encode("utf-8")
    message = headers.timestamp.encode("utf-8") + b"." + body
    matches = [hmac.compare_digest(given, encode(hmac.new(key, message, hashlib.sha256).digest())) for key in keys]
    if not any(matches):
        raise RefusalError(401, "its signature does not match")
    if sent is None:
        raise RefusalError(401, f"its {TIMESTAMP} is not a valid time")
    if abs(now - sent) > TIMESTAMP_TOLERANCE:
        raise RefusalError(
            401, f"its {TIMESTAMP} differs from this machine's clock by more than {TIMESTAMP_TOLERANCE // 60} minutes"
        )


def _hexadecimal(digest: bytes) -> bytes:
    return b"sha256=" + digest.hex().encode("ascii")


def _signing_time(timestamp: str) -> tuple[Callable[[bytes], bytes], float | None]:
    """Return the signature encoding that matches the format of a timestamp, and its Unix time, or None."""
    if _UNIX_SECONDS.fullmatch(timestamp):
        return _hexadecimal, float(timestamp)
    moment = instant(timestamp) if _ISO_8601.fullmatch(timestamp) else None
    try:
        return base64.b64encode, moment.timestamp() if moment else None
    except OverflowError:
        return base64.b64encode, None


def parse_payload(body: bytes, schema: str | None = None) -> dict[str, Any]:
    """Parse the body of a verified delivery.

    :param body: the body as received.
    :param schema: the schema in the headers. It is not signed, so it is only used for the event whose body is not
        documented (CF-A25), and only if that body does not contain its type.
    :raises RefusalError: if it is not a JSON object with a ``type``.
    """
    payload = parse_object(body)
    kind = payload.get("type") or (schema if schema in UNDOCUMENTED_BODIES else None)
    if not isinstance(kind, str):
        raise RefusalError(400, "its body is not an object with a type")
    return {**payload, "type": kind}


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a body.

    :param body: the body as received.
    :raises RefusalError: if it is not a JSON object.
    """
    try:
        payload = json.loads(body.decode("utf-8"), parse_constant=_reject_constant)
        # JSON can contain an unpaired surrogate, which cannot be printed.
        payload = Redactor().data(payload)
    except (ValueError, RecursionError):
        raise RefusalError(400, "its body is not JSON") from None
    if not isinstance(payload, dict):
        raise RefusalError(400, "its body is not a JSON object")
    return payload


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def is_test(headers: DeliveryHeaders, payload: Mapping[str, Any]) -> bool:
    """Return whether this is a test delivery.

    :param headers: the delivery's headers.
    :param payload: the parsed body.
    """
    return headers.is_test or payload.get("isTest") is True


def build_event(path: str, headers: DeliveryHeaders, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a delivery, in the format of other webhook sources.

    :param path: the path of the request.
    :param headers: the delivery's headers.
    :param payload: the parsed body.
    """
    # The header is not signed: it can only mark an event as a test, and rules only need to check the payload.
    marked = {**payload, "isTest": True} if is_test(headers, payload) else dict(payload)
    return {"payload": marked, "meta": {"endpoint": path.lstrip("/"), "headers": headers.shown()}}


class ExpiringCache:
    """A mapping of strings that drops old entries.

    :param size: the maximum number of entries.
    :param seconds: the maximum age of an entry.
    :param clock: returns a monotonic time in seconds.
    """

    def __init__(self, size: int, seconds: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        self._expire()
        return key in self._entries

    def setdefault(self, key: str, value: str = "") -> str:
        """Add an entry unless the key exists, and return the stored value.

        :param key: the key.
        :param value: the value of a new entry.
        """
        self._expire()
        _since, first = self._entries.setdefault(key, (self._clock(), value))
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return first

    def _expire(self) -> None:
        too_old = self._clock() - self._seconds
        while self._entries:
            since, _value = next(iter(self._entries.values()))
            if since >= too_old:
                return
            self._entries.popitem(last=False)


def log_safe(text: str, longest: int = 80) -> str:
    """Return a text that is safe to log.

    :param text: a text from another system, such as the id of an event.
    :param longest: the maximum number of characters.
    """
    safe = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return safe if len(text) <= longest else safe + "..."


class RefusalLog:
    """Log refusals, at most one line per second.

    :param write: logs a line.
    :param clock: returns a monotonic time in seconds.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._last: float | None = None
        self._suppressed = 0

    def note(self, remote: str | None, refused: RefusalError, event_id: str = "") -> None:
        """Log a refusal, or count it if a line was logged in the last second.

        :param remote: the address of the sender.
        :param refused: the refusal.
        :param event_id: the id of the event if the delivery is genuine.
        """
        now = self._clock()
        if self._last is not None and now - self._last < 1:
            self._suppressed += 1
            return
        self._last = now
        delivery = f"Delivery {log_safe(event_id)}" if event_id else "A delivery"
        more = f" ({self._more()})" if self._suppressed else ""
        self._write(
            f"{delivery} from {log_safe(remote or 'an unknown address')} was refused with {refused.status}: "
            f"{refused.reason}.{more}"
        )
        self._suppressed = 0

    def close(self) -> None:
        """Log the number of refusals that were only counted."""
        if self._suppressed:
            self._write(f"Deliveries were refused: {self._more()}.")
            self._suppressed = 0

    def _more(self) -> str:
        return f"{self._suppressed} more since the previous line"
