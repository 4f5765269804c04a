# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the polling event source: its state, its options, its file and its polls."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.plugin_utils import incident_poll, poll_state
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_poll import (
    OPTION_RANGES,
    POLL_SPEC,
    Poller,
    PollResult,
    backoff_delay,
    check_clock,
    listed_event,
    poll_options,
    poll_spec,
    run_in_thread,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.poll_state import PollState, StateFile, incident_identity
from ansible_collections.secops.itsm.tests.unit.event_plugins import event_plugin
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

START = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
DAY = 86_400


def at(seconds: float) -> datetime:
    """Return a point in time by the seconds after the start."""
    return START + timedelta(seconds=seconds)


def record(number: int = 1, created: float | None = 0, **values):
    """Return an incident as the service lists it."""
    moment = {} if created is None else {"creationTime": at(created).isoformat()}
    return {"id": str(number), "source": "DefenderXDR", "workspaceId": WORKSPACE, **moment, **values}


def options(**values):
    """Return validated options."""
    return poll_options({"client_id": "soc", "client_secret": "s3cr3t-of-soc", **values})


OPTIONS = options()


def new_state(**values) -> PollState:
    """Return the state of a source that starts."""
    return PollState.initial(options(**values), START)


def new_ids(state: PollState, *records) -> list[str]:
    """Return the identifiers of the new incidents."""
    return [found["id"] for found in state.new_incidents(records).values()]


def dispatch(state: PollState, records, now: datetime) -> list[str]:
    """Mark all new incidents as dispatched, and return their identifiers."""
    found = state.new_incidents(records)
    for name, incident in found.items():
        state.mark_delivered(name, incident, now)
    return [incident["id"] for incident in found.values()]


# --- state ----------------------------------------------------------------------------------------------------------


def test_first_poll_starts_at_the_lookback():
    state = new_state(lookback=600)
    assert state.start_time(at(0)) == at(-600)
    listed = [record(1, -601), record(2, -600), record(3, -1), record(4, None)]
    assert new_ids(state, *listed) == ["2", "4", "3"]
    assert new_ids(state, record(1, 30), record(2, 10), record(3, 20)) == ["2", "3", "1"]


@pytest.mark.parametrize(
    "lookback, overlap, last, now, start",
    [(0, 300, 1000, 1060, 700), (60, 900, 0, 60, -60), (0, 0, 0, 0, -1)],
)
def test_poll_starts_an_overlap_before_the_last_one(lookback, overlap, last, now, start):
    state = new_state(lookback=lookback, overlap=overlap)
    state.complete_poll(at(last))
    assert state.start_time(at(now)) == at(start)


@pytest.mark.parametrize(
    "change, is_same",
    [
        ({"workspaceId": WORKSPACE.upper()}, True),
        ({"source": "defenderxdr"}, True),
        ({"source": 2}, True),
        ({"source": 3}, False),
        ({"workspaceId": None}, False),
        ({"id": "2"}, False),
        ({"source": "Sentinel"}, False),
        ({"title": "Another one", "status": "Active"}, True),
        ({"creationTime": "2026-11-21T12:00:01Z"}, True),
    ],
)
def test_identity_is_workspace_source_and_id(change, is_same):
    assert (incident_identity(record()) == incident_identity({**record(), **change})) is is_same


def test_identity_without_a_workspace_includes_the_time():
    one, other = record(workspaceId=None), record(workspaceId="", created=1)
    assert incident_identity(one) != incident_identity(other)
    assert new_ids(new_state(), one, other) == ["1", "1"]


@pytest.mark.parametrize(
    "overlap, created, completed, remaining, new",
    [
        (900, 0, DAY, 1, [0, DAY - 1, DAY]),
        (900, 50_000, 2 * DAY, 0, [DAY]),
        (3 * DAY, 0, 2 * DAY, 1, [0, DAY - 1, DAY]),
        (0, 0.5, DAY + 0.3, 1, [DAY - 1, DAY]),
    ],
)
def test_forgotten_incidents_never_count_as_new(overlap, created, completed, remaining, new):
    """Incidents are remembered for a day or for the overlap. Unknown older ones are ignored afterwards."""
    state = new_state(remember=1, overlap=overlap)
    dispatch(state, [record(1, created)], at(created))
    state.complete_poll(at(completed))
    assert len(state.known) == remaining
    others = [record(moment + 2, moment) for moment in (0, DAY - 1, DAY)]
    assert new_ids(state, record(1, created), *others) == [str(moment + 2) for moment in new]


def test_incident_from_the_future_is_remembered_longer():
    state = new_state(remember=1, overlap=0)
    dispatch(state, [record(1, 3600)], at(0))
    # A day after its dispatch, but not yet after its creation.
    state.complete_poll(at(DAY + 1800))
    assert new_ids(state, record(1, 3600)) == []
    far = new_state(remember=1, overlap=0)
    dispatch(far, [record(1, 1e9)], at(0))
    assert list(far.known.values()) == [int(at(366 * DAY).timestamp())]


@pytest.mark.parametrize("count, first, remaining, new", [(8, 0, 3, []), (3, 0, 3, ["9"]), (8, 900, 8, ["9"])])
def test_state_is_bounded_except_within_the_overlap(monkeypatch, count, first, remaining, new):
    monkeypatch.setattr(poll_state, "MAX_KNOWN", 3)
    state = new_state(overlap=100)
    records = [record(number, first + number * 10) for number in range(count)]
    for number, one in enumerate(records):
        dispatch(state, [one], at(first + number * 10))
    state.complete_poll(at(1000))
    assert len(state.known) == remaining
    assert new_ids(state, *records, record(9, first + 11)) == new


def test_clock_that_was_set_back_loses_no_incident():
    state = new_state(overlap=300)
    dispatch(state, [record(1, 90_000)], at(90_000))
    state.complete_poll(at(90_000))
    assert state.start_time(at(50_000)) == at(49_700)
    assert new_ids(state, record(1, 90_000), record(2, 49_800)) == ["2"]
    young = new_state(lookback=0)
    assert young.start_time(at(-7200)) == at(-8100)
    assert new_ids(young, record(1, -7300)) == ["1"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    "change, reason",
    [
        *[({"version": version}, "its version is not 1") for version in (2, None)],
        *[({"known": known}, "it was not written") for known in ([], {"a": "b"}, {"a": None})],
        *[({"cursor": moment}, "it was not written") for moment in ("soon", "9999-12-31T23:59:59Z")],
        *[({"floor": moment}, "it was not written") for moment in (None, "0001-01-01T00:00:00Z")],
    ],
)
def test_invalid_state_is_refused(change, reason):
    text = json.dumps({**json.loads(new_state().as_text()), **change})
    with pytest.raises(ValueError, match=f"^{reason}"):
        PollState.from_text(text, options())


@given(st.text() | st.dictionaries(st.sampled_from(["version", "floor", "cursor", "known"]), JSON).map(json.dumps))
def test_any_other_text_is_refused_as_state(text):
    with pytest.raises(ValueError, match=r"^its? "):
        PollState.from_text(text, OPTIONS)


OVERLAP, LOOKBACK = 300, 200


@st.composite
def histories(draw):
    """Draw incidents, with their creation and delay in the list, and polls with their outcome."""
    moments = st.integers(-1000, 5000)
    incidents = [(draw(moments), draw(st.integers(0, OVERLAP))) for _each in range(draw(st.integers(0, 12)))]
    outcomes = st.sampled_from(["good", "good", "fails", "restart"])
    return incidents, draw(st.lists(st.tuples(st.integers(1, 900), outcomes), max_size=25)), draw(st.booleans())


@given(histories())
def test_every_incident_is_dispatched_once(history):
    """Incidents are listed late, polls fail, and the source restarts with its saved state."""
    incidents, steps, lists_active = history
    given_options = {**OPTIONS, "overlap": OVERLAP, "lookback": LOOKBACK}
    state = PollState.initial(given_options, START)
    saved, dispatched, now = state.as_text(), [], 0
    for pause, outcome in [*steps, (10, "good"), (6000, "good"), (OVERLAP + 1, "good")]:
        now += pause
        if outcome == "restart":
            state = PollState.from_text(saved, given_options)
        begin = state.start_time(at(now))
        if outcome == "fails":
            continue
        listed = [
            record(number, created)
            for number, (created, lag) in enumerate(incidents)
            # The list may also contain older incidents with recent activity.
            if created + lag <= now and (lists_active or begin <= at(created) <= at(now))
        ] * 2
        dispatched += dispatch(state, listed, at(now))
        state.complete_poll(at(now))
        saved = state.as_text()
        assert PollState.from_text(saved, given_options) == state
    expected = {str(number) for number, (created, _lag) in enumerate(incidents) if created >= -LOOKBACK}
    assert sorted(dispatched) == sorted(expected)


LIKELY = st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-21T12:00:00", WORKSPACE])
NAMES = ("source", "workspaceId", "creationTime", "title")


@given(st.lists(st.fixed_dictionaries({"id": JSON}, optional=dict.fromkeys(NAMES, JSON | LIKELY)), max_size=4))
def test_state_accepts_any_record(records):
    state = PollState.initial(OPTIONS, START)
    for name, found in state.new_incidents(records).items():
        state.mark_delivered(name, found, at(10))
        assert listed_event(found, at(10))["payload"]["data"].keys() == found.keys()
    state.complete_poll(at(20))
    assert state.new_incidents(records) == {}
    assert PollState.from_text(state.as_text(), OPTIONS) == state


def test_event_has_the_format_of_a_webhook_event():
    assert listed_event(record(title="A"), at(90.5)) == {
        "payload": {
            "type": "incident.listed",
            "timestamp": "2026-11-21T12:01:30Z",
            "isTest": False,
            "occurredAt": "2026-11-21T12:00:00+00:00",
            "data": record(title="A"),
        },
        "meta": {"endpoint": "incidents/across-workspaces", "headers": {}},
    }
    sanitized = listed_event({"id": "1", "entities": [{"": 10**400}]}, at(0))["payload"]
    assert sanitized["occurredAt"] == "2026-11-21T12:00:00Z"
    assert sanitized["data"] == {"id": "1", "entities": [{"(no name)": "1" + "0" * 400}]}


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTION_RANGES)
def test_number_out_of_range_is_refused(name):
    minimum, maximum, unit = OPTION_RANGES[name]
    assert options(**{name: minimum})[name] == minimum
    assert options(**{name: str(maximum)})[name] == maximum
    for invalid in (minimum - 1, maximum + 1):
        with pytest.raises(ValueError, match=f"^{name} must be a number of {unit} from {minimum} to {maximum}.$"):
            options(**{name: invalid})


