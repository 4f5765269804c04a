# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is taken, what is refused, and what counts as a secret."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
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
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._http.test_auth import jwt

BASIC = {"client_id": "id", "client_secret": "s3cr3t"}
EACH = ["client_id", "client_secret", "access_token"]


def with_variable(message: str) -> str:
    """A message, which must name the environment variable of an option."""
    assert re.search(r" \((?:CONTRAFORCE|TICKETING)_[A-Z_]+\)", message) or "credentials" in message
    return message


def variable(name: str, prefix: str = "CONTRAFORCE") -> str:
    """An option with its environment variable, as messages name it."""
    return f"{name} ({prefix}_{name.upper()})"


def refusal(**options: Any) -> str:
    with pytest.raises(ApiError) as caught:
        contraforce_connection(options)
    assert caught.value.category == "configuration"
    return with_variable(caught.value.message)


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
def test_http_needs_allow_http(host):
    assert_message(refusal(**BASIC, url=f"http://{host}"), variable("url"), "http://")
    assert contraforce_connection({**BASIC, "url": "http://portal.example", "allow_http": True})


@pytest.mark.parametrize(
    "url", ["portal.example", "ftp://x", "https://", "https://x:port", "https://[::1", "https://x:0", "https://a..b"]
)
def test_invalid_url_is_refused(url):
    assert_message(refusal(**BASIC, url=url), variable("url"), "address")


@pytest.mark.parametrize("url", ["https://u:hunter2@x", "https://x/?token=hunter2", "https://x/#hunter2"])
def test_url_with_more_than_an_address_is_refused(url):
    assert "hunter2" not in refusal(**BASIC, url=url)


@pytest.mark.parametrize(
    "options, facts",
    [
        ({}, ["No credentials", *EACH]),
        ({"client_id": "", "access_token": " "}, ["No credentials", *EACH]),
        ({"client_id": "id"}, [variable("client_secret"), "missing"]),
        ({"client_secret": "s3cr3t"}, [variable("client_id"), "missing"]),
        ({**BASIC, "access_token": "t0k3n"}, ["Both", "credentials", *EACH]),
        ({"client_id": "id", "access_token": "t0k3n"}, ["Both", "credentials", *EACH]),
        ({"access_token": "t0k3n\n"}, [variable("access_token"), "line break"]),
        ({"client_id": "id", "client_secret": "s3cr3t\t"}, [variable("client_secret"), "line break"]),
        ({"access_token": "t0k3n€"}, [variable("access_token"), "character"]),
        ({"client_id": "a:b", "client_secret": "s3cr3t"}, [variable("client_id"), "colon"]),
    ],
)
def test_credentials(options, facts):
    message = refusal(**options)
    assert_message(message, *facts)
    assert "s3cr3t" not in message
    assert "t0k3n" not in message


@pytest.mark.parametrize(
    "options, name, facts",
    [
        ({"timeout": 0}, "timeout", []),
        ({"retry_timeout": -1}, "retry_timeout", []),
        ({"client_key": __file__}, "client_cert", ["missing"]),
        ({"proxy": "proxy.example:3128"}, "proxy", ["address"]),
        ({"proxy": "socks5://proxy.example"}, "proxy", ["address"]),
        ({"headers": {"Authorization": "Bearer x"}}, "headers", ["Authorization"]),
        ({"headers": {"content-type": "text/plain"}}, "headers", ["content-type"]),
        ({"headers": {"X-Key": "a\r\nHost: evil"}}, "headers", []),
        ({"headers": {"X-Kéy": "a"}}, "headers", []),
        ({"headers": {"X-Price": "5 €"}}, "headers", []),
        ({"proxy": "http://a..b:3128"}, "proxy", ["address"]),
    ],
)
def test_invalid_transport_options_are_refused(options, name, facts):
    assert_message(refusal(**BASIC, **options), variable(name), *facts)


