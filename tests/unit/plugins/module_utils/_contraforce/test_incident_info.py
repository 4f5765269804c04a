# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one incident or the list: the options, what is asked for, and what is made of the pages."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import IncidentPage
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import TIME_RANGES
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_info import incident_info
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import (
    MAX_PAGES_WITHOUT_NEW_INCIDENTS,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_request
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
ONE = {"workspace_id": WORKSPACE, "source": "sentinel", "incident_id": INCIDENT}
RECORD = {"id": INCIDENT, "status": "New"}
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503, retryable=True)
FORBIDDEN = ApiError("The account lacks a permission.", "permission", http_status=403, code="MISSING_SCOPE")

#: The options as Ansible gives them when a task names none.
NONE_GIVEN: Mapping[str, Any] = {
    **dict.fromkeys(ONE),
    "details": False,
    "comments": False,
    **dict.fromkeys(("severities", "statuses", "sources", "query", "assignee_ids", "assignee_emails")),
    **dict.fromkeys(("include_unassigned", "time_range", "time_from", "time_to", "limit")),
}


@dataclass
class Service:
    """What can only be read: a write would fail for want of a method.

    :param pages: the answers of the list in turn; the last one again and again.
    """

    data: Any = field(default_factory=lambda: {"source": "Sentinel", "incident": dict(RECORD)})
    entries: Any = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=lambda: ["r1"])
    odd_entries: int = 0

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for name, body in self.asked if name == "page"]

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        self.asked.append(("incident", with_details))
        return _given(self.data)

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        self.asked.append(("comments", key))
        return _given(self.entries)

    def incidents_page(self, body: Mapping[str, Any]) -> IncidentPage:
        validate_request(schemas.LIST_REQUEST, body)
        assert len(self.asked) < 2 * MAX_PAGES_WITHOUT_NEW_INCIDENTS, "the list does not end"
        self.asked.append(("page", copy.deepcopy(dict(body))))
        given = _given(self.pages.pop(0) if len(self.pages) > 1 else self.pages[0])
        return IncidentPage(given["incidents"], given.get("workspacePageTokens"), self.odd_entries)


def _given(answer: Any) -> Any:
    if isinstance(answer, ApiError):
        raise answer
    return copy.deepcopy(answer)


def incident(name: str, workspace: str | None = WORKSPACE, source: str = "Sentinel") -> dict[str, Any]:
    shown = {} if workspace is None else {"workspaceId": workspace}
    return {"id": name, "source": source, **shown}


def tokens(token: Any, workspace: str = WORKSPACE) -> list[dict[str, Any]]:
    return [{"workspaceId": workspace, "sourceTokens": {"sentinel": token}}]


def page(*names: str, then: Any = None, workspace: str | None = WORKSPACE) -> dict[str, Any]:
    return {
        "incidents": [incident(name, workspace) for name in names],
        "workspacePageTokens": then if isinstance(then, list) else tokens(then) if then else [],
    }


def run(service: Service, check_mode: bool = False, **options: Any) -> Mapping[str, Any]:
    result = incident_info(service, {**NONE_GIVEN, **options}, RunOptions(check_mode, clock=FakeClock()))
    assert (result.changed, result.warnings, result.failure) == (False, [], None)
    return result.values


def failure(service: Service, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **options)
    return caught.value


def ids(values: Mapping[str, Any]) -> list[str]:
    return [entry["id"] for entry in values["incidents"]]


def body_of(**options: Any) -> dict[str, Any]:
    service = Service(pages=[page()])
    run(service, **options)
    (body,) = service.bodies
    return body


# --- one incident ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_incident_costs_one_read(check_mode):
    service = Service()
    assert run(service, check_mode, **ONE) == {
        "incident": RECORD,
        "incidents": [RECORD],
        "link": {
            "link": "unknown",
            "evidence": "none",
            "ticket_id": None,
            "ticket_number": None,
            "ticketing_system": None,
        },
        "truncated": False,
        "request_ids": ["r1"],
    }
    assert service.asked == [("incident", False)]


