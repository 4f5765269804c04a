# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of things in one task: several workers, one pace, and an outcome of its own for each entry.

It knows neither Ansible nor HTTP. What an entry is about, and how one is handled, is told to it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Collection, Generic, Hashable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.interrupts import Interrupts
from ansible_collections.secops.itsm.plugins.module_utils.pace import Together
from ansible_collections.secops.itsm.plugins.module_utils.service import Api

#: The workers that a user may ask for.
MOST_WORKERS = 32

#: The option of every module that takes a list.
CONCURRENCY_SPEC: Mapping[str, Any] = {"concurrency": {"type": "int", "default": 8}}

#: Seconds after which it is looked whether there is something to tell.
LONGEST_SILENCE = 0.5

#: Seconds for which a list that was interrupted waits for the entries that were begun.
LONGEST_FINISH = 60.0

#: How many different warnings of entries the task itself repeats.
MOST_WARNINGS = 10

#: Records of the service, which would make the result of a long list too large for a job's log.
LEFT_OUT = frozenset({"incident", "ticket"})


@dataclass(frozen=True)
class Entry:
    """What one entry of a list asks for, once it was checked.

    :param named: its identifiers, as its result shows them.
    :param options: the task's options, with those of the entry in their place.
    :param thing: what it is about; entries of the same thing must not be handled at the same time.
    :param wanted: what is to become of it, for the operation.
    :param failure: why nothing can be done about it.
    :param called: what messages call the thing.
    """

    named: Mapping[str, Any]
    options: Mapping[str, Any]
    thing: Hashable = None
    wanted: Any = None
    failure: ApiError | None = None
    called: str = ""


@dataclass(frozen=True)
class Many(Generic[Api]):
    """How a module handles a list.

    :param option: the one that holds the list.
    :param noun: what an entry is called.
    :param entries: checks the entries; takes the API and each one's options. Those that fail carry their failure.
    :param operation: handles one; takes the API, what is wanted and how to run.
    :param added_up: options that are dicts, to which an entry adds instead of replacing them.
    :param displaces: for an option of an entry, those of the task that make no sense beside it.
    """

    option: str
    noun: str
    entries: Callable[[Api, Sequence[Mapping[str, Any]]], Sequence[Entry]]
    operation: Callable[[Api, Any, Run], Result]
    added_up: frozenset[str] = frozenset()
    displaces: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass
class Counts:
    """How a list stands.

    :param total: entries, each thing once.
    """

    total: int
    changed: int = 0
    ok: int = 0
    failed: int = 0
    duplicates: int = 0

    @property
    def done(self) -> int:
        """How many were handled."""
        return self.changed + self.ok + self.failed

    def __str__(self) -> str:
        return f"{self.changed} changed, {self.ok} ok, {self.failed} failed"

    def as_dict(self) -> dict[str, int]:
        """As results show it."""
        return {
            "total": self.total,
            "changed": self.changed,
            "ok": self.ok,
            "failed": self.failed,
            "duplicates": self.duplicates,
        }


@dataclass
class Progress:
    """Somebody who is told how far a list is.

    :param every: seconds from one time to the next.
    :param tell: takes what the entries are called, the counts, and the seconds that have passed.
    """

    every: float
    tell: Callable[[str, Counts, float], None]
    _told: float = 0.0

    def is_due(self, seconds: float) -> bool:
        """Whether it is time to tell again; if so, the time begins anew.

        :param seconds: that have passed since the list was begun.
        """
        if self.every <= 0 or seconds - self._told < self.every:
            return False
        self._told = seconds
        return True


