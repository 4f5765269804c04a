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
