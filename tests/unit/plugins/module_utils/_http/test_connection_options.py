# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options: which values are accepted, refused and secret."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Callable, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import credentials as http_credentials
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import ClientCredentialsAuth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import ClientCredentials
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import is_bare_address
from ansible_collections.secops.itsm.plugins.module_utils._redaction.option_secrets import harmless_in, secrets_in
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import (
    TICKETING_OPTIONS,
    check_tenant,
    ticketing_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection import servicenow_connection
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._http.test_auth import jwt

BASIC = {"client_id": "id", "client_secret": "s3cr3t"}
TENANT = "820188ff-2036-4924-b80f-d11610735d86"
WHERE = {"url": "https://ticketing.example", "tenant_id": TENANT, "realm": "northwind"}
TOKEN = {**WHERE, "access_token": "t0k3n"}
TOKEN_URL = "https://sts.example/auth/realms/northwind/protocol/openid-connect/token"
OAUTH = {"client_id": "id", "client_secret": "s3cr3t", "token_url": TOKEN_URL}
BASE = "https://ticketing.example/api/v2/ticketing"

#: For each API, the function that builds a connection, and valid options.
APIS: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
    "CONTRAFORCE": (contraforce_connection, BASIC),
    "SERVICENOW": (
        servicenow_connection,
        {"url": "https://example.service-now.com", "username": "id", "password": "s3cr3t"},
    ),
    "TICKETING": (ticketing_connection, TOKEN),
}


def variable(name: str, api: str) -> str:
    """Return the name of an option as messages contain it."""
    return f"{name} ({api}_{name.upper()})"


def assert_refused(api: str, options: Mapping[str, Any], *names: str, facts: Any = ()) -> None:
    """Assert that options are refused with a message that names some of them, without any secret."""
    with pytest.raises(ApiError) as caught:
        APIS[api][0](options)
    error = caught.value
    assert (error.category, error.http_status, error.retryable) == ("configuration", None, False)
    assert_message(error.message, *(variable(name, api) for name in names), *facts)
    assert not re.search("s3cr3t|t0k3n|k3y|hunter2|eyJ", error.message)


def token_server(options: dict[str, Any]) -> ClientCredentials:
    """Return the credentials with which a token would be fetched."""
    auth = ticketing_connection(options).auth
    assert isinstance(auth, ClientCredentialsAuth)
    # Nothing is fetched in advance.
    assert auth.secrets == ("s3cr3t",)
    cells = auth._fetch.__closure__ or ()  # type: ignore[attr-defined]  # it is a closure
    return next(cell.cell_contents for cell in cells if isinstance(cell.cell_contents, ClientCredentials))


# --- transport options of all APIs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "options, name, facts",
    [
        ({"timeout": 0}, "timeout", []),
        ({"retry_timeout": -1}, "retry_timeout", []),
        *(({name: "/no/such/file"}, name, ["/no/such/file"]) for name in ("ca_path", "client_cert", "client_key")),
        ({"client_key": __file__}, "client_cert", ["missing"]),
        *(
            ({"proxy": proxy}, "proxy", ["http://proxy.example.com:3128"])
            for proxy in ("proxy.example:3128", "socks5://proxy.example", "http://a..b:3128")
        ),
        *(({"headers": {name: "x"}}, "headers", [name]) for name in ("Authorization", "HOST", "content-type")),
        *(
            ({"headers": headers}, "headers", [])
            for headers in ({"X-Key": "a\r\nHost: evil"}, {"X-Kéy": "a"}, {"X-Price": "5 €"}, {" ": "a"}, {"a\n": "b"})
        ),
        *(
            ({"url": url}, "url", ["URL"])
            for url in (
                "x.example",
                "ftp://x",
                "https://",
                "https://x:port",
                "https://[::1",
                "https://x:0",
                "http://a..b",
            )
        ),
        *(
            ({"url": url}, "url", ["user name", "query"])
            for url in ("https://u:hunter2@x", "https://x/?token=hunter2", "https://x/#hunter2")
        ),
        *(
            ({"url": f"http://{host}"}, "url", ["http://"])
            for host in ("portal.example", "localhost.portal.example", "10.0.0.1", "192.168.0.1", "[fe80::1]")
        ),
    ],
)
def test_invalid_transport_options_are_refused(api, options, name, facts):
    assert_refused(api, {**APIS[api][1], **options}, name, facts=facts)