@pytest.mark.parametrize("name", ["time_range", "time_from", "time_to", "workspace_id"])
def test_unsupported_option_is_refused(name):
    with pytest.raises(ValueError, match=name):
        options(**{name: "2026-11-21T12:00:00Z"})


def test_options_match_their_documentation():
    documented = yaml.safe_load(event_plugin("event_source/contraforce_incidents.py").DOCUMENTATION)["options"]
    spec = poll_spec()
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for key in ("type", "elements", "choices", "default"):
            assert documented[name].get(key) == option.get(key), (name, key)
        for variable in option.get("fallback", (None, []))[1]:
            assert f"E({variable})" in str(documented[name]["description"])
    for name, (minimum, maximum, _unit) in OPTION_RANGES.items():
        if name == "overlap" or minimum:
            assert str(maximum) in str(documented[name]["description"])
    assert options()["statuses"] == POLL_SPEC["statuses"]["default"] == ["New", "Active"]
    assert options(statuses=["Closed"])["statuses"] == ["Closed"]


# --- state file -----------------------------------------------------------------------------------------------------


def test_state_file_is_replaced_atomically(tmp_path, monkeypatch):
    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "state.json"
    path.write_text("older", encoding="utf-8")
    path.chmod(0o644)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space left"):
            StateFile(str(path)).write(new_state())
    assert path.read_text(encoding="utf-8") == "older"
    link = tmp_path / "link"
    link.symlink_to(path)
    StateFile(str(link)).write(new_state())
    assert PollState.from_text(path.read_text(encoding="utf-8"), options()) == new_state()
    assert (link.is_symlink(), stat.S_IMODE(path.stat().st_mode)) == (True, 0o600)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "state.json"]


