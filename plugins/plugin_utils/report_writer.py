# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Write the reports of runbooks to a directory on the controller, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import Mapping, Sequence

#: Reports contain names of incidents and users.
FOLDER_MODE = 0o700
FILE_MODE = 0o600

#: The prefix of temporary files, which are renamed once a report is complete.
TEMPORARY_PREFIX = ".itsm-report-"

#: Age in seconds after which a temporary file is considered left over from a killed run.
STALE_AFTER = 3600.0


def ensure_folder(path: str) -> Path:
    """Return the directory of the reports, and create it if it is missing. An existing one keeps its mode.

    :param path: an absolute or relative path; a leading tilde is the user's home directory.
    :raises OSError: if the directory cannot be created or written to.
    """
    folder = Path(os.path.realpath(os.path.expanduser(path)))
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    # A permission check would miss a full disk or a read-only mount.
    with tempfile.TemporaryFile(dir=folder):
        return folder


def folder_problem(path: str, error: Exception) -> str:
    """Return why a directory cannot be used for reports, as one sentence.

    :param path: the path of the directory.
    :param error: what :func:`ensure_folder` raised.
    """
    reason = getattr(error, "strerror", None) or str(error)
    cause = f"{reason[:1].lower()}{reason[1:]}"
    return f"The reports cannot be written to report_dir {path!r} ({cause}): set another directory."


def write_report(folder: str, name: str, texts: Mapping[str, str], replaces: Sequence[str] = ()) -> list[str]:
    """Write a report and return the paths of its files, which only their owner can read.

    No existing file is replaced: if the name is taken, all files of the report get ``_2``, ``_3``, ... added to it.

    :param folder: an existing directory.
    :param name: the name of the files, without the extension.
    :param texts: the contents by file name extension.
    :param replaces: the paths of an earlier version of the same report, which the new one replaces.
    :raises OSError: if a file cannot be written.
    """
    _remove_stale_files(folder)
    paths, unfinished = list(replaces), list[str]()
    try:
        for text in texts.values():
            handle, path = tempfile.mkstemp(dir=folder, prefix=TEMPORARY_PREFIX)
            unfinished.append(path)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        paths = paths or _reserve(folder, name, list(texts))
        # Only complete files get their final names.
        for source, path in zip(unfinished, paths):
            os.replace(source, path)
    except BaseException:
        for path in [*unfinished, *([] if replaces else paths)]:
            Path(path).unlink(missing_ok=True)
        raise
    return paths


def _reserve(folder: str, name: str, extensions: Sequence[str]) -> list[str]:
    """Return the paths of a report under the first free name, which is reserved by creating the first file."""
    stem, number = name, 1
    while True:
        first, *others = (Path(folder, stem + extension) for extension in extensions)
        with contextlib.suppress(FileExistsError):
            if not any(map(os.path.lexists, others)):
                first.touch(FILE_MODE, exist_ok=False)
                return [str(first), *map(str, others)]
        number += 1
        stem = f"{name}_{number}"


def _remove_stale_files(folder: str) -> None:
    """Remove unfinished files of runs that were killed, except those of other users."""
    for path in Path(folder).glob(f"{TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_AFTER:
                path.unlink()
