# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Map failed attempts to errors: their category, their message, and whether the request is sent again."""

from __future__ import annotations

import os
import re
import socket
import ssl
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import (
    RetryDecision,
    decide_retry,
    http_date,
    retry_after_seconds,
)

#: Exceptions of urllib3 after which nothing was sent.
NOTHING_SENT = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})

#: The text of the standard library's exception if a proxy did not connect; the proxy's status follows.
TUNNEL_REFUSED = r"Tunnel connection failed: (\d{3})\b"

#: How often a request is sent to a host whose name is unknown.
MAX_ATTEMPTS_UNKNOWN_HOST = 2

#: Reasons of OpenSSL's errors if the response to a TLS handshake is not TLS.
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})

#: The latest time that datetime can represent, in seconds since 1970.
MAX_TIMESTAMP = 253402300799

RIGHT_ADDRESS = "that {address}, from {url}, is the API's address."

#: What happened, by category, and what the user can do. ``{url}`` and the like stand for connection options, and
#: ``{address}`` for the URL that was used.
MESSAGES: Mapping[str, tuple[str, str]] = {
    "authentication": (
        "the credentials were refused",
        "Check {client_id} and {client_secret}, or {access_token}, and that they are for {address}.",
    ),
    "permission": (
        "the account lacks a permission",
        "Give the service account the role on this workspace and the scope that this needs.",
    ),
    "not_found": ("it was not found", f"Check the identifiers, and {RIGHT_ADDRESS}"),
    "validation": ("the request was refused as invalid", "Correct the values named."),
    "conflict": ("the service refused it because of a conflict", "Look at what stands in the way."),
    "rate_limited": ("the service allows no more requests for now", "Run the task again later, or with fewer at once."),
    "unavailable": ("the service is not able to answer", "Run the task again; it starts from the current state."),
    "contract": ("the answer is not one that the API contract knows", f"Check {RIGHT_ADDRESS}"),
    "configuration": (
        "the service answered with a redirect",
        "Set {url} to the address that the service has now, instead of {address}.",
    ),
}

#: The category of an error by its status, unless the service's profile knows better.
CATEGORIES_BY_STATUS: Mapping[int, str] = {
    400: "validation",
    401: "authentication",
    403: "permission",
    404: "not_found",
    408: "unavailable",
    409: "conflict",
    412: "conflict",
    422: "validation",
    429: "rate_limited",
}


class OptionNames:
    """The names of connection options with their environment variables, for :meth:`str.format_map`.

    :param prefix: the start of the environment variables' names.
    :param known: names that differ, and the address.
    """

    def __init__(self, prefix: str, **known: str) -> None:
        self._prefix = prefix
        self._known = known

    def __getitem__(self, name: str) -> str:
        return self._known.get(name) or f"{name} ({self._prefix}_{name.upper()})"


@dataclass(frozen=True)
class Route:
    """How a request reaches the service, for messages.

    :param service: the service with its address.
    :param host: its host and port.
    :param proxy: the host and port of the proxy, if there is one.
    :param ca_variable: the environment variable that contains the path of the CA certificates, if it is used.
    :param ca_file: the path of the CA certificates, if it is set.
    """

    service: str
    host: str
    proxy: str = ""
    ca_variable: str = ""
    ca_file: str = ""

    @property
    def ca_option(self) -> str:
        """Return the name of the setting for the path of the CA certificates."""
        return self.ca_variable or "{ca_path}"


@dataclass(frozen=True)
class ErrorBody:
    """The content of an error response, in any vendor's format."""

    code: str | None = None
    text: str | None = None
    request_id: str | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)


def text_or_none(value: Any) -> str | None:
    """Return a value if it is a text and not empty, else None.

    :param value: from parsed JSON.
    """
    return value if isinstance(value, str) and value else None


def no_category(http_status: int, details: ErrorBody) -> str | None:
    """Return None, for a service whose errors mean what their status says."""
    del http_status, details
    return None