def options_of(many: Many[Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of each entry: the task's, and in their place what the entry gives. Empty texts count as not given.

    :param many: how the module handles a list.
    :param options: the task's.
    """
    shared = {name: value for name, value in options.items() if name != many.option}
    return [_merged(many, shared, entry) for entry in options[many.option]]


def _merged(many: Many[Any], shared: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in entry.items() if value is not None and value != ""}
    displaced = {other for name in given for other in many.displaces.get(name, ())}
    kept = {name: None if name in displaced else value for name, value in shared.items()}
    sums = {name: {**(shared.get(name) or {}), **given[name]} for name in many.added_up & set(given)}
    return {**kept, **given, **sums}


def checked(
    entries: Sequence[Mapping[str, Any]],
    identifiers: Sequence[str],
    wanted_from: Callable[[Mapping[str, Any]], Any],
    thing_of: Callable[[Any], Hashable],
) -> list[Entry]:
    """The entries of a list whose things are known from their options alone.

    :param entries: the options of each.
    :param identifiers: the options by which an entry's result names it, and without which there is none.
    :param wanted_from: checks an entry's options; raises ApiError.
    :param thing_of: the thing that it is about; its text is what messages call it.
    """

    def check(number: int, options: Mapping[str, Any]) -> Entry:
        named = {name: options.get(name) for name in identifiers}
        try:
            _check_that_it_is_named(number, named)
            wanted = wanted_from(options)
        except ApiError as failure:
            return Entry(named, options, failure=failure)
        thing = thing_of(wanted)
        return Entry(named, options, thing, wanted, called=str(thing))

    return [check(number, options) for number, options in enumerate(entries)]


def _check_that_it_is_named(number: int, named: Mapping[str, Any]) -> None:
    """Refuse an entry that lacks an identifier, and say which one of the list it is."""
    given = [f"{name} {value}" for name, value in named.items() if (value or "").strip()]
    missing = [name for name, value in named.items() if not (value or "").strip()]
    if missing:
        known = f" ({', '.join(given)})" if given else ""
        raise configuration_error(
            f"Entry {number + 1} of the list{known} lacks {' and '.join(missing)}. Add what is missing to the entry, "
            "or to the task for all entries."
        )


def without_contradictions(entries: Sequence[Entry]) -> tuple[list[Entry], list[int]]:
    """The entries, and for each the place of the first one that asks for the same.

    Entries that ask for different ends of the same thing fail: which of them came last would be chance.

    :param entries: as they were given.
    """
    judged, leaders = list(entries), list(range(len(entries)))
    about: dict[Hashable, list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.failure is None:
            about.setdefault(entry.thing, []).append(place)
    for places in about.values():
        first = entries[places[0]]
        at_odds = any(entries[place].wanted != first.wanted for place in places)
        for place in places if len(places) > 1 else []:
            if at_odds:
                judged[place] = replace(entries[place], failure=_at_odds(places, first.called))
            else:
                leaders[place] = places[0]
    return judged, leaders


def _at_odds(places: Sequence[int], called: str) -> ApiError:
    named = ", ".join(str(place + 1) for place in places[:10]) + (", ..." if len(places) > 10 else "")
    return configuration_error(
        f"Entries {named} of the list ask for different ends of {called}. Nothing was written for them; leave one of "
        "them in the list."
    )


@dataclass
class _Work:
    """What the workers share.

    :param places: of the entries that are still to be handled.
    """

    places: Iterator[int]
    outcomes: dict[int, Result | ApiError]
    counts: Counts
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped_at: float | None = None
    begun: set[int] = field(default_factory=set)

    def next(self) -> int | None:
        """The place of the next entry, None when there is none, or no further one is to begin."""
        with self.lock:
            place = None if self.stopped_at is not None else next(self.places, None)
            self.begun |= {place} if place is not None else set()
            return place

    def stop(self) -> None:
        """Let no further entry begin. Without the lock, which the same thread may hold when a signal comes."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    def done(self, place: int, outcome: Result | ApiError) -> None:
        """Take in what came of an entry."""
        failed = isinstance(outcome, ApiError) or outcome.failure is not None
        with self.lock:
            self.outcomes[place] = outcome
            self.counts.failed += failed
            self.counts.changed += not failed and not isinstance(outcome, ApiError) and outcome.changed
            self.counts.ok += not failed and not isinstance(outcome, ApiError) and not outcome.changed


#: What a worker gets that would send something after the end of an interrupted list; no result shows it.
TOO_LATE = ApiError("The run was interrupted.", "unavailable")


def _interrupted(entry: Entry, begun: bool) -> ApiError:
    """What becomes of an entry that a worker did not begin, or did not end."""
    if entry.failure:
        return entry.failure
    if not begun:
        message = f"The run was interrupted before {entry.called} was begun. Run the task again."
        return ApiError(message, "unavailable", retryable=True)
    return ApiError(
        f"The run was interrupted while {entry.called} was handled, so it is not known what became of it. Run the task "
        "again.",
        "ambiguous_write",
        wrote=True,
        retryable=True,
    )


def handle(
    many: Many[Api],
    options: Mapping[str, Any],
    run: Run,
    new_api: Callable[[], Api],
    pace: Together,
    bug: Callable[[Exception, Mapping[str, Any]], ApiError],
    shows_diff: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Handle a list; one entry that fails does not stop the others.

    :param many: how the module does it.
    :param options: the task's.
    :param run: how the run is to go.
    :param new_api: makes an API, whose request ids are those of one entry.
    :param pace: of all workers.
    :param bug: makes a failure of a bug of ours; takes it and the entry's options.
    :param shows_diff: whether the result has one list of all differences, for Ansible to show.
    :param progress: who is told how far it is.
    :raises ApiError: for what is wrong with the task itself, before anything is written.
    """
    workers = options["concurrency"]
    if not 1 <= workers <= MOST_WORKERS:
        raise configuration_error(f"concurrency must be a number from 1 to {MOST_WORKERS}.")
    entries, leaders = without_contradictions(many.entries(new_api(), options_of(many, options)))
    to_do = [place for place, leader in enumerate(leaders) if place == leader]
    counts = Counts(len(to_do), duplicates=len(entries) - len(to_do))
    work = _Work(iter(to_do), {}, counts)

    def outcome_of(entry: Entry) -> Result | ApiError:
        if entry.failure:
            return entry.failure
        try:
            return many.operation(new_api(), entry.wanted, run)
        except ApiError as failure:
            return failure
        except Exception as error:  # a bug of ours must not stop the other entries
            return bug(error, entry.options)

    def labour() -> None:
        place = work.next()
        while place is not None:
            work.done(place, outcome_of(entries[place]))
            place = work.next()

    _run_workers(labour, min(workers, len(to_do)), work, pace, lambda seconds: _tell(many, counts, progress, seconds))
    counts.failed += sum(place not in work.outcomes for place in to_do)
    for place in set(to_do) - set(work.outcomes):
        work.outcomes[place] = _interrupted(entries[place], begun=place in work.begun)
    outcomes = [work.outcomes[leader] for leader in leaders]
    results = [
        _shown(entry, outcome, None if leader == place else leader)
        for place, (entry, outcome, leader) in enumerate(zip(entries, outcomes, leaders))
    ]
    return _summed_up(counts, results, [outcomes[place] for place in to_do], shows_diff)


def _run_workers(
    labour: Callable[[], None], count: int, work: _Work, pace: Together, tell: Callable[[float], None]
) -> None:
    """Have the work done. Whoever interrupts it gets whole entries: those under way are brought to their end."""

    def finish() -> None:
        work.stop()
        pace.hurry()

    broken: list[BaseException] = []

    def work_on() -> None:
        try:
            labour()
        except BaseException as error:  # it is raised again where somebody can see it
            broken.append(error)

    # They end with the process, even if a service that trickles keeps one of them for ever.
    workers = [threading.Thread(target=work_on, daemon=True) for _worker in range(count)]
    began = time.monotonic()
    with Interrupts(finish):
        try:
            workers = _started(workers)
            if not workers:
                work_on()
            while not broken and _still_working(workers, work):
                tell(time.monotonic() - began)
            if broken:
                raise broken[0]
        except BaseException:
            finish()
            while _still_working(workers, work):
                pass
            raise
        finally:
            # Who hangs must not write later, beside whatever is run next.
            pace.give_up(TOO_LATE)


def _started(workers: Sequence[threading.Thread]) -> list[threading.Thread]:
    """Those that could be started: a system may allow fewer threads than a user asks for."""
    started = []
    for worker in workers:
        try:
            worker.start()
        except RuntimeError:
            break
        started.append(worker)
    return started


def _still_working(workers: Sequence[threading.Thread], work: _Work) -> bool:
    """Whether to go on waiting, after a moment of it: for as long as it takes, but not when the work was stopped."""
    if work.stopped_at is not None and time.monotonic() > work.stopped_at + LONGEST_FINISH:
        return False
    alive = [worker for worker in workers if worker.is_alive()]
    if alive:
        alive[0].join(LONGEST_SILENCE)
    return bool(alive)


def _tell(many: Many[Any], counts: Counts, progress: Progress | None, seconds: float) -> None:
    """Tell how far the list is, if it is time again."""
    if progress and progress.is_due(seconds) and counts.done < counts.total:
        progress.tell(many.noun, counts, seconds)


def _failure_of(outcome: Result | ApiError) -> ApiError | None:
    return outcome if isinstance(outcome, ApiError) else outcome.failure


def _has_changed(outcome: Result | ApiError) -> bool:
    """Whether something was changed, or may have been."""
    return outcome.wrote if isinstance(outcome, ApiError) else outcome.changed


def _shown(entry: Entry, outcome: Result | ApiError, leader: int | None) -> dict[str, Any]:
    """An entry's part of the result.

    :param entry: what was asked for.
    :param outcome: what came of it.
    :param leader: the place of the entry that this one repeats, if it does.
    """
    failure = _failure_of(outcome)
    values = {} if isinstance(outcome, ApiError) else {k: v for k, v in outcome.values.items() if k not in LEFT_OUT}
    shown = {
        **entry.named,
        "before": None,
        "after": None,
        "diff": None,
        **values,
        "changed": _has_changed(outcome),
        "failed": failure is not None,
        "error": failure.as_dict() if failure else None,
    }
    if failure:
        shown["msg"] = failure.message
    if not isinstance(outcome, ApiError) and outcome.warnings:
        shown["warnings"] = list(outcome.warnings)
    if leader is not None:
        shown.update(changed=False, before=shown["after"], diff=None, duplicate_of=leader)
    return shown


def _summed_up(
    counts: Counts, results: list[dict[str, Any]], outcomes: Sequence[Result | ApiError], shows_diff: bool
) -> Result:
    """The result of the task.

    :param counts: how the list stands in the end.
    :param results: of each entry.
    :param outcomes: of each thing.
    :param shows_diff: whether the result has one list of all differences.
    """
    repeated = f" ({counts.duplicates} of the list were there twice)" if counts.duplicates else ""
    values: dict[str, Any] = {"results": results, "summary": counts.as_dict(), "msg": f"{counts}{repeated}"}
    if shows_diff:
        values["diff"] = [entry["diff"] for entry in results if entry["changed"] and entry["diff"]]
    failures = [failure for failure in map(_failure_of, outcomes) if failure]
    warnings = dict.fromkeys(
        text for outcome in outcomes if not isinstance(outcome, ApiError) for text in outcome.warnings
    )
    told = list(warnings)[:MOST_WARNINGS]
    if len(warnings) > len(told):
        told.append(f"{len(warnings) - len(told)} more warnings are in the results of the entries.")
    return Result(
        changed=any(map(_has_changed, outcomes)),
        values=values,
        warnings=told,
        failure=_sum_of(failures, f"{counts}{repeated}") if failures else None,
    )


def _sum_of(failures: Sequence[ApiError], counts: str) -> ApiError:
    """The failure of the task: the first one of an entry, and how many there are besides."""
    first, others = failures[0], len(failures) - 1
    more = f" {others} more failed, each with its reason in results." if others else ""
    return first.retold(f"{counts}: {first}{more}", retryable=all(failure.retryable for failure in failures))
