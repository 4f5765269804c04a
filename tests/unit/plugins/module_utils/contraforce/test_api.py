# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations against a real server: what is sent, and what is made of the answers."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import auth
from ansible_collections.secops.itsm.plugins.module_utils.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import incident_key
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import Reply

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
ODD = incident_key(WORKSPACE, "splunk", "a/b c?d#%2F")
PATH = f"/workspaces/{WORKSPACE}/incidents/Splunk/a%2Fb%20c%3Fd%23%252F"
RECORD = {"id": "a", "status": "New", "something": "new"}


@pytest.fixture
def api(clock):
    def make(server) -> ContraForceApi:
        return ContraForceApi(Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, clock=clock))

    return make


@pytest.mark.parametrize("data", [RECORD, {"source": "Splunk", "incident": RECORD}, {**RECORD, "incident": None}])
def test_incident(serve, api, data):
    server = serve(Reply(body={"data": data, "meta": {"requestId": "r1"}}))
    service = api(server)
    assert service.incident(ODD)["status"] == "New"
    assert (server.seen[0].method, server.seen[0].target) == ("GET", f"{PATH}?withDetails=false")
    assert service.request_ids == ["r1"]


@pytest.mark.parametrize(
    "body", [{}, [], {"data": None}, {"data": {}}, {"data": {"incident": {}}}, {"data": {"status": []}}]
)
def test_incident_that_is_none(serve, api, body):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body=body))).incident(ODD)
    assert (caught.value.category, caught.value.http_status, caught.value.path) == ("contract", 200, PATH)


def test_comments(serve, api):
    server = serve(Reply(body={"data": [{"message": "one"}, {"message": None}]}))
    assert [entry["message"] for entry in api(server).comments(ODD)] == ["one", None]
    assert server.seen[0].target == f"{PATH}/comments"


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": [{}]}, {"data": ["text"]}])
def test_comments_that_are_none(serve, api, body):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body=body))).comments(ODD)
    assert (caught.value.category, caught.value.path) == ("contract", f"{PATH}/comments")


def test_update_incident_status(serve, api):
    server = serve(Reply(204))
    api(server).update_incident_status(ODD, {"status": "Active", "comment": "Taken up: ä"})
    seen = server.seen[0]
    assert (seen.method, seen.target) == ("PUT", f"{PATH}/status")
    assert json.loads(seen.body) == {"status": "Active", "comment": "Taken up: ä"}
    assert seen.headers["content-type"] == "application/json"


def test_wrong_request_never_leaves(serve, api):
    server = serve(Reply(204))
    with pytest.raises(ApiError):
        api(server).update_incident_status(ODD, {"status": "Resolved"})
    assert server.seen == []


def test_incident_with_details(serve, api):
    data = {"source": "Splunk", "incident": RECORD, "investigationDetails": {"alerts": []}, "evidence": []}
    server = serve(Reply(body={"data": data}))
    assert api(server).incident_data(ODD, with_details=True) == data
    assert (server.seen[0].method, server.seen[0].target) == ("GET", f"{PATH}?withDetails=true")


def test_add_comment(serve, api):
    stored = {"id": "c1", "message": "Tuned: \u00e4", "brandNew": True}
    server = serve(Reply(201, {"data": stored, "meta": {"requestId": "r1"}}))
    service = api(server)
    assert service.add_comment(ODD, "Tuned: \u00e4") == stored
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", f"{PATH}/comments")
    assert json.loads(seen.body) == {"content": "Tuned: \u00e4"}
    assert service.request_ids == ["r1"]


@pytest.mark.parametrize("body", [{"email": "a@b.example"}, {"userId": "9b2f"}])
def test_assign_incident(serve, api, body):
    server = serve(Reply(204))
    api(server).assign_incident(ODD, body)
    (seen,) = server.seen
    assert (seen.method, seen.target, json.loads(seen.body)) == ("PUT", f"{PATH}/assignee", body)


REFERENCE = {"id": ODD.incident_id, "source": "Splunk", "workspaceId": WORKSPACE}
TICKETS = f"/workspaces/{WORKSPACE}/tickets"


@pytest.mark.parametrize("number, numbered", [(None, {}), ("", {}), ("48213", {"number": "48213"})])
@pytest.mark.parametrize("system", ["Jira", 3, None])
def test_link_ticket(serve, api, number, numbered, system):
    ticket = {"ticketingSystemType": system, "isTicketSet": True, "jiraTicket": {"id": "1"}}
    server = serve(Reply(body={"data": ticket}))
    assert api(server).link_ticket(ODD, "SOC-311", number) == ticket
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", f"{TICKETS}/link")
    assert json.loads(seen.body) == {"ticketId": "SOC-311", "incident": {**REFERENCE, **numbered}}


@pytest.mark.parametrize("was_linked", [True, False])
@pytest.mark.parametrize("number, numbered", [(None, {}), ("48213", {"number": "48213"})])
def test_unlink_ticket(serve, api, was_linked, number, numbered):
    server = serve(Reply(body={"data": was_linked}))
    assert api(server).unlink_ticket(ODD, number) is was_linked
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", f"{TICKETS}/unlink")
    assert json.loads(seen.body) == {"incident": {**REFERENCE, **numbered}}


LIST = {"isFirstCall": True, "workspacePageTokens": []}
LIST_PATH = "/incidents/across-workspaces"


