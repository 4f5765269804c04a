# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways in which the sandbox can be told to misbehave."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Mapping

BEFORE, AFTER = "before", "after"
CONTENTS = ("true", "problem", "old", "html", "empty", "text", "echo")


@dataclass
class Fault:
    """One kind of misbehaviour, for the next so many matching requests.

    :param operation: operationId, with wildcards; one that matches no operation is refused.
    :param path: of the request, with wildcards.
    :param times: how many requests it hits; a negative number means all.
    :param skip: how many matching requests go by before it hits the first one.
    :param when: whether it strikes before or after the request took effect.
    :param latency: seconds to wait first.
    :param hold: never answer, and let the client wait until it is gone; what it asks for happens as ``when`` says.
    :param drop: cut the connection instead of answering.
    :param status: answer with this status instead of the true one; one that has no body gets none.
    :param headers: further headers of the answer.
    :param content: ``true`` for the true answer, or ``problem``, ``old``, ``html``, ``empty``, ``text``, or ``echo``
        for an error that repeats the request's headers, secrets and all.
    :param truncate: cut the answer's body in half, its length being that of the half.
    :param code: the error's ``code``, for ``problem`` and ``old``.
    :param replace: values of the true answer to replace, by their places, such as ``data.offers.0.id``; places that it
        does not have are passed over.
    :param remove: places of values to leave out of the true answer.
    """

    operation: str = "*"
    path: str = "*"
    times: int = 1
    skip: int = 0
    when: str = BEFORE
    latency: float = 0.0
    hold: bool = False
    drop: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: str = "problem"
    truncate: bool = False
    code: str | None = None
    replace: dict[str, Any] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    struck: bool = field(default=False, init=False)

    @classmethod
    def from_json(cls, value: Any, operations: Collection[str]) -> Fault:
        """A fault from what was posted.

        :param value: anything that JSON can carry.
        :param operations: every operationId that there is.
        :raises ValueError: for what is no fault, in a sentence.
        """
        if not isinstance(value, Mapping):
            raise ValueError("a fault is an object")
        unknown = set(value) - set(_CHECKS)
        if unknown:
            raise ValueError(f"no fault knows {', '.join(sorted(unknown))}")
        for name, entry in value.items():
            right, sentence = _CHECKS[name]
            if not right(entry):
                raise ValueError(f"a fault's {name} is {sentence}")
        fault = cls(**value)
        if not fnmatch.filter(operations, fault.operation):
            raise ValueError(f"a fault's operation, {fault.operation}, matches none of {', '.join(operations)}")
        return fault


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_header(name, text) for name, text in value.items())


def _is_header(name: str, text: Any) -> bool:
    """Whether a header can be sent; the length of the body is not a fault's to tell."""
    if not isinstance(text, str) or name.lower() in ("content-length", "transfer-encoding"):
        return False
    return bool(_HEADER_NAME.fullmatch(name) and _HEADER_TEXT.fullmatch(text))


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"(?:[!-~\xa0-\xff](?:[ -~\xa0-\xff]*[!-~\xa0-\xff])?)?")

#: What each field may be, and how a refusal says it.
_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "operation": (lambda value: isinstance(value, str), "a string"),
    "times": (_is_integer, "an integer"),
    "skip": (lambda value: _is_integer(value) and value >= 0, "an integer of 0 or more"),
    "when": (lambda value: value in (BEFORE, AFTER), f"{BEFORE} or {AFTER}"),
    "latency": (lambda value: type(value) in (int, float) and 0 <= value <= 3600, "a number of seconds, up to 3600"),
    "hold": (lambda value: isinstance(value, bool), "true or false"),
    "drop": (lambda value: isinstance(value, bool), "true or false"),
    "status": (lambda value: value is None or (_is_integer(value) and 200 <= value <= 599), "from 200 to 599"),
    "headers": (_are_headers, "an object of headers other than the length of the body"),
    "content": (lambda value: value in CONTENTS, f"one of {', '.join(CONTENTS)}"),
    "truncate": (lambda value: isinstance(value, bool), "true or false"),
    "code": (lambda value: value is None or isinstance(value, str), "a string"),
    "path": (lambda value: isinstance(value, str), "a string"),
    "replace": (lambda value: isinstance(value, Mapping), "an object of values by their places"),
    "remove": (
        lambda value: isinstance(value, list) and all(isinstance(place, str) for place in value),
        "a list of places",
    ),
}


class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def replace(self, faults: list[Fault]) -> None:
        """Forget what was waiting and take these.

        :param faults: in the order in which they strike.
        """
        self._waiting = list(faults)

    @property
    def waiting(self) -> int:
        """How many are still to come; one for all requests counts until it struck once."""
        return sum(fault.times != 0 and not (fault.times < 0 and fault.struck) for fault in self._waiting)

    def take(self, operation: str, path: str) -> Fault | None:
        """The fault that hits a request, if one does.

        :param operation: the request's operationId.
        :param path: of the request.
        """
        for fault in self._waiting:
            hits = fnmatch.fnmatchcase(operation, fault.operation) and fnmatch.fnmatchcase(path, fault.path)
            if fault.times != 0 and hits:
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1 if fault.times > 0 else 0
                fault.struck = True
                return fault
        return None
