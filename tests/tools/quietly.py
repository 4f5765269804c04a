# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command, print a dot every few seconds, and print its output only if it fails."""

from __future__ import annotations

import subprocess
import sys
import tempfile

DOT_INTERVAL = 5


def main(command: list[str]) -> int:
    """Run the command and return its exit code.

    :param command: the command with its arguments.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while True:
            try:
                code = process.wait(DOT_INTERVAL)
                break
            except subprocess.TimeoutExpired:
                print(".", end="", flush=True)
        print(" passed" if code == 0 else f" FAILED (exit code {code})", flush=True)
        if code:
            output.seek(0)
            sys.stdout.buffer.write(output.read())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
