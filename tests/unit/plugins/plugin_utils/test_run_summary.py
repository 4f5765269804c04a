# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the lines that a runbook ends with."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.report import STEPS, build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.run_summary import MAX_INCIDENTS, WORDS, summary_lines

WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
UUID = "7c2a1e8f-63d4-4b9f-8a22-00000000000"
UNCHECKED = {"unverified": ["update_ticket"], "link": {"link": "linked", "ticket_number": "SOC-1"}}
FAILED = {"failed": True, "changed": False}


def incident(number, **values):
    """Return an incident."""
    return {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": str(number),
        "title": "Sign-in",
        **values,
    }


def lines(*outcomes, steps=None, check_mode=False, files=(), **about):
    """Return the lines of a run that closed incidents, without the summary.

    :param outcomes: the outcome of each incident in the step that closes it.
    :param steps: other steps.
    :param check_mode: whether the run was in check mode.
    :param files: the paths of the report.
    :param about: further properties of the run.
    """
    run = {"runbook": "close_incident", "title": "Close", "check_mode": check_mode, "head": [], "asked": {}, **about}
    report = build_report(steps or [{"name": "close", "result": {"results": list(outcomes)}}], run, list(outcomes))
    found = summary_lines(report, files)
    assert report["summary"] in found
    return [line for line in found if line != report["summary"]]


def test_words_and_names_are_aligned():
    assert lines(
        incident(1, changed=True), incident(f"{UUID}1", source="Sentinel", changed=True), incident("3", changed=False)
    ) == [
        "closed          DefenderXDR 1      Sign-in",
        "closed          Sentinel 7c2a1e8f  Sign-in",
        "closed already  DefenderXDR 3      Sign-in",
    ]


def test_check_mode_says_what_would_happen():
    assert lines(incident(1, changed=True), check_mode=True) == ["would close  DefenderXDR 1  Sign-in"]


def test_failures_are_first_and_then_what_needs_attention():
    unchecked = {**incident(3, changed=False), **UNCHECKED}
    steps = [
        {
            "name": "close",
            "result": {"results": [incident(1, changed=True), unchecked, incident(4, **FAILED, msg="No.")]},
        }
    ]
    found = lines(incident(1), incident(2), incident(3), incident(4), steps=steps)
    assert [line.split("  ")[0] for line in found] == ["failed", "", "not reached", "closed already", "closed"]
    assert found[1].strip() == "No."
    assert found[3].endswith("Sign-in (ticket SOC-1 not changed)")


def test_same_cause_is_shown_once():
    causes = [f"Incident {number}: the request failed." for number in (1, 2, 3, 4)]
    causes[2] = "Incident 3: another one."
    found = lines(*(incident(number, **FAILED, msg=cause) for number, cause in enumerate(causes, start=1)))
    assert [line.strip() for line in found if not line.startswith("failed")] == [causes[0], causes[2]]
    assert found[2].endswith("  Sign-in (same cause)")
    assert found[-1].endswith("  Sign-in (same cause as DefenderXDR 1)")


@pytest.mark.parametrize("count", [MAX_INCIDENTS, MAX_INCIDENTS + 1, 2000])
def test_number_of_incidents_is_bounded(count):
    found = lines(*(incident(number, changed=True) for number in range(count)))
    more = count - MAX_INCIDENTS
    assert found[MAX_INCIDENTS:] == ([f"... and {more:,} more"] if more else [])


def test_texts_are_on_one_line_and_bounded():
    title = "a\nb\u202e \x1b[31m" + "x" * 5000
    failed = incident("i" * 5000, title=title, **FAILED, msg="m\nn" + "y" * 5000)
    found = lines(failed, incident(2, title="{{ 7 }}", changed=True))
    assert len(found) == 3
    assert all(line.isprintable() and len(line) < 600 for line in found)
    assert found[2].endswith("{{ 7 }}")


def test_names_are_extended_as_far_as_they_differ():
    same = [incident(f"{UUID}{number}", source="Sentinel", changed=True, title=None) for number in (1, 2)]
    twice = [incident(7, changed=True, title=None, workspace_id=workspace) for workspace in (WORKSPACE, OTHER)]
    assert [line.removeprefix("closed  ") for line in lines(*same, *twice)] == [
        f"Sentinel {UUID}1",
        f"Sentinel {UUID}2",
        "DefenderXDR 7 in 5d6e7f80",
        "DefenderXDR 7 in 3f2b8c1e",
    ]


def test_problems_of_the_run_and_the_report_are_shown():
    files = ["/a/x.md", "/a/x.html"]
    assert lines(stopped="Too many.", files=files) == ["stopped  Too many.", "Report: /a/x.html"]
    assert lines(steps=[{"name": "close", "result": {**FAILED, "msg": "Down."}}]) == ["failed  Close: Down."]
    assert lines(files=files[:1]) == ["Report: /a/x.md"]


def test_notes_of_the_run_are_limited():
    notes = [f"Sentinel {number}: reopened;\nleft unchanged." for number in range(12)]
    found = lines(notes=notes)
    assert found[0] == "Sentinel 0: reopened; left unchanged."
    assert found[10:] == ["The report has 2 more notes."]


@pytest.mark.parametrize(
    "steps, word",
    [
        ({"opened": True, "link": True, "close": True}, "closed"),
        ({"opened": True, "link": True, "close": False}, "ticket opened"),
        ({"link": True, "activate": True, "comment": True}, "escalated"),
        ({"link": False, "activate": False, "comment": True}, "commented"),
        ({"link": False, "activate": False, "comment": False}, "escalated already"),
        ({"unlink": True}, "unlinked"),
        ({"reconcile": True}, "corrected"),
        ({"reopen": False}, "open already"),
        ({"reconcile": False, "open_incident": False}, "incident open"),
        ({"reconcile": False, "open_ticket": False, "close_ticket": True}, "ticket closed"),
    ],
    ids=["close", "ticket", "escalate", "comment", "unchanged", "unlink", "reconcile", "reopen", "drift", "resolved"],
)
def test_word_names_the_most_important_change(steps, word):
    results = [
        {
            "name": "ticket" if name == "opened" else name,
            "result": {"results": [incident(1, changed=changed, **({"created": True} if name == "opened" else {}))]},
        }
        for name, changed in steps.items()
    ]
    (line,) = lines(incident(1), steps=results)
    assert line.startswith(f"{word}  DefenderXDR 1  Sign-in")


def test_each_step_has_words():
    assert set(WORDS) == set(STEPS)
