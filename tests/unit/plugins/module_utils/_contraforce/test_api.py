# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a loopback server, and the handling of its responses."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import (
    CONTRAFORCE,
    ContraForceApi,
    IncidentPage,
    problem_of,
    request_id_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import other_incident
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import ErrorBody
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
ODD = incident_key(WORKSPACE, "splunk", "a/b c?d#%2F")
DIGITS = incident_key(WORKSPACE, "DefenderXDR", "61024")
OTHER_WORKSPACE = "77777777-7d4a-4e59-9b60-1a2c3d4e5f60"
PATH = f"/workspaces/{WORKSPACE}/incidents/Splunk/a%2Fb%20c%3Fd%23%252F"
TICKETS = f"/workspaces/{WORKSPACE}/tickets"
LIST_PATH = "/incidents/across-workspaces"
LIST = {"isFirstCall": True, "workspacePageTokens": []}
RECORD = {"id": ODD.incident_id, "status": "New", "something": "new"}
FIELDS = {"status": ["a", "7"], "x": ["b"]}


@pytest.fixture
def api(clock):
    def make(server) -> ContraForceApi:
        return ContraForceApi(Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, clock=clock))

    return make


@pytest.fixture
def exchange(serve, api):
    """Return a function that sends one request, and returns its method, target and body, and the result."""

    def send(request: Callable[[ContraForceApi], Any], data: Any = None) -> tuple[str, str, Any, Any]:
        server = serve(Reply(200, {"data": data, "meta": {"requestId": "r1"}}))
        service = api(server)
        result = request(service)
        (seen,) = server.seen
        assert service.request_ids == ["r1"]
        return seen.method, seen.target, json.loads(seen.body or b"null"), result

    return send


def test_incident_is_read(exchange):
    target = f"{PATH}?withDetails=false"
    for data in (RECORD, {"source": "Splunk", "incident": RECORD}):
        assert exchange(lambda api: api.incident(ODD), data) == ("GET", target, None, RECORD)
    data = {"incident": RECORD, "evidence": []}
    sent = exchange(lambda api: api.incident_data(ODD, with_details=True), data)
    assert sent == ("GET", f"{PATH}?withDetails=true", None, data)


def test_comments_are_read(exchange):
    entries = [{"id": "1"}, None, {"message": "one"}, {"message": None}, {"message": 7}]
    known = [entries[0], *entries[2:]]
    assert exchange(lambda api: api.comments(ODD), entries) == ("GET", f"{PATH}/comments", None, known)


def test_writes_to_an_incident_are_sent(exchange):
    status = {"status": "Active", "comment": "Taken up: \u00e4"}
    sent = exchange(lambda api: api.update_incident_status(ODD, status))
    assert sent == ("PUT", f"{PATH}/status", status, None)
    for assignee in ({"email": "a@b.example"}, {"userId": "9b2f"}):
        sent = exchange(lambda api, assignee=assignee: api.assign_incident(ODD, assignee))
        assert sent == ("PUT", f"{PATH}/assignee", assignee, None)
    stored = {"id": "c1", "message": "Tuned: \u00e4", "brandNew": True}
    sent = exchange(lambda api: api.add_comment(ODD, "Tuned: \u00e4"), stored)
    assert sent == ("POST", f"{PATH}/comments", {"content": "Tuned: \u00e4"}, stored)


@pytest.mark.parametrize("number, numbered", [(None, {}), ("", {}), ("48213", {"number": "48213"})])
def test_tickets_are_linked_and_unlinked(exchange, number, numbered):
    incident = {"id": ODD.incident_id, "source": "Splunk", "workspaceId": WORKSPACE, **numbered}
    for system in ("Jira", 3, None):
        ticket = {"ticketingSystemType": system, "isTicketSet": True, "jiraTicket": {"id": "1"}}
        sent = exchange(lambda api: api.link_ticket(ODD, "SOC-311", number), ticket)
        assert sent == ("POST", f"{TICKETS}/link", {"ticketId": "SOC-311", "incident": incident}, ticket)
    for was_linked in (True, False):
        sent = exchange(lambda api: api.unlink_ticket(ODD, number), was_linked)
        assert sent == ("POST", f"{TICKETS}/unlink", {"incident": incident}, was_linked)


@pytest.mark.parametrize("tokens", [{}, {"workspacePageTokens": None}, {"workspacePageTokens": [{"sourceTokens": {}}]}])
def test_page_of_the_list_is_read(exchange, tokens):
    body = {**LIST, "severities": ["High"]}
    incidents = [{"id": "1"}, None, {"title": "x"}, {"id": None}, "2", 3, ["4"]]
    page = IncidentPage([incidents[0], *incidents[2:4]], tokens.get("workspacePageTokens"), 4)
    sent = exchange(lambda api: api.incidents_page(body), {"incidents": incidents, **tokens})
    assert sent == ("POST", LIST_PATH, body, page)


