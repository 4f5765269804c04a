# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark runs, rejects wrong runs and reports ratios. No test depends on its speed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread, short
from ansible_collections.secops.itsm.tests.benchmark.measure import Bench, WrongRunError
from ansible_collections.secops.itsm.tests.benchmark.results import AGAIN, RIVALS, SIZES, Results
from ansible_collections.secops.itsm.tests.benchmark.variants import LIST, READ, SCRIPT, WRITE
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ansible_collections.secops.itsm.tests.benchmark", "--without-plot", *words],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "ANSIBLE_STDOUT_CALLBACK": "nonsense"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_quick_run(tmp_path):
    done = run("--quick", "--output", str(tmp_path / "docs"))
    assert done.returncode == 0, done.stdout
    made = tmp_path / "docs"
    assert sorted(path.name for path in made.iterdir()) == ["benchmark.json", "benchmark.json.license", "benchmark.md"]
    results = Results.from_json((made / "benchmark.json").read_text(encoding="utf-8"))
    assert {each.variant for each in results.rounds if each.purpose == RIVALS} == {"", "a", "b", "c", "d", "e"}
    assert {each.variant for each in results.rounds if each.purpose == AGAIN} == {"a", "b", "c", "d", "e"}
    assert {each.variant for each in results.rounds if each.purpose == SIZES} == {"c", "e"}
    assert all(run.tasks < run.wall and run.worker_mb for run in results.runs(RIVALS, LIST))
    text = (made / "benchmark.md").read_text(encoding="utf-8")
    for words in ("one of 20 workspaces responds with 429", "a request of `escalate_incident` takes at most 1.2 times"):
        assert [words in each.aim for each in results.comparisons].count(True) == 1
        assert text.count(words) == 1
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120
    assert f"ansible-core {results.machine['ansible-core']}" in text
    written_again = run("--again", str(made / "benchmark.json"), "--output", str(tmp_path / "again"))
    assert written_again.returncode == 0, written_again.stdout
    for name in ("benchmark.md", "benchmark.json"):
        assert (tmp_path / "again" / name).read_text(encoding="utf-8") == (made / name).read_text(encoding="utf-8")


def test_requests_and_connections_are_counted(sandbox, tmp_path):
    bench = Bench(sandbox, tmp_path)
    first = bench.close(SCRIPT, 20, latency=0.02)
    assert (first.requests, first.connections) == ({READ: 40, WRITE: 20}, 8)
    assert first.tasks >= 20 * 3 * 0.02 / 8
    assert bench.again(SCRIPT, 20).requests == {READ: 20}


@pytest.mark.parametrize(
    "claim, words",
    [
        ({"reads": 3}, r"sent .*'v2-get-incident': 4.* instead of .*'v2-get-incident': 6"),
        ({"most_connections": 1}, r"opened 2 connections instead of at most 1"),
        ({"playbook": "empty.yml"}, r"closed 0 of 2 incidents correctly"),
        ({"playbook": "not_there.yml"}, r"ended with exit code [1-9]"),
    ],
)
def test_run_with_other_requests_is_rejected(sandbox, tmp_path, claim: dict[str, Any], words: str):
    with pytest.raises(WrongRunError, match=words):
        Bench(sandbox, tmp_path).close(replace(SCRIPT, **claim), 2, latency=0.05)


def test_refused_request_is_reported(sandbox, tmp_path):
    bench = Bench(sandbox, tmp_path)
    bench.close(SCRIPT, 1)
    sandbox.set_faults({"status": 403})
    with pytest.raises(WrongRunError, match=r"script ended with exit code 1:(.|\n)*403"):
        bench.again(SCRIPT, 1)


def test_ratio_has_widest_range_of_rounds():
    ratio = Spread.of([4.0, 6.0, 8.0]).over(Spread.of([1.0, 2.0, 4.0]))
    assert (ratio.middle, ratio.least, ratio.most) == (3.0, 1.0, 8.0)
    assert ratio.formatted(" times") == "3.00 times (1.00 to 8.00)"
    assert Spread(4.0, 3.0, 5.0).by(2) == Spread(2.0, 1.5, 2.5)


@pytest.mark.parametrize(
    "value, text", [(0.5, "0.50"), (9.994, "9.99"), (12.34, "12.3"), (1234.5, "1,234"), (-123.0, "-123")]
)
def test_short_numbers(value, text):
    assert short(value) == text


def test_document_matches_measurements_in_repository(tmp_path):
    docs = Path(__file__).resolve().parents[2] / "docs"
    assert run("--again", str(docs / "benchmark.json"), "--output", str(tmp_path)).returncode == 0
    assert (tmp_path / "benchmark.md").read_text(encoding="utf-8") == (docs / "benchmark.md").read_text(
        encoding="utf-8"
    )
