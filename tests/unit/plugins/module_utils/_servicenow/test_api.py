# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the requests of the Table API against a real HTTP server, and the parsing of its responses."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import (
    SERVICENOW,
    ServiceNowApi,
    category_of,
    display_of,
    problem_of,
    reports_failure,
    value_of,
    wait_of,
)
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SYS_ID = "3f7b2c4d5e6f708192a3b4c5d6e7f809"
RECORD = {
    "sys_id": {"value": SYS_ID, "display_value": SYS_ID},
    "state": {"value": "6", "display_value": "Resolved"},
    "close_code": {"value": "", "display_value": None},
}
SHOWN = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"}
INPUT = {**SHOWN, "sysparm_input_display_value": "false"}

CALLS: Mapping[str, Callable[[ServiceNowApi], Any]] = {
    "page": lambda api: api.page("incident", "number=INC1^ORDERBYsys_id", 10, 20, ("number",)),
    "record": lambda api: api.record("incident", SYS_ID),
    "create": lambda api: api.create("incident", {"short_description": "ä"}),
    "update": lambda api: api.update("incident", SYS_ID, {"state": "6", "close_code": ""}),
    "journal": lambda api: api.journal("incident", SYS_ID, 5),
    "choices": lambda api: api.choices(["incident", "task"], ["state", "impact"], 5),
    "dictionary": lambda api: api.dictionary(["incident", "task"], ["state"], 5),
}
WRITES = ("create", "update")
READS = tuple(name for name in CALLS if name not in WRITES)
LISTS = tuple(name for name in READS if name != "record")


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    """Share one server, as starting and stopping one takes longer than a test."""
    started = LoopbackServer()
    yield started
    started.close()


@pytest.fixture
def api(server, clock) -> Callable[..., ServiceNowApi]:
    """Return a factory of an API whose server follows a script."""

    def make(*script: Reply, retry_timeout: float = 0) -> ServiceNowApi:
        server.script, server.seen = list(script), []
        transport = Transport(f"{server.url}/api/now/v2", timeout=5, retry_timeout=retry_timeout)
        return ServiceNowApi(Client(transport, auth.basic("user", "password"), SERVICENOW, clock=clock))

    return make


def result(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {"result": value}, {"X-Transaction-ID": "1a2b", **headers})


def failure(call: Callable[[ServiceNowApi], Any], api: ServiceNowApi) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(api)
    return caught.value


# --- requests -------------------------------------------------------------------------------------------------------


def test_list_request_shows_values_in_a_total_order(server, api):
    page = CALLS["page"](api(result([RECORD], **{"X-Total-Count": "31"})))
    (seen,) = server.seen
    parts = urlsplit(seen.target)
    assert (seen.method, parts.path) == ("GET", "/api/now/v2/table/incident")
    assert dict(parse_qsl(parts.query)) == {
        **SHOWN,
        "sysparm_query": "number=INC1^ORDERBYsys_id",
        "sysparm_limit": "10",
        "sysparm_offset": "20",
        "sysparm_fields": "sys_id,number",
    }
    assert (page.rows, page.total, page.next_offset) == ([RECORD], 31, None)


@pytest.mark.parametrize("name", WRITES)
def test_write_sends_stored_values(server, api, name):
    service = api(result(RECORD, 201 if name == "create" else 200))
    CALLS[name](service)
    (seen,) = server.seen
    parts = urlsplit(seen.target)
    path = "/api/now/v2/table/incident"
    wanted = {
        "create": ("POST", path, {"short_description": "ä"}),
        "update": ("PATCH", f"{path}/{SYS_ID}", {"state": "6", "close_code": ""}),
    }[name]
    assert (seen.method, parts.path, json.loads(seen.body)) == wanted
    assert dict(parse_qsl(parts.query)) == INPUT
    assert (service.request_ids, service.may_have_changed) == (["1a2b"], True)
    assert seen.headers["content-type"] == seen.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "name, table, query",
    [
        ("journal", "sys_journal_field", f"element_id={SYS_ID}^ORDERBYsys_created_on^ORDERBYsys_id"),
        ("choices", "sys_choice", "nameINincident,task^elementINstate,impact^ORDERBYsys_id"),
        ("dictionary", "sys_dictionary", "nameINincident,task^elementINstate^ORDERBYsys_id"),
    ],
)
def test_metadata_is_read_with_exact_queries(server, api, name, table, query):
    CALLS[name](api(result([])))
    (seen,) = server.seen
    parts = urlsplit(seen.target)
    assert parts.path == f"/api/now/v2/table/{table}"
    assert dict(parse_qsl(parts.query))["sysparm_query"] == query


