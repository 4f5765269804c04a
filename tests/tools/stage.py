# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the collection to .cache/ansible_collections/secops/itsm, where Ansible finds it.

ansible-test requires such a path. The copy only contains files that git tracks or would add.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
STAGE = CACHE / "ansible_collections" / "secops" / "itsm"

#: Files of tools in the copy that are kept.
KEPT = (".git", "tests/output", "tests/integration/integration_config.yml")


def source_files() -> list[Path]:
    """Return the files that git tracks or would add, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def stage() -> Path:
    """Update the copy and return its path."""
    STAGE.mkdir(parents=True, exist_ok=True)
    # ansible-test gets the files from git, and the outer repository ignores them.
    if not (STAGE / ".git").exists():
        subprocess.run(["git", "init", "--quiet", "--initial-branch=stage"], cwd=STAGE, check=True)
    wanted = source_files()
    for name in wanted:
        target = STAGE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for path in sorted(STAGE.rglob("*"), reverse=True):
        name = path.relative_to(STAGE)
        if any(name.as_posix() == kept or name.is_relative_to(kept) for kept in KEPT):
            continue
        if path.is_file() and name not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return STAGE


if __name__ == "__main__":
    print(stage())