@pytest.mark.parametrize("name", ["x-tenantid", "X-TenantId", "RealmName", "IsSupportRequest"])
def test_identity_headers_are_reserved_for_ticketing_only(name):
    assert_refused("TICKETING", {**TOKEN, "headers": {name: "x"}}, "headers", facts=[name])
    assert contraforce_connection({**BASIC, "headers": {name: "x"}}).transport.headers == {name: "x"}


def test_transport_options_are_accepted():
    assert contraforce_connection({**BASIC, "validate_certs": False, "ca_path": __file__}).transport.verify is False
    options = {"timeout": 5, "retry_timeout": 7, "ca_path": __file__, "client_cert": __file__, "client_key": __file__}
    common = Transport("", 5, 7, __file__, __file__, __file__, "http://p:3128")
    options.update(proxy="http://p:3128", headers={"X-Number": 7, 1: "x"})
    headers = {"X-Number": "7", "1": "x"}
    identity = {"x-tenantid": TENANT, "realmname": "northwind", "issupportrequest": "false"}
    expected = replace(common, base_url="https://portal.contraforce.com/api/v2", headers=headers)
    assert contraforce_connection({**BASIC, **options}).transport == expected
    expected = replace(common, base_url=BASE, headers={**headers, **identity})
    assert ticketing_connection({**TOKEN, **options}).transport == expected
    credentials = token_server({**WHERE, **OAUTH, **options})
    assert credentials.transport == replace(common, base_url="https://sts.example")
    assert credentials.path == "/auth/realms/northwind/protocol/openid-connect/token"
    assert (credentials.client_id, credentials.client_secret, credentials.scope) == ("id", "s3cr3t", None)


@pytest.mark.parametrize("api", APIS)
def test_options_may_be_blank(api):
    """AWX passes unset options of a survey as an empty text."""
    build, valid = APIS[api]
    options = CONTRAFORCE_OPTIONS if api == "CONTRAFORCE" else TICKETING_OPTIONS
    blank = {name: "" for name, option in options.items() if option.type in ("str", "path")}
    assert build({**blank, **valid}).transport == build(valid).transport


# --- URLs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url, base",
    [
        ("https://portal.example/api/v2", "https://portal.example/api/v2"),
        ("https://portal.example/api/v2/", "https://portal.example/api/v2"),
        (" https://portal.example/ ", "https://portal.example/api/v2"),
        ("https://gateway.example/portal/", "https://gateway.example/portal/api/v2"),
        ("https://portal.example/api", "https://portal.example/api/api/v2"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2"),
        ("http://localhost", "http://localhost/api/v2"),
        ("http://[::1]:8080", "http://[::1]:8080/api/v2"),
        ("", "https://portal.contraforce.com/api/v2"),
    ],
)
def test_url_may_contain_the_prefix_of_the_api(url, base):
    assert contraforce_connection({**BASIC, "url": url}).transport.base_url == base
    if url:
        for given in (url, f"{base}/ticketing", f" {base}/ticketing/ "):
            assert ticketing_connection({**TOKEN, "url": given}).transport.base_url == f"{base}/ticketing"


def test_only_a_bare_address_can_be_shown():
    assert is_bare_address("https://portal.example/api/v2")
    for url in ("https://u:p@x", "https://x?code=hunter2", "user:hunter2@x", "https:/user:hunter2@x", ""):
        assert not is_bare_address(url)