@pytest.mark.parametrize("tokens", [{}, {"workspacePageTokens": None}, {"workspacePageTokens": [{"sourceTokens": {}}]}])
def test_incidents_page(serve, api, tokens):
    page = {"incidents": [{"id": "1", "brandNew": 1}], **tokens}
    server = serve(Reply(body={"data": page}))
    assert api(server).incidents_page({**LIST, "severities": ["High"]}) == page
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", LIST_PATH)
    assert json.loads(seen.body) == {**LIST, "severities": ["High"]}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"incidents": None},
        {"incidents": [{}]},
        {"incidents": ["1"]},
        {"incidents": [], "workspacePageTokens": {}},
        {"incidents": [], "workspacePageTokens": ["t"]},
    ],
)
def test_a_page_that_is_none(serve, api, data):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body={"data": data}))).incidents_page(LIST)
    assert (caught.value.category, caught.value.path, caught.value.method) == ("contract", LIST_PATH, "POST")
    assert not caught.value.ambiguous


def test_a_page_is_a_read_although_it_is_posted(serve, api):
    server = serve(Reply(503), Reply(drop=True), Reply(body={"data": {"incidents": []}}))
    assert api(server).incidents_page(LIST) == {"incidents": []}
    assert len(server.seen) == 3


def test_a_page_is_a_read_that_check_mode_sends(serve, clock):
    server = serve(Reply(body={"data": {"incidents": []}}))
    client = Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, read_only=True, clock=clock)
    assert ContraForceApi(client).incidents_page(LIST) == {"incidents": []}


WRITES = {
    "status": (lambda service: service.update_incident_status(ODD, {"status": "New"}), f"{PATH}/status"),
    "comment": (lambda service: service.add_comment(ODD, "Tuned."), f"{PATH}/comments"),
    "assignee": (lambda service: service.assign_incident(ODD, {"email": "a@b.example"}), f"{PATH}/assignee"),
    "link": (lambda service: service.link_ticket(ODD, "T1"), f"{TICKETS}/link"),
    "unlink": (lambda service: service.unlink_ticket(ODD), f"{TICKETS}/unlink"),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_never_leaves_in_check_mode(serve, clock, name):
    server = serve(Reply(204))
    client = Client(Transport(server.url), auth.bearer("token"), CONTRAFORCE, read_only=True, clock=clock)
    with pytest.raises(ApiError) as caught:
        WRITES[name][0](ContraForceApi(client))
    assert (caught.value.category, server.seen) == ("internal", [])


@pytest.mark.parametrize("reply", [Reply(500), Reply(503), Reply(drop=True), Reply(200, b"<html>")])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_broke_off_is_not_sent_again_unseen(serve, api, name, reply):
    server = serve(reply)
    send, path = WRITES[name]
    with pytest.raises(ApiError) as caught:
        send(api(server))
    assert (caught.value.ambiguous, caught.value.path, len(server.seen)) == (True, path, 1)


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_refused_is_not_in_doubt(serve, api, name):
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
def test_an_answer_that_does_not_say_what_the_write_did_leaves_it_in_doubt(serve, api, name, status, bodies):
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
def test_a_write_that_is_answered_without_a_body_needs_none(serve, api, name, reply):
    server = serve(reply)
    WRITES[name][0](api(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "send",
    [
        lambda service: service.add_comment(ODD, None),
        lambda service: service.assign_incident(ODD, {}),
        lambda service: service.assign_incident(ODD, {"email": "a@b.example", "userId": "9b2f"}),
        lambda service: service.assign_incident(ODD, {"name": "D. Duty"}),
        lambda service: service.assign_incident(ODD, {"userId": 7}),
        lambda service: service.link_ticket(ODD, 41877),
        lambda service: service.link_ticket(ODD, "T1", 48213),
        lambda service: service.unlink_ticket(ODD, 48213),
        lambda service: service.incidents_page({}),
        lambda service: service.incidents_page({"isFirstCall": True}),
        lambda service: service.incidents_page({**LIST, "limit": 5}),
        lambda service: service.incidents_page({**LIST, "severities": ["Critical"]}),
        lambda service: service.incidents_page({**LIST, "sources": ["sentinel"]}),
        lambda service: service.incidents_page({**LIST, "timeFilterSelection": {"type": "FortyEightHours"}}),
        lambda service: service.incidents_page({**LIST, "timeFilterSelection": {}}),
    ],
)
def test_a_request_that_the_contract_does_not_know_never_leaves(serve, api, send):
    server = serve(Reply(body={"data": {"incidents": []}}))
    with pytest.raises(ApiError) as caught:
        send(api(server))
    assert (caught.value.category, caught.value.ambiguous, caught.value.wrote) == ("contract", False, False)
    assert server.seen == []


@pytest.mark.parametrize(
    "body, place",
    [
        ({"data": {"incidents": []}, "nextPageToken": "x"}, "nextPageToken"),
        ({"data": {"incidents": []}, "workspacePageTokens": [{}]}, "workspacePageTokens"),
        ({"data": {"incidents": [], "continuationToken": "x"}}, "data.continuationToken"),
        ({"data": {"incidents": []}, "meta": {"pageTokens": [{}]}}, "meta.pageTokens"),
    ],
)
def test_a_list_that_goes_on_elsewhere_is_not_taken_for_complete(serve, api, body, place):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body=body))).incidents_page(LIST)
    assert caught.value.category == "contract"
    assert f"seems to go on in {place}," in caught.value.message


def test_tokens_that_are_empty_lead_nowhere(serve, api):
    body = {"data": {"incidents": [], "nextToken": None}, "meta": {"token": ""}}
    assert api(serve(Reply(body=body))).incidents_page(LIST) == body["data"]