def test_unreadable_ca_file_is_named():
    """The message may end with the path, without a full stop."""
    path = "/no/such/file"
    messages = {
        "CONTRAFORCE": refusal(**BASIC, ca_path=path),
        "TICKETING": ticketing_refusal({**TOKEN, "ca_path": path}),
    }
    for prefix, message in messages.items():
        assert has_fact(message, variable("ca_path", prefix))
        assert has_fact(message, path)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:12#hunter2@proxy.example:3128",
        "http://user:hunter#2@proxy.example:3128",
        "http://us/er:hunter2@proxy.example:3128",
        "http://user:1?hunter2@proxy.example:3128",
        "http://proxy.example:3128/hunter2",
        "http://user:pw@proxy.example:3128#",
    ],
)
@pytest.mark.parametrize("of_environment", [None, "HTTPS_PROXY", "ALL_PROXY"])
def test_proxy_with_more_than_an_address_is_refused(monkeypatch, proxy, of_environment):
    """Also one of the environment, unless NO_PROXY keeps the service from it, or the service is this machine."""
    options = dict(BASIC)
    if of_environment:
        monkeypatch.setenv(of_environment, proxy)
    else:
        options["proxy"] = proxy
    with pytest.raises(ApiError) as caught:
        contraforce_connection(options)
    assert_message(
        caught.value.message,
        of_environment or "proxy (CONTRAFORCE_PROXY)",
        "http://proxy.example.com:3128",
        "path",
        "query",
        "fragment",
        "user name",
        "password",
        "%23 for #",
    )
    assert "hunter2" not in caught.value.message
    monkeypatch.setenv("NO_PROXY", "portal.contraforce.com")
    assert of_environment is None or contraforce_connection(options)
    assert of_environment is None or contraforce_connection({**options, "url": "http://127.0.0.1:8080"})


