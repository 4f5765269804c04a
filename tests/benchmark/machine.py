# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe the machine and the software of a measurement."""

from __future__ import annotations

import os
import platform
import re
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path


def described() -> dict[str, str]:
    """Return the properties of the machine by name."""
    return {
        "processor": f"{_found('/proc/cpuinfo', 'model name') or platform.machine()}, {_cores()} cores",
        "memory": f"{int((_found('/proc/meminfo', 'MemTotal') or '0').split()[0]) / 1024**2:.0f} GiB",
        "system": f"{_found('/etc/os-release', 'PRETTY_NAME') or platform.system()}, Linux {platform.release()}",
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "requests": version("requests"),
        "jsonschema": version("jsonschema"),
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
    }


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _found(path: str, name: str) -> str | None:
    """Return the first value of a name in a file of names and values, or None."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(rf'^{re.escape(name)}\s*[:=]\s*"?(.*?)"?\s*$', text, re.MULTILINE)
    return match.group(1) if match else None
