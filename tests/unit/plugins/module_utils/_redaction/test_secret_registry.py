# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in what a task gives back, and nothing else is taken out of it."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._redaction import secret_registry
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK, Redactor
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import (
    RESULTS_WITH_FIXED_KEYS,
    SecretRegistry,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS

SECRET = "s3cr3t/of+closer"
GIVEN: Mapping[str, Any] = {
    "url": "https://portal.example/api/v2",
    "client_id": "closer",
    "client_secret": SECRET,
    "access_token": None,
    "proxy": "http://me:pr0xy-pass@proxy.example:3128",
    "headers": {"X-Gateway": "gateway-key", "X-Short": "1", "X-Status": "changed"},
    "incident_id": "42",
}


def make(**given: Any) -> SecretRegistry:
    options = {**GIVEN, **given}
    return SecretRegistry(CONTRAFORCE_OPTIONS, lambda: options)


# --- what is a secret -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"closer:{SECRET}".encode()).decode(),
        "s3cr3t%2Fof%2Bcloser",
        "http://me:pr0xy-pass@proxy.example:3128",
        "pr0xy-pass",
        "gateway-key",
    ],
)
def test_secret_options_are_masked_in_every_encoding(secret):
    told = make().text(f"It said {secret}!")
    assert secret not in told
    assert MASK in told


@pytest.mark.parametrize("text", ["closer", "https://portal.example/api/v2", "42", "11 of 1", "proxy.example"])
def test_other_options_are_not_masked(text):
    assert make().text(text) == text


def test_registered_secrets_are_masked_once_they_are_known():
    secrecy = make()
    tokens: list[str] = []
    secrecy.register(lambda: tokens)
    secrecy.register(lambda: ["of another source"])
    assert secrecy.text("t0k3n-one, of another source") == f"t0k3n-one, {MASK}"
    tokens.append("t0k3n-one")
    assert secrecy.text("t0k3n-one") == MASK
    tokens[:] = ["t0k3n-two"]
    # What was a secret once stays one.
    assert secrecy.text(f"t0k3n-one t0k3n-two {SECRET}") == f"{MASK} {MASK} {MASK}"


def test_later_values_of_options_are_masked():
    given: dict[str, Any] = {}
    secrecy = SecretRegistry(CONTRAFORCE_OPTIONS, lambda: given)
    assert secrecy.text(SECRET) == SECRET
    given["client_secret"] = SECRET
    assert secrecy.text(SECRET) == MASK


def test_redactor_is_built_once_per_set_of_secrets(monkeypatch):
    made: list[Any] = []
    monkeypatch.setattr(secret_registry, "Redactor", lambda secrets=(): made.append(secrets) or Redactor(secrets))
    secrecy = make()
    tokens = ["t0k3n"]
    secrecy.register(lambda: tokens)
    for _each in range(5):
        secrecy.text("x")
    assert len(made) == 2
    tokens.append("another")
    for _each in range(5):
        secrecy.text("x")
    assert len(made) == 3


def test_concurrent_thread_gets_a_complete_redactor(monkeypatch):
    """Two workers at the same time, when a token was fetched."""
    begun, may_go_on = threading.Event(), threading.Event()

    def slowly(secrets: Any = ()) -> Redactor:
        if "t0k3n" in secrets and not begun.is_set():
            begun.set()
            assert may_go_on.wait(30)
        return Redactor(secrets)

    monkeypatch.setattr(secret_registry, "Redactor", slowly)
    secrecy = make()
    secrecy.register(lambda: ["t0k3n"])
    told: list[str] = []
    first = threading.Thread(target=lambda: told.append(secrecy.text("t0k3n")))
    first.start()
    assert begun.wait(30)
    second = threading.Thread(target=lambda: told.append(secrecy.text("t0k3n")))
    second.start()
    # It may wait for the first one, but not give what it has not looked at.
    second.join(0.2)
    may_go_on.set()
    first.join(30)
    second.join(30)
    assert told == [MASK, MASK]


