# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the event sources that receive webhooks.

test_event_options.py covers types, defaults and unknown names.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils import webhook_receiver
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_settings import (
    TICKET_WEBHOOK_SPEC,
    WEBHOOK_SPEC,
    TicketWebhookSettings,
    WebhookSettings,
    parse_settings,
    parse_ticket_settings,
)
from ansible_collections.secops.itsm.tests.unit.event_plugins import event_plugin
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SECRET, PASSWORD = "curiouser-and-curiouser", "drink-me"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "FORMER_SECRET", "PASSWORD"):
        monkeypatch.delenv(f"CONTRAFORCE_WEBHOOK_{name}", raising=False)
        monkeypatch.delenv(f"TICKET_WEBHOOK_{name}", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with certificates and keys."""
    path = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(path / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(path / "both.pem")
    issued.cert_chain_pems[0].write_to_path(path / "cert.pem")
    issued.private_key_pem.write_to_path(path / "plain.key")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    encrypted = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (path / "encrypted.key").write_bytes(encrypted)
    return path


def settings(**options: Any) -> WebhookSettings:
    """Return the settings for options."""
    return parse_settings({"port": 0, "secret": SECRET, **options})


def ticket_settings(**options: Any) -> TicketWebhookSettings:
    """Return the settings of the source for ticketing systems."""
    return parse_ticket_settings({"port": 0, "secret": SECRET, "ticket_system": "servicenow", **options})


def assert_refused(options: Mapping[str, Any], *facts: str, parse: Callable[..., Any] = settings) -> None:
    """Assert that options are refused with a message with facts and without secrets."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        parse(**options)
    assert_message(str(caught.value), *facts)
    assert not any(secret in str(caught.value) for secret in (SECRET, PASSWORD, "12345678"))


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"port": None}, ["port"]),
        ({"secret": ""}, ["secret", "CONTRAFORCE_WEBHOOK_SECRET"]),
        ({"secret": "x\n"}, ["secret", "control character"]),
        ({"former_secret": "\udce4"}, ["former_secret", "control character"]),
        # A number is not a secret, because YAML may have changed its digits.
        *(({name: 12345678}, [name, "quotes"]) for name in ("secret", "former_secret", "password")),
        ({"port": 65536}, ["port", "65535"]),
        ({"port": -1}, ["port", "65535"]),
        ({"path": "cf"}, ["path", "/contraforce"]),
        ({"path": "/cf?a"}, ["path"]),
        ({"path": "/cf#a"}, ["path"]),
        ({"path": "/cf\x00"}, ["path"]),
        ({"max_body": 0}, ["max_body", "1"]),
        ({"queue_size": 0}, ["queue_size", "1"]),
        ({"answer_within": 0}, ["answer_within", "0", "3600"]),
        ({"answer_within": 3600.5}, ["answer_within", "3600"]),
        ({"answer_within": "nan"}, ["answer_within", "3600"]),
        ({"host": "0.0.0.0"}, ["host 0.0.0.0", "certfile", "allow_http"]),
        ({"host": "::"}, ["host ::"]),
        ({"host": "soc.example.com"}, ["host soc.example.com"]),
        ({"keyfile": "/etc/passwd"}, ["certfile", "keyfile"]),
        ({"cafile": "/etc/passwd"}, ["certfile", "cafile"]),
        ({"password": PASSWORD}, ["certfile", "password"]),
        ({"certfile": "/nowhere.pem"}, ["certfile", "/nowhere.pem"]),
    ],
)
def test_invalid_options_are_refused_by_name(options: Mapping[str, Any], facts: list[str]) -> None:
    assert_refused(options, *facts)


@pytest.mark.parametrize(
    "options, names",
    [
        ({"keyfile": "encrypted.key"}, ["certfile", "keyfile", "password"]),
        ({"keyfile": "encrypted.key", "password": "eat-me"}, ["certfile", "keyfile", "password"]),
        ({"keyfile": "ca.pem"}, ["certfile", "keyfile"]),
        ({}, ["certfile", "keyfile"]),
        ({"keyfile": "plain.key", "cafile": "plain.key"}, ["cafile"]),
        ({"keyfile": "plain.key", "cafile": "missing.pem"}, ["cafile", "missing.pem"]),
    ],
)
def test_invalid_certificates_are_refused(folder: Path, options: Mapping[str, str], names: list[str]) -> None:
    paths = {name: str(folder / value) if name != "password" else value for name, value in options.items()}
    assert_refused({"certfile": str(folder / "cert.pem"), **paths}, *names)


@given(st.sampled_from(["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", "", None]), st.integers(0, 65535))
def test_loopback_addresses_need_no_tls(host: str | None, port: int) -> None:
    parsed = settings(port=str(port), host=host, eda_feedback_queue=object())
    assert (parsed.host, parsed.port, parsed.tls) == (host or "127.0.0.1", port, None)
    assert SECRET not in repr(parsed)


def test_other_addresses_need_tls_or_allow_http(folder: Path) -> None:
    assert settings(host="0.0.0.0", allow_http=True).tls is None
    tls = settings(host="0.0.0.0", certfile=str(folder / "both.pem")).tls
    assert tls is not None
    assert (tls.minimum_version, tls.verify_mode) == (ssl.TLSVersion.TLSv1_2, ssl.CERT_NONE)
    with_clients = settings(certfile=str(folder / "both.pem"), cafile=str(folder / "ca.pem")).tls
    assert with_clients is not None
    assert with_clients.verify_mode == ssl.CERT_REQUIRED


