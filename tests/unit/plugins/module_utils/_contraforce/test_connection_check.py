# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a connection: which finding is told of which check, and what is not tried any more."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import IncidentPage
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection_check import check_connection
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import FINAL
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_request
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
OTHER = "7a1b2c3d-0000-4e59-9b60-1a2c3d4e5f60"
NAMED = {"workspace_id": OTHER, "source": "splunk", "incident_id": "99"}
LISTED = {
    **dict.fromkeys(schemas.LISTED_FIELDS),
    "workspaceId": WORKSPACE,
    "source": "Sentinel",
    "id": INCIDENT,
}
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
OK_TO_THE_END = [
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


@dataclass
class Service:
    """What can only be read; each answer may be an error."""

    page: Any = field(default_factory=lambda: PAGE)
    data: Any = field(default_factory=lambda: {"source": "Sentinel", "incident": RECORD})
    entries: Any = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=lambda: ["r1"])

    def incidents_page(self, body: Mapping[str, Any]) -> IncidentPage:
        validate_request(schemas.LIST_REQUEST, body)
        self.asked.append("list")
        self.bodies.append(dict(body))
        given = _given(self.page)
        return IncidentPage(given["incidents"], given.get("workspacePageTokens"))

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        self.asked.append(f"incident {key.source} {key.incident_id} of {key.workspace_id}")
        return _given(self.data)

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        self.asked.append(f"comments of {key.incident_id}")
        return _given(self.entries)


def _given(answer: Any) -> Any:
    if isinstance(answer, ApiError):
        raise answer
    return copy.deepcopy(answer)


def error(category: str) -> ApiError:
    return ApiError(f"It failed: {category}.", category, code="CODE", http_status=418)


def showing(**changes: Any) -> Service:
    """A service whose incident shows something else; None for what is left out."""
    record = {**RECORD, **changes}
    return Service(data={"incident": {name: value for name, value in record.items() if value != "absent"}})


def run(service: Service, check_mode: bool = False, **options: Any) -> OperationResult:
    result = check_connection(service, options, RunOptions(check_mode, clock=FakeClock()))
    assert (result.changed, result.warnings) == (False, [])
    return result


def rows(result: OperationResult) -> list[tuple[str, str]]:
    return [(row["check"], row["result"]) for row in result.values["checks"]]


def row(result: OperationResult, check: str) -> dict[str, Any]:
    (found,) = [row for row in result.values["checks"] if row["check"] == check]
    return found


# --- all is well ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_everything_is_fine(check_mode):
    service = Service(entries=[COMMENT, {**COMMENT, "message": None}])
    result = run(service, check_mode)
    assert rows(result) == [(check, "ok") for check in OK_TO_THE_END]
    assert result.failure is None
    assert (result.values["link_evidence"], result.values["incident_id"]) == ("incident", INCIDENT)
    assert result.values["request_ids"] == ["r1"]
    assert service.asked == ["list", f"incident Sentinel {INCIDENT} of {WORKSPACE}", f"comments of {INCIDENT}"]
    assert {
        check: row(result, check)["finding"] for check in ("list of incidents", "read of an incident", "comments")
    } == {
        "list of incidents": "1 on the first page of the last 48 hours; fits the contract",
        "read of an incident": f"Sentinel {INCIDENT}; fits the contract",
        "comments": "2 on this incident; fits the contract",
    }


def test_the_list_is_asked_for_its_first_page_of_two_days():
    service = Service()
    run(service)
    assert service.bodies == [
        {
            "isFirstCall": True,
            "workspacePageTokens": [],
            "timeFilterSelection": {"type": "FourtyEightHours"},
        }
    ]


def test_an_incident_that_is_named_is_read_instead_of_a_listed_one():
    service = Service()
    result = run(service, **NAMED)
    assert service.asked == ["list", f"incident Splunk 99 of {OTHER}", "comments of 99"]
    assert result.values["incident_id"] == "99"
    assert OTHER in row(result, "workspace role")["finding"]