# --- the options that Ansible shows ---------------------------------------------------------------------------------


def test_options_are_shown_without_secrets():
    secrecy = make(comment=f"I used {SECRET}", fields={"a": [SECRET]})
    shown = secrecy.options()
    assert shown["client_secret"] == MASK
    assert shown["proxy"] == MASK
    assert shown["comment"] == f"I used {MASK}"
    assert shown["fields"] == {"a": [MASK]}
    assert shown["headers"] == {"X-Gateway": MASK, "X-Short": "1", "X-Status": MASK}
    assert (shown["client_id"], shown["incident_id"], shown["access_token"]) == ("closer", "42", None)
    assert set(shown) == {*GIVEN, "comment", "fields"}


@pytest.mark.parametrize(
    "headers, shown",
    [
        ({"X-Key": 123456789012}, {"X-Key": MASK}),
        ({"X-Key": 1.23456789}, {"X-Key": MASK}),
        ({"X-Key": ["list-secret"]}, {"X-Key": MASK}),
        ({"X-Key": {"k": "dict-secret"}}, {"X-Key": MASK}),
        ({"X-Key": True, "X-Short": 12345, "X-Long": 123456}, {"X-Key": True, "X-Short": 12345, "X-Long": MASK}),
        ({}, {}),
        (["list-secret"], MASK),
        ("X-Key: text-secret", MASK),
        (998877665544, MASK),
        (None, None),
    ],
    ids=str,
)
def test_headers_of_any_type_are_not_shown(headers, shown):
    assert make(headers=headers).options()["headers"] == shown


@pytest.mark.parametrize("value", [[SECRET], {"a": SECRET}, 123456789012, SECRET, ""], ids=str)
@pytest.mark.parametrize("name", ["client_secret", "access_token"])
def test_secret_of_a_wrong_type_is_not_shown(name, value):
    shown = make(**{name: value}).options()[name]
    assert shown == ({"a": MASK} if isinstance(value, dict) else MASK)


def test_secret_number_is_masked_in_results():
    secrecy = make(headers={"X-Key": 123456789012})
    assert secrecy.values({"n": 123456789012, "msg": "key 123456789012", "m": 5}) == {
        "n": MASK,
        "msg": f"key {MASK}",
        "m": 5,
    }


@pytest.mark.parametrize("name", ["url", "token_url"])
@pytest.mark.parametrize(
    "address, shown",
    [
        ("https://portal.example", "https://portal.example"),
        ("https://me:p4ss@portal.example", MASK),
        ("https://portal.example/?key=p4ss", MASK),
        ("https://portal.example/#p4ss", MASK),
        ("portal.example", MASK),
        ("", ""),
        (None, None),
    ],
)
def test_address_that_may_contain_a_password_is_not_shown(name, address, shown):
    assert SecretRegistry(TICKETING_OPTIONS, lambda: {name: address}).options()[name] == shown


def test_option_names_are_not_masked():
    secrecy = make(headers={"X-Word": "incident_id"}, incident_id="incident_id")
    shown = secrecy.options()
    assert shown["incident_id"] == MASK
    assert "url" in shown


def test_options_are_not_modified():
    options = dict(GIVEN)
    SecretRegistry(CONTRAFORCE_OPTIONS, lambda: options).options()
    assert options == GIVEN


# --- results --------------------------------------------------------------------------------------------------------


def test_results_with_fixed_keys():
    assert {"before", "after", "diff", "error", "link", "summary"} == RESULTS_WITH_FIXED_KEYS


@pytest.mark.parametrize("name", sorted(RESULTS_WITH_FIXED_KEYS))
def test_fixed_keys_stay_and_their_values_are_masked(name):
    """The value of a header, which counts as a secret, is the word C(changed) here."""
    values = {name: {"changed": f"x {SECRET}", "other": ["changed", {"changed": 1}]}, "changed": True}
    assert make().values(values) == {
        name: {"changed": f"x {MASK}", "other": [MASK, {MASK: 1}]},
        "changed": True,
    }


