# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check the connection to a ticketing system: what the checks of all systems share."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import NO, OK, Report
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import Ticket

#: The check that reads one ticket.
READ_CHECK = "read of a ticket"


def check_result(
    report: Report, account: Ticket | None, identifiers: Mapping[str, Any], request_ids: Sequence[str] = ()
) -> OperationResult:
    """Return the result of a check.

    :param report: the findings.
    :param account: the account of the credentials; None if it is not known.
    :param identifiers: the ids of the ticket that was read, by key of the result; None for each if none was read.
    :param request_ids: the ids of the requests.
    """
    values = {"checks": report.checks, "user": dict(account or {}), **identifiers, "request_ids": list(request_ids)}
    return OperationResult(changed=False, values=values, failure=report.failure)


def refused_options_result(failure: ApiError, identifiers: Sequence[str]) -> OperationResult:
    """Return the result of a check that sent no request because the connection options are invalid.

    :param failure: the error of the options.
    :param identifiers: the keys of the result with the ids of a ticket.
    """
    report = Report()
    report.fail("address", failure)
    return check_result(report, None, dict.fromkeys(identifiers))


def check_read(
    report: Report,
    requests: Mapping[str, Callable[[], Ticket]],
    describe: Callable[[Ticket], str],
    assumption: str,
) -> Ticket | None:
    """Read the first ticket that can be read, and return it; None if none can be read.

    :param report: the findings so far.
    :param requests: the reads, by the names of the tickets.
    :param describe: returns the finding for the ticket.
    :param assumption: the id of the assumption about the response.
    """
    record, unread = report.attempt_any(
        READ_CHECK, requests, lambda failure: failure.category == "permission" or failure.is_of_one_record
    )
    if record is None:
        return None
    finding = describe(record) + (f"; could not read {', '.join(unread)}" if unread else "")
    report.add(READ_CHECK, NO if unread else OK, finding, assumption)
    return record


def check_search(report: Report, is_found: Callable[[], bool], name: str, by: str, assumption: str) -> None:
    """Check that a search finds a known ticket; otherwise another run would create a duplicate.

    :param report: the findings so far.
    :param is_found: searches for the ticket, and returns whether it is found.
    :param name: the name of the ticket.
    :param by: what it is searched by.
    :param assumption: the id of the assumption about the search.
    """
    found = report.attempt("search", is_found)
    if found is not None:
        report.add("search", OK if found else NO, f"{'finds' if found else 'does not find'} {name} by {by}", assumption)
