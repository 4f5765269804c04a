# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool of open connections, which only tasks with the same options share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
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
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import REZOLVE_SERVICE
from ansible_collections.secops.itsm.tests.unit.loopback import Reply

CREDENTIALS: Mapping[str, Any] = {"client_id": "closer", "client_secret": "s3cr3t-of-closer"}
TICKETING: Mapping[str, Any] = {
    **CREDENTIALS,
    "token_url": "https://sts.example.com/token",
    "url": "https://desk.example.com",
    "tenant_id": "820188ff-0000-4000-8000-000000000000",
    "realm": "northwind",
}


@pytest.fixture
def pool():
    pool = ConnectionPool()
    yield pool
    pool.close()


@pytest.fixture
def closed(monkeypatch):
    """Record the sessions to close instead of closing them."""
    recorded: list[Sessions] = []

    def close(sessions: Sessions) -> None:
        recorded.append(sessions)

    monkeypatch.setattr(Sessions, "close", close)
    return recorded


def opened(pool: ConnectionPool, service: ServiceDefinition[Any] = CONTRAFORCE_SERVICE, **given: Any) -> Connection:
    """Open a connection with all options of a service, as Ansible passes them."""
    required = CREDENTIALS if service is CONTRAFORCE_SERVICE else TICKETING
    defaults = {name: option.default for name, option in service.connection_options.items()}
    return pool.open(service, {**defaults, **required, **given}, "agent/1")


def test_tasks_with_the_same_options_share_a_connection(pool):
    first, second = opened(pool, incident_id="1", comment="x"), opened(pool, incident_id="2", verify_timeout=3)
    assert first is second
    assert first.sessions.for_current_thread().headers["User-Agent"] == "agent/1"


def test_connections_do_not_share_credentials_or_sessions(pool):
    plain, other = opened(pool), opened(pool, headers={"X-Gateway": "one"})
    assert plain.auth is not other.auth
    assert plain.sessions is not other.sessions
    assert opened(pool) is plain


@pytest.mark.parametrize("service", [CONTRAFORCE_SERVICE, REZOLVE_SERVICE], ids=["ContraForce", "ticketing"])
def test_every_option_is_part_of_the_key(service):
    for option in service.connection_options:
        keys = {connection_pool._key(service, {option: value}) for value in ("a", "A", "a ", 1, True, None)}
        assert len(keys) == 6, option


def test_order_of_headers_does_not_matter(pool):
    one = opened(pool, headers={"X-A": "1", "X-B": "2"})
    assert opened(pool, headers={"X-B": "2", "X-A": "1"}) is one
    assert opened(pool, headers={"X-A": "2", "X-B": "1"}) is not one


def test_services_never_share_a_connection():
    options = CONTRAFORCE_SERVICE.connection_options
    same_options = ServiceDefinition(options, None, REZOLVE_SERVICE.errors, None, ("x", "y"))
    assert connection_pool._key(CONTRAFORCE_SERVICE, {}) != connection_pool._key(same_options, {})


@pytest.mark.parametrize(
    "variable",
    [
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("requests_ca_bundle", "curl_ca_bundle", "ssl_cert_file", "ssl_cert_dir"),
    ],
)
def test_environment_variables_are_part_of_the_key(pool, monkeypatch, variable):
    for name in (variable, variable.upper()):
        monkeypatch.delenv(name, raising=False)
        plain = opened(pool)
        monkeypatch.setenv(name, "one")
        first = opened(pool)
        monkeypatch.setenv(name, "two")
        second = opened(pool)
        monkeypatch.delenv(name)
        assert len({id(plain), id(first), id(second)}) == 3
        assert opened(pool) is plain


def test_other_environment_variables_do_not_matter(pool, monkeypatch):
    plain = opened(pool)
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert opened(pool) is plain


def test_least_recently_used_connection_is_closed(pool, closed):
    connections = [opened(pool, client_id=f"account {number}") for number in range(8)]
    assert closed == []
    # Used again, so that it is no longer the oldest one.
    assert opened(pool, client_id="account 0") is connections[0]
    opened(pool, client_id="one more")
    assert closed == [connections[1].sessions]
    assert opened(pool, client_id="account 0") is connections[0]
    assert opened(pool, client_id="account 1") is not connections[1]
    assert closed == [connections[1].sessions, connections[2].sessions]


def test_close_closes_all_connections(pool, closed):
    connections = [opened(pool, client_id=f"account {number}") for number in range(3)]
    pool.close()
    assert {id(sessions) for sessions in closed} == {id(connection.sessions) for connection in connections}
    assert opened(pool, client_id="account 0") is not connections[0]


def test_invalid_options_open_no_connection(pool, closed):
    plain = opened(pool)
    for _each in range(2):
        with pytest.raises(ApiError, match=r"client_secret \(CONTRAFORCE_CLIENT_SECRET\)"):
            opened(pool, client_secret=None)
    assert opened(pool) is plain
    assert closed == []


# --- sessions -------------------------------------------------------------------------------------------------------


def client_of(connection: Connection) -> Client:
    return Client(connection.transport, connection.auth, CONTRAFORCE, sessions=connection.sessions)


def run_in_thread(function: Any) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join(30)


def test_clients_of_a_thread_share_one_tcp_connection(pool, serve):
    server = serve(Reply(body={}))
    for number in range(3):
        client = client_of(opened(pool, url=server.url))
        client.read("GET", f"/{number}")
        client.close()
    assert len({seen.peer for seen in server.seen}) == 1


def test_each_thread_has_its_own_session(pool, serve):
    server = serve(Reply(body={}))
    connection = opened(pool, url=server.url)
    barrier = threading.Barrier(3)

    def work(_number: int) -> None:
        for path in ("/1", "/2", "/3"):
            client_of(connection).read("GET", path)
        barrier.wait(30)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    assert len(server.seen) == 9
    assert len({seen.peer for seen in server.seen}) == 3


@pytest.fixture
def sessions():
    sessions = Sessions(Transport("http://127.0.0.1:9"), ClientCredentialsAuth(lambda: "x", ()), "agent/1")
    yield sessions
    sessions.close()


def test_closed_sessions_are_replaced_on_use(sessions):
    first = sessions.for_current_thread()
    assert sessions.for_current_thread() is first
    sessions.close()
    second = sessions.for_current_thread()
    assert second is not first
    assert second.auth is first.auth


def test_close_closes_the_sessions_of_all_threads(sessions, monkeypatch):
    opened_sessions: list[Any] = []
    closed_sessions: list[Any] = []

    def work() -> None:
        session = sessions.for_current_thread()
        monkeypatch.setattr(session, "close", lambda: closed_sessions.append(session))
        opened_sessions.append(session)

    work()
    run_in_thread(work)
    sessions.close()
    assert len(opened_sessions) == 2
    assert {id(session) for session in closed_sessions} == {id(session) for session in opened_sessions}


def test_session_of_an_ended_thread_is_reused(sessions):
    """Lists replace their workers, and each session keeps a connection open."""
    used: list[object] = [sessions.for_current_thread()]
    for _each in range(3):
        run_in_thread(lambda: used.append(sessions.for_current_thread()))
    assert used[0] is sessions.for_current_thread()
    assert used[0] is not used[1]
    assert used[1] is used[2] is used[3]
