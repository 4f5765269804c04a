# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When requests go out: alone, and together with those of other workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import auth, retries
from ansible_collections.secops.itsm.plugins.module_utils import pace as pace_module
from ansible_collections.secops.itsm.plugins.module_utils.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.failures import Failure
from ansible_collections.secops.itsm.plugins.module_utils.pace import MOST_REFUSALS, Alone, Together
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply, free_port

OK = Reply(body={"data": {}})
GONE = "the connection to ContraForce could not be made (Connection refused)"


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of 0.25, 0.5, 1, 2, 4, 7.5 seconds, and exactly those that the service asks for."""
    monkeypatch.setattr(pace_module, "wait_before", partial(retries.wait_before, jitter=lambda: 0.0))


class WouldWaitError(Exception):
    """Only another thread could end this wait."""


class Turn:
    """Stands in for the condition of all workers: where it waits for a time, that time is over at once.

    :param clock: whose time passes.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def __enter__(self) -> None:
        """Nobody else is there."""

    def __exit__(self, *_exc: object) -> None:
        """Nobody else is there."""

    def wait(self, timeout: float | None = None) -> None:
        if timeout is None:
            raise WouldWaitError
        self.clock.sleep(timeout)

    def notify_all(self) -> None:
        """Nobody else is there."""


def together(clock: FakeClock, most: int = 8, patience: float = 60, *, is_answered: bool = True) -> Together:
    """The pace of workers that this one thread plays.

    :param is_answered: whether a first request was answered already.
    """
    pace = Together(most, patience, clock)
    pace._turn = Turn(clock)  # type: ignore[assignment]  # what of a condition is used
    if is_answered:
        pace.begin()
        pace.end(None)
    return pace


def refusal(retry_after: float | None = None) -> Failure:
    """Too many requests."""
    text = "the service allows no more requests for now (HTTP 429)"
    return Failure(
        "rate_limited", text, "Come later.", http_status=429, retry_after=retry_after, send_again=True, retryable=True
    )


def trouble(http_status: int | None = None, retry_after: float | None = None) -> Failure:
    """A service that is away, or says so itself."""
    text = GONE if http_status is None else f"the service is not able to answer (HTTP {http_status})"
    return Failure(
        "unavailable", text, "Look.", http_status=http_status, retry_after=retry_after, send_again=True, retryable=True
    )


def begun(pace: Together) -> int:
    """How many more requests may begin now; they all do."""
    for count in range(100):
        try:
            pace.begin()
        except WouldWaitError:
            return count
    raise AssertionError("there is no bound")


def tried_out(pace: Together, clock: FakeClock, failure: Failure) -> tuple[int, float]:
    """How often a request that always fails is tried, and the seconds until it ends."""
    start = first = pace.begin()
    tries = 0
    while True:
        tries += 1
        pace.end(failure)
        if not pace.wait(failure, tries, first):
            return tries, clock.time - start
        pace.begin()


# --- how many at the same time --------------------------------------------------------------------------------------


def test_the_first_request_goes_alone(clock):
    pace = together(clock, is_answered=False)
    assert begun(pace) == 1
    pace.end(None)
    assert begun(pace) == 8


@pytest.mark.parametrize("most", [1, 2, 8, 32])
def test_no_more_are_under_way_than_may_be(clock, most):
    pace = together(clock, most)
    assert begun(pace) == most
    for _each in range(3):
        pace.end(None)
    assert begun(pace) == min(3, most + 2)


@pytest.mark.parametrize("category", ["not_found", "permission", "validation", "conflict", "contract", "configuration"])
def test_any_answer_about_what_was_asked_lets_the_others_go(clock, category):
    pace = together(clock, is_answered=False)
    pace.begin()
    pace.end(Failure(category, "x", "y", http_status=404))
    assert begun(pace) == 8


