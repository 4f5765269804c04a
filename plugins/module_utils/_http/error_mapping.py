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
from typing import Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, excerpt, quote
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import (
    MESSAGES,
    RIGHT_ADDRESS,
    ErrorProfile,
    OptionNames,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.exception_cause import (
    TUNNEL_REFUSED,
    exception_chain,
    root_cause,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision, decide_retry

#: Exceptions of urllib3 after which nothing was sent.
NOTHING_SENT = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})

#: How often a request is sent to a host whose name is unknown.
MAX_ATTEMPTS_UNKNOWN_HOST = 2

#: Reasons of OpenSSL's errors if the response to a TLS handshake is not TLS.
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})

#: The latest time that datetime can represent, in seconds since 1970.
MAX_TIMESTAMP = 253402300799

#: The category of an error by its status, unless the service's profile overrides it.
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


@dataclass(frozen=True)
class Route:
    """How a request reaches the service, for messages.

    :param service: the name of the service with its address.
    :param host: its host and port.
    :param proxy: the host and port of the proxy, if there is one.
    :param ca_variable: the environment variable that contains the path of the CA certificates, if one is used.
    :param ca_file: the path of the CA certificates, if one is set.
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


#: The description of a page that is meant for people.
HTML_PAGE = "an HTML page instead of JSON"

#: The description of a body that cannot be processed.
TOO_DEEP = "JSON that is nested too deeply"


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt to send a request that failed.

    :param category: one of the categories of errors.
    :param text: what happened.
    :param remedy: what the user can do; :meth:`with_option_names` replaces connection options in braces.
    :param decision: whether the request can be retried.
    :param retryable: whether the task may succeed if it is run again.
    :param max_attempts: the maximum number of attempts, even if the retry timeout allows more.
    :param of_proxy: whether a proxy refused the request, as it would refuse every other one.
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
        """Return whether the request may be retried.

        :param attempts: the number of attempts so far.
        """
        has_attempts = self.max_attempts is None or attempts < self.max_attempts
        return self.decision is RetryDecision.RETRY and has_attempts

    @property
    def requested_wait(self) -> str:
        """Return the wait that the service requests, as a part of a message; an empty text if it requests none."""
        return f"; the service requests a wait of {self.retry_after:.0f} s" if self.retry_after else ""

    def with_option_names(self, names: OptionNames) -> FailedAttempt:
        """Return the failure with the names of the connection options in its remedy.

        :param names: the names.
        """
        return replace(self, remedy=self.remedy.format_map(names))

    def to_api_error(self, method: str, path: str, attempts: int) -> ApiError:
        """Return the error to raise.

        :param method: the method of the request.
        :param path: the path of the request.
        :param attempts: the number of attempts.
        """
        repeated = f", after {attempts} attempts" if attempts > 1 else ""
        cause = f"{self.text[0].upper()}{self.text[1:]}{repeated}{self.requested_wait}."
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
    :param route: the route of the request.
    :param is_write: whether the request changes something.
    """
    chain = list(exception_chain(error))
    names = {type(link).__name__ for link in chain}
    reason = root_cause(chain)
    service = route.service
    of_proxy = "ProxyError" in names
    permanent = decide_retry(is_write, is_permanent=True)
    if any(isinstance(link, ssl.SSLError) and link.reason in NOT_TLS for link in chain):
        if of_proxy:
            text, remedy = f"the proxy at {route.proxy} does not use TLS", "Use http:// in {proxy}."
        else:
            text = f"the service at {route.host} does not use TLS"
            remedy = "Check the host and the port in {url}, or use http:// if the service does not support TLS."
        return FailedAttempt("tls", text, remedy, decision=permanent)
    if any(isinstance(link, ssl.SSLError) and link.reason == "NO_CERTIFICATE_OR_CRL_FOUND" for link in chain):
        text = f"the file {route.ca_file} contains no certificate"
        remedy = f"Set {route.ca_option} to a file with CA certificates in PEM format."
        return FailedAttempt("configuration", text, remedy)
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        text = f"the certificate of {service} could not be verified ({reason})"
        return FailedAttempt("tls", text, "Set {ca_path} to the certificate of the CA that signed it.")
    if "SSLError" in names and not names & {"SSLEOFError", "SSLZeroReturnError"}:
        text = f"the TLS connection to {service} failed ({reason})"
        return FailedAttempt("tls", text, "Check {url}, {ca_path}, {client_cert} and {client_key}.", decision=permanent)
    if isinstance(error, ValueError):
        return from_invalid_request(error)
    refusal = re.match(TUNNEL_REFUSED, reason)
    if refusal and int(refusal[1]) < 500:
        return from_proxy_refusal(int(refusal[1]))
    # A name server that does not respond now may respond later.
    is_unknown = any(isinstance(link, socket.gaierror) and link.errno != socket.EAI_AGAIN for link in chain)
    nothing_sent = bool(names & NOTHING_SENT) or refusal is not None
    target = f"the proxy at {route.proxy}" if of_proxy else service
    return FailedAttempt(
        "unavailable",
        f"the connection to {target} {'failed' if nothing_sent else 'was interrupted'} ({reason})",
        "Check that the host that runs the task can reach it, and run the task again.",
        decision=decide_retry(is_write, may_be_processed=not nothing_sent),
        retryable=True,
        max_attempts=MAX_ATTEMPTS_UNKNOWN_HOST if is_unknown else None,
    )


