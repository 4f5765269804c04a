# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutations of the code, which prove that the campaign finds bugs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, ContextManager, Iterator, Mapping
from unittest.mock import patch

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import incident_comment, incident_status
from ansible_collections.secops.itsm.plugins.module_utils._engine import reconcile
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import error_mapping, retry_policy
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_list, ticket_search
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import Journal
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import Listing
from ansible_collections.secops.itsm.tests.campaign.catalog import NOTES


def _without_verification() -> ContextManager[Any]:
    """Assume that each accepted write took effect."""
    return patch.object(reconcile, "_verify", lambda operation, _run: operation.read())


def _with_blind_retry() -> ContextManager[Any]:
    """Retry an interrupted write as if it were a read."""
    real = retry_policy.decide_retry
    return patch.object(error_mapping, "decide_retry", lambda _is_write, *facts, **more: real(False, *facts, **more))


def _with_failed_search_ignored() -> ContextManager[Any]:
    """Treat a ticket list that cannot be read as complete."""
    real = ticket_list.list_tickets

    def list_tickets(api: Any, request: Mapping[str, Any]) -> Iterator[Any]:
        try:
            yield from real(api, request)
        except ApiError:
            return

    return patch.object(ticket_search, "list_tickets", list_tickets)


def _with_status_not_read() -> ContextManager[Any]:
    """Report ok without reading the incident."""

    def read(operation: Any) -> Mapping[str, Any]:
        return {"status": operation._wanted.status}

    return patch.object(incident_status.SetIncidentStatus, "read", read)


def _with_comment_not_looked_for() -> ContextManager[Any]:
    """Do not compare existing comments with the text and the marker."""
    return patch.object(incident_comment, "matching_comments", lambda _comments, _wanted: [])


@contextmanager
def _with_stale_field_sent() -> Iterator[None]:
    """Also update a field that is not an option of the task, with its first value and the latest etag."""
    first: dict[str, Mapping[str, Any]] = {}
    ticket, update_ticket = RezolveApi.ticket, RezolveApi.update_ticket

    def remember(api: RezolveApi, object_id: str) -> Mapping[str, Any]:
        record = ticket(api, object_id)
        first.setdefault(record["object_id"].lower(), record)
        return record

    def send_stale(api: RezolveApi, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        kept = {NOTES: first[object_id.lower()]["data"].get(NOTES)}
        return update_ticket(api, object_id, ticket(api, object_id)["etag"], {**kept, **changes})

    with patch.object(RezolveApi, "ticket", remember), patch.object(RezolveApi, "update_ticket", send_stale):
        yield


def _with_writes_in_check_mode() -> ContextManager[Any]:
    """Let check mode send writes."""
    real = reconcile.reconcile

    def reconcile_for_real(operation: Any, run: reconcile.RunOptions) -> Any:
        return real(operation, reconcile.RunOptions(False, run.verify_timeout, run.clock))

    write = Client.write

    def send(client: Client, *arguments: Any, **options: Any) -> Any:
        client._read_only = False
        return write(client, *arguments, **options)

    @contextmanager
    def both() -> Iterator[None]:
        with patch.object(incident_comment, "reconcile", reconcile_for_real), patch.object(Client, "write", send):
            yield

    return both()


def _with_note_not_looked_for() -> ContextManager[Any]:
    """Do not recognize a journal text that was posted before."""
    return patch.object(Journal, "has", lambda _journal, _column, _text: False)


def _with_hidden_rows_ignored() -> ContextManager[Any]:
    """Ignore that an access rule hides rows of a list."""
    return patch.object(Listing, "hidden", property(lambda _listing: 0))


#: By name.
MUTATIONS: Mapping[str, Callable[[], ContextManager[Any]]] = {
    "no_verification": _without_verification,
    "blind_retry": _with_blind_retry,
    "failed_search_ignored": _with_failed_search_ignored,
    "status_not_read": _with_status_not_read,
    "comment_not_looked_for": _with_comment_not_looked_for,
    "stale_field_sent": _with_stale_field_sent,
    "writes_in_check_mode": _with_writes_in_check_mode,
    "note_not_looked_for": _with_note_not_looked_for,
    "hidden_rows_ignored": _with_hidden_rows_ignored,
}