@pytest.mark.parametrize(
    "failure",
    [
        Failure("authentication", "x", "y", http_status=401),
        Failure("tls", "x", "y"),
        trouble(),
        trouble(503),
        trouble(503, 1.0),
        refusal(),
    ],
    ids=["401", "tls", "away", "503", "503 with Retry-After", "429"],
)
def test_what_others_would_meet_too_is_met_by_one(clock, failure):
    pace = together(clock, is_answered=False)
    pace.begin()
    pace.end(failure)
    assert begun(pace) == 1


def test_a_request_that_was_not_sent_gives_its_turn_back_and_says_nothing(clock):
    pace = together(clock, is_answered=False)
    pace.begin()
    pace.end(None, answered=False)
    assert begun(pace) == 1
    pace.end(None)
    assert begun(pace) == 8


def test_a_request_that_was_not_sent_is_no_answer_to_an_outage(clock):
    pace = together(clock, patience=10)
    pace.begin()
    pace.end(trouble())
    clock.time += 9
    pace.begin()
    pace.end(None, answered=False)
    assert pace.wait(trouble(), 2, clock.time) is True
    assert pace.wait(trouble(), 3, clock.time) is False


# --- 429 ------------------------------------------------------------------------------------------------------------


def test_a_refusal_holds_everybody_and_halves_them(clock):
    pace = together(clock)
    for left in (4, 2, 1, 1):
        before, waited = clock.time, len(clock.slept)
        pace.begin()
        pace.end(refusal())
        assert begun(pace) == left
        assert clock.time > before
        # All of them waited for the same moment.
        assert len(clock.slept) == waited + 1
        for _each in range(left):
            pace.end(trouble(503))


def test_the_wait_grows_with_each_refusal_and_begins_anew_after_an_answer(clock):
    pace = together(clock)
    for _each in range(4):
        pace.begin()
        pace.end(refusal())
    pace.begin()
    pace.end(None)
    pace.begin()
    pace.end(refusal())
    pace.begin()
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 0.25]


def test_what_was_under_way_with_the_first_refused_one_counts_with_it(clock):
    pace = together(clock)
    assert begun(pace) == 8
    for _each in range(8):
        pace.end(refusal())
    assert begun(pace) == 4
    assert clock.slept == [0.25]
    # Those that went after the hold were refused anew.
    for _each in range(4):
        pace.end(refusal())
    assert begun(pace) == 2
    assert clock.slept == [0.25, 0.5]


def test_the_service_says_how_long_the_hold_is(clock):
    pace = together(clock)
    pace.begin()
    pace.end(refusal(7.0))
    pace.begin()
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    "asked, held",
    [([3.0, 7.0, 5.0], 7.0), ([None, 7.0], 7.0), ([7.0, None], 7.0), ([None, None], 0.25)],
    ids=str,
)
def test_the_longest_wait_that_is_asked_for_counts(clock, asked, held):
    pace = together(clock)
    for _each in asked:
        pace.begin()
    for seconds in asked:
        pace.end(refusal(seconds))
    pace.begin()
    assert sum(clock.slept) == held


def test_a_refusal_that_comes_late_does_not_shorten_the_hold(clock):
    pace = together(clock)
    assert begun(pace) == 8
    pace.end(refusal(10.0))
    clock.time += 4
    pace.end(refusal(1.0))
    for _each in range(6):
        pace.end(None, answered=False)
    pace.begin()
    assert clock.slept == [6.0]


def test_each_round_of_answers_lets_one_more_through(clock):
    pace = together(clock)
    pace.begin()
    pace.end(refusal())
    for answers, allowed in ((0, 4), (4, 4), (1, 5), (5, 6)):
        for _each in range(answers):
            pace.begin()
            pace.end(None)
        assert begun(pace) == allowed
        # They end without a word of the service's state.
        for _each in range(allowed):
            pace.end(None, answered=False)


def test_there_are_never_more_than_asked_for(clock):
    pace = together(clock, 4)
    pace.begin()
    pace.end(refusal())
    for _each in range(100):
        pace.begin()
        pace.end(None)
    assert begun(pace) == 4


