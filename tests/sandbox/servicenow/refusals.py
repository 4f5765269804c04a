# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of the ServiceNow instance."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.operations import JSON
from ansible_collections.secops.itsm.tests.sandbox.records import RefusedError

HTML = "text/html"
HIBERNATING = (
    "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head>"
    "<body><h1>Your instance is hibernating.</h1></body></html>"
)


class ReadyRefusalError(RefusedError):
    """A refusal with a body, a media type and headers of its own."""

    def __init__(self, status: int, body: Any, kind: str = JSON, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, "", "")
        self.body, self.kind, self.headers = body, kind, dict(headers or {})


def error_body(message: str, detail: str | None) -> dict[str, Any]:
    """Return ``ErrorResponse``."""
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def refused(
    status: int, message: str, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> ReadyRefusalError:
    """Return a refusal in the format of the service."""
    return ReadyRefusalError(status, error_body(message, detail), headers=headers)


def token_error(status: int, word: str, description: str) -> ReadyRefusalError:
    """Return the refusal of a token."""
    return ReadyRefusalError(status, {"error": word, "error_description": description})


def unauthorized(with_mfa: bool = False) -> ReadyRefusalError:
    """Return the refusal of credentials.

    :param with_mfa: whether a second factor is missing.
    """
    headers = {"WWW-Authenticate": 'BASIC realm="Service-now"', **({"X-MFA_TOKEN": "invalid"} if with_mfa else {})}
    return refused(401, "User Not Authenticated", "Required to provide Auth information", headers)


def no_record() -> ReadyRefusalError:
    """Return the refusal of a record that does not exist or is hidden."""
    return refused(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def invalid_table(name: str) -> ReadyRefusalError:
    """Return the refusal of a table that does not exist."""
    return refused(400, f"Invalid table {name}")


def operation_failed(detail: str) -> ReadyRefusalError:
    """Return the refusal of a write by an access rule, a business rule or a data policy."""
    return refused(403, "Operation Failed", detail)


def acl_exception(verb: str) -> ReadyRefusalError:
    """Return the refusal of a write by an access rule; the verb is ``Insert`` or ``Update``."""
    return operation_failed(f"ACL Exception {verb} Failed due to security constraints")


def aborted(table: str, rule: str) -> ReadyRefusalError:
    """Return the refusal of a write by a business rule."""
    return operation_failed(
        f"Operation against file '{table}' was aborted by Business Rule '{rule}'. Business Rule Stack:{rule}"
    )


def policy_exception(labels: list[str]) -> ReadyRefusalError:
    """Return the refusal of a write by a data policy, which lists the labels of empty columns."""
    return operation_failed(f"Data Policy Exception: The following fields are mandatory: {', '.join(labels)}")
