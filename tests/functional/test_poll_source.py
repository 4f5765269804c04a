# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The polling event source, run as ansible-rulebook runs it, against the sandbox.

The unit tests in test_incident_poll.py cover its options and its state.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest
import yaml
from ansible_rulebook.validators import Validate

from ansible_collections.secops.itsm.plugins.module_utils._http import client
from ansible_collections.secops.itsm.plugins.plugin_utils import incident_poll
from ansible_collections.secops.itsm.tests.functional.conftest import BULK_WORKSPACE
from ansible_collections.secops.itsm.tests.functional.processes import eventually
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

PLUGINS = Path(__file__).resolve().parents[2] / "extensions/eda/plugins"
SOURCE = PLUGINS / "event_source/contraforce_incidents.py"
FILTER = PLUGINS / "event_filter/contraforce_incident.py"
LISTING = "v2-list-incidents-across-workspaces"
TEN_YEARS = 315_360_000


class Rulebook:
    """The queue of a rulebook."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def put(self, event: dict[str, Any]) -> None:
        """Add an event."""
        self.events.append(event)

    @property
    def ids(self) -> list[str]:
        """Return the IDs of the incidents in order."""
        return [event["payload"]["data"]["id"] for event in self.events]


@dataclass
class Source:
    """Run the source, and change the sandbox between its polls.

    :param sandbox: the sandbox.
    :param monkeypatch: the fixture of pytest.
    """

    sandbox: SandboxProcess
    monkeypatch: pytest.MonkeyPatch
    waits: list[float] = field(default_factory=list)

    def args(self, **args: Any) -> dict[str, Any]:
        """Return the options of the source."""
        access = {name: self.sandbox.credentials[name] for name in ("client_id", "client_secret")}
        return {"url": self.sandbox.url, **access, "lookback": 60, "retry_timeout": 0, **args}

    def run(self, *between: Callable[[], Any], **args: Any) -> Rulebook:
        """Run the source until all changes are made and polled, and end it as ansible-rulebook does.

        :param between: the changes, one after each poll.
        :param args: further options.
        """
        rulebook, happens, self.waits = Rulebook(), list(between), []

        async def run() -> None:
            task = asyncio.current_task()

            async def sleep(seconds: float) -> None:
                self.waits.append(seconds)
                if happens:
                    happens.pop(0)()
                else:
                    assert task is not None
                    task.cancel()
                    await asyncio.sleep(60)

            self.monkeypatch.setattr(incident_poll, "Poller", functools.partial(poller, sleep=sleep))
            await runpy.run_path(str(SOURCE))["main"](rulebook, self.args(**args))

        poller = incident_poll.Poller
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())
        self.monkeypatch.setattr(incident_poll, "Poller", poller)
        return rulebook

    def add(self, *numbers: int, ago: float = 2, **values: Any) -> Callable[[], None]:
        """Return a change that raises incidents.

        :param numbers: the numbers of the incidents.
        :param ago: how many seconds ago they were raised; a list ends with the last whole second.
        :param values: further values.
        """

        def happen() -> None:
            raised = datetime.now(timezone.utc) - timedelta(seconds=ago)
            self.sandbox.add_incidents(
                *(
                    {
                        "workspaceId": BULK_WORKSPACE,
                        "source": "DefenderXDR",
                        "id": str(number),
                        "number": number,
                        "title": f"Incident {number}",
                        "severity": "Low",
                        "status": "New",
                        "createdAt": raised.isoformat().replace("+00:00", "Z"),
                        "updatedAt": raised.isoformat().replace("+00:00", "Z"),
                        **values,
                    }
                    for number in numbers
                )
            )

        return happen

    def fail(self, *then: Callable[[], None], **fault: Any) -> Callable[[], None]:
        """Return a change that makes the next poll fail.

        :param then: further changes.
        :param fault: the fault of the sandbox.
        """

        def happen() -> None:
            self.sandbox.set_faults({"operation": LISTING, **fault})
            for each in then:
                each()

        return happen


@pytest.fixture
def source(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Return the source for a reset sandbox."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Source(sandbox, monkeypatch)


def nothing() -> None:
    """Change nothing."""


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log messages of the source."""
    return [entry.getMessage() for entry in caplog.records if entry.name == incident_poll.LOGGER.name]


