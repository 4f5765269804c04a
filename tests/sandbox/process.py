# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, steer and stop the sandbox from Python: for tests and tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.secops.itsm.tests.sandbox.client_environment import client_environment, ticketing_settings
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

#: The folder that holds ansible_collections.
COLLECTIONS = Path(__file__).resolve().parents[5]


class SandboxProcess:
    """A sandbox in a process of its own, on a free port.

    :param seed: the seed file to begin with.
    """

    def __init__(self, seed: Path = SEED_FILE) -> None:
        command = [
            sys.executable,
            "-m",
            "ansible_collections.secops.itsm.tests.sandbox",
            "--port",
            "0",
            "--seed",
            str(seed),
        ]
        environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if "http" not in first:
            raise RuntimeError(f"the sandbox did not start (exit code {self._process.wait()})")
        self.url = first.split()[-1]
        content = yaml.safe_load(seed.read_text(encoding="utf-8"))
        self.credentials: dict[str, str] = content["credentials"]
        #: How the ticketing service is reached; empty for a seed without one.
        self.ticketing: dict[str, Any] = ticketing_settings(self.url, content.get("ticketing", {}))

    def stop(self) -> int:
        """End it, and give its exit code."""
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
        """The variables with which a task reaches it."""
        return {**client_environment(self.url, self.credentials, self.ticketing), "no_proxy": "127.0.0.1"}

    def reset(
        self,
        profile: dict[str, Any] | None = None,
        faults: list[dict[str, Any]] | None = None,
        ticketing: dict[str, Any] | None = None,
        edits: list[dict[str, Any]] | None = None,
        crowd: int = 0,
    ) -> None:
        """Begin again.

        :param profile: how ContraForce behaves.
        :param faults: what goes wrong.
        :param ticketing: how the ticketing service behaves.
        :param edits: what another agent does to tickets, and when.
        :param crowd: how many further incidents there are; ``bulk_incident_id`` names them.
        """
        body = {"profile": profile or {}, "faults": faults or [], "ticketing": ticketing or {}, "edits": edits or []}
        self.control("POST", "reset", {**body, "crowd": crowd})

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Replace the faults to come.

        :param faults: what goes wrong.
        """
        self.control("PUT", "faults", list(faults))

    def set_edits(self, *edits: dict[str, Any]) -> None:
        """Replace the edits of another agent to come.

        :param edits: what it does to tickets, and when.
        """
        self.control("PUT", "edits", list(edits))

    def edit(self, object_id: str, fields: dict[str, Any]) -> None:
        """Let another agent edit a ticket now.

        :param object_id: the ticket's display id.
        :param fields: values by UUID.
        """
        self.control("POST", "edit", {"object_id": object_id, "fields": fields})

    def add_incidents(self, *incidents: dict[str, Any]) -> None:
        """Raise new incidents.

        :param incidents: as a seed has them.
        """
        self.control("POST", "incidents", list(incidents))

    def set_webhook(self, url: str | None, secret: str = "", **how: Any) -> None:
        """Let events be delivered from now on.

        :param url: where to, None for nowhere.
        :param secret: what they are signed with.
        :param how: further fields of ``Webhook``.
        """
        self.control("PUT", "webhook", None if url is None else {"url": url, "secret": secret, **how})

    def test_webhook(self) -> None:
        """Make a test delivery."""
        self.control("POST", "webhook/test")

    def deliver_again(self, new_id: bool = False) -> None:
        """Deliver the last event once more.

        :param new_id: as another event of the same incident.
        """
        self.control("POST", "webhook/again", {"new_id": new_id})

    def deliveries(self) -> dict[str, Any]:
        """What the webhook was told and answered since the last reset."""
        return dict(self.control("GET", "deliveries"))

    def journal(self) -> dict[str, Any]:
        """The requests since the last reset."""
        return dict(self.control("GET", "journal"))

    def state(self) -> dict[str, Any]:
        """What is stored."""
        return dict(self.control("GET", "state"))

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Tell the sandbox something, or ask it.

        :param method: of HTTP.
        :param name: what stands behind ``/_sandbox/``.
        :param body: what is sent as JSON, None for nothing.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{name}", data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)
