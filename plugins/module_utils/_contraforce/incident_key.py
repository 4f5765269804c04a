# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Identify an incident by its workspace, source and identifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import SOURCE_BY_INTEGER
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES, canonical
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier, is_uuid

#: The options that identify an incident.
IDENTIFIERS = ("workspace_id", "source", "incident_id")


@dataclass(frozen=True, eq=False)
class IncidentKey:
    """The identity of an incident.

    :param workspace_id: the UUID of the workspace.
    :param source: the product that raised the incident, in the API's spelling.
    :param incident_id: the identifier of the incident in that product.
    """

    workspace_id: str
    source: str
    incident_id: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """Return the value to compare keys by: UUIDs are not case-sensitive (CF-A19)."""
        is_any_case = self.source == "Sentinel" and is_uuid(self.incident_id)
        incident_id = self.incident_id.lower() if is_any_case else self.incident_id
        return self.workspace_id.lower(), self.source, incident_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IncidentKey) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __str__(self) -> str:
        return f"incident {self.incident_id} ({self.source}, workspace {self.workspace_id})"

    def reference(self, number: str | None = None) -> dict[str, str]:
        """Return the ``IncidentReference`` of requests about tickets.

        Source: ContraForce API reference, Link ticket.

        :param number: the incident's number, if it is known.
        """
        named = {"id": self.incident_id, "source": self.source, "workspaceId": self.workspace_id}
        return {**named, "number": number} if number else named


def canonical_source(shown: Any) -> str | None:
    """Return the API's spelling of a source, the text itself if it is unknown, or None if it is not set (CF-A4).

    :param shown: a source in any case, or an integer of the older API generation.
    """
    is_value = isinstance(shown, (str, int)) and not isinstance(shown, bool)
    return canonical(shown, SOURCES, SOURCE_BY_INTEGER) if is_value else None


def incident_key(workspace_id: str, source: str, incident_id: str) -> IncidentKey:
    """Check the parts of an incident's key, and return the key.

    :param workspace_id: a UUID.
    :param source: a source in any case, as webhooks send it, or as an integer of the older API generation.
    :param incident_id: a UUID for Sentinel; for other sources, any text that a URL can contain.
    :raises ApiError: category ``configuration``.
    """
    workspace_id, named = workspace_id.strip(), identifier("incident_id", incident_id)
    if not is_uuid(workspace_id):
        raise configuration_error(
            f"workspace_id must be a UUID such as 5f0c8f9e-1111-4222-8333-444455556666, not {workspace_id!r}."
        )
    known = canonical_source(source) or ""
    if known not in SOURCES:
        raise configuration_error(f"source must be one of {', '.join(SOURCES)} (in any case), not {source!r}.")
    if named is None:
        raise configuration_error("incident_id is empty: set it to the identifier of an incident.")
    if named in (".", ".."):
        # HTTP libraries remove such a path segment, so that the request would address another resource.
        raise configuration_error(f"incident_id {named!r} cannot be addressed in a URL.")
    if known == "Sentinel" and not is_uuid(named):
        raise configuration_error(
            f"incident_id of a Sentinel incident must be its UUID such as 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61, not "
            f"{named!r}. The number that the portal shows is its incident_number."
        )
    return IncidentKey(workspace_id, known, named)
