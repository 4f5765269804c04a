# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options of ServiceNow: which values are accepted, refused and secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import ClientCredentialsAuth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._redaction.option_secrets import secrets_in
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import SERVICENOW, ServiceNowApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection import (
    SERVICENOW_OPTIONS,
    servicenow_connection,
)
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

URL = "https://fabrikam.service-now.com"
BASIC = {"url": URL, "username": "runbook", "password": "pässword:1"}
OAUTH = {"client_id": "5f0c", "client_secret": "s3cr3t"}
SYS_ID = "3f7b2c4d5e6f708192a3b4c5d6e7f809"


def headers_of(options: dict[str, Any]) -> dict[str, str]:
    return dict(servicenow_connection(options).auth(SimpleNamespace(headers={})).headers)


@pytest.mark.parametrize(
    "url, base",
    [
        (URL, f"{URL}/api/now/v2"),
        (f"{URL}/", f"{URL}/api/now/v2"),
        (f"{URL}/api/now", f"{URL}/api/now/v2"),
        (f" {URL}/api/now/v2/ ", f"{URL}/api/now/v2"),
        ("https://gw.example/snow", "https://gw.example/snow/api/now/v2"),
    ],
)
def test_url_has_the_prefix_of_the_api(url, base):
    assert servicenow_connection({**BASIC, "url": url}).transport.base_url == base


@pytest.mark.parametrize(
    "credentials, expected",
    [
        ({"username": "runbook", "password": "p:1"}, {"Authorization": "Basic cnVuYm9vazpwOjE="}),
        ({"access_token": "t0k3n"}, {"Authorization": "Bearer t0k3n"}),
        ({"api_key": "k3y"}, {"x-sn-apikey": "k3y"}),
    ],
)
def test_credentials_are_sent_in_one_form(credentials, expected):
    assert headers_of({"url": URL, **credentials}) == expected


@pytest.mark.parametrize(
    "options, facts",
    [
        ({}, ["No credentials", "username with password", "SERVICENOW_USERNAME", "servicenow_username"]),
        ({"username": "a"}, ["password (SERVICENOW_PASSWORD)", "missing"]),
        ({"password": "a"}, ["username (SERVICENOW_USERNAME)", "missing"]),
        ({"client_id": "a"}, ["client_secret (SERVICENOW_CLIENT_SECRET)", "missing"]),
        ({"username": "a:b", "password": "c"}, ["username (SERVICENOW_USERNAME)", "colon"]),
        ({"username": "a", "password": "b", "api_key": "c"}, ["More than one", "username", "api_key"]),
        ({"access_token": "a", "client_id": "b"}, ["More than one", "access_token", "client_id"]),
        ({"access_token": "a\nb"}, ["access_token", "line break"]),
        ({"api_key": "ä"}, ["api_key", "ASCII"]),
    ],
)
def test_invalid_credentials_are_refused(options, facts):
    with pytest.raises(ApiError) as caught:
        servicenow_connection({"url": URL, **options})
    assert (caught.value.category, caught.value.check) == ("configuration", "credentials")
    assert_message(caught.value.message, *facts)


@pytest.mark.parametrize(
    "url, facts",
    [
        ("", ["url (SERVICENOW_URL)", "missing", "servicenow_url"]),
        ("fabrikam", ["url (SERVICENOW_URL)", "https://example.service-now.com"]),
        ("http://fabrikam.service-now.com", ["url (SERVICENOW_URL)", "http://"]),
        (f"{URL}?a=1", ["url (SERVICENOW_URL)"]),
    ],
)
def test_invalid_url_is_refused(url, facts):
    with pytest.raises(ApiError) as caught:
        servicenow_connection({**BASIC, "url": url})
    assert_message(caught.value.message, *facts)


def test_token_is_fetched_from_the_instance_with_the_headers_of_a_gateway(serve):
    server = serve(
        Reply(body={"access_token": "t0k3n", "token_type": "Bearer", "expires_in": 1799}),
        Reply(body={"result": {"sys_id": {"value": SYS_ID}}}),
    )
    options = {"url": f"{server.url}/snow", **OAUTH, "headers": {"X-Key": "gateway-key"}}
    connection = servicenow_connection(options)
    assert isinstance(connection.auth, ClientCredentialsAuth)
    client = Client(connection.transport, connection.auth, SERVICENOW, sessions=connection.sessions)
    ServiceNowApi(client).record("incident", SYS_ID)
    token, read = server.seen
    assert (token.method, token.target) == ("POST", "/snow/oauth_token.do")
    assert dict(parse_qsl(token.body.decode())) == {"grant_type": "client_credentials", **OAUTH}
    assert token.headers["x-key"] == read.headers["x-key"] == "gateway-key"
    assert "authorization" not in token.headers
    assert read.headers["authorization"] == "Bearer t0k3n"
    assert connection.auth.secrets == ("s3cr3t", "t0k3n")


def test_expired_token_is_fetched_again(serve):
    unauthorized = Reply(401, {"error": {"message": "User Not Authenticated", "detail": None}})
    tokens = [Reply(body={"access_token": name}) for name in ("first", "second")]
    record = Reply(body={"result": {"sys_id": {"value": SYS_ID}}})
    server = serve(tokens[0], unauthorized, tokens[1], record)
    connection = servicenow_connection({"url": server.url, **OAUTH})
    client = Client(connection.transport, connection.auth, SERVICENOW, sessions=connection.sessions)
    ServiceNowApi(client).record("incident", SYS_ID)
    assert [seen.headers.get("authorization") for seen in server.seen] == [None, "Bearer first", None, "Bearer second"]


def test_errors_of_the_token_endpoint_name_the_options_of_servicenow(serve):
    server = serve(Reply(401, {"error": "invalid_client", "error_description": "access_denied"}))
    connection = servicenow_connection({"url": server.url, **OAUTH})
    client = Client(connection.transport, connection.auth, SERVICENOW, sessions=connection.sessions)
    with pytest.raises(ApiError) as caught:
        ServiceNowApi(client).record("incident", SYS_ID)
    assert caught.value.category == "authentication"
    assert_message(caught.value.message, "client_secret (SERVICENOW_CLIENT_SECRET)", "token_url (SERVICENOW_TOKEN_URL)")
    assert "TICKETING" not in caught.value.message


def test_token_url_of_another_server_does_not_get_gateway_keys():
    options = {"url": URL, **OAUTH, "token_url": "https://sts.example/token", "headers": {"X-Key": "gateway-key"}}
    auth = servicenow_connection(options).auth
    cells = auth._fetch.__closure__ or ()  # type: ignore[attr-defined]  # it is a closure
    transports = [getattr(cell.cell_contents, "transport", None) for cell in cells]
    (transport,) = [transport for transport in transports if transport is not None]
    assert (transport.base_url, transport.headers) == ("https://sts.example", {})


def test_secrets_of_the_options():
    options = {**BASIC, **OAUTH, "access_token": "t0k3n", "api_key": "k3y", "headers": {"X-Key": "gateway-key"}}
    assert sorted(secrets_in(options, SERVICENOW_OPTIONS)) == ["gateway-key", "k3y", "pässword:1", "s3cr3t", "t0k3n"]
