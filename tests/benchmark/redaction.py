# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the search for secrets in the result of a list, in all encodings and in plain text."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Callable

from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor, map_texts
from ansible_collections.secops.itsm.tests.benchmark.comparison import Comparison
from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.benchmark.variants import CLOSURE
from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import SOURCE, bulk_incident_id

#: The upper limit of the ratio to replacing only plain secrets.
MOST = 5

_SECRET = "s3cr3t/of+closer~8Q.abcDEFghiJKLmno_pqr-"
#: The secrets of a ContraForce task: the client secret, its HTTP Basic form, and the key of a gateway.
SECRETS = (_SECRET, base64.b64encode(f"sandbox-client:{_SECRET}".encode()).decode(), "gateway/key+0f9e8d7c")


def measured_redaction(entries: int, rounds: int) -> Comparison:
    """Redact the result of a list. Its entries contain all kinds of escapes, but no secret.

    :param entries: the number of entries.
    :param rounds: the number of rounds; both methods alternate.
    """
    result = {"results": [_entry(number) for number in range(1, entries + 1)]}
    redactor = Redactor(SECRETS)
    times = [(_seconds(redactor.data, result), _seconds(_redact_plain, result)) for _round in range(rounds)]
    all_encodings, plain = (Spread.of(seconds) for seconds in zip(*times))
    return Comparison(
        f"(c) searching the result of {entries:,} incidents for {len(SECRETS)} secrets in all encodings takes at most "
        f"{MOST} times as long as `str.replace` for plain secrets",
        all_encodings.over(plain),
        MOST,
    )


def _seconds(work: Callable[[Any], Any], value: Any) -> float:
    started = time.perf_counter()
    work(value)
    return time.perf_counter() - started


def _redact_plain(value: Any) -> Any:
    return map_texts(value, _without_plain)


def _without_plain(text: str) -> str:
    for secret in SECRETS:
        text = text.replace(secret, "********")
    return text


def _entry(number: int) -> dict[str, Any]:
    incident = {
        "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60",
        "source": SOURCE,
        "incident_id": bulk_incident_id(number),
    }
    before = {
        "status": "New",
        "description": 'Sign-in from 10.1.2.3 & 10.1.2.4\nC:\\Windows\\System32\\x64\\cmd.exe /c "whoami"',
        "url": f"https://portal.example/incidents?id={bulk_incident_id(number)}&filter=a%20b%2Fc%3Dd",
        "raw": json.dumps({"title": "Gr\u00fc\u00dfe", "process": "C:\\cmd.exe", "query": "a=b&amp;c=d"}),
    }
    return {**incident, "changed": True, "msg": "", "before": before, "after": {**before, **CLOSURE}}
