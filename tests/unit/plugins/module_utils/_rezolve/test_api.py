# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the ticketing API against a real server: what is sent, and what is made of the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import response_parsing
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE, RezolveApi
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SEED = json.loads((Path(__file__).parents[3] / "data" / "ticketing_seed.json").read_text(encoding="utf-8"))
CREATED = SEED["success"]["body"]
TICKET = CREATED["ticket"]
BODY = SEED["example_request"]["body"]
ETAG = "0f0f0f0f-6e4f-45a8-bc14-a11362dc61bd"
QUERY = "?type=template&module=ticketing"
ODD = "CTC/00 54ä?#%2F"
ODD_SEGMENT = "CTC%2F00%2054%C3%A4%3F%23%252F"


@pytest.fixture(scope="module")
def _one_server() -> Iterator[LoopbackServer]:
    """One server for the whole file, as starting and stopping one for each test takes most of the time."""
    started = LoopbackServer()
    yield started
    started.close()


@pytest.fixture
def server(_one_server) -> Callable[..., LoopbackServer]:
    """Have the server follow another script."""

    def start(*replies: Reply) -> LoopbackServer:
        _one_server.script, _one_server.seen = list(replies), []
        return _one_server

    return start


@pytest.fixture
def api(clock):
    def make(there: LoopbackServer, catalog_type: str = "template", read_only: bool = False) -> RezolveApi:
        transport = Transport(there.url, timeout=5)
        client = Client(transport, auth.bearer("token"), REZOLVE, read_only=read_only, clock=clock)
        return RezolveApi(client, catalog_type)

    return make