def test_keys_of_service_records_are_masked():
    values = {"incident": {SECRET: SECRET, "n": 1}, "tickets": [{"changed": SECRET}]}
    assert make().values(values) == {"incident": {MASK: MASK, "n": 1}, "tickets": [{MASK: MASK}]}


def test_each_item_of_results_is_masked_as_a_result():
    entry = {
        "changed": True,
        "msg": f"{SECRET} was refused",
        "before": {"changed": SECRET},
        "error": {"changed": SECRET, "fields": {"x": [SECRET]}},
        "after": None,
        "summary": SECRET,
        "incident": {"changed": "x"},
        "warnings": [SECRET],
    }
    assert make().values({"results": [entry, {}], "summary": {"changed": 1}}) == {
        "results": [
            {
                "changed": True,
                "msg": f"{MASK} was refused",
                "before": {"changed": MASK},
                "error": {"changed": MASK, "fields": {"x": [MASK]}},
                "after": None,
                "summary": MASK,
                "incident": {MASK: "x"},
                "warnings": [MASK],
            },
            {},
        ],
        "summary": {"changed": 1},
    }


@pytest.mark.parametrize(
    "spelled",
    [
        "s3cr3t%2Fof%2Bcloser%7E!",
        "s3cr3t%252Fof%252Bcloser%257E%2521",
        "s3cr3t/of\\u002Bcloser~!",
        "s3cr3t\\/of+closer~!",
        "s3cr3t\\\\/of\\\\u002bcloser\\u007e!",
        "s3cr3t&#47;of&plus;closer&#x7E;&amp;excl;",
        "%73%33%63%72%33%74/of%2bcloser~!",
        base64.b64encode(b"closer:s3cr3t/of+closer~!").decode().replace("+", "%2B").replace("=", "\\u003D"),
    ],
)
def test_secret_is_masked_in_every_part_of_a_result(spelled):
    secrecy = make(client_secret="s3cr3t/of+closer~!")
    secrecy.register(lambda: [base64.b64encode(b"closer:s3cr3t/of+closer~!").decode()])
    error = {"code": spelled, "request_id": f"req-{spelled}", "path": f"/x/{spelled}", "fields": {"x": [spelled]}}
    entry = {"msg": f"{spelled}!", "error": error, "request_ids": [spelled], "before": {"comment": spelled}}
    values = {**entry, "results": [entry], "incident": {spelled: spelled}, "diff": [{"after": spelled}]}
    shown = secrecy.values(values)
    assert shown["error"]["request_id"] == f"req-{MASK}"
    assert shown["results"][0] == {name: shown[name] for name in entry}
    assert shown["incident"] == {MASK: MASK}
    assert spelled not in repr(shown)
    assert spelled not in secrecy.text(f"warning: {spelled}")


def test_each_diff_of_a_list_keeps_its_keys():
    differences = [{"before": {"changed": SECRET}, "changed": SECRET}, {"after_header": "x"}]
    assert make().values({"diff": differences}) == {
        "diff": [{"before": {MASK: MASK}, "changed": MASK}, {"after_header": "x"}]
    }


@pytest.mark.parametrize("name", sorted(RESULTS_WITH_FIXED_KEYS))
@pytest.mark.parametrize("value", [None, "x", 1, True])
def test_fixed_keys_may_contain_any_value(name, value):
    assert make().values({name: value}) == {name: value}


def test_result_is_otherwise_unchanged():
    values = {"changed": False, "msg": "x", "results": [], "diff": [], "before": {}, "n": 1.5, "nothing": None}
    assert make().values(values) == values
    assert json.dumps(make().values(values)) == json.dumps(values)
