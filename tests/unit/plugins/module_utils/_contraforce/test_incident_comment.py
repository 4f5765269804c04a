# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Posting a comment once: options, matching, markers and results. Interruptions are in test_convergence."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_comment import (
    find_comment,
    has_marker,
    parse_options,
    plan,
    post_comment,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._option_values import NULL_TEXTS
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    LABEL,
    MemoryApi,
    Task,
)

TEXT = "Tuned the rule."


TASK = Task(parse_options, post_comment, {"comment": TEXT})
parsed, run, failure = TASK.parsed, TASK.run, TASK.failure


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"comment": None}, ["comment", "missing", LABEL]),
        ({"comment": " \n\t"}, ["comment", "empty", LABEL]),
        ({"comment": " ", "marker": "CHG-1"}, ["comment", "empty", LABEL]),
        ({"marker": " \n"}, ["marker", "empty"]),
        ({"marker": "None"}, ["marker", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
def test_invalid_option_is_rejected(changes, facts):
    TASK.assert_rejected(changes, facts)


# --- matching -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message, same",
    [
        ("Tuned\r\nthe  rule.", True),
        (" Tuned\tthe\n\n rule.\n", True),
        ("Tuned\u00a0the rule.", True),
        (None, False),
        ("tuned the rule.", False),
        ("Tuned the rule", False),
        ("Tuned the rule. Again.", False),
    ],
)
def test_comment_matches_except_for_white_space(message, same):
    service = MemoryApi(messages=[None, "", message])
    assert run(service).changed is not same
    assert service.texts == [None, "", message, *([] if same else [TEXT])]


@pytest.mark.parametrize(
    "text, found",
    [
        *[
            (text, True)
            for text in (
                *("CHG-1", "(CHG-1)", "CHG-1.", "CHG-1...", "CHG-1, tuned", "CHG-1. Tuned", "Tuned: CHG-1!", "#CHG-1"),
                *("Tuned\nCHG-1\nthe rule", "CHG-12 and CHG-1", "Tuned. CHG-1", "...CHG-1"),
            )
        ],
        *[
            (text, False)
            for text in (
                *("CHG-12", "CHG-1-b", "CHG-1.2", "CHG-1.b", "CHG-1_b", "CHG-1b", "CHG-1\u00e4", "XCHG-1", "X-CHG-1"),
                *("_CHG-1", "2.CHG-1", "CHG-", "CHG-\n1", "chg-1", "", None),
            )
        ],
    ],
)
def test_marker_is_found_only_as_a_separate_word(text, found):
    assert has_marker(text, "CHG-1") is found


@pytest.mark.parametrize("marker, text", [("a.b", "axb"), ("C+", "CC"), ("a|b", "a"), (".", "x"), ("[1]", "1")])
def test_marker_is_not_a_regular_expression(marker, text):
    assert not has_marker(text, marker)


def test_white_space_of_a_marker_is_folded():
    assert not run(MemoryApi(messages=["Done, see change\r\n  1."]), marker=" change \t 1\n").changed


@pytest.mark.parametrize(
    "text, posted",
    [
        ("\n Tuned\n\nthe rule. \n", "Tuned\n\nthe rule.\n\n[CHG-1]"),
        ("Tuned in CHG-1.", "Tuned in CHG-1."),
        ("Tuned in CHG-12", "Tuned in CHG-12\n\n[CHG-1]"),
    ],
)
def test_missing_marker_is_appended(text, posted):
    service = MemoryApi()
    run(service, comment=text, marker=" CHG-1 ")
    assert service.texts == [posted]


def test_marker_identifies_the_comment_instead_of_its_text():
    service = MemoryApi(messages=["At 1"])
    markers = ("CHG-1", "CHG-1", "CHG-12", "CHG-1")
    changed = [run(service, comment=f"At {hour}", marker=marker).changed for hour, marker in enumerate(markers, 1)]
    assert changed == [True, False, True, False]
    assert service.texts == ["At 1", "At 1\n\n[CHG-1]", "At 3\n\n[CHG-12]"]


def test_comment_of_another_user_with_the_marker_matches():
    result = run(MemoryApi(messages=["first", "Rolled out with CHG-1, thanks."]), marker="CHG-1")
    assert (result.changed, result.values["comment"]["id"]) == (False, "c1")
    assert result.values["before"] == result.values["after"] == {"comment": "Rolled out with CHG-1, thanks."}


#: White space, parts of words, and characters with a meaning in regular expressions.
ALPHABET = "aB1\u00e4 \t\n\r\u00a0\u2028-_.,#[](){}*+?^$|\\"
texts = st.text(ALPHABET, min_size=1, max_size=20).filter(lambda text: text.strip())
markers = (
    st.none()
    | texts.filter(lambda text: text.strip() not in NULL_TEXTS)
    | st.sampled_from(["CHG-1", "a.b", "job[1]", "C++", "^", "\\d", "-x-"])
)


@given(texts, markers, st.booleans())
@settings(max_examples=60)
def test_posted_text_matches_its_own_comment(text, marker, is_in_text):
    wanted = parsed(comment=f"{text} {marker}" if marker and is_in_text else text, marker=marker)
    for shown in (wanted.text, wanted.text.replace("\n", "\r\n"), f"\n{wanted.text} "):
        assert find_comment([{"message": None}, {"message": shown}], wanted)
    first = plan(None, wanted)
    assert [dict(write.body) for write in first.writes] == [{"content": wanted.text}]
    assert plan(first.after, wanted).is_done


# --- results --------------------------------------------------------------------------------------------------------


def test_post_reads_twice_and_writes_once():
    service = MemoryApi(messages=["first"])
    result = run(service, marker="CHG-1")
    message = f"{TEXT}\n\n[CHG-1]"
    assert (service.comment_reads, service.bodies, result.warnings) == (2, [{"content": message}], [])
    assert result.values == {
        "comment": {"id": "c1", "message": message, "authorName": "runbook"},
        "before": {"comment": None},
        "after": {"comment": message},
        "diff": {
            "before_header": LABEL,
            "after_header": LABEL,
            "before": {"comment": None},
            "after": {"comment": message},
        },
        "request_ids": ["r1"],
    }


def test_run_without_a_change_reads_once():
    service = MemoryApi(messages=["Tuned\nthe rule."])
    result = run(service)
    assert (result.changed, service.comment_reads, service.writes, result.warnings) == (False, 1, [], [])
    assert result.values["comment"] == {"id": "c0", "message": "Tuned\nthe rule.", "authorName": "runbook"}


@pytest.mark.parametrize("behavior", [{"ignores_writes": True}, {"lag": 100}])
def test_comment_that_never_appears_is_not_converged(behavior):
    error = failure(MemoryApi(**behavior), verify_timeout=5)
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, LABEL.partition(" ")[2], "5 s", "no such comment", "twice")