@pytest.mark.parametrize("is_empty", [False, True])
def test_state_file_is_written_at_the_start(tmp_path, is_empty):
    """Incidents raised before the first poll after a restart are new."""
    path = tmp_path / "state.json"
    if is_empty:
        path.touch()
    assert StateFile(str(path)).load(options(), START) == new_state()
    assert StateFile(str(path)).load(options(), at(90_000)) == new_state()
    assert StateFile(None).load(options(), START) == new_state()


@pytest.mark.parametrize(
    "content", ["title_pattern: x", "{}", "\ud800", '{"version": 2, "floor": "x"}', '{"version": 1']
)
def test_other_file_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"^state_file cannot be used: .*/state[.]json: its? .*[.] Set another file"):
        StateFile(str(path)).load(options(), START)
    assert path.read_bytes() == content.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", ["missing/state.json", "folder"])
def test_state_file_that_cannot_be_written_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"^state_file cannot be (written|used): .*: .+[.]$"):
        StateFile(str(tmp_path / name)).load(options(), START)


# --- polls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lead, overlap, is_wrong",
    [
        *[(None, 900, False), (-10_000, 900, False), (450, 900, False), (30, 0, False), (30, 40, False)],
        *[(451, 900, True), (31, 0, True), (7200, 900, True)],
    ],
)
def test_clock_that_is_ahead_fails_the_poll(lead, overlap, is_wrong):
    if is_wrong:
        with pytest.raises(ApiError, match=f"^The clock of this machine is {lead} seconds ahead of the service's"):
            check_clock(lead, overlap)
    else:
        check_clock(lead, overlap)