@pytest.mark.parametrize(
    "send, path, bodies",
    [
        (
            lambda api: api.incident(ODD),
            PATH,
            [{}, [], {"data": None}, {"data": {}}, {"data": {"incident": {}}}, {"data": {"status": []}}],
        ),
        (
            lambda api: api.comments(ODD),
            f"{PATH}/comments",
            [{}, {"data": {}}, {"data": [{}]}, {"data": [{"content": "one"}]}, {"data": ["text"]}],
        ),
        (
            lambda api: api.incidents_page(LIST),
            LIST_PATH,
            [
                {"data": data}
                for data in (
                    *(None, [], {}, {"incidents": None}, {"incidents": ["1"]}, {"incidents": [None, 1]}),
                    *({"incidents": [], "workspacePageTokens": tokens} for tokens in ({}, ["t"])),
                )
            ],
        ),
    ],
    ids=["incident", "comments", "list"],
)
def test_invalid_response_to_a_read_is_a_contract_violation(serve, api, send, path, bodies):
    for body in bodies:
        with pytest.raises(ApiError) as caught:
            send(api(serve(Reply(body=body))))
        assert (caught.value.category, caught.value.http_status, caught.value.path) == ("contract", 200, path)
        assert not caught.value.ambiguous


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, details",
    [
        (
            {"code": "NO", "title": "Bad", "detail": "It is bad.", "requestId": "r1"},
            ErrorBody("NO", "It is bad.", "r1"),
        ),
        ({"title": "Bad", "errors": {"status": ["a", 7], "x": "b"}}, ErrorBody(None, "Bad", None, FIELDS)),
        (
            {
                "error": {
                    "code": "NO",
                    "message": "Bad",
                    "details": [
                        {"target": "status", "message": "a"},
                        {"target": "status", "message": "7"},
                        {"target": "x", "message": "b"},
                        {"target": "x", "message": None},
                        "c",
                    ],
                },
                "meta": {"requestId": "r1"},
            },
            ErrorBody("NO", "Bad", "r1", FIELDS),
        ),
        ({"error": {"code": 7, "details": {"message": "a"}}, "meta": []}, ErrorBody()),
        ({"code": [], "errors": "a"}, ErrorBody()),
        (["NO"], ErrorBody()),
    ],
)
def test_error_bodies_of_both_api_generations_are_parsed(body, details):
    assert problem_of(body) == details


@pytest.mark.parametrize(
    "body, request_id",
    [({"meta": {"requestId": "r1"}, "requestId": "r2"}, "r1"), ({"requestId": "r2"}, "r2"), ({}, "r3"), ([], "r3")],
)
def test_documented_request_id_precedes_that_of_a_header(body, request_id):
    assert request_id_of(body, {"Request-Id": "r3"}) == request_id
    assert request_id_of({}, {}) is None


# --- identity -------------------------------------------------------------------------------------------------------


OWN = {
    "id": ["61024", 61024, " 61024 "],
    "workspaceId": [WORKSPACE, WORKSPACE.upper(), f" {WORKSPACE} "],
    "source": ["DEFENDERXDR", 2, "2"],
}
UNKNOWN = {
    "id": ["", None, 0, True, {"value": "7"}],
    "workspaceId": ["northwind", None, 7, "00000000-0000-0000-0000-000000000000"],
    "source": ["Microsoft Sentinel", None, 99, []],
}
OTHER = {"id": ["61025", 7], "workspaceId": [OTHER_WORKSPACE], "source": ["sentinel", "1"]}
uncertain = st.fixed_dictionaries({}, optional={name: st.sampled_from(OWN[name] + UNKNOWN[name]) for name in OWN})


@given(uncertain, st.sampled_from([(name, value) for name, values in OTHER.items() for value in values]))
def test_only_a_known_other_value_is_another_incident(shown, other):
    assert other_incident(shown, DIGITS) is None
    found = other_incident({**shown, other[0]: other[1]}, DIGITS)
    assert isinstance(found, IncidentKey)
    assert found != DIGITS