@pytest.mark.parametrize(
    "options, kind, assumption",
    [
        ({}, "client id and secret", None),
        ({"access_token": None}, "client id and secret", None),
        ({"access_token": "t0ken"}, "access token", "CF-A1"),
    ],
)
def test_credentials(options, kind, assumption):
    found = row(run(Service(), **options), "credentials")
    assert (found["result"], found["assumption"]) == ("ok", assumption)
    assert has_fact(found["finding"], kind)


@pytest.mark.parametrize(
    "given", [["incident_id"], ["workspace_id"], ["source", "incident_id"], ["workspace_id", "source"]]
)
@pytest.mark.parametrize("absent", [None, "", " "])
def test_an_incident_that_is_named_in_part_is_refused(given, absent):
    service = Service()
    refused = run(service, **{name: value if name in given else absent for name, value in NAMED.items()})
    assert (refused.failure.category, service.asked) == ("configuration", [])
    assert_message(refused.failure.message, f"add {', '.join(name for name in NAMED if name not in given)}")
    assert [(row["check"], row["result"]) for row in refused.values["checks"]] == [("read of an incident", "failed")]


@pytest.mark.parametrize("changes", [{"workspace_id": "northwind"}, {"source": "Outlook"}, {"incident_id": ".."}])
def test_an_incident_that_is_named_badly_is_refused(changes):
    service = Service()
    refused = run(service, **{**NAMED, **changes})
    assert (refused.failure.category, service.asked) == ("configuration", [])


UNREADABLE = ApiError("It failed.", "unavailable", http_status=500)


@pytest.mark.parametrize("fault", [UNREADABLE, error("contract"), error("not_found")], ids=str)
def test_listed_incident_that_cannot_be_read_stops_nothing(fault):
    service = Service(page={**PAGE, "incidents": [{**LISTED, "id": OTHER}, LISTED]})
    readable = service.incident_data

    def incident_data(key: IncidentKey) -> dict[str, Any]:
        data = readable(key)
        if key.incident_id == OTHER:
            raise fault
        return data

    service.incident_data = incident_data
    result = run(service)
    assert (result.failure, result.values["incident_id"]) == (None, INCIDENT)
    found = row(result, "read of an incident")
    assert (found["result"], found["finding"]) == (
        "no",
        f"Sentinel {INCIDENT}; fits the contract; could not be read: {OTHER}",
    )


def test_role_that_is_missing_is_a_failure_whatever_else_can_be_read():
    service = Service(page={**PAGE, "incidents": [{**LISTED, "id": OTHER}, LISTED]}, data=error("permission"))
    result = run(service)
    assert row(result, "workspace role")["result"] == "failed"
    assert len(service.asked) == 2


@pytest.mark.parametrize("absent", [None, "", " "])
def test_empty_identifiers_name_no_incident(absent):
    assert run(Service(), **dict.fromkeys(NAMED, absent)).values["incident_id"] == INCIDENT


@pytest.mark.parametrize(
    "place, check, complete, fields",
    [
        ("page", "list of incidents", LISTED, schemas.LISTED_FIELDS),
        ("data", "read of an incident", RECORD, schemas.RECORD_FIELDS),
        ("entries", "comments", COMMENT, schemas.COMMENT_FIELDS),
    ],
)
def test_documented_fields_that_are_not_there_are_named_and_hurt_nothing(place, check, complete, fields):
    missing = [name for name in fields if name not in ("id", "source", "status", "message")][:2]
    partial = {name: value for name, value in complete.items() if name not in missing}
    answers = {"page": {**PAGE, "incidents": [complete, partial]}, "data": partial, "entries": [complete, partial]}
    result = run(Service(**{place: answers[place]}))
    found = row(result, check)
    assert (found["result"], result.failure) == ("no", None)
    assert has_fact(found["finding"], f"not there: {', '.join(missing)}")
    others = {"list of incidents", "read of an incident", "comments"} - {check}
    assert {row(result, other)["result"] for other in others} == {"ok"}


def test_of_nothing_it_is_not_said_that_it_fits_the_contract():
    result = run(Service(page={**PAGE, "incidents": []}), **NAMED)
    assert row(result, "list of incidents")["finding"] == "0 on the first page of the last 48 hours"
    assert row(result, "comments")["finding"] == "0 on this incident"


