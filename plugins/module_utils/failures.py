# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request that failed amounts to: its category, its sentence, and whether it may be sent again."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.retries import (
    is_ambiguous,
    may_send_again,
    retry_after_seconds,
)

#: Connection failures, by the names that urllib3 gives them, after which nothing was sent.
NOTHING_SENT = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})

#: How the standard library tells that a proxy did not connect; the proxy's status follows.
TUNNEL_REFUSED = "Tunnel connection failed"

#: How a category of failure is told, and what the user does next.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "authentication": ("the credentials were refused", "Check the client id and secret, or the access token."),
    "permission": (
        "the account lacks a permission",
        "Give the service account the role on this workspace and the scope that this needs.",
    ),
    "not_found": ("it was not found", "Check the identifiers in the task, and that url is the API's address."),
    "validation": ("the request was refused as invalid", "Correct the values named."),
    "conflict": ("the service refused it because of a conflict", "Look at what stands in the way."),
    "rate_limited": ("the service allows no more requests for now", "Run the task again later, or with fewer at once."),
    "unavailable": ("the service is not able to answer", "Run the task again; it starts from the current state."),
    "contract": ("the answer is not one that the API contract knows", "Check that url is the API's address."),
    "configuration": ("the service answered with a redirect", "Set url to the address that the service has now."),
}


@dataclass(frozen=True)
class Problem:
    """What a vendor's error body says, whatever its shape."""

    code: str | None = None
    text: str | None = None
    request_id: str | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)


def no_category(http_status: int, problem: Problem) -> str | None:
    """For a service whose errors mean what their status says."""
    del http_status, problem
    return None


def retry_after_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait that C(Retry-After) names (RFC 9110).

    :param http_status: of the answer.
    :param headers: of the answer, names in any case.
    """
    del http_status
    return retry_after_seconds(headers.get("Retry-After"))


@dataclass(frozen=True)
class Vendor:
    """What a client must know of a service to report on it.

    :param name: how messages call it.
    :param problem_of: reads an error body that was JSON.
    :param request_id_of: finds the request's identifier in an answer's body and headers.
    :param category_of: the category of an error whose status alone would mislead, or None.
    :param sentences: what happened, and what the user does next, for categories that C(category_of) gives.
    :param next_steps: what the user does next, by category, where that is peculiar to the service.
    :param wait_of: seconds that an answer, by its status and headers, asks to wait.
    :param busy_is_unprocessed: whether 503 with C(Retry-After) says that a write was not processed.
    """

    name: str
    problem_of: Callable[[Any], Problem]
    request_id_of: Callable[[Any, Mapping[str, str]], str | None]
    category_of: Callable[[int, Problem], str | None] = no_category
    sentences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    next_steps: Mapping[str, str] = field(default_factory=dict)
    wait_of: Callable[[int, Mapping[str, str]], float | None] = retry_after_of
    busy_is_unprocessed: bool = True


@dataclass(frozen=True)
class Failure:
    """One try that failed, and what the rules say of it."""

    category: str
    text: str
    next_step: str
    http_status: int | None = None
    code: str | None = None
    request_id: str | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    retry_after: float | None = None
    send_again: bool = False
    ambiguous: bool = False
    retryable: bool = False

    def told(self, method: str, path: str, tries: int) -> ApiError:
        """The failure as the error that is raised.

        :param method: of the request.
        :param path: of the request.
        :param tries: how often it was sent.
        """
        waited = f", after {tries} tries" if tries > 1 else ""
        asked = f"; it asks to wait {self.retry_after:.0f} s" if self.retry_after else ""
        what = f"{self.text[0].upper()}{self.text[1:]}{waited}{asked}."
        return ApiError(
            f"{what} {self.next_step}",
            self.category,
            code=self.code,
            http_status=self.http_status,
            method=method,
            path=path,
            request_id=self.request_id,
            retryable=self.retryable,
            fields=self.fields,
            ambiguous=self.ambiguous,
            what=what,
        )


def broken(error: Exception, service: str, is_write: bool) -> Failure:
    """A failure below HTTP, which requests raised.

    :param error: what was raised.
    :param service: how messages call the service.
    :param is_write: whether the request changes something.
    """
    chain = list(_chain(error))
    names = {type(link).__name__ for link in chain}
    reason = _reason(chain)
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        text = f"the certificate of {service} could not be verified ({reason})"
        return Failure("tls", text, "Set ca_path to the CA that signed it.")
    if "SSLError" in names and not names & {"SSLEOFError", "SSLZeroReturnError"}:
        text = f"no TLS connection to {service} could be made ({reason})"
        return Failure("tls", text, "Check url, ca_path, client_cert and client_key.", ambiguous=is_write)
    if isinstance(error, ValueError):
        return unsendable(error)
    nothing_sent = bool(names & NOTHING_SENT) or reason.startswith(TUNNEL_REFUSED)
    place = "the proxy" if "ProxyError" in names else service
    return Failure(
        "unavailable",
        f"the connection to {place} {'could not be made' if nothing_sent else 'broke off'} ({reason})",
        "Check that it can be reached from where the task runs, and run the task again.",
        send_again=may_send_again(is_write, None, None, not nothing_sent),
        ambiguous=is_write and is_ambiguous(None, None, not nothing_sent),
        retryable=True,
    )


def unsendable(error: ValueError) -> Failure:
    """Options of which no request can be made.

    :param error: what was raised; only its kind is told, because its text may hold a header.
    """
    text = f"the connection options do not make a valid request ({type(error).__name__})"
    return Failure("configuration", text, "Check url, proxy, headers and the credentials.")


def unreadable_file(error: OSError) -> Failure:
    """A certificate file that cannot be used.

    :param error: what was raised.
    """
    return Failure("configuration", f"a file could not be read ({_reason([error])})", "Check ca_path and client_cert.")


def no_json(http_status: int, oddity: str, vendor: Vendor, is_write: bool, request_id: str | None) -> Failure:
    """A success whose body is not what it should be.

    :param http_status: 2xx.
    :param oddity: what stood there instead.
    :param vendor: the service.
    :param is_write: whether the request changes something.
    :param request_id: the service's identifier of the exchange.
    """
    return Failure(
        "contract",
        f"{vendor.name} answered with {oddity} instead of JSON",
        vendor.next_steps.get("contract", SENTENCES["contract"][1]),
        http_status=http_status,
        request_id=request_id,
        ambiguous=is_write,
    )


def refused(
    vendor: Vendor,
    http_status: int,
    problem: Problem,
    oddity: str | None,
    retry_after: float | None,
    is_write: bool,
    redact: Callable[[str], str],
    request_id: str | None,
) -> Failure:
    """An answer that is no success.

    :param vendor: the service.
    :param http_status: not 2xx.
    :param problem: what its body says.
    :param oddity: what stood in the body if it was not JSON.
    :param retry_after: seconds that it asks to wait.
    :param is_write: whether the request changes something.
    :param redact: takes secrets out of the service's words.
    :param request_id: the service's identifier of the exchange.
    """
    told = vendor.category_of(http_status, problem)
    category = told or _category(http_status)
    what, next_step = SENTENCES[category]
    next_step = vendor.next_steps.get(category, next_step)
    if told and told in vendor.sentences:
        what, next_step = vendor.sentences[told]
    # What a service that is busy says of a write is worth only what the service promises.
    promised = retry_after if vendor.busy_is_unprocessed or http_status == 429 else None
    word = short(problem.code, redact, 100) if problem.code else None
    code = f", {word}" if word else ""
    return Failure(
        category,
        f"{what} (HTTP {http_status}{code}){_detail(problem, oddity, redact)}",
        next_step,
        http_status=http_status,
        code=word,
        request_id=problem.request_id or request_id,
        fields=problem.fields,
        retry_after=retry_after,
        send_again=may_send_again(is_write, http_status, promised, True),
        ambiguous=is_write and is_ambiguous(http_status, promised, True),
        retryable=category in ("rate_limited", "unavailable", "conflict"),
    )


def _detail(problem: Problem, oddity: str | None, redact: Callable[[str], str]) -> str:
    """The service's own words, short and on one line."""
    if oddity:
        return f": it answered with {oddity}"
    if not problem.text and not problem.fields:
        return ""
    words = [problem.text] if problem.text else []
    words += [f"{name}: {' '.join(texts)}" if name else " ".join(texts) for name, texts in problem.fields.items()]
    return ": " + short(" ".join(words), redact, 300).rstrip(".")


