# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the ContraForce side of the sandbox, and what its operations do to it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Callable, Mapping

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
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing
from ansible_collections.secops.itsm.tests.sandbox.tickets import NO_SYSTEM, find_ticket, unset

__all__ = ["SEED_FILE", "ContraForce", "Profile", "Seed", "SeedError"]

WITHOUT_CLASSIFICATION = ("Splunk", "CrowdStrike")
NO_ROLE = "none"
_REFERENCE = ("id", "source", "workspaceId")


class ContraForce:
    """The service: its state, and one method for each operation that it serves.

    :param seed: what it begins with.
    :param platform: the ticketing platform, whose tickets a workspace's ticketing system can hold, too.
    """

    def __init__(self, seed: Seed, platform: Ticketing) -> None:
        self.seed, self.platform = seed, platform
        self.reset(Profile())

    def reset(self, profile: Profile, bulk_count: int = 0) -> None:
        """Begin again.

        :param profile: how to behave from now on.
        :param bulk_count: how many further incidents are in the first workspace of the seed.
        """
        seed = copy.deepcopy(self.seed)
        self.profile, self.serializer, self.listing = profile, IncidentSerializer(profile), Listing(seed.now)
        self.workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
        self.tickets, self.users = seed.tickets, seed.users
        self.incidents: dict[tuple[str, str, str], Incident] = {}
        place = seed.workspaces[0]["id"] if seed.workspaces else ""
        for record in (*seed.incidents, *(bulk_incidents(bulk_count, place) if place else ())):
            self._store(record)

    def _store(self, record: dict[str, Any]) -> dict[str, Any]:
        """Take an incident in, and give it as it is stored."""
        incident = Incident({"user": None, "ticketId": None, **record}, record.get("comments", []))
        incident.record.pop("comments", None)
        self.incidents[incident_key(record["workspaceId"], record["source"], record["id"])] = incident
        ticket = self._ticket(record["workspaceId"], incident.record["ticketId"])
        if ticket:
            incident.record["ticketId"] = ticket["id"]
            incident.mirror()
        return incident.record

    def add(self, value: Any) -> list[dict[str, Any]]:
        """Raise new incidents, and give them as they are stored.

        :param value: a list of them, as a seed has them.
        :raises ValueError: in a sentence; then none was taken.
        """
        there = [incident.record for incident in self.incidents.values()]
        seed = replace(self.seed, workspaces=list(self.workspaces.values()), tickets=self.tickets, incidents=there)
        return [self._store(record) for record in checked_incidents(value, seed, self.platform.store)]

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """What is served, by operationId."""
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
        """An incident.

        :raises RefusedError: as the service refuses it.
        """
        self._workspace(workspace)
        incident = self.incidents.get(incident_key(workspace, source, identifier))
        if incident is None:
            raise RefusedError(404, "NOT_FOUND", "The incident was not found.")
        return incident

    def _in_path(self, call: Call) -> Incident:
        return self._incident(call.path["workspaceId"], call.path["source"], call.path["incidentId"])

    def _in_body(self, call: Call, *needed: str) -> Incident:
        """The incident that a body refers to.

        :param needed: further fields that the body must have.
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
        place = self.workspaces[workspace.lower()]
        system, tenant = place["ticketing_system"], place.get("tickets_from")
        others = self.platform.store.known_elsewhere(tenant, system) if tenant else []
        return find_ticket([*self.tickets, *others], system, wanted)

    def _close(self, ticket: dict[str, Any]) -> None:
        """Close a ticket where it is stored."""
        if ticket in self.tickets:
            ticket["state"] = "Closed"
        else:
            self.platform.store.close(ticket["number"])

    # --- reads -------------------------------------------------------------------------------------------------------

    def get_incident(self, call: Call) -> Answer:
        """The read of one incident."""
        incident = self._in_path(call)
        seen = incident.read()
        record = self.serializer.record(seen, self._ticket(seen["workspaceId"], seen["ticketId"]), incident.comments)
        details: dict[str, Any] = {}
        if call.query.get("withDetails"):
            investigation = {"entities": seen.get("entities", []), "alerts": seen.get("alerts", [])}
            details = {"investigationDetails": investigation, "evidence": [], "gamebookCatalog": []}
        if self.profile.record == "flat":
            return Answer(200, {**record, **details})
        return Answer(200, {"source": call.path["source"], "incident": record, **details})

    def list_comments(self, call: Call) -> Answer:
        """The comments of an incident."""
        return Answer(200, [self.serializer.comment(comment) for comment in self._in_path(call).read_comments()])

    def list_incidents(self, call: Call) -> Answer:
        """A page of the incidents of all workspaces on which the caller has a role, as they are stored: no lag."""
        visible = [
            incident.record
            for (workspace, _source, _id), incident in self.incidents.items()
            if self.workspaces[workspace]["role"] != NO_ROLE
        ]
        page = self.listing.page(visible, call.body, self.profile)
        return Answer(200, {**page, "incidents": [self.serializer.item(record) for record in page["incidents"]]})

    # --- writes ------------------------------------------------------------------------------------------------------

    def update_status(self, call: Call) -> Answer:
        """The change of an incident's status."""
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
        """A new comment."""
        incident, text = self._in_path(call), call.body["content"]
        if not text.strip():
            raise invalid({"content": "content must not be blank."})
        comment = self._new_comment(text, closes=False)
        if self._applies:
            incident.add_comment(comment, self.profile.comment_lag)
        return Answer(201, self.serializer.comment(comment), self._applies)

    def assign(self, call: Call) -> Answer:
        """The change of an incident's assignee."""
        incident, user = self._in_path(call), self._user(call.body)
        effect = incident.record["user"] != user
        if self._applies:
            incident.change({"user": user}, self.profile.lag_reads)
        return Answer(204, effect=effect and self._applies)

    def _user(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The user that a body names, by email, by id, or by both if they are of one user."""
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
        raise invalid({field: f"{field} is that of no user." for field in given})

    def link(self, call: Call) -> Answer:
        """The link of a ticket to an incident."""
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
        """The end of a link; comments keep the id of the ticket that they were mirrored to."""
        incident = self._in_body(call)
        linked = incident.record["ticketId"] is not None
        if not linked and self.profile.unlink_unlinked == "404":
            raise RefusedError(404, "NOT_FOUND", "The incident has no service ticket.")
        if linked and self._applies:
            incident.change({"ticketId": None}, self.profile.lag_reads)
        return Answer(200, linked, effect=linked and self._applies)