def test_a_record_that_is_the_data_itself():
    assert run(Service(data=dict(RECORD)), **ONE)["incident"] == RECORD


def test_details_are_read_on_request():
    details = {"investigationDetails": {"entities": []}, "evidence": [1]}
    service = Service(data={"incident": dict(RECORD), **details, "source": "Sentinel"})
    assert run(service, **ONE, details=True)["details"] == {**details, "gamebookCatalog": None}
    assert service.asked == [("incident", True)]
    assert "details" not in run(service, **ONE)


def test_comments_are_read_on_request():
    entries = [{"id": "c2", "message": "two"}, {"id": "c1", "message": None}]
    service = Service(entries=entries)
    assert run(service, **ONE, comments=True)["comments"] == entries
    (_incident, (name, key)) = service.asked
    assert (name, str(key)) == ("comments", f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})")
    assert "comments" not in run(service, **ONE)


def test_no_comments_are_told_from_comments_that_were_not_asked_for():
    assert run(Service(), **ONE, comments=True)["comments"] == []


@pytest.mark.parametrize(
    "shown, entries, link, evidence, ticket_id",
    [
        ({"ticketId": "7"}, [], "linked", "incident", "7"),
        ({"ticketId": "7"}, [{"message": "", "ticketId": "8"}], "linked", "incident", "7"),
        ({"ticketId": None}, [{"message": "", "ticketId": "8"}], "unlinked", "incident", None),
        ({}, [{"message": "", "ticketId": "8"}], "likely", "comments", "8"),
        ({}, [{"message": ""}], "unknown", "none", None),
    ],
)
def test_link(shown, entries, link, evidence, ticket_id):
    service = Service(data={"incident": {**RECORD, **shown}}, entries=entries)
    found = run(service, **ONE, comments=True)["link"]
    assert (found["link"], found["evidence"], found["ticket_id"]) == (link, evidence, ticket_id)


def test_a_link_that_only_comments_show_is_unknown_without_them():
    service = Service(entries=[{"message": "", "ticketId": "8"}])
    assert run(service, **ONE)["link"]["link"] == "unknown"


@pytest.mark.parametrize("fault", ["data", "entries"])
@pytest.mark.parametrize("error", [UNREADABLE, FORBIDDEN])
def test_an_incident_that_cannot_be_read_whole_is_a_failure(fault, error):
    caught = failure(Service(**{fault: error}), **ONE, comments=True)
    assert (caught.category, caught.code, caught.may_have_changed) == (error.category, error.code, False)
    assert_message(caught.message, f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})", "not be read", error)


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "given, missing",
    [
        (["incident_id"], "add workspace_id, source"),
        (["workspace_id"], "add source, incident_id"),
        (["source"], "add workspace_id, incident_id"),
        (["workspace_id", "incident_id"], "add source"),
        (["source", "incident_id"], "add workspace_id"),
        (["workspace_id", "source"], "add incident_id"),
    ],
)
def test_an_incident_that_is_named_in_part_is_refused(given, missing, check_mode):
    """A runbook whose variable is empty must not get all incidents of all workspaces for one."""
    service = Service(pages=[page("1")])
    for absent in (None, "", " "):
        named = {name: value if name in given else absent for name, value in ONE.items()}
        with pytest.raises(ApiError) as caught:
            run(service, check_mode, **named)
        assert caught.value.category == "configuration"
        assert_message(caught.value.message, missing)
    assert service.asked == []


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"incident_id": "None"}, ["incident_id", "'None'"]),
        ({"incident_id": ".."}, ["incident_id", "'..'"]),
    ],
)
def test_an_incident_that_is_named_badly_is_refused(changes, facts):
    service = Service()
    error = failure(service, **{**ONE, **changes})
    assert (error.category, service.asked) == ("configuration", [])
    assert_message(error.message, *facts)


FOR_A_LIST = {
    "severities": ["High"],
    "statuses": ["New"],
    "sources": ["sentinel"],
    "query": "sign-in",
    "assignee_ids": ["1"],
    "assignee_emails": ["a@b.example"],
    "time_range": "SixHours",
    "time_from": "2026-11-21",
    "time_to": "2026-11-21",
    "limit": 5,
}