@pytest.mark.parametrize("values", [{}, {"state": 6}, {"state": None}, {"a^b": "1"}])
def test_write_that_violates_the_contract_is_not_sent(server, api, values):
    service = api(result(RECORD))
    assert failure(lambda api: api.create("incident", values), service).category == "contract"
    assert server.seen == []


# --- responses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link, following",
    [
        ("", None),
        (
            '<https://x/api?sysparm_limit=10&sysparm_offset=30>;rel="next",<https://x/api?sysparm_offset=0>;rel="first"',
            30,
        ),
        ('<https://x/api?sysparm_offset=0>;rel="first",<https://x/api?sysparm_offset=40>;rel="next"', 40),
        ("<https://x/api?sysparm_offset=0>; rel=next", 0),
        ('<https://x/api?sysparm_offset=0>;rel="prev"', None),
        (f'<https://x/api?sysparm_offset={"9" * 5000}>;rel="next"', None),
    ],
)
def test_next_page_is_read_from_the_link(api, link, following):
    assert CALLS["page"](api(result([], Link=link))).next_offset == following


@pytest.mark.parametrize("total", ["", "many", "-1", "1" * 20])
def test_unusable_total_is_unknown(api, total):
    assert CALLS["page"](api(result([], **{"X-Total-Count": total}))).total is None


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("body", [{}, [], {"result": None}, {"result": "x"}, {"result": [{"number": "1"}]}])
def test_response_without_records_violates_the_contract(api, name, body):
    error = failure(CALLS[name], api(Reply(body=body)))
    assert (error.category, error.ambiguous) == ("contract", name in WRITES)


@pytest.mark.parametrize("name", ["record", "update"])
def test_another_record_is_refused(api, name):
    other = {**RECORD, "sys_id": {"value": "0" * 32}}
    error = failure(CALLS[name], api(result(other)))
    assert (error.category, error.ambiguous) == ("contract", name == "update")
    assert_message(error.message, SYS_ID, "0" * 32)


def test_values_of_a_row():
    row = {**RECORD, "plain": "text", "null": None}
    names = ("state", "close_code", "plain", "null", "missing")
    assert [value_of(row, name) for name in names] == ["6", "", "text", "", None]
    assert [display_of(row, name) for name in names] == ["Resolved", None, None, None, None]


@pytest.mark.parametrize("name", CALLS)
def test_broken_json_is_a_violation_or_leaves_a_write_uncertain(api, name):
    body = b'{"result": [{"sys_id": "' + SYS_ID.encode() + b'"}, {"error": {"message": "Transaction cancelled'
    error = failure(CALLS[name], api(Reply(200, body, {"Content-Type": "application/json"})))
    assert (error.category, error.ambiguous) == ("contract", name in WRITES)


@pytest.mark.parametrize("name", CALLS)
def test_page_of_a_hibernating_instance_means_that_it_is_unavailable(api, name):
    page = Reply(200, b"<html>Your instance is hibernating.</html>", {"Content-Type": "text/html"})
    error = failure(CALLS[name], api(page))
    assert (error.category, error.retryable, error.ambiguous) == ("unavailable", True, name in WRITES)
    assert_message(error.message, "hibernating", "url (SERVICENOW_URL)")


@pytest.mark.parametrize("name", CALLS)
def test_reported_failure_of_a_success_is_a_failure(api, name):
    body = {"result": [], "error": {"message": "Transaction cancelled", "detail": "maximum time exceeded"}}
    error = failure(CALLS[name], api(Reply(200, {**body, "status": "failure"})))
    assert (error.category, error.ambiguous) == ("contract", name in WRITES)
    assert_message(error.message, "Transaction cancelled: maximum time exceeded")


