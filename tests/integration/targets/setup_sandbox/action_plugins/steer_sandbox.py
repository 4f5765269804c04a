# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steer the sandbox from inside the controller: ansible.builtin.uri would cost half a second each time.

It also looks at what came of it, and notes what the module under test returned, as a task more for each would cost
time, too.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any, Iterator, Mapping

from ansible.plugins.action import ActionBase

#: What a step may order, in this order.
ORDERS: Mapping[str, str] = {"reset": "POST", "faults": "PUT", "edits": "PUT", "edit": "POST"}


def asked(url: str, method: str = "GET", body: Any = None) -> Any:
    """Ask the sandbox; a refusal is raised.

    :param url: what is asked for.
    :param method: the HTTP method.
    :param body: sent as JSON.
    """
    data = None if method == "GET" else json.dumps(body, default=str).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def orders(story: Mapping[str, Any] | None, step: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the sandbox is told before a step, each by its name, with its body.

    :param story: whose first step this is, if it is one.
    :param step: as story.yml says.
    """
    if story is not None:
        of_story = {name: story[name] for name in ("profile", "ticketing") if name in story}
        yield "reset", {**of_story, **{name: step[name] for name in ("faults", "edits") if name in step}}
    for name in ORDERS:
        if name in step and not (story is not None and name in ("faults", "edits")):
            yield name, {"ticketing": step.get("ticketing", {})} if name == "reset" else step[name]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(url), the sandbox's address, and what is to be done there.

    C(step) is what it is told, and with C(story) it begins anew before that. C(look) gives its C(journal), its
    C(state), how many requests it has C(seen), and of those from that number on, as story.yml says, C(trace),
    C(tokens) and C(effects). With C(record), C(outcome) is noted under that name, if integration_config.yml says where
    (C(sandbox_records)); and with C(chance) which of its keys may be others in another run.

    With C(method), C(url) is instead that of a single request, which has C(body) as JSON; a refusal fails the task.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do it, in check mode too.

        :param tmp: not used.
        :param task_vars: the outcome is looked up there.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        if given.get("method"):
            asked(given["url"], given["method"], given.get("body"))
        for name, body in orders(given.get("story"), given.get("step") or {}):
            asked(f"{given['url']}/_sandbox/{name}", ORDERS[name], body)
        if given.get("look") is not None:
            result.update(self._look(given["url"], int(given["look"])))
        variables = task_vars or {}
        if given.get("record") and "sandbox_records" in variables:
            self._note(given["record"], given.get("chance") or [], variables)
        return {**result, "changed": False}

    def _look(self, url: str, since: int) -> dict[str, Any]:
        """What the sandbox has seen, and what it has stored.

        :param url: its address.
        :param since: the number of requests that were looked at already.
        """
        journal, state = (asked(f"{url}/_sandbox/{name}") for name in ("journal", "state"))
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

    def _note(self, name: str, chance: list[str], variables: dict[str, Any]) -> None:
        """Add the outcome, and how many processes the connection started since the one before."""
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