@pytest.mark.parametrize("name, value", [*FOR_A_LIST.items(), ("include_unassigned", False), ("limit", 0)])
def test_an_option_of_the_list_does_not_go_with_one_incident(name, value):
    service = Service()
    error = failure(service, **ONE, **{name: value})
    assert (error.category, service.asked) == ("configuration", [])
    assert_message(error.message, name, "list of all incidents")


def test_every_option_that_does_not_go_with_one_incident_is_named():
    error = failure(Service(), **ONE, **FOR_A_LIST, include_unassigned=True)
    assert_message(error.message, *FOR_A_LIST, "include_unassigned")


@pytest.mark.parametrize("empty", [{"severities": [], "sources": []}, {"query": "", "time_from": "", "time_to": ""}])
def test_empty_options_of_the_list_go_with_one_incident(empty):
    assert run(Service(), **ONE, **empty)["incident"] == RECORD


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"details": True}, ["details", "workspace_id, source, incident_id"]),
        ({"comments": True}, ["comments", "workspace_id, source, incident_id"]),
        ({"details": True, "comments": True}, ["details and comments", "workspace_id, source, incident_id"]),
        ({"limit": 0}, ["limit"]),
        ({"limit": -1}, ["limit"]),
        ({"sources": ["sentinel", "Outlook"]}, ["sources", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"sources": ["Outlook"]}, ["sources", "not 'Outlook'"]),
        ({"time_range": "SixHours", "time_from": "2026-11-21"}, ["time_range", "time_from", "time_to"]),
        ({"time_range": "SixHours", "time_to": "2026-11-21"}, ["time_range", "time_from", "time_to"]),
        ({"time_to": "2026-11-21"}, ["time_from", "missing"]),
        ({"time_from": "yesterday"}, ["time_from", "2026-11-21T06:00:00Z", "not 'yesterday'"]),
        ({"time_from": "2026-11-21", "time_to": "soon"}, ["time_to", "point in time", "'soon'"]),
        ({"time_from": "0001-01-01T00:00:00+01:00"}, ["time_from", "point in time", "'0001-01-01T00:00:00+01:00'"]),
        (
            {"time_from": "2026-11-21", "time_to": "9999-12-31T23:59:59-01:00"},
            ["time_to", "point in time", "'9999-12-31T23:59:59-01:00'"],
        ),
        ({"time_from": "2026-11-21", "time_to": "2026-11-20"}, ["time_to", "later", "time_from"]),
        ({"time_from": "2026-11-21", "time_to": "2026-11-21"}, ["time_to", "later", "time_from"]),
        (
            {"time_from": "2026-11-21T06:00:00+01:00", "time_to": "2026-11-21T05:00:00Z"},
            ["time_to", "later", "time_from"],
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_bad_options_of_the_list_are_refused_before_any_request(options, facts, check_mode):
    service = Service(pages=[page("1")])
    with pytest.raises(ApiError) as caught:
        run(service, check_mode, **options)
    assert (caught.value.category, service.asked) == ("configuration", [])
    assert_message(caught.value.message, *facts)


# --- what the list asks for -----------------------------------------------------------------------------------------


def test_what_is_not_asked_for_is_not_sent():
    assert body_of() == {"isFirstCall": True, "workspacePageTokens": []}
    assert body_of(severities=[], sources=[], query="", time_from=" ") == body_of()


def test_filters():
    assert body_of(
        severities=["Low", "High"],
        statuses=["New"],
        sources=["sentinel", "DEFENDERXDR", " QRadar "],
        query="sign-in",
        assignee_ids=["1"],
        assignee_emails=["a@b.example"],
        include_unassigned=True,
        time_range="FourtyEightHours",
    ) == {
        "severities": ["Low", "High"],
        "statuses": ["New"],
        "sources": ["Sentinel", "DefenderXDR", "QRadar"],
        "query": "sign-in",
        "assigneeIds": ["1"],
        "assigneeEmails": ["a@b.example"],
        "includeUnassigned": True,
        "timeFilterSelection": {"type": "FourtyEightHours"},
        "isFirstCall": True,
        "workspacePageTokens": [],
    }


def test_a_limit_is_not_sent():
    assert body_of(limit=5) == body_of()


def test_false_is_not_the_same_as_not_asked_for():
    assert body_of(include_unassigned=False)["includeUnassigned"] is False


@pytest.mark.parametrize("word", TIME_RANGES)
def test_time_range(word):
    assert body_of(time_range=word)["timeFilterSelection"] == {"type": word}
    assert body_of(time_range=word, time_from="", time_to=" ")["timeFilterSelection"] == {"type": word}


def test_time_range_in_the_usual_spelling():
    assert body_of(time_range="FortyEightHours")["timeFilterSelection"] == {"type": "FourtyEightHours"}


@pytest.mark.parametrize(
    "given, sent",
    [
        ("2026-11-20T20:00:00Z", "2026-11-20T20:00:00Z"),
        ("2026-11-20T20:00:00", "2026-11-20T20:00:00Z"),
        ("2026-11-20 20:00", "2026-11-20T20:00:00Z"),
        ("2026-11-20T20:00:00+01:00", "2026-11-20T19:00:00Z"),
        ("2026-11-20T20:00:00-05:30", "2026-11-21T01:30:00Z"),
        ("2026-11-20T20:00:00.1234567Z", "2026-11-20T20:00:00Z"),
        (" 2026-11-20T20:00:00z\n", "2026-11-20T20:00:00Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
    ],
)
def test_times_are_sent_as_utc(given, sent):
    begin = body_of(time_from=given, time_to="2026-12-01T00:00:00+02:00")["timeFilterSelection"]
    assert begin == {"type": "Custom", "customStartUtc": sent, "customEndUtc": "2026-11-30T22:00:00Z"}
    end = body_of(time_from="2026-11-01", time_to=given)["timeFilterSelection"]
    assert end == {"type": "Custom", "customStartUtc": "2026-11-01T00:00:00Z", "customEndUtc": sent}


@pytest.mark.parametrize("absent", [None, ""])
def test_a_time_without_an_end_ends_now(absent):
    earliest = datetime.now(timezone.utc) - timedelta(seconds=1)
    times = body_of(time_from="2020-01-01T00:00:00Z", time_to=absent)["timeFilterSelection"]
    assert (times["type"], times["customStartUtc"]) == ("Custom", "2020-01-01T00:00:00Z")
    assert times["customEndUtc"].endswith("Z")
    end = datetime.fromisoformat(times["customEndUtc"].replace("Z", "+00:00"))
    assert earliest <= end <= datetime.now(timezone.utc)


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_three_pages(check_mode):
    first = [*tokens("s\u00e4 1=="), {"workspaceId": OTHER, "sourceTokens": {"splunk": None}, "brandNew": [1]}]
    second = tokens("s2")
    service = Service(pages=[page("1", "2", then=first), page(then=second), page("3")])
    values = run(service, check_mode, statuses=["New"], time_from="2020-01-01")
    assert (ids(values), values["truncated"], values["request_ids"]) == (["1", "2", "3"], False, ["r1"])
    assert "incident" not in values
    assert [body["workspacePageTokens"] for body in service.bodies] == [[], first, second]
    assert [body["isFirstCall"] for body in service.bodies] == [True, False, False]
    filters = [{**body, "isFirstCall": 0, "workspacePageTokens": 0} for body in service.bodies]
    assert filters[0] == filters[1] == filters[2]
    assert filters[0]["statuses"] == ["New"]
    assert [name for name, _body in service.asked] == ["page"] * 3


NO_MORE = [
    [],
    None,
    [{}],
    [{"workspaceId": WORKSPACE}],
    [{"workspaceId": WORKSPACE, "sourceTokens": None}],
    [{"workspaceId": WORKSPACE, "sourceTokens": {}}],
    tokens(None),
    tokens(""),
    [*tokens(None), *tokens("", OTHER)],
]


@pytest.mark.parametrize("last", NO_MORE)
def test_the_list_ends_where_no_token_leads_on(last):
    service = Service(pages=[{"incidents": [incident("1")], "workspacePageTokens": last}])
    assert (ids(run(service)), len(service.asked)) == (["1"], 1)


def test_the_list_ends_where_there_are_no_tokens():
    service = Service(pages=[{"incidents": [incident("1")]}])
    assert (ids(run(service)), len(service.asked)) == (["1"], 1)


def test_one_token_of_many_leads_on():
    many = [{"workspaceId": OTHER}, {"workspaceId": WORKSPACE, "sourceTokens": {"sentinel": None, "splunk": "t"}}]
    service = Service(pages=[page("1", then=many), page("2")])
    assert ids(run(service)) == ["1", "2"]


def test_a_page_without_incidents_does_not_end_the_list():
    service = Service(pages=[page(then="t1"), page("1")])
    assert ids(run(service)) == ["1"]


@pytest.mark.parametrize("turns", [["t1", "t1"], ["t1", "t2", "t1"], ["t1", "t2", "t3", "t2"]])
def test_the_same_tokens_again_are_no_way_to_an_end(turns):
    service = Service(pages=[page(str(place), then=token) for place, token in enumerate(turns)])
    error = failure(service)
    assert (error.category, error.retryable, len(service.asked)) == ("contract", False, len(turns))
    assert_message(error.message, "does not end")


def test_tokens_in_another_order_of_their_keys_are_the_same():
    turned = [{"sourceTokens": {"sentinel": "t1"}, "workspaceId": WORKSPACE}]
    service = Service(pages=[page("1", then="t1"), page("2", then=turned)])
    assert (failure(service).category, len(service.asked)) == ("contract", 2)


def test_pages_that_overlap_list_an_incident_once():
    newer = {**incident("2"), "status": "Active"}
    pages = [page("1", "2", then="t1"), {"incidents": [newer, incident("3")]}]
    assert ids(run(Service(pages=pages))) == ["1", "2", "3"]


def test_incidents_of_the_same_id_elsewhere_are_others():
    listed = [incident("1"), incident("1", OTHER), incident("1", source="Splunk")]
    assert run(Service(pages=[{"incidents": listed}]))["incidents"] == listed


@pytest.mark.parametrize("workspace", [None, ""])
def test_where_workspaces_are_not_shown_only_what_is_the_same_in_all_is_the_same_incident(workspace):
    other = {**incident("2", workspace), "title": "Of another workspace, it may be."}
    pages = [page("1", "2", then="t1", workspace=workspace), page("2", "3", workspace=workspace)]
    pages[1]["incidents"].append(other)
    values = run(Service(pages=pages))
    assert ids(values) == ["1", "2", "3", "2"]
    assert values["incidents"][-1] == other


def test_incidents_without_an_id_are_others():
    odd = [{"workspaceId": WORKSPACE, "source": "Sentinel", "title": title} for title in ("a", "b")]
    pages = [{"incidents": [*odd, incident("1")], "workspacePageTokens": tokens("2")}, {"incidents": odd}]
    assert run(Service(pages=pages))["incidents"] == [*odd, incident("1")]


def test_an_incident_of_a_workspace_is_another_than_one_of_none():
    listed = [incident("1"), incident("1", None)]
    assert run(Service(pages=[{"incidents": listed}]))["incidents"] == listed


@pytest.mark.parametrize("repeated", [[], ["0"]])
def test_pages_that_bring_nothing_new_come_to_an_end(repeated):
    """A service may make up new tokens for ever."""
    pages = [
        page("0", then="first"),
        *(page(*repeated, then=f"t{n}") for n in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS + 5)),
    ]
    service = Service(pages=pages)
    error = failure(service)
    assert (error.category, error.retryable, len(service.asked)) == (
        "contract",
        False,
        1 + MAX_PAGES_WITHOUT_NEW_INCIDENTS,
    )
    assert_message(error.message, "list of incidents", "without a further incident")


def test_a_long_gap_in_the_list_is_bridged():
    gap = [page(then=f"t{n}") for n in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS - 1)]
    another = [page(then=f"s{n}") for n in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS // 2)]
    service = Service(pages=[*gap, page("1", then="middle"), *another, page("2")])
    assert ids(run(service)) == ["1", "2"]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("error", [UNREADABLE, FORBIDDEN])
def test_a_page_that_cannot_be_read_fails_the_whole(place, error):
    pages = [page("1", then="t1"), page("2", then="t2"), page("3")]
    pages[place] = error
    caught = failure(Service(pages=pages))
    assert (caught.category, caught.http_status) == (error.category, error.http_status)
    assert_message(caught.message, "list of incidents", "not be read", error)


# --- the limit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit, listed, truncated",
    [
        (1, ["1"], True),
        (2, ["1", "2"], True),
        (3, ["1", "2", "3"], True),
        (4, ["1", "2", "3", "4"], False),
        (5, ["1", "2", "3", "4"], False),
    ],
)
def test_a_limit_tells_whether_there_are_more(limit, listed, truncated):
    values = run(Service(pages=[page("1", "2", then="t1"), page("3", "4")]), limit=limit)
    assert (ids(values), values["truncated"]) == (listed, truncated)


