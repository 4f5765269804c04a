# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a task contains no secrets, and is otherwise unchanged."""

from __future__ import annotations

import base64
import threading
from typing import Any, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._redaction import secret_registry
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK, Redactor
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import (
    RESULTS_WITH_FIXED_KEYS,
    SecretRegistry,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS

SECRET = "s3cr3t/of+closer"
OPTIONS: Mapping[str, Any] = {
    "url": "https://portal.example/api/v2",
    "client_id": "closer",
    "client_secret": SECRET,
    "access_token": None,
    "proxy": "http://me:pr0xy-pass@proxy.example:3128",
    "headers": {"X-Gateway": "gateway-key", "X-Short": "1", "X-Status": "changed"},
    "incident_id": "42",
}


def registry(**more: Any) -> SecretRegistry:
    options = {**OPTIONS, **more}
    return SecretRegistry(CONTRAFORCE_OPTIONS, lambda: options)


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        "s3cr3t%2Fof%2Bcloser",
        base64.b64encode(f"closer:{SECRET}".encode()).decode(),
        "http://me:pr0xy-pass@proxy.example:3128",
        "pr0xy-pass",
        "gateway-key",
    ],
)
def test_secret_options_are_masked(secret):
    text = registry().text(f"It contains {secret}!")
    assert secret not in text
    assert MASK in text


def test_other_options_are_not_masked():
    text = "closer https://portal.example/api/v2 42, 11 of 1, proxy.example"
    assert registry().text(text) == text


def test_registered_secrets_are_masked_once_they_are_known(monkeypatch):
    created: list[Any] = []
    monkeypatch.setattr(secret_registry, "Redactor", lambda secrets=(): created.append(secrets) or Redactor(secrets))
    secrets = registry()
    tokens: list[str] = []
    secrets.register(lambda: tokens)
    secrets.register(lambda: ["of another source"])
    for _each in range(3):
        assert secrets.text("t0k3n-one, of another source") == f"t0k3n-one, {MASK}"
    tokens.append("t0k3n-one")
    assert secrets.text("t0k3n-one") == MASK
    tokens[:] = ["t0k3n-two"]
    # A former secret stays a secret.
    for _each in range(3):
        assert secrets.text(f"t0k3n-one t0k3n-two {SECRET}") == f"{MASK} {MASK} {MASK}"
    # One for each set of secrets, including the empty set.
    assert len(created) == 4


def test_later_values_of_options_are_masked():
    options: dict[str, Any] = {}
    secrets = SecretRegistry(CONTRAFORCE_OPTIONS, lambda: options)
    assert secrets.text(SECRET) == SECRET
    options["client_secret"] = SECRET
    assert secrets.text(SECRET) == MASK


def test_concurrent_thread_gets_a_complete_redactor(monkeypatch):
    """Two workers redact at the same time after a token was fetched."""
    started, go_on = threading.Event(), threading.Event()

    def create_slowly(secrets: Any = ()) -> Redactor:
        if "t0k3n" in secrets and not started.is_set():
            started.set()
            assert go_on.wait(30)
        return Redactor(secrets)

    monkeypatch.setattr(secret_registry, "Redactor", create_slowly)
    secrets = registry()
    secrets.register(lambda: ["t0k3n"])
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(secrets.text("t0k3n"))) for _each in range(2)]
    threads[0].start()
    assert started.wait(30)
    threads[1].start()
    # The second thread may wait for the first one, but must not return the secret.
    threads[1].join(0.05)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert texts == [MASK, MASK]


# --- options that Ansible shows -------------------------------------------------------------------------------------


def test_options_are_shown_without_secrets():
    before = dict(OPTIONS)
    shown = registry(comment=f"I used {SECRET}", fields={"a": [SECRET]}).options()
    assert shown == {
        **OPTIONS,
        "client_secret": MASK,
        "proxy": MASK,
        "headers": {"X-Gateway": MASK, "X-Short": "1", "X-Status": MASK},
        "comment": f"I used {MASK}",
        "fields": {"a": [MASK]},
    }
    assert before == OPTIONS


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
    assert registry(headers=headers).options()["headers"] == shown


@pytest.mark.parametrize("value", [[SECRET], {"a": SECRET}, 123456789012, SECRET, ""], ids=str)
def test_secret_of_a_wrong_type_is_not_shown(value):
    shown = registry(client_secret=value, incident_id=str(value)).options()
    assert shown["client_secret"] == ({"a": MASK} if isinstance(value, dict) else MASK)
    assert SECRET not in shown["incident_id"]
    assert "123456789012" not in shown["incident_id"]


