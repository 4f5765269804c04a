# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Post a comment once: the options, what is taken for the comment, and what a run makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_comment import (
    find_comment,
    has_marker,
    parse_options,
    plan,
    post_comment,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import NULL_TEXTS
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import raise_next

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
OPTIONS = {"workspace_id": WORKSPACE, "source": "sentinel", "incident_id": INCIDENT, "comment": "Tuned the rule."}
THING = f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})"
BROKEN = ApiError("The connection broke off.", "unavailable", ambiguous=True, retryable=True)
ODD_ANSWER = ApiError("The answer does not fit the API contract.", "contract", http_status=201, ambiguous=True)
REFUSED = ApiError("The request was refused.", "validation", http_status=400)
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503, retryable=True)


class Killed(BaseException):
    """What ends a run from outside."""


KILLED = Killed()


@dataclass
class Service:
    """One incident's comments.

    :param messages: what is there already.
    :param faults: for the posts in turn: None, or (what is raised, whether it takes effect all the same).
    :param read_faults: for the reads in turn: None or an error.
    :param lag: how many reads after it do not show a comment yet.
    :param rewrites: what the service makes of a text.
    :param answers: what a post is answered with, instead of the comment.
    """

    messages: list[Any] = field(default_factory=list)
    faults: list[tuple[BaseException, bool] | None] = field(default_factory=list)
    read_faults: list[ApiError | None] = field(default_factory=list)
    lag: int = 0
    rewrites: Callable[[str], Any] = str
    answers: dict[str, Any] | None = None
    ignores_writes: bool = False
    shows_ids: bool = True
    posts: list[str] = field(default_factory=list)
    reads: int = 0
    request_ids: list[str] = field(default_factory=lambda: ["r1"])

    def __post_init__(self) -> None:
        self.hidden_for: dict[str, int] = {}
        self.stored = [self._entry(place, message) for place, message in enumerate(self.messages)]

    @staticmethod
    def _entry(place: int, message: Any) -> dict[str, Any]:
        return {"id": f"c{place}", "message": message, "authorName": "runbook"}

    @property
    def texts(self) -> list[Any]:
        return [entry["message"] for entry in self.stored]

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        self.reads += 1
        raise_next(self.read_faults)
        shown = [dict(entry) for entry in self.stored if not self.hidden_for.get(entry["id"])]
        self.hidden_for = {name: max(0, left - 1) for name, left in self.hidden_for.items()}
        return shown if self.shows_ids else [{"message": entry["message"]} for entry in shown]

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        self.posts.append(text)
        error, takes_effect = (self.faults.pop(0) if self.faults else None) or (None, True)
        entry = self._entry(len(self.stored), self.rewrites(text))
        if takes_effect and not self.ignores_writes:
            self.stored.append(entry)
            self.hidden_for[entry["id"]] = self.lag
        raise_next([error])
        return dict(entry) if self.answers is None else self.answers


def options(**changes: Any) -> dict[str, Any]:
    return {**OPTIONS, **changes}


def run(
    service: Service, check_mode: bool = False, verify_timeout: float = 30, clock: Any = None, **changes: Any
) -> OperationResult:
    return post_comment(
        service, parse_options(options(**changes)), RunOptions(check_mode, verify_timeout, clock or FakeClock())
    )


def failure(service: Service, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **changes)
    return caught.value


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"incident_id": " "}, ["incident_id", "empty"]),
        ({"incident_id": ".."}, ["incident_id", "'..'"]),
        ({"comment": ""}, ["comment", "empty", THING]),
        ({"comment": " \n\t"}, ["comment", "empty", THING]),
        ({"comment": " ", "marker": "CHG-1"}, ["comment", "empty", THING]),
        ({"marker": ""}, ["marker", "empty"]),
        ({"marker": " \n"}, ["marker", "empty"]),
        ({"marker": "None"}, ["marker", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_bad_options_are_refused_before_any_request(changes, facts, check_mode):
    service = Service()
    with pytest.raises(ApiError) as caught:
        post_comment(service, parse_options(options(**changes)), RunOptions(check_mode, 30, FakeClock()))
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)
    assert (service.reads, service.posts) == (0, [])


def test_white_space_at_the_ends_is_not_posted():
    service = Service()
    run(service, comment="\n Tuned\n\nthe rule. \n")
    assert service.posts == ["Tuned\n\nthe rule."]


# --- what is taken for the comment ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message", ["Tuned the rule.", "Tuned\r\nthe  rule.", " Tuned\tthe\n\n rule.\n", "Tuned\u00a0the rule."]
)
def test_texts_that_differ_in_white_space_are_the_same(message):
    assert not run(Service([message])).changed