def test_a_first_request_that_was_refused_lets_the_others_go_bit_by_bit(clock):
    pace = together(clock, is_answered=False)
    pace.begin()
    pace.end(refusal())
    pace.begin()
    assert clock.slept == [0.25]
    pace.end(None)
    assert begun(pace) == 2


def test_one_that_is_always_refused_while_others_get_through_is_not_tried_for_ever(clock):
    pace = together(clock)
    for tries in range(1, MOST_REFUSALS + 1):
        pace.begin()
        pace.end(refusal())
        assert pace.wait(refusal(), tries, 0.0) is (tries < MOST_REFUSALS)
        pace.begin()
        pace.end(None)
    # It was about this one only.
    assert begun(pace) >= 1


def test_a_refusal_is_not_waited_for_twice(clock):
    """The hold is waited for when the next try begins, as everybody does."""
    pace = together(clock)
    first = pace.begin()
    pace.end(refusal(5.0))
    assert pace.wait(refusal(5.0), 1, first) is True
    assert clock.slept == []
    pace.begin()
    assert clock.slept == [5.0]


def test_the_bound_holds_without_a_change():
    assert MOST_REFUSALS == 20


# --- patience -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [refusal(), trouble(), trouble(503)], ids=["429", "away", "503"])
def test_what_may_not_be_sent_again_is_not(clock, failure):
    pace = together(clock)
    first = pace.begin()
    failure = Failure(failure.category, "x", "y", http_status=failure.http_status)
    pace.end(failure)
    assert pace.wait(failure, 1, first) is False
    assert clock.slept == []


def test_a_service_that_is_away_is_waited_for_once_and_not_for_each_entry(clock):
    pace = together(clock, patience=10)
    assert tried_out(pace, clock, trouble()) == (6, 7.75)
    with pytest.raises(ApiError) as caught:
        pace.begin()
    error = caught.value
    assert (error.category, error.retryable, error.http_status) == ("unavailable", True, None)
    assert error.message == f"This was not tried any more: {GONE}. Look."
    assert (error.wrote, error.ambiguous, error.path, error.request_id) == (False, False, None, None)


@pytest.mark.parametrize("category", ["authentication", "tls"])
def test_what_everybody_would_meet_ends_it_for_all_at_once(clock, category):
    pace = together(clock)
    failure = Failure(category, "it was refused", "Look.", request_id="r1", ambiguous=True, fields={"x": ["y"]})
    assert tried_out(pace, clock, failure) == (1, 0.0)
    with pytest.raises(ApiError) as caught:
        pace.begin()
    error = caught.value
    assert error.message == "This was not tried any more: it was refused. Look."
    assert (error.category, error.retryable) == (category, False)
    assert (error.wrote, error.ambiguous, error.path, error.request_id, error.fields) == (False, False, None, None, {})


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_errors_that_the_service_answers_itself_are_waited_for_once_too(clock, status):
    """They may be about one entry alone, so that the others are still tried: once."""
    pace = together(clock, patience=10)
    assert tried_out(pace, clock, trouble(status)) == (6, 7.75)
    for _each in range(4):
        tried_out(pace, clock, trouble(status))
    assert [tried_out(pace, clock, trouble(status)) for _each in range(3)] == [(1, 0.0)] * 3
    assert clock.time <= 10
    assert begun(pace) == 8


def test_patience_begins_anew_after_an_answer(clock):
    pace = together(clock, patience=10)
    for _each in range(3):
        assert tried_out(pace, clock, trouble(503))[0] == 6
        pace.begin()
        pace.end(None)


def test_patience_counts_from_the_first_failure_and_not_from_the_last_answer(clock):
    pace = together(clock, patience=10)
    clock.time += 1000
    assert tried_out(pace, clock, trouble())[0] == 6


