# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading one incident or the list: options, filters, paging and limits."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import TIME_RANGES
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_info import incident_info
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import (
    MAX_PAGES_WITHOUT_NEW_INCIDENTS,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    INCIDENT,
    KEY_OPTIONS,
    LABEL,
    UNREADABLE,
    WORKSPACE,
    CannedApi,
)

OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
RECORD = {"id": INCIDENT, "status": "New"}
FORBIDDEN = ApiError("The account lacks a permission.", "permission", http_status=403, code="MISSING_SCOPE")
READ = f"incident Sentinel {INCIDENT} of {WORKSPACE}"


def api(*pages: Any, **settings: Any) -> CannedApi:
    return CannedApi(list(pages), **{"data": {"source": "Sentinel", "incident": dict(RECORD)}, **settings})


def incident(name: str, workspace: str | None = WORKSPACE, source: str = "Sentinel") -> dict[str, Any]:
    return {"id": name, "source": source, **({} if workspace is None else {"workspaceId": workspace})}


def tokens(token: Any, workspace: str = WORKSPACE) -> list[dict[str, Any]]:
    return [{"workspaceId": workspace, "sourceTokens": {"sentinel": token}}]


def page(*incidents: Any, then: Any = None) -> dict[str, Any]:
    """Return a page of incidents, given by their ids or as they are, with the tokens of the next page."""
    return {
        "incidents": [incident(entry) if isinstance(entry, str) else entry for entry in incidents],
        "workspacePageTokens": then if isinstance(then, list) else tokens(then) if then else [],
    }


def result_of(service: CannedApi, check_mode: bool = False, **options: Any) -> OperationResult:
    result = incident_info(service, options, RunOptions(check_mode))
    assert (result.changed, result.failure) == (False, None)
    return result


def run(service: CannedApi, check_mode: bool = False, **options: Any) -> Mapping[str, Any]:
    result = result_of(service, check_mode, **options)
    assert result.warnings == []
    return result.values


def failure(service: CannedApi, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **options)
    return caught.value


def ids(values: Mapping[str, Any]) -> list[str]:
    return [entry["id"] for entry in values["incidents"]]


def body_of(**options: Any) -> dict[str, Any]:
    service = api(page())
    run(service, **options)
    (body,) = service.bodies
    return body