# --- errors ---------------------------------------------------------------------------------------------------------


def error_of(status: int, message: str, detail: str | None = None, **headers: str) -> Reply:
    return Reply(status, {"error": {"message": message, "detail": detail}, "status": "failure"}, headers)


@pytest.mark.parametrize(
    "reply, category, facts",
    [
        (
            error_of(401, "User Not Authenticated", "Required to provide Auth information"),
            "authentication",
            ["password"],
        ),
        (error_of(403, "Operation Failed", "ACL Exception Insert Failed"), "permission", ["itil"]),
        (error_of(403, "Operation Failed", "Data Policy Exception: ... mandatory: Caller"), "validation", ["Caller"]),
        (error_of(403, "Operation Failed", "aborted by Business Rule 'X'"), "validation", ["Business Rule 'X'"]),
        (error_of(400, "Invalid table sn_si_incident"), "configuration", ["table", "sn_si_incident"]),
        (error_of(404, "No Record found"), "not_found", ["access rule"]),
        (error_of(429, "Rate limit exceeded"), "rate_limited", []),
        (error_of(500, "Internal"), "unavailable", []),
    ],
)
@pytest.mark.parametrize("name", ["record", "update"])
def test_errors_have_categories_and_remedies(api, name, reply, category, facts):
    error = failure(CALLS[name], api(reply))
    assert error.category == category
    assert error.ambiguous == (name == "update" and reply.status == 500)
    assert_message(error.message, *facts)


def test_refusal_for_a_missing_second_factor_is_explained(api):
    error = failure(CALLS["record"], api(error_of(401, "User Not Authenticated", **{"X-MFA_TOKEN": "invalid"})))
    assert error.category == "authentication"
    assert_message(error.message, "multi-factor", "client_id (SERVICENOW_CLIENT_ID)")


@pytest.mark.parametrize(
    "body, text",
    [
        ({"error": {"message": "a.", "detail": "b"}}, "a: b"),
        ({"error": {"message": "a", "detail": None}}, "a"),
        ({"error": {"message": "a", "detail": "a"}}, "a"),
        ({"error": "text"}, "text"),
        ({"error": {}}, None),
        ([], None),
    ],
)
def test_text_of_an_error(body, text):
    assert problem_of(body) == ErrorBody(None, text)


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"result": []}, False),
        ({"status": "failure"}, True),
        ({"error": {"message": "x"}}, True),
        ([], False),
        (None, False),
    ],
)
def test_failures_in_a_success(body, expected):
    assert reports_failure(body) is expected


def test_other_statuses_are_not_misleading():
    assert category_of(403, ErrorBody()) is None
    assert category_of(500, ErrorBody(None, "business rule")) is None


@pytest.mark.parametrize("name", CALLS)
def test_rate_limit_is_awaited(server, api, clock, name):
    record: Any = RECORD if name in ("record", *WRITES) else [RECORD]
    CALLS[name](api(error_of(429, "Rate limit", **{"Retry-After": "7"}), result(record), retry_timeout=60))
    assert len(server.seen) == 2
    assert 7 <= clock.time < 10


def test_wait_until_the_reset_of_a_rate_limit():
    assert wait_of(429, {"Retry-After": "5", "X-RateLimit-Reset": "99"}) == 5
    assert 58 <= (wait_of(429, {"X-RateLimit-Reset": str(int(time.time()) + 60)}) or 0) <= 60
    assert wait_of(429, {"X-RateLimit-Reset": "1"}) == 0
    assert wait_of(429, {"X-RateLimit-Reset": "soon"}) is None
    assert wait_of(503, {"X-RateLimit-Reset": "99"}) is None


def test_unavailable_service_may_have_created_the_ticket(server, api):
    error = failure(CALLS["create"], api(error_of(503, "Unavailable", **{"Retry-After": "1"}), retry_timeout=60))
    assert (error.ambiguous, len(server.seen)) == (True, 1)
