# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Webhook deliveries: signatures, headers, payloads, events, the cache and the log."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import (
    MAX_HEADER_LENGTH,
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
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SECRET = "wonder\u00e4land"
FORMER = "looking-glass"
#: 2026-11-21T03:02:11Z.
NOW = 1795230131
BODY = '{"type": "incident.created.v1", "isTest": false, "data": {"title": "Gr\u00fc\u00dfe"}}'.encode()
INVESTIGATION = "agent.investigation.completed.v1"
UNIX, ISO = str(NOW), "2026-11-21T03:02:11Z"
HEADERS = {
    "X-CF-Event-Id": "e-1",
    "X-CF-Timestamp": UNIX,
    "X-CF-Signature": "sha256=00",
    "X-CF-Schema": "incident.created.v1",
}


def digest(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> bytes:
    """Return the digest of a delivery, as the sender computes it."""
    return hmac.new(secret.encode("utf-8"), timestamp.encode("utf-8") + b"." + body, hashlib.sha256).digest()


def hexadecimal(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """Return the signature in the format of the vendor's samples."""
    return "sha256=" + digest(timestamp, body, secret).hex()


def bare_base64(timestamp: str, body: bytes = BODY, secret: str = SECRET) -> str:
    """Return the signature in the format of the vendor's guide."""
    return base64.b64encode(digest(timestamp, body, secret)).decode("ascii")


def verdict(timestamp: str, signature: str, body: bytes = BODY, now: float = NOW, *secrets: str) -> int:
    """Return 200, or the status of the refusal."""
    try:
        verify(signing_keys(*(secrets or (SECRET,))), DeliveryHeaders("e-1", timestamp, signature), body, now)
    except RefusalError as refused:
        return refused.status
    return 200


@pytest.mark.parametrize(
    "timestamp",
    [UNIX, ISO, "2026-11-21T03:02:11.1234567Z", "2026-11-21T03:02:11+00:00", "2026-11-21T04:02:11+01:00", ISO[:-1]],
)
def test_timestamp_format_determines_the_signature_format(timestamp: str) -> None:
    is_unix = timestamp == UNIX
    assert verdict(timestamp, hexadecimal(timestamp)) == (200 if is_unix else 401)
    assert verdict(timestamp, bare_base64(timestamp)) == (401 if is_unix else 200)


def test_signature_of_openssl_is_accepted() -> None:
    # Computed with openssl, so that the test shares no mistake with the code.
    signature = "sha256=1e4093e1dbd0af5b97a366ce20c7931a7c6affc1e08c1c6f9f3677dce548f49b"
    assert verdict(UNIX, signature, b"{}", NOW, "key") == 200


@pytest.mark.parametrize(
    "timestamp, signature",
    [
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
def test_other_format_of_the_signature_is_refused(timestamp: str, signature: str) -> None:
    assert verdict(timestamp, signature) == 401


@pytest.mark.parametrize(
    "timestamp",
    [
        *(f"{NOW}.0", f"+{NOW}", f"-{NOW}", f" {NOW}", f"{NOW}000", f"{NOW:_}", "1e9", "now", ""),
        "\u0661\u0667\u0669\u0665\u0662\u0663\u0660\u0661\u0663\u0661",
        *("20261121", "2026-11-21", "20261121T030211Z", "2026-11-21 03:02:11Z", "2026-11-21T03:02Z"),
        *("2026-11-21T03:02:11z", "2026-13-21T03:02:11Z", "2026-11-21T24:61:11Z", "0001-01-01T00:00:00+14:00"),
        "Sat, 21 Nov 2026 03:02:11 GMT",
    ],
)
def test_other_format_of_the_timestamp_is_refused(timestamp: str) -> None:
    assert verdict(timestamp, hexadecimal(timestamp)) == 401
    assert verdict(timestamp, bare_base64(timestamp)) == 401


@pytest.mark.parametrize(
    "off, status",
    [
        (0, 200),
        (300, 200),
        (300.5, 401),
        (86400, 401),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_timestamp_may_differ_by_five_minutes(off: float, direction: int, status: int) -> None:
    now = NOW + direction * off
    assert verdict(UNIX, hexadecimal(UNIX), BODY, now) == status
    assert verdict(ISO, bare_base64(ISO), BODY, now) == status


@pytest.mark.parametrize("secret, status", [(SECRET, 200), (FORMER, 200), ("other", 401), ("", 401)])
def test_either_of_two_secrets_is_accepted(secret: str, status: int) -> None:
    assert verdict(UNIX, hexadecimal(UNIX, BODY, secret), BODY, NOW, SECRET, FORMER) == status
    assert verdict(ISO, bare_base64(ISO, BODY, secret), BODY, NOW, SECRET, FORMER) == status


def test_missing_secret_accepts_nothing() -> None:
    assert signing_keys(None, "", SECRET) == (SECRET.encode("utf-8"),)
    with pytest.raises(RefusalError):
        verify((), DeliveryHeaders("e-1", UNIX, hexadecimal(UNIX, BODY, "")), BODY, NOW)


def test_all_keys_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: Any, other: Any) -> bool:
        compared.append((type(one), type(other)))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    # Even if an earlier check already decides.
    for timestamp, signature in ((UNIX, hexadecimal(UNIX)), (UNIX, "x"), ("now", "x"), ("1", "x")):
        compared.clear()
        verdict(timestamp, signature, BODY, NOW, SECRET, FORMER)
        assert compared == [(bytes, bytes)] * 2


@given(
    st.sampled_from(["body", "timestamp", "signature"]),
    st.booleans(),
    st.data(),
)
def test_changed_byte_is_refused(part: str, is_unix: bool, data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=1, max_size=200))
    timestamp = str(NOW) if is_unix else ISO
    signature = (hexadecimal if is_unix else bare_base64)(timestamp, body)
    assert verdict(timestamp, signature, body) == 200
    raw = {"body": body, "timestamp": timestamp.encode(), "signature": signature.encode()}
    place = data.draw(st.integers(0, len(raw[part]) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(byte != raw[part][place])
    raw[part] = raw[part][:place] + bytes([byte]) + raw[part][place + 1 :]
    # As aiohttp decodes headers.
    spelled = {name: value.decode("utf-8", "replace") for name, value in raw.items()}
    assert verdict(spelled["timestamp"], spelled["signature"], raw["body"]) == 401


@given(st.binary(max_size=64), st.integers(0, 64), st.booleans())
def test_bytes_moved_over_the_separator_are_refused(body: bytes, place: int, is_unix: bool) -> None:
    # The signature of 1795230131.5... must not be valid for 179523013.15...
    timestamp = UNIX if is_unix else ISO
    moved = f"{timestamp[:-1]}", timestamp[-1].encode() + body[:place]
    signature = hexadecimal(timestamp, body) if is_unix else bare_base64(timestamp, body)
    assert verdict(moved[0], signature, moved[1]) == 401


#: The characters of headers.
PRINTABLE = st.characters(exclude_categories=("C", "Z"))


@given(st.text(PRINTABLE, max_size=40), st.text(PRINTABLE, max_size=100), st.binary(max_size=100))
def test_any_forged_delivery_is_refused(timestamp: str, signature: str, body: bytes) -> None:
    assert verdict(timestamp, signature, body) == 401


def test_headers_are_parsed_in_any_case_and_order() -> None:
    pairs = [(name.upper(), value) for name, value in reversed(list(HEADERS.items()))]
    headers = parse_headers([*pairs, ("Accept", "x"), ("accept", "y"), ("x-cf-test", "TRUE")])
    assert headers == DeliveryHeaders("e-1", UNIX, "sha256=00", "incident.created.v1", True)


@pytest.mark.parametrize("name", ["X-CF-Event-Id", "X-CF-Timestamp", "X-CF-Signature"])
@pytest.mark.parametrize("change", ["missing", "empty"])
def test_missing_header_is_refused(name: str, change: str) -> None:
    pairs = (
        {**HEADERS, name: ""}.items() if change == "empty" else [pair for pair in HEADERS.items() if pair[0] != name]
    )
    with pytest.raises(RefusalError, match=rf"\b{name}\b.*missing") as caught:
        parse_headers(pairs)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", [*HEADERS, "X-CF-Test"])
def test_duplicate_header_is_refused(name: str) -> None:
    twice = [*HEADERS.items(), (name.lower(), "true"), (name, "true")]
    with pytest.raises(RefusalError, match=rf"more than one {name}\b") as caught:
        parse_headers(twice)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", [*HEADERS, "X-CF-Test"])
@pytest.mark.parametrize("value", ["a\tb", "\x1b[31m", "\udce4", "x" * (MAX_HEADER_LENGTH + 1)])
def test_invalid_header_is_refused_and_not_logged(name: str, value: str) -> None:
    with pytest.raises(RefusalError) as caught:
        parse_headers({**HEADERS, name: value}.items())
    assert caught.value.status == 400
    assert value not in caught.value.reason


def test_schema_is_optional_and_the_signature_is_not_printed() -> None:
    headers = parse_headers(pair for pair in HEADERS.items() if pair[0] != "X-CF-Schema")
    assert headers.shown() == {"X-CF-Event-Id": "e-1", "X-CF-Timestamp": UNIX}
    assert "sha256" not in repr(headers)


@pytest.mark.parametrize(
    "header, value, expected",
    [
        ("true", False, True),
        ("True", None, True),
        ("false", False, False),
        ("1", None, False),
        ("", True, True),
        ("", "no", False),
    ],
)
def test_header_or_payload_marks_a_test(header: str, value: Any, expected: bool) -> None:
    headers, payload = parse_headers({**HEADERS, "X-CF-Test": header}.items()), {"type": "x", "isTest": value}
    assert is_test(headers, payload) is expected
    assert build_event("/", headers, payload)["payload"]["isTest"] == (True if expected else value)


def test_event_contains_the_payload_and_three_headers() -> None:
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
        *(b"", b"incident", b"null", b"[]", b'"text"', b"{}"),
        *(b'{"type": null}', b'{"type": ""}', b'{"type": 1}', b'{"type": ["x"]}', b'[{"type": "x"}]'),
        *(b'{"type": "x"} {"type": "y"}', b'{"type": "x", "data": NaN}', b'{"type": "x", "data": -Infinity}'),
        *(b'{"type": "x\xff"}', '{"type": "x"}'.encode("utf-16"), b"\xef\xbb\xbf" + b'{"type": "x"}'),
        b'{"type": "x", "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type": "x", "data": ' + b"1" * 5000 + b"}",
    ],
)
def test_invalid_body_is_refused(body: bytes) -> None:
    with pytest.raises(RefusalError) as caught:
        parse_payload(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body, kind",
    [(b'{"a": 1}', INVESTIGATION), (b'{"type": null}', INVESTIGATION), (b'{"type": "x"}', "x")],
)
def test_header_is_the_type_of_the_undocumented_body_only(body: bytes, kind: str) -> None:
    assert parse_payload(body, INVESTIGATION) == {**json.loads(body), "type": kind}
    for schema in ("incident.created.v1", "", None):
        if kind == INVESTIGATION:
            with pytest.raises(RefusalError):
                parse_payload(body, schema)
    for refused in (b"[]", b'{"type": 1}', b"null"):
        with pytest.raises(RefusalError):
            parse_payload(refused, INVESTIGATION)


def test_unpaired_surrogate_is_replaced() -> None:
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
def test_payload_equals_the_parsed_body(data: Any) -> None:
    payload = {"type": "x", "data": data}
    for ascii_only in (True, False):
        assert parse_payload(json.dumps(payload, ensure_ascii=ascii_only).encode("utf-8")) == payload


@given(st.binary(max_size=200))
def test_no_body_causes_another_exception(body: bytes) -> None:
    with contextlib.suppress(RefusalError):
        parse_payload(body)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([0, 0.5, 20, 40, 60, 61])), max_size=40))
def test_cache_keeps_the_newest_entries_for_a_time(steps: list[tuple[str, float]]) -> None:
    clock, size, seconds = Clock(), 3, 60.0
    cache = ExpiringCache(size, seconds, clock)
    expected: dict[str, tuple[float, str]] = {}
    for number, (key, pause) in enumerate(steps):
        clock.now += pause
        expected = {name: entry for name, entry in expected.items() if clock.now - entry[0] <= seconds}
        expected.setdefault(key, (clock.now, str(number)))
        assert cache.setdefault(key, str(number)) == expected[key][1]
        expected = dict(list(expected.items())[-size:])
        assert [name for name in "abcde" if name in cache] == sorted(expected)
        assert len(cache) == len(expected)


def test_cache_drops_an_entry_when_it_is_looked_up_too_late() -> None:
    clock = Clock()
    cache = ExpiringCache(3, 60, clock)
    cache.setdefault("a")
    clock.now += 60
    assert "a" in cache
    clock.now += 0.5
    assert "a" not in cache


@pytest.mark.parametrize(
    "text, expected",
    [("e-1", "e-1"), ("a\nb\x1b[0m\u2028", "a?b?[0m?"), ("\udce4", "?"), ("x" * 81, "x" * 80 + "..."), ("", "")],
)
def test_log_is_safe_from_control_characters(text: str, expected: str) -> None:
    assert log_safe(text) == expected


def test_refusals_are_logged_once_per_second() -> None:
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


def test_refusal_of_a_genuine_delivery_names_the_event() -> None:
    lines: list[str] = []
    log = RefusalLog(lines.append, Clock())
    log.note(None, RefusalError(503, "the source ends"), "e-1\n")
    (line,) = lines
    assert_message(line, "Delivery e-1?", 503, "the source ends")
