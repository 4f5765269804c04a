# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the requests of the ticketing API against a real HTTP server, and the parsing of its responses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import quote

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import (
    REZOLVE,
    Page,
    RezolveApi,
    category_of,
    problem_of,
    reports_failure,
    wait_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    LONGEST_RESET,
    OFFERS_PATHS,
    ROWS_PATHS,
    TICKET_PATHS,
    TICKET_TYPES_PATHS,
)
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SEED = json.loads((Path(__file__).parents[3] / "data" / "ticketing_seed.json").read_text(encoding="utf-8"))
CREATED = SEED["success"]["body"]
TICKET = CREATED["ticket"]
BODY = SEED["example_request"]["body"]
ETAG = "0f0f0f0f-6e4f-45a8-bc14-a11362dc61bd"
LIST = {"search": "Läptop", "top": 2, "offset": 4, "sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
ROWS = [{"object_id": "CTC-1", "summary": "x"}, {"objectId": "CTC-2"}, {"object_id": 3}]

CALLS: Mapping[str, Callable[[RezolveApi], Any]] = {
    "create": lambda api: api.create_ticket("james", "16910", BODY),
    "update": lambda api: api.update_ticket("CTC-0054", ETAG, {"a": None, "b": "ä", "c": [0, False, ""]}),
    "read": lambda api: api.ticket("CTC-0054"),
    "list": lambda api: api.tickets_page(LIST),
    "types": lambda api: api.ticket_types(50, 100),
    "offers": lambda api: api.offers(),
    "user": lambda api: api.user_info(),
}
UPDATE_BODY = {"etag": ETAG, "ticketUpdate": {"a": None, "b": "ä", "c": [0, False, ""]}}
#: Method, path and body of each request.
REQUESTS: Mapping[str, tuple[str, str, Any]] = {
    "create": ("POST", "/ticket/create/james/16910", BODY),
    "update": ("PATCH", "/ticket/CTC-0054/update", UPDATE_BODY),
    "read": ("GET", "/ticket/CTC-0054", None),
    "list": ("POST", "/ticket/list", LIST),
    "types": ("GET", "/ticket-type", None),
    "offers": ("GET", "/tenant/sc/offers", None),
    "user": ("GET", "/user/userinfo", None),
}
WRITES = ("create", "update")
READS = tuple(name for name in CALLS if name not in WRITES)
#: A valid response to every request.
RESPONSE = {"ticket": TICKET, "data": {"rows": [], "value": [], "offers": []}}


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    """Share one server, as starting and stopping one takes longer than a test."""
    started = LoopbackServer()
    yield started
    started.close()


@pytest.fixture
def api(server, clock) -> Callable[..., RezolveApi]:
    """Return a factory of an API whose server follows a script."""

    def make(
        *script: Reply, catalog_type: str = "template", read_only: bool = False, redact: Callable[[str], str] = str
    ) -> RezolveApi:
        server.script, server.seen = list(script), []
        transport = Transport(server.url, timeout=5)
        client = Client(transport, auth.bearer("token"), REZOLVE, read_only=read_only, redact=redact, clock=clock)
        return RezolveApi(client, catalog_type)

    return make


def failure(call: Callable[[RezolveApi], Any], api: RezolveApi) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(api)
    return caught.value


def placed(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_request_has_its_method_path_query_and_body(server, api, name):
    service = api(Reply(body=RESPONSE, headers={"X-Request-Id": "r1"}), catalog_type="agent")
    CALLS[name](service)
    (seen,) = server.seen
    method, path, body = REQUESTS[name]
    more = "&%24top=50&%24skip=100" if name == "types" else ""
    assert (seen.method, seen.target) == (method, f"{path}?type=agent&module=ticketing{more}")
    assert (json.loads(seen.body) if seen.body else None) == body
    assert (seen.headers["accept"], service.request_ids) == ("application/json", ["r1"])
    assert service.may_have_changed == (name in WRITES)


def test_any_text_is_one_segment_of_a_path(server, api):
    odd, segment = "CTC/00 54ä?#%2F", "CTC%2F00%2054%C3%A4%3F%23%252F"
    service = api(Reply(body={"ticket": {**TICKET, "object_id": odd}}))
    service.create_ticket(odd, odd, BODY)
    service.update_ticket(odd, ETAG, {"a": 1})
    service.ticket(odd)
    paths = [f"/ticket/create/{segment}/{segment}", f"/ticket/{segment}/update", f"/ticket/{segment}"]
    assert [seen.target.split("?")[0] for seen in server.seen] == paths


# HTTP stacks normalize such segments, so that the request would address another resource.
@pytest.mark.parametrize("segment", [".", "..", "", "\ud800"], ids=ascii)
@pytest.mark.parametrize(
    "call",
    [
        lambda api, segment: api.create_ticket(segment, "16910", BODY),
        lambda api, segment: api.create_ticket("james", segment, BODY),
        lambda api, segment: api.update_ticket(segment, ETAG, {"a": 1}),
        lambda api, segment: api.ticket(segment),
    ],
    ids=["team", "item type", "update", "read"],
)
def test_invalid_segment_of_a_path_is_refused(server, api, call, segment):
    error = failure(lambda service: call(service, segment), api(Reply(body=CREATED)))
    assert (error.category, server.seen) == ("configuration", [])
    assert_message(error.message, repr(segment), "identifier", "team_id", "item_type_id", "object_id")


# The schemas themselves are compared with the OpenAPI document in test_ticketing_contract.py.
@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.create_ticket("james", "16910", {**BODY, "urgency": "high"}),
        lambda api: api.update_ticket("CTC-0054", ETAG, {}),
        lambda api: api.tickets_page({**LIST, "top": 101}),
    ],
    ids=["create", "update", "list"],
)
def test_request_that_violates_the_contract_is_not_sent(server, api, call):
    error = failure(call, api(Reply(body=RESPONSE)))
    assert (error.category, error.ambiguous, error.may_have_changed, server.seen) == ("contract", False, False, [])


