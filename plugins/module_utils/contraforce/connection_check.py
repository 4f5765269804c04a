# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a connection by reading: what works, and which assumptions about the service hold in this tenant."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Protocol, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.checks import NO, OK, UNKNOWN, Report
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    ASSIGNEE_KEY,
    IS_ASSIGNED_KEY,
    LISTED_WORKSPACE_KEY,
    PAGE_TOKENS_KEY,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_info import IDENTIFIERS
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_status import state_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.links import (
    COMMENTS,
    INCIDENT,
    LINKED,
    NONE,
    link_in_comments,
    link_shown,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.schemas import (
    COMMENT_FIELDS,
    LISTED_FIELDS,
    RECORD_FIELDS,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error

Answer = TypeVar("Answer")


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        """The read of an incident."""

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident."""

    def incidents_page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the list."""


def check_connection(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Read a page of the list and one incident, and say what that shows.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: not used, as this only reads.
    :raises ApiError: category C(configuration).
    """
    del run
    named = _named(options)
    report = Report()
    listed = _check_list(api, report, bool(options.get("access_token")))
    key = named or _key_of(listed)
    evidence = UNKNOWN
    if key and not report.is_final:
        evidence = _check_incident(api, report, key)
    elif not report.is_final:
        report.add("read of an incident", UNKNOWN, f"there is none to read; name one in {', '.join(IDENTIFIERS)}")
    values = {
        "checks": report.checks,
        "link_evidence": evidence,
        "incident_id": key.incident_id if key and report.has_read else None,
        "request_ids": api.request_ids,
    }
    return Result(changed=False, values=values, failure=report.failure)


def _named(options: Mapping[str, Any]) -> IncidentKey | None:
    given = {name: (options.get(name) or "").strip() for name in IDENTIFIERS}
    if not any(given.values()):
        return None
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise configuration_error(f"An incident is named by {', '.join(IDENTIFIERS)}: add {', '.join(missing)}.")
    return incident_key(*given.values())


def _check_list(api: Api, report: Report, with_token: bool) -> list[dict[str, Any]]:
    """The list tells of the address, the credentials and the list itself; give the incidents of its first page."""
    request = {
        "isFirstCall": True,
        "workspacePageTokens": [],
        "timeFilterSelection": {"type": "FourtyEightHours"},
    }
    found = Report()
    page = found.attempt("list of incidents", lambda: api.incidents_page(request))
    report.failure = found.failure
    # An account that lacks a permission, or whose request is refused, is known all the same.
    category = found.failure.category if found.failure else None
    if category in (None, "permission", "validation"):
        report.add("address", OK, "the service answers")
        credentials = "the access token is accepted" if with_token else "the client id and secret are accepted"
        report.add("credentials", OK, credentials, "CF-A1" if with_token else None)
    report.checks += found.checks
    if page is None:
        return []
    incidents = list(page["incidents"])
    _add_with_fields(
        report,
        "list of incidents",
        f"{len(incidents)} on the first page of the last 48 hours",
        LISTED_FIELDS,
        incidents,
    )
    _check_page(report, page, incidents)
    return incidents


def _check_page(report: Report, page: Mapping[str, Any], incidents: list[dict[str, Any]]) -> None:
    if page.get(PAGE_TOKENS_KEY) is None:
        report.add("page tokens", UNKNOWN, f"the first page has no {PAGE_TOKENS_KEY}; it may be the only one", "CF-A16")
    else:
        report.add("page tokens", OK, f"they stand in {PAGE_TOKENS_KEY}", "CF-A16")
    if incidents:
        shown = all(incident.get(LISTED_WORKSPACE_KEY) for incident in incidents)
        finding = f"listed incidents {'name' if shown else 'do not name'} their {LISTED_WORKSPACE_KEY}"
        report.add("workspace in the list", OK if shown else NO, finding, "CF-A17")


def _key_of(incidents: list[dict[str, Any]]) -> IncidentKey | None:
    """The first listed incident that can be read."""
    for incident in incidents:
        try:
            return incident_key(*(str(incident.get(name) or "") for name in (LISTED_WORKSPACE_KEY, "source", "id")))
        except ApiError:
            continue
    return None


def _check_incident(api: Api, report: Report, key: IncidentKey) -> str:
    """The read of one incident and its comments; give the evidence of a link that they offer."""
    data = report.attempt("read of an incident", lambda: _told(key, api.incident_data), "workspace role")
    if data is None:
        return UNKNOWN
    report.has_read = True
    report.add("workspace role", OK, f"it allows to read workspace {key.workspace_id}")
    _add_with_fields(report, "read of an incident", f"{key.source} {key.incident_id}", RECORD_FIELDS, [record_of(data)])
    _check_record(report, data)
    comments = report.attempt("comments", lambda: _told(key, api.comments))
    if comments is not None:
        _add_with_fields(report, "comments", f"{len(comments)} on this incident", COMMENT_FIELDS, comments)
    return _check_link(report, data, comments)


def _told(key: IncidentKey, request: Callable[[IncidentKey], Answer]) -> Answer:
    """Send a request about an incident, whose failure names it."""
    try:
        return request(key)
    except ApiError as failure:
        raise failure.retold(f"The {key} could not be read. {failure}") from None


def _add_with_fields(
    report: Report, check: str, finding: str, fields: tuple[str, ...], entries: Sequence[Mapping[str, Any]]
) -> None:
    """Add a row for what could be read; a documented field that is not there is a departure that hurts nothing."""
    missing = [name for name in fields if any(name not in entry for entry in entries)]
    if missing:
        report.add(check, NO, f"{finding}; documented, but not there: {', '.join(missing)}")
    else:
        report.add(check, OK, f"{finding}; fits the contract" if entries else finding)


def _check_record(report: Report, data: Mapping[str, Any]) -> None:
    record = record_of(data)
    nested = isinstance(data.get("incident"), Mapping)
    report.add("place of the record", OK, "data.incident" if nested else "data itself", "CF-A2")
    shown = "classification" in record
    finding = f"the read of one incident {'shows' if shown else 'does not show'} it"
    report.add("classification", OK if shown else NO, finding, "CF-A3")
    status = report.attempt("spelling of the status", lambda: state_of(record)["status"])
    if status:
        plain = record["status"] == status
        finding = f"{record['status']!r}, {'as documented' if plain else f'taken for {status}'}"
        report.add("spelling of the status", OK, finding, None if plain else "CF-A4")
    shown = ASSIGNEE_KEY in record or IS_ASSIGNED_KEY in record
    finding = f"the read of one incident {'shows' if shown else 'does not show'} it"
    report.add("assignee", OK if shown else NO, finding, "CF-A15")


def _check_link(report: Report, data: Mapping[str, Any], comments: list[dict[str, Any]] | None) -> str:
    """Which evidence of a link to a ticket there is. Only a ticket that is shown proves that tickets are shown."""
    shown, likely = link_shown(data), link_in_comments(comments or [])
    if shown and shown.status == LINKED:
        report.add("ticket link", OK, f"the read of one incident shows it: {shown.ticket}", "CF-A10")
        return INCIDENT
    if likely.evidence == COMMENTS and not shown:
        report.add("ticket link", NO, f"only a comment names it: {likely.ticket}", "CF-A10")
        return COMMENTS
    again = "check again with an incident that has a ticket"
    if likely.evidence == COMMENTS:
        again = f"a comment speaks of {likely.ticket}: was it unlinked?"
    elif not comments:
        again = "and no comment could be looked at" if comments is None else f"{again} and a comment"
    if shown or not comments:
        what = "none" if shown else "nothing of it"
        report.add("ticket link", UNKNOWN, f"the read of one incident shows {what}; {again}", "CF-A10")
        return UNKNOWN
    report.add("ticket link", NO, f"neither the read of one incident nor its comments show any; {again}", "CF-A10")
    return NONE