def from_proxy_refusal(http_status: int) -> FailedAttempt:
    """Return the failure of an attempt that a proxy refused: final, because repeated logins can lock an account.

    :param http_status: a status of 4xx.
    """
    category, text, remedy = {
        407: (
            "authentication",
            "the proxy refused the credentials",
            "Set a valid user name and password in {proxy}.",
        ),
        403: (
            "permission",
            "the proxy does not allow the connection",
            "Allow {address} on the proxy, or set another one in {proxy}.",
        ),
    }.get(
        http_status,
        ("configuration", "the proxy refused the connection", "Check {proxy}, and that the proxy serves {address}."),
    )
    return FailedAttempt(category, f"{text} (HTTP {http_status})", remedy, http_status=http_status, of_proxy=True)


def from_invalid_request(error: ValueError) -> FailedAttempt:
    """Return the failure of an attempt for which requests could not build a request from the options.

    :param error: the exception; only its type is shown, because its text may contain a header.
    """
    text = f"the connection options do not result in a valid request ({type(error).__name__})"
    return FailedAttempt("configuration", text, "Check {url}, {proxy}, {headers} and the credentials.")


def from_unreadable_file(error: OSError, route: Route) -> FailedAttempt:
    """Return the failure of an attempt for which a certificate file could not be read.

    :param error: the exception.
    :param route: the route of the request.
    """
    if route.ca_variable and not os.access(route.ca_file, os.R_OK):
        text = f"the file in {route.ca_variable} cannot be read: {route.ca_file}"
        return FailedAttempt("configuration", text, "Correct or unset the variable, or set {ca_path}.")
    text = f"a file could not be read ({root_cause([error])})"
    return FailedAttempt("configuration", text, "Check {ca_path}, {client_cert} and {client_key}.")


