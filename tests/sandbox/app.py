# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a web application: the services, and the control endpoints below ``/_sandbox``."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Iterable, Mapping

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ansible_collections.secops.itsm.tests.sandbox.contraforce import ContraForce
from ansible_collections.secops.itsm.tests.sandbox.contraforce_service import ContraForceService
from ansible_collections.secops.itsm.tests.sandbox.deliveries import NO_WEBHOOK, Deliveries
from ansible_collections.secops.itsm.tests.sandbox.edits import Edit
from ansible_collections.secops.itsm.tests.sandbox.events import (
    incident_created,
    investigation_completed,
    trial,
)
from ansible_collections.secops.itsm.tests.sandbox.faults import Fault
from ansible_collections.secops.itsm.tests.sandbox.input_validation import check
from ansible_collections.secops.itsm.tests.sandbox.parsing import parsed_json
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile, ServiceNowProfile, TicketingProfile
from ansible_collections.secops.itsm.tests.sandbox.request_dispatch import RequestDispatcher
from ansible_collections.secops.itsm.tests.sandbox.seed import Seed
from ansible_collections.secops.itsm.tests.sandbox.servicenow.access import AccessRule
from ansible_collections.secops.itsm.tests.sandbox.servicenow.rules import BusinessRule
from ansible_collections.secops.itsm.tests.sandbox.servicenow.service import ServiceNowService
from ansible_collections.secops.itsm.tests.sandbox.servicenow.state import ServiceNow
from ansible_collections.secops.itsm.tests.sandbox.ticketing.service import TicketingService
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook

Steering = Callable[[Any], None]


class Sandbox:
    """The services, and the operations of the control endpoints.

    :param webhook: the initial subscription to events.
    """

    def __init__(self, seed: Seed, webhook: Webhook | None = None) -> None:
        self.ticketing = Ticketing(seed.ticketing)
        self.servicenow = ServiceNow(seed.servicenow, seed.servicenow_tickets)
        self.contraforce = ContraForce(seed, self.ticketing, self.servicenow)
        self.deliveries = Deliveries(webhook)
        self.dispatcher = RequestDispatcher(
            [
                TicketingService(self.ticketing),
                ServiceNowService(self.servicenow, self.ticketing.edits),
                ContraForceService(self.contraforce),
            ]
        )

    def reset(self, body: Any) -> None:
        """Restore the initial state, and set profiles, faults, edits and bulk incidents.

        :raises ValueError: if the body is not valid; nothing is changed.
        """
        check("reset", body)
        body = body or {}
        faults, edits = self._faults(body.get("faults", [])), self._edits(body.get("edits", []))
        instance = dict(body.get("servicenow", {}))
        access = self._access(instance.pop("access", []))
        rules = self._rules(instance.pop("rules", []))
        self.ticketing.reset(TicketingProfile(**body.get("ticketing", {})), edits)
        self.servicenow.reset(ServiceNowProfile(**instance), access, rules)
        self.contraforce.reset(Profile(**body.get("profile", {})), body.get("crowd", 0))
        self.dispatcher.faults.replace(faults)
        self.dispatcher.journal.clear()
        self.deliveries.reset()

    def set_faults(self, body: Any) -> None:
        """Replace the faults. Raise ValueError if the body is not valid."""
        self.dispatcher.faults.replace(self._faults(body))

    def set_edits(self, body: Any) -> None:
        """Replace the edits of another agent. Raise ValueError if the body is not valid."""
        self.ticketing.edits.replace(self._edits(body))

    def edit(self, body: Any) -> None:
        """Let another agent edit a ticket. Raise ValueError if the body is not valid."""
        check("edit", body)
        name, fields = body["object_id"], body["fields"]
        if not self.servicenow.edit(name, fields) and not self.ticketing.edit_if_there(name, fields):
            raise ValueError(f"edit.object_id is {name}, but there is no such ticket")

    def add_incidents(self, body: Any) -> None:
        """Create incidents and send their events. Raise ValueError if the body is not valid."""
        records = self.contraforce.checked(body)
        events = [incident_created(record, self._workspace(record["workspaceId"])) for record in records]
        self.contraforce.add(records)
        for event in events:
            self.deliveries.send(event)

    def complete_investigations(self, body: Any) -> None:
        """Send the events of completed investigations. Raise ValueError if any of them is not valid."""
        check("investigations", body)
        events = []
        for entry in body:
            record = self.contraforce.stored(entry["workspaceId"], entry["source"], entry["id"])
            events.append(investigation_completed(record, self._workspace(record["workspaceId"]), entry))
        if self.deliveries.webhook is None:
            raise ValueError(NO_WEBHOOK)
        for event in events:
            self.deliveries.send(event)

    def _workspace(self, identifier: str) -> Mapping[str, Any]:
        return self.contraforce.workspaces[identifier.lower()]

    def try_webhook(self, _body: Any) -> None:
        """Send a test event. Raise ValueError if there is no webhook."""
        if self.deliveries.webhook is None:
            raise ValueError(NO_WEBHOOK)
        self.deliveries.send(trial(next(iter(self.contraforce.workspaces.values()))))

    def _faults(self, value: Any) -> list[Fault]:
        check("faults", value)
        faults = [Fault(**entry) for entry in value]
        for fault in faults:
            fault.check(self.dispatcher.operations)
        return faults

    def _edits(self, value: Any) -> list[Edit]:
        check("edits", value)
        edits = [Edit(**entry) for entry in value]
        for edit in edits:
            edit.check([*self.ticketing.handlers(), *self.servicenow.handlers()])
        return edits

    def _access(self, value: Any) -> list[AccessRule]:
        for entry in value:
            self._check_names("access", entry["table"], entry.get("columns", []), entry.get("where", ""))
        return [AccessRule(**{**entry, "columns": tuple(entry.get("columns", []))}) for entry in value]

    def _rules(self, value: Any) -> list[BusinessRule]:
        for entry in value:
            self._check_names("rules", entry["table"], entry.get("set", {}), entry.get("when", ""))
        return [BusinessRule(**entry) for entry in value]

    def _check_names(self, what: str, name: str, columns: Iterable[str], query: str) -> None:
        """Raise ValueError if a table of the instance or one of its columns does not exist, or a query is not valid."""
        table = self.servicenow.store.tables.by_name.get(name)
        if table is None:
            raise ValueError(f"servicenow.{what} names the unknown table {name}")
        unknown = [column for column in columns if column not in table.columns]
        if unknown:
            raise ValueError(f"servicenow.{what} names the column {unknown[0]}, which {name} does not have")
        invalid = self.servicenow.invalid_parts(table, query)
        if invalid:
            raise ValueError(f"servicenow.{what} has the invalid query {invalid[0]}")

    async def show_journal(self, _request: Request) -> Response:
        """Return the requests since the last reset, with their numbers."""
        journal = self.dispatcher.journal
        return JSONResponse(
            {
                "entries": journal,
                "reads": sum(not entry["write"] for entry in journal),
                "writes": sum(entry["write"] for entry in journal),
                "connections": len({entry["connection"] for entry in journal}),
                "faults_waiting": self.dispatcher.faults.waiting,
                "edits_waiting": self.ticketing.edits.waiting,
                "writes_in_effect": sum(entry["took_effect"] for entry in journal),
            }
        )

    async def show_state(self, _request: Request) -> Response:
        """Return the stored incidents, the tickets of the ticketing systems, and the records of both platforms."""
        incidents = [{**entry.record, "comments": entry.comments} for entry in self.contraforce.incidents.values()]
        platform = [ticket.record for ticket in self.ticketing.store.all_tickets()]
        return JSONResponse(
            {
                "incidents": incidents,
                "tickets": [*self.contraforce.tickets, *self.servicenow.store.known_elsewhere()],
                "platform_tickets": platform,
                "servicenow": self.servicenow.contents(),
            }
        )

    async def show_deliveries(self, _request: Request) -> Response:
        """Return the deliveries since the last reset, and the numbers of pending and abandoned events."""
        deliveries = self.deliveries
        return JSONResponse({"entries": deliveries.log, "waiting": deliveries.waiting, "given_up": deliveries.given_up})


