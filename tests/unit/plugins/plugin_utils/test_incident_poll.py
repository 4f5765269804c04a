# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is new of a list of incidents, what is remembered of it, and how the polls go on."""

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
CREDENTIALS = {"client_id": "soc", "client_secret": "s3cr3t-of-soc"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def at(seconds: float) -> datetime:
    """A point in time, by seconds after the start."""
    return START + timedelta(seconds=seconds)


def record(number: int = 1, created: float | None = 0, **values):
    """An incident as the service lists it."""
    moment = {} if created is None else {"creationTime": at(created).isoformat()}
    return {"id": str(number), "source": "DefenderXDR", "workspaceId": WORKSPACE, **moment, **values}


def options(**values):
    """Checked options."""
    return poll_options({**CREDENTIALS, **values})


OPTIONS = options()


def new_state(**values) -> PollState:
    """The state of a source that starts."""
    return PollState.initial(options(**values), START)


def ids(state: PollState, *records) -> list[str]:
    """What is new, by identifiers."""
    return [found["id"] for found in state.new_incidents(records).values()]


def hand_over(state: PollState, records, now: datetime) -> list[str]:
    """All that is new, handed over."""
    news = state.new_incidents(records)
    for name, found in news.items():
        state.mark_delivered(name, found, now)
    return [found["id"] for found in news.values()]


def test_the_first_poll_goes_back_and_no_further():
    state = new_state(lookback=600)
    assert state.start_time(at(0)) == at(-600)
    listed = [record(1, -601), record(2, -600), record(3, -1), record(4, None)]
    assert ids(state, *listed) == ["2", "4", "3"]


def test_a_poll_goes_back_behind_the_one_before():
    state = new_state(lookback=0, overlap=300)
    state.complete_poll(at(1000))
    assert state.start_time(at(1060)) == at(700)


def test_a_poll_goes_back_no_further_than_the_first_one():
    state = new_state(lookback=60, overlap=900)
    state.complete_poll(at(0))
    assert state.start_time(at(60)) == at(-60)


def test_what_is_asked_for_is_never_the_future():
    state = new_state(lookback=0, overlap=0)
    assert state.start_time(at(0)) == at(-1)


def test_an_incident_is_new_once():
    state = new_state()
    assert hand_over(state, [record(1), record(1), record(2)], at(5)) == ["1", "2"]
    assert ids(state, record(2), record(3), record(1)) == ["3"]


def test_the_oldest_come_first():
    assert ids(new_state(), record(1, 30), record(2, 10), record(3, 20)) == ["2", "3", "1"]


@pytest.mark.parametrize(
    "other, is_same",
    [
        ({"workspaceId": WORKSPACE.upper()}, True),
        ({"source": "defenderxdr"}, True),
        ({"workspaceId": None}, False),
        ({"id": "2"}, False),
        ({"source": "Sentinel"}, False),
        ({"title": "Another one", "status": "Active"}, True),
        ({"creationTime": "2026-11-21T12:00:01Z"}, True),
    ],
)
def test_what_an_incident_is_remembered_by(other, is_same):
    assert (incident_identity(record()) == incident_identity({**record(), **other})) is is_same


def test_without_a_workspace_the_time_tells_incidents_apart():
    one, other = record(workspaceId=None), record(workspaceId="", created=1)
    assert incident_identity(one) != incident_identity(other)
    assert ids(new_state(), one, other) == ["1", "1"]


def test_what_is_forgotten_counts_as_old():
    state = new_state(remember=1, overlap=900)
    hand_over(state, [record(1, 0), record(2, 50_000)], at(50_000))
    state.complete_poll(at(86_400 * 2))
    assert state.known == {}
    assert state.floor == at(86_400)
    assert ids(state, record(1, 0), record(2, 50_000), record(3, 86_399), record(4, 86_400)) == ["4"]


def test_what_the_overlap_brings_again_is_not_forgotten():
    state = new_state(remember=1, overlap=86_400 * 3)
    hand_over(state, [record(1, 0)], at(0))
    state.complete_poll(at(86_400 * 2))
    assert ids(state, record(1, 0), record(2, 0)) == ["2"]


def test_parts_of_a_second_count():
    state = new_state(remember=1, overlap=0)
    hand_over(state, [record(1, 0.5)], at(0.5))
    state.complete_poll(at(86_400.3))
    assert ids(state, record(1, 0.5)) == []


def test_nothing_is_forgotten_before_its_time():
    state = new_state(remember=1, overlap=900)
    hand_over(state, [record(1, 0)], at(0))
    state.complete_poll(at(86_400))
    assert ids(state, record(1, 0)) == []
    assert len(state.known) == 1


def test_an_outage_longer_than_the_memory_loses_nothing():
    state = new_state(remember=1)
    assert state.start_time(at(86_400 * 9)) == at(-900)
    assert ids(state, record(1, 5), record(2, 86_400 * 8)) == ["1", "2"]


def test_the_clock_of_the_service_is_ahead():
    state = new_state(remember=1, overlap=0)
    hand_over(state, [record(1, 3600)], at(0))
    state.complete_poll(at(86_400 + 1800))  # a day after it was handed over, and not yet after it was created
    assert ids(state, record(1, 3600)) == []
    far = new_state(remember=1, overlap=0)
    hand_over(far, [record(1, 1e9)], at(0))
    assert list(far.known.values()) == [int(at(366 * 86_400).timestamp())]


def test_the_number_of_known_is_bounded(monkeypatch):
    monkeypatch.setattr(poll_state, "MAX_KNOWN", 3)
    state = new_state(overlap=100)
    records = [record(number, number * 10) for number in range(8)]
    for number, one in enumerate(records):
        hand_over(state, [one], at(number * 10))
    state.complete_poll(at(1000))
    assert len(state.known) == 3
    assert ids(state, *records) == []  # what was forgotten is old


def test_what_the_list_may_show_again_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(poll_state, "MAX_KNOWN", 3)
    state = new_state(overlap=100)
    records = [record(number, 900 + number) for number in range(8)]
    hand_over(state, records, at(950))
    state.complete_poll(at(1000))
    assert len(state.known) == 8
    assert ids(state, *records, record(9, 901)) == ["9"]


def test_the_clock_is_set_back():
    state = new_state(overlap=300)
    hand_over(state, [record(1, 90_000)], at(90_000))
    state.complete_poll(at(90_000))
    assert state.start_time(at(50_000)) == at(49_700)
    assert ids(state, record(1, 90_000), record(2, 49_800)) == ["2"]
    young = new_state(lookback=0)
    assert young.start_time(at(-7200)) == at(-8100)
    assert ids(young, record(1, -7300)) == ["1"]


def test_a_state_comes_back_as_it_was():
    state = new_state(overlap=60, remember=2)
    hand_over(state, [record(1), record(2)], at(7))
    state.complete_poll(at(30.25))
    again = PollState.from_text(state.as_text(), options(overlap=60, remember=2))
    assert again == state


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"known": []},
        {"known": {"a": "b"}},
        {"known": {"a": None}},
        {"floor": None},
        {"cursor": "soon"},
        {"cursor": "9999-12-31T23:59:59Z"},
        {"floor": "0001-01-01T00:00:00Z"},
    ],
)
def test_another_state_is_refused(change):
    text = json.dumps({**json.loads(new_state().as_text()), **change})
    with pytest.raises(ValueError, match=r"^it (is not of version 1|does not hold what this source writes)$"):
        PollState.from_text(text, options())


