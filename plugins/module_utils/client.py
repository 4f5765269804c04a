# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client: one session, the retry rules, and an L(ApiError) for whatever goes wrong.

It knows no vendor and no Ansible. What a vendor's error body means is told to it as a function.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

try:
    import requests
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

from ansible_collections.secops.itsm.plugins.module_utils.auth import HeaderAuth
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.retries import (
    Clock,
    is_ambiguous,
    may_send_again,
    retry_after_seconds,
    wait_before,
)

MAX_REDIRECTS = 3

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
    "conflict": ("it was changed by somebody else at the same time", "Run the task again."),
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


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    :param http_status: 2xx.
    :param body: the parsed JSON, or None when there was no body.
    :param request_id: the service's identifier of the exchange, where the vendor's C(request_id_of) found one.
    """

    http_status: int
    body: Any
    request_id: str | None = None


@dataclass(frozen=True)
class Transport:
    """How to reach a service, whichever it is.

    :param base_url: scheme, host and path prefix, without a slash at the end.
    :param timeout: seconds to wait for a connection, and for each piece of an answer.
    :param retry_timeout: seconds after which no further try of a request begins.
    :param verify: True, False, or the path of a CA bundle.
    :param client_cert: path of a client certificate (PEM), with or without its key.
    :param client_key: path of the key, when it is a file of its own.
    :param proxy: URL of a proxy for every request; None leaves that to the environment.
    :param direct: use no proxy of the environment either.
    :param headers: additional headers of every request.
    """

    base_url: str
    timeout: float = 30.0
    retry_timeout: float = 60.0
    verify: bool | str = True
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    direct: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Vendor:
    """The two things that a client must know of a service to report on it.

    :param name: how messages call it.
    :param problem_of: reads an error body that was JSON.
    :param request_id_of: finds the request's identifier in an answer's body and headers.
    """

    name: str
    problem_of: Callable[[Any], Problem]
    request_id_of: Callable[[Any, Mapping[str, str]], str | None]


class Client:
    """Sends requests to one service over one session.

    :param transport: how to reach it.
    :param auth: how to authenticate.
    :param vendor: how to read its errors.
    :param read_only: refuse every write, as in check mode.
    :param user_agent: the C(User-Agent) header.
    :param redact: takes secrets out of the service's words, before they are folded or cut.
    :param clock: where time comes from.
    """

    def __init__(
        self,
        transport: Transport,
        auth: HeaderAuth,
        vendor: Vendor,
        *,
        read_only: bool = False,
        user_agent: str = "secops.itsm",
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
    ) -> None:
        self.request_ids: list[str] = []
        self._transport = transport
        self._vendor = vendor
        self._read_only = read_only
        self._redact = redact
        self._clock = clock or Clock()
        self._session = requests.Session()
        # Always set: without it requests would take credentials from a .netrc file.
        self._session.auth = auth
        self._session.headers.update({"Accept": "application/json", "User-Agent": user_agent})
        self._session.headers.update(transport.headers)
        if transport.client_cert:
            both = (transport.client_cert, transport.client_key)
            self._session.cert = both if transport.client_key else transport.client_cert  # type: ignore[assignment]

    def close(self) -> None:
        """End the session and its connections."""
        self._session.close()

    def read(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """Send a request that changes nothing, whatever its method.

        :param method: the HTTP method.
        :param path: the path below the base URL, its segments percent-encoded.
        :param query: the query's parameters.
        :param body: what is sent as JSON.
        :raises ApiError: for anything but a 2xx answer with JSON.
        """
        return self._exchange(_Request(method, path, query, body, is_write=False))

    def write(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request that changes something, again only if it cannot have been processed.

        :param method: the HTTP method.
        :param path: the path below the base URL, its segments percent-encoded.
        :param body: what is sent as JSON.
        :raises ApiError: for anything but a 2xx answer, C(ambiguous) when it may have taken effect.
        """
        if self._read_only:
            raise ApiError(f"{method} {path} was held back: check mode only reads.", "internal")
        return self._exchange(_Request(method, path, None, body, is_write=True))

    def _exchange(self, request: _Request) -> Answer:
        deadline = self._clock.now() + self._transport.retry_timeout
        tries = 0
        while True:
            tries += 1
            failure = self._try_once(request)
            if isinstance(failure, Answer):
                return failure
            wait = wait_before(tries, failure.retry_after)
            if not failure.send_again or self._clock.now() + wait > deadline:
                raise failure.told(request, tries)
            self._clock.sleep(wait)

    def _try_once(self, request: _Request) -> Answer | _Failure:
        url, query = self._transport.base_url + request.path, request.query
        for _hop in range(MAX_REDIRECTS + 1):
            try:
                response = self._send(request, url, query)
            except (requests.RequestException, OSError, ValueError) as broken:
                return self._broken(request, broken)
            target = None if request.is_write or request.method != "GET" else _redirect_target(response)
            if target is None:
                break
            # The new address has the query that its giver wants it to have.
            url, query = target, None
        return self._judge(request, response)

    def _send(self, request: _Request, url: str, query: Mapping[str, str] | None) -> requests.Response:
        proxy = self._transport.proxy
        proxies = {"http": proxy, "https": proxy} if proxy else None
        if self._transport.direct:
            proxies = {"no_proxy": urlsplit(url).hostname or ""}
        response = self._session.request(
            request.method,
            url,
            params=query,
            json=request.body,
            timeout=self._transport.timeout,
            # Given with each request: on the session alone, REQUESTS_CA_BUNDLE would overrule it.
            verify=self._transport.verify,
            proxies=proxies,
            allow_redirects=False,
        )
        if _is_cut_short(response):
            raise requests.ConnectionError(http.client.IncompleteRead(b""))
        return response

    def _broken(self, request: _Request, broken: Exception) -> _Failure:
        """A failure below HTTP."""
        chain = list(_chain(broken))
        names = {type(link).__name__ for link in chain}
        reason = _reason(chain)
        service = self._vendor.name
        if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
            text = f"the certificate of {service} could not be verified ({reason})"
            return _Failure("tls", text, "Set ca_path to the CA that signed it.")
        if "SSLError" in names and not names & {"SSLEOFError", "SSLZeroReturnError"}:
            text = f"no TLS connection to {service} could be made ({reason})"
            return _Failure("tls", text, "Check url, ca_path, client_cert and client_key.", ambiguous=request.is_write)
        if isinstance(broken, ValueError):
            text = f"the connection options do not make a valid request ({type(broken).__name__})"
            return _Failure("configuration", text, "Check url, proxy, headers and the credentials.")
        nothing_sent = bool(names & NOTHING_SENT) or reason.startswith(TUNNEL_REFUSED)
        if not isinstance(broken, requests.RequestException):
            return _Failure("configuration", f"a file could not be read ({reason})", "Check ca_path and client_cert.")
        place = "the proxy" if "ProxyError" in names else service
        return _Failure(
            "unavailable",
            f"the connection to {place} {'could not be made' if nothing_sent else 'broke off'} ({reason})",
            "Check that it can be reached from where the task runs, and run the task again.",
            send_again=may_send_again(request.is_write, None, None, not nothing_sent),
            ambiguous=request.is_write and is_ambiguous(None, not nothing_sent),
            retryable=True,
        )

    def _judge(self, request: _Request, response: requests.Response) -> Answer | _Failure:
        """An answer, or the failure that it stands for."""
        status = response.status_code
        body, oddity = _parsed(response)
        request_id = self._vendor.request_id_of(body, response.headers)
        if request_id and request_id not in self.request_ids:
            self.request_ids.append(request_id)
        if 200 <= status < 300:
            if oddity or (body is None and not request.is_write):
                return _Failure(
                    "contract",
                    f"{self._vendor.name} answered with {oddity or 'an empty body'} instead of JSON",
                    SENTENCES["contract"][1],
                    http_status=status,
                    request_id=request_id,
                    ambiguous=request.is_write,
                )
            return Answer(status, body, request_id)
        problem = self._vendor.problem_of(body) if body is not None else Problem()
        category = _category(status)
        what, next_step = SENTENCES[category]
        retry_after = retry_after_seconds(response.headers.get("Retry-After"))
        return _Failure(
            category,
            f"{what} (HTTP {status}{f', {problem.code}' if problem.code else ''}){self._detail(problem, oddity)}",
            next_step,
            http_status=status,
            code=problem.code,
            request_id=problem.request_id or request_id,
            fields=problem.fields,
            retry_after=retry_after,
            send_again=may_send_again(request.is_write, status, retry_after, True),
            ambiguous=request.is_write and is_ambiguous(status, True),
            retryable=category in ("rate_limited", "unavailable", "conflict"),
        )

    def _detail(self, problem: Problem, oddity: str | None) -> str:
        """The service's own words, short and on one line."""
        if oddity:
            return f": it answered with {oddity}"
        if not problem.text and not problem.fields:
            return ""
        words = [problem.text] if problem.text else []
        words += [f"{name}: {' '.join(texts)}" if name else " ".join(texts) for name, texts in problem.fields.items()]
        text = " ".join(self._redact(" ".join(words)).split()).rstrip(".")
        return ": " + (text if len(text) <= 300 else text[:297] + "...")


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str] | None
    body: Any
    is_write: bool