@pytest.mark.parametrize("name", WRITES)
def test_write_is_not_sent_in_check_mode(server, api, name):
    error = failure(CALLS[name], api(Reply(body=RESPONSE), read_only=True))
    assert (error.category, server.seen) == ("internal", [])


@pytest.mark.parametrize("name", READS)
def test_read_is_sent_and_retried_in_check_mode(server, api, name):
    CALLS[name](api(Reply(503), Reply(drop=True), Reply(body=RESPONSE), read_only=True))
    assert len(server.seen) == 3


# Other interrupted writes are covered in test_client.py; here, a 503 does not promise that nothing happened.
@pytest.mark.parametrize("name", WRITES)
def test_interrupted_write_is_ambiguous_and_not_retried(server, api, name):
    error = failure(CALLS[name], api(Reply(503, headers={"Retry-After": "1"})))
    assert (error.ambiguous, error.path, len(server.seen)) == (True, REQUESTS[name][1], 1)


# --- tickets --------------------------------------------------------------------------------------------------------


def test_ticket_is_found_at_each_path(api):
    for path in TICKET_PATHS:
        service = api(Reply(body=placed(path, {**TICKET, "brand_new": 1, "lookup_props": None})))
        assert service.ticket("ctc-0054")["brand_new"] == 1
        assert service.create_ticket("james", "16910", BODY)["brand_new"] == 1


@pytest.mark.parametrize(
    "body",
    [{}, [TICKET], "CTC-0054", {"objectId": "CTC-0054"}, {"data": [TICKET]}, {"ticket": {**TICKET, "object_id": 54}}],
    ids=["nothing", "list", "text", "id only", "list of one", "number as id"],
)
def test_response_without_a_ticket_is_a_contract_error(api, body):
    service = api(Reply(body=body, headers={"X-Request-Id": "r1"}))
    for name in ("read", "create"):
        error = failure(CALLS[name], service)
        assert (error.category, error.ambiguous, error.retryable) == ("contract", name == "create", False)
        assert (error.method, error.path) == REQUESTS[name][:2]
        assert (error.http_status, error.request_id) == (200, "r1")


@pytest.mark.parametrize("change", [{"etag": None}, {"etag": ""}, {"data": None}, {"summary": 7}], ids=repr)
def test_incomplete_ticket_is_valid_for_a_read_only(api, change):
    ticket = {**TICKET, **change}
    service = api(Reply(body={"ticket": ticket}))
    assert service.ticket("CTC-0054") == ticket
    error = failure(CALLS["create"], service)
    assert (error.category, error.ambiguous) == ("contract", True)


@pytest.mark.parametrize("reply", [Reply(204), Reply(), Reply(body=b"<html>"), Reply(body=None)], ids=str)
def test_create_without_a_json_object_is_ambiguous(server, api, reply):
    error = failure(CALLS["create"], api(reply))
    assert (error.category, error.ambiguous, error.http_status) == ("contract", True, reply.status)
    assert len(server.seen) == 1


