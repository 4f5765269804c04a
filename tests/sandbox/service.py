# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface of a service in the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Mapping, Protocol

from ansible_collections.secops.itsm.tests.sandbox.contract import Contract
from ansible_collections.secops.itsm.tests.sandbox.operations import JSON, Operation
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError

Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Reply:
    """The response that is sent.

    :param body: a JSON value, a text for other media types, or None.
    :param kind: the media type.
    """

    status: int
    body: Any = None
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """An API."""

    @property
    def contract(self) -> Contract:
        """Return the contract that validates requests and responses."""

    @property
    def error_schema(self) -> str:
        """Return the name of the schema for errors without an operation."""

    @property
    def reads_by_post(self) -> Collection[str]:
        """Return the operations that are not GET and change nothing."""

    @property
    def unrecorded(self) -> Collection[str]:
        """Return the operations whose body contains a secret and is not written to the journal."""

    def owns(self, raw_path: str) -> bool:
        """Return whether this service refuses requests for an unknown path."""

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by operationId."""

    def authenticate(self, operation: Operation, headers: Mapping[str, str]) -> Any:
        """Return the caller. Raise RefusedError if the credentials are missing or wrong."""

    def reply(self, operation: Operation, answer: Answer) -> Reply:
        """Return a success as the service sends it."""

    def refusal(self, operation: Operation | None, refusal: RefusedError) -> Reply:
        """Return an error as the service sends it.

        :param operation: None for an unknown path.
        :param refusal: the error; without a code, the service chooses it.
        """

    def old_error(self, status: int, code: str, message: str) -> Reply:
        """Return an error in the format of an older version of the service."""
