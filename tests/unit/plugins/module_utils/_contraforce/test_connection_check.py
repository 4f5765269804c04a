# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checking a connection: the findings about each service, and the requests that are no longer sent after a failure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection_check import check_connection
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import FINAL
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    INCIDENT,
    LABEL,
    WORKSPACE,
    CannedApi,
)

OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
NAMED = {"workspace_id": OTHER, "source": "splunk", "incident_id": "99"}
NAMED_READS = [f"incident Splunk 99 of {OTHER}", "comments of 99"]
LISTED = {**dict.fromkeys(schemas.LISTED_FIELDS), "workspaceId": WORKSPACE, "source": "Sentinel", "id": INCIDENT}
PAGE = {"incidents": [LISTED], "workspacePageTokens": []}
RECORD = {
    **dict.fromkeys(schemas.RECORD_FIELDS),
    "id": INCIDENT,
    "status": "New",
    "classification": None,
    "user": None,
    "ticketId": "7",
}
COMMENT = {**dict.fromkeys(schemas.COMMENT_FIELDS), "message": "one"}
CHECKS = [
    "address",
    "credentials",
    "list of incidents",
    "page tokens",
    "workspace in the list",
    "workspace role",
    "read of an incident",
    "place of the record",
    "classification",
    "spelling of the status",
    "assignee",
    "comments",
    "ticket link",
]
FITS = "fits the contract"


def error(category: str) -> ApiError:
    return ApiError(f"It failed: {category}.", category, code="CODE", http_status=418)


def api(page: Any = None, incidents: Any = None, **responses: Any) -> CannedApi:
    page = PAGE if page is None else page
    page = {**PAGE, "incidents": incidents} if incidents is not None else page
    return CannedApi([page], **{"data": {"source": "Sentinel", "incident": RECORD}, **responses})


def showing(*, entries: Any = (), **changes: Any) -> CannedApi:
    """Return an API whose incident has other values, or lacks those that are "absent"."""
    record = {name: value for name, value in {**RECORD, **changes}.items() if value != "absent"}
    return api(data={"incident": record}, entries=list(entries))


def run(service: CannedApi, check_mode: bool = False, **options: Any) -> OperationResult:
    result = check_connection(service, options, RunOptions(check_mode))
    assert (result.changed, result.warnings) == (False, [])
    return result


def rows(result: OperationResult) -> list[tuple[str, str]]:
    return [(row["check"], row["result"]) for row in result.values["checks"]]


def row(result: OperationResult, check: str) -> tuple[str, str, str | None]:
    """Return the result, the finding and the assumption of a check."""
    (found,) = [row for row in result.values["checks"] if row["check"] == check]
    return found["result"], found["finding"], found["assumption"]


# --- a service that works -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_working_service_passes_all_checks(check_mode):
    service = api(entries=[COMMENT, {**COMMENT, "message": None}])
    result = run(service, check_mode)
    assert rows(result) == [(check, "ok") for check in CHECKS]
    assert result.failure is None
    values = {name: value for name, value in result.values.items() if name != "checks"}
    assert values == {"link_evidence": "incident", "incident_id": INCIDENT, "request_ids": ["r1"]}
    assert service.calls == ["page", f"incident Sentinel {INCIDENT} of {WORKSPACE}", f"comments of {INCIDENT}"]
    times = {"type": "FourtyEightHours"}
    assert service.bodies == [{"isFirstCall": True, "workspacePageTokens": [], "timeFilterSelection": times}]
    assert row(result, "list of incidents")[1] == f"1 on the first page of the last 48 hours; {FITS}"
    assert row(result, "read of an incident")[1] == f"Sentinel {INCIDENT}; {FITS}"
    assert row(result, "comments")[1] == f"2 on this incident; {FITS}"


@pytest.mark.parametrize(
    "page", [PAGE, error("permission"), error("validation"), error("not_found"), error("contract")]
)
def test_identified_incident_is_read_even_if_the_list_fails(page):
    service = api(page)
    result = run(service, **NAMED)
    assert service.calls == ["page", *NAMED_READS]
    assert (result.values["incident_id"], result.values["link_evidence"]) == ("99", "incident")
    assert row(result, "workspace role")[0] == "ok"
    assert OTHER in row(result, "workspace role")[1]
    assert (result.failure and result.failure.category) == (page.category if isinstance(page, ApiError) else None)