class AnyPath(Convertor[str]):
    """Match every path."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return the path."""
        return value

    def to_string(self, value: str) -> str:
        """Return the path."""
        return value


def create_app(seed: Seed, webhook: Webhook | None = None) -> Starlette:
    """Return the application.

    :param webhook: the initial subscription to events.
    """
    register_url_convertor("any", AnyPath())
    sandbox = Sandbox(seed, webhook)
    return Starlette(
        routes=[
            Route("/_sandbox/reset", _steered(sandbox.reset), methods=["POST"]),
            Route("/_sandbox/faults", _steered(sandbox.set_faults), methods=["PUT"]),
            Route("/_sandbox/edits", _steered(sandbox.set_edits), methods=["PUT"]),
            Route("/_sandbox/edit", _steered(sandbox.edit), methods=["POST"]),
            Route("/_sandbox/incidents", _steered(sandbox.add_incidents), methods=["POST"]),
            Route("/_sandbox/investigations", _steered(sandbox.complete_investigations), methods=["POST"]),
            Route("/_sandbox/webhook", _steered(sandbox.deliveries.subscribe), methods=["PUT"]),
            Route("/_sandbox/webhook/test", _steered(sandbox.try_webhook), methods=["POST"]),
            Route("/_sandbox/webhook/again", _steered(sandbox.deliveries.send_again), methods=["POST"]),
            Route("/_sandbox/deliveries", sandbox.show_deliveries, methods=["GET"]),
            Route("/_sandbox/journal", sandbox.show_journal, methods=["GET"]),
            Route("/_sandbox/state", sandbox.show_state, methods=["GET"]),
            # Not {path:path}, which does not match a path with a line break.
            Route("/{path:any}", sandbox.dispatcher.dispatch, methods=["GET", "PUT", "POST", "PATCH", "DELETE"]),
        ]
    )


def _steered(steering: Steering) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that performs a control operation, or returns status 400 with an error."""

    async def endpoint(request: Request) -> Response:
        try:
            steering(parsed_json(await request.body()))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"done": True})

    return endpoint