@pytest.mark.parametrize("name", ["url", "token_url"])
@pytest.mark.parametrize(
    "address, is_shown",
    [
        ("https://portal.example", True),
        ("https://me:p4ss@portal.example", False),
        ("https://portal.example/?key=p4ss", False),
        ("https://portal.example/#p4ss", False),
        ("portal.example", False),
        ("", True),
        (None, True),
    ],
)
def test_address_that_may_contain_a_password_is_not_shown(name, address, is_shown):
    shown = SecretRegistry(TICKETING_OPTIONS, lambda: {name: address}).options()[name]
    assert shown == (address if is_shown else MASK)


def test_option_names_are_not_masked():
    shown = registry(headers={"X-Word": "incident_id"}, incident_id="incident_id").options()
    assert shown["incident_id"] == MASK


# --- results --------------------------------------------------------------------------------------------------------


def test_keys_of_the_collection_are_not_masked():
    """A header with the value ``changed`` makes this word a secret."""
    fixed = {"changed": f"x {SECRET}", "other": ["changed", {"changed": 1}], "number": 123456789012}
    item = {**dict.fromkeys(RESULTS_WITH_FIXED_KEYS, fixed), "changed": True, "warnings": [SECRET], "msg": SECRET}
    masked = {"changed": f"x {MASK}", "other": [MASK, {MASK: 1}], "number": MASK}
    result = {**dict.fromkeys(RESULTS_WITH_FIXED_KEYS, masked), "changed": True, "warnings": [MASK], "msg": MASK}
    secrets = registry(access_token="123456789012")
    assert secrets.values(item) == result
    assert secrets.values({"results": [item, {}]}) == {"results": [result, {}]}
    assert secrets.values({"diff": [fixed, {}]}) == {"diff": [masked, {}]}
    assert {"before", "after", "diff", "error", "link", "summary"} == RESULTS_WITH_FIXED_KEYS


def test_keys_of_service_records_are_masked():
    values = {"incident": {SECRET: SECRET, "n": 1}, "tickets": [{"changed": SECRET}]}
    assert registry().values(values) == {"incident": {MASK: MASK, "n": 1}, "tickets": [{MASK: MASK}]}


@pytest.mark.parametrize(
    "spelled",
    [
        "s3cr3t%252Fof%252Bcloser%257E%2521",
        "s3cr3t\\\\/of\\\\u002bcloser\\u007e!",
        "s3cr3t&#47;of&plus;closer&#x7E;&amp;excl;",
        base64.b64encode(b"closer:s3cr3t/of+closer~!").decode().replace("+", "%2B").replace("=", "\\u003D"),
    ],
)
def test_secret_is_masked_in_every_part_of_a_result(spelled):
    secrets = registry(client_secret="s3cr3t/of+closer~!")
    secrets.register(lambda: [base64.b64encode(b"closer:s3cr3t/of+closer~!").decode()])
    error = {"code": spelled, "request_id": f"req-{spelled}", "path": f"/x/{spelled}", "fields": {"x": [spelled]}}
    item = {"msg": f"{spelled}!", "error": error, "request_ids": [spelled], "before": {"comment": spelled}}
    shown = secrets.values({**item, "results": [item], "incident": {spelled: spelled}, "diff": [{"after": spelled}]})
    assert shown["error"]["request_id"] == f"req-{MASK}"
    assert shown["results"][0] == {name: shown[name] for name in item}
    assert shown["incident"] == {MASK: MASK}
    assert spelled not in repr(shown)
    assert spelled not in secrets.text(f"warning: {spelled}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc"), inner, max_size=2),
)
NAMES = st.sampled_from(["changed", "msg", "before", "after", "incident", "summary", "error", "link"])


@pytest.mark.parametrize("with_secret", [False, True])
@settings(max_examples=40)
@given(st.dictionaries(NAMES, JSON))
def test_result_is_otherwise_unchanged(with_secret, values):
    """Also if the result contains a secret elsewhere."""
    values["results"] = [dict(values)]
    extra, expected = ({"x": SECRET}, {"x": MASK}) if with_secret else ({}, {})
    assert registry().values({**values, **extra}) == {**values, **expected}
