# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: what is taken, what is refused, and what counts as a secret."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.auth import FetchedToken
from ansible_collections.secops.itsm.plugins.module_utils.client import Transport
from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    ADDRESSES,
    harmless_in,
    is_bare_address,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.oauth import ClientCredentials
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.connection import (
    TICKETING_OPTIONS,
    check_tenant,
    ticketing_connection,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.test_auth import jwt

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


def test_a_header_value_is_a_secret_or_harmless_but_never_both():
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
    return error.message


def sent(options: dict[str, Any]) -> dict[str, str]:
    """The headers that the credentials put into a request."""
    request = SimpleNamespace(headers={})
    ticketing_connection(options).auth(request)
    return request.headers


def token_server(options: dict[str, Any]) -> Any:
    """Where a token would be fetched, and with what."""
    auth = ticketing_connection(options).auth
    assert isinstance(auth, FetchedToken)
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
def test_what_is_needed(name, blank):
    message = ticketing_refusal({**TOKEN, name: blank})
    assert message == f"{name} is missing: give it in the task, in module_defaults or as TICKETING_{name.upper()}."


GO_TOGETHER = "client_id, client_secret and token_url go together."
MORE_THAN_ONE = "More than one kind of credentials is set"


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {},
            "No credentials are set: give access_token, or client_id with client_secret and token_url, or api_key, in",
        ),
        ({"token_url": TOKEN_URL, "scope": "tickets:write"}, "No credentials are set"),
        ({"access_token": "", "client_id": " ", "client_secret": "", "api_key": "\t"}, "No credentials are set"),
        ({"client_id": "id"}, f"client_secret and token_url missing: {GO_TOGETHER}"),
        ({"client_secret": "s3cr3t"}, f"client_id and token_url missing: {GO_TOGETHER}"),
        ({"client_id": "id", "client_secret": "s3cr3t"}, f"token_url missing: {GO_TOGETHER}"),
        ({"client_id": "id", "token_url": TOKEN_URL}, f"client_secret missing: {GO_TOGETHER}"),
        ({"client_secret": "s3cr3t", "token_url": TOKEN_URL}, f"client_id missing: {GO_TOGETHER}"),
        ({"access_token": "t0k3n", "api_key": "k3y"}, f"{MORE_THAN_ONE} (access_token, api_key)"),
        (
            {"access_token": "t0k3n", "client_id": "id"},
            f"{MORE_THAN_ONE} (access_token, client_id with client_secret and token_url)",
        ),
        (
            {"client_secret": "s3cr3t", "api_key": "k3y"},
            f"{MORE_THAN_ONE} (client_id with client_secret and token_url, api_key)",
        ),
        (
            {"access_token": "t0k3n", **OAUTH, "api_key": "k3y"},
            f"{MORE_THAN_ONE} (access_token, client_id with client_secret and token_url, api_key)",
        ),
        ({"access_token": "t0k3n\n"}, "access_token holds a line break"),
        ({"api_key": "k3y\r"}, "api_key holds a line break"),
        ({**OAUTH, "client_id": "i\x00d"}, "client_id holds a line break"),
        ({**OAUTH, "client_secret": "s3cr3t\t"}, "client_secret holds a line break"),
        ({**OAUTH, "scope": "tickets:write\n"}, "scope holds a line break"),
        ({"access_token": "t0k3né"}, "access_token holds a character that no access token can have"),
        ({"api_key": "k3yé"}, "api_key holds a character that no api key can have"),
        ({**OAUTH, "token_url": "sts.example/token"}, "token_url must be an address such as https://sts.example.com/"),
        ({**OAUTH, "token_url": "https://u:hunter2@sts.example"}, "token_url must be a bare address"),
        ({**OAUTH, "token_url": "https://sts.example/?a=hunter2"}, "token_url must be a bare address"),
        ({**OAUTH, "token_url": "http://sts.example/token"}, "token_url begins with http://"),
        ({"access_token": jwt({"tenant_id": "other"})}, "the access token was issued for tenant other"),
    ],
)
def test_credentials_of_the_ticketing_api(options, words):
    assert words in ticketing_refusal({**WHERE, **options})


