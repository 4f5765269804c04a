# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secret and the ticket of a callback. test_ticket_webhook_source.py covers the server."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils import webhook_callbacks
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_names import TICKET_NAME
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_callbacks import first_value, has_secret

KEYS = (b"curiouser-and-curiouser", b"down-the-rabbit-hole")
HEADER_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from([key.decode() for key in KEYS])


@given(HEADER_TEXT)
def test_only_a_whole_secret_is_accepted(text: str) -> None:
    is_secret = text.encode() in KEYS
    assert has_secret(KEYS, "X-Webhook-Secret", [text]) == is_secret
    assert has_secret(KEYS, "AUTHORIZATION", [f"BEARER {text}"]) == (text.strip().encode() in KEYS)
    assert not has_secret(KEYS, "Authorization", [text])
    assert not has_secret(KEYS, "X-Webhook-Secret", [text, text])
    assert not has_secret(KEYS, "X-Webhook-Secret", [])
    assert not has_secret((), "X-Webhook-Secret", [text])


def test_every_comparison_takes_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets are compared, in constant time, and as digests of the same length."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac_compare(one, other)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr(webhook_callbacks.hmac, "compare_digest", compare)
    for given_values in ([], ["x"], ["x" * 10_000], [KEYS[0].decode()], [KEYS[1].decode()]):
        compared.clear()
        has_secret(KEYS, "X-Webhook-Secret", given_values)
        assert [(len(one), len(other)) for one, other in compared] == [(32, 32)] * 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_any_body_has_a_value_or_none(payload: dict[str, Any]) -> None:
    assert isinstance(first_value(payload, ["a", "b.c", "a.b.c", "c"]), str)


@pytest.mark.parametrize("text", ["INC0012345", "T20261121.0042", "SOC-311", "#42", "a/b:c@d+e f", "0"])
def test_identifiers_of_tickets_are_allowed(text: str) -> None:
    assert TICKET_NAME.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["", "{{ x }}", "{%", "a{#", "a\n", "-e", "../x", "a\u202eb", "a'b", 'a"b', "$(x)", "`x`"]
)
def test_texts_with_a_special_meaning_are_not_allowed(text: str) -> None:
    assert not TICKET_NAME.fullmatch(text)
