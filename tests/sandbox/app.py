# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a web application: the services under their own paths, and ``/_sandbox`` to steer and watch them."""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import checked_count
from ansible_collections.secops.itsm.tests.sandbox.contraforce import ContraForce
from ansible_collections.secops.itsm.tests.sandbox.contraforce_service import ContraForceService
from ansible_collections.secops.itsm.tests.sandbox.deliveries import NO_WEBHOOK, Deliveries
from ansible_collections.secops.itsm.tests.sandbox.events import incident_created, trial
from ansible_collections.secops.itsm.tests.sandbox.faults import Fault
from ansible_collections.secops.itsm.tests.sandbox.parsing import parsed_json
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.request_dispatch import RequestDispatcher
from ansible_collections.secops.itsm.tests.sandbox.seed import Seed
from ansible_collections.secops.itsm.tests.sandbox.ticketing.edits import Edit
from ansible_collections.secops.itsm.tests.sandbox.ticketing.profile import TicketingProfile
from ansible_collections.secops.itsm.tests.sandbox.ticketing.service import TicketingService
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook

Steering = Callable[[Any], None]


class Sandbox:
    """Both services, and the ways to steer and to watch them.

    :param seed: what they begin with.
    :param webhook: where events are delivered to from the beginning.
    """

    def __init__(self, seed: Seed, webhook: Webhook | None = None) -> None:
        self.ticketing = Ticketing(seed.ticketing)
        self.contraforce = ContraForce(seed, self.ticketing)
        self.deliveries = Deliveries(webhook)
        self.dispatcher = RequestDispatcher([TicketingService(self.ticketing), ContraForceService(self.contraforce)])

    def reset(self, body: Any) -> None:
        """Begin again: state from the seed, an empty journal, the webhook of the beginning, and the profiles, faults
        and edits that the body names.

        :param body: ``profile``, ``ticketing``, ``faults``, ``edits``, and ``crowd``: so many further incidents.
        :raises ValueError: in a sentence; then nothing was changed.
        """
        body = {} if body is None else body
        if not isinstance(body, dict) or set(body) - {"profile", "ticketing", "faults", "edits", "crowd"}:
            raise ValueError("reset takes a profile, ticketing, faults, edits and a crowd, and nothing else")
        profile = Profile.from_json(body.get("profile", {}))
        ticketing = TicketingProfile.from_json(body.get("ticketing", {}))
        faults, edits = self._faults(body.get("faults", [])), self._edits(body.get("edits", []))
        crowd = checked_count(body.get("crowd", 0))
        self.ticketing.reset(ticketing, edits)
        self.contraforce.reset(profile, crowd)
        self.dispatcher.faults.replace(faults)
        self.dispatcher.journal.clear()
        self.deliveries.reset()

    def set_faults(self, body: Any) -> None:
        """Take new faults, and leave everything else as it is.

        :param body: a list.
        :raises ValueError: in a sentence.
        """
        self.dispatcher.faults.replace(self._faults(body))

    def set_edits(self, body: Any) -> None:
        """Take new edits of another agent, and leave everything else as it is.

        :param body: a list.
        :raises ValueError: in a sentence.
        """
        self.ticketing.edits.replace(self._edits(body))

    def edit(self, body: Any) -> None:
        """Let another agent edit a ticket now.

        :param body: ``object_id`` and ``fields``.
        :raises ValueError: in a sentence.
        """
        self.ticketing.edit(body)

    def add_incidents(self, body: Any) -> None:
        """Raise new incidents, and tell the webhook of each.

        :param body: a list, as a seed has them.
        :raises ValueError: in a sentence.
        """
        for record in self.contraforce.add(body):
            self.deliveries.send(incident_created(record, self.contraforce.workspaces[record["workspaceId"].lower()]))

    def try_webhook(self, _body: Any) -> None:
        """Make a test delivery.

        :raises ValueError: in a sentence.
        """
        if self.deliveries.webhook is None:
            raise ValueError(NO_WEBHOOK)
        self.deliveries.send(trial(next(iter(self.contraforce.workspaces.values()))))

    def _faults(self, value: Any) -> list[Fault]:
        if not isinstance(value, list):
            raise ValueError("faults are a list")
        return [Fault.from_json(entry, self.dispatcher.operations) for entry in value]

    def _edits(self, value: Any) -> list[Edit]:
        if not isinstance(value, list):
            raise ValueError("edits are a list")
        return [Edit.from_json(entry) for entry in value]

    async def show_journal(self, _request: Request) -> Response:
        """The requests so far, how many of them were meant to change something, and did, and on how many connections
        they came."""
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
        """What is stored: incidents with their comments, assignee and the id of their ticket; the tickets of the
        workspaces' own ticketing systems; and those of the ticketing platform."""
        incidents = [{**entry.record, "comments": entry.comments} for entry in self.contraforce.incidents.values()]
        platform = [ticket.record for ticket in self.ticketing.store.all_tickets()]
        return JSONResponse({"incidents": incidents, "tickets": self.contraforce.tickets, "platform_tickets": platform})

    async def show_deliveries(self, _request: Request) -> Response:
        """What the webhook was told so far, and what it answered; how many events are still on their way to it, and how
        many were given up."""
        deliveries = self.deliveries
        return JSONResponse({"entries": deliveries.log, "waiting": deliveries.waiting, "given_up": deliveries.given_up})


def create_app(seed: Seed, webhook: Webhook | None = None) -> Starlette:
    """The application.

    :param seed: what the sandbox begins with.
    :param webhook: where events are delivered to from the beginning.
    """
    sandbox = Sandbox(seed, webhook)
    return Starlette(
        routes=[
            Route("/_sandbox/reset", _steered(sandbox.reset), methods=["POST"]),
            Route("/_sandbox/faults", _steered(sandbox.set_faults), methods=["PUT"]),
            Route("/_sandbox/edits", _steered(sandbox.set_edits), methods=["PUT"]),
            Route("/_sandbox/edit", _steered(sandbox.edit), methods=["POST"]),
            Route("/_sandbox/incidents", _steered(sandbox.add_incidents), methods=["POST"]),
            Route("/_sandbox/webhook", _steered(sandbox.deliveries.subscribe), methods=["PUT"]),
            Route("/_sandbox/webhook/test", _steered(sandbox.try_webhook), methods=["POST"]),
            Route("/_sandbox/webhook/again", _steered(sandbox.deliveries.send_again), methods=["POST"]),
            Route("/_sandbox/deliveries", sandbox.show_deliveries, methods=["GET"]),
            Route("/_sandbox/journal", sandbox.show_journal, methods=["GET"]),
            Route("/_sandbox/state", sandbox.show_state, methods=["GET"]),
            Route("/{path:path}", sandbox.dispatcher.dispatch, methods=["GET", "PUT", "POST", "PATCH", "DELETE"]),
        ]
    )


def _steered(steering: Steering) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that does as it is told, or says in one sentence what it was told wrong."""

    async def endpoint(request: Request) -> Response:
        try:
            steering(parsed_json(await request.body()))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"done": True})

    return endpoint
