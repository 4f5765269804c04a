# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs C(ansible-test integration) against a sandbox of its own.

ansible-test hands no environment on to its tests, so the sandbox's address goes into integration_config.yml.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Run the integration targets.

    :param arguments: further words for ansible-test, such as the names of targets.
    """
    config = ROOT / "tests" / "integration" / "integration_config.yml"
    with SandboxProcess() as sandbox:
        values = {
            "sandbox_url": sandbox.url,
            "sandbox_client_id": sandbox.credentials["client_id"],
            "sandbox_client_secret": sandbox.credentials["client_secret"],
        }
        config.write_text(yaml.safe_dump(values), encoding="utf-8")
        ansible_test = Path(sys.executable).parent / "ansible-test"
        try:
            return subprocess.run([str(ansible_test), "integration", *arguments], cwd=ROOT, check=False).returncode
        finally:
            config.unlink()


if __name__ == "__main__":
    # So that the sandbox is stopped, too, when the tests are.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
