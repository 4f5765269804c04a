# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client: one session, the retry rules, and an L(ApiError) for whatever goes wrong.

It knows no vendor and no Ansible. What a vendor's error body means is told to it as a function.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping
from urllib.parse import urljoin, urlsplit

try:
    import requests
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

from ansible_collections.secops.itsm.plugins.module_utils.auth import Auth
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.failures import (
    Failure,
    Problem,
    Vendor,
    broken,
    no_json,
    refused,
    short,
    unreadable_file,
    unsendable,
)
from ansible_collections.secops.itsm.plugins.module_utils.pace import Alone, Pace
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock

MAX_REDIRECTS = 3

#: How often a request has another token fetched; more than once only if others used it up.
MOST_RENEWALS = 5


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


class Sessions:
    """The sessions with one service, one for each thread, which keeps its connection for the next request.

    :param transport: how to reach it.
    :param auth: how to authenticate.
    :param user_agent: the C(User-Agent) header.
    """

    def __init__(self, transport: Transport, auth: Auth, user_agent: str) -> None:
        self._transport = transport
        self._auth = auth
        self._user_agent = user_agent
        self._of_thread = threading.local()
        self._opened: list[requests.Session] = []

    def mine(self) -> requests.Session:
        """The session of the thread that asks."""
        session = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = self._new()
            self._opened.append(session)
        return session

    def _new(self) -> requests.Session:
        session = requests.Session()
        # Always set: without it requests would take credentials from a .netrc file.
        session.auth = self._auth
        session.headers.update({"Accept": "application/json", "User-Agent": self._user_agent})
        session.headers.update(self._transport.headers)
        if self._transport.client_cert:
            both = (self._transport.client_cert, self._transport.client_key)
            session.cert = both if self._transport.client_key else self._transport.client_cert  # type: ignore[assignment]  # stubs know only (str, str)
        return session

    def close(self) -> None:
        """End all of them and their connections; a thread that asks again gets a new one."""
        opened, self._opened, self._of_thread = self._opened, [], threading.local()
        for session in opened:
            session.close()


class Client:
    """Sends requests to one service over one session.

    :param transport: how to reach it.
    :param auth: how to authenticate.
    :param vendor: how to read its errors.
    :param read_only: refuse every write, as in check mode.
    :param user_agent: the C(User-Agent) header.
    :param redact: takes secrets out of the service's words, before they are folded or cut.
    :param clock: where time comes from.
    :param pace: when requests go out; alone, unless given.
    :param sessions: those that others use, too; they are not closed by this client.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        vendor: Vendor,
        *,
        read_only: bool = False,
        user_agent: str = "secops.itsm",
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
        pace: Pace | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self.request_ids: list[str] = []
        #: Seconds by which this machine's clock was ahead of the service's at its last answer, if that said its time.
        self.clock_lead: float | None = None
        self._transport = transport
        self._auth = auth
        self._vendor = vendor
        self._read_only = read_only
        self._redact = redact
        self._pace = pace or Alone(transport.retry_timeout, clock or Clock())
        self._sent: Any = None
        self._sessions = sessions or Sessions(transport, auth, user_agent)
        self._closes_sessions = sessions is None
        self._session = self._sessions.mine()

    def close(self) -> None:
        """End the session and its connections, if they are its own."""
        if self._closes_sessions:
            self._sessions.close()

    def quoted(self, text: str, longest: int = 300) -> str:
        """A service's words as a message may have them: without secrets, on one line, and not too many.

        :param text: what the service said.
        :param longest: how many characters stay.
        """
        return short(text, self._redact, longest)

    def read(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request that changes nothing, whatever its method.

        :param method: the HTTP method.
        :param path: the path below the base URL, its segments percent-encoded.
        :param query: the query's parameters.
        :param body: what is sent as JSON.
        :param form: what is sent as a form, instead of JSON.
        :raises ApiError: for anything but a 2xx answer with JSON.
        """
        return self._exchange(_Request(method, path, query, body, form, is_write=False))

    def write(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Answer:
        """Send a request that changes something, again only if it cannot have been processed.

        :param method: the HTTP method.
        :param path: the path below the base URL, its segments percent-encoded.
        :param body: what is sent as JSON.
        :param query: the query's parameters.
        :raises ApiError: for anything but a 2xx answer, C(ambiguous) when it may have taken effect.
        """
        if self._read_only:
            raise ApiError(f"{method} {path} was held back: check mode only reads.", "internal")
        return self._exchange(_Request(method, path, query, body, None, is_write=True))

    def _exchange(self, request: _Request) -> Answer:
        began: float | None = None
        tries = 0
        renewals = 0
        while True:
            tries += 1
            moment = self._pace.begin()
            began = moment if began is None else began
            failure = self._try_in_turn(request)
            if isinstance(failure, Answer):
                return failure
            # Who was not let in has changed nothing, so a write goes out again, too.
            if failure.http_status == 401 and failure.category == "authentication" and renewals < MOST_RENEWALS:
                renewals += 1
                if self._auth.renew(self._sent, again=renewals > 1):
                    continue
            if not self._pace.wait(failure, tries, began):
                raise failure.told(request.method, request.path, tries)

    def _try_in_turn(self, request: _Request) -> Answer | Failure:
        """One try; whatever comes of it, the turn ends."""
        outcome: Answer | Failure | None = None
        try:
            outcome = self._try_once(request)
        except ApiError as failure:
            # Only who authenticates raises one here, and that is the same for every request.
            self._pace.give_up(failure)
            raise
        finally:
            self._pace.end(outcome if isinstance(outcome, Failure) else None, answered=outcome is not None)
        return outcome

    def _try_once(self, request: _Request) -> Answer | Failure:
        url, query = self._transport.base_url + request.path, request.query
        for _hop in range(MAX_REDIRECTS + 1):
            try:
                response = self._send(request, url, query)
            except requests.RequestException as error:
                return broken(error, self._vendor.name, request.is_write)
            except ValueError as error:
                return unsendable(error)
            except OSError as error:
                return unreadable_file(error)
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
            data=request.form,
            timeout=self._transport.timeout,
            # Given with each request: on the session alone, REQUESTS_CA_BUNDLE would overrule it.
            verify=self._transport.verify,
            proxies=proxies,
            allow_redirects=False,
        )
        self._sent = response.request
        if _is_cut_short(response):
            raise requests.ConnectionError(http.client.IncompleteRead(b""))
        return response

    def _judge(self, request: _Request, response: requests.Response) -> Answer | Failure:
        """An answer, or the failure that it stands for."""
        status = response.status_code
        self.clock_lead = _clock_lead(response.headers.get("Date"))
        body, oddity = _parsed(response)
        request_id = self._vendor.request_id_of(body, response.headers)
        if request_id and request_id not in self.request_ids:
            self.request_ids.append(request_id)
        if not 200 <= status < 300:
            problem = self._vendor.problem_of(body) if body is not None else Problem()
            wait = self._vendor.wait_of(status, response.headers)
            return refused(self._vendor, status, problem, oddity, wait, request.is_write, self._redact, request_id)
        if oddity or (body is None and not request.is_write):
            return no_json(status, oddity or "an empty body", self._vendor, request.is_write, request_id)
        return Answer(status, body, request_id)


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str] | None
    body: Any
    form: Mapping[str, str] | None
    is_write: bool


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


def _clock_lead(date: str | None) -> float | None:
    """How far this machine's clock is ahead of a time that a service told."""
    try:
        return time.time() - parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError, OverflowError):
        return None


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