class FakeQueue:
    """The queue of a rulebook, which ends after a number of events."""

    def __init__(self, limit: int = 10**6) -> None:
        self.ids: list = []
        self.limit = limit

    async def put(self, event) -> None:
        if len(self.ids) >= self.limit:
            raise RuntimeError("the rulebook ended")
        self.ids.append(event["payload"]["data"]["id"])


class FakeListing:
    """A list that returns records or raises failures in order."""

    def __init__(self, *responses) -> None:
        self.responses = list(responses)
        self.begins: list[datetime] = []

    def __call__(self, begin: datetime):
        self.begins.append(begin)
        response = self.responses.pop(0)
        if isinstance(response, ApiError):
            raise response
        return response if isinstance(response, PollResult) else PollResult(response)


class EndError(Exception):
    """The end of the polls of a test."""


def polled(listing: FakeListing, **values) -> tuple[FakeQueue, list[float]]:
    """Poll once for each response, and return the events and the waits."""
    waits: list[float] = []
    queue = FakeQueue()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not listing.responses:
            raise EndError

    with pytest.raises(EndError):
        asyncio.run(Poller(queue, options(**values), listing, sleep).run())
    return queue, waits


def recent(number: int, ago: float = 1.0) -> dict:
    """Return an incident that was created just now."""
    return record(number, (datetime.now(timezone.utc) - START).total_seconds() - ago)


DOWN = ApiError("ContraForce is not there.", "unavailable")


def test_failed_poll_does_not_advance_the_cursor(caplog):
    vanished = ApiError("ca_path cannot be read.", "configuration")
    listing = FakeListing([recent(1)], DOWN, vanished, [recent(1), recent(2)], [])
    queue, waits = polled(listing, interval=10)
    assert queue.ids == ["1", "2"]
    assert listing.begins[1] == listing.begins[2] == listing.begins[3] < listing.begins[4]
    for wait, (shortest, longest) in zip(waits, [(9, 10), (15, 20), (30, 40), (9, 10)]):
        assert shortest < wait <= longest
    assert_messages(
        caplog.messages,
        ["ContraForce is not there", "next poll"],
        ["ca_path", "next poll"],
        ["list of incidents", 2],
    )
    assert all(line.levelno == logging.WARNING for line in caplog.records)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("wrong", [range(5, 20), range(20), range(5, 6), range(0)])
@pytest.mark.parametrize("days", [40, -40])
def test_wrong_clock_loses_no_incident(monkeypatch, tmp_path, wrong, days, is_restarted):
    """The clock is wrong for some polls, ten minutes apart, and the service does not report its time."""
    if is_restarted and 0 in wrong and days > 0:
        pytest.skip("The first start is unknown if the clock was ahead then.")
    now = {"real": 0.0, "lead": 0.0}
    monkeypatch.setattr(incident_poll, "_now", lambda: at(now["real"] + now["lead"]))
    monkeypatch.setattr(time, "monotonic", lambda: 1e6 + now["real"])
    incidents = {number: number * 600 + 1.0 for number in range(30)}

    def service(begin: datetime) -> PollResult:
        shown = [number for number, created in incidents.items() if begin <= at(created) <= at(now["real"])]
        return PollResult([record(number, incidents[number]) for number in shown], is_clock_checked=False)

    given_options = options(state_file=str(tmp_path / "state.json"), overlap=900, lookback=0)
    queue = FakeQueue()

    async def polls() -> None:
        poller = state = None
        for number in range(31):
            now.update(real=number * 600.0, lead=86_400.0 * days if number in wrong else 0.0)
            if poller is None or is_restarted:
                poller = Poller(queue, given_options, service)
                state = StateFile(given_options["state_file"]).load(given_options, incident_poll._now())
            await poller.poll(state)

    asyncio.run(polls())
    assert queue.ids == [str(number) for number in incidents]


