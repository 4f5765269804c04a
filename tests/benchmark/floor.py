# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lower bound: a script with requests and threads that sends the same requests without Ansible.

It prints the duration of the requests, without the start of Python and the imports, and its memory as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

_LOCAL = threading.local()


def session() -> requests.Session:
    """Return the session of this thread, which keeps its connection open."""
    if not hasattr(_LOCAL, "session"):
        _LOCAL.session = requests.Session()
        _LOCAL.session.auth = (os.environ["CONTRAFORCE_CLIENT_ID"], os.environ["CONTRAFORCE_CLIENT_SECRET"])
    return _LOCAL.session  # type: ignore[no-any-return]  # thread-local values have no type


def close(base_url: str, incident: dict[str, str], closure: dict[str, str]) -> bool:
    """Close an incident unless it is closed, verify the result, and return whether it was changed.

    :param base_url: the URL of the API.
    :param incident: ``workspace_id``, ``source`` and ``incident_id``.
    :param closure: ``status``, ``classification``, ``classification_reason`` and ``comment``.
    """
    url = f"{base_url}/workspaces/{incident['workspace_id']}/incidents/{incident['source']}/{incident['incident_id']}"
    if status(url) == closure["status"]:
        return False
    names = {"classification_reason": "classificationReason"}
    body = {names.get(name, name): value for name, value in closure.items()}
    session().put(f"{url}/status", json=body, timeout=30).raise_for_status()
    if status(url) != closure["status"]:
        raise RuntimeError(f"{incident['incident_id']} did not change")
    return True


def status(url: str) -> str:
    """Return the status of an incident.

    :param url: the URL of the incident.
    """
    response = session().get(url, timeout=30)
    response.raise_for_status()
    return str(response.json()["data"]["incident"]["status"])


def main(path: Path) -> dict[str, Any]:
    """Close the incidents in a file, and return the measurements.

    :param path: the JSON file with the variables of the playbooks.
    """
    variables = json.loads(path.read_text(encoding="utf-8"))
    started = time.monotonic()
    with ThreadPoolExecutor(variables["concurrency"]) as pool:
        futures = [
            pool.submit(close, variables["base_url"], incident, variables["closure"])
            for incident in variables["incidents"]
        ]
        closed = [future.result() for future in futures]
    seconds = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"tasks": [{"name": "close", "seconds": seconds}], "changed": sum(closed), "main_kib": memory}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
