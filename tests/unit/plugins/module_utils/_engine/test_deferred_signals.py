# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first signal is put off until all is whole, and comes in the end; the same one again ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace
from typing import Iterator

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine import deferred_signals
from ansible_collections.secops.itsm.plugins.module_utils._engine.deferred_signals import (
    DEFERRED,
    REPEAT_INTERVAL,
    DeferredSignals,
)

BOTH = pytest.mark.parametrize("number", DEFERRED, ids=lambda number: number.name)


@pytest.fixture(autouse=True)
def came() -> Iterator[list[int]]:
    """The signals that this process got; none of them ends it."""
    got: list[int] = []
    former = {number: signal.signal(number, lambda each, frame: got.append(each)) for number in DEFERRED}
    yield got
    for number, handler in former.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    """Send a signal to this process; Python's handler of it has run when this returns."""
    signal.raise_signal(number)


# --- in this process, whose handlers only take note -----------------------------------------------------------------


@BOTH
def test_signal_is_deferred_to_the_end(came, number):
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        send(number)
        assert (finished, came) == ([1], [])
    assert (finished, came) == ([1], [number])


def test_without_a_signal_nothing_happens(came):
    with DeferredSignals(lambda: came.append(-1)):
        pass
    assert came == []


@BOTH
def test_handlers_are_restored(came, number):
    before = [signal.getsignal(each) for each in DEFERRED]
    with DeferredSignals(lambda: None):
        assert [signal.getsignal(each) for each in DEFERRED] != before
        send(number)
    assert [signal.getsignal(each) for each in DEFERRED] == before


def test_handlers_are_restored_after_an_exception(came):
    before = [signal.getsignal(each) for each in DEFERRED]
    with pytest.raises(KeyError), DeferredSignals(lambda: None):
        raise KeyError
    assert [signal.getsignal(each) for each in DEFERRED] == before
    assert came == []


@pytest.mark.parametrize("order", [DEFERRED, DEFERRED[::-1]], ids=["one way", "the other way"])
def test_each_kind_is_deferred_and_the_first_is_sent_again(came, order):
    """One may bring another: a terminal's Ctrl-C makes Ansible send SIGTERM, too."""
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        for number in order:
            send(number)
        assert came == []
    assert came == [order[0]]
    assert len(finished) == len(DEFERRED)


@BOTH
def test_repeated_signal_within_the_interval_is_one_interruption(came, number, monkeypatch):
    """Ansible cleans up twice, and sends it each time; the process must not end for that."""
    moments = iter([100.0, 100.0 + REPEAT_INTERVAL / 3, 100.0 + REPEAT_INTERVAL * 0.99])
    monkeypatch.setattr(deferred_signals, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    sent: list[int] = []
    monkeypatch.setattr(
        deferred_signals, "os", SimpleNamespace(getpid=os.getpid, kill=lambda _pid, each: sent.append(each))
    )
    finished: list[int] = []
    with DeferredSignals(lambda: finished.append(1)):
        for _echo in range(3):
            send(number)
            assert (finished, sent) == ([1], [])
    assert (finished, sent) == ([1], [number])
    assert next(moments, None) is None


@BOTH
def test_ignored_signal_stays_ignored(came, number):
    """As nohup and the background of a script set it."""
    former = signal.signal(number, signal.SIG_IGN)
    try:
        with DeferredSignals(lambda: came.append(-1)):
            assert signal.getsignal(number) == signal.SIG_IGN
            send(number)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, former)
    assert came == []


def test_nested_contexts_finish_the_inner_one_first(came):
    finished: list[str] = []
    with DeferredSignals(lambda: finished.append("outer")):
        with DeferredSignals(lambda: finished.append("inner")):
            send(signal.SIGTERM)
            assert finished == ["inner"]
        assert finished == ["inner", "outer"]
        assert came == []
    assert came == [signal.SIGTERM]


def test_other_threads_set_no_handlers(came):
    seen: list[object] = []

    def work() -> None:
        with DeferredSignals(lambda: came.append(-1)):
            seen.extend(signal.getsignal(number) for number in DEFERRED)

    before = [signal.getsignal(number) for number in DEFERRED]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert seen == before


def test_signal_wakes_the_main_thread(came):
    finished = threading.Event()
    with DeferredSignals(finished.set):
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert finished.wait(30)
    assert came == [signal.SIGTERM]


# --- in a process of its own, which may be ended --------------------------------------------------------------------

#: The file alone: it needs nothing of the collection. Workers that take a minute stand for those of a list.
SCRIPT = """
    import importlib.util, os, signal, sys, threading, time
    from concurrent.futures import ThreadPoolExecutor, wait
    spec = importlib.util.spec_from_file_location("deferred_signals", sys.argv[1])
    deferred_signals = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(deferred_signals)

    def tell(text):
        os.write(1, text.encode() + b"\\n")

    go_on = threading.Event()
    signal.signal(signal.SIGUSR1, lambda number, frame: go_on.set())

    def work():
        go_on.wait(60)
        tell("whole")

    with deferred_signals.DeferredSignals(lambda: tell("finish")), ThreadPoolExecutor(2) as pool:
        under_way = {pool.submit(work) for _each in range(2)}
        tell("begun")
        while under_way:
            _ended, under_way = wait(under_way, timeout=0.05)
    tell("after")
    time.sleep(60)
"""


class Child:
    """A process that handles two things, and tells what it does."""

    def __init__(self, *before: str) -> None:
        arguments = [*before, sys.executable, "-c", textwrap.dedent(SCRIPT), deferred_signals.__file__]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def tells(self, text: str) -> None:
        """Wait for the next line, which is this."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == text

    def ended(self) -> int:
        """How it ended, within far less than its workers take."""
        return self.process.wait(30)

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child("env", "--default-signal=INT,TERM") if sys.platform == "linux" else Child()
    yield child
    child.close()


@BOTH
def test_process_ends_by_the_signal_after_the_work(child, number):
    child.tells("begun")
    child.send(number)
    child.tells("finish")
    child.send(signal.SIGUSR1)
    child.tells("whole")
    child.tells("whole")
    # With SIGINT, as with a KeyboardInterrupt that nobody takes.
    assert child.ended() == -number


@BOTH
def test_repeated_signal_ends_the_process(child, number):
    child.tells("begun")
    child.send(number)
    child.tells("finish")
    time.sleep(0.5)  # another interruption, and not an echo of the first
    began = time.monotonic()
    child.send(number)
    assert child.ended() == -number
    # The workers would have taken a minute.
    assert time.monotonic() - began < 30


def test_repeated_signal_ends_the_process_after_another_kind(child):
    child.tells("begun")
    child.send(signal.SIGINT)
    child.tells("finish")
    child.send(signal.SIGTERM)
    child.tells("finish")
    assert child.process.poll() is None
    time.sleep(0.5)  # another interruption, and not an echo of the first
    child.send(signal.SIGINT)
    assert child.ended() == -signal.SIGINT
