# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare what tasks return with results that were recorded before the code was renamed, so that only names change.

With the variable SECOPS_ITSM_RECORD_GOLDEN, the path of a directory, results are recorded there instead.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Iterator, Sequence

from ansible.release import __version__ as ansible_version

DIRECTORY = Path(__file__).resolve().parents[1] / "golden"
RECORD = "SECOPS_ITSM_RECORD_GOLDEN"
#: The ansible-core that the results were recorded with. Others have other keys in the result of a loop, such as failed.
RECORDED_WITH = "2.19."

#: Texts may be reworded, and inputs (run) may change. The others depend on ansible-core, on the machine, or on how
#: often a request was repeated.
LEFT_OUT = frozenset(
    {"msg", "warnings", "deprecations", "exception", "invocation", "request_ids", "request_id", "report_files", "path"}
    | {"failed_when_suppressed_exception", "_ansible_no_log", "ansible_loop_var", "ansible_facts", "run"}
)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
#: The tickets that a run opens; which of two is opened first is chance.
NEW_TICKET = re.compile(r"CTC-00(?:5[4-9]|[6-9]\d)|14586[89]\d")
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def facts(value: Any) -> Any:
    """Return a result without texts and without what differs between two runs.

    :param value: anything that JSON can carry.
    """
    if isinstance(value, dict):
        return {key: facts(entry) for key, entry in sorted(value.items()) if key not in LEFT_OUT}
    if isinstance(value, list):
        return [facts(entry) for entry in value]
    if isinstance(value, str):
        return NEW_TICKET.sub("<new>", ADDRESS.sub("<address>", TIME.sub("<time>", UUID.sub("<uuid>", value))))
    return value


def differences(recorded: Any, now: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each difference.

    :param recorded: a result of :func:`facts`, or a part of it.
    :param now: its counterpart.
    :param place: the path to both.
    """
    if isinstance(recorded, dict) and isinstance(now, dict) and recorded.keys() == now.keys():
        for key, entry in recorded.items():
            yield from differences(entry, now[key], f"{place}.{key}")
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for number, (one, other) in enumerate(zip(recorded, now)):
            yield from differences(one, other, f"{place}[{number}]")
    elif recorded != now or type(recorded) is not type(now):
        yield f"{place}: recorded {recorded!r}, now {now!r}"


def compare(name: str, results: Sequence[Any]) -> list[str]:
    """Return the differences from the recorded results, a line each; record the results instead if asked to.

    On another ansible-core than that of the recording, nothing is compared.

    :param name: of the file, without its suffix.
    :param results: in their order.
    """
    now = [json.loads(json.dumps(facts(result), default=str)) for result in results]
    folder = os.environ.get(RECORD)
    if not ansible_version.startswith(RECORDED_WITH):
        return []
    if folder:
        lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in now)
        Path(folder, f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        return []
    recorded = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    return list(differences(recorded, now))