def failure(call: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value


def placed(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


#: Where a ticket may stand in an answer (TK-A5), an etag in that of an update (TK-A6).
ENVELOPES = {"ticket": ("ticket",), "data.ticket": ("data", "ticket"), "data": ("data",), "body": ()}


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_create_ticket(server, api):
    there = server(Reply(body=CREATED, headers={"X-Request-Id": "r1"}))
    service = api(there)
    assert service.create_ticket("james", "16910", BODY) == TICKET
    (seen,) = there.seen
    assert (seen.method, seen.target) == ("POST", f"/ticket/create/james/16910{QUERY}")
    assert json.loads(seen.body) == BODY
    assert (seen.headers["content-type"], seen.headers["accept"]) == ("application/json", "application/json")
    assert service.request_ids == ["r1"]


def test_update_ticket(server, api):
    there = server(Reply(body={**CREATED, "ticket": {**TICKET, "etag": ETAG}}))
    assert api(there).update_ticket("CTC-0054", TICKET["etag"], {"a": None, "b": "ä", "c": [0, False, ""]}) == ETAG
    (seen,) = there.seen
    assert (seen.method, seen.target) == ("PATCH", f"/ticket/CTC-0054/update{QUERY}")
    assert json.loads(seen.body) == {
        "etag": TICKET["etag"],
        "ticketUpdate": {"a": None, "b": "ä", "c": [0, False, ""]},
    }


def test_read_ticket(server, api):
    there = server(Reply(body={"ticket": TICKET}))
    assert api(there).ticket("CTC-0054") == TICKET
    (seen,) = there.seen
    assert (seen.method, seen.target, seen.body) == ("GET", f"/ticket/CTC-0054{QUERY}", b"")


LIST = {"search": "Läptop", "top": 2, "offset": 4, "sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}


def test_list_tickets(server, api):
    there = server(Reply(body={"data": {"rows": []}}))
    api(there).tickets_page(LIST)
    (seen,) = there.seen
    assert (seen.method, seen.target, json.loads(seen.body)) == ("POST", f"/ticket/list{QUERY}", LIST)


def test_list_ticket_types(server, api):
    there = server(Reply(body={"data": {"value": [{"id": "16910"}]}}))
    assert api(there).ticket_types(50, 100) == [{"id": "16910"}]
    (seen,) = there.seen
    assert (seen.method, seen.target) == ("GET", f"/ticket-type{QUERY}&%24top=50&%24skip=100")


def test_list_offers(server, api):
    there = server(Reply(body={"data": {"offers": [{"id": 23629, "item_type": 16910}]}}))
    assert api(there).offers() == [{"id": 23629, "item_type": 16910}]
    (seen,) = there.seen
    assert (seen.method, seen.target) == ("GET", f"/tenant/sc/offers{QUERY}")


@pytest.mark.parametrize(
    "body, user",
    [
        ({"data": {"roles": []}, "success": True}, {"roles": []}),
        ({"username": "jane"}, {"username": "jane"}),
        ({"username": "jane", "data": None}, {"username": "jane", "data": None}),
        ({"username": "jane", "data": ["x"]}, {"username": "jane", "data": ["x"]}),
        ({}, {}),
    ],
)
def test_user_info(server, api, body, user):
    there = server(Reply(body=body))
    assert api(there).user_info() == user
    assert (there.seen[0].method, there.seen[0].target) == ("GET", f"/user/userinfo{QUERY}")


CALLS: dict[str, Callable[[RezolveApi], Any]] = {
    "create": lambda it: it.create_ticket("james", "16910", BODY),
    "update": lambda it: it.update_ticket("CTC-0054", ETAG, {"a": 1}),
    "read": lambda it: it.ticket("CTC-0054"),
    "list": lambda it: it.tickets_page(LIST),
    "types": lambda it: it.ticket_types(1, 0),
    "offers": lambda it: it.offers(),
    "user": lambda it: it.user_info(),
}
WRITES = {"create": "/ticket/create/james/16910", "update": "/ticket/CTC-0054/update"}
READS = {
    "read": "/ticket/CTC-0054",
    "list": "/ticket/list",
    "types": "/ticket-type",
    "offers": "/tenant/sc/offers",
    "user": "/user/userinfo",
}
#: An answer that every operation takes.
ANSWER = {"ticket": TICKET, "data": {"rows": [], "value": [], "offers": []}}


@pytest.mark.parametrize("name", CALLS)
def test_every_request_says_what_catalog_it_is_about(server, api, name):
    there = server(Reply(body=ANSWER))
    CALLS[name](api(there, "agent"))
    assert "?type=agent&module=ticketing" in there.seen[0].target


@pytest.mark.parametrize(
    "call, path",
    [
        (lambda it: it.create_ticket(ODD, ODD, BODY), f"/ticket/create/{ODD_SEGMENT}/{ODD_SEGMENT}"),
        (lambda it: it.update_ticket(ODD, ETAG, {"a": 1}), f"/ticket/{ODD_SEGMENT}/update"),
        (lambda it: it.ticket(ODD), f"/ticket/{ODD_SEGMENT}"),
    ],
    ids=["create", "update", "read"],
)
def test_any_text_is_one_segment_of_a_path(server, api, call, path):
    there = server(Reply(body={"ticket": {**TICKET, "object_id": ODD}}))
    call(api(there))
    assert there.seen[0].target == path + QUERY


# Every HTTP stack folds these away, so that the request would go to another resource.
@pytest.mark.parametrize("dots", [".", "..", "", "\ud800"], ids=ascii)
@pytest.mark.parametrize(
    "call",
    [
        lambda it, dots: it.create_ticket(dots, "16910", BODY),
        lambda it, dots: it.create_ticket("james", dots, BODY),
        lambda it, dots: it.update_ticket(dots, ETAG, {"a": 1}),
        lambda it, dots: it.ticket(dots),
    ],
    ids=["team", "item type", "update", "read"],
)
def test_dots_do_not_lead_elsewhere(server, api, call, dots):
    there = server(Reply(body=CREATED))
    error = failure(lambda: call(api(there), dots))
    assert (error.category, there.seen) == ("configuration", [])
    assert_message(error.message, repr(dots), "identifier")


@pytest.mark.parametrize(
    "call",
    [
        lambda it: it.create_ticket("james", "16910", {**BODY, "urgency": "high"}),
        lambda it: it.create_ticket("james", "16910", {**BODY, "summary": ""}),
        lambda it: it.create_ticket("james", "16910", {**BODY, "ticketBody": {}}),
        lambda it: it.create_ticket("james", "16910", {**BODY, "ticketBody": {"offerId": 23629}}),
        lambda it: it.create_ticket("james", "16910", {**BODY, "attachments": None}),
        lambda it: it.create_ticket("james", "16910", {k: v for k, v in BODY.items() if k != "ticketRelation"}),
        lambda it: it.update_ticket("CTC-0054", ETAG, {}),
        lambda it: it.update_ticket("CTC-0054", "", {"a": 1}),
        lambda it: it.tickets_page({}),
        lambda it: it.tickets_page({**LIST, "top": 101}),
        lambda it: it.tickets_page({**LIST, "filter": {"op": "NOT", "operand": []}}),
        lambda it: it.tickets_page({**LIST, "limit": 5}),
    ],
)
def test_a_request_that_the_contract_does_not_know_never_leaves(server, api, call):
    there = server(Reply(body=ANSWER))
    error = failure(lambda: call(api(there)))
    assert (error.category, error.ambiguous, error.may_have_changed, there.seen) == ("contract", False, False, [])


# --- tickets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENVELOPES.values(), ids=ENVELOPES)
def test_a_ticket_in_every_envelope(server, api, path):
    there = server(Reply(body=placed(path, TICKET)))
    assert api(there).ticket("ctc-0054") == TICKET
    assert api(there).create_ticket("james", "16910", BODY) == TICKET


OTHER = {**TICKET, "object_id": "CTC-0099"}


@pytest.mark.parametrize(
    "body",
    [
        {"ticket": TICKET, "data": OTHER},
        {"ticket": TICKET, "data": {"ticket": OTHER}},
        {"data": {**OTHER, "ticket": TICKET}},
        {**OTHER, "data": {"ticket": TICKET}},
        {**OTHER, "ticket": TICKET},
        {"ticket": {}, "data": TICKET},
        {"ticket": None, "data": {"ticket": [], **TICKET}},
        {"ticket": {"object_id": ""}, "data": {"ticket": TICKET}},
        {"ticket": "CTC-0099", **TICKET},
        {**TICKET, "data": {"ticket": "a field's value"}},
    ],
)
def test_the_first_place_with_a_display_id_is_the_ticket(server, api, body):
    assert api(server(Reply(body=body))).ticket("CTC-0054")["object_id"] == "CTC-0054"


NO_TICKETS = {
    "nothing": {},
    "list": [TICKET],
    "text": "CTC-0054",
    "number": 7,
    "id only": {"success": True, "objectId": "CTC-0054"},
    "null": {"ticket": None},
    "empty": {"ticket": {}},
    "list of one": {"data": [TICKET]},
    "number as id": {"ticket": {**TICKET, "object_id": 54}},
}

#: Tickets that a read may show, as it may be another one than the wanted; a new one must show more.
ODD_TICKETS = {
    "no etag": {key: value for key, value in TICKET.items() if key != "etag"},
    "empty etag": {**TICKET, "etag": ""},
    "no data": {**TICKET, "data": None},
    "odd summary": {**TICKET, "summary": 7},
}


@pytest.mark.parametrize("body", NO_TICKETS.values(), ids=NO_TICKETS)
def test_an_answer_without_a_ticket(server, api, body):
    error = failure(lambda: api(server(Reply(body=body))).ticket("CTC-0054"))
    assert (error.category, error.ambiguous, error.retryable) == ("contract", False, False)
    assert (error.method, error.path, error.http_status) == ("GET", "/ticket/CTC-0054", 200)


@pytest.mark.parametrize("ticket", ODD_TICKETS.values(), ids=ODD_TICKETS)
def test_read_ticket_may_lack_what_only_an_update_needs(server, api, ticket):
    assert api(server(Reply(body={"ticket": ticket}))).ticket("CTC-0054") == ticket


@pytest.mark.parametrize(
    "body",
    [*NO_TICKETS.values(), *({"ticket": ticket} for ticket in ODD_TICKETS.values()), b"", b"<html>", None],
    ids=[*NO_TICKETS, *ODD_TICKETS, "empty", "HTML", "JSON null"],
)
def test_a_create_whose_answer_holds_no_ticket_is_in_doubt(server, api, body):
    there = server(Reply(body=body, headers={"X-Request-Id": "r1"}))
    error = failure(lambda: api(there).create_ticket("james", "16910", BODY))
    assert (error.category, error.ambiguous, error.request_id) == ("contract", True, "r1")
    assert (error.method, error.path, error.http_status) == ("POST", "/ticket/create/james/16910", 200)
    assert len(there.seen) == 1


#: Successes that say that they are none: what the body is, the service's words, its code, and its fields.
FAILED_SUCCESSES = {
    "documented": (
        {
            "error": True,
            "code": "INPUT_VALIDATION_FAILURE",
            "message": "There occured an error.\nTry\tagain",
            "validationResult": {"result": False, "reason": {"f1": ["is wrong"]}},
        },
        "There occured an error. Try again",
        "INPUT_VALIDATION_FAILURE",
        {"f1": ["is wrong"]},
    ),
    "older": ({"success": False, "error": {"code": "BUSY", "message": "Later"}}, "Later", "BUSY", {}),
    "both": ({**CREATED, "error": True}, CREATED["message"], None, {}),
    "no reason": ({"success": False}, None, None, {}),
    "older without success": ({"error": {"code": "BUSY", "message": "Later"}}, "Later", "BUSY", {}),
    "empty error": ({"success": False, "message": "Later", "error": {}}, "Later", None, {}),
    "text": ({"error": "Later"}, "Later", None, {}),
    "word": ({"success": "False", "message": "Later"}, "Later", None, {}),
    "a ticket all the same": ({"success": False, "message": "Half done", "ticket": TICKET}, "Half done", None, {}),
    "long": ({"error": True, "message": "x" * 500}, "x" * 297, None, {}),
}


@pytest.mark.parametrize("body, words, code, fields", FAILED_SUCCESSES.values(), ids=FAILED_SUCCESSES)
@pytest.mark.parametrize("name", ["create", "list"])
def test_success_that_reports_a_failure_is_one(server, api, name, body, words, code, fields):
    there = server(Reply(200, body))
    error = failure(lambda: CALLS[name](api(there)))
    is_write = name in WRITES
    assert (error.category, error.ambiguous, error.retryable, error.http_status) == ("contract", is_write, False, 200)
    assert (error.path, error.code, error.fields) == ({**WRITES, **READS}[name], code, fields)
    assert_message(error.message, "HTTP 200", *([code] if code else []), words or "without a reason")
    assert len(there.seen) == 1


@pytest.mark.parametrize(
    "more", [{"error": False}, {"success": True}, {"error": None}, {"success": None}, {"error": {}}, {"error": ""}]
)
def test_a_success_that_does_not_say_that_it_failed_is_one(server, api, more):
    there = server(Reply(body={"ticket": {**TICKET, "etag": ETAG}, **more}))
    assert api(there).create_ticket("james", "16910", BODY)["etag"] == ETAG
    assert api(there).update_ticket("CTC-0054", "old", {"a": 1}) == ETAG


@pytest.mark.parametrize("name", CALLS)
def test_every_request_checks_whether_a_success_reports_a_failure(server, api, name):
    there = server(Reply(201, {**ANSWER, "error": True, "message": "Later"}, {"X-Request-Id": "r1"}))
    error = failure(lambda: CALLS[name](api(there)))
    assert (error.category, error.request_id, error.ambiguous) == ("contract", "r1", name in WRITES)
    assert_message(error.message, "HTTP 201", "Later")


@pytest.mark.parametrize("key", ["code", "message"])
def test_what_a_success_that_failed_says_is_redacted_before_it_is_cut(server, clock, key):
    there = server(Reply(200, {"error": True, key: "x" * 80 + "S3cr3t\n t0k3n" + "y" * 300}))
    transport = Transport(there.url, timeout=5)
    redact = Redactor(["S3cr3t\n t0k3n"]).text
    client = Client(transport, auth.bearer("token"), REZOLVE, redact=redact, clock=clock)
    error = failure(lambda: CALLS["create"](RezolveApi(client)))
    assert "S3cr3t" not in error.message + repr(error.as_dict())
    assert len(error.code or "") <= 100


def test_a_create_without_a_body_is_in_doubt(server, api):
    error = failure(lambda: api(server(Reply(204))).create_ticket("james", "16910", BODY))
    assert (error.category, error.ambiguous, error.http_status) == ("contract", True, 204)


@pytest.mark.parametrize("asked", ["CTC-0055", "CTC-005", "CTC-0054 ", "0054"])
def test_another_ticket_than_asked_is_refused(server, api, asked):
    error = failure(lambda: api(server(Reply(body=CREATED, headers={"X-Request-Id": "r1"}))).ticket(asked))
    assert (error.category, error.request_id, error.http_status) == ("contract", "r1", 200)
    assert_message(error.message, "CTC-0054", "object_id")
    assert_message(error.message.replace("CTC-0054", "", 1), asked.strip())
    assert (error.method, error.ambiguous) == ("GET", False)


@pytest.mark.parametrize("lookup_props", [None, {}, {"teamId": None}])
def test_a_ticket_may_lack_its_home(server, api, lookup_props):
    ticket = {**TICKET, "lookup_props": lookup_props, "summary": None, "brand_new": 1}
    assert api(server(Reply(body={"ticket": ticket}))).ticket("CTC-0054") == ticket


@pytest.mark.parametrize("path", ENVELOPES.values(), ids=ENVELOPES)
@pytest.mark.parametrize("record", [{**TICKET, "etag": ETAG}, {"etag": ETAG}], ids=["ticket", "etag alone"])
def test_the_new_etag_at_every_place(server, api, path, record):
    assert api(server(Reply(body=placed(path, record)))).update_ticket("CTC-0054", "old", {"a": 1}) == ETAG


@pytest.mark.parametrize(
    "body, etag",
    [
        ({"ticket": {"etag": "a"}, "data": {"etag": "b"}, "etag": "c"}, "a"),
        ({"data": {"ticket": {"etag": "a"}, "etag": "b"}, "etag": "c"}, "a"),
        ({"data": {"etag": "b"}, "etag": "c"}, "b"),
        ({"ticket": {"etag": ""}, "data": {"etag": 7}, "etag": "c"}, "c"),
        ({"ticket": {"etag": None}}, None),
        ({"success": True}, None),
        ([], None),
        ("ok", None),
        (b"", None),
        (None, None),
    ],
)
def test_an_update_may_answer_without_an_etag(server, api, body, etag):
    assert api(server(Reply(body=body))).update_ticket("CTC-0054", "old", {"a": 1}) == etag


def test_an_update_may_answer_without_a_body(server, api):
    assert api(server(Reply(204))).update_ticket("CTC-0054", "old", {"a": 1}) is None


# --- lists ----------------------------------------------------------------------------------------------------------

ROWS = [{"object_id": "CTC-1", "summary": "x"}, {"objectId": "CTC-2"}, {"object_id": 3}]
ROW_PLACES = {
    "data.tickets": ("data", "tickets"),
    "data.rows": ("data", "rows"),
    "tickets": ("tickets",),
    "rows": ("rows",),
    "data": ("data",),
}


@pytest.mark.parametrize("path", ROW_PLACES.values(), ids=ROW_PLACES)
def test_rows_at_every_place(server, api, path):
    page = api(server(Reply(body=placed(path, ROWS)))).tickets_page(LIST)
    assert (list(page.rows), page.has_more, page.total) == (ROWS, None, None)
    assert [response_parsing.object_id_of(row) for row in page.rows] == ["CTC-1", "CTC-2", "3"]


def test_the_first_place_with_rows_counts(server, api):
    body = {"data": {"tickets": ROWS, "rows": []}, "tickets": [], "rows": []}
    assert list(api(server(Reply(body=body))).tickets_page(LIST).rows) == ROWS
    assert list(api(server(Reply(body={"data": {"tickets": None, "rows": ROWS}}))).tickets_page(LIST).rows) == ROWS
    assert list(api(server(Reply(body={"data": {"tickets": [], "rows": ROWS}}))).tickets_page(LIST).rows) == []


@pytest.mark.parametrize(
    "more, has_more, total",
    [
        ({"data": {"rows": ROWS, "pagination": {"hasMore": True, "total": 0}}}, True, 0),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": False, "total": 99, "offset": 0}}}, False, 99),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": "false", "total": "99"}}}, False, 99),
        ({"data": {"rows": ROWS, "count": 7}}, None, 7),
        ({"data": {"rows": ROWS, "count": 3, "pagination": {"total": 9}}}, None, 9),
        ({"data": {"rows": ROWS, "hasMore": True, "pagination": {"hasMore": False}}}, True, None),
        ({"rows": ROWS, "hasMore": False, "total": 3}, False, 3),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": "maybe", "total": "many"}}}, None, None),
        ({"data": {"rows": ROWS, "pagination": {"hasMore": None, "total": True}}}, None, None),
        ({"data": {"rows": ROWS, "pagination": []}}, None, None),
    ],
)
def test_all_that_a_page_says_of_its_list(server, api, more, has_more, total):
    page = api(server(Reply(body=more))).tickets_page(LIST)
    assert (page.has_more, page.total) == (has_more, total)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"tickets": None},
        {"tickets": {}},
        {"tickets": ["CTC-1"]},
        {"tickets": [None]},
        {"count": 0},
    ],
)
def test_a_page_that_is_none(server, api, data):
    there = server(Reply(body={"data": data}, headers={"X-Request-Id": "r1"}))
    error = failure(lambda: api(there).tickets_page(LIST))
    assert (error.category, error.method, error.path, error.request_id) == ("contract", "POST", "/ticket/list", "r1")
    assert (error.ambiguous, error.http_status) == (False, 200)