@pytest.mark.parametrize(
    "proxy", ["http://u%23:p%40@proxy.example:3128", "proxy.example:3128/", "socks5://proxy.example"]
)
def test_valid_proxies_of_the_environment_are_accepted(monkeypatch, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    assert contraforce_connection(BASIC).transport.proxy is None


def test_transport_options_are_accepted():
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


def test_header_names_may_be_numbers():
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
def test_loopback_service_is_reached_without_proxy(options, direct):
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
def test_only_a_bare_address_can_be_shown(url, bare):
    assert is_bare_address(url) is bare


def test_validation_can_be_disabled():
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


def test_secrets_of_invalid_options():
    assert secrets_in({"proxy": "http://[", "headers": "{not json"}, CONTRAFORCE_OPTIONS) == ["http://[", "{not json"]


def test_header_value_is_either_secret_or_harmless():
    options = {"headers": {"a": "12345", "b": "123456", "c": "1234567"}}
    assert (harmless_in(options), secrets_in(options, TICKETING_OPTIONS)) == (["12345"], ["123456", "1234567"])


def test_short_header_values_are_harmless():
    assert harmless_in({"headers": {"a": "12345", "b": "123456", "c": 1}}) == ["12345", "1"]
    assert (harmless_in({}), harmless_in({"headers": "12345"})) == ([], [])


# --- the ticketing API ----------------------------------------------------------------------------------------------

TENANT = "820188ff-2036-4924-b80f-d11610735d86"
WHERE = {"url": "https://ticketing.example", "tenant_id": TENANT, "realm": "northwind"}
TOKEN = {**WHERE, "access_token": "t0k3n"}
TOKEN_URL = "https://sts.example/auth/realms/northwind/protocol/openid-connect/token"
OAUTH = {"client_id": "id", "client_secret": "s3cr3t", "token_url": TOKEN_URL}
BASE = "https://ticketing.example/api/v2/ticketing"


def ticketing_refusal(options: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        ticketing_connection(options)
    error = caught.value
    assert (error.category, error.http_status, error.retryable) == ("configuration", None, False)
    assert not any(secret in error.message for secret in ("s3cr3t", "t0k3n", "k3y", "hunter2"))
    return with_variable(error.message)


def sent(options: dict[str, Any]) -> dict[str, str]:
    """The headers that the credentials put into a request."""
    request = SimpleNamespace(headers={})
    ticketing_connection(options).auth(request)
    return request.headers


def token_server(options: dict[str, Any]) -> Any:
    """Where a token would be fetched, and with what."""
    auth = ticketing_connection(options).auth
    assert isinstance(auth, ClientCredentialsAuth)
    (credentials,) = [
        cell.cell_contents
        for cell in auth._fetch.__closure__ or ()  # type: ignore[attr-defined]  # it is a closure
        if isinstance(cell.cell_contents, ClientCredentials)
    ]
    return credentials


@pytest.mark.parametrize(
    "url, base",
    [
        ("https://ticketing.example", BASE),
        ("https://ticketing.example/", BASE),
        (BASE, BASE),
        (f" {BASE}/ ", BASE),
        ("https://gateway.example/desk", "https://gateway.example/desk/api/v2/ticketing"),
        ("https://ticketing.example/api/v2", BASE),
        ("https://ticketing.example/api/v2/", BASE),
        ("https://gateway.example/desk/api/v2", "https://gateway.example/desk/api/v2/ticketing"),
        ("https://ticketing.example/api", "https://ticketing.example/api/api/v2/ticketing"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2/ticketing"),
    ],
)
def test_url_of_the_ticketing_api(url, base):
    assert ticketing_connection({**TOKEN, "url": url}).transport.base_url == base


@pytest.mark.parametrize("blank", [None, "", " "])
@pytest.mark.parametrize("name", ["url", "tenant_id", "realm"])
def test_required_options(name, blank):
    message = ticketing_refusal({**TOKEN, name: blank})
    assert_message(message, variable(name, "TICKETING"), "missing", "runbook", f"ticketing_{name}")


# The kinds of credentials, as messages list them.
OF_CLIENT = "client_id with client_secret and token_url"
TOGETHER = ["client_id, client_secret and token_url"]
NONE_SET = ["No credentials", "access_token", OF_CLIENT, "api_key", "TICKETING_CLIENT_ID"]
SEVERAL = ["More than one", *(variable(name, "TICKETING") for name in ("access_token", "client_id", "api_key"))]


@pytest.mark.parametrize(
    "options, facts",
    [
        ({}, NONE_SET),
        ({"token_url": TOKEN_URL, "scope": "tickets:write"}, NONE_SET),
        ({"access_token": "", "client_id": " ", "client_secret": "", "api_key": "\t"}, NONE_SET),
        (
            {"client_id": "id"},
            ["client_secret (TICKETING_CLIENT_SECRET)", "token_url (TICKETING_TOKEN_URL)", "missing", *TOGETHER],
        ),
        (
            {"client_secret": "s3cr3t"},
            ["client_id (TICKETING_CLIENT_ID)", "token_url (TICKETING_TOKEN_URL)", "missing", *TOGETHER],
        ),
        ({"client_id": "id", "client_secret": "s3cr3t"}, ["token_url (TICKETING_TOKEN_URL)", "missing", *TOGETHER]),
        (
            {"client_id": "id", "token_url": TOKEN_URL},
            ["client_secret (TICKETING_CLIENT_SECRET)", "missing", *TOGETHER],
        ),
        (
            {"client_secret": "s3cr3t", "token_url": TOKEN_URL},
            ["client_id (TICKETING_CLIENT_ID)", "missing", *TOGETHER],
        ),
        ({"access_token": "t0k3n", "api_key": "k3y"}, [*SEVERAL, "(access_token, api_key)"]),
        ({"access_token": "t0k3n", "client_id": "id"}, [*SEVERAL, f"(access_token, {OF_CLIENT})"]),
        ({"client_secret": "s3cr3t", "api_key": "k3y"}, [*SEVERAL, f"({OF_CLIENT}, api_key)"]),
        ({"access_token": "t0k3n", **OAUTH, "api_key": "k3y"}, [*SEVERAL, f"(access_token, {OF_CLIENT}, api_key)"]),
        ({"access_token": "t0k3n\n"}, ["access_token (TICKETING_ACCESS_TOKEN)", "line break"]),
        ({"api_key": "k3y\r"}, ["api_key (TICKETING_API_KEY)", "line break"]),
        ({**OAUTH, "client_id": "i\x00d"}, ["client_id (TICKETING_CLIENT_ID)", "line break"]),
        ({**OAUTH, "client_secret": "s3cr3t\t"}, ["client_secret (TICKETING_CLIENT_SECRET)", "line break"]),
        ({**OAUTH, "scope": "tickets:write\n"}, ["scope (TICKETING_SCOPE)", "line break"]),
        ({"access_token": "t0k3né"}, ["access_token (TICKETING_ACCESS_TOKEN)", "character"]),
        ({"api_key": "k3yé"}, ["api_key (TICKETING_API_KEY)", "character"]),
        ({**OAUTH, "token_url": "sts.example/token"}, ["token_url (TICKETING_TOKEN_URL)", "https://sts.example.com"]),
        ({**OAUTH, "token_url": "https://u:hunter2@sts.example"}, ["token_url (TICKETING_TOKEN_URL)", "bare address"]),
        ({**OAUTH, "token_url": "https://sts.example/?a=hunter2"}, ["token_url (TICKETING_TOKEN_URL)", "bare address"]),
        ({**OAUTH, "token_url": "http://sts.example/token"}, ["token_url (TICKETING_TOKEN_URL)", "http://"]),
        ({"access_token": jwt({"tenant_id": "other"})}, ["tenant_id (TICKETING_TENANT_ID)", TENANT, "other"]),
    ],
)
def test_credentials_of_the_ticketing_api(options, facts):
    assert_message(ticketing_refusal({**WHERE, **options}), *facts)


@pytest.mark.parametrize(
    "options, name, facts",
    [
        ({"tenant_id": "northwind"}, "tenant_id", ["UUID", "hyphens", "'northwind'"]),
        ({"tenant_id": TENANT[:-1]}, "tenant_id", ["UUID", "hyphens", repr(TENANT[:-1])]),
        ({"realm": "nörd"}, "realm", ["character"]),
        ({"realm": "north\nwind"}, "realm", ["character"]),
        ({"url": "ticketing.example"}, "url", ["https://ticketing.example.com"]),
        ({"url": "https://u:hunter2@x"}, "url", ["bare address"]),
        ({"url": "http://ticketing.example"}, "url", ["http://"]),
        ({"timeout": 0}, "timeout", []),
        ({"retry_timeout": -1}, "retry_timeout", []),
        ({"client_key": __file__}, "client_cert", ["missing"]),
        ({"proxy": "proxy.example:3128"}, "proxy", ["address"]),
        ({"headers": {"X-Key": "a\r\nHost: evil"}}, "headers", []),
        *(
            ({"headers": {name: "x"}}, "headers", [name])
            for name in ("Authorization", "HOST", "x-tenantid", "X-TenantId", "RealmName", "IsSupportRequest")
        ),
    ],
)
def test_invalid_ticketing_options_are_refused(options, name, facts):
    assert_message(ticketing_refusal({**TOKEN, **options}), variable(name, "TICKETING"), *facts)


@pytest.mark.parametrize("name", ["x-tenantid", "realmname"])
def test_identity_headers_are_reserved_for_ticketing_only(name):
    assert contraforce_connection({**BASIC, "headers": {name: "x"}}).transport.headers == {name: "x"}


@pytest.mark.parametrize("given, text", [(True, "true"), (False, "false"), (None, "false")])
def test_identity_headers_are_sent(given, text):
    options = {**TOKEN, "is_support_request": given, "tenant_id": f" {TENANT} ", "realm": " northwind "}
    assert ticketing_connection({**options, "headers": {"X-Key": "gateway"}}).transport.headers == {
        "X-Key": "gateway",
        "x-tenantid": TENANT,
        "realmname": "northwind",
        "issupportrequest": text,
    }


@pytest.mark.parametrize(
    "options, headers",
    [
        ({"access_token": "t0k3n"}, {"Authorization": "Bearer t0k3n"}),
        ({"api_key": "k3y"}, {"X-API-Key": "k3y"}),
        ({"api_key": "k3y", "access_token": "", "client_id": " ", "scope": "x"}, {"X-API-Key": "k3y"}),
        ({"access_token": "t0k3n", "token_url": TOKEN_URL, "scope": "x"}, {"Authorization": "Bearer t0k3n"}),
    ],
)
def test_credentials_are_sent_in_one_form(options, headers):
    assert sent({**WHERE, **options}) == headers


def test_transport_of_the_ticketing_api():
    options = {
        "timeout": 5,
        "retry_timeout": 7,
        "ca_path": __file__,
        "client_cert": __file__,
        "client_key": __file__,
        "proxy": "http://p:3128",
        "headers": {"X-Number": 7},
    }
    identity = {"x-tenantid": TENANT, "realmname": "northwind", "issupportrequest": "false"}
    common = Transport(
        base_url="",
        timeout=5,
        retry_timeout=7,
        verify=__file__,
        client_cert=__file__,
        client_key=__file__,
        proxy="http://p:3128",
        headers={"X-Number": "7"},
    )
    wanted = replace(common, base_url=BASE, headers={"X-Number": "7", **identity})
    assert ticketing_connection({**TOKEN, **options}).transport == wanted
    credentials = token_server({**WHERE, **OAUTH, **options})
    # Keys of a gateway are for the host that they were given for.
    assert credentials.transport == replace(common, base_url="https://sts.example", headers={})
    assert credentials.path == "/auth/realms/northwind/protocol/openid-connect/token"
    assert (credentials.client_id, credentials.client_secret, credentials.scope) == ("id", "s3cr3t", None)


@pytest.mark.parametrize("scope, wanted", [(None, None), ("", None), (" ", None), ("tickets:write", "tickets:write")])
def test_scope(scope, wanted):
    credentials = token_server({**WHERE, **OAUTH, "scope": scope})
    assert credentials.scope == wanted
    assert ("scope" in credentials.form) == (wanted is not None)


@pytest.mark.parametrize(
    "url, token_url, directs",
    [
        ("https://ticketing.example", "https://sts.example/token", (False, False)),
        ("http://127.0.0.1:1", "https://sts.example/token", (True, False)),
        ("https://ticketing.example", "http://localhost:1/token", (False, True)),
    ],
)
def test_each_server_may_be_on_loopback(url, token_url, directs):
    options = {**WHERE, **OAUTH, "url": url, "token_url": token_url}
    transports = ticketing_connection(options).transport, token_server(options).transport
    assert tuple(transport.direct for transport in transports) == directs
    assert not token_server({**options, "proxy": "http://p:3128"}).transport.direct


def test_allow_http_applies_to_both_servers():
    options = {**WHERE, **OAUTH, "url": "http://ticketing.example", "token_url": "http://sts.example/token"}
    assert token_server({**options, "allow_http": True}).transport.base_url == "http://sts.example"
    message = ticketing_refusal({**options, "url": "https://ticketing.example"})
    assert_message(message, "token_url (TICKETING_TOKEN_URL)", "http://", "allow_http")


def test_token_is_not_fetched_in_advance():
    auth = ticketing_connection({**WHERE, **OAUTH}).auth
    assert auth.secrets == ("s3cr3t",)


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant_id": TENANT},
        {"tenant_id": TENANT.upper()},
        {"tenant_id": f" {TENANT} "},
        {"tenantId": "other"},
        {"tenant_id": None},
        {"tenant_id": ""},
        {"tenant_id": " "},
        {"tenant_id": 7},
        {"tenant_id": ["other"]},
        {},
        [],
        "other",
    ],
)
def test_token_without_another_tenant_is_accepted(claims):
    for given in (TENANT, TENANT.upper(), f" {TENANT}\n"):
        check_tenant(jwt(claims), given)


@pytest.mark.parametrize("token", ["0p4qu3", "a.b.c", "a.!.c", "a.b.c.d.e", ""])
def test_token_without_claims_is_accepted(token):
    check_tenant(token, TENANT)


@pytest.mark.parametrize("claimed", ["other", TENANT[:-1], "11111111-2036-4924-b80f-d11610735d86"])
def test_token_of_another_tenant_is_refused(claimed):
    token = jwt({"tenant_id": claimed})
    with pytest.raises(ApiError) as caught:
        check_tenant(token, TENANT)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "tenant_id (TICKETING_TENANT_ID)", TENANT, claimed)
    assert token not in caught.value.message