def with_token_expiry(failure: FailedAttempt, expires_at: float | None, now: float) -> FailedAttempt:
    """Return the failure of an authentication, with the expiry of the access token if it has expired.

    :param failure: a failure of the category ``authentication``.
    :param expires_at: the expiry from the token, in seconds since 1970, if it contains one.
    :param now: the time of the service, or of this machine if it is unknown.
    """
    if expires_at is None or not 0 < expires_at <= min(now, MAX_TIMESTAMP):
        return failure
    moment = datetime.fromtimestamp(expires_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return replace(failure, remedy=f"{{access_token}} expired at {moment}; set a new token.")


def from_invalid_body(
    profile: ErrorProfile, http_status: int, content: str, is_write: bool, request_id: str | None
) -> FailedAttempt:
    """Return the failure of an attempt with a 2xx response whose body is not JSON.

    :param profile: the profile of the service.
    :param http_status: a status of 2xx.
    :param content: a description of the body.
    :param is_write: whether the request changes something.
    :param request_id: the request ID.
    """
    category, cause, remedy = "contract", "", profile.remedy("contract")
    if content == HTML_PAGE and profile.html_page:
        category = "unavailable"
        cause, remedy = profile.html_page
    return FailedAttempt(
        category,
        f"{profile.name} responded with {content} (HTTP {http_status}){cause}",
        remedy,
        http_status=http_status,
        request_id=request_id,
        decision=decide_retry(is_write, is_permanent=True),
        retryable=category == "unavailable",
    )


def from_too_large_body(service: str, max_size: int, is_write: bool) -> FailedAttempt:
    """Return the failure of an attempt whose response is too large; further attempts would have the same result.

    :param service: the name of the service with its address.
    :param max_size: the limit in bytes.
    :param is_write: whether the request changes something.
    """
    text = f"the response of {service} is larger than {max_size // 1024**2} MiB"
    decision = decide_retry(is_write, is_permanent=True)
    return FailedAttempt("unavailable", text, "Contact the operator of the service.", decision=decision)


def from_unknown_encoding(profile: ErrorProfile, http_status: int, is_write: bool) -> FailedAttempt:
    """Return the failure of an attempt whose response has a ``Content-Encoding`` that was not requested.

    :param profile: the profile of the service.
    :param http_status: the status of the response.
    :param is_write: whether the request changes something.
    """
    text = f"{profile.name} responded with a Content-Encoding that was not requested (HTTP {http_status})"
    decision = decide_retry(is_write, is_permanent=True)
    return FailedAttempt("contract", text, profile.remedy("contract"), http_status=http_status, decision=decision)


def from_foreign_redirect(http_status: int, path: str, redact: Callable[[str], str]) -> FailedAttempt:
    """Return the failure of a read that was redirected to a path that may belong to another resource.

    :param http_status: a status of 3xx.
    :param path: the path of the redirect, without host and query.
    :param redact: removes secrets from it.
    """
    return FailedAttempt(
        "contract",
        f"the service redirected the request to another path, {excerpt(path, redact, 300)}, which may belong to "
        f"another resource (HTTP {http_status})",
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
    """Return the failure of an attempt whose 2xx response reports one; a write may have been processed nevertheless.

    :param profile: the profile of the service.
    :param http_status: a status of 2xx.
    :param details: the content of the response.
    :param is_write: whether the request changes something.
    :param redact: removes secrets from the service's text.
    :param request_id: the request ID.
    """
    code = excerpt(details.code, redact, 100) if details.code else None
    return FailedAttempt(
        "contract",
        f"{profile.name} responded with HTTP {http_status}, but reported a failure{f', {code}' if code else ''}"
        f"{quote(details, None, redact) or ' without a reason'}",
        "Correct the values in the task, or contact the operator of the service.",
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
    """Return the failure of an attempt whose response does not have a 2xx status.

    :param profile: the profile of the service.
    :param http_status: a status other than 2xx.
    :param details: the content of the response.
    :param content: a description of the body if it is not JSON.
    :param retry_after: the seconds to wait that it requests.
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
        f"{text} (HTTP {http_status}{f', {code}' if code else ''}){quote(details, content, redact)}",
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


def _category(http_status: int) -> str:
    if http_status in CATEGORIES_BY_STATUS:
        return CATEGORIES_BY_STATUS[http_status]
    if 300 <= http_status < 400:
        return "configuration"
    return "unavailable" if http_status >= 500 else "contract"
