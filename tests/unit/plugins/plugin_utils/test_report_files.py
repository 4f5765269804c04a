# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the reports of runbooks are kept."""

from __future__ import annotations

import stat

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils import report_files
from ansible_collections.secops.itsm.plugins.plugin_utils.report_files import folder_for, write


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = folder_for("kept/here")
    assert folder == tmp_path.resolve() / "kept" / "here"
    assert mode_of(folder) == 0o700


def test_a_folder_that_is_there_keeps_its_mode_and_what_is_in_it(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    (shared / "of somebody else.md").write_text("text")
    assert folder_for(str(shared)) == shared.resolve()
    assert mode_of(shared) == 0o775
    assert [path.name for path in shared.iterdir()] == ["of somebody else.md"]


@pytest.mark.parametrize("path", ["taken", "taken/below", "/proc/none"])
def test_what_can_be_no_folder(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        folder_for(path)


def test_a_folder_that_cannot_be_written_to_is_found_out(tmp_path, monkeypatch):
    def refuses(**kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(report_files.tempfile, "TemporaryFile", refuses)
    with pytest.raises(PermissionError):
        folder_for(str(tmp_path))


def test_a_report_is_for_its_owner_only(tmp_path):
    paths = write(str(tmp_path), "close_incident-20261122T010203Z", {".md": "text \u00e9", ".html": "<p>page</p>"})
    assert paths == [str(tmp_path / f"close_incident-20261122T010203Z{end}") for end in (".md", ".html")]
    assert sorted(map(str, tmp_path.iterdir())) == sorted(paths)
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "close_incident-20261122T010203Z.md").read_bytes() == "text \u00e9".encode()


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuses(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_files.os, "replace", refuses)
    with pytest.raises(OSError, match="No space left"):
        write(str(tmp_path), "report", {".md": "text"})
    assert list(tmp_path.iterdir()) == []