def test_a_limit_reached_before_pages_that_are_empty():
    values = run(Service(pages=[page("1", then="t1"), page(then="t2"), page()]), limit=1)
    assert (ids(values), values["truncated"]) == (["1"], False)


def test_a_limit_reached_before_an_incident_that_is_listed_again():
    values = run(Service(pages=[page("1", then="t1"), page("1")]), limit=1)
    assert (ids(values), values["truncated"]) == (["1"], False)


def test_a_limit_saves_pages():
    service = Service(pages=[page("1", "2", then="t1"), UNREADABLE])
    assert run(service, limit=1)["truncated"]
    assert len(service.asked) == 1


def test_an_empty_list():
    values = run(Service(pages=[page()]), limit=1)
    assert (values["incidents"], values["truncated"]) == ([], False)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.none() | st.integers(1, 16))
def test_the_list_is_complete_however_it_is_paged(sizes, limit):
    names = iter(map(str, range(100)))
    pages = [page(*(next(names) for _one in range(size)), then=f"t{place}") for place, size in enumerate(sizes)]
    pages[-1]["workspacePageTokens"] = []
    every = [str(number) for number in range(sum(sizes))]
    values = run(Service(pages=pages), limit=limit)
    assert ids(values) == every[:limit]
    assert values["truncated"] is (limit is not None and limit < len(every))


