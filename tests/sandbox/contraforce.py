# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the ContraForce side of the sandbox, and its operations."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import bulk_incidents
from ansible_collections.secops.itsm.tests.sandbox.listing import Listing
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.records import (
    Answer,
    Call,
    Incident,
    RefusedError,
    incident_key,
    invalid,
    new_comment,
)
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed, SeedError, checked_incidents
from ansible_collections.secops.itsm.tests.sandbox.serializers import IncidentSerializer
from ansible_collections.secops.itsm.tests.sandbox.servicenow.state import ServiceNow
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import SYSTEM
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing
from ansible_collections.secops.itsm.tests.sandbox.tickets import NO_SYSTEM, find_ticket, unset

__all__ = ["SEED_FILE", "ContraForce", "Profile", "Seed", "SeedError"]

WITHOUT_CLASSIFICATION = ("Splunk", "CrowdStrike")
NO_ROLE = "none"
_REFERENCE = ("id", "source", "workspaceId")


class ContraForce:
    """The state of the service, with a method for each operation.

    :param platform: the ticketing platform, whose tickets a workspace can have in its ticketing system.
    :param servicenow: the instance whose incidents are the tickets of workspaces with ServiceNow.
    """

    def __init__(self, seed: Seed, platform: Ticketing, servicenow: ServiceNow) -> None:
        self.seed, self.platform, self.servicenow = seed, platform, servicenow
        self.reset(Profile())

    def reset(self, profile: Profile, bulk_count: int = 0) -> None:
        """Restore the initial state.

        :param bulk_count: the number of additional incidents in the first workspace.
        """
        seed = copy.deepcopy(self.seed)
        self.profile, self.serializer, self.listing = profile, IncidentSerializer(profile), Listing(seed.now)
        self.workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
        # Those of ServiceNow are records of the instance.
        self.tickets = [ticket for ticket in seed.tickets if ticket not in seed.servicenow_tickets]
        self.users = seed.users
        self.incidents: dict[tuple[str, str, str], Incident] = {}
        place = seed.workspaces[0]["id"] if seed.workspaces else ""
        for record in (*seed.incidents, *(bulk_incidents(bulk_count, place) if place else ())):
            self._store(record)

    def _store(self, record: dict[str, Any]) -> None:
        """Store an incident."""
        incident = Incident({"user": None, "ticketId": None, **record}, record.get("comments", []))
        incident.record.pop("comments", None)
        self.incidents[incident_key(record["workspaceId"], record["source"], record["id"])] = incident
        ticket = self._ticket(record["workspaceId"], incident.record["ticketId"])
        if ticket:
            incident.record["ticketId"] = ticket["id"]
            incident.mirror()

    def checked(self, value: Any) -> list[dict[str, Any]]:
        """Return the records of new incidents. Raise ValueError if any of them is not valid."""
        there = [incident.record for incident in self.incidents.values()]
        seed = replace(self.seed, workspaces=list(self.workspaces.values()), incidents=there)
        return checked_incidents(value, seed, self._known_tickets)

    def add(self, records: Iterable[dict[str, Any]]) -> None:
        """Store new incidents.

        :param records: the result of ``checked``.
        """
        for record in records:
            self._store(record)

    def stored(self, workspace: str, source: str, identifier: str) -> dict[str, Any]:
        """Return the record of an incident. Raise ValueError if it does not exist."""
        incident = self.incidents.get(incident_key(workspace, source, identifier))
        if incident is None:
            raise ValueError(f"incident {identifier} of {source} does not exist in workspace {workspace}")
        return incident.record

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the handlers by operationId."""
        return {
            "v2-get-incident": self.get_incident,
            "v2-list-incident-comments": self.list_comments,
            "v2-list-incidents-across-workspaces": self.list_incidents,
            "v2-update-incident-status": self.update_status,
            "v2-add-incident-comment": self.add_comment,
            "v2-assign-incident": self.assign,
            "v2-link-ticket": self.link,
            "v2-unlink-ticket": self.unlink,
        }

    @property
    def _applies(self) -> bool:
        return self.profile.writes == "applied"

    # --- finding -----------------------------------------------------------------------------------------------------

    def _workspace(self, identifier: str) -> Mapping[str, Any]:
        workspace = self.workspaces.get(identifier.lower())
        if workspace is None:
            raise RefusedError(404, "NOT_FOUND", "The workspace was not found.")
        if workspace["role"] == NO_ROLE:
            raise RefusedError(403, "INSUFFICIENT_WORKSPACE_ROLE", "The caller has no role on the workspace.")
        return workspace

    def _incident(self, workspace: str, source: str, identifier: str) -> Incident:
        """Return an incident. Raise RefusedError if it does not exist or is not accessible."""
        self._workspace(workspace)
        incident = self.incidents.get(incident_key(workspace, source, identifier))
        if incident is None:
            raise RefusedError(404, "NOT_FOUND", "The incident was not found.")
        return incident

    def _in_path(self, call: Call) -> Incident:
        return self._incident(call.path["workspaceId"], call.path["source"], call.path["incidentId"])

    def _in_body(self, call: Call, *needed: str) -> Incident:
        """Return the incident that a body refers to.

        :param needed: other required fields of the body.
        """
        self._workspace(call.path["workspaceId"])
        reference = call.body.get("incident") or {}
        values = {name: call.body.get(name) for name in needed}
        values.update({f"incident.{name}": reference.get(name) for name in _REFERENCE})
        lacking = {name: f"{name} is required." for name, value in values.items() if not (value or "").strip()}
        if lacking:
            raise invalid(lacking)
        if reference["workspaceId"].lower() != call.path["workspaceId"].lower():
            raise invalid({"incident.workspaceId": "incident.workspaceId must be the workspace of the path."})
        return self._incident(reference["workspaceId"], reference["source"], reference["id"])

    def _ticket(self, workspace: str, wanted: Any) -> dict[str, Any] | None:
        if wanted is None:
            return None
        place = self.workspaces[workspace.lower()]
        return find_ticket(self._known_tickets(place), place["ticketing_system"], wanted)

    def _known_tickets(self, workspace: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the tickets of all systems, and those that a workspace adds to its system."""
        system, tenant = workspace["ticketing_system"], workspace.get("tickets_from")
        others = self.platform.store.known_elsewhere(tenant, system) if tenant else []
        incidents = self.servicenow.store.known_elsewhere() if system == SYSTEM else []
        return [*self.tickets, *incidents, *others]

    def _close(self, ticket: dict[str, Any]) -> None:
        """Close a ticket in its system."""
        if ticket in self.tickets:
            ticket["state"] = "Closed"
        elif self.servicenow.store.find("incident", ticket["id"]):
            self.servicenow.close(ticket["id"], self.profile.servicenow_close)
        else:
            self.platform.store.close(ticket["number"])

    # --- reads -------------------------------------------------------------------------------------------------------

    def get_incident(self, call: Call) -> Answer:
        """Return an incident."""
        incident = self._in_path(call)
        seen = incident.read()
        record = self.serializer.record(seen, self._ticket(seen["workspaceId"], seen["ticketId"]), incident.comments)
        details: dict[str, Any] = {}
        if call.query.get("withDetails"):
            investigation = {"entities": seen.get("entities", []), "alerts": seen.get("alerts", [])}
            details = {"investigationDetails": investigation, "evidence": [], "gamebookCatalog": []}
        if self.profile.record == "flat":
            return Answer(200, {**record, **details})
        return Answer(200, {"source": self.serializer.source(call.path["source"]), "incident": record, **details})

    def list_comments(self, call: Call) -> Answer:
        """Return the comments of an incident."""
        return Answer(200, [self.serializer.comment(comment) for comment in self._in_path(call).read_comments()])

    def list_incidents(self, call: Call) -> Answer:
        """Return a page of the incidents in all accessible workspaces. Lists do not lag."""
        visible = [
            incident.record
            for (workspace, _source, _id), incident in self.incidents.items()
            if self.workspaces[workspace]["role"] != NO_ROLE
        ]
        page = self.listing.page(visible, call.body, self.profile)
        return Answer(200, {**page, "incidents": [self.serializer.item(record) for record in page["incidents"]]})

    # --- writes ------------------------------------------------------------------------------------------------------

    def update_status(self, call: Call) -> Answer:
        """Change the status of an incident."""
        incident, body = self._in_path(call), call.body
        closes = body["status"] == "Closed"
        lacking = [name for name in ("classification", "classificationReason") if not body.get(name)]
        if call.path["source"] == "Sentinel" and closes and lacking:
            raise invalid({name: f"{name} is required to close a Sentinel incident." for name in lacking})
        ticket = self._ticket_to_close(call)
        if self._applies:
            incident.change(self._status_values(call.path["source"], body), self.profile.lag_reads)
            if body.get("comment"):
                incident.add_comment(self._new_comment(body["comment"], closes), self.profile.comment_lag)
            if ticket:
                self._close(ticket)
        return Answer(204, effect=self._applies)

    def _ticket_to_close(self, call: Call) -> dict[str, Any] | None:
        if not call.body.get("updateTicket"):
            return None
        if not call.body.get("ticketId"):
            raise invalid({"ticketId": "ticketId is required when updateTicket is true."})
        ticket = self._ticket(call.path["workspaceId"], call.body["ticketId"])
        if ticket is None:
            raise RefusedError(404, "NOT_FOUND", "The service ticket was not found.")
        return ticket

    def _status_values(self, source: str, body: Mapping[str, Any]) -> dict[str, Any]:
        stored: dict[str, Any] = {"status": body["status"]}
        if source in WITHOUT_CLASSIFICATION or self.profile.classification == "dropped":
            return {**stored, "classification": None, "classificationReason": None}
        if body.get("classification"):
            stored["classification"] = body["classification"]
        reason = {"kept": body.get("classificationReason"), "dropped": None, "replaced": "Other"}[self.profile.reason]
        return {**stored, "classificationReason": reason} if body.get("classificationReason") else stored

    def _new_comment(self, text: str, closes: bool) -> dict[str, Any]:
        return new_comment(f"<p>{text}</p>" if self.profile.comment_text == "wrapped" else text, closes)

    def add_comment(self, call: Call) -> Answer:
        """Add a comment."""
        incident, text = self._in_path(call), call.body["content"]
        if not text.strip():
            raise invalid({"content": "content must not be blank."})
        comment = self._new_comment(text, closes=False)
        if self._applies:
            incident.add_comment(comment, self.profile.comment_lag)
        return Answer(201, self.serializer.comment(comment), self._applies)

    def assign(self, call: Call) -> Answer:
        """Change the assignee of an incident."""
        incident, user = self._in_path(call), self._user(call.body)
        effect = incident.record["user"] != user
        if self._applies:
            incident.change({"user": user}, self.profile.lag_reads)
        return Answer(204, effect=effect and self._applies)

    def _user(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the user whose email address, ID, or both a body contains."""
        given = {
            field: (name, body[field].lower())
            for field, name in (("userId", "id"), ("email", "email"))
            if (body.get(field) or "").strip()
        }
        if not given:
            raise invalid({"userId": "userId or email is required."})
        for user in self.users:
            if all(user[name].lower() == value for name, value in given.values()):
                return dict(user)
        raise invalid({field: f"No user has this {field}." for field in given})

    def link(self, call: Call) -> Answer:
        """Link a ticket to an incident."""
        incident = self._in_body(call, "ticketId")
        system = self._workspace(call.path["workspaceId"])["ticketing_system"]
        ticket = self._ticket(call.path["workspaceId"], call.body["ticketId"])
        if system == NO_SYSTEM or (ticket is None and self.profile.missing_ticket == "unset"):
            return Answer(200, unset(system), effect=False)
        if ticket is None:
            raise RefusedError(404, "NOT_FOUND", "The service ticket was not found.")
        linked = incident.record["ticketId"]
        if linked not in (None, ticket["id"]) and self.profile.relink == "refused":
            raise RefusedError(409, "CONFLICT", "The incident is linked to another service ticket.")
        effect = self._applies and linked != ticket["id"]
        if effect:
            incident.change({"ticketId": ticket["id"]}, self.profile.lag_reads)
            incident.mirror()
        return Answer(200, self.serializer.ticket(ticket, incident.comments), effect)

    def unlink(self, call: Call) -> Answer:
        """Unlink the ticket of an incident. Comments keep the ID of the ticket they were mirrored to."""
        incident = self._in_body(call)
        linked = incident.record["ticketId"] is not None
        if not linked and self.profile.unlink_unlinked == "404":
            raise RefusedError(404, "NOT_FOUND", "The incident has no service ticket.")
        if linked and self._applies:
            incident.change({"ticketId": None}, self.profile.lag_reads)
        return Answer(200, linked, effect=linked and self._applies)