@pytest.mark.parametrize(
    "settings, comment",
    [
        ({"lag": 100}, {"id": "c0", "message": TEXT, "authorName": "runbook"}),
        ({"response": {}}, {"message": TEXT}),
        ({"messages": [TEXT]}, {"id": "c0", "message": TEXT, "authorName": "runbook"}),
    ],
)
def test_without_read_back_the_response_is_the_result(settings, comment):
    service = MemoryApi(**settings)
    assert run(service, check_mode=True, verify_timeout=0).values["comment"]["message"] == TEXT
    result = run(service, verify_timeout=0)
    assert (result.values["comment"], result.values["after"]) == (comment, {"comment": TEXT})
    assert (result.warnings, service.comment_reads) == ([], 2)


def test_read_back_takes_precedence_over_the_response():
    result = run(MemoryApi(response={"id": "c0", "message": "Accepted."}))
    assert result.values["comment"] == {"id": "c0", "message": TEXT, "authorName": "runbook"}


class ContestedApi(MemoryApi):
    """An incident on which another run posts a comment at the same time."""

    theirs: str

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        self.stored.append(self._comment(len(self.stored), self.theirs))
        return super().add_comment(key, text)


@pytest.mark.parametrize(
    "changes, theirs, reported",
    [
        ({}, "Tuned\nthe rule.", [[LABEL, 2]]),
        ({"marker": "CHG-1"}, "In another run [CHG-1]", [[LABEL, 2]]),
        ({"marker": "CHG-1"}, TEXT, []),
        ({}, "Tuned the rule again.", []),
    ],
)
def test_duplicate_of_a_simultaneous_run_is_reported(changes, theirs, reported):
    service = ContestedApi(messages=["first"])
    service.theirs = theirs
    result = run(service, **changes)
    assert (result.changed, service.comment_reads, len(service.texts)) == (True, 2, 3)
    assert_messages(result.warnings, *reported)
    assert run(service, **changes).warnings == []


# --- a service that changes the text --------------------------------------------------------------------------------


def as_html(text: str) -> str:
    return f"<p>{text.replace(' ', '&nbsp;')}</p>"


HTML = "<p>Tuned&nbsp;the&nbsp;rule.</p>"


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize(
    "rewrites, stored",
    [(as_html, HTML), (lambda text: None, None), (lambda text: "", "")],
    ids=["HTML", "null", "empty"],
)
def test_comment_with_a_changed_text_is_identified_by_its_id(
    verify_timeout: float, rewrites: Callable[[str], Any], stored: str
) -> None:
    service = MemoryApi(messages=["another"], rewrites=rewrites, lag=3)
    assert run(service, check_mode=True).values["diff"]["after"] == {"comment": TEXT}
    result = run(service, verify_timeout=verify_timeout)
    assert (result.changed, result.values["comment"]["id"], service.writes) == (True, "c1", ["comment"])
    assert (result.values["after"], result.values["diff"]["after"]) == ({"comment": stored}, {"comment": TEXT})
    assert_messages(result.warnings, [LABEL, "marker"])
    # The warning predicts this.
    service.catch_up()
    assert run(service, verify_timeout=verify_timeout).changed


def test_marker_survives_a_changed_text():
    service = MemoryApi(rewrites=as_html)
    results = [run(service, marker="CHG-1") for _run in range(2)]
    assert [(result.changed, result.warnings) for result in results] == [(True, []), (False, [])]


def test_lost_marker_is_reported():
    (warning,) = run(MemoryApi(rewrites=lambda text: text.replace("#", "")), marker="#1#").warnings
    assert_message(warning, LABEL, "another marker")


@pytest.mark.parametrize("response", [{}, {"id": None}, {"id": ""}, {"id": "c7"}])
@pytest.mark.parametrize("shows_ids", [True, False])
def test_comment_without_a_known_id_is_not_converged(response, shows_ids):
    service = MemoryApi(messages=[None, "another"], rewrites=as_html, response=response, shows_ids=shows_ids)
    error = failure(service)
    assert (error.category, error.may_have_changed, service.writes) == ("not_converged", True, ["comment"])
