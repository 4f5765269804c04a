# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which deliveries of ContraForce are genuine, what they hold, and what is remembered and told of them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import (
    MAX_HEADER_LENGTH,
    TIMESTAMP_TOLERANCE,
    DeliveryHeaders,
    ExpiringCache,
    RefusalError,
    RefusalLog,
    build_event,
    is_test,
    log_safe,
    parse_headers,
    parse_payload,
    signing_keys,
    verify,
)

SECRET = "wonder\u00e4land"
FORMER = "looking-glass"
#: 2026-11-21T03:02:11Z.
NOW = 1795230131
BODY = '{"type": "incident.created.v1", "isTest": false, "data": {"title": "Gr\u00fc\u00dfe"}}'.encode()
UNIX, ISO = str(NOW), "2026-11-21T03:02:11Z"
HEADERS = {
    "X-CF-Event-Id": "e-1",
    "X-CF-Timestamp": UNIX,
    "X-CF-Signature": "sha256=00",
    "X-CF-Schema": "incident.created.v1",
}


def digest(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> bytes:
    """What is signed, as the sender does it."""
    return hmac.new(secret.encode("utf-8"), timestamp.encode("utf-8") + b"." + body, hashlib.sha256).digest()


def hexadecimal(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """The signature of the samples."""
    return "sha256=" + digest(timestamp, body, secret).hex()


def bare_base64(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """The signature of the guide."""
    return base64.b64encode(digest(timestamp, body, secret)).decode("ascii")


def verdict(timestamp: str, signature: str, body: bytes = BODY, now: float = NOW, *secrets: str) -> int:
    """200, or the status of the refusal."""
    try:
        verify(signing_keys(*(secrets or (SECRET,))), DeliveryHeaders("e-1", timestamp, signature), body, now)
    except RefusalError as refused:
        return refused.status
    return 200


def iso(seconds: float) -> str:
    """A point in time as the guide spells it."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def test_a_known_signature() -> None:
    # Worked out with openssl, so that the test shares no mistake with the code.
    signature = "sha256=1e4093e1dbd0af5b97a366ce20c7931a7c6affc1e08c1c6f9f3677dce548f49b"
    assert verdict(UNIX, signature, b"{}", NOW, "key") == 200


@pytest.mark.parametrize(
    "timestamp",
    [ISO, "2026-11-21T03:02:11.1234567Z", "2026-11-21T03:02:11+00:00", "2026-11-21T04:02:11+01:00", ISO[:-1]],
)
def test_iso_8601_goes_with_bare_base64(timestamp: str) -> None:
    assert verdict(timestamp, bare_base64(timestamp)) == 200


def test_unix_seconds_go_with_hexadecimal_digits() -> None:
    assert verdict(UNIX, hexadecimal(UNIX)) == 200


@pytest.mark.parametrize(
    "timestamp, signature",
    [
        (UNIX, bare_base64(UNIX)),
        (ISO, hexadecimal(ISO)),
        (UNIX, hexadecimal(UNIX).upper()),
        (UNIX, "sha256=" + digest(UNIX).hex().upper()),
        (UNIX, digest(UNIX).hex()),
        (UNIX, "sha256=" + bare_base64(UNIX)),
        (UNIX, "sha512=" + digest(UNIX).hex()),
        (UNIX, hexadecimal(UNIX) + "," + hexadecimal(UNIX)),
        (ISO, bare_base64(ISO).rstrip("=")),
        (ISO, bare_base64(ISO) + "="),
        (ISO, base64.urlsafe_b64encode(b"\xff" * 32).decode()),
        (ISO, digest(ISO).hex()),
        (ISO, "sha256=" + bare_base64(ISO)),
        (UNIX, "sha256="),
        (UNIX, ""),
        (ISO, ""),
        (UNIX, "\u00e4"),
    ],
)
def test_no_other_spelling_is_taken(timestamp: str, signature: str) -> None:
    assert verdict(timestamp, signature) == 401


@pytest.mark.parametrize(
    "timestamp",
    [
        f"{NOW}.0",
        f"+{NOW}",
        f"-{NOW}",
        f" {NOW}",
        f"{NOW}000",
        f"{NOW:_}",
        "\u0661\u0667\u0669\u0665\u0662\u0663\u0660\u0661\u0663\u0661",
        "1e9",
        "20261121",
        "2026-11-21",
        "20261121T030211Z",
        "2026-11-21 03:02:11Z",
        "2026-11-21T03:02Z",
        "2026-11-21T03:02:11z",
        "2026-13-21T03:02:11Z",
        "2026-11-21T24:61:11Z",
        "0001-01-01T00:00:00+14:00",
        "Sat, 21 Nov 2026 03:02:11 GMT",
        "now",
        "",
    ],
)
def test_no_other_timestamp_is_taken(timestamp: str) -> None:
    # Signed in either way by who knows the secret.
    assert verdict(timestamp, hexadecimal(timestamp)) == 401
    assert verdict(timestamp, bare_base64(timestamp)) == 401


@pytest.mark.parametrize(
    "off, status",
    [
        (0, 200),
        (TIMESTAMP_TOLERANCE, 200),
        (TIMESTAMP_TOLERANCE + 0.5, 401),
        (TIMESTAMP_TOLERANCE + 1, 401),
        (86400, 401),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_a_timestamp_may_be_5_minutes_off(off: float, direction: int, status: int) -> None:
    now = NOW + direction * off
    assert verdict(UNIX, hexadecimal(UNIX), BODY, now) == status
    assert verdict(ISO, bare_base64(ISO), BODY, now) == status


def test_the_tolerance_is_what_the_contract_says() -> None:
    assert TIMESTAMP_TOLERANCE == 5 * 60


@pytest.mark.parametrize("secret, status", [(SECRET, 200), (FORMER, 200), ("other", 401), ("", 401)])
def test_two_secrets_while_one_is_being_changed(secret: str, status: int) -> None:
    assert verdict(UNIX, hexadecimal(UNIX, BODY, secret), BODY, NOW, SECRET, FORMER) == status
    assert verdict(ISO, bare_base64(ISO, BODY, secret), BODY, NOW, SECRET, FORMER) == status


def test_no_secret_is_no_key() -> None:
    assert signing_keys(None, "", SECRET) == (SECRET.encode("utf-8"),)
    with pytest.raises(RefusalError):
        verify((), DeliveryHeaders("e-1", UNIX, hexadecimal(UNIX, BODY, "")), BODY, NOW)


def test_every_comparison_is_made_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: Any, other: Any) -> bool:
        compared.append((type(one), type(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    # However early it could be known that a delivery is refused, or taken.
    for timestamp, signature in ((UNIX, hexadecimal(UNIX)), (UNIX, "x"), ("now", "x"), ("1", "x")):
        compared.clear()
        verdict(timestamp, signature, BODY, NOW, SECRET, FORMER)
        assert compared == [(bytes, bytes)] * 2


def test_what_is_wrong_makes_no_difference_to_the_sender() -> None:
    late = verdict(UNIX, hexadecimal(UNIX), BODY, NOW + 900)
    forged = verdict(UNIX, hexadecimal(UNIX, BODY, "other"))
    assert late == forged == verdict("now", "x") == 401


@given(
    st.sampled_from(["body", "timestamp", "signature"]),
    st.booleans(),
    st.data(),
)
def test_one_changed_byte_is_refused(part: str, is_unix: bool, data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=1, max_size=200))
    timestamp = str(NOW) if is_unix else ISO
    signature = (hexadecimal if is_unix else bare_base64)(timestamp, body)
    assert verdict(timestamp, signature, body) == 200
    raw = {"body": body, "timestamp": timestamp.encode(), "signature": signature.encode()}
    place = data.draw(st.integers(0, len(raw[part]) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(byte != raw[part][place])
    raw[part] = raw[part][:place] + bytes([byte]) + raw[part][place + 1 :]
    # As aiohttp reads headers; bytes that are no UTF-8 do not come this far.
    spelled = {name: value.decode("utf-8", "replace") for name, value in raw.items()}
    assert verdict(spelled["timestamp"], spelled["signature"], raw["body"]) == 401


@given(st.binary(max_size=64), st.integers(0, 64), st.booleans())
def test_bytes_that_move_over_the_dot_are_refused(body: bytes, place: int, is_unix: bool) -> None:
    # 1795230131.5... must not be signed by 179523013.15...
    timestamp = UNIX if is_unix else ISO
    moved = f"{timestamp[:-1]}", timestamp[-1].encode() + body[:place]
    signature = hexadecimal(timestamp, body) if is_unix else bare_base64(timestamp, body)
    assert verdict(moved[0], signature, moved[1]) == 401


#: What headers can hold.
PRINTABLE = st.characters(exclude_categories=("C", "Z"))


@given(st.text(PRINTABLE, max_size=40), st.text(PRINTABLE, max_size=100), st.binary(max_size=100))
def test_nothing_but_a_refusal_is_raised(timestamp: str, signature: str, body: bytes) -> None:
    assert verdict(timestamp, signature, body) == 401


def test_the_headers_are_read_in_any_case_and_order() -> None:
    pairs = [(name.upper(), value) for name, value in reversed(list(HEADERS.items()))]
    headers = parse_headers([*pairs, ("Accept", "x"), ("accept", "y"), ("x-cf-test", "TRUE")])
    assert headers == DeliveryHeaders("e-1", UNIX, "sha256=00", "incident.created.v1", True)


@pytest.mark.parametrize("name", ["X-CF-Event-Id", "X-CF-Timestamp", "X-CF-Signature"])
@pytest.mark.parametrize("change", ["missing", "empty"])
def test_a_needed_header_that_is_missing(name: str, change: str) -> None:
    pairs = (
        {**HEADERS, name: ""}.items() if change == "empty" else [pair for pair in HEADERS.items() if pair[0] != name]
    )
    with pytest.raises(RefusalError, match=rf"no {name}\b") as caught:
        parse_headers(pairs)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", [*HEADERS, "X-CF-Test"])
def test_a_header_that_is_there_twice(name: str) -> None:
    twice = [*HEADERS.items(), (name.lower(), "true"), (name, "true")]
    with pytest.raises(RefusalError, match=rf"\b{name} twice") as caught:
        parse_headers(twice)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", [*HEADERS, "X-CF-Test"])
@pytest.mark.parametrize("value", ["a\tb", "\x1b[31m", "\udce4", "x" * (MAX_HEADER_LENGTH + 1)])
def test_a_header_with_what_none_has(name: str, value: str) -> None:
    with pytest.raises(RefusalError) as caught:
        parse_headers({**HEADERS, name: value}.items())
    assert caught.value.status == 400
    assert value not in caught.value.reason


def test_the_schema_can_be_left_out() -> None:
    headers = parse_headers(pair for pair in HEADERS.items() if pair[0] != "X-CF-Schema")
    assert headers.shown() == {"X-CF-Event-Id": "e-1", "X-CF-Timestamp": UNIX}


def test_a_signature_is_not_printed() -> None:
    assert "sha256" not in repr(parse_headers(HEADERS.items()))


@pytest.mark.parametrize("value, expected", [("true", True), ("True", True), ("false", False), ("1", False)])
def test_a_test_by_its_header(value: str, expected: bool) -> None:
    headers = parse_headers({**HEADERS, "X-CF-Test": value}.items())
    assert is_test(headers, {"type": "x"}) is expected
    assert build_event("/", headers, {"type": "x", "isTest": False})["payload"]["isTest"] is expected


@pytest.mark.parametrize("value, expected", [(True, True), (False, False), (None, False), ("no", False)])
def test_a_test_by_its_body(value: Any, expected: bool) -> None:
    assert is_test(parse_headers(HEADERS.items()), {"type": "x", "isTest": value}) is expected


def test_the_event_holds_the_body_and_three_headers() -> None:
    payload = parse_payload(BODY)
    assert build_event("/soc/contraforce", parse_headers(HEADERS.items()), payload) == {
        "payload": {"type": "incident.created.v1", "isTest": False, "data": {"title": "Gr\u00fc\u00dfe"}},
        "meta": {
            "endpoint": "soc/contraforce",
            "headers": {
                "X-CF-Event-Id": "e-1",
                "X-CF-Schema": "incident.created.v1",
                "X-CF-Timestamp": UNIX,
            },
        },
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"incident",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"type": null}',
        b'{"type": ""}',
        b'{"type": 1}',
        b'{"type": ["x"]}',
        b'[{"type": "x"}]',
        b'{"type": "x"} {"type": "y"}',
        b'{"type": "x", "data": NaN}',
        b'{"type": "x", "data": -Infinity}',
        b'{"type": "x\xff"}',
        '{"type": "x"}'.encode("utf-16"),
        b"\xef\xbb\xbf" + b'{"type": "x"}',
        b'{"type": "x", "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type": "x", "data": ' + b"1" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_event(body: bytes) -> None:
    with pytest.raises(RefusalError) as caught:
        parse_payload(body)
    assert caught.value.status == 400


def test_half_a_surrogate_pair_does_not_come_through() -> None:
    assert parse_payload(b'{"type": "x", "a\\udc00": ["\\ud83d", "\\ud83d\\ude00"]}') == {
        "type": "x",
        "a?": ["?", "\U0001f600"],
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_the_payload_is_the_body_as_parsed(data: Any) -> None:
    payload = {"type": "x", "data": data}
    for ascii_only in (True, False):
        assert parse_payload(json.dumps(payload, ensure_ascii=ascii_only).encode("utf-8")) == payload


@given(st.binary(max_size=200))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with contextlib.suppress(RefusalError):
        parse_payload(body)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_memory_keeps_what_was_first() -> None:
    memory = ExpiringCache(10, 60, Clock())
    assert memory.setdefault("a", "first") == "first"
    assert memory.setdefault("a", "second") == "first"
    assert "a" in memory
    assert "b" not in memory


def test_memory_forgets_the_oldest_when_it_is_full() -> None:
    memory = ExpiringCache(3, 60, Clock())
    for key in "abcd":
        memory.setdefault(key)
    assert [key for key in "abcd" if key in memory] == ["b", "c", "d"]
    assert len(memory) == 3


def test_memory_forgets_after_a_time() -> None:
    clock = Clock()
    memory = ExpiringCache(3, 60, clock)
    memory.setdefault("a")
    clock.now += 60
    memory.setdefault("b")
    assert "a" in memory
    clock.now += 0.5
    assert "a" not in memory
    assert "b" in memory
    assert memory.setdefault("a", "anew") == "anew"


def test_memory_keeps_what_is_asked_for_at_the_moment_that_it_ends() -> None:
    clock = Clock()
    memory = ExpiringCache(3, 60, clock)
    memory.setdefault("a", "first")
    clock.now += 61
    # Whatever it gives, the caller has it remembered from now on.
    assert memory.setdefault("a", "second") == "second"
    assert "a" in memory


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 50)), max_size=40))
def test_memory_is_never_larger_or_older(steps: list[tuple[str, float]]) -> None:
    clock, size, seconds = Clock(), 3, 60.0
    memory = ExpiringCache(size, seconds, clock)
    for key, pause in steps:
        clock.now += pause
        memory.setdefault(key)
        assert key in memory
        assert len(memory) <= size


@pytest.mark.parametrize(
    "text, expected",
    [("e-1", "e-1"), ("a\nb\x1b[0m\u2028", "a?b?[0m?"), ("\udce4", "?"), ("x" * 81, "x" * 80 + "..."), ("", "")],
)
def test_what_a_log_can_carry(text: str, expected: str) -> None:
    assert log_safe(text) == expected


def test_refusals_are_told_once_a_second() -> None:
    lines: list[str] = []
    clock = Clock()
    log = RefusalLog(lines.append, clock)
    refused = RefusalError(401, "its signature does not match")
    for _again in range(1000):
        log.note("192.0.2.7", refused)
        clock.now += 0.01
    assert 9 <= len(lines) <= 11
    first = "A delivery from 192.0.2.7 was refused with 401: its signature does not match."
    assert lines[0] == first
    assert lines[1].startswith(f"{first} (")
    log.close()
    log.close()
    counted = [int(line.split("(")[-1].split(" more")[0].split()[-1]) for line in lines[1:]]
    assert sum(counted) + len(lines) - 1 == 1000


def test_a_refusal_names_the_event_only_if_it_is_told() -> None:
    lines: list[str] = []
    log = RefusalLog(lines.append, Clock())
    log.note(None, RefusalError(503, "the source ends"), "e-1\n")
    assert lines == ["Delivery e-1? from nowhere was refused with 503: the source ends."]
