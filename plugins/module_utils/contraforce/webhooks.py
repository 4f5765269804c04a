# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ContraForce delivers by webhook: whether a delivery is genuine, what it holds, and whether it came before."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, NoReturn, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.instants import instant
from ansible_collections.secops.itsm.plugins.module_utils.redact import Redactor

EVENT_ID = "X-CF-Event-Id"
SCHEMA = "X-CF-Schema"
TIMESTAMP = "X-CF-Timestamp"
SIGNATURE = "X-CF-Signature"
TEST = "X-CF-Test"

#: Without these a delivery says too little.
NEEDED = (EVENT_ID, TIMESTAMP, SIGNATURE)

#: What a rulebook sees of the headers.
SHOWN = (EVENT_ID, SCHEMA, TIMESTAMP)

#: Seconds by which a timestamp may differ from the time. Source: the contract's section "Webhooks".
TOLERANCE = 300

#: More characters than any of the headers needs.
LONGEST_HEADER = 256

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


class RefusalError(Exception):
    """A delivery that is not taken.

    :param status: of HTTP, which is all that the sender is told.
    :param reason: for the log; holds nothing of what was sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class DeliveryHeaders:
    """What the headers of a delivery say.

    :param event_id: of the event, the same for every try to deliver it.
    :param timestamp: when it was signed, as it was spelled, for the signature goes over that.
    :param signature: as it was sent.
    :param schema: of the body, if it was named.
    :param is_test: whether somebody is trying the webhook out.
    """

    event_id: str
    timestamp: str
    signature: str = field(repr=False)
    schema: str | None = None
    is_test: bool = False

    def shown(self) -> dict[str, str]:
        """The headers that a rulebook sees, under the documented names."""
        values = zip(SHOWN, (self.event_id, self.schema, self.timestamp))
        return {name: value for name, value in values if value is not None}


def delivery_headers(pairs: Iterable[tuple[str, str]]) -> DeliveryHeaders:
    """The headers of a delivery.

    :param pairs: names and values as they came, in any order and case.
    :raises RefusalError: when one is missing, is there twice, or can be none of ContraForce's.
    """
    names = {name.lower(): name for name in (*NEEDED, SCHEMA, TEST)}
    found: dict[str, str] = {}
    for given, value in pairs:
        name = names.get(given.lower())
        if name in found:
            raise RefusalError(400, f"it has {name} twice")
        if name is not None:
            found[name] = value
    for name in NEEDED:
        if not found.get(name):
            raise RefusalError(400, f"it has no {name}")
    for name, value in found.items():
        if len(value) > LONGEST_HEADER or not value.isprintable():
            raise RefusalError(400, f"its {name} is too long or holds what no header can")
    is_test = found.get(TEST, "").lower() == "true"
    return DeliveryHeaders(found[EVENT_ID], found[TIMESTAMP], found[SIGNATURE], found.get(SCHEMA), is_test)


def signing_keys(*secrets: str | None) -> tuple[bytes, ...]:
    """The keys of the secrets that are set (CF-A20 in the README).

    :param secrets: as ContraForce shows them.
    """
    return tuple(secret.encode("utf-8") for secret in secrets if secret)


def verify(keys: Sequence[bytes], headers: DeliveryHeaders, body: bytes, now: float) -> None:
    """Check that a delivery was signed by who knows a secret, and lately.

    There are two documented pairs of spellings, and no others: Unix seconds with C(sha256=) and small hexadecimal
    digits, ISO 8601 with bare Base64. The whole work is done for every delivery, so that the time that it takes says
    nothing of what was wrong.

    :param keys: any of which may have signed it.
    :param headers: of the delivery.
    :param body: exactly as it came.
    :param now: the time, in Unix seconds.
    :raises RefusalError: with the same status for whatever is wrong.
    """
    spelled, sent = _signing_time(headers.timestamp)
    given = headers.signature.encode("utf-8")
    message = headers.timestamp.encode("utf-8") + b"." + body
    matches = [hmac.compare_digest(given, spelled(hmac.new(key, message, hashlib.sha256).digest())) for key in keys]
    if not any(matches):
        raise RefusalError(401, "its signature does not match")
    if sent is None:
        raise RefusalError(401, f"its {TIMESTAMP} is no point in time")
    if abs(now - sent) > TOLERANCE:
        raise RefusalError(401, f"its {TIMESTAMP} is more than {TOLERANCE // 60} minutes off; compare the clocks")


def _hexadecimal(digest: bytes) -> bytes:
    return b"sha256=" + digest.hex().encode("ascii")


def _signing_time(timestamp: str) -> tuple[Callable[[bytes], bytes], float | None]:
    """How a signature beside this timestamp is spelled, and the time in Unix seconds, or None if it is none."""
    if _UNIX_SECONDS.fullmatch(timestamp):
        return _hexadecimal, float(timestamp)
    moment = instant(timestamp) if _ISO_8601.fullmatch(timestamp) else None
    try:
        return base64.b64encode, moment.timestamp() if moment else None
    except OverflowError:
        return base64.b64encode, None


def payload_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a genuine delivery holds.

    :param body: as it came.
    :raises RefusalError: when it is none, or has no C(type).
    """
    try:
        payload = json.loads(body.decode("utf-8"), parse_constant=_no_json)
        # Half a surrogate pair, which JSON can spell, would break whatever prints the event.
        payload = Redactor().data(payload)
    except (ValueError, RecursionError):
        raise RefusalError(400, "its body is no JSON") from None
    if not isinstance(payload, dict) or not isinstance(payload.get("type"), str) or not payload["type"]:
        raise RefusalError(400, "its body is no object with a type")
    return payload


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def is_test(headers: DeliveryHeaders, payload: Mapping[str, Any]) -> bool:
    """Whether somebody is trying the webhook out.

    :param headers: of the delivery.
    :param payload: of the delivery.
    """
    return headers.is_test or payload.get("isTest") is True