# --- the list fails -------------------------------------------------------------------------------------------------


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
def test_a_failure_that_is_final_ends_the_check(category, failed, options):
    service = Service(page=error(category))
    result = run(service, **options)
    assert rows(result) == [(failed, "failed")]
    assert result.values["checks"][0]["finding"] == f"It failed: {category}."
    assert (result.failure.category, result.failure.http_status) == (category, 418)
    assert service.asked == ["list"]
    assert result.values["link_evidence"] == "unknown"


@pytest.mark.parametrize("category", ["permission", "validation"])
def test_a_list_that_is_refused_tells_that_the_account_is_known(category):
    service = Service(page=error(category))
    result = run(service, access_token="t0ken")
    assert rows(result) == [
        ("address", "ok"),
        ("credentials", "ok"),
        ("list of incidents", "failed"),
        ("read of an incident", "unknown"),
    ]
    assert row(result, "credentials")["assumption"] == "CF-A1"
    assert (result.failure.category, service.asked) == (category, ["list"])
    assert (result.values["link_evidence"], result.values["incident_id"]) == ("unknown", None)


@pytest.mark.parametrize("category", ["not_found", "contract", "conflict"])
def test_a_list_that_fails_otherwise_tells_nothing_of_the_account(category):
    result = run(Service(page=error(category)))
    assert rows(result) == [("list of incidents", "failed"), ("read of an incident", "unknown")]
    assert result.failure.category == category


@pytest.mark.parametrize("category", ["permission", "validation", "not_found", "contract"])
def test_a_named_incident_is_read_although_the_list_fails(category):
    service = Service(page=error(category))
    result = run(service, **NAMED)
    assert service.asked == ["list", f"incident Splunk 99 of {OTHER}", "comments of 99"]
    assert row(result, "list of incidents")["result"] == "failed"
    assert row(result, "workspace role")["result"] == "ok"
    assert result.values["link_evidence"] == "incident"
    assert result.failure.category == category


@pytest.mark.parametrize("category", sorted(set(CATEGORIES)))
def test_every_failure_of_the_list_fails_the_task(category):
    result = run(Service(page=error(category)))
    assert result.failure.category == category
    assert "failed" in dict(rows(result)).values()