@pytest.mark.parametrize("row", [{}, {"summary": "x"}, {"object_id": ""}, {"object_id": None, "objectId": {"a": 1}}])
def test_row_without_display_id_is_listed(server, api, row):
    page = api(server(Reply(body={"data": {"tickets": [ROWS[0], row]}}))).tickets_page(LIST)
    assert list(page.rows) == [ROWS[0], row]
    assert response_parsing.object_id_of(row) is None


TYPE_PLACES = {"data.value": ("data", "value"), "value": ("value",), "data": ("data",), "body": ()}
OFFER_PLACES = {"data.offers": ("data", "offers"), "offers": ("offers",), **TYPE_PLACES}
del OFFER_PLACES["value"]


@pytest.mark.parametrize("path", TYPE_PLACES.values(), ids=TYPE_PLACES)
def test_ticket_types_at_every_place(server, api, path):
    types = [{"id": "16910", "name": "x", "fields": [{"id": "a", "options": None}], "brandNew": 1}, {"id": 7}]
    assert api(server(Reply(body=placed(path, types)))).ticket_types(9, 0) == types


@pytest.mark.parametrize("path", OFFER_PLACES.values(), ids=OFFER_PLACES)
def test_offers_at_every_place(server, api, path):
    offers = [{"id": "23629", "item_type": "16910", "name": None}, {"id": 7}]
    assert api(server(Reply(body=placed(path, offers)))).offers() == offers


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": {"value": {}}}, "x", 7])
@pytest.mark.parametrize("name", ["types", "offers"])
def test_a_catalog_that_is_none(server, api, name, body):
    error = failure(lambda: CALLS[name](api(server(Reply(body=body)))))
    assert (error.category, error.path, error.method, error.http_status) == ("contract", READS[name], "GET", 200)


