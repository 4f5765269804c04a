# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service is to the sandbox: who may call it, what it does, and how its answers and errors look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Mapping, Protocol

from ansible_collections.secops.itsm.tests.sandbox.contract import Contract
from ansible_collections.secops.itsm.tests.sandbox.operations import JSON, Operation
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError

Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Reply:
    """What goes over the wire.

    :param status: the HTTP status.
    :param body: what is sent as JSON, or a text if the media type is another; None for no body.
    :param kind: its media type.
    :param headers: further ones.
    """

    status: int
    body: Any = None
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """One API."""

    @property
    def contract(self) -> Contract:
        """What its requests and answers are judged by."""

    @property
    def error_schema(self) -> str:
        """The schema of the contract for an error that belongs to no operation."""

    @property
    def reads_by_post(self) -> Collection[str]:
        """The operations that change nothing although they are no GET."""

    @property
    def unrecorded(self) -> Collection[str]:
        """The operations whose body holds a secret, so that the journal must not."""

    def owns(self, raw_path: str) -> bool:
        """Whether a path that is no operation's is this service's to refuse.

        :param raw_path: still percent-encoded.
        """

    def handlers(self) -> Mapping[str, Handler]:
        """What is served, by operationId."""

    def authenticate(self, operation: Operation, headers: Mapping[str, str]) -> Any:
        """Who calls, for the handlers to know.

        :param operation: what is called.
        :param headers: by name, in any case.
        :raises RefusedError: for credentials that are missing, wrong or not enough.
        """

    def reply(self, operation: Operation, answer: Answer) -> Reply:
        """A success as it is sent.

        :param operation: what was called.
        :param answer: what came of it.
        """

    def refusal(self, operation: Operation | None, refusal: RefusedError) -> Reply:
        """An error as it is sent.

        :param operation: what was called, None for nothing that is served.
        :param refusal: what is wrong; a code of nothing leaves the word to the service.
        """

    def old_error(self, status: int, code: str, message: str) -> Reply:
        """An error in the shape of an older generation of the service.

        :param status: the HTTP status.
        :param code: the word for it; of nothing leaves it to the service.
        :param message: a sentence.
        """
