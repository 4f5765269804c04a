# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: recognizing a text."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import Journal, journal_of

ROW = {"element": {"value": "work_notes"}, "value": {"value": "Isolated &amp; reimaged."}}
SHOWN = (
    "2026-11-21 06:00:00 - Dana Duty (Work notes)\nFirst\nline\n\n2026-11-21 07:00:00 - System (Work notes)\nSecond\n\n"
)


@pytest.mark.parametrize(
    "text, expected",
    [("Isolated & reimaged.", True), ("Isolated  &\nreimaged.", True), ("Isolated", False), ("First\r\nline", True)],
)
def test_text_is_recognized_as_a_whole(text, expected):
    journal = journal_of([ROW], {"work_notes": SHOWN, "comments": None}, False)
    assert journal.has("work_notes", text) is expected
    assert journal.has("comments", text) is False


def test_second_entry_of_a_display_value_is_recognized():
    journal = journal_of(None, {"work_notes": SHOWN}, False)
    assert (journal.has("work_notes", "Second"), journal.has("work_notes", "Third")) == (True, False)


def test_display_value_in_another_format_is_one_text():
    assert journal_of(None, {"comments": "Only text"}, False) == Journal({"comments": ["Only text"]}, True)


@pytest.mark.parametrize(
    "rows, shown, elsewhere, expected",
    [
        ([ROW], None, False, True),
        ([], None, True, True),
        ([], None, False, False),
        (None, None, True, False),
        (None, SHOWN, False, True),
        ([], "", False, False),
    ],
)
def test_journal_is_readable_only_with_evidence(rows, shown, elsewhere, expected):
    assert journal_of(rows, {"work_notes": shown}, elsewhere).is_readable is expected
