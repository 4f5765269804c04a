# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations against a real server: what is sent, and what is made of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import (
    CONTRAFORCE,
    ContraForceApi,
    IncidentPage,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import incident_key
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
ODD = incident_key(WORKSPACE, "splunk", "a/b c?d#%2F")
PATH = f"/workspaces/{WORKSPACE}/incidents/Splunk/a%2Fb%20c%3Fd%23%252F"
RECORD = {"id": ODD.incident_id, "status": "New", "something": "new"}


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


GUID = incident_key(WORKSPACE, "Sentinel", "5f0c8f9e-1111-4222-8333-444455556666")
DIGITS = incident_key(WORKSPACE, "DefenderXDR", "61024")
OTHER_WORKSPACE = "77777777-7d4a-4e59-9b60-1a2c3d4e5f60"


@pytest.mark.parametrize(
    "key, data",
    [
        (GUID, {"id": GUID.incident_id.upper(), "workspaceId": WORKSPACE.upper(), "source": "sentinel"}),
        (GUID, {"source": 1, "incident": {"workspaceId": f" {WORKSPACE} ", "id": ""}}),
        (GUID, {"source": "Microsoft Sentinel", "workspaceId": "northwind"}),
        (GUID, {"source": None, "workspaceId": "00000000-0000-0000-0000-000000000000", "id": None}),
        (DIGITS, {"id": 61024, "source": "2"}),
        (DIGITS, {"id": 0, "source": 99, "workspaceId": ""}),
        (DIGITS, {"id": "7", "source": "DEFENDERXDR", "incident": {"id": "61024"}}),
        (DIGITS, {"id": {"value": "7"}, "source": [], "workspaceId": 7}),
    ],
)
def test_identity_that_is_not_certainly_another_is_accepted(serve, api, key, data):
    record = {**(data.get("incident") or data), "status": "New"}
    body = {"data": {**data, "incident": record} if "incident" in data else record}
    assert api(serve(Reply(body=body))).incident(key)["status"] == "New"


@pytest.mark.parametrize(
    "key, data, shown",
    [
        (GUID, {"id": OTHER_WORKSPACE}, f"incident {OTHER_WORKSPACE} (Sentinel, workspace {WORKSPACE})"),
        (
            GUID,
            {"workspaceId": OTHER_WORKSPACE},
            f"incident {GUID.incident_id} (Sentinel, workspace {OTHER_WORKSPACE})",
        ),
        (DIGITS, {"id": 61025}, f"incident 61025 (DefenderXDR, workspace {WORKSPACE})"),
        (DIGITS, {"source": "sentinel"}, f"incident 61024 (Sentinel, workspace {WORKSPACE})"),
        (DIGITS, {"source": "1", "incident": {"id": "61024"}}, f"incident 61024 (Sentinel, workspace {WORKSPACE})"),
        (
            DIGITS,
            {"source": "DefenderXDR", "incident": {"id": "7"}},
            f"incident 7 (DefenderXDR, workspace {WORKSPACE})",
        ),
        (ODD, {"id": ODD.incident_id.upper()}, f"incident A/B C?D#%2F (Splunk, workspace {WORKSPACE})"),
    ],
)
def test_read_that_shows_another_incident_fails(serve, api, key, data, shown):
    record = {**(data.get("incident") or data), "status": "New", "title": "Theirs"}
    service = api(serve(Reply(body={"data": {**data, "incident": record} if "incident" in data else record})))
    with pytest.raises(ApiError) as caught:
        service.incident(key)
    assert (caught.value.category, caught.value.http_status) == ("contract", 200)
    assert_message(caught.value.message, shown, f"instead of {key}", "url (CONTRAFORCE_URL)")


FOREIGN = [
    {"incidentId": "7"},
    {"workspaceId": OTHER_WORKSPACE},
    {"incident": {"id": 61024, "source": "Sentinel", "workspaceId": WORKSPACE}},
]
OWN = [{}, {"incidentId": 61024}, {"incidentId": "", "source": "Sentinel"}, {"incident": {"source": "defenderxdr"}}]


@pytest.mark.parametrize("names", OWN, ids=repr)
def test_comments_of_the_incident_are_accepted(serve, api, names):
    assert len(api(serve(Reply(body={"data": [{"message": "one", **names}]}))).comments(DIGITS)) == 1


@pytest.mark.parametrize("names", FOREIGN, ids=repr)
def test_comments_that_name_another_incident_fail(serve, api, names):
    service = api(serve(Reply(body={"data": [{"message": "one"}, {"message": "two", **names}]})))
    with pytest.raises(ApiError) as caught:
        service.comments(DIGITS)
    assert caught.value.category == "contract"
    assert_message(caught.value.message, f"instead of {DIGITS}", "url (CONTRAFORCE_URL)")