@pytest.mark.parametrize(
    "options, kind, assumption",
    [
        ({"access_token": None}, "client id and secret", None),
        ({"access_token": "t0ken"}, "access token", "CF-A1"),
    ],
)
@pytest.mark.parametrize("page", [PAGE, error("permission"), error("validation")])
def test_accepted_credentials_are_named(options, kind, assumption, page):
    result = run(api(page), **options)
    found, finding, shown = row(result, "credentials")
    assert (found, shown) == ("ok", assumption)
    assert has_fact(finding, kind)
    assert row(result, "address")[0] == "ok"


@pytest.mark.parametrize("changes", [{"workspace_id": "northwind"}, {"source": None}, {"incident_id": " "}])
def test_invalid_identifiers_are_rejected_before_any_request(changes):
    service = api()
    refused = run(service, **{**NAMED, **changes})
    assert (refused.failure.category, service.calls) == ("configuration", [])
    assert_message(refused.failure.message, *changes)
    assert rows(refused) == [("read of an incident", "failed")]


@pytest.mark.parametrize("absent", [None, "", " "])
def test_empty_identifiers_identify_no_incident(absent):
    assert run(api(), **dict.fromkeys(NAMED, absent)).values["incident_id"] == INCIDENT


# --- the list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "category, failed",
    [
        ("configuration", "address"),
        ("tls", "address"),
        ("unavailable", "address"),
        ("rate_limited", "address"),
        ("authentication", "credentials"),
    ],
)
@pytest.mark.parametrize("options", [{}, NAMED])
def test_final_failure_of_the_list_ends_the_check(category, failed, options):
    service = api(error(category))
    result = run(service, **options)
    assert (rows(result), service.calls) == ([(failed, "failed")], ["page"])
    assert row(result, failed)[1] == f"It failed: {category}."
    assert (result.failure.category, result.failure.http_status) == (category, 418)
    assert (result.values["link_evidence"], result.values["incident_id"]) == ("unknown", None)


@pytest.mark.parametrize("category", ["permission", "validation", "not_found", "contract", "conflict"])
def test_other_failure_of_the_list_leaves_no_incident_to_read(category):
    result = run(api(error(category)))
    proven = [("address", "ok"), ("credentials", "ok")] if category in ("permission", "validation") else []
    assert rows(result) == [*proven, ("list of incidents", "failed"), ("read of an incident", "unknown")]
    assert result.failure.category == category


@pytest.mark.parametrize("listed", [None, {"workspaceId": None}, {"source": "Outlook"}, {"source": None}, {"id": None}])
def test_list_without_a_usable_incident_is_not_a_failure(listed):
    service = api(incidents=[] if listed is None else [{**LISTED, **listed}])
    result = run(service)
    found, finding, assumption = row(result, "read of an incident")
    assert (found, assumption, result.failure, service.calls) == ("unknown", None, None, ["page"])
    assert has_fact(finding, "workspace_id, source, incident_id")
    assert (result.values["link_evidence"], result.values["incident_id"]) == ("unknown", None)
    assert ("workspace in the list" in dict(rows(result))) is (listed is not None)


def test_first_usable_incident_is_read():
    incidents = [{"id": "1"}, {**LISTED, "source": "Outlook"}, {**LISTED, "source": "splunk", "id": 7}, LISTED]
    service = api(incidents=incidents)
    assert run(service).values["incident_id"] == "7"
    assert service.calls[1] == f"incident Splunk 7 of {WORKSPACE}"


class UnreadableApi(CannedApi):
    """An API that cannot read the incident OTHER."""

    fault: ApiError

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        data = super().incident_data(key, with_details)
        if key.incident_id == OTHER:
            raise self.fault
        return data


@pytest.mark.parametrize(
    "fault", [ApiError("It failed.", "unavailable", http_status=500), error("contract"), error("not_found")], ids=str
)
def test_unreadable_incident_is_skipped(fault):
    service = UnreadableApi([{**PAGE, "incidents": [{**LISTED, "id": OTHER}, LISTED]}], data={"incident": RECORD})
    service.fault = fault
    result = run(service)
    assert (result.failure, result.values["incident_id"]) == (None, INCIDENT)
    finding = f"Sentinel {INCIDENT}; {FITS}; could not be read: {OTHER}"
    assert row(result, "read of an incident")[:2] == ("no", finding)