@pytest.mark.parametrize(
    "options, words",
    [
        ({"tenant_id": "northwind"}, "tenant_id must be the UUID of the tenant, with hyphens, not 'northwind'"),
        ({"tenant_id": TENANT[:-1]}, "tenant_id must be the UUID of the tenant"),
        ({"realm": "nörd"}, "realm holds a character"),
        ({"realm": "north\nwind"}, "realm holds a character"),
        ({"url": "ticketing.example"}, "url must be an address such as https://ticketing.example.com."),
        ({"url": "https://u:hunter2@x"}, "url must be a bare address"),
        ({"url": "http://ticketing.example"}, "url begins with http://"),
        ({"timeout": 0}, "timeout must be"),
        ({"retry_timeout": -1}, "retry_timeout must be"),
        ({"ca_path": "/no/such/file"}, "ca_path names a file that cannot be read"),
        ({"client_key": __file__}, "client_cert is missing"),
        ({"proxy": "proxy.example:3128"}, "proxy must be an address"),
        ({"headers": {"X-Key": "a\r\nHost: evil"}}, "headers holds"),
        *(
            ({"headers": {name: "x"}}, f"headers must not set {name}")
            for name in ("Authorization", "HOST", "x-tenantid", "X-TenantId", "RealmName", "IsSupportRequest")
        ),
    ],
)
def test_the_connection_to_the_ticketing_api_is_refused(options, words):
    assert words in ticketing_refusal({**TOKEN, **options})


@pytest.mark.parametrize("name", ["x-tenantid", "realmname"])
def test_what_another_service_has_no_use_for_is_no_reserved_header(name):
    assert contraforce_connection({**BASIC, "headers": {name: "x"}}).transport.headers == {name: "x"}


@pytest.mark.parametrize("given, text", [(True, "true"), (False, "false"), (None, "false")])
def test_who_the_requests_are_for(given, text):
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
def test_one_kind_of_credentials_is_sent(options, headers):
    assert sent({**WHERE, **options}) == headers


def test_how_to_reach_the_ticketing_api():
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
def test_each_of_the_two_servers_may_be_on_this_machine(url, token_url, directs):
    options = {**WHERE, **OAUTH, "url": url, "token_url": token_url}
    transports = ticketing_connection(options).transport, token_server(options).transport
    assert tuple(transport.direct for transport in transports) == directs
    assert not token_server({**options, "proxy": "http://p:3128"}).transport.direct


def test_allow_http_is_for_both_servers():
    options = {**WHERE, **OAUTH, "url": "http://ticketing.example", "token_url": "http://sts.example/token"}
    assert token_server({**options, "allow_http": True}).transport.base_url == "http://sts.example"
    assert "token_url begins with http://" in ticketing_refusal({**options, "url": "https://ticketing.example"})


def test_no_token_is_fetched_before_it_is_needed():
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
def test_a_token_that_does_not_name_another_tenant_is_taken(claims):
    for given in (TENANT, TENANT.upper(), f" {TENANT}\n"):
        check_tenant(jwt(claims), given)


@pytest.mark.parametrize("token", ["0p4qu3", "a.b.c", "a.!.c", "a.b.c.d.e", ""])
def test_a_token_that_says_nothing_of_itself_is_taken(token):
    check_tenant(token, TENANT)


@pytest.mark.parametrize("claimed", ["other", TENANT[:-1], "11111111-2036-4924-b80f-d11610735d86"])
def test_a_token_of_another_tenant_is_refused(claimed):
    token = jwt({"tenant_id": claimed})
    with pytest.raises(ApiError) as caught:
        check_tenant(token, TENANT)
    assert caught.value.category == "configuration"
    assert f"tenant_id is {TENANT}, but the access token was issued for tenant {claimed}:" in caught.value.message
    assert token not in caught.value.message


@pytest.mark.parametrize(
    "spelled",
    [TENANT.replace("-", ""), f"{{{TENANT}}}", f"urn:uuid:{TENANT}", TENANT.replace("8", "\uff18")],
    ids=["no hyphens", "braces", "URN", "wide digits"],
)
def test_another_spelling_of_the_tenant_is_refused(spelled):
    """The service, and the tenant in the token, are compared with it letter by letter."""
    options = {**TOKEN, "tenant_id": spelled, "access_token": jwt({"tenant_id": TENANT})}
    assert ticketing_refusal(options) == f"tenant_id must be the UUID of the tenant, with hyphens, not {spelled!r}."


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
def test_keys_of_a_gateway_are_for_its_own_host_and_port(url, token_url, is_sent):
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


def test_addresses_that_were_refused_are_known():
    assert ADDRESSES == ("url", "token_url")


def test_every_option_may_be_left_blank():
    """AWX gives an empty text for what a survey left out, whatever its kind."""
    blank = {name: "" for name, option in TICKETING_OPTIONS.items() if option.type in ("str", "path")}
    assert ticketing_connection({**blank, **TOKEN}).transport == ticketing_connection(TOKEN).transport