@given(st.text() | st.dictionaries(st.sampled_from(["version", "floor", "cursor", "known"]), JSON).map(json.dumps))
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError, match=r"^it "):
        PollState.from_text(text, OPTIONS)


# The whole of it: incidents that come into the list late, polls that fail, restarts, and nobody is told twice.

OVERLAP, LOOKBACK = 300, 200


@st.composite
def histories(draw):
    """Incidents, each with when it was created and how long after the list shows it; and polls, with their outcome."""
    moments = st.integers(-1000, 5000)
    incidents = [(draw(moments), draw(st.integers(0, OVERLAP))) for _each in range(draw(st.integers(0, 12)))]
    steps = draw(
        st.lists(st.tuples(st.integers(1, 900), st.sampled_from(["good", "good", "fails", "restart"])), max_size=25)
    )
    return incidents, steps, draw(st.booleans())


@given(histories())
def test_every_incident_is_handed_over_once(history):
    incidents, steps, shows_active_ones = history
    state = PollState.initial(options(overlap=OVERLAP, lookback=LOOKBACK), START)
    kept, handed, now = state.as_text(), [], 0
    for pause, outcome in [*steps, (10, "good"), (6000, "good"), (OVERLAP + 1, "good")]:
        now += pause
        if outcome == "restart":
            state = PollState.from_text(kept, options(overlap=OVERLAP, lookback=LOOKBACK))
        begin = state.start_time(at(now))
        if outcome == "fails":
            continue
        listed = [
            record(number, created)
            for number, (created, lag) in enumerate(incidents)
            # A list may also have what was active of late; it is no reason to hand anything over again.
            if created + lag <= now and (shows_active_ones or begin <= at(created) <= at(now))
        ]
        handed += hand_over(state, listed, at(now))
        state.complete_poll(at(now))
        kept = state.as_text()
    wanted = {str(number) for number, (created, _lag) in enumerate(incidents) if created >= -LOOKBACK}
    assert sorted(handed) == sorted(wanted)


