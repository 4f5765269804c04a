# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Provide the script with which ansible-test installs pip, if its host cannot be reached.

ansible-test creates virtual environments without pip and then runs get-pip.py, from its cache or from a download. If
the download fails, this writes a script to the cache that installs the pip wheel from the package index.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import ansible_test

CACHE = Path("~/.ansible/test/cache").expanduser()
URL = "https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py"

SCRIPT = '''"""Install pip {version} from the wheel in this file. Generated because {url} could not be reached."""
import base64, os, runpy, sys, tempfile

wheel = os.path.join(tempfile.mkdtemp(), {name!r})
with open(wheel, "wb") as handle:
    handle.write(base64.b64decode({content!r}))
sys.path.insert(0, wheel)
arguments = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--disable-pip-version-check", wheel] + arguments
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def required_version() -> str:
    """Return the version of pip that the installed ansible-test requires."""
    text = (Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    found = re.search(r"^ {8}pip='([\d.]+)'", text, re.MULTILINE)
    if found is None:
        raise SystemExit("ansible-test no longer contains the version of pip. Update tests/tools/bootstrap_pip.py.")
    return found.group(1)


def provide(version: str) -> str:
    """Write the script to ansible-test's cache unless it exists, and return what was done.

    :param version: the version of pip.
    """
    target = CACHE / f"get_pip_{version.replace('.', '_')}.py"
    if target.exists():
        return f"The bootstrap script of pip {version} exists."
    url = URL.format(version=version)
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            content = response.read().decode("utf-8")
    except (urllib.error.URLError, OSError):
        content = script_with_wheel(version, url)
    CACHE.mkdir(parents=True, exist_ok=True)
    # An interrupted write must not leave a partial script, because ansible-test would run it.
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        written = Path(folder) / target.name
        written.write_text(content, encoding="utf-8")
        written.replace(target)
    return f"The bootstrap script of pip {version} was written."


def script_with_wheel(version: str, url: str) -> str:
    """Return a script that contains the wheel from the package index.

    :param version: the version of pip.
    :param url: the URL of the original script.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"pip=={version}"]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        content = base64.b64encode(wheel.read_bytes()).decode("ascii")
        return SCRIPT.format(version=version, url=url, name=wheel.name, content=content)


if __name__ == "__main__":
    print(provide(required_version()))
