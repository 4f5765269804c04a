# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control and observe the sandbox from the controller, as ansible.builtin.uri takes half a second for each request."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ansible.plugins.action import ActionBase

#: The operations that fetch tokens.
TOKENS = ("fetch-token", "fetch-oauth-token")


def send(url: str, method: str = "GET", body: Any = None) -> Any:
    """Return the sandbox's response; raise HTTPError if it refuses the request.

    :param url: the URL.
    :param method: the HTTP method.
    :param body: sent as JSON, except with GET.
    """
    data = None if method == "GET" else json.dumps(body, default=str).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
        return json.load(response)


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Reset the sandbox at ``url`` with the settings in ``reset``, replace its ``faults``, and return what it observed.

    The result contains the ``state`` that the sandbox stores, and of the requests since the reset: ``trace`` (one
    letter for each request except those for tokens: R for a read, W for a write) and ``effects`` (the writes that
    changed something).
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the requests, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        result = super().run(tmp, task_vars)
        url = f"{self._task.args['url']}/_sandbox"
        if "reset" in self._task.args:
            send(f"{url}/reset", "POST", self._task.args["reset"])
        if "faults" in self._task.args:
            send(f"{url}/faults", "PUT", self._task.args["faults"])
        requests = [entry for entry in send(f"{url}/journal")["entries"] if entry["operation"] not in TOKENS]
        return {
            **result,
            "changed": False,
            "trace": "".join("W" if entry["write"] else "R" for entry in requests),
            "effects": sum(entry["took_effect"] for entry in requests),
            "state": send(f"{url}/state"),
        }
