# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the reports of runbooks are kept on the controller: a folder, and files that only their owner can read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

#: A report names incidents and people.
FOLDER_MODE = 0o700


def folder_for(path: str) -> Path:
    """The folder of the reports, made if it is not there. One that is there keeps its mode: it may be shared.

    :param path: from the present folder, or absolute; a tilde is the home of the user.
    :raises OSError: it cannot be made, or nothing can be written to it.
    """
    folder = Path(os.path.realpath(os.path.expanduser(path)))
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    # Asking for permission tells less than trying: not of a full disk, nor of a folder that is mounted to be read.
    with tempfile.TemporaryFile(dir=folder):
        return folder


def write(folder: str, name: str, texts: dict[str, str]) -> list[str]:
    """Write a report, and give the paths of its files. Only their owner can read them.

    :param folder: that is there.
    :param name: of the files, without the end.
    :param texts: by the end of a file's name.
    :raises OSError: a file cannot be written.
    """
    paths = []
    for suffix, text in texts.items():
        handle, unfinished = tempfile.mkstemp(dir=folder, prefix=f".{name}-", suffix=suffix)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            path = os.path.join(folder, name + suffix)
            # A file appears whole or not at all.
            os.replace(unfinished, path)
        except BaseException:
            os.unlink(unfinished)
            raise
        paths.append(path)
    return paths
