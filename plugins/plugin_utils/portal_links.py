# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Link incidents to their pages in the portal. The vendor documents no form of these addresses, so users set it."""

from __future__ import annotations

import re
from typing import Any, Mapping
from urllib.parse import quote, urlsplit

#: The placeholders of an address, each with the key of an incident.
PLACEHOLDERS: Mapping[str, str] = {
    "{workspace_id}": "workspace_id",
    "{source}": "source",
    "{incident_id}": "incident_id",
    "{incident_number}": "number",
}

#: The placeholders that identify an incident; an address contains one of them.
IDENTIFYING = ("{incident_id}", "{incident_number}")

_BRACED = re.compile(r"\{[^{}]*\}?|\}")

#: Characters that no address contains, besides those of placeholders.
_INVALID = re.compile(r"[^!-~]|[<>\"|\\^`]")


def portal_link(template: str, incident: Mapping[str, Any]) -> str | None:
    """Return the address of an incident in the portal, or None if a value in it is not known.

    :param template: the address with placeholders; empty if there is none.
    :param incident: the incident, with the keys of :data:`PLACEHOLDERS`.
    """
    if not template or template_problem(template):
        return None
    used = set(_BRACED.findall(template))
    values = {placeholder: str(incident.get(key) or "") for placeholder, key in PLACEHOLDERS.items()}
    if not all(values[placeholder] for placeholder in used):
        return None
    return _BRACED.sub(lambda found: quote(values[found.group()], safe=""), template)


def template_problem(template: str) -> str:
    """Return why an address with placeholders is not usable, as the end of a sentence, or an empty text.

    :param template: the address with placeholders.
    """
    used = _BRACED.findall(template)
    unknown = [placeholder for placeholder in used if placeholder not in PLACEHOLDERS]
    try:
        parts = urlsplit(template)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and "{" not in parts.netloc
    except ValueError:
        is_address = False
    if not is_address or _INVALID.search(template):
        return "must be an address that starts with https:// or http://"
    if "@" in parts.netloc:
        return "must not contain a user name or a password"
    if unknown:
        return f"contains {unknown[0]}, which is not a placeholder. Supported placeholders: {', '.join(PLACEHOLDERS)}"
    if not set(used) & set(IDENTIFYING):
        return f"must contain {' or '.join(IDENTIFYING)}"
    return ""