@pytest.mark.parametrize("name", ["types", "offers"])
def test_odd_entries_of_the_catalog_are_listed(server, api, name):
    entries = [{"id": None}, {}, None, "x", {"id": "7", "fields": {}, "item_type": {}}]
    assert CALLS[name](api(server(Reply(body={"data": entries})))) == entries


@pytest.mark.parametrize("body", [[], "jane", 7])
def test_nobody(server, api, body):
    error = failure(lambda: api(server(Reply(body=body))).user_info())
    assert (error.category, error.path) == ("contract", "/user/userinfo")


# --- reads and writes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITES)
def test_a_write_never_leaves_in_check_mode(server, api, name):
    there = server(Reply(body=ANSWER))
    error = failure(lambda: CALLS[name](api(there, read_only=True)))
    assert (error.category, there.seen) == ("internal", [])


@pytest.mark.parametrize("name", READS)
def test_a_read_leaves_in_check_mode_and_is_sent_again(server, api, name):
    there = server(Reply(503), Reply(drop=True), Reply(body=ANSWER))
    CALLS[name](api(there, read_only=True))
    assert len(there.seen) == 3


BROKEN = {
    "500": Reply(500),
    "502 with HTML": Reply(502, b"<html>", {"Content-Type": "text/html"}),
    "503 with Retry-After": Reply(503, headers={"Retry-After": "1"}),
    "dropped": Reply(drop=True),
    "a page": Reply(200, b"<html>"),
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_broke_off_is_not_sent_again_unseen(server, api, name, reply):
    there = server(reply)
    error = failure(lambda: CALLS[name](api(there)))
    assert (error.ambiguous, error.path, len(there.seen)) == (True, WRITES[name], 1)


@pytest.mark.parametrize(
    "status, category",
    [
        (400, "validation"),
        (403, "permission"),
        (404, "not_found"),
        (409, "conflict"),
        (412, "conflict"),
        (422, "validation"),
    ],
)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_refused_is_not_in_doubt(server, api, name, status, category):
    error = failure(lambda: CALLS[name](api(server(Reply(status, {"error": True, "code": "X", "message": "No."})))))
    assert (error.category, error.ambiguous, error.path, error.code) == (category, False, WRITES[name], "X")


@pytest.mark.parametrize("name", CALLS)
def test_a_page_of_not_found_is_told_cleanly(server, api, name):
    error = failure(lambda: CALLS[name](api(server(Reply(404, b"<html>", {"Content-Type": "text/html"})))))
    assert (error.category, error.path) == ("not_found", {**WRITES, **READS}[name])


# --- records --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record, home",
    [
        (TICKET, ("james", "16910", "23629")),
        ({}, (None, None, None)),
        ({"lookup_props": {"teamId": "", "itemTypeId": 16910}, "data": {"offerId": 23629}}, (None, "16910", "23629")),
        ({"lookup_props": {"teamId": 0, "itemTypeId": None}, "data": {"offerId": ""}}, ("0", None, None)),
        ({"lookup_props": [], "data": []}, (None, None, None)),
        ({"lookup_props": "james", "data": None}, (None, None, None)),
    ],
)
def test_home(record, home):
    assert tuple(response_parsing.location_of(record).values()) == home
    assert list(response_parsing.location_of(record)) == ["team_id", "item_type_id", "offer_id"]