def test_one_path_that_is_always_busy_has_its_own_patience_while_others_get_through(clock):
    pace = together(clock, patience=10)
    first, tries = pace.begin(), 0
    while True:
        tries += 1
        pace.end(trouble(503))
        if not pace.wait(trouble(503), tries, first):
            break
        pace.begin()
        # Another worker gets an answer.
        pace.begin()
        pace.end(None)
    assert (tries, clock.time) == (6, 7.75)
    assert begun(pace) == 8


def test_a_wait_that_goes_just_to_the_end_of_patience_is_granted(clock):
    pace = together(clock, patience=0.25)
    assert tried_out(pace, clock, trouble()) == (2, 0.25)


@pytest.mark.parametrize("is_answered", [False, True])
def test_no_patience_means_one_try(clock, is_answered):
    pace = together(clock, patience=0, is_answered=is_answered)
    assert tried_out(pace, clock, trouble(503)) == (1, 0.0)
    assert tried_out(pace, clock, refusal()) == (1, 0.0)


def test_a_wait_longer_than_patience_ends_it_for_all_at_once(clock):
    pace = together(clock)
    assert tried_out(pace, clock, refusal(3600.0)) == (1, 0.0)
    with pytest.raises(ApiError) as caught:
        pace.begin()
    assert caught.value.message == (
        "This was not tried any more: the service allows no more requests for now (HTTP 429); it asks to wait 3600 s. "
        "Come later."
    )
    assert (caught.value.category, caught.value.http_status, caught.value.retryable) == ("rate_limited", 429, True)
    assert clock.slept == []


def test_a_busy_path_that_asks_for_longer_than_patience_is_given_up_alone(clock):
    pace = together(clock)
    assert tried_out(pace, clock, trouble(503, 3600.0)) == (1, 0.0)
    assert begun(pace) == 8


def test_a_wait_that_the_service_asks_for_does_not_use_up_patience(clock):
    pace = together(clock, patience=10)
    tries, seconds = tried_out(pace, clock, refusal(10.0))
    # Granted once: a service that asks for it again and again is away.
    assert (tries, seconds) == (3, 20.0)
    with pytest.raises(ApiError, match="not tried any more"):
        pace.begin()


def test_only_the_first_wait_that_is_asked_for_is_granted_besides(clock):
    pace = together(clock, patience=10)
    for tries, (asked, goes_on) in enumerate([(3.0, True), (10.0, True), (1.0, False)], 1):
        pace.begin()
        pace.end(refusal(asked))
        assert pace.wait(refusal(asked), tries, 0.0) is goes_on
    assert clock.slept == [3.0, 10.0]


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_service_that_refuses_everything_is_given_up_after_patience(clock, is_answered):
    pace = together(clock, patience=10, is_answered=is_answered)
    assert tried_out(pace, clock, refusal()) == (6, 7.75)
    with pytest.raises(ApiError, match=r"HTTP 429\)\. Come"):
        pace.begin()


# --- the end --------------------------------------------------------------------------------------------------------


def test_giving_up_lets_nothing_begin_and_no_wait_go_on(clock):
    pace = together(clock)
    first = pace.begin()
    pace.end(trouble(503))
    pace.give_up(ApiError("The credentials were refused.", "authentication"))
    pace.give_up(ApiError("Another.", "tls"))
    assert pace.wait(trouble(503), 1, first) is False
    with pytest.raises(ApiError, match="credentials were refused"):
        pace.begin()
    assert clock.slept == []


def test_in_a_hurry_there_are_no_further_tries_and_no_holds_but_what_is_left_goes_out(clock):
    pace = together(clock)
    first = pace.begin()
    pace.hurry()
    for failure in (trouble(503), trouble(), refusal()):
        pace.end(failure)
        assert pace.wait(failure, 1, first) is False
        pace.begin()
    assert clock.slept == []