def test_unusable_entries_are_skipped_with_a_warning(caplog):
    odd = [recent(number) for number in range(1, 6)]
    for one, value in zip(odd, (None, "", " ", [1], True)):
        one.update(id=value, title="Two\nlines")
    del odd[0]["id"]
    usable = [recent(7), {**recent(8), "id": 8}, {**recent(9), "source": None}, {"id": "11", "source": "Sentinel"}]
    first = PollResult([*usable, *odd], odd_entries=2)
    second = PollResult([*usable, *odd, recent(13)], odd_entries=2)
    queue, _waits = polled(FakeListing(first, second, [recent(14)]))
    assert sorted(map(str, queue.ids), key=int) == ["7", "8", "9", "11", "13", "14"]
    count, *others = caplog.messages
    assert_message(count, "Malformed entries", 2, "skipped")
    assert len(others) == len(odd)
    assert_message(others[0], "skipped", WORKSPACE, "DefenderXDR", odd[0]["creationTime"], "Two?lines")


@pytest.mark.parametrize("before", [[], [DOWN]])
def test_invalid_option_ends_the_source_at_the_first_poll(before):
    listing = FakeListing(*before, ApiError("sources must be of these.", "configuration"))
    with pytest.raises(ValueError, match=r"^sources must be of these[.]$"):
        asyncio.run(Poller(FakeQueue(), options(), listing, lambda _seconds: asyncio.sleep(0)).run())


@pytest.mark.parametrize("write_interval, limit, repeated", [(5.0, 1, ["1", "2", "3"]), (-1.0, 2, ["3"])])
def test_interrupted_batch_is_continued(tmp_path, monkeypatch, write_interval, limit, repeated):
    """The state is written during a long batch; events since then are dispatched again."""
    monkeypatch.setattr(incident_poll, "WRITE_INTERVAL", write_interval)
    path = str(tmp_path / "state.json")
    batch = [recent(1, 3), recent(2, 2), recent(3, 1)]
    with pytest.raises(RuntimeError):
        asyncio.run(Poller(FakeQueue(limit), options(state_file=path), FakeListing(batch)).run())
    assert polled(FakeListing(batch), state_file=path)[0].ids == repeated
    assert polled(FakeListing(batch), state_file=path)[0].ids == []


def test_failed_write_of_the_state_is_logged(tmp_path, monkeypatch, caplog):
    write, failing = StateFile.write, iter([False, True, False])

    def fail_once(self, state):
        if next(failing):
            raise OSError(28, "No space left on device")
        write(self, state)

    monkeypatch.setattr(StateFile, "write", fail_once)
    monkeypatch.setattr(incident_poll, "WRITE_INTERVAL", 1e9)
    listing = FakeListing([recent(1)], [recent(1), recent(2)])
    queue, _waits = polled(listing, state_file=str(tmp_path / "state.json"))
    assert queue.ids == ["1", "2"]
    assert_messages(caplog.messages, ["state_file", "No space left on device"])


@pytest.mark.parametrize(
    "failures, interval, longest", [(1, 60, 120), (2, 60, 240), (4, 60, 900), (10**6, 60, 900), (3, 3600, 3600)]
)
def test_backoff_is_bounded(failures, interval, longest):
    assert backoff_delay(failures, interval, 1.0) == longest
    assert backoff_delay(failures, interval, 0.0) == longest * 0.75


def test_cancellation_does_not_wait_for_a_request():
    release, running = threading.Event(), threading.Event()

    def request() -> None:
        running.set()
        release.wait(30)

    async def cancelled() -> None:
        task = asyncio.create_task(run_in_thread(request))
        while not running.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - began < 5
    release.set()


def test_exception_of_a_thread_is_raised():
    async def fail() -> None:
        await run_in_thread(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