@dataclass(frozen=True)
class _Failure:
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

    def told(self, request: _Request, tries: int) -> ApiError:
        waited = f", after {tries} tries" if tries > 1 else ""
        asked = f"; it asks to wait {self.retry_after:.0f} s" if self.retry_after else ""
        text = self.text[0].upper() + self.text[1:]
        return ApiError(
            f"{text}{waited}{asked}. {self.next_step}",
            self.category,
            code=self.code,
            http_status=self.http_status,
            method=request.method,
            path=request.path,
            request_id=self.request_id,
            retryable=self.retryable,
            fields=self.fields,
            ambiguous=self.ambiguous,
        )


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


def _parsed(response: requests.Response) -> tuple[Any, str | None]:
    """The JSON of an answer, and what stood there instead if it was not JSON."""
    content = response.content
    if not content.strip():
        return None, None
    try:
        return json.loads(content), None
    except (ValueError, RecursionError):
        pass
    kind = response.headers.get("Content-Type", "")
    if "html" in kind or content.lstrip()[:1] == b"<":
        return None, "an HTML page"
    return None, "broken JSON" if "json" in kind else "something"


def _is_cut_short(response: requests.Response) -> bool:
    """Whether less came than was announced; urllib3 notices that itself only from version 2 on."""
    announced = response.headers.get("Content-Length", "")
    return announced.isdigit() and bool(response.content) and response.raw.tell() < int(announced)


def _redirect_target(response: requests.Response) -> str | None:
    """Where a read may follow to: the same host, and never from https to http. Anywhere else gets no credentials."""
    location = response.headers.get("Location")
    if response.status_code not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        target = urljoin(response.url, location)
        here, there = urlsplit(response.url), urlsplit(target)
        same_host = here.hostname == there.hostname and (here.port == there.port or there.scheme == "https")
    except ValueError:
        return None
    return target if same_host and there.scheme in {"https", here.scheme} else None


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