# --- one incident ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("data", [RECORD, {"source": "Sentinel", "incident": RECORD}])
def test_incident_is_read_once(check_mode, data):
    service = api(data=data)
    assert run(service, check_mode, **KEY_OPTIONS) == {
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
    assert service.calls == [READ]


def test_details_and_comments_are_read_on_request():
    details = {"investigationDetails": {"entities": []}, "evidence": [1]}
    entries = [{"id": "c2", "message": "two"}, {"id": "c1", "message": None}]
    service = api(data={"incident": RECORD, **details}, entries=entries)
    values = run(service, **KEY_OPTIONS, details=True, comments=True)
    assert (values["details"], values["comments"]) == ({**details, "gamebookCatalog": None}, entries)
    assert service.calls == [f"{READ} with details", f"comments of {INCIDENT}"]
    assert run(api(), **KEY_OPTIONS, comments=True)["comments"] == []


@pytest.mark.parametrize(
    "shown, entries, link, evidence, ticket_id",
    [
        ({"ticketId": "7"}, [{"message": "", "ticketId": "8"}], "linked", "incident", "7"),
        ({"ticketId": None}, [{"message": "", "ticketId": "8"}], "unlinked", "incident", None),
        ({}, [{"message": "", "ticketId": "8"}], "likely", "comments", "8"),
        ({}, [{"message": ""}], "unknown", "none", None),
    ],
)
def test_incident_is_better_evidence_of_a_link_than_comments(shown, entries, link, evidence, ticket_id):
    service = api(data={"incident": {**RECORD, **shown}}, entries=entries)
    found = run(service, **KEY_OPTIONS, comments=True)["link"]
    assert (found["link"], found["evidence"], found["ticket_id"]) == (link, evidence, ticket_id)


@pytest.mark.parametrize("fault", ["data", "entries"])
@pytest.mark.parametrize("error", [UNREADABLE, FORBIDDEN])
def test_incident_that_cannot_be_read_completely_is_a_failure(fault, error):
    caught = failure(api(**{fault: error}), **KEY_OPTIONS, comments=True)
    assert (caught.category, caught.code, caught.may_have_changed) == (error.category, error.code, False)
    assert_message(caught.message, LABEL, error)


# --- options --------------------------------------------------------------------------------------------------------

LIST_OPTIONS = {
    "severities": ["High"],
    "statuses": ["New"],
    "sources": ["sentinel"],
    "query": "sign-in",
    "assignee_ids": ["1"],
    "assignee_emails": ["a@b.example"],
    "include_unassigned": False,
    "time_range": "SixHours",
    "time_from": "2026-11-21",
    "time_to": "2026-11-21",
    "limit": 0,
}


@given(st.sets(st.sampled_from(sorted(KEY_OPTIONS)), max_size=2), st.sampled_from([None, "", " "]))
def test_incomplete_identifiers_never_list_all_incidents(names, absent):
    """A runbook with an empty variable must not list the incidents of all workspaces instead of one."""
    if not names and absent is None:
        return
    service = api(page("1"))
    error = failure(service, **{name: value if name in names else absent for name, value in KEY_OPTIONS.items()})
    assert (error.category, service.calls) == ("configuration", [])
    missing = ", ".join(name for name in KEY_OPTIONS if name not in names)
    assert_message(error.message, *([missing] if names else [missing, "empty"]))


@pytest.mark.parametrize("name", LIST_OPTIONS)
def test_option_of_the_list_is_rejected_for_one_incident(name):
    service = api()
    error = failure(service, **KEY_OPTIONS, **{name: LIST_OPTIONS[name]})
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, name, "list")


def test_all_misplaced_options_are_named():
    assert_message(failure(api(), **KEY_OPTIONS, **LIST_OPTIONS).message, *LIST_OPTIONS)
    empty = {"severities": [], "sources": [], "query": "", "time_from": "", "time_to": ""}
    assert run(api(), **KEY_OPTIONS, **empty)["incident"] == RECORD


@pytest.mark.parametrize(
    "options, facts",
    [
        ({**KEY_OPTIONS, "source": "Outlook"}, ["source", "'Outlook'"]),
        ({"details": True}, ["details", "workspace_id, source, incident_id"]),
        ({"details": True, "comments": True}, ["details and comments", "workspace_id, source, incident_id"]),
        ({"limit": 0}, ["limit", 0]),
        ({"limit": -1}, ["limit", 0]),
        ({"sources": ["sentinel", "Outlook"]}, ["sources", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"time_range": "SixHours", "time_from": "2026-11-21"}, ["time_range", "time_from", "time_to"]),
        ({"time_range": "SixHours", "time_to": "2026-11-21"}, ["time_range", "time_from", "time_to"]),
        ({"time_to": "2026-11-21"}, ["time_from", "missing"]),
        ({"time_from": "yesterday"}, ["time_from", "2026-11-21T06:00:00Z", "'yesterday'"]),
        ({"time_from": "2026-11-21", "time_to": "soon"}, ["time_to", "'soon'"]),
        ({"time_from": "0001-01-01T00:00:00+01:00"}, ["time_from", "'0001-01-01T00:00:00+01:00'"]),
        ({"time_from": "2026-11-21", "time_to": "2026-11-20"}, ["time_to", "later", "time_from"]),
        ({"time_from": "2026-11-21", "time_to": "2026-11-21"}, ["time_to", "later", "time_from"]),
        (
            {"time_from": "2026-11-21T06:00:00.1+01:00", "time_to": "2026-11-21T05:00:00.9Z"},
            ["time_to", "later", "time_from"],
        ),
        ({"time_from": "2999-01-01T00:00:00Z"}, ["time_from", "future"]),
    ],
)
def test_invalid_option_is_rejected_before_any_request(options, facts):
    service = api(page("1"))
    error = failure(service, **options)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, *facts)


