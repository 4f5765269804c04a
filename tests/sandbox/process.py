# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, control and stop the sandbox from Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Mapping

import yaml

from ansible_collections.secops.itsm.tests.sandbox.client_environment import (
    client_environment,
    servicenow_settings,
    ticketing_settings,
)
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

#: The directory that contains ansible_collections.
COLLECTIONS = Path(__file__).resolve().parents[5]


class SandboxProcess:
    """A sandbox in a process of its own, on a free port.

    :param words: additional options of the command line.
    :param environment: additional environment variables.
    """

    def __init__(self, seed: Path = SEED_FILE, *words: str, environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "ansible_collections.secops.itsm.tests.sandbox", "--seed", str(seed), *words]
        variables = {**os.environ, "PYTHONPATH": str(COLLECTIONS), **(environment or {})}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if "http" not in first:
            raise RuntimeError(f"the sandbox did not start (exit code {self._process.wait()})")
        self.url = first.split()[-1]
        content = yaml.safe_load(seed.read_text(encoding="utf-8"))
        self.credentials: dict[str, str] = content["credentials"]
        #: The connection settings of the ticketing service; empty if the seed has none.
        self.ticketing: dict[str, Any] = ticketing_settings(self.url, content.get("ticketing", {}))
        #: The connection settings of the ServiceNow instance; empty if the seed has none.
        self.servicenow: dict[str, Any] = servicenow_settings(self.url, content.get("servicenow", {}))

    def stop(self) -> int:
        """Stop the process and return its exit code."""
        self._process.terminate()
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a task reaches the sandbox."""
        found = client_environment(self.url, self.credentials, self.ticketing, self.servicenow)
        return {**found, "no_proxy": "127.0.0.1"}

    def reset(
        self,
        profile: dict[str, Any] | None = None,
        faults: list[dict[str, Any]] | None = None,
        ticketing: dict[str, Any] | None = None,
        edits: list[dict[str, Any]] | None = None,
        crowd: int = 0,
        servicenow: dict[str, Any] | None = None,
    ) -> None:
        """Restore the initial state.

        :param profile: the behavior of ContraForce.
        :param ticketing: the behavior of the ticketing service.
        :param edits: the edits of another agent.
        :param crowd: the number of additional incidents, with the IDs of ``bulk_incident_id``.
        :param servicenow: the behavior of the ServiceNow instance, with its access rules and business rules.
        """
        body = {"profile": profile or {}, "faults": faults or [], "ticketing": ticketing or {}, "edits": edits or []}
        self.control("POST", "reset", {**body, "crowd": crowd, "servicenow": servicenow or {}})

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Replace the faults."""
        self.control("PUT", "faults", list(faults))

    def set_edits(self, *edits: dict[str, Any]) -> None:
        """Replace the edits of another agent."""
        self.control("PUT", "edits", list(edits))

    def edit(self, object_id: str, fields: dict[str, Any]) -> None:
        """Let another agent edit a ticket now. ``fields`` has values by field UUID or column."""
        self.control("POST", "edit", {"object_id": object_id, "fields": fields})

    def add_incidents(self, *incidents: dict[str, Any]) -> None:
        """Create incidents in the format of a seed."""
        self.control("POST", "incidents", list(incidents))

    def complete_investigations(self, *investigations: dict[str, Any]) -> None:
        """Send the events of investigations, each with an incident and its classification."""
        self.control("POST", "investigations", list(investigations))

    def set_webhook(self, url: str | None, secret: str = "", **how: Any) -> None:
        """Replace the subscription to events.

        :param url: None for no subscription.
        :param how: other fields of ``Webhook``.
        """
        self.control("PUT", "webhook", None if url is None else {"url": url, "secret": secret, **how})

    def test_webhook(self) -> None:
        """Send a test event."""
        self.control("POST", "webhook/test")

    def deliver_again(self, new_id: bool = False) -> None:
        """Deliver the last event again, with a new ID if requested."""
        self.control("POST", "webhook/again", {"new_id": new_id})

    def deliveries(self) -> dict[str, Any]:
        """Return the deliveries since the last reset."""
        return dict(self.control("GET", "deliveries"))

    def journal(self) -> dict[str, Any]:
        """Return the requests since the last reset."""
        return dict(self.control("GET", "journal"))

    def state(self) -> dict[str, Any]:
        """Return the stored records."""
        return dict(self.control("GET", "state"))

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Send a request to a control endpoint and return the body of the response."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{name}", data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return json.load(response)
