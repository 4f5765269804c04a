# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Send requests over HTTP, retry them, and raise ApiError for any failure.

The client depends on neither a vendor nor Ansible; an ErrorProfile describes how a service reports errors.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

try:
    import requests
    import urllib3.exceptions
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Auth, Notice
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, excerpt
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import (
    HTML_PAGE,
    TOO_DEEP,
    FailedAttempt,
    Route,
    from_exception,
    from_foreign_redirect,
    from_invalid_body,
    from_invalid_request,
    from_reported_failure,
    from_response,
    from_too_large_body,
    from_unknown_encoding,
    from_unreadable_file,
    with_token_expiry,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile, OptionNames
from ansible_collections.secops.itsm.plugins.module_utils._http.response_limits import (
    MAX_RESPONSE_SIZE,
    LimitedAdapter,
    TooLargeError,
    UnknownEncodingError,
    read_body,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import (
    RetryTimeoutError,
    SingleWorkerThrottle,
    Throttle,
)
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import whole_number

MAX_REDIRECTS = 3

#: The maximum nesting of lists and objects in a response, so that processing it does not raise RecursionError.
MAX_NESTING = 100

#: Seconds of retries before the next connection failure is reported to the user; in practice about 5 seconds.
RETRY_NOTICE_AFTER = 3.0

#: The maximum number of token refreshes for a request; more than one only if other threads used the token, too.
MAX_REFRESHES = 5


@dataclass(frozen=True)
class Response:
    """A successful response.

    :param http_status: a status of 2xx.
    :param body: the parsed JSON; None if the body is empty.
    :param request_id: the request ID, if the response has one.
    :param headers: the headers, with names in any case.
    """

    http_status: int
    body: Any
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Transport:
    """The settings for reaching a service.

    :param base_url: scheme, host and path prefix, without a trailing slash.
    :param timeout: seconds to wait for a connection, and for each part of a response.
    :param retry_timeout: maximum time in seconds to keep retrying a request.
    :param verify: True, False, or the path of a CA bundle.
    :param client_cert: path of a client certificate (PEM), which may include its key.
    :param client_key: path of the key, if it is a separate file.
    :param proxy: URL of the proxy; None to use that of the environment.
    :param direct: whether to use no proxy, not even that of the environment.
    :param headers: additional headers of all requests.
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


class Sessions:
    """The sessions with a service. Each thread has its own one, which keeps its connection open.

    :param transport: how to reach the service.
    :param auth: how to authenticate.
    :param user_agent: the value of the ``User-Agent`` header.
    """

    def __init__(self, transport: Transport, auth: Auth, user_agent: str) -> None:
        self._transport = transport
        self._auth = auth
        self._user_agent = user_agent
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, requests.Session]] = []
        self._lock = threading.Lock()

    def for_current_thread(self) -> requests.Session:
        """Return the session of the current thread."""
        session = getattr(self._local, "session", None)
        if session is None:
            with self._lock:
                session = self._local.session = self._reusable() or self._new()
                self._opened.append((threading.current_thread(), session))
        return session

    def _reusable(self) -> requests.Session | None:
        """Return the session of a thread that has ended, or None; lists replace their workers."""
        for index, (thread, session) in enumerate(self._opened):
            if not thread.is_alive():
                del self._opened[index]
                return session
        return None

    def _new(self) -> requests.Session:
        session = requests.Session()
        # Always set, as requests would otherwise use the credentials of a .netrc file.
        session.auth = self._auth
        session.headers.update({"Accept": "application/json", "User-Agent": self._user_agent})
        session.headers["Accept-Encoding"] = "gzip, deflate"
        for scheme in ("http://", "https://"):
            session.mount(scheme, LimitedAdapter())
        session.headers.update(self._transport.headers)
        if self._transport.client_cert:
            if self._transport.client_key:
                session.cert = (self._transport.client_cert, self._transport.client_key)
            else:
                session.cert = self._transport.client_cert
        return session

    def close(self) -> None:
        """Close all sessions and their connections. Threads that need one again open a new one."""
        opened, self._opened, self._local = self._opened, [], threading.local()
        for _thread, session in opened:
            session.close()


class Client:
    """Send requests to a service over a session.

    :param transport: how to reach the service.
    :param auth: how to authenticate.
    :param profile: how the service reports errors.
    :param read_only: whether to refuse all writes, as in check mode.
    :param user_agent: the value of the ``User-Agent`` header.
    :param redact: removes secrets from the service's text.
    :param clock: the source of time.
    :param throttle: controls when requests are sent; by default, that of a single worker.
    :param sessions: shared sessions, which this client does not close.
    :param notice: called with a sentence for the user if a connection is retried for some seconds.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        profile: ErrorProfile,
        *,
        read_only: bool = False,
        user_agent: str = "secops.itsm",
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
        throttle: Throttle | None = None,
        sessions: Sessions | None = None,
        notice: Notice | None = None,
    ) -> None:
        self.request_ids: list[str] = []
        #: Whether a write may have taken effect: it succeeded, or it is uncertain whether it was processed.
        self.may_have_changed = False
        #: Seconds by which this machine's clock is ahead of the service's, if the last response had a ``Date`` header.
        self.clock_lead: float | None = None
        self._transport = transport
        self._auth = auth
        self._profile = profile
        self._read_only = read_only
        self._redact = redact
        self._clock = clock or Clock()
        self._throttle = throttle or SingleWorkerThrottle(transport.retry_timeout, self._clock)
        self._notice = notice
        self._sent: Any = None
        self._sessions = sessions or Sessions(transport, auth, user_agent)
        self._closes_sessions = sessions is None
        self._session = self._sessions.for_current_thread()

    def close(self) -> None:
        """Close the sessions, unless they are shared."""
        if self._closes_sessions:
            self._sessions.close()

    def excerpt(self, text: str, max_length: int = 300) -> str:
        """Return the start of a service's text for a message, on one line and without secrets.

        :param text: from the service.
        :param max_length: the maximum number of characters.
        """
        return excerpt(text, self._redact, max_length)

    def read(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request that changes nothing, and return its response.

        :param method: the HTTP method.
        :param path: the path below the base URL, with percent-encoded segments.
        :param query: the query parameters.
        :param body: the body, sent as JSON.
        :param form: the body, sent as a form.
        :raises ApiError: unless the response is 2xx with JSON.
        """
        return self._send_with_retries(_Request(method, path, query, body, form, is_write=False))

    def write(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        is_refusal: Callable[[Any], bool] | None = None,
    ) -> Response:
        """Send a request that changes something, and return its response. Retry it only if it was not processed.

        :param method: the HTTP method.
        :param path: the path below the base URL, with percent-encoded segments.
        :param body: the body, sent as JSON.
        :param query: the query parameters.
        :param is_refusal: returns whether the body of a 2xx response reports that nothing was changed.
        :raises ApiError: unless the response is 2xx; ``ambiguous`` if the write may have taken effect.
        """
        if self._read_only:
            raise ApiError(f"{method} {path} was not sent, because check mode only sends read requests.", "internal")
        had_changed, self.may_have_changed = self.may_have_changed, True
        try:
            response = self._send_with_retries(_Request(method, path, query, body, None, is_write=True))
        except ApiError as failure:
            self.may_have_changed = had_changed or failure.ambiguous
            raise
        self.may_have_changed = had_changed or not (is_refusal and is_refusal(response.body))
        return response

    def _send_with_retries(self, request: _Request) -> Response:
        first_sent_at = self._throttle.acquire()
        attempts = 0
        refreshes = 0
        while True:
            attempts += 1
            failure = self._throttled_attempt(request)
            if isinstance(failure, Response):
                return failure
            # A request that was not authenticated has changed nothing, so a write is retried, too.
            if failure.http_status == 401 and failure.category == "authentication" and refreshes < MAX_REFRESHES:
                refreshes += 1
                if self._auth.refresh(self._sent, again=refreshes > 1):
                    self._throttle.acquire()
                    continue
            if failure.http_status is None and failure.may_retry(attempts):
                self._report_retry(failure, self._clock.now() - first_sent_at)
            if not self._throttle.wait_for_retry(failure, attempts, first_sent_at):
                raise failure.to_api_error(request.method, request.path, attempts)
            try:
                self._throttle.acquire(first_sent_at)
            except RetryTimeoutError:
                raise failure.to_api_error(request.method, request.path, attempts) from None

    @property
    def _service(self) -> str:
        """Return the name of the service with its address, without its path."""
        parts = urlsplit(self._transport.base_url)
        return f"{self._profile.name} at {parts.scheme}://{parts.netloc}"

    @property
    def _option_names(self) -> OptionNames:
        """Return the names of the connection options for messages."""
        known = {"address": self._transport.base_url}
        variable, _proxy = environment_proxy(self._transport.base_url)
        if variable and not self._transport.proxy and not self._transport.direct:
            known["proxy"] = variable
        return OptionNames(self._profile.prefix, **known)

    def _route(self) -> Route:
        """Return how requests reach the service, for messages."""
        parts = urlsplit(self._transport.base_url)
        proxy = self._transport.proxy or environment_proxy(self._transport.base_url)[1]
        ca_variable, ca_file = "", self._transport.verify
        if ca_file is True:
            # The variables that requests reads, in its order.
            ca_variable = next(filter(os.environ.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")), "")
            ca_file = os.environ.get(ca_variable, "")
        return Route(
            self._service,
            f"{parts.hostname}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}",
            urlsplit(proxy).netloc.rpartition("@")[2],
            ca_variable,
            str(ca_file or ""),
        )

    def _with_details(self, outcome: Response | FailedAttempt) -> Response | FailedAttempt:
        """Return a response unchanged; add to a failure the names of the options and the expiry of an expired token."""
        if isinstance(outcome, Response):
            return outcome
        if outcome.category == "authentication" and not outcome.of_proxy:
            outcome = with_token_expiry(outcome, self._auth.expires_at, time.time() - (self.clock_lead or 0))
        return outcome.with_option_names(self._option_names)

    def _report_retry(self, failure: FailedAttempt, seconds: float) -> None:
        """Notify the user that a connection is retried, which can take a while without any output."""
        if self._notice and seconds >= RETRY_NOTICE_AFTER:
            self._notice(f"{failure.text[0].upper()}{failure.text[1:]}. The request is being retried.")

    def _throttled_attempt(self, request: _Request) -> Response | FailedAttempt:
        """Send a request once, and release the throttle, even if an exception is raised."""
        outcome: Response | FailedAttempt | None = None
        try:
            outcome = self._with_details(self._attempt(request))
        except ApiError as error:
            # Only the authentication raises ApiError here, and it would fail for other requests, too.
            self._throttle.abort(error)
            raise
        finally:
            failure = outcome if isinstance(outcome, FailedAttempt) else None
            self._throttle.release(failure, was_sent=outcome is not None, is_write=request.is_write)
        return outcome

    def _attempt(self, request: _Request) -> Response | FailedAttempt:
        url, query = self._transport.base_url + request.path, request.query
        for _hop in range(MAX_REDIRECTS + 1):
            try:
                response = self._send(request, url, query)
                content = read_body(response)
                if _is_cut_short(response, content):
                    raise requests.ConnectionError(http.client.IncompleteRead(b""))
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                return from_exception(error, self._route(), request.is_write)
            except TooLargeError:
                return from_too_large_body(self._service, MAX_RESPONSE_SIZE, request.is_write)
            except UnknownEncodingError:
                return from_unknown_encoding(self._profile, response.status_code, request.is_write)
            except ValueError as error:
                return from_invalid_request(error)
            except OSError as error:
                return from_unreadable_file(error, self._route())
            target = None if request.is_write or request.method != "GET" else _redirect_target(response)
            if target is None:
                break
            if not _keeps_path(target, request.path):
                return from_foreign_redirect(response.status_code, urlsplit(target).path or "/", self._redact)
            # The target contains the query.
            url, query = target, None
        return self._classify(request, response, content)

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
            data=request.form,
            timeout=self._transport.timeout,
            # Set for each request: REQUESTS_CA_BUNDLE would override that of the session.
            verify=self._transport.verify,
            proxies=proxies,
            allow_redirects=False,
            stream=True,
        )
        self._sent = response.request
        return response

    def _classify(self, request: _Request, response: requests.Response, content: bytes) -> Response | FailedAttempt:
        """Return the response if it is successful, else the failure that it reports."""
        status = response.status_code
        self.clock_lead = _clock_lead(response.headers.get("Date"))
        body, other_content = _parse_json(content, response.headers.get("Content-Type", ""))
        request_id = self._profile.find_request_id(body, response.headers)
        if request_id and request_id not in self.request_ids:
            self.request_ids.append(request_id)
        if not 200 <= status < 300:
            details = self._profile.parse_error(body) if body is not None else ErrorBody()
            retry_after = self._profile.retry_after(status, response.headers)
            failure = from_response(
                self._profile, status, details, other_content, retry_after, request.is_write, self._redact, request_id
            )
            remedy = self._profile.remedy_of(status, response.headers)
            return replace(failure, remedy=remedy) if remedy else failure
        if other_content or (body is None and not request.is_write):
            other_content = other_content or "an empty body instead of JSON"
            return from_invalid_body(self._profile, status, other_content, request.is_write, request_id)
        if self._profile.reports_failure(body):
            details = self._profile.parse_error(body)
            return from_reported_failure(self._profile, status, details, request.is_write, self._redact, request_id)
        return Response(status, body, request_id, response.headers)


def environment_proxy(url: str) -> tuple[str, str]:
    """Return the environment variable that sets the proxy for a URL, and its value; empty texts if there is none.

    :param url: the URL of the service.
    """
    found = requests.utils.get_environ_proxies(url)
    scheme = next((scheme for scheme in (urlsplit(url).scheme, "all") if found.get(scheme)), None)
    return (f"{scheme.upper()}_PROXY", found[scheme]) if scheme else ("", "")


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str] | None
    body: Any
    form: Mapping[str, str] | None
    is_write: bool


def _parse_json(content: bytes, content_type: str) -> tuple[Any, str | None]:
    """Return the JSON of a response, and a description of its body if it is not JSON."""
    if not content.strip():
        return None, None
    try:
        body = json.loads(content)
        return (None, TOO_DEEP) if _is_too_deep(body) else (body, None)
    except RecursionError:
        return None, TOO_DEEP
    except ValueError:
        pass
    if "html" in content_type or content.lstrip()[:1] == b"<":
        return None, HTML_PAGE
    return None, "invalid JSON" if "json" in content_type else "text instead of JSON"


def _is_too_deep(body: Any) -> bool:
    """Return whether lists and objects are nested more than MAX_NESTING levels deep, without recursion."""
    level = [body]
    for _depth in range(MAX_NESTING):
        containers = [value for value in level if isinstance(value, (dict, list))]
        level = [item for value in containers for item in (value.values() if isinstance(value, dict) else value)]
    return any(isinstance(value, (dict, list)) for value in level)


def _clock_lead(date: str | None) -> float | None:
    """Return the seconds by which the clock of this machine is ahead of a ``Date`` header, or None."""
    try:
        return time.time() - parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError, OverflowError):
        return None


def _is_cut_short(response: requests.Response, content: bytes) -> bool:
    """Return whether a response is shorter than its ``Content-Length``; urllib3 before version 2 does not check it."""
    length = response.headers.get("Content-Length", "")
    has_body = bool(content) or response.status_code not in (204, 304)
    expected = whole_number(length)
    return expected is not None and has_body and response.raw.tell() < expected


def _redirect_target(response: requests.Response) -> str | None:
    """Return the URL of a redirect to the same host, but not from https to http; others must not get credentials."""
    location = response.headers.get("Location")
    if response.status_code not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        target = urljoin(response.url, location)
        old, new = urlsplit(response.url), urlsplit(target)
        same_host = old.hostname == new.hostname and (old.port == new.port or new.scheme == "https")
    except ValueError:
        return None
    return target if same_host and new.scheme in {"https", old.scheme} else None


def _keeps_path(target: str, path: str) -> bool:
    """Return whether the path of a URL ends with a path, in any percent-encoding."""
    segments, expected = (
        [unquote_to_bytes(segment) for segment in text.strip("/").split("/")] for text in (urlsplit(target).path, path)
    )
    return segments[-len(expected) :] == expected