# --- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    """Run something in threads that end with the test."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def waits(pace: Together) -> threading.Event:
    """An event that is set once somebody waits for their turn."""
    waiting = threading.Event()
    wait = pace._turn.wait

    def told(timeout: float | None = None) -> bool:
        waiting.set()
        return wait(timeout)

    pace._turn.wait = told  # type: ignore[method-assign]  # it tells, and waits as before
    return waiting


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives or raises."""
    try:
        return call()
    except ApiError as error:
        return error


@pytest.mark.parametrize("most", [1, 3, 8])
def test_many_threads_keep_to_the_bound(threads, most):
    pace = Together(most, 60, Clock())
    count = SimpleNamespace(lock=threading.Lock(), now=0, most=0, done=0)

    def work() -> None:
        for number in range(50):
            pace.begin()
            with count.lock:
                count.now += 1
                count.most = max(count.most, count.now)
                assert count.now == 1 or count.done
            with count.lock:
                count.now -= 1
                count.done += 1
            pace.end(refusal(0.0) if number % 20 == 19 else None)

    for future in [threads.submit(work) for _each in range(16)]:
        future.result(60)
    assert count.most <= most
    assert count.done == 16 * 50


def test_an_answer_wakes_those_who_wait_for_their_turn(threads):
    pace = Together(2, 60, Clock())
    pace.begin()
    waiting = waits(pace)
    other = threads.submit(pace.begin)
    assert waiting.wait(30)
    assert not other.done()
    pace.end(None)
    assert other.result(30) > 0


def test_a_hurry_wakes_those_who_wait_for_the_end_of_a_hold(threads):
    pace = Together(8, 7200, Clock())
    pace.begin()
    pace.end(refusal(3600.0))
    waiting = waits(pace)
    other = threads.submit(pace.begin)
    assert waiting.wait(30)
    pace.hurry()
    assert other.result(30) > 0


def test_giving_up_wakes_those_who_wait_for_the_end_of_a_hold(threads):
    pace = Together(8, 7200, Clock())
    pace.begin()
    pace.end(refusal(3600.0))
    waiting = waits(pace)
    other = threads.submit(outcome, pace.begin)
    assert waiting.wait(30)
    error = ApiError("x", "authentication")
    pace.give_up(error)
    assert str(other.result(30)) == str(error)


@pytest.mark.parametrize(
    "finish", [Together.hurry, lambda pace: pace.give_up(ApiError("x", "tls"))], ids=["hurry", "give up"]
)
def test_who_waits_for_a_further_try_is_woken_and_there_is_none(threads, finish):
    pace = Together(8, 7200, Clock())
    first = pace.begin()
    pace.end(trouble(503, 3600.0))
    waiting = waits(pace)
    other = threads.submit(pace.wait, trouble(503, 3600.0), 1, first)
    assert waiting.wait(30)
    finish(pace)
    assert other.result(30) is False


def test_an_outage_that_is_over_for_one_is_over_for_those_who_wait_their_turn(threads):
    pace = Together(1, 1, Clock())
    first = pace.begin()
    waiting = waits(pace)
    other = threads.submit(outcome, pace.begin)
    assert waiting.wait(30)
    pace._under_way = 5  # so that nobody else begins
    pace.end(trouble())
    pace._failing_since = -10.0
    assert pace.wait(trouble(), 1, first) is False
    assert isinstance(other.result(30), ApiError)


# --- one client of several ------------------------------------------------------------------------------------------


def client(url: str, pace: Together, credentials: Any = None, **options: Any) -> Client:
    credentials = credentials or auth.bearer("s3cr3t-token")
    return Client(Transport(url, timeout=5, **options), credentials, CONTRAFORCE, pace=pace)


def test_requests_of_a_list_are_tried_again_by_its_rules(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "5"}), Reply(503), OK)
    pace = together(clock, is_answered=False)
    assert client(server.url, pace).read("GET", "/x").http_status == 200
    assert clock.slept == [5.0, 0.5]
    assert begun(pace) > 1


def test_a_service_that_cannot_be_reached_is_waited_for_once(clock):
    pace = together(clock, patience=10, is_answered=False)
    url = f"http://127.0.0.1:{free_port()}"
    messages = []
    for number in range(3):
        with pytest.raises(ApiError) as caught:
            client(url, pace).read("GET", f"/{number}")
        messages.append(caught.value.message)
    assert clock.time <= 10
    assert "after 6 tries" in messages[0]
    assert messages[1].startswith("This was not tried any more: the connection to ContraForce could not be made")
    assert messages[1] == messages[2]


def test_a_token_that_cannot_be_fetched_ends_it_for_all(serve, clock):
    asked: list[int] = []
    failure = ApiError("No access token could be fetched.", "unavailable", retryable=True)

    def fetch() -> str:
        asked.append(1)
        raise failure

    server = serve(OK)
    pace = together(clock, is_answered=False)
    for _each in range(3):
        with pytest.raises(ApiError) as caught:
            client(server.url, pace, auth.FetchedToken(fetch, ())).read("GET", "/x")
        assert (caught.value.message, caught.value.category) == (failure.message, failure.category)
    assert (server.seen, asked) == ([], [1])
    assert pace._under_way == 0


def test_alone_a_token_that_could_not_be_fetched_is_asked_for_again(serve, clock):
    script: list[str | ApiError] = [ApiError("It is down.", "unavailable"), "t0k3n"]

    def fetch() -> str:
        entry = script.pop(0)
        if isinstance(entry, ApiError):
            raise entry
        return entry

    alone = client(serve(OK).url, Alone(10, clock), auth.FetchedToken(fetch, ()))
    with pytest.raises(ApiError, match="It is down"):
        alone.read("GET", "/x")
    assert alone.read("GET", "/x").http_status == 200


@pytest.mark.parametrize("bug", [KeyError("x"), KeyboardInterrupt()], ids=["bug", "interrupt"])
def test_whatever_is_raised_in_a_turn_gives_it_back(serve, clock, bug):
    def fetch() -> str:
        raise bug

    pace = together(clock, is_answered=False)
    with pytest.raises(type(bug)):
        client(serve(OK).url, pace, auth.FetchedToken(fetch, ())).read("GET", "/x")
    assert begun(pace) == 1


def test_a_renewed_token_takes_a_turn_of_its_own(serve, clock):
    server = serve(Reply(401), OK)
    pace = together(clock, is_answered=False)
    tokens = iter(["one", "two"])
    client(server.url, pace, auth.FetchedToken(lambda: next(tokens), ())).read("GET", "/x")
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]
    assert begun(pace) == 8


def test_wrong_credentials_are_sent_once(serve, clock):
    server = serve(Reply(401))
    pace = together(clock, is_answered=False)
    with pytest.raises(ApiError, match="credentials were refused"):
        client(server.url, pace).read("GET", "/x")
    with pytest.raises(ApiError, match="not tried any more: the credentials were refused"):
        client(server.url, pace).read("GET", "/y")
    assert len(server.seen) == 1


# --- alone ----------------------------------------------------------------------------------------------------------


def test_alone_it_is_always_its_turn(clock):
    pace = Alone(10, clock)
    clock.time = 7.0
    assert pace.begin() == pace.begin() == 7.0
    pace.end(refusal(100.0))
    assert pace.begin() == 7.0
    assert clock.slept == []


@pytest.mark.parametrize("failure", [refusal(), trouble(), trouble(503)], ids=["429", "away", "503"])
def test_alone_patience_counts_from_the_first_try(clock, failure):
    pace = Alone(10, clock)
    clock.time = 100.0
    first, tries = pace.begin(), 1
    while pace.wait(failure, tries, first):
        tries += 1
    assert (tries, clock.time) == (6, 107.75)


def test_alone_the_service_says_how_long_to_wait(clock):
    pace = Alone(10, clock)
    assert pace.wait(refusal(10.0), 1, 0.0) is True
    assert pace.wait(refusal(10.0), 2, 0.0) is False
    assert clock.slept == [10.0]