@pytest.mark.parametrize("object_id", ["CTC-0055", "CTC-005", "CTC-0054 ", "0054"])
def test_read_refuses_a_ticket_with_another_display_id(api, object_id):
    service = api(Reply(body=CREATED, headers={"X-Request-Id": "r1"}))
    error = failure(lambda it: it.ticket(object_id), service)
    assert (error.category, error.request_id, error.http_status) == ("contract", "r1", 200)
    assert (error.method, error.path, error.ambiguous) == ("GET", f"/ticket/{quote(object_id)}", False)
    assert_message(error.message, "CTC-0054", "object_id", "url")
    assert_message(error.message.replace("CTC-0054", "", 1), object_id.strip())


@pytest.mark.parametrize(
    "body, etag",
    [
        *((placed(path, {"etag": ETAG}), ETAG) for path in TICKET_PATHS),
        ({"ticket": {"etag": "a"}, "data": {"etag": "b"}, "etag": "c"}, "a"),
        ({"data": {"ticket": {"etag": "a"}, "etag": "b"}, "etag": "c"}, "a"),
        ({"ticket": {"etag": ""}, "data": {"etag": 7}, "etag": "c"}, "c"),
        ({"ticket": {"etag": None}}, None),
        ([], None),
        ("ok", None),
        (None, None),
        (b"", None),
    ],
)
def test_update_returns_the_new_etag_if_shown(api, body, etag):
    assert CALLS["update"](api(Reply(body=body))) == etag
    assert CALLS["update"](api(Reply(204))) is None


# --- successes that report a failure --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_success_that_reports_a_failure_is_a_failure(server, api, name):
    reason = {"error": True, "code": "BUSY", "message": "Later.\nTry\tagain"}
    service = api(Reply(201, {**RESPONSE, **reason}, {"X-Request-Id": "r1"}))
    error = failure(CALLS[name], service)
    assert (error.category, error.ambiguous, error.retryable) == ("contract", name in WRITES, False)
    assert (error.code, error.request_id, error.path) == ("BUSY", "r1", REQUESTS[name][1])
    assert_message(error.message, "HTTP 201", "BUSY", "Later. Try again")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body, text, code, fields",
    [
        (
            {
                "error": True,
                "code": "INPUT_VALIDATION_FAILURE",
                "message": "Wrong",
                "validationResult": {"reason": {"f1": ["is wrong"], "f2": "is short"}},
            },
            "Wrong",
            "INPUT_VALIDATION_FAILURE",
            {"f1": ["is wrong"], "f2": ["is short"]},
        ),
        ({"success": False, "error": {"code": "BUSY", "message": "Later"}}, "Later", "BUSY", {}),
        ({"error": {"code": "BUSY", "message": "Later"}, "code": "X", "message": "Y"}, "Later", "BUSY", {}),
        ({"success": False}, None, None, {}),
        ({"success": False, "message": "Later", "error": {}}, "Later", None, {}),
        ({"error": "Later"}, "Later", None, {}),
        ({"success": " False ", "message": "Later"}, "Later", None, {}),
        ({"error": "TRUE", "message": "Later", "validationResult": {"reason": []}}, "Later", None, {}),
    ],
)
def test_failure_flag_is_recognized_and_its_reason_parsed(body, text, code, fields):
    assert reports_failure(body)
    problem = problem_of(body)
    assert (problem.text, problem.code, problem.fields) == (text, code, fields)


@pytest.mark.parametrize(
    "body",
    [
        *({"error": value} for value in (False, None, {}, "", "false", 0)),
        *({"success": value} for value in (True, None, "true", "")),
        [],
        "error",
        None,
    ],
    ids=repr,
)
def test_response_without_a_failure_flag_is_a_success(body):
    assert not reports_failure(body)
    assert problem_of(body).code is None


@pytest.mark.parametrize("key", ["code", "message"])
def test_reported_failure_is_redacted_before_it_is_cut(api, key):
    secret = "S3cr3t\n t0k3n"
    body = {"error": True, key: "x" * 80 + secret + "y" * 300}
    error = failure(CALLS["create"], api(Reply(200, body), redact=Redactor([secret]).text))
    assert "S3cr3t" not in error.message + repr(error.as_dict())
    assert len(error.code or "") <= 100


def test_excerpt_is_redacted_before_it_is_cut(api):
    service = api(Reply(), redact=Redactor(["s3cr3t-of-a-customer"]).text)
    text = service.excerpt("x" * 50 + " s3cr3t-of-a-customer", 60)
    assert (len(text), "s3cr" in text, text.startswith("xxx")) == (59, False, True)