def test_new_incidents_are_sent_once(source, caplog):
    source.add(70001, ago=3600)()  # before the first poll goes back
    source.add(70002)()
    rulebook = source.run(source.add(70003, 70004), nothing, source.add(70005), nothing)
    assert rulebook.ids == ["70002", "70003", "70004", "70005"]
    assert warnings(caplog) == []
    assert all(50 < wait <= 60 for wait in source.waits)
    bodies = [entry["body"] for entry in source.sandbox.journal()["entries"]]
    assert len(bodies) == 5
    assert all(body["statuses"] == ["New", "Active"] for body in bodies)


def test_an_event_has_an_entry_for_runbooks(source):
    main = runpy.run_path(str(FILTER))["main"]
    source.add(70001, severity="High", title="{{ lookup('pipe', 'id') }}")()
    (event,) = source.run().events
    assert event["payload"]["type"] == "incident.listed"
    assert event["payload"]["isTest"] is False
    assert event["payload"]["data"]["title"] == "{{ lookup('pipe', 'id') }}"
    named = {"workspace_id": BULK_WORKSPACE, "source": "DefenderXDR", "incident_id": "70001"}
    assert main(event)["entry"] == {**named, "incident_number": "70001"}
    assert main(event)["incident"]["severity"] == "High"
    assert main(event)["incident"]["status"] == "New"


def test_a_list_without_workspaces_is_supported(source):
    source.sandbox.reset(profile={"list_workspace": "hidden"})
    source.add(70001)()
    rulebook = source.run(nothing, source.add(70002))
    assert rulebook.ids == ["70001", "70002"]
    entry = runpy.run_path(str(FILTER))["main"](rulebook.events[0])["entry"]
    assert set(entry) == {"created_at", "title_sha256", "source", "incident_id", "incident_number"}


def test_filters_are_sent(source):
    rulebook = source.run(
        source.add(70001, severity="Low"),
        source.add(70002, severity="High"),
        source.add(70003, severity="High", status="Closed"),
        severities=["High"],
        sources=["defenderxdr"],
    )
    assert rulebook.ids == ["70002"]


def test_all_pages_of_a_long_list_are_read(source):
    source.sandbox.reset(crowd=60, profile={"page_size": 7})
    rulebook = source.run(nothing, lookback=TEN_YEARS, sources=["Sentinel"], query="of a crowd")
    assert len(rulebook.ids) == len(set(rulebook.ids)) == 60