# Some token servers only accept the path with a trailing slash.
@pytest.mark.parametrize("path, sent", [("", "/"), ("/", "/"), ("/o/token/", "/o/token/"), ("/a%20b", "/a%20b")])
def test_token_path_is_used_unchanged(path, sent):
    assert token_server({**WHERE, **OAUTH, "token_url": f"https://sts.example{path}"}).path == sent


def test_allow_http_applies_to_all_servers():
    options = {**WHERE, **OAUTH, "token_url": "http://sts.example/token"}
    assert_refused("TICKETING", options, "token_url", "allow_http", facts=["http://"])
    options.update(url="http://ticketing.example", allow_http=True)
    assert token_server(options).transport.base_url == "http://sts.example"
    assert contraforce_connection({**BASIC, "url": "http://portal.example", "allow_http": True})


# --- proxies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:12#hunter2@proxy.example:3128",
        "http://us/er:hunter2@proxy.example:3128",
        "http://user:1?hunter2@proxy.example:3128",
        "http://proxy.example:3128/hunter2",
        "http://user:pw@proxy.example:3128#",
        "http://proxy.example:hunter2",
        "http://proxy.example:0",
    ],
)
def test_proxy_with_more_than_an_address_is_refused(monkeypatch, proxy):
    facts = "http://proxy.example.com:3128", "path", "query", "fragment", "user name", "password", "%23 for #"
    assert_refused("CONTRAFORCE", {**BASIC, "proxy": proxy}, "proxy", facts=facts)
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
        assert_refused("CONTRAFORCE", BASIC, facts=[name, *facts])
        # A proxy that is not used is not checked.
        assert contraforce_connection({**BASIC, "url": "http://127.0.0.1:8080"})
        monkeypatch.setenv("NO_PROXY", "portal.contraforce.com")
        assert contraforce_connection(BASIC)
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "proxy", ["http://u%23:p%40@proxy.example:3128", "proxy.example:3128/", "socks5://proxy.example"]
)
def test_valid_proxies_of_the_environment_are_accepted(monkeypatch, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    assert contraforce_connection(BASIC).transport.proxy is None


@pytest.mark.parametrize(
    "url, token_url, directs",
    [
        ("https://ticketing.example", "https://sts.example/token", (False, False)),
        ("http://127.0.0.1:1", "https://sts.example/token", (True, False)),
        ("https://ticketing.example", "http://localhost:1/token", (False, True)),
    ],
)
def test_loopback_servers_are_reached_without_proxy(url, token_url, directs):
    options = {**WHERE, **OAUTH, "url": url, "token_url": token_url}
    for given, expected in (options, directs), ({**options, "proxy": "http://p:3128"}, (False, False)):
        transports = ticketing_connection(given).transport, token_server(given).transport
        assert tuple(transport.direct for transport in transports) == expected


# --- credentials of ContraForce -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, names",
    [
        ({}, ["client_id", "client_secret", "access_token"]),
        ({"client_id": "", "access_token": " "}, ["client_id", "client_secret", "access_token"]),
        ({"client_id": "id"}, ["client_secret"]),
        ({"client_secret": "s3cr3t"}, ["client_id"]),
        ({**BASIC, "access_token": "t0k3n"}, ["client_id", "client_secret", "access_token"]),
        ({"client_id": "id", "access_token": "t0k3n"}, ["client_id", "client_secret", "access_token"]),
        ({"access_token": "t0k3n\n"}, ["access_token"]),
        ({"client_id": "id", "client_secret": "s3cr3t\t"}, ["client_secret"]),
        ({"access_token": "t0k3n€"}, ["access_token"]),
        ({"client_id": "a:b", "client_secret": "s3cr3t"}, ["client_id"]),
    ],
)
def test_invalid_contraforce_credentials_are_refused(options, names):
    assert_refused("CONTRAFORCE", options, *names)


# --- credentials and tenant of the ticketing API --------------------------------------------------------------------


# Names of the kinds of credentials in messages.
OF_CLIENT = "client_id with client_secret and token_url"
NONE_SET = ["access_token", OF_CLIENT, "api_key", "TICKETING_CLIENT_ID"]