@pytest.mark.parametrize(
    "spelled",
    [TENANT.replace("-", ""), f"{{{TENANT}}}", f"urn:uuid:{TENANT}", TENANT.replace("8", "\uff18")],
    ids=["no hyphens", "braces", "URN", "wide digits"],
)
def test_other_formats_of_the_tenant_are_refused(spelled):
    """The service, and the tenant in the token, are compared with it letter by letter."""
    options = {**TOKEN, "tenant_id": spelled, "access_token": jwt({"tenant_id": TENANT})}
    facts = "tenant_id (TICKETING_TENANT_ID)", "UUID", "hyphens", f"not {spelled!r}"
    assert_message(ticketing_refusal(options), *facts)


@pytest.mark.parametrize(
    "url, token_url, is_sent",
    [
        ("https://gw.example/desk", "https://gw.example/sts/token", True),
        ("https://gw.example:8443", "https://gw.example:8443/token", True),
        ("https://gw.example:8443", "https://gw.example/token", False),
        ("https://gw.example", "https://sts.gw.example/token", False),
        # Not even on the same port, where they would travel in clear.
        ("https://gw.example", "http://gw.example/token", False),
        ("https://gw.example:8443", "http://gw.example:8443/token", False),
        ("https://gw.example", "https://GW.example:443/token", True),
    ],
)
def test_gateway_keys_are_sent_to_the_same_origin_only(url, token_url, is_sent):
    options = {**WHERE, **OAUTH, "url": url, "token_url": token_url, "headers": {"X-Key": "gateway-key"}}
    options["allow_http"] = True
    assert token_server(options).transport.headers == ({"X-Key": "gateway-key"} if is_sent else {})


def test_secrets_of_the_ticketing_api():
    options = {
        **WHERE,
        **OAUTH,
        "access_token": "t0k3n",
        "api_key": "k3y",
        "headers": {"X-Key": "gateway-key", "X-Env": "prod"},
        "proxy": "http://user:pr0xy@p:3128",
    }
    assert sorted(secrets_in(options, TICKETING_OPTIONS)) == sorted(
        ["s3cr3t", "t0k3n", "k3y", "gateway-key", "http://user:pr0xy@p:3128", "pr0xy"]
    )


def test_options_that_are_addresses():
    options = [*CONTRAFORCE_OPTIONS.items(), *TICKETING_OPTIONS.items()]
    assert [name for name, option in options if option.is_address] == ["url", "url", "token_url"]


def test_every_option_may_be_blank():
    """AWX gives an empty text for what a survey left out, whatever its kind."""
    blank = {name: "" for name, option in TICKETING_OPTIONS.items() if option.type in ("str", "path")}
    assert ticketing_connection({**blank, **TOKEN}).transport == ticketing_connection(TOKEN).transport