# --- the incident ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "category, failed",
    [
        ("permission", "workspace role"),
        ("not_found", "read of an incident"),
        ("contract", "read of an incident"),
        ("unavailable", "address"),
        ("authentication", "credentials"),
    ],
)
def test_unreadable_incident_is_a_failure(category, failed):
    incidents = [LISTED, {**LISTED, "id": OTHER}] if category == "permission" else [LISTED]
    service = api(incidents=incidents, data=error(category))
    result = run(service)
    assert rows(result)[-1] == (failed, "failed")
    assert ("workspace role" in dict(rows(result))) is (category == "permission")
    assert (result.failure.category, result.failure.code, len(service.calls)) == (category, "CODE", 2)
    assert (result.values["incident_id"], result.values["link_evidence"]) == (None, "unknown")


@pytest.mark.parametrize("category", ["permission", "not_found", "contract"])
def test_unreadable_comments_are_a_failure(category):
    result = run(api(entries=error(category)))
    found, finding, _assumption = row(result, "comments")
    assert found == "failed"
    assert_message(finding, LABEL, f"It failed: {category}.")
    assert row(result, "workspace role")[0] == "ok"
    assert (result.failure.category, result.values["link_evidence"]) == (category, "incident")


def test_first_failure_is_the_failure_of_the_task():
    result = run(api(error("validation"), entries=error("permission")), **NAMED)
    assert result.failure.category == "validation"
    assert [check for check, found in rows(result) if found == "failed"] == ["list of incidents", "comments"]


@pytest.mark.parametrize(
    "place, check, complete, fields",
    [
        ("page", "list of incidents", LISTED, schemas.LISTED_FIELDS),
        ("data", "read of an incident", RECORD, schemas.RECORD_FIELDS),
        ("entries", "comments", COMMENT, schemas.COMMENT_FIELDS),
    ],
)
def test_missing_documented_fields_are_named(place, check, complete, fields):
    missing = [name for name in fields if name not in ("id", "source", "status", "message")][:2]
    partial = {name: value for name, value in complete.items() if name not in missing}
    responses = {"page": {**PAGE, "incidents": [complete, partial]}, "data": partial, "entries": [complete, partial]}
    result = run(api(**{place: responses[place]}))
    assert (row(result, check)[0], result.failure) == ("no", None)
    assert has_fact(row(result, check)[1], ", ".join(missing))
    assert FITS not in row(result, check)[1]
    others = {"list of incidents", "read of an incident", "comments"} - {check}
    assert {row(result, other)[0] for other in others} == {"ok"}


def test_empty_lists_are_not_compared_with_the_contract():
    result = run(api(incidents=[]), **NAMED)
    assert row(result, "list of incidents")[1] == "0 on the first page of the last 48 hours"
    assert row(result, "comments")[1] == "0 on this incident"


TOKENS = [{"workspaceId": WORKSPACE, "sourceTokens": {}}]


@pytest.mark.parametrize(
    "service, check, expected, facts",
    [
        (api({**PAGE, "workspacePageTokens": TOKENS}), "page tokens", ("ok", "CF-A16"), ["workspacePageTokens"]),
        (api({**PAGE, "workspacePageTokens": None}), "page tokens", ("unknown", "CF-A16"), ["workspacePageTokens"]),
        (api({"incidents": [LISTED]}), "page tokens", ("unknown", "CF-A16"), ["workspacePageTokens"]),
        (api(incidents=[LISTED]), "workspace in the list", ("ok", "CF-A17"), ["incidents name"]),
        (api(incidents=[LISTED, {"id": "1"}]), "workspace in the list", ("no", "CF-A17"), ["incidents do not name"]),
        (
            api(incidents=[LISTED, {**LISTED, "workspaceId": None}]),
            "workspace in the list",
            ("no", "CF-A17"),
            ["incidents do not name"],
        ),
        (api(data={"incident": RECORD}), "place of the record", ("ok", "CF-A2"), ["data.incident"]),
        (api(data=RECORD), "place of the record", ("ok", "CF-A2"), ["data itself"]),
        (api(data={**RECORD, "incident": None}), "place of the record", ("ok", "CF-A2"), ["data itself"]),
        (showing(status="Closed"), "spelling of the status", ("ok", None), ["'Closed'", "as documented"]),
        (showing(status="closed"), "spelling of the status", ("ok", "CF-A4"), ["'closed'", "Closed"]),
        (showing(status=1), "spelling of the status", ("ok", "CF-A4"), [1, "Active"]),
        (showing(), "classification", ("ok", "CF-A3"), ["incident shows"]),
        (showing(classification="absent"), "classification", ("no", "CF-A3"), ["incident does not show"]),
        (showing(), "assignee", ("ok", "CF-A15"), ["incident shows"]),
        (showing(user="absent", isAssigned=False), "assignee", ("ok", "CF-A15"), ["incident shows"]),
        (showing(user="absent"), "assignee", ("no", "CF-A15"), ["incident does not show"]),
    ],
)
def test_assumption_is_checked(service, check, expected, facts):
    result = run(service)
    found, finding, assumption = row(result, check)
    assert ((found, assumption), result.failure) == (expected, None)
    assert [fact for fact in facts if not has_fact(finding, fact)] == [], finding
    assert {shown for other, shown in rows(result) if other != check} <= {"ok", "no"}