# --- filters --------------------------------------------------------------------------------------------------------


def test_request_contains_only_the_given_filters():
    unfiltered = {"isFirstCall": True, "workspacePageTokens": []}
    blank = {"severities": [], "sources": ["", " "], "assignee_ids": [""], "query": " ", "time_from": " "}
    assert body_of() == body_of(limit=5) == body_of(**blank) == unfiltered
    assert body_of(include_unassigned=False)["includeUnassigned"] is False
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
        **unfiltered,
    }


@pytest.mark.parametrize("given, sent", [*zip(TIME_RANGES, TIME_RANGES), ("FortyEightHours", "FourtyEightHours")])
def test_time_range_is_sent_in_the_spelling_of_the_api(given, sent):
    assert body_of(time_range=given, time_from="", time_to=" ")["timeFilterSelection"] == {"type": sent}


@pytest.mark.parametrize(
    "given, sent",
    [
        ("2026-11-20 20:00", "2026-11-20T20:00:00Z"),
        ("2026-11-20T20:00:00+01:00", "2026-11-20T19:00:00Z"),
        (" 2026-11-20T20:00:00.9234567z\n", "2026-11-20T20:00:00Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
    ],
)
def test_times_are_sent_in_utc(given, sent):
    start = body_of(time_from=given, time_to="2026-12-01T00:00:00+02:00")["timeFilterSelection"]
    assert start == {"type": "Custom", "customStartUtc": sent, "customEndUtc": "2026-11-30T22:00:00Z"}
    end = body_of(time_from="2026-11-01", time_to=given)["timeFilterSelection"]
    assert end == {"type": "Custom", "customStartUtc": "2026-11-01T00:00:00Z", "customEndUtc": sent}


def test_time_without_an_end_ends_now():
    earliest = datetime.now(timezone.utc) - timedelta(seconds=1)
    times = body_of(time_from="2020-01-01T00:00:00Z", time_to="")["timeFilterSelection"]
    end = datetime.fromisoformat(times["customEndUtc"].replace("Z", "+00:00"))
    assert (times["type"], times["customStartUtc"]) == ("Custom", "2020-01-01T00:00:00Z")
    assert earliest <= end <= datetime.now(timezone.utc)


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_pages_are_requested_with_the_tokens_of_the_page_before(check_mode):
    first = [*tokens("s\u00e4 1=="), {"workspaceId": OTHER, "sourceTokens": {"splunk": None}, "brandNew": [1]}]
    second = [{"workspaceId": OTHER}, {"workspaceId": WORKSPACE, "sourceTokens": {"sentinel": None, "splunk": "t"}}]
    service = api(page("1", "2", then=first), page(then=second), page("3"))
    values = run(service, check_mode, statuses=["New"], time_from="2020-01-01")
    assert (ids(values), values["truncated"], values["request_ids"]) == (["1", "2", "3"], False, ["r1"])
    assert "incident" not in values
    assert [body["workspacePageTokens"] for body in service.bodies] == [[], first, second]
    assert [body["isFirstCall"] for body in service.bodies] == [True, False, False]
    filters = [{**body, "isFirstCall": 0, "workspacePageTokens": 0} for body in service.bodies]
    assert filters[0] == filters[1] == filters[2]
    assert filters[0]["statuses"] == ["New"]


@pytest.mark.parametrize(
    "last",
    [
        None,
        [{}],
        [{"workspaceId": WORKSPACE, "sourceTokens": None}],
        [{"workspaceId": WORKSPACE, "sourceTokens": {}}],
        [*tokens(None), *tokens("", OTHER)],
    ],
)
def test_list_ends_without_a_token(last):
    service = api({**page("1"), "workspacePageTokens": last})
    assert (ids(run(service)), len(service.calls)) == (["1"], 1)


@pytest.mark.parametrize("turns", [["t1", "t1"], ["t1", "t2", "t1"], ["t1", "t2", "t3", "t2"]])
def test_repeated_tokens_are_a_failure(turns):
    service = api(*(page(str(place), then=token) for place, token in enumerate(turns)))
    error = failure(service)
    assert (error.category, error.retryable, len(service.calls)) == ("contract", False, len(turns))
    assert_message(error.message, "list of incidents", "tokens")


def test_order_of_keys_in_tokens_is_irrelevant():
    service = api(
        page("1", then="t1"), page("2", then=[{"sourceTokens": {"sentinel": "t1"}, "workspaceId": WORKSPACE}])
    )
    assert (failure(service).category, len(service.calls)) == ("contract", 2)


@pytest.mark.parametrize("repeated", [[], ["0"]])
def test_endless_list_is_a_failure(repeated):
    later = [page(*repeated, then=f"t{number}") for number in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS + 5)]
    service = api(page("0", then="first"), *later)
    error = failure(service)
    assert (error.category, error.retryable) == ("contract", False)
    assert len(service.calls) == 1 + MAX_PAGES_WITHOUT_NEW_INCIDENTS
    assert_message(error.message, "list of incidents", "pages")