LIKELY = st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-21T12:00:00", WORKSPACE])
NAMES = ("source", "workspaceId", "creationTime", "title")


@given(st.lists(st.fixed_dictionaries({"id": JSON}, optional=dict.fromkeys(NAMES, JSON | LIKELY)), max_size=4))
def test_whatever_a_record_holds(records):
    state = new_state()
    for name, found in state.new_incidents(records).items():
        state.mark_delivered(name, found, at(10))
        assert listed_event(found, at(10))["payload"]["data"].keys() == found.keys()
    state.complete_poll(at(20))
    assert state.new_incidents(records) == {}
    assert PollState.from_text(state.as_text(), options()) == state


def test_the_event():
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
    assert listed_event(record(created=None), at(0))["payload"]["occurredAt"] == "2026-11-21T12:00:00Z"


# The options.


@pytest.mark.parametrize("name", OPTION_RANGES)
def test_numbers_have_bounds(name):
    least, most, unit = OPTION_RANGES[name]
    assert options(**{name: least})[name] == least
    assert options(**{name: str(most)})[name] == most
    for wrong in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"^{name} must be a number of {unit} from {least} to {most}.$"):
            options(**{name: wrong})


@pytest.mark.parametrize("name", ["time_range", "time_from", "time_to", "workspace_id"])
def test_options_that_there_are_not(name):
    with pytest.raises(ValueError, match=name):
        options(**{name: "2026-11-21T12:00:00Z"})


def test_options_and_their_documentation(monkeypatch):
    described = yaml.safe_load(event_plugin("event_source/contraforce_incidents.py").DOCUMENTATION)["options"]
    spec = poll_spec()
    assert set(described) == set(spec)
    for name, option in spec.items():
        for key in ("type", "elements", "choices", "default"):
            assert described[name].get(key) == option.get(key), (name, key)
        for variable in option.get("fallback", (None, []))[1]:
            assert f"E({variable})" in str(described[name]["description"])
    for name, (least, most, _unit) in OPTION_RANGES.items():
        if name == "overlap" or least:
            assert str(most) in str(described[name]["description"])


def test_only_open_incidents_unless_asked_for():
    assert options()["statuses"] == POLL_SPEC["statuses"]["default"] == ["New", "Active"]
    assert options(statuses=["Closed"])["statuses"] == ["Closed"]


# The file.