@pytest.mark.parametrize(
    "category, is_done",
    [
        ("Done Category", True),
        ("done", True),
        (" DONE ", True),
        ("To-do Category", False),
        ("In-Progress Category", False),
        ("Not done", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_done(category, is_done):
    assert response_parsing.is_done({"status_category": category}) is is_done
    assert not response_parsing.is_done({})


@pytest.mark.parametrize(
    "deleted_seq, is_deleted", [(-1, False), ("-1", False), (None, False), (0, True), (3, True), ("3", True)]
)
def test_deleted(deleted_seq, is_deleted):
    assert response_parsing.is_deleted({"deleted_seq": deleted_seq}) is is_deleted
    assert not response_parsing.is_deleted({})


@pytest.mark.parametrize("record", [None, {}, {"data": None}, {"data": []}, {"data": "x"}])
def test_no_data(record):
    assert response_parsing.data_of(record) == {}


def test_data():
    assert response_parsing.data_of(TICKET) == TICKET["data"]


@pytest.mark.parametrize(
    "path, found", [((), {"a": {"b": 0}}), (("a",), {"b": 0}), (("a", "b"), 0), (("a", "b", "c"), None), (("b",), None)]
)
def test_what_stands_at_a_path(path, found):
    assert response_parsing.value_at({"a": {"b": 0}}, path) == found


@pytest.mark.parametrize(
    "row, object_id", [({"object_id": "a", "objectId": "b"}, "a"), ({"object_id": "", "objectId": "b"}, "b")]
)
def test_display_id(row, object_id):
    assert response_parsing.object_id_of(row) == object_id