@pytest.mark.parametrize("names", [["incident_id"], ["workspace_id", "source", "incident_id"]])
def test_empty_identifiers_do_not_turn_one_incident_into_all(names):
    service = Service()
    error = failure(service, **dict.fromkeys(names, ""))
    assert error.category == "configuration"
    given = ", ".join(name for name in ("workspace_id", "source", "incident_id") if name in names)
    assert_message(error.message, given, "empty")
    assert service.asked == []


def test_a_time_in_the_future():
    assert_message(failure(Service(), time_from="2999-01-01T00:00:00Z").message, "time_from", "future")


def test_times_within_one_second_are_no_time():
    error = failure(Service(), time_from="2026-11-21T06:00:00.1Z", time_to="2026-11-21T06:00:00.9Z")
    assert_message(error.message, "time_to", "later", "time_from", "a second")


@pytest.mark.parametrize("name", ["assignee_ids", "assignee_emails", "sources"])
def test_what_a_survey_leaves_empty_is_no_filter(name):
    """Ansible makes a list of one empty text of an empty text."""
    assert body_of(**{name: ["", " "]}) == body_of()
    assert body_of(query=" ") == body_of()


def test_entries_of_the_list_that_are_no_incidents_are_reported():
    page = {"incidents": [incident("1")]}
    result = incident_info(Service(pages=[page], odd_entries=2), NONE_GIVEN, RunOptions(False, clock=FakeClock()))
    assert_messages(result.warnings, ["list of incidents", 2, "left out"])
    assert incident_info(Service(pages=[page]), NONE_GIVEN, RunOptions(False, clock=FakeClock())).warnings == []
