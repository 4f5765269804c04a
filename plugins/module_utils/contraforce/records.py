# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the read of an incident shows, and where."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping


def record_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The incident's own record: C(data.incident) when that is an object, else C(data) (CF-A2).

    :param data: C(data) of the answer.
    """
    record = data.get("incident")
    return dict(record) if isinstance(record, Mapping) else dict(data)


def title_of(record: Mapping[str, Any]) -> str | None:
    """What people call an incident, if its record shows that.

    :param record: as the service gave it.
    """
    shown = [record.get(key) for key in ("title", "name")]
    return next((text for text in shown if isinstance(text, str) and text.strip()), None)


def title_digest(title: str) -> str:
    """A title as a variable of a run may hold it: the text itself could be a template that an attacker wrote.

    :param title: of an incident.
    """
    return hashlib.sha256(title.encode("utf-8", "surrogatepass")).hexdigest()


def folded(text: Any) -> str:
    """A text with every run of white space as one blank, as comments are compared (CF-A7).

    :param text: a comment's message, which may be null.
    """
    return " ".join(str(text or "").split())
