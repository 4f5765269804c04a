# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Extract parts of a response about an incident."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import UNSET_IDS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, canonical_source
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid


def record_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the incident's record: ``data.incident`` if that is an object, or else ``data`` (CF-A2).

    :param data: ``data`` of the response.
    """
    record = data.get("incident")
    return dict(record) if isinstance(record, Mapping) else dict(data)


def other_incident(shown: Mapping[str, Any], key: IncidentKey) -> IncidentKey | None:
    """Return the incident that an object names if it is definitely another one, or else None (CF-A24).

    Values that are absent, empty or unknown are ignored.

    :param shown: an object with any of ``id``, ``workspaceId`` and ``source`` of an incident.
    :param key: the requested incident.
    """
    source = canonical_source(shown.get("source"))
    workspace_id = _identifier(shown.get("workspaceId"))
    found = IncidentKey(
        workspace_id if is_uuid(workspace_id) else key.workspace_id,
        source if source in SOURCES else key.source,
        _identifier(shown.get("id")) or key.incident_id,
    )
    return None if found == key else found


def incident_reference(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the reference to the incident in a comment or a ticket, for :func:`other_incident`.

    :param entry: the comment or ticket as the service returned it.
    """
    incident = entry.get("incident")
    if isinstance(incident, Mapping):
        return incident
    return {"id": entry.get("incidentId"), "workspaceId": entry.get("workspaceId")}


def _identifier(value: Any) -> str:
    """Return an identifier as text, or an empty string."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return "" if text in UNSET_IDS else text


def title_of(record: Mapping[str, Any]) -> str | None:
    """Return the title of an incident, or None.

    :param record: the record as the service returned it.
    """
    shown = [record.get(key) for key in ("title", "name")]
    return next((text for text in shown if isinstance(text, str) and text.strip()), None)


def title_digest(title: str) -> str:
    """Return a digest that represents a title in variables, because an attacker may put a template into the text.

    :param title: the title of an incident.
    """
    return hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()


def fold_whitespace(text: Any) -> str:
    """Return a text with its white space folded to single spaces, to compare comments (CF-A7).

    :param text: a comment's message, which may be null.
    """
    return " ".join(str(text or "").split())
