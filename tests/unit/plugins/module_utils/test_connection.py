# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is taken, what is refused, and what counts as a secret."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
    is_bare_address,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError

BASIC = {"client_id": "id", "client_secret": "s3cr3t"}


def refusal(**options: Any) -> str:
    with pytest.raises(ApiError) as caught:
        contraforce_connection(options)
    assert caught.value.category == "configuration"
    return caught.value.message


@pytest.mark.parametrize(
    "url, base",
    [
        ("https://portal.contraforce.com/api/v2", "https://portal.contraforce.com/api/v2"),
        ("https://portal.contraforce.com/api/v2/", "https://portal.contraforce.com/api/v2"),
        ("https://portal.contraforce.com", "https://portal.contraforce.com/api/v2"),
        ("https://portal.contraforce.com/", "https://portal.contraforce.com/api/v2"),
        ("https://gateway.example/contraforce/", "https://gateway.example/contraforce/api/v2"),
        (" https://portal.contraforce.com ", "https://portal.contraforce.com/api/v2"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2"),
        ("http://localhost", "http://localhost/api/v2"),
        ("http://[::1]:8080", "http://[::1]:8080/api/v2"),
        ("", "https://portal.contraforce.com/api/v2"),
    ],
)
def test_url(url, base):
    assert contraforce_connection({**BASIC, "url": url}).transport.base_url == base


@pytest.mark.parametrize("host", ["portal.example", "localhost.portal.example", "10.0.0.1", "192.168.0.1", "[fe80::1]"])
def test_http_needs_consent(host):
    assert "http://" in refusal(**BASIC, url=f"http://{host}")
    assert contraforce_connection({**BASIC, "url": "http://portal.example", "allow_http": True})


@pytest.mark.parametrize(
    "url", ["portal.example", "ftp://x", "https://", "https://x:port", "https://[::1", "https://x:0", "https://a..b"]
)
def test_url_that_is_none(url):
    assert "url must be an address" in refusal(**BASIC, url=url)


@pytest.mark.parametrize("url", ["https://u:hunter2@x", "https://x/?token=hunter2", "https://x/#hunter2"])
def test_url_with_more_than_an_address(url):
    assert "hunter2" not in refusal(**BASIC, url=url)


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "No credentials are set"),
        ({"client_id": "", "access_token": " "}, "No credentials are set"),
        ({"client_id": "id"}, "client_secret is missing"),
        ({"client_secret": "s3cr3t"}, "client_id is missing"),
        ({**BASIC, "access_token": "t0k3n"}, "Both kinds of credentials"),
        ({"client_id": "id", "access_token": "t0k3n"}, "Both kinds of credentials"),
        ({"access_token": "t0k3n\n"}, "access_token holds a line break"),
        ({"client_id": "id", "client_secret": "s3cr3t\t"}, "client_secret holds a line break"),
        ({"access_token": "t0k3n€"}, "access_token holds a character"),
        ({"client_id": "a:b", "client_secret": "s3cr3t"}, "colon"),
    ],
)
def test_credentials(options, words):
    message = refusal(**options)
    assert words in message
    assert "s3cr3t" not in message
    assert "t0k3n" not in message


@pytest.mark.parametrize(
    "options, words",
    [
        ({"timeout": 0}, "timeout must be"),
        ({"retry_timeout": -1}, "retry_timeout must be"),
        ({"ca_path": "/no/such/file"}, "ca_path names a file that cannot be read"),
        ({"client_key": __file__}, "client_cert is missing"),
        ({"proxy": "proxy.example:3128"}, "proxy must be an address"),
        ({"proxy": "socks5://proxy.example"}, "proxy must be an address"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers must not set Authorization"),
        ({"headers": {"content-type": "text/plain"}}, "headers must not set content-type"),
        ({"headers": {"X-Key": "a\r\nHost: evil"}}, "headers holds"),
        ({"headers": {"X-Kéy": "a"}}, "headers holds"),
        ({"headers": {"X-Price": "5 €"}}, "headers holds"),
        ({"proxy": "http://a..b:3128"}, "proxy must be an address"),
    ],
)
def test_transport_is_refused(options, words):
    assert words in refusal(**BASIC, **options)


def test_transport_is_taken():
    options = {
        "url": "https://portal.example",
        "timeout": 5,
        "retry_timeout": 7,
        "ca_path": __file__,
        "client_cert": __file__,
        "client_key": __file__,
        "proxy": "http://p:3128",
        "headers": {"X-Number": 7},
    }
    assert contraforce_connection({**BASIC, **options}).transport == Transport(
        base_url="https://portal.example/api/v2",
        timeout=5,
        retry_timeout=7,
        verify=__file__,
        client_cert=__file__,
        client_key=__file__,
        proxy="http://p:3128",
        headers={"X-Number": "7"},
    )


def test_header_names_that_are_no_texts():
    assert contraforce_connection({**BASIC, "headers": {1: "abcdefgh"}}).transport.headers == {"1": "abcdefgh"}


@pytest.mark.parametrize(
    "options, direct",
    [
        ({"url": "http://127.0.0.1:1"}, True),
        ({"url": "http://localhost:1"}, True),
        ({"url": "http://127.0.0.1:1", "proxy": "http://p:3128"}, False),
        ({"url": "https://portal.example"}, False),
    ],
)
def test_what_is_on_this_machine_is_reached_directly(options, direct):
    assert contraforce_connection({**BASIC, **options}).transport.direct is direct


@pytest.mark.parametrize(
    "url, bare",
    [
        ("https://portal.example/api/v2", True),
        ("https://u:p@portal.example", False),
        ("https://portal.example?code=hunter2", False),
        ("user:hunter2@portal.example", False),
        ("https:/user:hunter2@portal.example", False),
        ("", False),
    ],
)
def test_only_a_bare_address_may_be_shown(url, bare):
    assert is_bare_address(url) is bare


def test_validation_can_be_turned_off():
    assert contraforce_connection({**BASIC, "validate_certs": False, "ca_path": __file__}).transport.verify is False


def test_secrets():
    options = {
        **BASIC,
        "access_token": "t0k3n",
        "headers": {"X-Key": "gateway-key", "X-Env": "prod"},
        "proxy": "http://user:pr0xy@p:3128",
        "url": "https://x",
    }
    assert set(secrets_in(options, CONTRAFORCE_OPTIONS)) == {
        "s3cr3t",
        "t0k3n",
        "gateway-key",
        "http://user:pr0xy@p:3128",
        "pr0xy",
    }


def test_secrets_of_unusable_options():
    assert secrets_in({"proxy": "http://[", "headers": "{not json"}, CONTRAFORCE_OPTIONS) == ["http://[", "{not json"]