def retry_after_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a response's ``Retry-After`` header (RFC 9110), or None.

    :param http_status: the status.
    :param headers: the headers, with names in any case.
    """
    del http_status
    return retry_after_seconds(headers.get("Retry-After"), http_date(headers.get("Date")))


def no_failure(body: Any) -> bool:
    """Return False, for a service that never reports a failure with a 2xx status.

    :param body: the parsed JSON.
    """
    del body
    return False


@dataclass(frozen=True)
class ErrorProfile:
    """How a service reports errors, and how messages name it.

    :param name: its name in messages.
    :param prefix: the start of its environment variables' names.
    :param parse_error: parses the JSON of an error response.
    :param find_request_id: returns the request ID from the body and the headers of a response.
    :param category_of: returns the category of an error whose status alone would be misleading, or None.
    :param messages: what happened, and what the user can do, for the categories that ``category_of`` returns.
    :param remedies: what the user can do, by category, if the service has its own text.
    :param retry_after: returns the seconds to wait that a response requests, from its status and headers.
    :param retry_after_means_unprocessed: whether the service promises that it did not process a write to which it
        responds with 503 and ``Retry-After``.
    :param reports_failure: returns whether the parsed JSON of a 2xx response reports that the request failed.
    """

    name: str
    prefix: str
    parse_error: Callable[[Any], ErrorBody]
    find_request_id: Callable[[Any, Mapping[str, str]], str | None]
    category_of: Callable[[int, ErrorBody], str | None] = no_category
    messages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)
    retry_after: Callable[[int, Mapping[str, str]], float | None] = retry_after_of
    retry_after_means_unprocessed: bool = True
    reports_failure: Callable[[Any], bool] = no_failure

    def label(self, option: str) -> str:
        """Return the name of a connection option for a message.

        :param option: the option.
        """
        return OptionNames(self.prefix)[option]

    def remedy(self, category: str) -> str:
        """Return what the user can do about an error.

        :param category: of the error.
        """
        return self.remedies.get(category, MESSAGES[category][1])


#: The content of a response that cannot be processed.
TOO_DEEP = "JSON that is nested too deep"


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt to send a request that failed.

    :param category: one of the categories of errors.
    :param text: what happened.
    :param remedy: what the user can do; :meth:`with_option_names` replaces connection options in braces.
    :param decision: whether the request can be sent again.
    :param retryable: whether the task may succeed when it is run again.
    :param max_attempts: how often the request is sent at most, even if there is time for more.
    :param of_proxy: whether a proxy refused it, as it would refuse every other request.
    """

    category: str
    text: str
    remedy: str
    http_status: int | None = None
    code: str | None = None
    request_id: str | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    retry_after: float | None = None
    decision: RetryDecision = RetryDecision.REJECTED
    retryable: bool = False
    max_attempts: int | None = None
    of_proxy: bool = False

    def may_retry(self, attempts: int) -> bool:
        """Return whether the request may be sent again.

        :param attempts: how often it has been sent.
        """
        has_attempts = self.max_attempts is None or attempts < self.max_attempts
        return self.decision is RetryDecision.RETRY and has_attempts

    def with_option_names(self, names: OptionNames) -> FailedAttempt:
        """Return the failure with the names of the connection options in its remedy.

        :param names: the names.
        """
        return replace(self, remedy=self.remedy.format_map(names))

    def to_api_error(self, method: str, path: str, attempts: int) -> ApiError:
        """Return the error to raise.

        :param method: of the request.
        :param path: of the request.
        :param attempts: how often it was sent.
        """
        waited = f", after {attempts} tries" if attempts > 1 else ""
        asked = f"; it asks to wait {self.retry_after:.0f} s" if self.retry_after else ""
        cause = f"{self.text[0].upper()}{self.text[1:]}{waited}{asked}."
        return ApiError(
            f"{cause} {self.remedy}",
            self.category,
            code=self.code,
            http_status=self.http_status,
            method=method,
            path=path,
            request_id=self.request_id,
            retryable=self.retryable,
            fields=self.fields,
            ambiguous=self.decision is RetryDecision.UNCERTAIN,
            cause=cause,
            check="address" if self.of_proxy else None,
            of_proxy=self.of_proxy,
        )