def test_the_file_is_written_as_a_whole_and_for_its_owner(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("older", encoding="utf-8")
    path.chmod(0o644)
    StateFile(str(path)).write(new_state())
    assert PollState.from_text(path.read_text(encoding="utf-8"), options()) == new_state()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_an_event_holds_nothing_that_a_rulebook_stumbles_over():
    data = listed_event({"id": "1", "entities": [{"": 10**400}]}, START)["payload"]["data"]
    assert data == {"id": "1", "entities": [{"(no name)": "1" + "0" * 400}]}


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "state.json"
    path.write_text("older", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        StateFile(str(path)).write(new_state())
    assert path.read_text(encoding="utf-8") == "older"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "state.json")
    StateFile(str(tmp_path / "link")).write(new_state())
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "state.json").is_file()


def test_the_file_is_written_at_the_start(tmp_path):
    path = tmp_path / "state.json"
    first = StateFile(str(path)).load(options(), START)
    assert first == new_state()
    # What comes up while the source is down, even before its first poll, is not too old then.
    assert StateFile(str(path)).load(options(), at(90_000)) == first


def test_without_a_file():
    assert StateFile(None).load(options(), START) == new_state()


@pytest.mark.parametrize(
    "content", ["title_pattern: x", "{}", "\ud800", '{"version": 2, "floor": "x"}', '{"version": 1']
)
def test_a_file_that_holds_something_else_is_left_alone(tmp_path, content):
    """A slip in its name must not cost a file, nor a file of a later version what it remembers."""
    path = tmp_path / "state.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(
        ValueError, match=r"^state_file cannot be used: .*/state[.]json: it .*[.] Name another file, or"
    ):
        StateFile(str(path)).load(options(), START)
    assert path.read_bytes() == content.encode("utf-8", "surrogatepass")


def test_an_empty_file_was_put_there_for_us(tmp_path):
    path = tmp_path / "state.json"
    path.touch()
    assert StateFile(str(path)).load(options(), START) == new_state()


@pytest.mark.parametrize("name", ["missing/state.json", "folder"])
def test_a_file_that_cannot_be_written(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"^state_file cannot be (written|used): .*: .+[.]$"):
        StateFile(str(tmp_path / name)).load(options(), START)


@pytest.mark.parametrize("lead, overlap", [(None, 900), (-10_000, 900), (450, 900), (30, 0), (30, 40)])
def test_a_clock_that_is_right_enough(lead, overlap):
    check_clock(lead, overlap)


@pytest.mark.parametrize("lead, overlap", [(451, 900), (31, 0), (7200, 900)])
def test_a_clock_that_is_ahead_moves_nothing_on(lead, overlap):
    with pytest.raises(ApiError, match=f"^The clock of this machine is {lead} seconds ahead of the service's"):
        check_clock(lead, overlap)


# The polls.


class FakeQueue:
    """A rulebook."""

    def __init__(self, most: int = 10**6) -> None:
        self.events: list = []
        self.most = most

    async def put(self, event) -> None:
        if len(self.events) >= self.most:
            raise RuntimeError("the rulebook ended")
        self.events.append(event)

    @property
    def ids(self) -> list[str]:
        return [event["payload"]["data"]["id"] for event in self.events]


