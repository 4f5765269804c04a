# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the ContraForce side of the sandbox, and what its operations do to it."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, ClassVar, Mapping

import yaml

SEED_FILE = Path(__file__).resolve().parent / "seeds" / "contraforce.yml"
STATUS_INTEGERS = {"Active": 1, "New": 2, "Closed": 3}
CLASSIFICATION_INTEGERS = {"BenignPositive": 1, "FalsePositive": 2, "TruePositive": 3, "Undetermined": 4}
WITHOUT_CLASSIFICATION = ("Splunk", "CrowdStrike")


class SeedError(Exception):
    """A seed file that cannot be used, told in one sentence."""


class RefusedError(Exception):
    """An answer of the service that is not a success.

    :param status: the HTTP status.
    :param code: the service's word for it.
    :param detail: a sentence.
    :param errors: messages by field.
    """

    def __init__(self, status: int, code: str, detail: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors


@dataclass(frozen=True)
class Seed:
    """What the sandbox begins with.

    :param credentials: C(client_id), C(client_secret), C(access_token).
    :param workspaces: C(id) and C(role); a role of C(none) is refused.
    :param incidents: records as the list of incidents documents them, with C(workspaceId).
    :param tickets: C(id), C(number), C(system), C(state).
    """

    credentials: dict[str, str]
    workspaces: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    tickets: list[dict[str, Any]]

    @classmethod
    def load(cls, path: Path) -> Seed:
        """Read a seed file.

        :param path: a YAML file.
        :raises SeedError: when it cannot be used.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SeedError(f"{path} cannot be read: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise SeedError(f"{path} is not YAML: {error}") from None
        names = [entry.name for entry in fields(cls)]
        if not isinstance(content, dict) or set(content) != set(names):
            raise SeedError(f"{path} must have the keys {', '.join(names)} and no others")
        for incident in content["incidents"]:
            missing = {"workspaceId", "source", "id", "status"} - set(incident)
            if missing:
                raise SeedError(f"{path}: an incident lacks {', '.join(sorted(missing))}")
        return cls(**content)


@dataclass
class Profile:
    """How the service behaves where its documentation leaves it open.

    :param spelling: C(pascal), C(lower), C(upper) or C(integer).
    :param classification: C(kept); C(dropped): stored as null; C(hidden): never shown.
    :param reason: C(kept), C(dropped) or C(replaced) by C(Other).
    :param lag_reads: how many reads after a write still show the old state.
    :param writes: C(applied), or C(ignored): accepted without an effect.
    :param record: C(nested) in data.incident, or C(flat) in data.
    """

    spelling: str = "pascal"
    classification: str = "kept"
    reason: str = "kept"
    lag_reads: int = 0
    writes: str = "applied"
    record: str = "nested"

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "spelling": ("pascal", "lower", "upper", "integer"),
        "classification": ("kept", "dropped", "hidden"),
        "reason": ("kept", "dropped", "replaced"),
        "writes": ("applied", "ignored"),
        "record": ("nested", "flat"),
    }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Profile:
        """A profile from what was posted.

        :raises ValueError: for a word that no profile knows.
        """
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"no profile knows {', '.join(sorted(unknown))}")
        for name, word in value.items():
            if name in cls.CHOICES and word not in cls.CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(cls.CHOICES[name])}")
        return cls(**value)


@dataclass
class Incident:
    """An incident as the service stores it, and what it shows while a write has not come through."""

    record: dict[str, Any]
    comments: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, Any] | None = None
    lag: int = 0

    def seen(self) -> dict[str, Any]:
        """The record as a read sees it."""
        if self.shown is not None and self.lag > 0:
            self.lag -= 1
            return self.shown
        self.shown = None
        return self.record


class ContraForce:
    """The service: its state, and one method for each operation that it serves.

    :param seed: what it begins with.
    """

    def __init__(self, seed: Seed) -> None:
        self.seed = seed
        self.profile = Profile()
        self._load()

    def _load(self) -> None:
        seed = copy.deepcopy(self.seed)
        self.roles = {entry["id"].lower(): entry["role"] for entry in seed.workspaces}
        self.tickets = {str(entry["id"]): entry for entry in seed.tickets}
        self.incidents: dict[tuple[str, str, str], Incident] = {}
        for record in seed.incidents:
            comments = record.pop("comments", [])
            key = self._key(record["workspaceId"], record["source"], record["id"])
            self.incidents[key] = Incident(record, comments)

    def reset(self, profile: Profile) -> None:
        """Begin again.

        :param profile: how to behave from now on.
        """
        self.profile = profile
        self._load()

    @staticmethod
    def _key(workspace: str, source: str, identifier: str) -> tuple[str, str, str]:
        return workspace.lower(), source, str(identifier)

    def handlers(self) -> dict[str, Callable[[Mapping[str, str], Any], tuple[int, Any]]]:
        """What is served, by operationId; each takes the path's values and the body, and gives status and data."""
        return {
            "v2-get-incident": self.get_incident,
            "v2-list-incident-comments": self.list_comments,
            "v2-update-incident-status": self.update_status,
        }

    def find(self, path: Mapping[str, str]) -> Incident:
        """The incident that a path names.

        :raises RefusedError: as the service refuses it.
        """
        role = self.roles.get(path["workspaceId"].lower())
        if role is None:
            raise RefusedError(404, "NOT_FOUND", "The workspace was not found.")
        if role == "none":
            raise RefusedError(403, "INSUFFICIENT_WORKSPACE_ROLE", "The caller has no role on the workspace.")
        incident = self.incidents.get(self._key(path["workspaceId"], path["source"], path["incidentId"]))
        if incident is None:
            raise RefusedError(404, "NOT_FOUND", "The incident was not found.")
        return incident

    def get_incident(self, path: Mapping[str, str], _body: Any) -> tuple[int, Any]:
        """The read of one incident."""
        incident = self.find(path)
        record = self._spelled(incident.seen())
        if self.profile.record == "flat":
            return 200, record
        return 200, {"source": path["source"], "incident": record}

    def list_comments(self, path: Mapping[str, str], _body: Any) -> tuple[int, Any]:
        """The comments of an incident."""
        return 200, self.find(path).comments

    def update_status(self, path: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """The change of an incident's status."""
        incident = self.find(path)
        closes = body["status"] == "Closed"
        lacking = [name for name in ("classification", "classificationReason") if not body.get(name)]
        if path["source"] == "Sentinel" and closes and lacking:
            raise RefusedError(
                400,
                "VALIDATION_ERROR",
                "One or more validation errors occurred.",
                {name: [f"{name} is required to close a Sentinel incident."] for name in lacking},
            )
        ticket = self._ticket_to_close(body)
        if self.profile.writes == "ignored":
            return 204, None
        incident.shown, incident.lag = copy.deepcopy(incident.seen()), self.profile.lag_reads
        incident.record.update(self._stored(path["source"], body), updatedAt=timestamp())
        if body.get("comment"):
            incident.comments.append(_comment(body["comment"], closes))
        if ticket:
            ticket["state"] = "Closed"
        return 204, None

    def _ticket_to_close(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if not body.get("updateTicket"):
            return None
        if not body.get("ticketId"):
            message = "ticketId is required when updateTicket is true."
            raise RefusedError(400, "VALIDATION_ERROR", message, {"ticketId": [message]})
        ticket = self.tickets.get(body["ticketId"])
        if ticket is None:
            raise RefusedError(404, "NOT_FOUND", "The service ticket was not found.")
        return ticket

    def _stored(self, source: str, body: Mapping[str, Any]) -> dict[str, Any]:
        stored: dict[str, Any] = {"status": body["status"]}
        if source in WITHOUT_CLASSIFICATION or self.profile.classification == "dropped":
            return {**stored, "classification": None, "classificationReason": None}
        if body.get("classification"):
            stored["classification"] = body["classification"]
        reason = {"kept": body.get("classificationReason"), "dropped": None, "replaced": "Other"}[self.profile.reason]
        return {**stored, "classificationReason": reason} if body.get("classificationReason") else stored

    def _spelled(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record in the fields of the documented read, spelled as the profile says."""
        shown = {
            name: record.get(name) for name in ("id", "title", "severity", "workspaceId", "createdAt", "updatedAt")
        }
        shown["status"] = self._word(record["status"], STATUS_INTEGERS)
        if self.profile.classification != "hidden":
            shown["classification"] = self._word(record.get("classification"), CLASSIFICATION_INTEGERS)
            shown["classificationReason"] = self._word(record.get("classificationReason"), {})
        return shown

    def _word(self, word: str | None, integers: Mapping[str, int]) -> str | int | None:
        if word is None:
            return None
        if self.profile.spelling == "integer":
            return integers.get(word, word)
        return {"pascal": word, "lower": word.lower(), "upper": word.upper()}[self.profile.spelling]


def timestamp() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _comment(message: str, closes: bool) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "message": message,
        "createdTime": timestamp(),
        "authorEmail": None,
        "authorName": "Sandbox service account",
        "isActivityComment": False,
        "isAgentComment": False,
        "agentName": None,
        "isClosingComment": closes,
        "ticketNoteId": None,
        "ticketId": None,
    }