def from_exception(error: Exception, route: Route, is_write: bool) -> FailedAttempt:
    """Return the failure of an attempt for which requests raised an exception.

    :param error: the exception.
    :param route: of the request.
    :param is_write: whether the request changes something.
    """
    chain = list(_exception_chain(error))
    names = {type(link).__name__ for link in chain}
    reason = _root_cause(chain)
    service = route.service
    of_proxy = "ProxyError" in names
    permanent = decide_retry(is_write, is_permanent=True)
    if any(isinstance(link, ssl.SSLError) and link.reason in NOT_TLS for link in chain):
        if of_proxy:
            text, remedy = f"the proxy at {route.proxy} does not speak TLS", "Begin {proxy} with http://."
        else:
            text = f"the service at {route.host} does not speak TLS"
            remedy = "Check the host and the port in {url}, or begin it with http:// if the service has no TLS."
        return FailedAttempt("tls", text, remedy, decision=permanent)
    if any(isinstance(link, ssl.SSLError) and link.reason == "NO_CERTIFICATE_OR_CRL_FOUND" for link in chain):
        text = f"the file {route.ca_file} holds no certificate"
        return FailedAttempt("configuration", text, f"Set {route.ca_option} to a file of CA certificates (PEM).")
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        text = f"the certificate of {service} could not be verified ({reason})"
        return FailedAttempt("tls", text, "Set {ca_path} to the CA that signed it.")
    if "SSLError" in names and not names & {"SSLEOFError", "SSLZeroReturnError"}:
        text = f"no TLS connection to {service} could be made ({reason})"
        return FailedAttempt("tls", text, "Check {url}, {ca_path}, {client_cert} and {client_key}.", decision=permanent)
    if isinstance(error, ValueError):
        return from_invalid_request(error)
    refusal = re.match(TUNNEL_REFUSED, reason)
    if refusal and int(refusal[1]) < 500:
        return from_proxy_refusal(int(refusal[1]))
    # A name server that does not respond may do so later.
    is_unknown = any(isinstance(link, socket.gaierror) and link.errno != socket.EAI_AGAIN for link in chain)
    nothing_sent = bool(names & NOTHING_SENT) or refusal is not None
    target = f"the proxy at {route.proxy}" if of_proxy else service
    return FailedAttempt(
        "unavailable",
        f"the connection to {target} {'could not be made' if nothing_sent else 'broke off'} ({reason})",
        "Check that it can be reached from where the task runs, and run the task again.",
        decision=decide_retry(is_write, may_be_processed=not nothing_sent),
        retryable=True,
        max_attempts=MAX_ATTEMPTS_UNKNOWN_HOST if is_unknown else None,
    )


def from_proxy_refusal(http_status: int) -> FailedAttempt:
    """Return the failure of an attempt that a proxy refused: final, because repeated logins can lock an account.

    :param http_status: 4xx.
    """
    category, text, remedy = {
        407: (
            "authentication",
            "the proxy refused the credentials",
            "Set {proxy} with a user name and a password that it accepts.",
        ),
        403: (
            "permission",
            "the proxy does not allow the connection",
            "Have the proxy allow {address}, or set another one as {proxy}.",
        ),
    }.get(
        http_status,
        ("configuration", "the proxy refused the connection", "Check {proxy}, and that it serves {address}."),
    )
    return FailedAttempt(category, f"{text} (HTTP {http_status})", remedy, http_status=http_status, of_proxy=True)


def from_invalid_request(error: ValueError) -> FailedAttempt:
    """Return the failure of an attempt for which requests could not build a request from the options.

    :param error: the exception; only its type is shown, because its text may contain a header.
    """
    text = f"the connection options do not make a valid request ({type(error).__name__})"
    return FailedAttempt("configuration", text, "Check {url}, {proxy}, {headers} and the credentials.")


def from_unreadable_file(error: OSError, route: Route) -> FailedAttempt:
    """Return the failure of an attempt for which a certificate file could not be read.

    :param error: the exception.
    :param route: of the request.
    """
    if route.ca_variable and not os.access(route.ca_file, os.R_OK):
        text = f"{route.ca_variable} names a file that cannot be read: {route.ca_file}"
        return FailedAttempt("configuration", text, "Correct it, unset it, or set {ca_path}.")
    text = f"a file could not be read ({_root_cause([error])})"
    return FailedAttempt("configuration", text, "Check {ca_path}, {client_cert} and {client_key}.")


