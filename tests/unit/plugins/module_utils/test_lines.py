# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that are kept open: shared by what is the same in everything, and by nothing else."""

from __future__ import annotations

import threading
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import lines as lines_module
from ansible_collections.secops.itsm.plugins.module_utils.auth import FetchedToken
from ansible_collections.secops.itsm.plugins.module_utils.client import Client, Sessions, Transport
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.lines import LOOKED_AT, MOST_OPEN, Line, Lines
from ansible_collections.secops.itsm.plugins.module_utils.service import Service
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.service import TICKETING_SERVICE
from ansible_collections.secops.itsm.tests.unit.loopback import Reply

CREDENTIALS: Mapping[str, Any] = {"client_id": "closer", "client_secret": "s3cr3t-of-closer"}
TENANT = "820188ff-0000-4000-8000-000000000000"


def options_of(service: Service[Any], **given: Any) -> dict[str, Any]:
    """A task's options as Ansible hands them over: with every one of the table."""
    return {name: given.get(name, option.default) for name, option in service.table.items()} | given


def contraforce(**given: Any) -> dict[str, Any]:
    return options_of(CONTRAFORCE_SERVICE, **{**CREDENTIALS, **given})


def ticketing(**given: Any) -> dict[str, Any]:
    account = {"token_url": "https://sts.example.com/token", **CREDENTIALS}
    place = {"url": "https://desk.example.com", "tenant_id": TENANT, "realm": "northwind"}
    return options_of(TICKETING_SERVICE, **{**place, **account, **given})


@pytest.fixture
def lines():
    lines = Lines()
    yield lines
    lines.close()


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


def opened(lines: Lines, **given: Any) -> Line:
    return lines.open(CONTRAFORCE_SERVICE, contraforce(**given), "agent/1")


def test_the_same_options_share_a_connection_with_its_credentials_and_sessions(lines):
    first, second = opened(lines), opened(lines)
    assert first is second
    assert first.connection.auth is second.connection.auth
    assert first.sessions.mine() is second.sessions.mine()
    assert first.sessions.mine().headers["User-Agent"] == "agent/1"


def test_options_of_the_operation_make_no_difference(lines):
    assert opened(lines, incident_id="1", comment="x") is opened(lines, incident_id="2", verify_timeout=3)


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
def test_anything_else_that_is_not_the_same_is_a_connection_of_its_own(lines, other):
    plain, first, second = opened(lines), opened(lines, **other), opened(lines, **other)
    assert plain is not first
    assert plain.connection.auth is not first.connection.auth
    assert plain.sessions is not first.sessions
    assert first is second
    assert opened(lines) is plain


@pytest.mark.parametrize("option", [name for name, entry in CONTRAFORCE_SERVICE.table.items() if entry.type == "str"])
def test_every_option_of_the_connection_counts(option):
    keys = {lines_module._key(CONTRAFORCE_SERVICE, contraforce(**{option: value})) for value in ("a", "b", None)}
    assert len(keys) == 3


@pytest.mark.parametrize("option", sorted(TICKETING_SERVICE.table))
def test_every_option_of_the_other_service_counts(option):
    keys = {lines_module._key(TICKETING_SERVICE, ticketing(**{option: value})) for value in ("a", "b", None)}
    assert len(keys) == 3


def test_headers_are_the_same_in_any_order(lines):
    one = opened(lines, headers={"X-A": "1", "X-B": "2"})
    assert opened(lines, headers={"X-B": "2", "X-A": "1"}) is one
    assert opened(lines, headers={"X-A": "2", "X-B": "1"}) is not one


def test_two_services_never_share(lines):
    same = {"url": "https://one.example", "access_token": "t0k3n", "client_id": None, "client_secret": None}
    contra = lines.open(CONTRAFORCE_SERVICE, contraforce(**same), "agent/1")
    desk = lines.open(TICKETING_SERVICE, ticketing(**same, token_url=None), "agent/1")
    assert contra is not desk
    # Not even if they have the same options.
    assert lines_module._key(CONTRAFORCE_SERVICE, {}) != lines_module._key(
        Service(CONTRAFORCE_SERVICE.table, None, TICKETING_SERVICE.vendor, None, ("x", "y")), {}
    )


@pytest.mark.parametrize("variable", LOOKED_AT)
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_what_requests_takes_from_the_environment_counts(lines, monkeypatch, variable, spelled):
    monkeypatch.delenv(spelled(variable), raising=False)
    plain = opened(lines)
    monkeypatch.setenv(spelled(variable), "one")
    first = opened(lines)
    monkeypatch.setenv(spelled(variable), "two")
    second = opened(lines)
    monkeypatch.delenv(spelled(variable))
    assert len({id(plain), id(first), id(second)}) == 3
    assert opened(lines) is plain


