# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read and write the tickets of the toy system."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

#: The workers of a list write the same file.
_LOCK = threading.Lock()


class ToyApi:
    """The file with the tickets.

    :param path: its path.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.may_have_changed = False

    def tickets(self) -> list[dict[str, Any]]:
        """Return all tickets."""
        return json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else []

    def ticket(self, name: str) -> dict[str, Any]:
        """Return a ticket. Raise ApiError if it does not exist.

        :param name: its name.
        """
        found = [record for record in self.tickets() if record["name"] == name]
        if not found:
            raise ApiError(f"Ticket {name} does not exist. Check name.", "not_found")
        return found[0]

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a ticket, and return it.

        :param body: its values.
        """
        with _LOCK:
            tickets = self.tickets()
            record = {"name": f"TOY-{len(tickets) + 1}", "version": 1, "closed": False, **body}
            self._write([*tickets, record])
        return record

    def update(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change a ticket, and return it.

        :param name: its name.
        :param changes: the new values.
        """
        with _LOCK:
            tickets = self.tickets()
            (record,) = [record for record in tickets if record["name"] == name]
            record.update({**changes, "version": record["version"] + 1})
            self._write(tickets)
        return record

    def _write(self, tickets: list[dict[str, Any]]) -> None:
        self.may_have_changed = True
        # Other workers read the file meanwhile.
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(tickets), encoding="utf-8")
        written.replace(self._path)