@pytest.mark.parametrize("status, category", [("Resolved", "contract"), (7, "contract"), (None, None)])
def test_unknown_status_does_not_end_the_check(status, category):
    service = showing(status=status)
    result = run(service)
    assert dict(rows(result)).get("spelling of the status") == ("failed" if category else None)
    assert (result.failure and result.failure.category) == category
    assert (service.calls[-1], row(result, "ticket link")[0]) == (f"comments of {INCIDENT}", "ok")


@pytest.mark.parametrize(
    "shown, tickets, found, evidence, facts",
    [
        ("7", [], "ok", "incident", [7]),
        ("7", ["8"], "ok", "incident", [7]),
        (None, [], "unknown", "unknown", ["none", "an incident that has a ticket"]),
        (None, [None], "unknown", "unknown", ["none", "an incident that has a ticket"]),
        (None, ["8"], "unknown", "unknown", ["comment", 8, "unlinked"]),
        ("absent", [None, "8"], "no", "comments", ["only a comment", 8]),
        ("absent", [None], "no", "none", ["comments", "check again"]),
        ("absent", [], "unknown", "unknown", ["a ticket and a comment"]),
        ("absent", error("permission"), "unknown", "unknown", ["comments could not be read"]),
    ],
)
def test_evidence_of_a_link_is_found(shown, tickets, found, evidence, facts):
    service = showing(ticketId=shown)
    is_error = isinstance(tickets, ApiError)
    service.entries = tickets if is_error else [{"message": "", "ticketId": ticket} for ticket in tickets]
    result = run(service)
    result_shown, finding, assumption = row(result, "ticket link")
    assert (result_shown, assumption, result.values["link_evidence"]) == (found, "CF-A10", evidence)
    assert [fact for fact in facts if not has_fact(finding, fact)] == [], finding


# --- any service ----------------------------------------------------------------------------------------------------

failures = st.sampled_from([error(category) for category in CATEGORIES])
shown_records = st.fixed_dictionaries(
    {"status": st.sampled_from(["New", "closed", 1, 9, "Novel", None])},
    optional={"classification": st.none(), "user": st.none(), "ticketId": st.sampled_from([None, "7"])},
)


@given(
    failures | st.sampled_from([PAGE, {"incidents": []}, {"incidents": [{"id": "1"}]}]),
    failures | shown_records | st.builds(lambda record: {"incident": record}, shown_records),
    failures | st.sampled_from([[], [{"message": "", "ticketId": "7"}]]),
    st.sampled_from([{}, NAMED, {"access_token": "t0ken"}]),
)
def test_any_service_gets_a_report(listed, data, entries, options):
    service = api(listed, data=data, entries=entries)
    result = run(service, **options)
    checks = result.values["checks"]
    assert {row["assumption"] for row in checks} <= {None, *ASSUMPTIONS}
    assert {row["result"] for row in checks} <= {"ok", "failed", "no", "unknown"}
    assert all(list(row) == ["check", "result", "finding", "assumption"] and row["finding"] for row in checks)
    assert (result.failure is not None) is any(row["result"] == "failed" for row in checks)
    assert result.values["link_evidence"] in ("incident", "comments", "none", "unknown")
    assert len(set(service.calls)) == len(service.calls)
    if isinstance(listed, ApiError):
        assert result.failure.category == listed.category
        assert service.calls == ["page"] or listed.category not in FINAL


def test_last_result_of_a_check_is_reported():
    category = next(category for category, check in FINAL.items() if check == "address")
    result = run(api(data=ApiError("The service is down.", category)), **NAMED)
    (row,) = [row for row in result.values["checks"] if row["check"] == "address"]
    assert row["result"] == "failed"
    assert_message(row["finding"], "incident 99", "The service is down")
