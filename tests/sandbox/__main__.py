# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the sandbox: ``python -m ansible_collections.secops.itsm.tests.sandbox``."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED_FILE = HERE / "seeds" / "contraforce.yml"
REQUIREMENTS = HERE / "requirements.txt"

DESCRIPTION = """\
A stand-in for the ContraForce API and the ticketing API, to rehearse runbooks on. It begins with the incidents and
tickets of a seed file, keeps what runbooks change, and forgets it when it ends (Ctrl-C or SIGTERM). It prints its
address, and the variables with which a runbook reaches it.
"""
EPILOG = f"""\
In one terminal:
  export PYTHONPATH=~/.ansible/collections
  python -m ansible_collections.secops.itsm.tests.sandbox --seed seed.yml --incidents incidents.yml \\
    --env-file sandbox.env
In another one:
  . ./sandbox.env
  ansible-playbook secops.itsm.close_incident -e @incidents.yml --check --diff

What it begins with unless told otherwise, to copy and change:
  {SEED_FILE}
GET /_sandbox/state and /_sandbox/journal show what is stored and what was asked. PUT /_sandbox/faults, POST
/_sandbox/reset and more make it misbehave: see the guide "Rehearse a runbook".
"""


def port(text: str) -> int:
    """A number of a port.

    :param text: from the command line.
    """
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not from 0 to 65535")
    return number


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the command line.

    :param argv: the words after the program's name.
    """
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=0, help="port to listen on; 0 takes a free one (default)")
    parser.add_argument(
        "--seed", type=Path, default=SEED_FILE, help="YAML file with the incidents and tickets to begin with"
    )
    parser.add_argument(
        "--incidents",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="variables of a runbook, as for -e @FILE; the incidents and tickets that they name and the seed does not "
        "have are made up, open, in workspaces like the seed's first one (may be given more than once)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="write the variables to this file, for a shell to read in (. ./FILE); it is there once the sandbox "
        "answers, and is removed when the sandbox ends",
    )
    parser.add_argument(
        "--webhook-url",
        metavar="URL",
        help="where the events of new incidents (POST /_sandbox/incidents) are delivered to; the secret of their "
        "signature is among the variables, made up unless you give one",
    )
    parser.add_argument(
        "--webhook-secret-file",
        type=Path,
        metavar="FILE",
        help="a file with the secret that events are signed with",
    )
    parser.add_argument(
        "--webhook-encoding",
        choices=("hex", "base64"),
        default="hex",
        help="how the signature is written (default: %(default)s)",
    )
    return parser.parse_args(argv)


def webhook_secret(path: Path | None) -> str:
    """The secret that events are signed with.

    :param path: the file that it is in, None to make one up.
    :raises ValueError: when it cannot be used, in a sentence.
    """
    if path is None:
        return secrets.token_urlsafe(32)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8") from None
    if not secret or not secret.isprintable():
        raise ValueError(f"{path} is no secret of one line")
    return secret


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop.

    :param options: as ``arguments`` gives them.
    """
    # Here, so that what is not installed can be told in a sentence.
    from ansible_collections.secops.itsm.tests.sandbox.client_environment import (
        UnwritableError,
        client_environment,
        shell_exports,
        ticketing_settings,
        write_atomically,
    )
    from ansible_collections.secops.itsm.tests.sandbox.seed import Seed, SeedError
    from ansible_collections.secops.itsm.tests.sandbox.seed_from_variables import VariablesError, read_variables
    from ansible_collections.secops.itsm.tests.sandbox.server import listen, serve
    from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook, host_of, is_url

    webhook = None
    try:
        seed = Seed.load(options.seed, [read_variables(path) for path in options.incidents])
        if options.webhook_url is not None:
            given = {"url": options.webhook_url, "secret": webhook_secret(options.webhook_secret_file)}
            allowed = host_of(options.webhook_url) if is_url(options.webhook_url) else None
            webhook = Webhook.from_json({**given, "encoding": options.webhook_encoding}, allowed)
    except (SeedError, VariablesError, ValueError) as error:
        return _refuse(str(error))
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        return _refuse(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    host, number = listener.getsockname()[:2]
    url = f"http://{host}:{number}"
    found = client_environment(
        url, seed.credentials, ticketing_settings(url, seed.ticketing), webhook.secret if webhook else None
    )
    lines = shell_exports(found, host)

    def tell() -> None:
        if options.env_file:
            write_atomically(options.env_file, lines)
        print(f"Sandbox listening on {url}\n{lines}", end="", flush=True)

    try:
        serve(seed, listener, tell, webhook)
    except UnwritableError as error:
        return _refuse(str(error))
    finally:
        if options.env_file and options.env_file.is_file():
            options.env_file.unlink(missing_ok=True)
    return 0


def main(argv: list[str]) -> int:
    """Serve until told to stop, or say in a sentence why not.

    :param argv: the words after the program's name.
    """
    options = arguments(argv)
    try:
        return run(options)
    except ImportError as error:
        missing = (error.name or "").split(".", maxsplit=1)[0]
        if missing in ("", "ansible_collections"):
            raise
        return _refuse(f"{missing} is missing or too old; run: {sys.executable} -m pip install -r {REQUIREMENTS}")
    except KeyboardInterrupt:
        # Before the server took the signals over.
        return 130


def _refuse(why: str) -> int:
    print(f"sandbox: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