def test_limits_of_numbers_are_accepted() -> None:
    parsed = settings(max_body=1, queue_size=1, answer_within=3600)
    assert (parsed.max_body, parsed.queue_size, parsed.answer_within) == (1, 1, 3600)


def test_secrets_come_from_options_or_the_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert settings(former_secret="of-old").keys == (SECRET.encode(), b"of-old")
    for name, value in {"SECRET": "new", "FORMER_SECRET": "old", "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"CONTRAFORCE_WEBHOOK_{name}", value)
    files = {"certfile": str(folder / "cert.pem"), "keyfile": str(folder / "encrypted.key")}
    parsed = settings(secret=None, **files)
    assert parsed.keys == (b"new", b"old")
    assert parsed.tls is not None


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"secret": ""}, ["secret", "TICKET_WEBHOOK_SECRET"]),
        ({"secret": "x\n" * 16}, ["secret", "control character"]),
        ({"secret": "fifteen letters"}, ["secret", "16"]),
        ({"former_secret": "fifteen letters"}, ["former_secret", "16"]),
        ({"secret": "sixteen letters\u00fc"}, ["secret", "ASCII"]),
        ({"former_secret": f"{SECRET} "}, ["former_secret", "ASCII"]),
        ({"ticket_system": None}, ["ticket_system"]),
        ({"ticket_system": "{{ evil }}"}, ["ticket_system", "servicenow"]),
        ({"secret_header": "X Secret"}, ["secret_header", "X-Webhook-Secret"]),
        ({"secret_header": "X-Secret:"}, ["secret_header"]),
        ({"secret_header": "Content-Type"}, ["secret_header"]),
        ({"secret_header": "HOST"}, ["secret_header"]),
        ({"secret_header": "X-CF-Signature"}, ["secret_header"]),
        ({"id_header": "x-forwarded-for"}, ["id_header", "X-Request-Id"]),
        ({"id_header": "x-webhook-secret"}, ["id_header", "secret_header"]),
        ({"id_header": "authorization"}, ["id_header", "Authorization"]),
        ({"number_keys": ["number", "issue..key"]}, ["number_keys", "issue.key"]),
        ({"id_keys": [""]}, ["id_keys"]),
        ({"repeat_interval": -1}, ["repeat_interval", "60"]),
        ({"repeat_interval": 60.5}, ["repeat_interval", "60"]),
        ({"repeat_interval": "nan"}, ["repeat_interval", "60"]),
        ({"path": "tickets"}, ["path", "/tickets"]),
        ({"host": "0.0.0.0"}, ["host 0.0.0.0", "certfile", "allow_http"]),
        ({"forward_tests": True}, ["forward_tests"]),
    ],
)
def test_invalid_ticket_options_are_refused_by_name(options: Mapping[str, Any], facts: list[str]) -> None:
    assert_refused(options, *facts, parse=ticket_settings)


def test_ticket_secret_must_not_be_that_of_contraforce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAFORCE_WEBHOOK_SECRET", SECRET)
    for name in ("secret", "former_secret"):
        options = {"secret": f"{SECRET}-2", name: SECRET}
        assert_refused(options, name, "CONTRAFORCE_WEBHOOK_SECRET", parse=ticket_settings)
    # The secret of one source is never that of the other.
    assert_refused({"secret": None}, "secret", "TICKET_WEBHOOK_SECRET", parse=ticket_settings)


def test_ticket_options_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("TICKET_WEBHOOK_FORMER_SECRET", f"{SECRET}-2")
    parsed = ticket_settings(secret=None, ticket_system="/etc/itsm/my-system", id_keys="a,b.c", repeat_interval=60)
    assert parsed.keys == (SECRET.encode(), f"{SECRET}-2".encode())
    assert (parsed.secret_header, parsed.id_header, parsed.repeat_interval) == ("X-Webhook-Secret", "", 60)
    assert (parsed.ticket_system, parsed.id_keys) == ("/etc/itsm/my-system", ["a", "b.c"])
    assert SECRET not in repr(parsed)


def test_a_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_receiver, "HAS_AIOHTTP", False)
    with pytest.raises(ValueError, match="aiohttp"):
        asyncio.run(webhook_receiver.receive(None, {}))
    with pytest.raises(ValueError, match="aiohttp"):
        asyncio.run(webhook_receiver.receive_callbacks(None, {}))


@pytest.mark.parametrize(
    "name, spec",
    [("contraforce_webhook", WEBHOOK_SPEC), ("ticket_webhook", TICKET_WEBHOOK_SPEC)],
    ids=["contraforce", "ticket"],
)
def test_documentation_matches_the_options(name: str, spec: Mapping[str, Any]) -> None:
    plugin = event_plugin(f"event_source/{name}.py")
    documented = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    assert list(documented) == list(spec)
    for option_name, option in spec.items():
        shown = documented[option_name]
        for key in ("type", "elements", "default", "required"):
            assert shown.get(key) == option.get(key), (option_name, key)
        assert re.findall(r"E\((\w+)\)", str(shown["description"])) == option.get("fallback", (None, []))[1]
    source = yaml.safe_load(plugin.EXAMPLES)[0]["sources"][0][f"secops.itsm.{name}"]
    assert set(source) <= set(documented)
