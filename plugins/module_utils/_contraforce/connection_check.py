# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check a connection with read requests: report which requests work, and which assumptions hold in this tenant."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any, Callable, Mapping, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi, IncidentPage
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    ASSIGNEE_KEY,
    IS_ASSIGNED_KEY,
    LISTED_WORKSPACE_KEY,
    PAGE_TOKENS_KEY,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import (
    IDENTIFIERS,
    IncidentKey,
    incident_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_status import state_of
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import (
    COMMENTS,
    INCIDENT,
    LINKED,
    NONE,
    link_in_comments,
    link_in_incident,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.schemas import (
    COMMENT_FIELDS,
    LISTED_FIELDS,
    RECORD_FIELDS,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import NO, OK, UNKNOWN, Report
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error

Result = TypeVar("Result")


def check_connection(api: ContraForceApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Read a page of the list and one incident, and return a report of the findings.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: not used, because the module only reads.
    """
    del run
    report = Report()
    try:
        named = _parse_key(options)
    except ApiError as failure:
        report.fail("read of an incident", failure)
        return _result(report)
    listed = _check_list(api, report, bool(options.get("access_token")))
    keys = [named] if named else _keys_of(listed)
    evidence, key = UNKNOWN, None
    if keys and not report.is_final:
        evidence, key = _check_incident(api, report, keys)
    elif not report.is_final:
        report.add("read of an incident", UNKNOWN, f"no incident to read; identify one by {', '.join(IDENTIFIERS)}")
    return _result(report, evidence, key.incident_id if key and report.has_read else None, api.request_ids)


def refused_options(failure: ApiError) -> OperationResult:
    """Return the result of a check that sent no request because of invalid connection options.

    :param failure: the reason.
    """
    report = Report()
    report.fail("address", failure)
    return _result(report)


def _result(
    report: Report, evidence: str = UNKNOWN, incident_id: str | None = None, request_ids: Sequence[str] = ()
) -> OperationResult:
    values = {
        "checks": report.checks,
        "link_evidence": evidence,
        "incident_id": incident_id,
        "request_ids": list(request_ids),
    }
    return OperationResult(changed=False, values=values, failure=report.failure)


def _parse_key(options: Mapping[str, Any]) -> IncidentKey | None:
    given = {name: (options.get(name) or "").strip() for name in IDENTIFIERS}
    if not any(given.values()):
        return None
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise configuration_error(f"An incident is identified by {', '.join(IDENTIFIERS)}: add {', '.join(missing)}.")
    return incident_key(*given.values())


def _check_list(api: ContraForceApi, report: Report, with_token: bool) -> list[Mapping[str, Any]]:
    """Check the address, the credentials and the list, and return the incidents on its first page."""
    request = {
        "isFirstCall": True,
        "workspacePageTokens": [],
        "timeFilterSelection": {"type": "FourtyEightHours"},
    }
    found = Report()
    page = found.attempt("list of incidents", lambda: api.incidents_page(request))
    report.failure = found.failure
    # A missing permission or an invalid request proves that the credentials are accepted.
    category = found.failure.category if found.failure else None
    if category in (None, "permission", "validation"):
        report.add("address", OK, "the service answers")
        credentials = "the access token is accepted" if with_token else "the client id and secret are accepted"
        report.add("credentials", OK, credentials, "CF-A1" if with_token else None)
    report.checks += found.checks
    if page is None:
        return []
    incidents = list(page.incidents)
    _add_with_fields(
        report,
        "list of incidents",
        f"{len(incidents)} on the first page of the last 48 hours",
        LISTED_FIELDS,
        incidents,
    )
    _check_page(report, page, incidents)
    return incidents


def _check_page(report: Report, page: IncidentPage, incidents: list[Mapping[str, Any]]) -> None:
    if page.tokens is None:
        report.add("page tokens", UNKNOWN, f"the first page has no {PAGE_TOKENS_KEY}; it may be the only one", "CF-A16")
    else:
        report.add("page tokens", OK, f"they are in {PAGE_TOKENS_KEY}", "CF-A16")
    if incidents:
        shown = all(incident.get(LISTED_WORKSPACE_KEY) for incident in incidents)
        finding = f"listed incidents {'name' if shown else 'do not name'} their {LISTED_WORKSPACE_KEY}"
        report.add("workspace in the list", OK if shown else NO, finding, "CF-A17")


def _keys_of(incidents: Sequence[Mapping[str, Any]]) -> list[IncidentKey]:
    """Return the keys of the listed incidents whose entries contain a valid key."""
    keys = []
    for incident in incidents:
        with contextlib.suppress(ApiError):
            keys.append(
                incident_key(*(str(incident.get(name) or "") for name in (LISTED_WORKSPACE_KEY, "source", "id")))
            )
    return keys


def _check_incident(api: ContraForceApi, report: Report, keys: Sequence[IncidentKey]) -> tuple[str, IncidentKey]:
    """Check the read of one incident and its comments.

    :returns: the evidence of a link, and the incident that was read.
    """

    def read(key: IncidentKey) -> tuple[IncidentKey, dict[str, Any]]:
        return key, _read_named(key, api.incident_data)

    requests = {key.incident_id: partial(read, key) for key in keys}
    found, unread = report.attempt_any(
        "read of an incident", requests, lambda failure: failure.is_of_one_record, "workspace role"
    )
    if found is None:
        return UNKNOWN, keys[0]
    key, data = found
    report.has_read = True
    report.add("workspace role", OK, f"it allows reading workspace {key.workspace_id}")
    finding = f"{key.source} {key.incident_id}"
    _add_with_fields(report, "read of an incident", finding, RECORD_FIELDS, [record_of(data)], unread)
    _check_record(report, data)
    comments = report.attempt("comments", lambda: _read_named(key, api.comments))
    if comments is not None:
        _add_with_fields(report, "comments", f"{len(comments)} on this incident", COMMENT_FIELDS, comments)
    return _check_link(report, data, comments), key


def _read_named(key: IncidentKey, request: Callable[[IncidentKey], Result]) -> Result:
    """Send a request about an incident, and return its result; name the incident in a failure."""
    try:
        return request(key)
    except ApiError as failure:
        raise failure.with_message(f"The {key} could not be read. {failure}") from None


def _add_with_fields(
    report: Report,
    check: str,
    finding: str,
    fields: tuple[str, ...],
    entries: Sequence[Mapping[str, Any]],
    unread: Sequence[str] = (),
) -> None:
    """Add a finding about records, with the documented fields that are missing in them."""
    missing = [name for name in fields if any(name not in entry for entry in entries)]
    if missing:
        finding += f"; documented but missing: {', '.join(missing)}"
    elif entries:
        finding += "; fits the contract"
    if unread:
        finding += f"; could not be read: {', '.join(unread)}"
    report.add(check, NO if missing or unread else OK, finding)


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
        finding = f"{record['status']!r}, {'as documented' if plain else f'interpreted as {status}'}"
        report.add("spelling of the status", OK, finding, None if plain else "CF-A4")
    shown = ASSIGNEE_KEY in record or IS_ASSIGNED_KEY in record
    finding = f"the read of one incident {'shows' if shown else 'does not show'} it"
    report.add("assignee", OK if shown else NO, finding, "CF-A15")


def _check_link(report: Report, data: Mapping[str, Any], comments: list[dict[str, Any]] | None) -> str:
    """Return the evidence of a link. Only a ticket in a response proves that the service shows tickets."""
    shown, likely = link_in_incident(data), link_in_comments(comments or [])
    if shown and shown.status == LINKED:
        report.add("ticket link", OK, f"the read of one incident shows it: {shown.ticket}", "CF-A10")
        return INCIDENT
    if likely.evidence == COMMENTS and not shown:
        report.add("ticket link", NO, f"only a comment names it: {likely.ticket}", "CF-A10")
        return COMMENTS
    advice = "check again with an incident that has a ticket"
    if likely.evidence == COMMENTS:
        advice = f"a comment names {likely.ticket}, which may have been unlinked"
    elif not comments:
        advice = "its comments could not be read" if comments is None else f"{advice} and a comment"
    if shown or not comments:
        finding = "shows that it has none" if shown else "does not show it"
        report.add("ticket link", UNKNOWN, f"the read of one incident {finding}; {advice}", "CF-A10")
        return UNKNOWN
    report.add("ticket link", NO, f"neither the read of one incident nor its comments show it; {advice}", "CF-A10")
    return NONE
