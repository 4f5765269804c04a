# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of incidents: how each result names its incident for people."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import incident_status, ticket_link
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import incidents
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.tests.unit.loopback import Reply

STATUS = incidents(incident_status.parse_options, incident_status.set_incident_status)
LINK = incidents(ticket_link.parse_options, ticket_link.change_ticket_link)
OPTIONS = {
    "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60",
    "source": "Splunk",
    "status": "Closed",
    "ticket_id": "41877",
    "concurrency": 1,
}


def shown(**record: Any) -> Reply:
    """The read of an incident that is as wanted already."""
    return Reply(body={"data": {"id": "1", "status": "Closed", "ticketId": "41877", **record}})


def handled(
    many: BulkDefinition[ContraForceApi], server: Any, *names: str, clock: Clock | None = None
) -> OperationResult:
    """What comes of a list of incidents."""
    pace = SharedThrottle(1, 0, Clock())
    transport = Transport(server.url, retry_timeout=0)
    return run_bulk(
        many,
        {**OPTIONS, "incidents": [{"incident_id": name} for name in names]},
        RunOptions(verify_timeout=0, clock=clock or Clock()),
        lambda turns: ContraForceApi(Client(transport, auth.bearer("token"), CONTRAFORCE, throttle=turns)),
        pace,
        lambda error, _options: ApiError(repr(error), "internal"),
    )


@pytest.mark.parametrize(
    "record, title",
    [
        ({"title": "Phishing wave", "name": "7c2a1e8f"}, "Phishing wave"),
        ({"title": None, "name": "Phishing wave"}, "Phishing wave"),
        ({"title": " ", "name": "Phishing wave"}, "Phishing wave"),
        ({"name": "Phishing wave"}, "Phishing wave"),
        ({"title": " Two\n lines"}, " Two\n lines"),
        ({"title": 7, "name": ["x"]}, None),
        ({"title": "", "name": None}, None),
        ({}, None),
    ],
    ids=str,
)
def test_title_of_a_record(record, title):
    assert title_of(record) == title


@pytest.mark.parametrize("many", [STATUS, LINK], ids=["status", "link"])
def test_each_result_of_a_list_has_the_title_of_its_incident(serve, many):
    server = serve(shown(title="First"), shown(id="2", name="Second"), shown(id="3", title=None))
    result = handled(many, server, "1", "2", "3", "1")
    assert result.failure is None
    entries = result.values["results"]
    assert [entry.get("title") for entry in entries] == ["First", "Second", None, "First"]
    # Absent, and not null, where there is none.
    assert ["title" in entry for entry in entries] == [True, True, False, True]
    assert [entry["changed"] for entry in entries] == [False] * 4


@pytest.mark.parametrize("many", [STATUS, LINK], ids=["status", "link"])
def test_a_failure_has_the_title_too_if_the_incident_was_read(serve, many):
    refused = Reply(409, {"code": "NO"})
    server = serve(shown(title="First", status="New", ticketId=None), refused, Reply(404))
    result = handled(many, server, "1", "2")
    first, second = result.values["results"]
    assert (first["title"], first["failed"], first["error"]["http_status"]) == ("First", True, 409)
    assert (second["failed"], second["error"]["http_status"]) == (True, 404)
    assert "title" not in second
    assert (first["before"], first["after"], first["changed"]) == (None, None, False)
    assert result.values["summary"]["failed"] == 2
    assert first["msg"] in str(result.failure)


def test_a_failure_after_a_write_is_a_change_all_the_same(serve, clock):
    server = serve(shown(title="First", status="New"), Reply(502), shown(title="First", status="New"), Reply(502))
    entry = handled(STATUS, server, "1", clock=clock).values["results"][0]
    assert (entry["title"], entry["failed"], entry["changed"]) == ("First", True, True)
