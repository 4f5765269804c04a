# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small services with the requests of the example systems in docs/tickets, on the loopback interface."""

from __future__ import annotations

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

#: The IDs of the tickets that a service creates. A sandbox with these tickets can link them.
FIRST_ID = 10101
#: The number of the first issue in Jira.
FIRST_NUMBER = 401

USER, PASSWORD = "soc+robot", "not-a-real-password"


@dataclass
class Reply:
    """A response: the status, and the body, which is None if there is none."""

    status: int
    body: Any = None


@dataclass
class Service:
    """A ticketing system in memory.

    :param tickets: the tickets, as the API shows them, by ID.
    :param writes: the requests that changed something, as method and path.
    :param refusals: replies to requests, by method and path; each is used once.
    :param lost: requests, by method and path, that are processed, but whose first response is lost.
    """

    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    refusals: dict[str, Reply] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    url: str = ""

    def handle(self, method: str, address: str, headers: Mapping[str, str], body: Any) -> Reply:
        """Return the response to a request.

        :param method: the method.
        :param address: the path with its query.
        :param headers: the headers.
        :param body: the parsed body, or None.
        """
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("Authorization") != expected:
            return Reply(401, {"errorMessages": ["Not authenticated."], "message": "Not authenticated."})
        parts = urlsplit(address)
        refusal = self.refusals.pop(f"{method} {parts.path}", None)
        if refusal:
            return refusal
        query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
        reply = self.answer(method, parts.path, query, headers, body)
        if method != "GET" and reply.status < 300:
            self.writes.append(f"{method} {parts.path}")
        if f"{method} {parts.path}" in self.lost:
            self.lost.clear()
            return Reply(502, {"message": "Bad gateway.", "errorMessages": ["Bad gateway."]})
        return reply

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Reply:
        """Return the response to an authenticated request."""
        raise NotImplementedError

    def new_id(self) -> int:
        """Return the ID of the next ticket."""
        return FIRST_ID + len(self.tickets)


#: The query for closed issues.
_CLOSED = re.compile(
    r'(?:project = "\w+" AND )?labels is not EMPTY AND statusCategory = Done '
    r"AND \(resolutiondate >= -(?P<minutes>\d+)m OR resolutiondate is EMPTY AND updated >= -(?P=minutes)m\) "
    r"ORDER BY updated DESC"
)


def _was_closed_since(fields: Mapping[str, Any], since: datetime) -> bool:
    """Return whether an issue matches the query for closed issues."""
    moment = fields.get("resolutiondate") or fields["updated"]
    is_done = fields["status"]["statusCategory"]["key"] == "done"
    return is_done and datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.000%z") >= since


class Jira(Service):
    """The part of Jira Data Center's API that ``community.general.jira`` uses."""

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Reply:
        """Return the response to an authenticated request."""
        name = path.removeprefix("/rest/api/2/")
        if (method, name) == ("GET", "search"):
            return self._search(query["jql"], query.get("fields", ""), int(query["maxResults"]))
        if (method, name) == ("POST", "issue/"):
            return self._create(body["fields"])
        found = re.fullmatch(r"issue/([^/]+)(/transitions)?", name)
        issues = [issue for issue in self.tickets.values() if found and found[1] in (issue["id"], issue["key"])]
        if not found or not issues:
            return Reply(404, {"errorMessages": ["Issue Does Not Exist"], "errors": {}})
        if not found[2]:
            return Reply(200, issues[0])
        if method == "GET":
            return Reply(200, {"transitions": [{"id": "31", "name": "Done"}, {"id": "21", "name": "In Progress"}]})
        if body["transition"]["id"] == "31":
            self.close(issues[0]["id"], **body["fields"])
            issues[0]["comments"] = [comment["add"]["body"] for comment in body["update"]["comment"]]
        return Reply(204)

    def close(self, number: str, **fields: Any) -> None:
        """Close an issue as another agent would."""
        done = {"name": "Done", "statusCategory": {"key": "done"}}
        times = {"updated": self.now(), "resolutiondate": self.now() if "resolution" in fields else None}
        self.tickets[number]["fields"].update(times, status=done, **fields)

    @staticmethod
    def now() -> str:
        """Return the current time in the format of Jira, in another time zone."""
        return datetime.now(timezone(timedelta(hours=2))).strftime("%Y-%m-%dT%H:%M:%S.000%z")

    def _search(self, jql: str, fields: str, limit: int) -> Reply:
        """Return the issues that match one of the queries of the example, with the requested fields."""
        issues = list(self.tickets.values())
        by_label = re.fullmatch(r'project = "(\w+)" AND labels = "([^"\\]+)"', jql)
        closed = _CLOSED.fullmatch(jql)
        if by_label:
            issues = [issue for issue in issues if by_label[2] in issue["fields"]["labels"]]
        elif closed:
            since = datetime.now(timezone.utc) - timedelta(minutes=int(closed["minutes"]))
            issues = [issue for issue in issues if _was_closed_since(issue["fields"], since)]
        elif jql != "order by created DESC":
            return Reply(400, {"errorMessages": [f"Error in the JQL Query: {jql}"]})
        names = fields.split(",")
        shown = [
            {**issue, "fields": {name: value for name, value in issue["fields"].items() if name in names}}
            for issue in issues[:limit]
        ]
        return Reply(200, {"total": len(issues), "issues": shown})

    def _create(self, fields: Mapping[str, Any]) -> Reply:
        if any(" " in label for label in fields["labels"]):
            return Reply(400, {"errorMessages": [], "errors": {"labels": "The label can't contain spaces."}})
        number = self.new_id()
        key = f"{fields['project']['key']}-{FIRST_NUMBER + len(self.tickets)}"
        status = {"name": "To Do", "statusCategory": {"key": "new"}}
        shown = {"resolution": None, "resolutiondate": None, "updated": self.now(), **fields, "status": status}
        self.tickets[str(number)] = {"id": str(number), "key": key, "fields": shown}
        return Reply(201, {"id": str(number), "key": key})