@pytest.mark.parametrize(
    "send, answer",
    [
        (lambda service: service.add_comment(DIGITS, "Tuned."), {"message": "Tuned."}),
        (lambda service: service.link_ticket(DIGITS, "T1"), {"isTicketSet": True}),
    ],
    ids=["comment", "link"],
)
@pytest.mark.parametrize("names", FOREIGN, ids=repr)
def test_write_whose_answer_names_another_incident_is_not_repeated(serve, api, send, answer, names):
    with pytest.raises(ApiError) as caught:
        send(api(serve(Reply(body={"data": {**answer, **names}}))))
    assert (caught.value.category, caught.value.ambiguous, caught.value.may_have_changed) == ("contract", False, True)
    assert_message(caught.value.message, f"instead of {DIGITS}", "url (CONTRAFORCE_URL)")


def test_comments(serve, api):
    server = serve(Reply(body={"data": [{"message": "one"}, {"message": None}]}))
    assert [entry["message"] for entry in api(server).comments(ODD)] == ["one", None]
    assert server.seen[0].target == f"{PATH}/comments"


def test_comment_without_a_message_hides_no_other(serve, api):
    entries = [{"id": "1"}, None, {"message": "one"}, {"message": 7}]
    assert api(serve(Reply(body={"data": entries}))).comments(ODD) == [entries[0], *entries[2:]]


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": [{}]}, {"data": [{"content": "one"}]}, {"data": ["text"]}])
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


def page_of(data: dict[str, Any]) -> IncidentPage:
    return IncidentPage(data["incidents"], data.get("workspacePageTokens"))


@pytest.mark.parametrize("tokens", [{}, {"workspacePageTokens": None}, {"workspacePageTokens": [{"sourceTokens": {}}]}])
def test_incidents_page(serve, api, tokens):
    page = {"incidents": [{"id": "1", "brandNew": 1}], **tokens}
    server = serve(Reply(body={"data": page}))
    assert api(server).incidents_page({**LIST, "severities": ["High"]}) == page_of(page)
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
        {"incidents": ["1"]},
        {"incidents": [None, 1]},
        {"incidents": [], "workspacePageTokens": {}},
        {"incidents": [], "workspacePageTokens": ["t"]},
    ],
)
def test_a_page_that_is_none(serve, api, data):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body={"data": data}))).incidents_page(LIST)
    assert (caught.value.category, caught.value.path, caught.value.method) == ("contract", LIST_PATH, "POST")
    assert not caught.value.ambiguous


def test_odd_incident_of_a_page_hides_no_other(serve, api):
    incidents = [{"id": "1"}, None, {"title": "x"}, {"id": None}, "2", 3, ["4"]]
    service = api(serve(Reply(body={"data": {"incidents": incidents}})))
    assert service.incidents_page(LIST) == IncidentPage([incidents[0], *incidents[2:4]], None, 4)


def test_a_page_is_a_read_although_it_is_posted(serve, api):
    server = serve(Reply(503), Reply(drop=True), Reply(body={"data": {"incidents": []}}))
    assert api(server).incidents_page(LIST) == IncidentPage([])
    assert len(server.seen) == 3


def test_a_page_is_a_read_that_check_mode_sends(serve, clock):
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
    assert (caught.value.category, caught.value.ambiguous, caught.value.may_have_changed) == ("contract", False, False)
    assert server.seen == []


def listed(**token):
    """Return a page whose first workspace has no further page, and the tokens of its second one."""
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
def test_a_list_that_goes_on_elsewhere_is_not_taken_for_complete(serve, api, body, place):
    with pytest.raises(ApiError) as caught:
        api(serve(Reply(body=body))).incidents_page(LIST)
    assert caught.value.category == "contract"
    assert_message(caught.value.message, place)


def test_tokens_that_are_empty_lead_nowhere(serve, api):
    body = {"data": {"incidents": [], "nextToken": None}, "meta": {"token": ""}}
    assert api(serve(Reply(body=body))).incidents_page(LIST) == page_of(body["data"])


@pytest.mark.parametrize(
    "body",
    [
        listed(sourceTokens={"Sentinel": "t"}, nextToken="u"),
        listed(sourceTokens={"Sentinel": ""}, nextToken="", workspaceName="Contoso"),
        listed(sourceTokens=[], workspaceName="Contoso"),
        listed(state=None),
        {"data": {**listed(sourceTokens={"Sentinel": "t"})["data"], "hasMore": True}},
        {"data": {"incidents": [], "hasMore": False}},
    ],
    ids=repr,
)
def test_tokens_that_are_understood_are_accepted(serve, api, body):
    assert api(serve(Reply(body=body))).incidents_page(LIST) == page_of(body["data"])