@pytest.mark.parametrize("message", [None, "", "tuned the rule.", "Tuned the rule", "Tuned the rule. Again.", "Tuned"])
def test_any_other_text_is_another_comment(message):
    service = Service([message])
    assert run(service).changed
    assert service.texts == [message, "Tuned the rule."]


def test_comments_without_a_text_hide_nothing():
    assert not run(Service([None, "", "Tuned the rule.", None])).changed
    assert not run(Service([None, "", "See CHG-1.", None]), marker="CHG-1").changed


@pytest.mark.parametrize(
    "text",
    [
        "CHG-1",
        "(CHG-1)",
        "[CHG-1]",
        "CHG-1.",
        "CHG-1...",
        "CHG-1, tuned",
        "CHG-1. Tuned",
        "Tuned: CHG-1!",
        "Tuned\nCHG-1\nthe rule",
        "CHG-12 and CHG-1",
        "#CHG-1",
        "Tuned. CHG-1",
        "...CHG-1",
    ],
)
def test_a_marker_is_found_as_a_word_of_its_own(text):
    assert has_marker(text, "CHG-1")


@pytest.mark.parametrize(
    "text",
    [
        "CHG-12",
        "CHG-1-b",
        "CHG-1.2",
        "CHG-1.b",
        "CHG-1_b",
        "CHG-1b",
        "CHG-1\u00e4",
        "XCHG-1",
        "X-CHG-1",
        "_CHG-1",
        "2.CHG-1",
        "CHG-",
        "CHG-\n1",
        "chg-1",
        "",
        None,
    ],
)
def test_a_marker_is_not_found_in_a_longer_word(text):
    assert not has_marker(text, "CHG-1")


@pytest.mark.parametrize("marker, text", [("a.b", "axb"), ("C+", "CC"), ("a|b", "a"), (".", "x"), ("[1]", "1")])
def test_a_marker_is_no_pattern(marker, text):
    assert not has_marker(text, marker)


@pytest.mark.parametrize("marker", ["a.b", "C++", "(x)", "job[1]", "a|b", "^", "$1", "\\d", "-", "-x-", "*", "?", "."])
def test_a_marker_with_characters_of_patterns_is_known_again(marker):
    service = Service()
    assert [run(service, marker=marker).changed for _time in range(2)] == [True, False]
    assert service.posts == [f"Tuned the rule.\n\n[{marker}]"]


def test_a_marker_of_two_words_has_its_white_space_folded():
    service = Service(["Done, see change\r\n  1."])
    assert not run(service, marker=" change \t 1\n").changed


def test_a_marker_is_put_in_brackets_at_the_end_of_a_text_that_lacks_it():
    service = Service()
    run(service, marker=" CHG-1 ")
    assert service.posts == ["Tuned the rule.\n\n[CHG-1]"]


@pytest.mark.parametrize("text", ["Tuned in CHG-1.", "CHG-1", "Tuned (CHG-1)"])
def test_a_text_that_has_the_marker_is_posted_as_it_is(text):
    service = Service()
    run(service, comment=text, marker="CHG-1")
    assert service.posts == [text]


def test_a_text_that_has_the_marker_in_a_longer_word_gets_it_all_the_same():
    service = Service()
    run(service, comment="Tuned in CHG-12", marker="CHG-1")
    assert service.posts == ["Tuned in CHG-12\n\n[CHG-1]"]


def test_the_marker_decides_although_the_text_is_another_in_each_run():
    service = Service()
    assert [run(service, comment=f"At {hour}", marker="CHG-1").changed for hour in (1, 2, 3)] == [True, False, False]
    assert service.texts == ["At 1\n\n[CHG-1]"]


def test_the_marker_decides_although_the_text_is_there():
    service = Service(["Tuned the rule."])
    assert run(service, marker="CHG-1").changed


def test_another_marker_is_another_comment():
    service = Service()
    assert [run(service, marker=marker).changed for marker in ("CHG-1", "CHG-12", "CHG-1")] == [True, True, False]
    assert len(service.texts) == 2


