# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control the sandbox from inside the controller: ansible.builtin.uri would take half a second each time.

The plugin also reads the state of the sandbox and records the result of the module under test, because further tasks
would take time, too.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any, Iterator, Mapping

from ansible.plugins.action import ActionBase

#: The control requests of a step, in this order.
CONTROL_METHODS: Mapping[str, str] = {"reset": "POST", "faults": "PUT", "edits": "PUT", "edit": "POST"}


def send(url: str, method: str = "GET", body: Any = None) -> Any:
    """Return the response of the sandbox; raise HTTPError if it refuses the request.

    :param url: the URL of the request.
    :param method: the HTTP method.
    :param body: sent as JSON.
    """
    data = None if method == "GET" else json.dumps(body, default=str).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def control_requests(story: Mapping[str, Any] | None, step: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the body of each control request before a step.

    :param story: the story if the step is its first one.
    :param step: the step, in the format of story.yml.
    """
    if story is not None:
        of_story = {name: story[name] for name in ("profile", "ticketing") if name in story}
        yield "reset", {**of_story, **{name: step[name] for name in ("faults", "edits") if name in step}}
    for name in CONTROL_METHODS:
        if name in step and not (story is not None and name in ("faults", "edits")):
            yield name, {"ticketing": step.get("ticketing", {})} if name == "reset" else step[name]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Control the sandbox at ``url``.

    ``step`` contains the control requests; ``story`` resets the sandbox first. ``look`` returns the ``journal``, the
    ``state``, the number of requests ``seen``, and, for requests from this number on, ``trace``, ``tokens`` and
    ``effects`` as in story.yml. ``record`` writes ``outcome`` under this name if integration_config.yml sets
    ``sandbox_records``; ``chance`` names its keys that may differ between runs.

    With ``method``, ``url`` is the URL of a single request with ``body`` as JSON; a refusal fails the task.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the requests, in check mode too.

        :param tmp: not used.
        :param task_vars: the variables, which contain the outcome.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        if given.get("method"):
            send(given["url"], given["method"], given.get("body"))
        for name, body in control_requests(given.get("story"), given.get("step") or {}):
            send(f"{given['url']}/_sandbox/{name}", CONTROL_METHODS[name], body)
        if given.get("look") is not None:
            result.update(self._observe(given["url"], int(given["look"])))
        variables = task_vars or {}
        if given.get("record") and "sandbox_records" in variables:
            self._record(given["record"], given.get("chance") or [], variables)
        return {**result, "changed": False}

    def _observe(self, url: str, since: int) -> dict[str, Any]:
        """Return the requests and the stored state of the sandbox.

        :param url: the address of the sandbox.
        :param since: the number of requests to skip.
        """
        journal, state = (send(f"{url}/_sandbox/{name}") for name in ("journal", "state"))
        recent = journal["entries"][since:]
        is_token = [entry["operation"] == "fetch-token" for entry in recent]
        return {
            "journal": journal,
            "state": state,
            "seen": len(journal["entries"]),
            "trace": "".join("W" if entry["write"] else "R" for entry, no in zip(recent, is_token) if not no),
            "tokens": sum(is_token),
            "effects": sum(entry["took_effect"] for entry in recent),
        }

    def _record(self, name: str, chance: list[str], variables: dict[str, Any]) -> None:
        """Record the outcome, and the number of processes that the connection has started since the previous one."""
        starts = Path(variables["sandbox_starts"])
        record = {
            "name": name,
            "chance": chance,
            "starts": len(starts.read_bytes()) if starts.exists() else 0,
            "outcome": variables["outcome"],
        }
        starts.unlink(missing_ok=True)
        with Path(variables["sandbox_records"]).open("a", encoding="utf-8") as records:
            records.write(f"{json.dumps(record, default=str)}\n")