def short(text: str, redact: Callable[[str], str], longest: int) -> str:
    """A service's words on one line. Redacted first: a secret that is cut or folded is not recognised any more.

    :param text: what the service said.
    :param redact: takes secrets out of it.
    :param longest: how many characters stay.
    """
    text = " ".join(redact(text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _category(http_status: int) -> str:
    known = {
        400: "validation",
        401: "authentication",
        403: "permission",
        404: "not_found",
        409: "conflict",
        412: "conflict",
        422: "validation",
        429: "rate_limited",
        408: "unavailable",
    }
    if http_status in known:
        return known[http_status]
    if 300 <= http_status < 400:
        return "configuration"
    return "unavailable" if http_status >= 500 else "contract"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was made from: causes, contexts, arguments, urllib3's reasons."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


#: What lies behind a failure that has no words of its own, by the name of an exception in its chain.
REASONS: Mapping[str, str] = {
    "ReadTimeoutError": "no answer in time",
    "ConnectTimeoutError": "no connection in time",
    "TimeoutError": "no answer in time",
    "NameResolutionError": "the name of the host is not known",
    "gaierror": "the name of the host is not known",
    "IncompleteRead": "the answer was cut short",
    "RemoteDisconnected": "the other side closed it without an answer",
}


def _reason(chain: list[BaseException]) -> str:
    """The root of a failure in words that hold no header, body or URL."""
    told = [words for words in map(_own_words, chain) if words]
    known = [REASONS[name] for name in (type(link).__name__ for link in chain) if name in REASONS]
    return [*told, *known, type(chain[-1]).__name__][0]


def _own_words(link: BaseException) -> str | None:
    if isinstance(link, ssl.SSLCertVerificationError):
        return link.verify_message
    if isinstance(link, ssl.SSLError):
        return str(link.reason).replace("_", " ").lower() if link.reason else None
    if isinstance(link, OSError) and str(link).startswith(TUNNEL_REFUSED):
        return str(link)
    return link.strerror if isinstance(link, OSError) else None