def test_somebody_elses_comment_with_the_marker_is_taken_for_it():
    result = run(Service(["first", "Rolled out with CHG-1, thanks."]), marker="CHG-1")
    assert (result.changed, result.values["comment"]["id"]) == (False, "c1")
    assert result.values["before"] == result.values["after"] == {"comment": "Rolled out with CHG-1, thanks."}


texts = st.text(min_size=1).filter(lambda text: text.strip())
markers = (
    st.none() | texts.filter(lambda text: text.strip() not in NULL_TEXTS) | st.sampled_from(["CHG-1", "a.b", "job 7"])
)


@given(texts, markers, st.booleans())
def test_what_is_posted_is_known_again(text, marker, is_in_text):
    """Whatever the characters: else every run would post the comment anew."""
    if marker and is_in_text:
        text = f"{text} {marker}"
    wanted = parse_options(options(comment=text, marker=marker))
    message = wanted.text
    for shown in (message, message.replace("\n", "\r\n"), f"\n{message} "):
        assert find_comment([{"message": None}, {"message": shown}], wanted)


@given(texts, markers)
def test_planning_from_the_planned_state_is_empty(text, marker):
    wanted = parse_options(options(comment=text, marker=marker))
    first = plan(None, wanted)
    assert [dict(write.body) for write in first.writes] == [{"content": wanted.text}]
    assert plan(first.after, wanted).is_done


@given(st.lists(st.none() | texts, max_size=3), texts, markers, st.integers(0, 3))
def test_check_run_check_run(messages, text, marker, lag):
    """Check mode predicts the run, whatever is there and however long it takes to show; the second run is ok."""
    wanted = parse_options(options(comment=text, marker=marker))
    assume(not find_comment([{"message": message} for message in messages], wanted))
    service = Service(list(messages), lag=lag)
    changes = {"comment": text, "marker": marker}
    rehearsal = run(service, check_mode=True, **changes)
    assert service.posts == []
    first = run(service, **changes)
    assert rehearsal.changed
    assert first.changed
    assert (first.values["diff"], first.values["before"], first.values["after"]) == (
        rehearsal.values["diff"],
        rehearsal.values["before"],
        rehearsal.values["after"],
    )
    for check_mode in (True, False):
        again = run(service, check_mode=check_mode, **changes)
        assert not again.changed
        assert again.values["diff"]["before"] == again.values["diff"]["after"]
    assert len(service.posts) == 1
    assert service.texts == [*messages, wanted.text]


@given(st.lists(st.sampled_from([None, (BROKEN, False), (BROKEN, True)]), max_size=4), markers, st.integers(0, 3))
def test_breaks_double_nothing(faults, marker, lag):
    """However often posts break off, a re-run gets there, and the comment is there once."""
    service = Service(faults=list(faults), lag=lag)
    for _attempt in range(3):
        try:
            run(service, marker=marker)
            break
        except ApiError as error:
            assert error.category == "unavailable"  # noqa: PT017 - not every attempt fails
    assert not run(service, marker=marker).changed
    assert len(service.texts) == 1


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_comment_costs_one_read_one_write_one_read():
    service = Service(["first"])
    result = run(service)
    assert (service.reads, service.posts) == (2, ["Tuned the rule."])
    assert result.values["comment"] == {"id": "c1", "message": "Tuned the rule.", "authorName": "runbook"}
    assert (result.values["before"], result.values["after"]) == ({"comment": None}, {"comment": "Tuned the rule."})
    assert result.values["request_ids"] == ["r1"]
    assert result.warnings == []


class Contested(Service):
    """An incident on which another run posts a comment before the one of this run is stored."""

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        self.stored.append(self._entry(len(self.stored), self.theirs))
        return super().add_comment(key, text)


@pytest.mark.parametrize(
    "changes, theirs, reported",
    [
        ({}, "Tuned\nthe rule.", [[THING, 2]]),
        ({"marker": "CHG-1"}, "In another run [CHG-1]", [[THING, 2]]),
        ({"marker": "CHG-1"}, "Tuned the rule.", []),
        ({}, "Tuned the rule again.", []),
    ],
)
def test_comment_of_a_simultaneous_run_is_reported(changes, theirs, reported):
    service = Contested(["first"])
    service.theirs = theirs
    result = run(service, **changes)
    assert (result.changed, service.reads, len(service.texts)) == (True, 2, 3)
    assert_messages(result.warnings, *reported)
    assert run(service, **changes).warnings == []