def with_token_expiry(failure: FailedAttempt, expires_at: float | None, now: float) -> FailedAttempt:
    """Return the failure of an authentication, with the expiry of the access token if it has expired.

    :param failure: of category ``authentication``.
    :param expires_at: the expiry from the token, in seconds since 1970, if it contains one.
    :param now: the time of the service, as far as it is known.
    """
    if expires_at is None or not 0 < expires_at <= min(now, MAX_TIMESTAMP):
        return failure
    moment = datetime.fromtimestamp(expires_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return replace(failure, remedy=f"{{access_token}} expired at {moment}. Set a new one.")


def from_invalid_body(
    profile: ErrorProfile, http_status: int, content: str, is_write: bool, request_id: str | None
) -> FailedAttempt:
    """Return the failure of an attempt with a 2xx response whose body is not JSON.

    :param profile: of the service.
    :param http_status: 2xx.
    :param content: what the body is instead.
    :param is_write: whether the request changes something.
    :param request_id: the request ID.
    """
    return FailedAttempt(
        "contract",
        f"{profile.name} answered with {content}{'' if content == TOO_DEEP else ' instead of JSON'}",
        profile.remedy("contract"),
        http_status=http_status,
        request_id=request_id,
        decision=decide_retry(is_write, is_permanent=True),
    )


def from_too_large_body(service: str, max_size: int, is_write: bool) -> FailedAttempt:
    """Return the failure of an attempt whose response was not read to its end; another one would be as large.

    :param service: the service with its address.
    :param max_size: how many bytes are read.
    :param is_write: whether the request changes something.
    """
    text = f"the answer of {service} is larger than {max_size // 1024**2} MiB"
    decision = decide_retry(is_write, is_permanent=True)
    return FailedAttempt("unavailable", text, "Ask those who run the service.", decision=decision)


def from_unknown_encoding(profile: ErrorProfile, http_status: int, is_write: bool) -> FailedAttempt:
    """Return the failure of an attempt whose response has a ``Content-Encoding`` that was not requested.

    :param profile: of the service.
    :param http_status: of the response.
    :param is_write: whether the request changes something.
    """
    text = f"{profile.name} answered with a Content-Encoding that was not asked for"
    decision = decide_retry(is_write, is_permanent=True)
    return FailedAttempt("contract", text, profile.remedy("contract"), http_status=http_status, decision=decision)


def from_foreign_redirect(http_status: int, path: str, redact: Callable[[str], str]) -> FailedAttempt:
    """Return the failure of a read that was redirected to a path that may belong to another resource.

    :param http_status: 3xx.
    :param path: of the redirect, without host and query.
    :param redact: removes secrets from it.
    """
    return FailedAttempt(
        "contract",
        f"the service redirects to another path, {excerpt(path, redact, 300)}, which may belong to something else "
        f"(HTTP {http_status})",
        f"Check the identifiers, and {RIGHT_ADDRESS}",
        http_status=http_status,
    )


def from_reported_failure(
    profile: ErrorProfile,
    http_status: int,
    details: ErrorBody,
    is_write: bool,
    redact: Callable[[str], str],
    request_id: str | None,
) -> FailedAttempt:
    """Return the failure of an attempt whose 2xx response reports one; a write may have been processed all the same.

    :param profile: of the service.
    :param http_status: 2xx.
    :param details: the content of the response.
    :param is_write: whether the request changes something.
    :param redact: removes secrets from the service's text.
    :param request_id: the request ID.
    """
    code = excerpt(details.code, redact, 100) if details.code else None
    return FailedAttempt(
        "contract",
        f"{profile.name} answered with HTTP {http_status}, but reports a failure{f', {code}' if code else ''}"
        f"{_quoted(details, None, redact) or ' without a reason'}",
        "Correct what it names, or ask those who run the service.",
        http_status=http_status,
        code=code,
        request_id=details.request_id or request_id,
        fields=details.fields,
        decision=decide_retry(is_write, is_permanent=True),
    )


def from_response(
    profile: ErrorProfile,
    http_status: int,
    details: ErrorBody,
    content: str | None,
    retry_after: float | None,
    is_write: bool,
    redact: Callable[[str], str],
    request_id: str | None,
) -> FailedAttempt:
    """Return the failure of an attempt whose response has not a 2xx status.

    :param profile: of the service.
    :param http_status: not 2xx.
    :param details: the content of the response.
    :param content: what the body is if it is not JSON.
    :param retry_after: seconds that it requests to wait.
    :param is_write: whether the request changes something.
    :param redact: removes secrets from the service's text.
    :param request_id: the request ID.
    """
    if http_status == 407:
        return from_proxy_refusal(http_status)
    own_category = profile.category_of(http_status, details)
    category = own_category or _category(http_status)
    text, remedy = MESSAGES[category][0], profile.remedy(category)
    if own_category and own_category in profile.messages:
        text, remedy = profile.messages[own_category]
    code = excerpt(details.code, redact, 100) if details.code else None
    return FailedAttempt(
        category,
        f"{text} (HTTP {http_status}{f', {code}' if code else ''}){_quoted(details, content, redact)}",
        remedy,
        http_status=http_status,
        code=code,
        request_id=details.request_id or request_id,
        fields=details.fields,
        retry_after=retry_after,
        decision=decide_retry(
            is_write,
            http_status,
            retry_after,
            retry_after_means_unprocessed=profile.retry_after_means_unprocessed,
        ),
        retryable=category in ("rate_limited", "unavailable", "conflict"),
    )


def _quoted(details: ErrorBody, content: str | None, redact: Callable[[str], str]) -> str:
    """Return the service's own text, short and on one line, after a colon."""
    if content:
        return f": it answered with {content}"
    if not details.text and not details.fields:
        return ""
    texts = [details.text] if details.text else []
    texts += [f"{name}: {' '.join(lines)}" if name else " ".join(lines) for name, lines in details.fields.items()]
    return ": " + excerpt(" ".join(texts), redact, 300).rstrip(".")


def excerpt(text: str, redact: Callable[[str], str], max_length: int) -> str:
    """Return the start of a text on one line. Secrets are removed first: they are not found if folded or cut.

    :param text: from a service.
    :param redact: removes secrets from it.
    :param max_length: the number of characters.
    """
    text = " ".join(redact(text).split())
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def _category(http_status: int) -> str:
    if http_status in CATEGORIES_BY_STATUS:
        return CATEGORIES_BY_STATUS[http_status]
    if 300 <= http_status < 400:
        return "configuration"
    return "unavailable" if http_status >= 500 else "contract"


def _exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and all that it was caused by: causes, contexts, arguments, urllib3's reasons."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


#: What exceptions mean that have no safe text of their own, by their names.
REASONS: Mapping[str, str] = {
    "ReadTimeoutError": "no answer in time",
    "ConnectTimeoutError": "no connection in time",
    "TimeoutError": "no answer in time",
    "NameResolutionError": "the name of the host is not known",
    "gaierror": "the name of the host is not known",
    "IncompleteRead": "the answer was cut short",
    "RemoteDisconnected": "the other side closed it without an answer",
}


def _root_cause(chain: list[BaseException]) -> str:
    """Return the cause of a failure in words that contain no header, body or URL."""
    texts = [text for text in map(_safe_text, chain) if text]
    known = [REASONS[name] for name in (type(link).__name__ for link in chain) if name in REASONS]
    return [*texts, *known, type(chain[-1]).__name__][0]


def _safe_text(link: BaseException) -> str | None:
    """Return the text of an exception if it is known to contain no header, body or URL."""
    if isinstance(link, ssl.SSLCertVerificationError):
        return link.verify_message
    if isinstance(link, ssl.SSLError):
        return str(link.reason).replace("_", " ").lower() if link.reason else None
    if isinstance(link, OSError) and re.match(TUNNEL_REFUSED, str(link)):
        return str(link)
    return link.strerror if isinstance(link, OSError) else None