# --- other parts of responses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, code, text, category",
    [
        (401, "USER_PERMISSION_FAILURE", None, "permission"),
        (401, "OTHER", None, None),
        (403, "USER_PERMISSION_FAILURE", None, None),
        (404, None, "The Tenant not found here", "configuration"),
        (404, None, None, None),
        (400, None, "tenant not found", None),
    ],
)
def test_misleading_status_has_its_own_category(status, code, text, category):
    problem = problem_of({"error": True, "code": code, "message": text})
    assert category_of(status, problem) == category


DATE = "Sat, 21 Nov 2026 12:00:00 GMT"
NOW = 1795262400


@pytest.mark.parametrize(
    "status, headers, seconds",
    [
        (429, {"Retry-After": "5", "X-RateLimit-Reset": "9"}, 5),
        (503, {"Retry-After": "5"}, 5),
        (429, {"X-RateLimit-Reset": " 9 "}, 9),
        (503, {"X-RateLimit-Reset": "9"}, None),
        (429, {"X-RateLimit-Reset": "soon"}, None),
        (429, {"X-RateLimit-Reset": "٣"}, None),
        (429, {}, None),
        (429, {"X-RateLimit-Reset": str(LONGEST_RESET)}, LONGEST_RESET),
        (429, {"X-RateLimit-Reset": str(NOW + 7), "Date": DATE}, 7),
        (429, {"X-RateLimit-Reset": str(NOW - 7), "Date": DATE}, 0),
        (429, {"X-RateLimit-Reset": str(LONGEST_RESET + 1)}, 0),
    ],
)
def test_delay_is_in_retry_after_or_the_reset_of_a_limit(status, headers, seconds):
    assert wait_of(status, headers) == seconds


@pytest.mark.parametrize(
    "body, user",
    [
        ({"data": {"roles": []}, "success": True}, {"roles": []}),
        ({"username": "jane"}, {"username": "jane"}),
        ({"username": "jane", "data": None}, {"username": "jane", "data": None}),
        ({"username": "jane", "data": ["x"]}, {"username": "jane", "data": ["x"]}),
    ],
)
def test_user_info_is_in_data_or_the_body(api, body, user):
    assert api(Reply(body=body)).user_info() == user


#: The paths of each list, and the call that returns it.
LISTS: Mapping[str, tuple[Any, Callable[[RezolveApi], Any]]] = {
    "list": (ROWS_PATHS, lambda api: list(api.tickets_page(LIST).rows)),
    "types": (TICKET_TYPES_PATHS, CALLS["types"]),
    "offers": (OFFERS_PATHS, CALLS["offers"]),
}


@pytest.mark.parametrize("name", LISTS)
def test_list_is_found_at_each_path(api, name):
    paths, call = LISTS[name]
    # Entries of the catalog are validated when they are used.
    entries = ROWS if name == "list" else [{"id": "7", "fields": {}, "brandNew": 1}, {"id": None}, {}, None, "x"]
    for path in paths:
        assert call(api(Reply(body=placed(path, entries)))) == entries


@pytest.mark.parametrize(
    "name, body",
    [
        *((name, body) for name in LISTS for body in ({}, {"data": None}, {"data": {"tickets": {}}}, "x", 7)),
        ("list", {"data": {"tickets": ["CTC-1"]}}),
        ("list", {"data": {"tickets": [None]}}),
        ("user", []),
        ("user", "jane"),
    ],
    ids=repr,
)
def test_response_without_its_list_or_object_is_refused(api, name, body):
    error = failure(CALLS[name], api(Reply(body=body, headers={"Request-Id": "r1"})))
    assert (error.category, error.method, error.path) == ("contract", *REQUESTS[name][:2])
    assert (error.ambiguous, error.http_status, error.request_id) == (False, 200, "r1")


@pytest.mark.parametrize(
    "body, has_more, total",
    [
        ({"rows": ROWS}, None, None),
        ({"rows": ROWS, "hasMore": False, "total": 3}, False, 3),
        ({"rows": ROWS, "pagination": {"hasMore": True, "total": 0}}, True, 0),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": "false", "total": "99"}}}, False, 99),
        ({"data": {"rows": ROWS, "count": 7}}, None, 7),
        ({"data": {"rows": ROWS, "count": 3, "pagination": {"total": 9}}}, None, 9),
        ({"data": {"rows": ROWS, "hasMore": True, "pagination": {"hasMore": False}}}, True, None),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": "maybe", "total": "many"}}}, None, None),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": None, "total": True, "count": "9" * 16}}}, None, None),
        ({"data": {"rows": ROWS, "pagination": [], "total": "9" * 15}}, None, int("9" * 15)),
    ],
)
def test_page_reports_further_rows_and_their_number(api, body, has_more, total):
    assert api(Reply(body=body)).tickets_page(LIST) == Page(ROWS, has_more, total)
