# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assert whole messages of failures; all other tests assert only the facts of messages."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import contraforce_connection
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import incident_key
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    BulkItem,
    parse_items,
    resolve_duplicates,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Counts, summarize
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    RunOptions,
    check_verify_timeout,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import error_mapping
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt, Route
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile, OptionNames
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_response
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import ticketing_connection
from ansible_collections.secops.itsm.tests.unit.shelf import Shelf

TENANT = "820188ff-2036-4924-b80f-d11610735d86"
WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
ADDRESS = "https://itsm.example"
ROUTE = Route(f"ContraForce at {ADDRESS}", "itsm.example:443", ca_variable="SSL_CERT_FILE", ca_file="/no/such/ca.pem")
TICKETING = {"url": ADDRESS, "tenant_id": TENANT, "realm": "northwind"}

BROKEN = ApiError("It broke off.", "unavailable", ambiguous=True)
REFUSED = ApiError("It was refused.", "permission", http_status=403)


# --- sources of messages --------------------------------------------------------------------------------------------


def raised(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the message of the ApiError that a function raises."""
    with pytest.raises(ApiError) as caught:
        function(*arguments, **options)
    return caught.value.message


def attempt(failure: FailedAttempt, attempts: int = 1, prefix: str = "CONTRAFORCE") -> str:
    """Return the message of a request whose last attempt failed."""
    return failure.with_option_names(OptionNames(prefix, address=ADDRESS)).to_api_error("GET", "/x", attempts).message


def response(
    http_status: int,
    details: ErrorBody | None = None,
    content: str | None = None,
    retry_after: float | None = None,
    profile: ErrorProfile = CONTRAFORCE,
) -> FailedAttempt:
    """Return the failure of an attempt with a response."""
    details = details or ErrorBody()
    return error_mapping.from_response(profile, http_status, details, content, retry_after, False, str, None)


def reconciled(shelf: Shelf) -> str:
    """Return the message of a run that fails."""
    return raised(reconcile, shelf, RunOptions(clock=shelf.clock))


def summary(*failures: str, changed: int = 0, duplicates: int = 0) -> str:
    """Return the message of a list with failures."""
    errors = [ApiError(text, "validation") for text in failures]
    counts = Counts(changed + len(errors), changed, failed=len(errors), duplicates=duplicates)
    return str(summarize(counts, [], errors, False).failure)


def item_failure(items: Sequence[BulkItem]) -> str:
    """Return the message of the last item of a list."""
    return str(resolve_duplicates(items)[0][-1].failure)


def parsed(entry: Mapping[str, Any]) -> list[BulkItem]:
    return parse_items([entry], ("name", "place"), dict, str)


# --- the messages ---------------------------------------------------------------------------------------------------

MESSAGES: Mapping[str, tuple[Callable[[], str], str]] = {
    "no credentials": (
        lambda: raised(contraforce_connection, {}),
        (
            "No credentials are set: set client_id (CONTRAFORCE_CLIENT_ID) and client_secret "
            "(CONTRAFORCE_CLIENT_SECRET), or access_token (CONTRAFORCE_ACCESS_TOKEN). A runbook also accepts them "
            "as variables, such as contraforce_client_id."
        ),
    ),
    "half of the credentials": (
        lambda: raised(contraforce_connection, {"client_id": "id"}),
        "client_secret (CONTRAFORCE_CLIENT_SECRET) is missing: set client_id and client_secret together.",
    ),
    "an address without TLS": (
        lambda: raised(contraforce_connection, {"access_token": "x", "url": "http://itsm.example"}),
        (
            "url (CONTRAFORCE_URL) starts with http://, which would send the credentials unencrypted. Use "
            "https://, or set allow_http (CONTRAFORCE_ALLOW_HTTP)."
        ),
    ),
    "a missing option": (
        lambda: raised(ticketing_connection, {**TICKETING, "access_token": "x", "realm": ""}),
        (
            "realm (TICKETING_REALM) is missing. In a runbook, set the variable ticketing_realm or the environment "
            "variable."
        ),
    ),
    "a tenant that is not a UUID": (
        lambda: raised(ticketing_connection, {**TICKETING, "access_token": "x", "tenant_id": "northwind"}),
        "tenant_id (TICKETING_TENANT_ID) must be the UUID of the tenant with hyphens, not 'northwind'.",
    ),
    "two kinds of credentials": (
        lambda: raised(ticketing_connection, {**TICKETING, "access_token": "x", "api_key": "y"}),
        (
            "More than one authentication method is configured (access_token, api_key). Set only one of access_token "
            "(TICKETING_ACCESS_TOKEN), client_id (TICKETING_CLIENT_ID) and api_key (TICKETING_API_KEY)."
        ),
    ),
    "a workspace that is not a UUID": (
        lambda: raised(incident_key, "northwind", "Sentinel", "7"),
        "workspace_id must be a UUID such as 5f0c8f9e-1111-4222-8333-444455556666, not 'northwind'.",
    ),
    "a number instead of an incident_id": (
        lambda: raised(incident_key, WORKSPACE, "sentinel", "2871"),
        (
            "incident_id of a Sentinel incident must be its UUID such as 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61, "
            "not '2871'. The number that the portal shows is its incident_number."
        ),
    ),
    "a negative verify_timeout": (
        lambda: raised(check_verify_timeout, {"verify_timeout": -1}),
        "verify_timeout must be a number of seconds, or 0 to disable reading back.",
    ),
    "refused credentials": (
        lambda: attempt(response(401)),
        (
            "The credentials were refused (HTTP 401). Check that client_id (CONTRAFORCE_CLIENT_ID) and client_secret "
            "(CONTRAFORCE_CLIENT_SECRET), or access_token (CONTRAFORCE_ACCESS_TOKEN), are valid for "
            "https://itsm.example."
        ),
    ),
    "an expired token": (
        lambda: attempt(error_mapping.with_token_expiry(response(401), 1795262400, 1795262400)),
        (
            "The credentials were refused (HTTP 401). access_token (CONTRAFORCE_ACCESS_TOKEN) expired at "
            "2026-11-21 12:00:00 UTC; set a new token."
        ),
    ),
    "a missing scope of the ticketing API": (
        lambda: attempt(response(403, profile=REZOLVE), prefix="TICKETING"),
        (
            "The account lacks a permission (HTTP 403). Grant the account the scope tickets:write, one of the "
            "roles ticket_agent, ticket_user and tenant_admin, and access to the team."
        ),
    ),
    "an invalid value": (
        lambda: attempt(
            response(400, ErrorBody("VALIDATION_ERROR", "Not valid", fields={"status": ["Not a status."]}))
        ),
        (
            "The service rejected the request as invalid (HTTP 400, VALIDATION_ERROR): Not valid; status: Not a "
            "status. Correct the values in the task."
        ),
    ),
    "a missing record": (
        lambda: attempt(response(404)),
        (
            "The resource was not found (HTTP 404). Check the identifiers, and that https://itsm.example, set in "
            "url (CONTRAFORCE_URL), is the address of the API."
        ),
    ),
    "too many requests": (
        lambda: attempt(response(429, retry_after=3600.0)),
        (
            "The service rejected the request because of its rate limit (HTTP 429); the service requests a wait of "
            "3600 s. Run the task again later, or send fewer requests at the same time."
        ),
    ),
    "a gateway page, after retries": (
        lambda: attempt(response(502, content="an HTML page instead of JSON"), attempts=3),
        (
            "The service is unavailable (HTTP 502): the response is an HTML page instead of JSON, after 3 attempts. "
            "Run the task again; it starts from the current state."
        ),
    ),
    "a redirect": (
        lambda: attempt(response(302)),
        (
            "The service responded with a redirect (HTTP 302). Set url (CONTRAFORCE_URL) to the current address of "
            "the service instead of https://itsm.example."
        ),
    ),
    "a redirect to another path": (
        lambda: attempt(error_mapping.from_foreign_redirect(302, "/v2/other", str)),
        (
            "The service redirected the request to another path, /v2/other, which may belong to another resource "
            "(HTTP 302). Check the identifiers, and that https://itsm.example, set in url (CONTRAFORCE_URL), is the "
            "address of the API."
        ),
    ),
    "a proxy that requires credentials": (
        lambda: attempt(error_mapping.from_proxy_refusal(407)),
        (
            "The proxy refused the credentials (HTTP 407). Set a valid user name and password in proxy "
            "(CONTRAFORCE_PROXY)."
        ),
    ),
    "an unreadable CA file": (
        lambda: attempt(error_mapping.from_unreadable_file(OSError(), ROUTE)),
        (
            "The file in SSL_CERT_FILE cannot be read: /no/such/ca.pem. Correct or unset the variable, or set "
            "ca_path (CONTRAFORCE_CA_PATH)."
        ),
    ),
    "a sign-in page instead of JSON": (
        lambda: attempt(error_mapping.from_invalid_body(CONTRAFORCE, 200, "an HTML page", False, None)),
        (
            "ContraForce responded with an HTML page (HTTP 200). Check that https://itsm.example, set in url "
            "(CONTRAFORCE_URL), is the address of the API."
        ),
    ),
    "a response that is too large": (
        lambda: attempt(error_mapping.from_too_large_body(ROUTE.service, 64 * 1024**2, False)),
        (
            "The response of ContraForce at https://itsm.example is larger than 64 MiB. Contact the operator of the "
            "service."
        ),
    ),
    "a response that violates the contract": (
        lambda: raised(validate_response, {"required": ["data"]}, {}, "url (CONTRAFORCE_URL)"),
        (
            "The response does not match the API contract: data is missing at the top level. Check that url "
            "(CONTRAFORCE_URL) is the address of the API; if it is, the API may have changed."
        ),
    ),
    "an unreadable object": (
        lambda: reconciled(Shelf(reads=[REFUSED])),
        "Shelf 7 could not be read, so nothing was written. It was refused.",
    ),
    "a conflict": (
        lambda: reconciled(Shelf(conflict=ApiError("The shelf is full.", "conflict"))),
        "The shelf is full. Nothing was written.",
    ),
    "a refused write": (
        lambda: reconciled(Shelf((REFUSED, False))),
        "Shelf 7 was not changed. It was refused.",
    ),
    "a refused second write": (
        lambda: reconciled(Shelf((None, True), (REFUSED, False))),
        "Shelf 7 was only partly changed. It was refused.",
    ),
    "a write that is interrupted twice": (
        lambda: reconciled(Shelf((BROKEN, False), (BROKEN, False))),
        "Shelf 7 does not show the change: the write was interrupted twice. It broke off.",
    ),
    "an unobservable write that is interrupted twice": (
        lambda: reconciled(Shelf((BROKEN, True), (BROKEN, True), is_dark=True)),
        (
            "It is not known whether shelf 7 was changed: the write was interrupted twice, and the service does not "
            "show the values that it changes. It broke off."
        ),
    ),
    "an interrupted write whose state cannot be read": (
        lambda: reconciled(Shelf((BROKEN, True), reads=[None, REFUSED])),
        (
            "It is not known whether shelf 7 was changed: the write was interrupted, and reading the state failed. "
            "The write: It broke off. The read: It was refused. Check the shelf in the portal, and run the task "
            "again, which starts from the current state."
        ),
    ),
    "an interrupted creation": (
        lambda: reconciled(Shelf((BROKEN, False), once={"book"})),
        (
            "It is not known whether shelf 7 was created: the request was interrupted, and no such shelf was found "
            "within 30 s. It broke off. Look for it in the portal first: if it exists but cannot be found yet, a "
            "further run would create a second one."
        ),
    ),
    "a write that cannot be read back": (
        lambda: reconciled(Shelf(reads=[None, REFUSED])),
        ("Shelf 7 was written but could not be read back, so it is not known whether it changed. It was refused."),
    ),
    "an addition that does not show": (
        lambda: reconciled(Shelf((None, False), (None, False), is_additive=True)),
        (
            "Shelf 7 did not change within 30 s although the service accepted the request; it still shows nothing. "
            "Check it in the portal before you run the task again, because a further run before the change shows "
            "would send it again, and add it twice; increase verify_timeout if the service needs more time."
        ),
    ),
    "one failed entry": (
        lambda: summary("a was refused.", changed=2),
        "2 changed, 0 ok, 1 failed: a was refused.",
    ),
    "several failed entries, and duplicates": (
        lambda: summary("a was refused.", "b was refused.", "c was refused.", changed=1, duplicates=2),
        ("1 changed, 0 ok, 3 failed (2 duplicates): a was refused. 2 more failed, each with its reason in results."),
    ),
    "an entry without an identifier": (
        lambda: item_failure(parsed({"name": "a"})),
        "Entry 1 of the list (name a) lacks place. Set place in the entry, or in the task for all entries.",
    ),
    "entries that contradict each other": (
        lambda: item_failure([BulkItem({}, {}, "a", wanted, label="thing a") for wanted in "xyx"]),
        (
            "Entries 1, 2, 3 of the list request conflicting changes for thing a. Nothing was written for them; "
            "keep only one of them in the list."
        ),
    ),
}


@pytest.mark.parametrize("build, message", MESSAGES.values(), ids=MESSAGES)
def test_failure_has_this_message(build, message):
    assert build() == message
