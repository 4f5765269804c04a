# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the files of runbook reports."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils import report_writer
from ansible_collections.secops.itsm.plugins.plugin_utils.report_writer import (
    ensure_folder,
    folder_problem,
    write_report,
)

WRITERS = 12
NAME = "close_incident-20261122T010203Z"


def mode_of(path: Path) -> int:
    """Return the permissions of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, str]:
    """Return the text of each file in a directory by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_directory_is_created_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = ensure_folder("kept/here")
    assert folder == tmp_path.resolve() / "kept" / "here"
    assert mode_of(folder) == 0o700


def test_existing_directory_keeps_its_mode_and_contents(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    (shared / "other.md").write_text("text")
    assert ensure_folder(str(shared)) == shared.resolve()
    assert (mode_of(shared), contents(shared)) == (0o775, {"other.md": "text"})


@pytest.mark.parametrize("path", ["taken", "taken/below", "/proc/none"])
def test_path_that_cannot_be_a_directory_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError):  # noqa: PT011 - the exact error depends on the system
        ensure_folder(path)


def test_directory_that_is_not_writable_is_refused(tmp_path, monkeypatch):
    def refuse(**kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(report_writer.tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError):
        ensure_folder(str(tmp_path))


def test_report_is_readable_by_its_owner_only(tmp_path):
    paths = write_report(str(tmp_path), NAME, {".md": "text \u00e9", ".html": "<p>page</p>"})
    assert paths == [str(tmp_path / f"{NAME}{end}") for end in (".md", ".html")]
    assert contents(tmp_path) == {f"{NAME}.md": "text \u00e9", f"{NAME}.html": "<p>page</p>"}
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("has_earlier", [False, True])
def test_failed_write_leaves_no_new_file(tmp_path, monkeypatch, has_earlier):
    def refuse(*args):
        raise OSError(28, "No space left on device")

    earlier = write_report(str(tmp_path), "report", {".md": "earlier"}) if has_earlier else []
    monkeypatch.setattr(report_writer.os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_report(str(tmp_path), "report", {".md": "later"}, earlier)
    assert list(contents(tmp_path).values()) == ["earlier"] * has_earlier


def test_concurrent_runs_with_the_same_name_lose_no_report(tmp_path):
    """Each run gets a name of its own for both of its files."""
    barrier = threading.Barrier(WRITERS)

    def run(number: int) -> list[str]:
        barrier.wait()
        return write_report(str(tmp_path), NAME, {".md": f"{number}", ".html": f"{number}"})

    with ThreadPoolExecutor(WRITERS) as runs:
        written = list(runs.map(run, range(WRITERS)))
    texts = [[Path(path).read_text() for path in paths] for paths in written]
    assert texts == [[f"{number}"] * 2 for number in range(WRITERS)]
    assert all(Path(markdown).with_suffix(".html") == Path(page) for markdown, page in written)
    assert len(contents(tmp_path)) == 2 * WRITERS


@pytest.mark.parametrize("taken", [".md", ".html"])
def test_both_files_get_a_number_if_one_name_is_taken(tmp_path, taken):
    (tmp_path / f"report{taken}").write_text("kept")
    write_report(str(tmp_path), "report", {".md": "a", ".html": "a"})
    assert contents(tmp_path) == {f"report{taken}": "kept", "report_2.md": "a", "report_2.html": "a"}


def test_earlier_version_is_replaced(tmp_path):
    write_report(str(tmp_path), "report", {".md": "of another run"})
    own = write_report(str(tmp_path), "report", {".md": "own"})
    assert write_report(str(tmp_path), "report", {".md": "complete"}, own) == own
    assert contents(tmp_path) == {"report.md": "of another run", "report_2.md": "complete"}


def test_unfinished_files_of_killed_runs_are_removed(tmp_path):
    left, in_progress = (tmp_path / f"{report_writer.TEMPORARY_PREFIX}{name}" for name in ("left", "in_progress"))
    left.write_text("half")
    in_progress.write_text("half")
    os.utime(left, (0, 0))
    write_report(str(tmp_path), "report", {".md": "text"})
    assert contents(tmp_path) == {in_progress.name: "half", "report.md": "text"}


def test_problem_of_a_directory_is_one_sentence():
    error = FileNotFoundError(2, "No such file or directory")
    assert folder_problem("/proc/a b", error) == (
        "The reports cannot be written to report_dir '/proc/a b' (no such file or directory): set another directory."
    )