# --- the page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page, found",
    [
        ({"workspacePageTokens": []}, "ok"),
        ({"workspacePageTokens": [{"workspaceId": WORKSPACE, "sourceTokens": {}}]}, "ok"),
        ({"workspacePageTokens": None}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_page_tokens(page, found):
    result = run(Service(page={"incidents": [LISTED], **page}))
    assert (row(result, "page tokens")["result"], row(result, "page tokens")["assumption"]) == (found, "CF-A16")
    assert result.failure is None


@pytest.mark.parametrize(
    "incidents, found, words",
    [
        ([LISTED], "ok", "name their workspaceId"),
        ([LISTED, {"id": "1"}], "no", "do not name their workspaceId"),
        ([{**LISTED, "workspaceId": None}], "no", "do not name their workspaceId"),
    ],
)
def test_workspace_in_the_list(incidents, found, words):
    finding = row(run(Service(page={**PAGE, "incidents": incidents})), "workspace in the list")
    assert (finding["result"], finding["assumption"]) == (found, "CF-A17")
    assert words in finding["finding"]


@pytest.mark.parametrize(
    "incidents",
    [
        [],
        [{"id": INCIDENT, "source": "Sentinel"}],
        [{**LISTED, "source": "Outlook"}],
        [{**LISTED, "source": None}],
        [{**LISTED, "id": None}],
    ],
)
def test_no_incident_to_read(incidents):
    service = Service(page={**PAGE, "incidents": incidents})
    result = run(service)
    found = row(result, "read of an incident")
    assert (found["result"], found["assumption"], result.failure) == ("unknown", None, None)
    assert "name one in workspace_id, source, incident_id" in found["finding"]
    assert (result.values["link_evidence"], result.values["incident_id"]) == ("unknown", None)
    assert service.asked == ["list"]


def test_of_a_list_without_incidents_nothing_is_said_of_their_workspaces():
    result = run(Service(page={**PAGE, "incidents": []}))
    assert "workspace in the list" not in dict(rows(result))


def test_the_first_listed_incident_that_can_be_addressed_is_read():
    incidents = [{"id": "1"}, {**LISTED, "source": "Outlook"}, {**LISTED, "source": "splunk", "id": 7}, LISTED]
    service = Service(page={**PAGE, "incidents": incidents})
    assert run(service).values["incident_id"] == "7"
    assert service.asked[1] == f"incident Splunk 7 of {WORKSPACE}"


# --- the incident ---------------------------------------------------------------------------------------------------


def test_a_lack_of_permission_on_the_incident_is_the_workspace_role():
    service = Service(data=error("permission"))
    result = run(service)
    assert rows(result)[-1] == ("workspace role", "failed")
    assert (result.failure.category, result.failure.code) == ("permission", "CODE")
    assert service.asked[-1].startswith("incident")
    assert result.values["link_evidence"] == "unknown"


@pytest.mark.parametrize(
    "category, failed",
    [
        ("not_found", "read of an incident"),
        ("contract", "read of an incident"),
        ("unavailable", "address"),
        ("authentication", "credentials"),
    ],
)
def test_an_incident_that_cannot_be_read(category, failed):
    service = Service(data=error(category))
    result = run(service)
    assert rows(result)[-1] == (failed, "failed")
    assert "workspace role" not in dict(rows(result))
    assert (result.failure.category, len(service.asked)) == (category, 2)


@pytest.mark.parametrize("category", ["permission", "not_found", "contract"])
def test_comments_that_cannot_be_read(category):
    result = run(Service(entries=error(category)))
    found = row(result, "comments")
    assert (found["result"], found["finding"]) == (
        "failed",
        f"The incident {INCIDENT} (Sentinel, workspace {WORKSPACE}) could not be read. It failed: {category}.",
    )
    assert row(result, "workspace role")["result"] == "ok"
    assert (result.failure.category, result.values["link_evidence"]) == (category, "incident")


def test_the_first_failure_is_the_one_that_the_task_fails_with():
    result = run(Service(page=error("validation"), entries=error("permission")), **NAMED)
    assert result.failure.category == "validation"
    assert [check for check, found in rows(result) if found == "failed"] == ["list of incidents", "comments"]


@pytest.mark.parametrize(
    "data, words",
    [
        ({"incident": RECORD}, "data.incident"),
        (RECORD, "data itself"),
        ({**RECORD, "incident": None}, "data itself"),
    ],
)
def test_place_of_the_record(data, words):
    result = run(Service(data=data))
    assert (row(result, "place of the record")["finding"], result.failure) == (words, None)
    assert row(result, "place of the record")["assumption"] == "CF-A2"
    assert [found for _check, found in rows(result)] == ["ok"] * len(OK_TO_THE_END)


@pytest.mark.parametrize(
    "status, finding, assumption",
    [
        ("Closed", "'Closed', as documented", None),
        ("closed", "'closed', taken for Closed", "CF-A4"),
        ("NEW", "'NEW', taken for New", "CF-A4"),
        (1, "1, taken for Active", "CF-A4"),
    ],
)
def test_spelling_of_the_status(status, finding, assumption):
    found = row(run(showing(status=status)), "spelling of the status")
    assert (found["result"], found["finding"], found["assumption"]) == ("ok", finding, assumption)


@pytest.mark.parametrize("status", ["Resolved", 7])
def test_a_status_that_is_not_known(status):
    service = showing(status=status)
    result = run(service)
    assert row(result, "spelling of the status")["result"] == "failed"
    assert result.failure.category == "contract"
    assert service.asked[-1] == f"comments of {INCIDENT}"
    assert row(result, "ticket link")["result"] == "ok"


def test_a_status_that_is_not_set_is_spelled_in_no_way():
    result = run(showing(status=None))
    assert "spelling of the status" not in dict(rows(result))
    assert result.failure is None


@pytest.mark.parametrize("shown, found", [(None, "ok"), ("FalsePositive", "ok"), ("absent", "no")])
def test_classification(shown, found):
    finding = row(run(showing(classification=shown)), "classification")
    assert (finding["result"], finding["assumption"]) == (found, "CF-A3")
    assert ("does not show" in finding["finding"]) is (found == "no")


@pytest.mark.parametrize(
    "shown, found",
    [
        ({"user": None}, "ok"),
        ({"user": "absent", "isAssigned": False}, "ok"),
        ({"user": "absent"}, "no"),
    ],
)
def test_assignee(shown, found):
    finding = row(run(showing(**shown)), "assignee")
    assert (finding["result"], finding["assumption"]) == (found, "CF-A15")
    assert ("does not show" in finding["finding"]) is (found == "no")


@pytest.mark.parametrize(
    "shown, entries, found, evidence",
    [
        ("7", [], "ok", "incident"),
        ("7", [{"message": "", "ticketId": "8"}], "ok", "incident"),
        (None, [], "unknown", "unknown"),
        (None, [{"message": "", "ticketId": None}], "unknown", "unknown"),
        (None, [{"message": "", "ticketId": "7"}], "unknown", "unknown"),
        ("absent", [{"message": ""}, {"message": "", "ticketId": "7"}], "no", "comments"),
        ("absent", [{"message": "", "ticketId": None}], "no", "none"),
        ("absent", [], "unknown", "unknown"),
    ],
)
def test_evidence_of_a_ticket(shown, entries, found, evidence):
    service = showing(ticketId=shown)
    service.entries = entries
    result = run(service)
    assert (row(result, "ticket link")["result"], row(result, "ticket link")["assumption"]) == (found, "CF-A10")
    assert (result.values["link_evidence"], result.failure) == (evidence, None)


@pytest.mark.parametrize(
    "shown, ticket_id, facts",
    [
        ("7", "8", ["read of one incident", 7]),
        (None, "8", ["comment", 8, "unlinked"]),
        (None, None, ["read of one incident", "none", "an incident that has a ticket"]),
        ("absent", "8", ["only a comment", 8]),
        ("absent", None, ["read of one incident", "comments", "check again"]),
    ],
)
def test_the_ticket_that_is_evidence_is_named(shown, ticket_id, facts):
    service = showing(ticketId=shown)
    service.entries = [{"message": "", "ticketId": ticket_id}]
    finding = row(run(service), "ticket link")["finding"]
    assert [fact for fact in facts if not has_fact(finding, fact)] == [], finding


# --- whatever the service -------------------------------------------------------------------------------------------

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
def test_every_service_gets_a_report(listed, data, entries, options):
    service = Service(listed, data, entries)
    result = run(service, **options)
    checks = result.values["checks"]
    assert checks
    assert {row["assumption"] for row in checks} <= {None, *ASSUMPTIONS}
    assert {row["result"] for row in checks} <= {"ok", "failed", "no", "unknown"}
    assert all(list(row) == ["check", "result", "finding", "assumption"] and row["finding"] for row in checks)
    assert (result.failure is not None) is any(row["result"] == "failed" for row in checks)
    assert result.values["link_evidence"] in ("incident", "comments", "none", "unknown")
    assert len(set(service.asked)) == len(service.asked)
    if isinstance(listed, ApiError) and listed.category in FINAL:
        assert service.asked == ["list"]


def test_comments_that_could_not_be_read_are_not_taken_for_none():
    result = run(Service(data={"incident": {"id": INCIDENT, "status": "New"}}, entries=error("permission")))
    assert row(result, "ticket link")["result"] == "unknown"
    assert "no comment could be looked at" in row(result, "ticket link")["finding"]
    assert result.values["link_evidence"] == "unknown"


def test_an_incident_that_was_not_read_is_not_named():
    assert run(Service(data=error("not_found"))).values["incident_id"] is None
    assert run(Service()).values["incident_id"] == INCIDENT


def test_an_incident_without_comments_says_nothing_of_what_comments_show():
    finding = row(run(showing(ticketId="absent")), "ticket link")["finding"]
    assert has_fact(finding, "a ticket and a comment")