def test_long_gap_does_not_end_the_list():
    gap = [page(then=f"t{number}") for number in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS - 1)]
    second = [page(then=f"s{number}") for number in range(MAX_PAGES_WITHOUT_NEW_INCIDENTS // 2)]
    assert ids(run(api(*gap, page("1", then="middle"), *second, page("2")))) == ["1", "2"]


@pytest.mark.parametrize(
    "first, second, listed",
    [
        (["1", "2"], [{**incident("2"), "status": "Active"}, "3"], ["1", "2", "3"]),
        (["1", incident("1", OTHER)], [incident("1", source="Splunk")], ["1", "1", "1"]),
        (["1"], [incident("1", None)], ["1", "1"]),
        *[
            ([incident("1", absent)], [incident("1", absent), {**incident("1", absent), "title": "x"}], ["1", "1"])
            for absent in (None, "")
        ],
        (
            [{"id": None, "title": "a"}, {"id": None, "title": "b"}],
            ["1", {"id": None, "title": "a"}],
            [None, None, "1"],
        ),
    ],
)
def test_incident_on_overlapping_pages_is_listed_once(first, second, listed):
    """Without a workspace or an id, only identical entries are the same incident."""
    values = run(api(page(*first, then="t1"), page(*second)))
    assert ids(values) == listed
    assert values["incidents"][0] == page(*first)["incidents"][0]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("error", [UNREADABLE, FORBIDDEN])
def test_unreadable_page_is_a_failure(place, error):
    pages: list[Any] = [page("1", then="t1"), page("2", then="t2"), page("3")]
    pages[place] = error
    caught = failure(api(*pages))
    assert (caught.category, caught.http_status) == (error.category, error.http_status)
    assert_message(caught.message, "list of incidents", error)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.none() | st.integers(1, 16))
def test_list_is_complete_up_to_the_limit(sizes, limit):
    names = iter(map(str, range(100)))
    pages = [page(*(next(names) for _one in range(size)), then=f"t{place}") for place, size in enumerate(sizes)]
    pages[-1]["workspacePageTokens"] = []
    every = [str(number) for number in range(sum(sizes))]
    values = run(api(*pages), limit=limit)
    assert ids(values) == every[:limit]
    assert values["truncated"] is (limit is not None and limit < len(every))


def test_limit_ends_the_list_once_another_incident_is_known():
    service = api(page("1", "2", then="t1"), UNREADABLE)
    assert run(service, limit=1)["truncated"]
    assert len(service.calls) == 1
    values = run(api(page("1", then="t1"), page("1")), limit=1)
    assert (ids(values), values["truncated"]) == (["1"], False)


def test_malformed_entries_are_reported():
    assert_messages(result_of(api(page("1"), malformed_entries=2)).warnings, ["list of incidents", 2])