@pytest.mark.parametrize(
    "data, shown",
    [
        ({"id": 61024}, None),
        ({"id": "7", "source": "DEFENDERXDR", "incident": {"id": "61024"}}, None),
        ({"id": "7"}, f"incident 7 (DefenderXDR, workspace {WORKSPACE})"),
        ({"source": "1", "incident": {"id": "61024"}}, f"incident 61024 (Sentinel, workspace {WORKSPACE})"),
        ({"incident": {"workspaceId": OTHER_WORKSPACE}}, f"incident 61024 (DefenderXDR, workspace {OTHER_WORKSPACE})"),
    ],
)
def test_other_incident_is_a_contract_violation(serve, api, data, shown):
    record = {**(data.get("incident") or data), "status": "New"}
    service = api(serve(Reply(body={"data": {**data, "incident": record} if "incident" in data else record})))
    if shown is None:
        assert service.incident(DIGITS)["status"] == "New"
        return
    with pytest.raises(ApiError) as caught:
        service.incident(DIGITS)
    assert (caught.value.category, caught.value.http_status) == ("contract", 200)
    assert_message(caught.value.message, shown, f"instead of {DIGITS}", "url (CONTRAFORCE_URL)")


@pytest.mark.parametrize(
    "send, respond, is_write",
    [
        (lambda api: api.comments(DIGITS), lambda names: [{"message": "one"}, {"message": "two", **names}], False),
        (lambda api: api.add_comment(DIGITS, "Tuned."), lambda names: {"message": "Tuned.", **names}, True),
        (lambda api: api.link_ticket(DIGITS, "T1"), lambda names: {"isTicketSet": True, **names}, True),
    ],
    ids=["comments", "comment", "link"],
)
def test_reference_to_another_incident_is_a_contract_violation(serve, api, send, respond, is_write):
    for names in ({}, {"incidentId": 61024}, {"incidentId": ""}, {"incident": {"source": "defenderxdr"}}):
        assert send(api(serve(Reply(body={"data": respond(names)}))))
    for names in ({"incidentId": "7"}, {"workspaceId": OTHER_WORKSPACE}, {"incident": {"source": "Sentinel"}}):
        with pytest.raises(ApiError) as caught:
            send(api(serve(Reply(body={"data": respond(names)}))))
        error = caught.value
        assert (error.category, error.ambiguous, error.may_have_changed) == ("contract", False, is_write)
        assert_message(error.message, f"instead of {DIGITS}", "url (CONTRAFORCE_URL)")


# --- lists and writes -----------------------------------------------------------------------------------------------


def test_list_request_is_a_read(serve, api, clock):
    server = serve(Reply(503), Reply(drop=True), Reply(body={"data": {"incidents": []}}))
    assert api(server).incidents_page(LIST) == IncidentPage([])
    assert len(server.seen) == 3
    server = serve(Reply(body={"data": {"incidents": []}}))
    client = Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, read_only=True, clock=clock)
    assert ContraForceApi(client).incidents_page(LIST) == IncidentPage([])


WRITES = {
    "status": (lambda service: service.update_incident_status(ODD, {"status": "New"}), f"{PATH}/status"),
    "comment": (lambda service: service.add_comment(ODD, "Tuned."), f"{PATH}/comments"),
    "assignee": (lambda service: service.assign_incident(ODD, {"email": "a@b.example"}), f"{PATH}/assignee"),
    "link": (lambda service: service.link_ticket(ODD, "T1"), f"{TICKETS}/link"),
    "unlink": (lambda service: service.unlink_ticket(ODD), f"{TICKETS}/unlink"),
}


@pytest.mark.parametrize("name", WRITES)
def test_write_is_not_sent_in_check_mode(serve, clock, name):
    server = serve(Reply(204))
    client = Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, read_only=True, clock=clock)
    with pytest.raises(ApiError) as caught:
        WRITES[name][0](ContraForceApi(client))
    assert (caught.value.category, server.seen) == ("internal", [])


@pytest.mark.parametrize("reply", [Reply(500), Reply(503), Reply(drop=True), Reply(200, b"<html>")])
@pytest.mark.parametrize("name", WRITES)
def test_interrupted_write_is_ambiguous(serve, api, name, reply):
    server = serve(reply)
    send, path = WRITES[name]
    with pytest.raises(ApiError) as caught:
        send(api(server))
    assert (caught.value.ambiguous, caught.value.path, len(server.seen)) == (True, path, 1)


@pytest.mark.parametrize("name", WRITES)
def test_refused_write_is_not_ambiguous(serve, api, name):
    send, path = WRITES[name]
    with pytest.raises(ApiError) as caught:
        send(api(serve(Reply(403, {"code": "INSUFFICIENT_WORKSPACE_ROLE", "requestId": "r1"}))))
    assert (caught.value.category, caught.value.ambiguous, caught.value.path) == ("permission", False, path)
    assert (caught.value.code, caught.value.request_id) == ("INSUFFICIENT_WORKSPACE_ROLE", "r1")


