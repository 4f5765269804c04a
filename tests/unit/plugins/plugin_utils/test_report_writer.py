# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the reports of runbooks are kept."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils import report_writer
from ansible_collections.secops.itsm.plugins.plugin_utils.report_writer import ensure_folder, write_report

WRITERS = 24


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = ensure_folder("kept/here")
    assert folder == tmp_path.resolve() / "kept" / "here"
    assert mode_of(folder) == 0o700


def test_a_folder_that_is_there_keeps_its_mode_and_what_is_in_it(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    (shared / "of somebody else.md").write_text("text")
    assert ensure_folder(str(shared)) == shared.resolve()
    assert mode_of(shared) == 0o775
    assert [path.name for path in shared.iterdir()] == ["of somebody else.md"]


@pytest.mark.parametrize("path", ["taken", "taken/below", "/proc/none"])
def test_what_can_be_no_folder(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        ensure_folder(path)


def test_a_folder_that_cannot_be_written_to_is_found_out(tmp_path, monkeypatch):
    def refuses(**kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(report_writer.tempfile, "TemporaryFile", refuses)
    with pytest.raises(PermissionError):
        ensure_folder(str(tmp_path))


def test_a_report_is_for_its_owner_only(tmp_path):
    paths = write_report(
        str(tmp_path), "close_incident-20261122T010203Z", {".md": "text \u00e9", ".html": "<p>page</p>"}
    )
    assert paths == [str(tmp_path / f"close_incident-20261122T010203Z{end}") for end in (".md", ".html")]
    assert sorted(map(str, tmp_path.iterdir())) == sorted(paths)
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "close_incident-20261122T010203Z.md").read_bytes() == "text \u00e9".encode()


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuses(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_writer.os, "replace", refuses)
    with pytest.raises(OSError, match="No space left"):
        write_report(str(tmp_path), "report", {".md": "text"})
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_breaks_off_keeps_an_earlier_version(tmp_path, monkeypatch):
    earlier = write_report(str(tmp_path), "report", {".md": "earlier"})

    def refuses(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_writer.os, "replace", refuses)
    with pytest.raises(OSError, match="No space left"):
        write_report(str(tmp_path), "report", {".md": "later"}, earlier)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["earlier"]


def test_concurrent_runs_with_one_name_lose_no_report(tmp_path):
    """All start at once; each has both files under a name of its own, with its own text in both."""
    barrier = threading.Barrier(WRITERS)

    def run(number: int) -> list[str]:
        barrier.wait()
        return write_report(
            str(tmp_path), "close_incident-20261122T010203Z", {".md": f"{number}", ".html": f"{number}"}
        )

    with ThreadPoolExecutor(WRITERS) as runs:
        written = list(runs.map(run, range(WRITERS)))
    texts = [[Path(path).read_text() for path in paths] for paths in written]
    assert texts == [[f"{number}"] * 2 for number in range(WRITERS)]
    assert {Path(page).with_suffix(".html") for page, _html in written} == {Path(html) for _page, html in written}
    assert len(list(tmp_path.iterdir())) == 2 * WRITERS


@pytest.mark.parametrize("taken", [".md", ".html"])
def test_both_files_get_a_new_name_if_one_is_taken(tmp_path, taken):
    (tmp_path / f"report{taken}").write_text("kept")
    assert write_report(str(tmp_path), "report", {".md": "a", ".html": "a"}) == [
        str(tmp_path / "report_2.md"),
        str(tmp_path / "report_2.html"),
    ]
    assert (tmp_path / f"report{taken}").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 3


def test_an_earlier_version_is_replaced(tmp_path):
    write_report(str(tmp_path), "report", {".md": "of another run"})
    own = write_report(str(tmp_path), "report", {".md": "own"})
    assert write_report(str(tmp_path), "report", {".md": "all of it"}, own) == own
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "report.md": "of another run",
        "report_2.md": "all of it",
    }


def test_unfinished_files_of_killed_runs_are_removed(tmp_path):
    left, under_way = (tmp_path / f"{report_writer.TEMPORARY_PREFIX}{name}" for name in ("left", "under_way"))
    left.write_text("half of")
    under_way.write_text("half of")
    os.utime(left, (0, 0))
    write_report(str(tmp_path), "report", {".md": "text"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [under_way.name, "report.md"]