def event_of(path: str, headers: DeliveryHeaders, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a rulebook gets, in the shape of other webhooks.

    :param path: that it was sent to.
    :param headers: of the delivery.
    :param payload: of the delivery.
    """
    # The header is not signed, so that a rule can trust the payload alone; it may only make a test of an event.
    marked = {**payload, "isTest": True} if is_test(headers, payload) else dict(payload)
    return {"payload": marked, "meta": {"endpoint": path.lstrip("/"), "headers": headers.shown()}}


class Memory:
    """Remembers the latest of many texts, for a time.

    :param size: how many.
    :param seconds: how long.
    :param clock: gives the time in seconds, and never goes back.
    """

    def __init__(self, size: int, seconds: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: str) -> bool:
        self._forget()
        return key in self._kept

    def keep(self, key: str, value: str = "") -> str:
        """Remember a value, and give it; if there is one already, that stays, and is given.

        :param key: what it is remembered by.
        :param value: what is remembered.
        """
        self._forget()
        _since, first = self._kept.setdefault(key, (self._clock(), value))
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return first

    def _forget(self) -> None:
        too_old = self._clock() - self._seconds
        while self._kept:
            since, _value = next(iter(self._kept.values()))
            if since >= too_old:
                return
            self._kept.popitem(last=False)


def in_a_log(text: str, longest: int = 80) -> str:
    """A text that a line of a log can carry, whoever wrote it.

    :param text: such as an event's identifier.
    :param longest: how many characters may stay.
    """
    safe = "".join(character if character.isprintable() else "?" for character in text[:longest])
    return safe if len(text) <= longest else safe + "..."


class RefusalLog:
    """Tells of refusals, one line a second at the most, however many there are.

    :param tell: takes a line.
    :param clock: gives the time in seconds, and never goes back.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._last: float | None = None
        self._untold = 0

    def note(self, remote: str | None, refused: RefusalError, event_id: str = "") -> None:
        """Tell of a refusal, or count it.

        :param remote: the address that the delivery came from.
        :param refused: why it was not taken.
        :param event_id: its identifier, if the delivery is genuine.
        """
        now = self._clock()
        if self._last is not None and now - self._last < 1:
            self._untold += 1
            return
        self._last = now
        what = f"Delivery {in_a_log(event_id)}" if event_id else "A delivery"
        more = f" ({self._more()})" if self._untold else ""
        self._tell(
            f"{what} from {in_a_log(remote or 'nowhere')} was refused with {refused.status}: {refused.reason}.{more}"
        )
        self._untold = 0

    def close(self) -> None:
        """Tell of those that were only counted."""
        if self._untold:
            self._tell(f"Deliveries were refused: {self._more()}.")
            self._untold = 0

    def _more(self) -> str:
        return f"{self._untold} more since the line before"
