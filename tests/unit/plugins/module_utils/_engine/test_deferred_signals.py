# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first signal is deferred until the work is finished; a repeated signal ends the process.

The functional tests interrupt real processes.
"""

from __future__ import annotations

import os
import signal
import threading
from types import SimpleNamespace
from typing import Iterator

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine import deferred_signals
from ansible_collections.secops.itsm.plugins.module_utils._engine.deferred_signals import (
    DEFERRED,
    REPEAT_INTERVAL,
    DeferredSignals,
)

EACH = pytest.mark.parametrize("number", DEFERRED, ids=lambda number: number.name)


@pytest.fixture(autouse=True)
def received() -> Iterator[list[int]]:
    """Collect the signals that this process receives outside the context."""
    signals: list[int] = []
    former = {number: signal.signal(number, lambda each, frame: signals.append(each)) for number in DEFERRED}
    yield signals
    for number, handler in former.items():
        signal.signal(number, handler)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in DEFERRED]


@EACH
def test_signal_is_deferred_and_handlers_are_restored(received, number):
    before = handlers()
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        assert handlers() != before
        signal.raise_signal(number)
        assert (finished, received) == ([1], [])
    assert (finished, received) == ([1], [number])
    assert handlers() == before


def test_handlers_are_restored_after_an_exception(received):
    before = handlers()
    with pytest.raises(KeyError), DeferredSignals(lambda: received.append(-1)):
        raise KeyError
    assert (handlers(), received) == (before, [])


@pytest.mark.parametrize("order", [DEFERRED, DEFERRED[::-1]])
def test_each_kind_is_deferred_and_the_first_is_sent_again(received, order):
    """Ctrl-C in a terminal makes Ansible also send SIGTERM."""
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        for number in order:
            signal.raise_signal(number)
        assert received == []
    assert (received, len(finished)) == ([order[0]], len(DEFERRED))


@pytest.mark.parametrize("moments, ends", [([0.0, 0.1, 0.29], []), ([0.0, 0.1, REPEAT_INTERVAL], [signal.SIGTERM])])
def test_signal_repeated_after_the_interval_ends_the_process(monkeypatch, moments, ends):
    """Ansible cleans up twice, and sends the signal each time."""
    killed: list[int] = []
    monkeypatch.setattr(deferred_signals, "time", SimpleNamespace(monotonic=iter(moments).__next__))
    kill = SimpleNamespace(getpid=os.getpid, kill=lambda _pid, number: killed.append(number))
    monkeypatch.setattr(deferred_signals, "os", kill)
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        for _moment in moments:
            signal.raise_signal(signal.SIGTERM)
        assert (finished, killed) == ([1], ends)
        assert (signal.getsignal(signal.SIGTERM) == signal.SIG_DFL) is bool(ends)


@EACH
def test_ignored_signal_stays_ignored(received, number):
    """A background process of a shell script, or one started by nohup, ignores signals."""
    signal.signal(number, signal.SIG_IGN)
    with DeferredSignals(lambda: received.append(-1)):
        signal.raise_signal(number)
    assert (signal.getsignal(number), received) == (signal.SIG_IGN, [])


def test_nested_contexts_finish_the_inner_one_first(received):
    finished: list[str] = []
    with DeferredSignals(lambda: finished.append("outer")):
        with DeferredSignals(lambda: finished.append("inner")):
            signal.raise_signal(signal.SIGTERM)
            assert finished == ["inner"]
        assert (finished, received) == (["inner", "outer"], [])
    assert received == [signal.SIGTERM]


def test_other_threads_set_no_handlers():
    seen: list[object] = []

    def work() -> None:
        with DeferredSignals(lambda: None):
            seen.extend(handlers())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert seen == handlers()


def test_signal_wakes_the_main_thread(received):
    finished = threading.Event()
    with DeferredSignals(finished.set):
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert finished.wait(30)
    assert received == [signal.SIGTERM]