@pytest.mark.parametrize(
    "name, status, bodies",
    [
        ("comment", 201, [b"", {}, [], {"data": None}, {"data": []}, {"data": "Tuned."}]),
        (
            "link",
            200,
            [b"", {}, {"data": None}, {"data": True}, {"data": {}}, {"data": {"isTicketSet": None}}],
        ),
        ("unlink", 200, [b"", {}, {"data": None}, {"data": "true"}, {"data": 1}, {"data": {}}]),
    ],
)
def test_invalid_response_to_a_write_is_ambiguous(serve, api, name, status, bodies):
    send, path = WRITES[name]
    for body in bodies:
        server = serve(Reply(status, body, headers={"X-Request-Id": "r1"}))
        with pytest.raises(ApiError) as caught:
            send(api(server))
        found = caught.value
        assert (found.category, found.ambiguous, found.http_status) == ("contract", True, status)
        assert (found.method, found.path, found.request_id) == ("POST", path, "r1")
        assert len(server.seen) == 1


@pytest.mark.parametrize("reply", [Reply(204), Reply(200, {}), Reply(200, {"data": None})])
@pytest.mark.parametrize("name", ["status", "assignee"])
def test_response_without_a_body_is_sufficient(serve, api, name, reply):
    server = serve(reply)
    WRITES[name][0](api(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "send",
    [
        lambda service: service.update_incident_status(ODD, {"status": "Resolved"}),
        lambda service: service.add_comment(ODD, None),
        lambda service: service.assign_incident(ODD, {"email": "a@b.example", "userId": "9b2f"}),
        lambda service: service.link_ticket(ODD, 41877),
        lambda service: service.unlink_ticket(ODD, 48213),
        lambda service: service.incidents_page({"isFirstCall": True}),
    ],
)
def test_invalid_request_is_not_sent(serve, api, send):
    server = serve(Reply(body={"data": {"incidents": []}}))
    with pytest.raises(ApiError) as caught:
        send(api(server))
    assert (caught.value.category, caught.value.ambiguous, caught.value.may_have_changed) == ("contract", False, False)
    assert server.seen == []


def listed(**token):
    """Return a page with a token of a workspace without a next page, and this token."""
    tokens = [{"workspaceId": WORKSPACE, "sourceTokens": {"Splunk": None}}, {"workspaceId": OTHER_WORKSPACE, **token}]
    return {"data": {"incidents": [], "workspacePageTokens": tokens}}


@pytest.mark.parametrize(
    "body, place",
    [
        ({"data": {"incidents": []}, "nextPageToken": "x"}, "nextPageToken"),
        ({"data": {"incidents": []}, "workspacePageTokens": [{}]}, "workspacePageTokens"),
        ({"data": {"incidents": [], "continuationToken": "x"}}, "data.continuationToken"),
        ({"data": {"incidents": []}, "meta": {"pageTokens": [{}]}}, "meta.pageTokens"),
        ({"data": {"incidents": [], "hasMore": True}}, "data.hasMore"),
        ({"data": {"incidents": []}, "meta": {"nextLink": "https://h/"}}, "meta.nextLink"),
        (listed(sourceTokens=["t"]), "data.workspacePageTokens.1.sourceTokens"),
        (listed(sourceTokens="t"), "data.workspacePageTokens.1.sourceTokens"),
        (listed(sourceTokens=7), "data.workspacePageTokens.1.sourceTokens"),
        (listed(sourceTokens={}, nextToken="t"), "data.workspacePageTokens.1.nextToken"),
        (listed(sourceTokens=None, cursor=1), "data.workspacePageTokens.1.cursor"),
        (listed(state={"sentinel": "t"}), "data.workspacePageTokens.1.state"),
    ],
)
def test_unexpected_sign_of_a_next_page_is_a_contract_violation(serve, api, body, place):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body=body))).incidents_page(LIST)
    assert caught.value.category == "contract"
    assert_message(caught.value.message, place)


@pytest.mark.parametrize(
    "body",
    [
        listed(sourceTokens={"Sentinel": "t"}, nextToken="u"),
        listed(sourceTokens={"Sentinel": ""}, nextToken="", workspaceName="Contoso"),
        listed(sourceTokens=[], workspaceName="Contoso"),
        listed(state=None),
        {"data": {**listed(sourceTokens={"Sentinel": "t"})["data"], "hasMore": True}},
        {"data": {"incidents": [], "hasMore": False, "nextToken": None}, "meta": {"token": ""}},
    ],
    ids=repr,
)
def test_known_tokens_are_accepted(serve, api, body):
    page = IncidentPage(body["data"]["incidents"], body["data"].get("workspacePageTokens"))
    assert api(serve(Reply(body=body))).incidents_page(LIST) == page