class ConnectWise(Service):
    """The part of ConnectWise PSA's API that the example uses."""

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Reply:
        """Return the response to an authenticated request."""
        if not headers.get("clientId"):
            return Reply(401, {"code": "InvalidClientId", "message": "The clientId header is missing."})
        found = re.fullmatch(r"/service/tickets(?:/(\d+))?", path)
        if not found:
            return Reply(404, {"code": "NotFound", "message": "Not found."})
        if not found[1]:
            return self._create(body) if method == "POST" else self._search(query)
        ticket = self.tickets.get(found[1])
        if ticket is None:
            return Reply(404, {"code": "NotFound", "message": f"Ticket {found[1]} was not found."})
        if method == "PATCH":
            for operation in body:
                if operation["path"] != "status/name" or operation["op"] != "replace":
                    return Reply(400, {"code": "InvalidObject", "message": "Unknown path."})
                self.close(found[1], operation["value"])
        return Reply(200, ticket)

    def close(self, number: str, status: str) -> None:
        """Set the status of a ticket as another agent would."""
        is_closed = status.startswith(">")
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if is_closed else None
        self.tickets[number].update(status={"name": status}, closedFlag=is_closed, closedDate=moment)

    def _search(self, query: Mapping[str, str]) -> Reply:
        conditions = query.get("conditions", "")
        by_reference = re.fullmatch(r'externalXRef = "([^"\\]+)"', conditions)
        closed = re.fullmatch(r"closedFlag = true and externalXRef != null and closedDate >= \[(\S+Z)\]", conditions)
        tickets = list(self.tickets.values())
        if by_reference:
            tickets = [ticket for ticket in tickets if ticket["externalXRef"] == by_reference[1]]
        elif closed:
            tickets = [ticket for ticket in tickets if ticket["closedFlag"] and ticket["closedDate"] >= closed[1]]
        elif conditions:
            return Reply(400, {"code": "InvalidConditions", "message": f"Conditions are invalid: {conditions}"})
        size = int(query["pageSize"])
        begin = (int(query.get("page", "1")) - 1) * size
        return Reply(200, tickets[begin : begin + size])

    def _create(self, body: Mapping[str, Any]) -> Reply:
        if len(body["summary"]) > 100:
            return Reply(400, {"code": "InvalidObject", "message": "summary is too long."})
        number = self.new_id()
        self.tickets[str(number)] = {"status": {"name": "New"}, **body, "id": number, "closedFlag": False}
        return Reply(201, self.tickets[str(number)])


def serve(service: Service) -> Iterator[Service]:
    """Serve a ticketing system and yield it with its address.

    :param service: the service.
    """

    class Handler(BaseHTTPRequestHandler):
        """Passes requests to the service."""

        def reply(self) -> None:
            """Answer a request."""
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = service.handle(self.command, self.path, self.headers, json.loads(raw) if raw else None)
            content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = reply  # noqa: N815

        def log_message(self, *_words: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        yield service
        server.shutdown()
        thread.join()