class FakeListing:
    """A list that answers as it is told: with records, or with a failure."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.begins: list[datetime] = []

    def __call__(self, begin: datetime):
        self.begins.append(begin)
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer if isinstance(answer, PollResult) else PollResult(answer)


class EndError(Exception):
    """The test ends here."""


def polled(listing: FakeListing, queue: FakeQueue | None = None, **values) -> tuple[FakeQueue, list[float]]:
    """As many polls as there are answers; gives the events and the waits."""
    waits: list[float] = []
    queue = queue or FakeQueue()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not listing.answers:
            raise EndError

    with pytest.raises(EndError):
        asyncio.run(Poller(queue, options(**values), listing, sleep).run())
    return queue, waits


def recent(number: int, ago: float = 1.0) -> dict:
    """An incident that was created just now."""
    return record(number, (datetime.now(timezone.utc) - START).total_seconds() - ago)


DOWN = ApiError("ContraForce is not there.", "unavailable")


def test_polls_go_on():
    queue, waits = polled(FakeListing([recent(1)], [recent(1), recent(2)], []), interval=60)
    assert queue.ids == ["1", "2"]
    assert all(59 < wait <= 60 for wait in waits)


def test_a_failure_moves_nothing(caplog):
    listing = FakeListing([recent(1)], DOWN, ApiError("401", "authentication"), [recent(1), recent(2)], [])
    queue, waits = polled(listing, interval=10)
    assert queue.ids == ["1", "2"]
    assert listing.begins[1] == listing.begins[2] == listing.begins[3]
    assert listing.begins[4] > listing.begins[3]
    assert 15 <= waits[1] <= 20
    assert 30 <= waits[2] <= 40
    assert waits[3] <= 10
    lines = [line.getMessage() for line in caplog.records]
    assert_messages(lines, ["ContraForce is not there", "next poll"], ["401", "next poll"], ["list of incidents", 2])
    assert all(line.levelno == logging.WARNING for line in caplog.records)


class Clocks:
    """The clock of this machine, which may be set, and the time that really passes."""

    def __init__(self, monkeypatch) -> None:
        self.real, self.lead = 0.0, 0.0
        monkeypatch.setattr(incident_poll, "_now", lambda: at(self.real + self.lead))
        monkeypatch.setattr(time, "monotonic", lambda: 1e6 + self.real)


class Service:
    """Lists what was created since, by its own clock, and does not tell its time."""

    def __init__(self, clocks: Clocks, incidents: dict[int, float]) -> None:
        self.clocks, self.incidents = clocks, incidents

    def __call__(self, begin: datetime) -> PollResult:
        return PollResult(
            [
                record(number, created)
                for number, created in self.incidents.items()
                if begin <= at(created) <= at(self.clocks.real)
            ],
            is_clock_checked=False,
        )


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("wrong", [range(5, 20), range(20), range(5, 6), range(0)])
@pytest.mark.parametrize("days", [40, 1, -40])
def test_a_wrong_clock_loses_nothing_without_the_time_of_the_service(monkeypatch, tmp_path, wrong, days, is_restarted):
    """The clock is wrong for some polls, ten minutes apart, in each of which there is a new incident."""
    if is_restarted and 0 in wrong and days > 0:
        pytest.skip("Nothing tells when a source was started first, if the clock was ahead then.")
    clocks = Clocks(monkeypatch)
    service = Service(clocks, {number: number * 600 + 1.0 for number in range(30)})
    given = options(state_file=str(tmp_path / "state.json"), overlap=900, lookback=0)
    queue = FakeQueue()

    async def polls() -> None:
        poller = state = None
        for number in range(31):
            clocks.real, clocks.lead = number * 600.0, 86_400.0 * days if number in wrong else 0.0
            if poller is None or is_restarted:
                poller = Poller(queue, given, service)
                state = StateFile(given["state_file"]).load(given, incident_poll._now())
            await poller.poll(state)

    asyncio.run(polls())
    assert queue.ids == [str(number) for number in range(30)]


def test_incident_without_an_id_is_skipped_with_a_line(caplog):
    odd = [recent(1), recent(2), recent(3), recent(4), recent(5)]
    for one, value in zip(odd, (None, "", " ", [1], True)):
        one.update(id=value, title="Two\nlines")
    del odd[0]["id"]
    batch = [recent(7), *odd, {**recent(8), "id": 8}, {**recent(9), "source": "Wiz"}, {**recent(10), "source": None}]
    batch += [{"id": "11", "source": "Sentinel"}, {"id": "12"}]
    queue, _waits = polled(FakeListing(batch, [*batch, recent(13)]))
    assert sorted(map(str, queue.ids), key=int) == ["7", "8", "9", "10", "11", "12", "13"]
    assert len(caplog.messages) == len(odd)
    moment = odd[0]["creationTime"]
    assert_message(caplog.messages[0], "skipped", WORKSPACE, "DefenderXDR", moment, "Two?lines")


def test_entries_that_are_no_incidents_are_skipped_with_a_line(caplog):
    queue, _waits = polled(
        FakeListing(PollResult([recent(1)], odd_entries=2), PollResult([recent(2)], odd_entries=2), [])
    )
    assert queue.ids == ["1", "2"]
    assert_messages(caplog.messages, ["not incidents", 2, "skipped"])


def test_a_mistake_in_the_options_ends_it_at_the_first_poll():
    wrong = ApiError("sources must be of these.", "configuration")
    with pytest.raises(ValueError, match=r"^sources must be of these[.]$"):
        asyncio.run(Poller(FakeQueue(), options(), FakeListing(wrong)).run())
    with pytest.raises(ValueError, match=r"^sources must be of these[.]$"):
        asyncio.run(Poller(FakeQueue(), options(), FakeListing(DOWN, wrong), lambda _seconds: asyncio.sleep(0)).run())


def test_a_file_of_the_connection_that_vanishes_later_does_not():
    vanished = ApiError("ca_path names a file that cannot be read.", "configuration")
    queue, _waits = polled(FakeListing([recent(1)], vanished, [recent(2)]))
    assert queue.ids == ["1", "2"]


def test_a_rulebook_that_ends_in_the_middle_is_told_the_rest_later(tmp_path):
    path = str(tmp_path / "state.json")
    batch = [recent(1, 3), recent(2, 2), recent(3, 1)]
    with pytest.raises(RuntimeError):
        asyncio.run(Poller(FakeQueue(most=1), options(state_file=path), FakeListing(batch)).run())
    queue, _waits = polled(FakeListing(batch), state_file=path)
    assert queue.ids[-2:] == ["2", "3"]  # the first one may come again: nobody knows whether it was worked on
    queue, _waits = polled(FakeListing(batch), state_file=path)
    assert queue.ids == []


def test_a_long_batch_is_written_down_as_it_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(incident_poll, "WRITE_INTERVAL", -1.0)
    path = str(tmp_path / "state.json")
    batch = [recent(1, 3), recent(2, 2), recent(3, 1)]
    with pytest.raises(RuntimeError):
        asyncio.run(Poller(FakeQueue(most=2), options(state_file=path), FakeListing(batch)).run())
    queue, _waits = polled(FakeListing(batch), state_file=path)
    assert queue.ids == ["3"]


def test_a_write_that_fails_is_no_end(tmp_path, monkeypatch, caplog):
    listing = FakeListing([recent(1)], [recent(1), recent(2)])
    write = StateFile.write
    failing = iter([False, True, False])

    def sometimes(self, state):
        if next(failing):
            raise OSError(28, "No space left on device")
        write(self, state)

    monkeypatch.setattr(StateFile, "write", sometimes)
    monkeypatch.setattr(incident_poll, "WRITE_INTERVAL", 1e9)
    queue, _waits = polled(listing, state_file=str(tmp_path / "state.json"))
    assert queue.ids == ["1", "2"]
    assert caplog.messages == ["state_file could not be written this time: No space left on device."]


@pytest.mark.parametrize(
    "failures, interval, longest", [(1, 60, 120), (2, 60, 240), (4, 60, 900), (10**6, 60, 900), (3, 3600, 3600)]
)
def test_waits_grow_to_a_bound(failures, interval, longest):
    assert backoff_delay(failures, interval, 1.0) == longest
    assert backoff_delay(failures, interval, 0.0) == longest * 0.75


def test_an_end_does_not_wait_for_a_request_that_hangs():
    release = threading.Event()

    async def cancelled() -> None:
        task = asyncio.create_task(run_in_thread(lambda: release.wait(30)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - began < 5
    release.set()  # the thread finds the loop gone, and says nothing


def test_what_a_thread_raises_comes_back():
    async def fail() -> None:
        await run_in_thread(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