def test_every_variable_is_looked_at():
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    assert set(LOOKED_AT) >= {*proxies, "requests_ca_bundle", "curl_ca_bundle", "ssl_cert_file", "ssl_cert_dir"}


def test_the_rest_of_the_environment_does_not_count(lines, monkeypatch):
    plain = opened(lines)
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert opened(lines) is plain


def test_the_oldest_is_closed_when_there_are_too_many(lines, closed):
    many = [opened(lines, client_id=f"account {number}") for number in range(MOST_OPEN)]
    assert closed == []
    # Used again, so that it is not the oldest any more.
    assert opened(lines, client_id="account 0") is many[0]
    opened(lines, client_id="one more")
    assert closed == [many[1].sessions]
    assert opened(lines, client_id="account 0") is many[0]
    assert opened(lines, client_id="account 1") is not many[1]
    assert closed == [many[1].sessions, many[2].sessions]


def test_so_many_are_kept_open():
    assert MOST_OPEN == 8


def test_all_of_them_are_closed_in_the_end(lines, closed):
    many = [opened(lines, client_id=f"account {number}") for number in range(3)]
    lines.close()
    assert {id(sessions) for sessions in closed} == {id(line.sessions) for line in many}
    assert opened(lines, client_id="account 0") is not many[0]


def test_options_that_are_refused_open_nothing_and_spoil_nothing(lines, closed):
    plain = opened(lines)
    for _each in range(2):
        with pytest.raises(ApiError, match="client_secret is missing"):
            opened(lines, client_secret=None)
    assert opened(lines) is plain
    assert closed == []


def test_a_token_lives_as_long_as_its_connection(lines):
    first = lines.open(TICKETING_SERVICE, ticketing(), "agent/1").connection.auth
    assert isinstance(first, FetchedToken)
    assert lines.open(TICKETING_SERVICE, ticketing(), "agent/1").connection.auth is first
    other = lines.open(TICKETING_SERVICE, ticketing(client_secret="another"), "agent/1").connection.auth
    assert other is not first
    assert set(other.secrets).isdisjoint(first.secrets)


# --- sessions -------------------------------------------------------------------------------------------------------


def requested(line: Line, path: str) -> None:
    Client(line.connection.transport, line.connection.auth, CONTRAFORCE, sessions=line.sessions).read("GET", path)


def test_requests_over_one_line_share_one_tcp_connection(lines, serve):
    server = serve(Reply(body={}))
    for number in range(3):
        requested(opened(lines, url=server.url), f"/{number}")
    assert len({seen.peer for seen in server.seen}) == 1


def test_a_client_does_not_close_what_others_use(lines, serve):
    server = serve(Reply(body={}))
    line = opened(lines, url=server.url)
    client = Client(line.connection.transport, line.connection.auth, CONTRAFORCE, sessions=line.sessions)
    client.read("GET", "/1")
    client.close()
    requested(line, "/2")
    assert len({seen.peer for seen in server.seen}) == 1


def test_each_thread_has_a_session_of_its_own(lines, serve):
    server = serve(Reply(body={}))
    line = opened(lines, url=server.url)

    def work() -> None:
        for number in range(3):
            requested(line, f"/{number}")

    workers = [threading.Thread(target=work) for _each in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(server.seen) == 9
    assert len({seen.peer for seen in server.seen}) == 3


def test_whoever_asks_after_the_end_gets_a_new_session():
    sessions = Sessions(Transport("http://127.0.0.1:9"), FetchedToken(lambda: "x", ()), "agent/1")
    first = sessions.mine()
    assert sessions.mine() is first
    sessions.close()
    second = sessions.mine()
    assert second is not first
    assert second.auth is first.auth
    sessions.close()
    sessions.close()


def test_all_sessions_of_all_threads_are_closed(monkeypatch):
    sessions = Sessions(Transport("http://127.0.0.1:9"), FetchedToken(lambda: "x", ()), "agent/1")
    seen: list[Any] = []
    closed: list[Any] = []

    def work() -> None:
        session = sessions.mine()
        monkeypatch.setattr(session, "close", lambda: closed.append(session))
        seen.append(session)

    for worker in [threading.Thread(target=work) for _each in range(3)]:
        worker.start()
        worker.join(30)
    sessions.close()
    assert len(seen) == 3
    assert {id(session) for session in closed} == {id(session) for session in seen}