@pytest.mark.parametrize(
    "options, names, facts",
    [
        ({}, [], NONE_SET),
        ({"token_url": TOKEN_URL, "scope": "tickets:write"}, [], NONE_SET),
        ({"access_token": "", "client_id": " ", "client_secret": "", "api_key": "\t"}, [], NONE_SET),
        *(
            ({key: OAUTH[key] for key in OAUTH if key not in missing}, missing, [])
            for missing in (
                ["client_secret", "token_url"],
                ["client_id", "token_url"],
                ["token_url"],
                ["client_secret"],
                ["client_id"],
            )
        ),
        *(
            (options, ["access_token", "client_id", "api_key"], [f"({kinds})"])
            for options, kinds in (
                ({"access_token": "t0k3n", "api_key": "k3y"}, "access_token, api_key"),
                ({"access_token": "t0k3n", "client_id": "id"}, f"access_token, {OF_CLIENT}"),
                ({"client_secret": "s3cr3t", "api_key": "k3y"}, f"{OF_CLIENT}, api_key"),
                ({"access_token": "t0k3n", **OAUTH, "api_key": "k3y"}, f"access_token, {OF_CLIENT}, api_key"),
            )
        ),
        *(({"access_token": f"t0k3n{character}"}, ["access_token"], []) for character in "\né"),
        *(({"api_key": f"k3y{character}"}, ["api_key"], []) for character in "\ré"),
        *(({**OAUTH, name: "a\x00b"}, [name], []) for name in ("client_id", "client_secret", "scope")),
        ({**OAUTH, "token_url": "sts.example/token"}, ["token_url"], ["https://sts.example.com"]),
        ({**OAUTH, "token_url": "https://u:hunter2@sts.example"}, ["token_url"], []),
        ({**OAUTH, "token_url": "https://sts.example/?a=hunter2"}, ["token_url"], []),
        *(
            ({"access_token": jwt({"tenant_id": claimed})}, ["tenant_id"], [TENANT, claimed])
            for claimed in ("other", TENANT[:-1], "11111111-2036-4924-b80f-d11610735d86")
        ),
        *(
            ({**TOKEN, name: blank}, [name], [f"ticketing_{name}"])
            for name in ("url", "tenant_id", "realm")
            for blank in (None, "", " ")
        ),
        # The service compares the tenant literally, and so does the check of the token.
        *(
            ({"tenant_id": spelled, "access_token": jwt({"tenant_id": TENANT})}, ["tenant_id"], ["UUID", repr(spelled)])
            for spelled in (
                *("northwind", TENANT[:-1], TENANT.replace("-", "")),
                *(f"{{{TENANT}}}", f"urn:uuid:{TENANT}", TENANT.replace("8", "\uff18")),
            )
        ),
        ({**TOKEN, "realm": "nörd"}, ["realm"], []),
        ({**TOKEN, "realm": "north\nwind"}, ["realm"], []),
    ],
)
def test_invalid_ticketing_credentials_are_refused(options, names, facts):
    assert_refused("TICKETING", {**WHERE, **options}, *names, facts=facts)


@pytest.mark.parametrize("is_support_request, text", [(True, "true"), (False, "false"), (None, "false")])
def test_identity_headers_are_sent(is_support_request, text):
    options = {"is_support_request": is_support_request, "tenant_id": f" {TENANT} ", "realm": " northwind "}
    expected = {"x-tenantid": TENANT, "realmname": "northwind", "issupportrequest": text}
    assert ticketing_connection({**TOKEN, **options}).transport.headers == expected


@pytest.mark.parametrize(
    "options, headers",
    [
        ({"access_token": "t0k3n"}, {"Authorization": "Bearer t0k3n"}),
        ({"api_key": "k3y", "access_token": "", "client_id": " ", "scope": "x"}, {"X-API-Key": "k3y"}),
        ({"access_token": "t0k3n", "token_url": TOKEN_URL, "scope": "x"}, {"Authorization": "Bearer t0k3n"}),
    ],
)
def test_credentials_are_sent_in_one_form(options, headers):
    request = SimpleNamespace(headers={})
    ticketing_connection({**WHERE, **options}).auth(request)
    assert request.headers == headers


