# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool of open connections, which are shared only by tasks with exactly the same options."""

from __future__ import annotations

import threading
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import connection_pool
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import ClientCredentialsAuth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Sessions, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import (
    ENVIRONMENT_VARIABLES,
    MAX_CONNECTIONS,
    ConnectionPool,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import REZOLVE_SERVICE
from ansible_collections.secops.itsm.tests.unit.loopback import Reply

CREDENTIALS: Mapping[str, Any] = {"client_id": "closer", "client_secret": "s3cr3t-of-closer"}
TENANT = "820188ff-0000-4000-8000-000000000000"


def options_of(service: ServiceDefinition[Any], **given: Any) -> dict[str, Any]:
    """A task's options as Ansible hands them over: with every one of the table."""
    return {name: given.get(name, option.default) for name, option in service.connection_options.items()} | given


def contraforce(**given: Any) -> dict[str, Any]:
    return options_of(CONTRAFORCE_SERVICE, **{**CREDENTIALS, **given})


def ticketing(**given: Any) -> dict[str, Any]:
    account = {"token_url": "https://sts.example.com/token", **CREDENTIALS}
    place = {"url": "https://desk.example.com", "tenant_id": TENANT, "realm": "northwind"}
    return options_of(REZOLVE_SERVICE, **{**place, **account, **given})


@pytest.fixture
def pool():
    pool = ConnectionPool()
    yield pool
    pool.close()


@pytest.fixture
def closed(monkeypatch):
    """The sessions that were closed."""
    seen: list[Sessions] = []
    close = Sessions.close

    def closing(sessions: Sessions) -> None:
        seen.append(sessions)
        close(sessions)

    monkeypatch.setattr(Sessions, "close", closing)
    return seen


def opened(pool: ConnectionPool, **given: Any) -> Connection:
    return pool.open(CONTRAFORCE_SERVICE, contraforce(**given), "agent/1")


def test_same_options_share_connection_auth_and_sessions(pool):
    first, second = opened(pool), opened(pool)
    assert first is second
    assert first.auth is second.auth
    assert first.sessions.for_current_thread() is second.sessions.for_current_thread()
    assert first.sessions.for_current_thread().headers["User-Agent"] == "agent/1"


def test_other_options_do_not_matter(pool):
    assert opened(pool, incident_id="1", comment="x") is opened(pool, incident_id="2", verify_timeout=3)


@pytest.mark.parametrize(
    "other",
    [
        {"client_secret": "s3cr3t-of-closer "},
        {"client_secret": "S3cr3t-of-closer"},
        {"client_id": "another"},
        {"client_id": None, "client_secret": None, "access_token": "t0k3n"},
        {"url": "https://eu.contraforce.example/api/v2"},
        {"headers": {"X-Gateway": "one"}},
        {"headers": {"X-Gateway": "two"}},
        {"proxy": "http://proxy.example:3128"},
        {"proxy": "http://me:s3cr3t@proxy.example:3128"},
        {"validate_certs": False},
        {"ca_path": __file__},
        {"client_cert": __file__},
        {"client_cert": __file__, "client_key": __file__},
        {"timeout": 31},
        {"retry_timeout": 61},
        {"allow_http": True},
    ],
    ids=lambda other: " ".join(f"{name}={str(value)[-20:]}" for name, value in other.items()),
)
def test_any_difference_makes_a_separate_connection(pool, other):
    plain, first, second = opened(pool), opened(pool, **other), opened(pool, **other)
    assert plain is not first
    assert plain.auth is not first.auth
    assert plain.sessions is not first.sessions
    assert first is second
    assert opened(pool) is plain


@pytest.mark.parametrize(
    "option", [name for name, entry in CONTRAFORCE_SERVICE.connection_options.items() if entry.type == "str"]
)
def test_every_contraforce_option_is_part_of_the_key(option):
    keys = {connection_pool._key(CONTRAFORCE_SERVICE, contraforce(**{option: value})) for value in ("a", "b", None)}
    assert len(keys) == 3


@pytest.mark.parametrize("option", sorted(REZOLVE_SERVICE.connection_options))
def test_every_ticketing_option_is_part_of_the_key(option):
    keys = {connection_pool._key(REZOLVE_SERVICE, ticketing(**{option: value})) for value in ("a", "b", None)}
    assert len(keys) == 3


def test_order_of_headers_does_not_matter(pool):
    one = opened(pool, headers={"X-A": "1", "X-B": "2"})
    assert opened(pool, headers={"X-B": "2", "X-A": "1"}) is one
    assert opened(pool, headers={"X-A": "2", "X-B": "1"}) is not one


def test_services_never_share_a_connection(pool):
    same = {"url": "https://one.example", "access_token": "t0k3n", "client_id": None, "client_secret": None}
    contra = pool.open(CONTRAFORCE_SERVICE, contraforce(**same), "agent/1")
    desk = pool.open(REZOLVE_SERVICE, ticketing(**same, token_url=None), "agent/1")
    assert contra is not desk
    # Not even if they have the same options.
    assert connection_pool._key(CONTRAFORCE_SERVICE, {}) != connection_pool._key(
        ServiceDefinition(CONTRAFORCE_SERVICE.connection_options, None, REZOLVE_SERVICE.errors, None, ("x", "y")), {}
    )


@pytest.mark.parametrize("variable", ENVIRONMENT_VARIABLES)
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_environment_variables_are_part_of_the_key(pool, monkeypatch, variable, spelled):
    monkeypatch.delenv(spelled(variable), raising=False)
    plain = opened(pool)
    monkeypatch.setenv(spelled(variable), "one")
    first = opened(pool)
    monkeypatch.setenv(spelled(variable), "two")
    second = opened(pool)
    monkeypatch.delenv(spelled(variable))
    assert len({id(plain), id(first), id(second)}) == 3
    assert opened(pool) is plain


def test_all_variables_of_requests_are_known():
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    assert set(ENVIRONMENT_VARIABLES) >= {
        *proxies,
        "requests_ca_bundle",
        "curl_ca_bundle",
        "ssl_cert_file",
        "ssl_cert_dir",
    }


def test_other_environment_variables_do_not_matter(pool, monkeypatch):
    plain = opened(pool)
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert opened(pool) is plain


def test_least_recently_used_connection_is_closed(pool, closed):
    many = [opened(pool, client_id=f"account {number}") for number in range(MAX_CONNECTIONS)]
    assert closed == []
    # Used again, so that it is not the oldest any more.
    assert opened(pool, client_id="account 0") is many[0]
    opened(pool, client_id="one more")
    assert closed == [many[1].sessions]
    assert opened(pool, client_id="account 0") is many[0]
    assert opened(pool, client_id="account 1") is not many[1]
    assert closed == [many[1].sessions, many[2].sessions]


def test_maximum_number_of_connections():
    assert MAX_CONNECTIONS == 8


def test_close_closes_all_connections(pool, closed):
    many = [opened(pool, client_id=f"account {number}") for number in range(3)]
    pool.close()
    assert {id(sessions) for sessions in closed} == {id(connection.sessions) for connection in many}
    assert opened(pool, client_id="account 0") is not many[0]


def test_invalid_options_open_no_connection(pool, closed):
    plain = opened(pool)
    for _each in range(2):
        with pytest.raises(ApiError, match=r"client_secret \(CONTRAFORCE_CLIENT_SECRET\) is missing"):
            opened(pool, client_secret=None)
    assert opened(pool) is plain
    assert closed == []


def test_token_is_kept_with_its_connection(pool):
    first = pool.open(REZOLVE_SERVICE, ticketing(), "agent/1").auth
    assert isinstance(first, ClientCredentialsAuth)
    assert pool.open(REZOLVE_SERVICE, ticketing(), "agent/1").auth is first
    other = pool.open(REZOLVE_SERVICE, ticketing(client_secret="another"), "agent/1").auth
    assert other is not first
    assert set(other.secrets).isdisjoint(first.secrets)


# --- sessions -------------------------------------------------------------------------------------------------------


def requested(connection: Connection, path: str) -> None:
    Client(connection.transport, connection.auth, CONTRAFORCE, sessions=connection.sessions).read("GET", path)


def test_requests_share_one_tcp_connection(pool, serve):
    server = serve(Reply(body={}))
    for number in range(3):
        requested(opened(pool, url=server.url), f"/{number}")
    assert len({seen.peer for seen in server.seen}) == 1


def test_client_does_not_close_shared_sessions(pool, serve):
    server = serve(Reply(body={}))
    connection = opened(pool, url=server.url)
    client = Client(connection.transport, connection.auth, CONTRAFORCE, sessions=connection.sessions)
    client.read("GET", "/1")
    client.close()
    requested(connection, "/2")
    assert len({seen.peer for seen in server.seen}) == 1


def test_each_thread_has_its_own_session(pool, serve):
    server = serve(Reply(body={}))
    connection = opened(pool, url=server.url)

    def work() -> None:
        for number in range(3):
            requested(connection, f"/{number}")

    workers = [threading.Thread(target=work) for _each in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(server.seen) == 9
    assert len({seen.peer for seen in server.seen}) == 3


def test_closed_sessions_are_replaced_on_use():
    sessions = Sessions(Transport("http://127.0.0.1:9"), ClientCredentialsAuth(lambda: "x", ()), "agent/1")
    first = sessions.for_current_thread()
    assert sessions.for_current_thread() is first
    sessions.close()
    second = sessions.for_current_thread()
    assert second is not first
    assert second.auth is first.auth
    sessions.close()
    sessions.close()


def test_close_closes_the_sessions_of_all_threads(monkeypatch):
    sessions = Sessions(Transport("http://127.0.0.1:9"), ClientCredentialsAuth(lambda: "x", ()), "agent/1")
    seen: list[Any] = []
    closed: list[Any] = []

    def work() -> None:
        session = sessions.for_current_thread()
        monkeypatch.setattr(session, "close", lambda: closed.append(session))
        seen.append(session)

    for worker in [threading.Thread(target=work) for _each in range(3)]:
        worker.start()
        worker.join(30)
    sessions.close()
    assert len(seen) == 3
    assert {id(session) for session in closed} == {id(session) for session in seen}


def test_session_of_an_ended_thread_is_reused():
    """The workers of a list come and go, and each session keeps a connection open."""
    sessions = Sessions(Transport("http://127.0.0.1:9"), ClientCredentialsAuth(lambda: "x", ()), "agent/1")
    seen: list[object] = [sessions.for_current_thread()]
    for _each in range(3):
        worker = threading.Thread(target=lambda: seen.append(sessions.for_current_thread()))
        worker.start()
        worker.join()
    assert seen[0] is sessions.for_current_thread()
    assert seen[0] is not seen[1]
    assert seen[1] is seen[2] is seen[3]
    sessions.close()