def test_what_is_read_back_counts_and_not_the_answer():
    result = run(Service(answers={"id": "c0", "message": "Accepted."}))
    assert result.values["comment"] == {"id": "c0", "message": "Tuned the rule.", "authorName": "runbook"}


def test_an_ok_costs_one_read():
    service = Service(["Tuned\nthe rule."])
    result = run(service)
    assert (result.changed, service.reads, service.posts) == (False, 1, [])
    assert result.values["comment"] == {"id": "c0", "message": "Tuned\nthe rule.", "authorName": "runbook"}
    assert result.warnings == []


def test_check_mode_only_reads():
    service = Service()
    result = run(service, check_mode=True, marker="CHG-1")
    assert (result.changed, service.reads, service.posts) == (True, 1, [])
    assert result.values["after"] == {"comment": "Tuned the rule.\n\n[CHG-1]"}
    assert result.warnings == []


def test_diff():
    assert run(Service(), marker="CHG-1").values["diff"] == {
        "before_header": THING,
        "after_header": THING,
        "before": {"comment": None},
        "after": {"comment": "Tuned the rule.\n\n[CHG-1]"},
    }


def test_a_comment_that_shows_late_is_waited_for():
    service, clock = Service(lag=3), FakeClock()
    assert run(service, clock=clock).values["comment"]["id"] == "c0"
    assert clock.slept == [0.5, 1.0, 2.0]
    assert service.reads == 5


@pytest.mark.parametrize("faults", [{"ignores_writes": True}, {"lag": 100}])
def test_a_comment_that_never_shows(faults):
    service = Service(**faults)
    error = failure(service, verify_timeout=5)
    assert (error.category, error.retryable, error.may_have_changed) == ("not_converged", False, True)
    assert_message(error.message, INCIDENT, "5 s", "no such comment", "twice", "verify_timeout")
    assert len(service.posts) == 1


def test_no_read_back_when_not_wanted():
    service = Service(lag=100)
    result = run(service, verify_timeout=0)
    assert (result.changed, service.reads, service.posts) == (True, 1, ["Tuned the rule."])
    assert result.values["comment"] == {"id": "c0", "message": "Tuned the rule.", "authorName": "runbook"}
    assert result.values["after"] == {"comment": "Tuned the rule."}


def test_no_read_back_and_an_answer_that_says_nothing():
    result = run(Service(answers={}), verify_timeout=0)
    assert (result.values["comment"], result.warnings) == ({"message": "Tuned the rule."}, [])


@pytest.mark.parametrize("messages", [[], ["Tuned the rule."]])
def test_no_read_back_invents_no_comment(messages):
    service = Service(messages)
    for check_mode in (True, False):
        result = run(service, check_mode=check_mode, verify_timeout=0)
        assert result.values["comment"]["message"] == "Tuned the rule."


def test_a_refused_comment():
    service = Service(faults=[(REFUSED, False)])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.posts)) == ("validation", False, 1)
    assert_message(error.message, f"I{THING[1:]}", "not changed")


def test_unreadable_comments():
    service = Service(read_faults=[UNREADABLE])
    error = failure(service)
    assert (error.category, error.may_have_changed, service.posts) == ("unavailable", False, [])
    assert_message(error.message, f"I{THING[1:]}", "nothing was written")


def test_posted_but_not_read_back():
    error = failure(Service(read_faults=[None, *[UNREADABLE] * 50]))
    assert (error.category, error.may_have_changed) == ("unavailable", True)
    assert_message(error.message, f"I{THING[1:]}", "was written", "not be read back")


def test_posted_and_read_back_at_the_second_look():
    service = Service(read_faults=[None, UNREADABLE])
    assert run(service).changed
    assert (len(service.posts), service.reads) == (1, 3)


# --- posts that break off -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [BROKEN, ODD_ANSWER])
@pytest.mark.parametrize("verify_timeout", [30, 0])
def test_break_after_the_effect_is_a_success(error, verify_timeout):
    service = Service(faults=[(error, True)])
    result = run(service, verify_timeout=verify_timeout)
    assert (result.changed, len(service.posts), service.texts) == (True, 1, ["Tuned the rule."])
    assert result.values["after"] == {"comment": "Tuned the rule."}


@pytest.mark.parametrize("verify_timeout", [30, 0])
def test_break_after_the_effect_and_a_lag_posts_once(verify_timeout):
    service = Service(faults=[(BROKEN, True)], lag=4)
    assert run(service, verify_timeout=verify_timeout).changed
    assert len(service.posts) == 1