@pytest.mark.parametrize("scope, sent", [(None, None), ("", None), (" ", None), ("tickets:write", "tickets:write")])
def test_blank_scope_is_not_sent(scope, sent):
    assert token_server({**WHERE, **OAUTH, "scope": scope}).form.get("scope") == sent


@pytest.mark.parametrize(
    "claims",
    [
        *({"tenant_id": claim} for claim in (TENANT, TENANT.upper(), f" {TENANT} ", None, "", " ", 7, ["other"])),
        *({"tenantId": "other"}, {}, [], "other"),
    ],
)
def test_token_without_another_tenant_is_accepted(claims):
    for tenant_id in (TENANT, TENANT.upper(), f" {TENANT}\n"):
        check_tenant(jwt(claims), tenant_id)


def test_fetched_token_of_another_tenant_is_refused(monkeypatch):
    monkeypatch.setattr(http_credentials, "fetch_token", lambda *_arguments, **_options: jwt({"tenant_id": "other"}))
    auth = ticketing_connection({**WHERE, **OAUTH}).auth
    with pytest.raises(ApiError) as caught:
        auth(SimpleNamespace(headers={}))
    assert_message(caught.value.message, variable("tenant_id", "TICKETING"), TENANT, "other")


@pytest.mark.parametrize(
    "url, token_url, is_sent",
    [
        ("https://gw.example/desk", "https://gw.example/sts/token", True),
        ("https://gw.example:8443", "https://gw.example:8443/token", True),
        ("https://gw.example", "https://GW.example:443/token", True),
        ("https://gw.example:8443", "https://gw.example/token", False),
        ("https://gw.example", "https://sts.gw.example/token", False),
        # Not even to the same port, where they would be sent unencrypted.
        ("https://gw.example:8443", "http://gw.example:8443/token", False),
    ],
)
def test_gateway_keys_are_sent_to_the_same_origin_only(url, token_url, is_sent):
    options = {**WHERE, **OAUTH, "url": url, "token_url": token_url, "headers": {"X-Key": "gateway-key"}}
    headers = token_server({**options, "allow_http": True}).transport.headers
    assert headers == ({"X-Key": "gateway-key"} if is_sent else {})


# --- secrets --------------------------------------------------------------------------------------------------------


def test_secrets_of_the_options():
    options = {
        **WHERE,
        **OAUTH,
        "access_token": "t0k3n",
        "api_key": "k3y",
        "headers": {"X-Key": "gateway-key", "X-Env": "prod"},
        "proxy": "http://user:pr0xy@p:3128",
    }
    common = ["s3cr3t", "t0k3n", "gateway-key", "http://user:pr0xy@p:3128", "pr0xy"]
    assert sorted(secrets_in(options, CONTRAFORCE_OPTIONS)) == sorted(common)
    assert sorted(secrets_in(options, TICKETING_OPTIONS)) == sorted([*common, "k3y"])
    assert secrets_in({"proxy": "http://[", "headers": "{not json"}, CONTRAFORCE_OPTIONS) == ["http://[", "{not json"]


def test_header_value_is_either_secret_or_harmless():
    options = {"headers": {"a": "12345", "b": "123456", "c": "1234567", "d": 1}}
    assert harmless_in(options) == ["12345", "1"]
    assert secrets_in(options, TICKETING_OPTIONS) == ["123456", "1234567"]
    assert (harmless_in({}), harmless_in({"headers": "12345"})) == ([], [])


def test_options_that_are_addresses():
    options = [*CONTRAFORCE_OPTIONS.items(), *TICKETING_OPTIONS.items()]
    assert [name for name, option in options if option.is_address] == ["url", "url", "token_url"]