FAULTS = {
    "403": ({"status": 403, "code": "INSUFFICIENT_WORKSPACE_ROLE"}, "403"),
    "429 with Retry-After": ({"status": 429, "headers": {"Retry-After": "120"}}, "429"),
    "dropped": ({"drop": True}, "could not be read"),
    "an HTML page": ({"status": 200, "content": "html"}, "could not be read"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_outage_loses_nothing(source, caplog, name):
    fault, words = FAULTS[name]
    rulebook = source.run(
        source.add(70001),
        source.fail(source.add(70002), **fault),
        source.fail(source.add(70003), **fault),
        source.add(70004),
        nothing,
        interval=10,
    )
    assert rulebook.ids == ["70001", "70002", "70003", "70004"]
    first, second, again = warnings(caplog)
    assert words in first
    assert words in second
    assert again == "The list of incidents can be read again. Number of failed polls: 2."
    assert [round(wait, 0) > 10 for wait in source.waits] == [False, False, True, True, False, False]
    assert source.waits[3] > source.waits[2]


def test_a_clock_ahead_of_the_service_loses_nothing(source, caplog):
    """Otherwise, it would list the incidents of future times, and never those of now."""

    def clock(hours: int) -> Callable[[], None]:
        def happen() -> None:
            ahead = timedelta(hours=hours)
            source.monkeypatch.setattr(incident_poll, "_now", lambda: datetime.now(timezone.utc) + ahead)
            shifted = SimpleNamespace(time=lambda: time.time() + ahead.total_seconds())
            source.monkeypatch.setattr(client, "time", shifted)

        return happen

    rulebook = source.run(clock(2), source.add(70001), source.add(70002), clock(0), source.add(70003))
    assert rulebook.ids == ["70001", "70002", "70003"]
    first, *_further = warnings(caplog)
    assert re.match(r"The clock of this machine is 7\d\d\d seconds ahead of the service's clock\. Correct it", first)


def test_each_poll_uses_a_new_connection(source):
    source.sandbox.reset(crowd=10, profile={"page_size": 5})
    source.run(nothing, lookback=TEN_YEARS, sources=["Sentinel"], query="of a crowd")
    first, second, again = (entry["connection"] for entry in source.sandbox.journal()["entries"])
    assert first == second != again


def test_files_and_threads_do_not_accumulate(source):
    files, threads = [], []

    def count() -> None:
        files.append(len(os.listdir("/proc/self/fd")))
        threads.append(threading.active_count())

    source.run(*[count, source.fail(status=500)] * 10)
    assert max(files) <= files[0] + 2
    assert max(threads) <= threads[0] + 1


def test_a_failed_page_repeats_the_whole_list(source):
    source.sandbox.reset(crowd=20, profile={"page_size": 5})
    source.sandbox.set_faults({"operation": LISTING, "skip": 2, "status": 500})
    rulebook = source.run(nothing, nothing, lookback=TEN_YEARS, sources=["Sentinel"], query="of a crowd")
    assert len(rulebook.ids) == len(set(rulebook.ids)) == 20


def test_a_restart_continues_from_the_state_file(source, tmp_path):
    state = {"state_file": str(tmp_path / "incidents.json"), "lookback": 10}
    assert source.run(source.add(70001), **state).ids == ["70001"]
    source.add(70002)()
    assert source.run(source.add(70003), **state).ids == ["70002", "70003"]
    assert source.run(**state).ids == []
    assert source.run(lookback=60).ids == ["70001", "70002", "70003"]


def test_a_restart_after_an_outage_loses_nothing(source, tmp_path):
    """The incident is older than the lookback of the second start."""
    state = {"state_file": str(tmp_path / "incidents.json")}
    source.sandbox.set_faults({"operation": LISTING, "status": 500, "times": -1})
    assert source.run(**state, lookback=60).ids == []
    source.add(70001, ago=30)()
    source.sandbox.set_faults()
    assert source.run(**state, lookback=5).ids == ["70001"]


def test_logs_contain_no_secret(source, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    header = "k3y-of-the-gateway"
    rulebook = source.run(
        source.fail(status=500, content="echo"),
        source.fail(status=200, content="echo"),
        source.add(70001),
        headers={"X-Api-Key": header},
    )
    assert rulebook.ids == ["70001"]
    secret = source.sandbox.credentials["client_secret"]
    assert "********" in caplog.text  # the service repeats them
    assert secret not in caplog.text
    assert header not in caplog.text


def test_connection_options_come_from_the_environment(source, monkeypatch):
    for name, value in source.sandbox.environment().items():
        monkeypatch.setenv(name, value)
    source.add(70001)()
    args = dict.fromkeys(("url", "client_id", "client_secret"))
    assert source.run(**args).ids == ["70001"]


def test_invalid_options_fail_at_the_start(source):
    main = runpy.run_path(str(SOURCE))["main"]
    for args, name in (({"client_secret": ""}, "client_secret"), ({"state_file": "/nowhere/state.json"}, "state_file")):
        with pytest.raises(ValueError, match=name) as raised:
            asyncio.run(asyncio.wait_for(main(Rulebook(), source.args(**args)), 20))
        assert source.sandbox.credentials["client_secret"] not in str(raised.value)


@pytest.mark.parametrize("plugin", [SOURCE, FILTER])
def test_examples_are_valid_rulebooks(plugin):
    described = runpy.run_path(str(plugin))
    rulebook = yaml.safe_load(described["EXAMPLES"])
    Validate.rulebook(rulebook)
    assert f"secops.itsm.{yaml.safe_load(described['DOCUMENTATION'])['name']}" in described["EXAMPLES"]
    given = rulebook[0]["sources"][0].get("secops.itsm.contraforce_incidents", {})
    assert set(given) <= set(incident_poll.poll_spec())


PROCESS = """
import asyncio, json, runpy, signal, sys

async def run(path, args):
    task = asyncio.create_task(runpy.run_path(path)["main"](asyncio.Queue(1), json.loads(args)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print("started", flush=True)
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled", flush=True)

asyncio.run(run(*sys.argv[1:]))
"""


def test_an_end_does_not_wait_for_a_response(source):
    source.sandbox.set_faults({"operation": LISTING, "hold": True, "times": -1})
    # As in ansible-rulebook, without a path of collections.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(SOURCE), json.dumps(source.args(timeout=60))],
        stdout=subprocess.PIPE,
        env=environment,
        cwd="/",
    ) as process:
        try:
            eventually(lambda: source.sandbox.journal()["entries"], "a request")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            output, _none = process.communicate(timeout=30)
        finally:
            process.kill()
    assert time.monotonic() - began < 10  # the request would take a minute
    assert output.split() == [b"started", b"cancelled"]
    assert process.returncode == 0