@pytest.mark.parametrize("marker", [None, "CHG-1"])
def test_break_before_the_effect_is_sent_once_more(marker):
    service = Service(faults=[(BROKEN, False)])
    assert run(service, marker=marker).changed
    assert (len(service.posts), len(service.texts)) == (2, 1)
    assert service.posts[0] == service.posts[1]


def test_two_breaks_are_one_too_many():
    service = Service(faults=[(BROKEN, False), (BROKEN, False)])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.posts)) == ("unavailable", True, 2)
    assert_message(error.message, f"I{THING[1:]}", "does not show", "twice")


def test_break_and_unreadable_is_ambiguous():
    service = Service(faults=[(BROKEN, True)], read_faults=[None, *[UNREADABLE] * 50])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.posts)) == ("ambiguous_write", True, 1)
    assert_message(error.message, "not known", THING)


@pytest.mark.parametrize("takes_effect", [True, False])
def test_break_and_one_look_that_fails_leaves_one_comment(takes_effect):
    service = Service(faults=[(BROKEN, takes_effect)], read_faults=[None, UNREADABLE])
    assert run(service).changed
    assert (len(service.texts), len(service.posts)) == (1, 1 if takes_effect else 2)


def test_refused_after_a_break_is_not_told_as_unchanged():
    error = failure(Service(faults=[(BROKEN, False), (REFUSED, False)]))
    assert (error.category, error.may_have_changed) == ("validation", True)
    assert_message(error.message, f"I{THING[1:]}", "may have")


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_two_runs_cut_off_in_between_leave_one_comment(first, second):
    service = Service(faults=[(KILLED, first), (KILLED, second)])
    for _time in range(2):
        try:
            run(service)
        except Killed:
            continue
    assert run(service).changed is not (first or second)
    assert service.texts == ["Tuned the rule."]


# --- a service that keeps other words -------------------------------------------------------------------------------


def as_html(text: str) -> str:
    return f"<p>{text.replace(' ', '&nbsp;')}</p>"


@pytest.mark.parametrize("lag", [0, 3])
def test_a_comment_kept_in_other_words_is_found_by_its_id(lag):
    service = Service(["another"], rewrites=as_html, lag=lag)
    result = run(service)
    assert (result.changed, result.values["comment"]["id"], len(service.posts)) == (True, "c1", 1)
    assert result.values["after"] == {"comment": "<p>Tuned&nbsp;the&nbsp;rule.</p>"}
    (warning,) = result.warnings
    assert_message(warning, THING, "other words", "marker")


def test_check_mode_predicts_the_diff_even_of_a_comment_kept_in_other_words():
    service = Service(rewrites=as_html)
    assert run(service, check_mode=True).values["diff"] == run(service).values["diff"]


def test_the_warning_of_other_words_is_right():
    service = Service(rewrites=as_html)
    assert [run(service).changed for _time in range(2)] == [True, True]
    assert len(service.texts) == 2


def test_a_marker_outlasts_other_words():
    service = Service(rewrites=as_html)
    results = [run(service, marker="CHG-1") for _time in range(2)]
    assert [result.changed for result in results] == [True, False]
    assert [result.warnings for result in results] == [[], []]


def test_other_words_are_warned_about_without_a_read_back_too():
    result = run(Service(rewrites=as_html), verify_timeout=0)
    assert result.values["after"] == {"comment": "<p>Tuned&nbsp;the&nbsp;rule.</p>"}
    assert len(result.warnings) == 1


def test_a_marker_that_is_lost_is_warned_about():
    (warning,) = run(Service(rewrites=lambda text: text.replace("#", "")), marker="#1#").warnings
    assert_message(warning, THING, "another marker")


@pytest.mark.parametrize("message", [None, ""])
def test_a_comment_kept_without_its_words_is_found_by_its_id(message):
    result = run(Service(rewrites=lambda text: message))
    assert (result.changed, result.values["comment"]["id"], len(result.warnings)) == (True, "c0", 1)


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": "c7"}])
def test_other_words_and_no_id_to_go_by_is_not_taken_for_a_success(answer):
    service = Service([None, "another"], rewrites=as_html, answers=answer)
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.posts)) == ("not_converged", True, 1)


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": ""}])
def test_comments_without_ids_are_not_taken_for_one_another(answer):
    service = Service(["another"], rewrites=as_html, answers=answer, shows_ids=False)
    assert failure(service).category == "not_converged"
