# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new user does: install what was published, start its sandbox on a seed of one's own, run the runbooks."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.tests.sandbox.client_environment import SERVICE_VARIABLES
from ansible_collections.secops.itsm.tests.sandbox.contraforce import ContraForce
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MODULE = "ansible_collections.secops.itsm.tests.sandbox"
TABLE = yaml.safe_load((ROOT / "playbooks" / "vars" / "runbooks.yml").read_text(encoding="utf-8"))["itsm_runbooks"]
#: The one that works on an inventory, test_inventory.py runs as its page says.
RUNBOOKS = {name: runbook for name, runbook in TABLE.items() if "hosts" not in runbook["takes"]}

#: What the runbooks do with what the documentation shows, on the seed below.
DONE = {
    "close_false_positives": "1 incident, 0 failed; 1 closed.",
    "close_incident": "2 incidents, 0 failed; 1 linked; 2 closed.",
    "close_with_ticket": "2 incidents, 0 failed; 2 tickets opened; 2 linked; 2 closed.",
    "escalate_incident": "1 incident, 0 failed; 1 ticket opened; 1 linked; 1 set to Active; 1 assigned; 1 commented.",
    "link_ticket": "2 incidents, 0 failed; 2 linked.",
    "open_ticket": "2 incidents, 0 failed; 2 tickets opened; 2 linked.",
    "reconcile_tickets": "2 incidents, 0 failed; 1 drifted and mended, 1 as wanted.",
    "reopen_incident": "1 incident, 0 failed; 1 reopened.",
    "unlink_ticket": "1 incident, 0 failed; 1 without a ticket already.",
}


def environment(folder: Path, **further: str) -> dict[str, str]:
    """Nothing of the machine's user, and of Python and Ansible only what was installed."""
    path = f"{BIN}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(folder / "installed"), **further}


def run(folder: Path, *command: str, **further: str) -> subprocess.CompletedProcess[str]:
    """What a command does in a folder."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder, **further),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def shown_variables(installed: Path, name: str) -> str:
    """The file of variables that the documentation of a runbook shows."""
    page = (installed / "docs" / "docsite" / "rst" / f"runbook_{name}.rst").read_text(encoding="utf-8")
    (block,) = re.findall(r"^\.\. code-block:: yaml\n   :caption: .*\n\n((?:   .*\n|\n)+)", page, re.MULTILINE)
    return re.sub("^   ", "", block, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection, built and installed, a seed, and the variables of each runbook."""
    folder = tmp_path_factory.mktemp("home")
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    subprocess.run([*galaxy, "build", "--output-path", str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = folder.glob("secops-itsm-*.tar.gz")
    there = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "installed")}
    done = run(folder, *galaxy, "install", "--no-deps", "-p", str(folder / "installed"), str(tarball), **there)
    assert done.returncode == 0, done.stdout
    seed = yaml.safe_load((installed(folder) / "docs" / "ci" / "repository" / "seed.yml").read_text(encoding="utf-8"))
    seed["credentials"]["client_secret"] = "a secret of one's own"
    (folder / "seed.yml").write_text(yaml.safe_dump(seed), encoding="utf-8")
    for name in RUNBOOKS:
        (folder / f"{name}.yml").write_text(shown_variables(installed(folder), name), encoding="utf-8")
    return folder


def installed(folder: Path) -> Path:
    return folder / "installed" / "ansible_collections" / "secops" / "itsm"


class Started:
    """A sandbox, as a user starts it.

    :param folder: from where.
    :param words: further words of the command.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.file = folder / "sandbox.env"
        self.process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--env-file", self.file.name, *words],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 120
        while not self.file.exists():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def variables(self, **before: str) -> dict[str, str]:
        """The variables of a shell that has read the file in."""
        done = run(self.folder, "sh", "-c", f". ./{self.file.name} && env -0", **before)
        assert done.returncode == 0, done.stdout
        return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit code, and what it printed."""
        self.process.send_signal(number)
        output, _errors = self.process.communicate(timeout=60)
        return self.process.returncode, output


@pytest.fixture(scope="module")
def started(home: Path) -> Iterator[Started]:
    """One sandbox for all, on a seed of one's own and what the variables name."""
    named = [word for name in RUNBOOKS for word in ("--incidents", f"{name}.yml")]
    sandbox = Started(home, "--seed", "seed.yml", *named)
    yield sandbox
    sandbox.stop()


def play(started: Started, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a runbook as the documentation says."""
    only = {"ANSIBLE_COLLECTIONS_PATH": str(started.folder / "installed"), "ANSIBLE_NOCOLOR": "true"}
    command = f'. ./sandbox.env && ansible-playbook secops.itsm.{name} -e @{name}.yml "$@"'
    return run(started.folder, "sh", "-c", command, "sh", *words, **only)


def reset(started: Started) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{started.variables()['CONTRAFORCE_URL']}/_sandbox/reset", b"{}", method="POST")
    opener.open(request, timeout=10).close()


class Assets(HTMLParser):
    """What a page would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = re.findall(r"@import[^;]*|url\([^)]*\)", text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what an element refers to, but for links that somebody has to click."""
        loads = ("src", "srcset", "data", "poster", "action", "background", *(() if tag == "a" else ("href",)))
        self.found += [f"<{tag} {name}={value}>" for name, value in attrs if name in loads]


def read_reports(started: Started, name: str) -> tuple[str, str]:
    """The newest report of a runbook: as Markdown, without its escapes, and as a page."""
    texts = []
    for ending in (".md", ".html"):
        stamped = re.compile(rf"{name}-\d{{8}}T\d{{6}}Z{re.escape(ending)}")
        found = sorted(path for path in (started.folder / "itsm-reports").iterdir() if stamped.fullmatch(path.name))
        texts.append(found[-1].read_text(encoding="utf-8"))
    return re.sub(r"\\(\W)", r"\1", texts[0]), texts[1]


def named_incidents(variables: dict[str, Any]) -> set[str]:
    """The incidents that variables name, and the one of the seed that a selection finds."""
    entries = variables.get("incidents") or variables.get("pairs") or []
    return {entry["incident_id"] for entry in entries} or {"6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"}


@pytest.mark.parametrize("name", DONE)
def test_a_runbook_runs_as_the_documentation_says(started, name):
    reset(started)
    done = play(started, name)
    assert done.returncode == 0, done.stdout
    assert f"Done: {DONE[name]}" in done.stdout
    text, page = read_reports(started, name)
    variables = yaml.safe_load((started.folder / f"{name}.yml").read_text(encoding="utf-8"))
    for incident in named_incidents(variables):
        assert incident in text
        assert incident in page
    assert Assets(page).found == []
    for secret in ("a secret of one's own", "rehearsal-ticketing-secret"):
        assert not [place for place in (done.stdout, text, page) if secret in place]


def test_every_runbook_is_run():
    assert set(DONE) == {name for name, runbook in RUNBOOKS.items() if "report" in runbook["takes"]}


def test_a_rehearsal_writes_nothing_but_its_report(started):
    """Of one; the tests of the documentation rehearse them all."""
    reset(started)
    done = play(started, "close_with_ticket", "--check", "--diff")
    assert done.returncode == 0, done.stdout
    told = "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 would be linked; 2 would be closed."
    assert told in done.stdout
    assert "Nothing was written. The report shows what a run would do." in read_reports(started, "close_with_ticket")[0]
    url = started.variables()["CONTRAFORCE_URL"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/_sandbox/journal") as answer:
        assert '"writes":0' in answer.read().decode()


def test_the_connections_are_verified(started):
    done = play(started, "verify_connection")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("credentials            ok") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_tells_how_it_is_reached_and_ends_cleanly(home, tmp_path, number):
    (tmp_path / "installed").symlink_to(home / "installed")
    sandbox = Started(tmp_path)
    assert stat.S_IMODE(sandbox.file.stat().st_mode) == 0o600
    foreign = dict.fromkeys(SERVICE_VARIABLES, "of the real service")
    shell = sandbox.variables(**foreign, no_proxy="intranet.example")
    url = shell["CONTRAFORCE_URL"]
    assert {name: value for name, value in shell.items() if name.startswith(("CONTRAFORCE_", "TICKETING_"))} == {
        "CONTRAFORCE_URL": url,
        "CONTRAFORCE_CLIENT_ID": "sandbox-client",
        "CONTRAFORCE_CLIENT_SECRET": "sandbox+secret/with=marks&more",
        "TICKETING_URL": url,
        "TICKETING_TENANT_ID": "820188ff-2036-4924-b80f-d11610735d86",
        "TICKETING_REALM": "northwind",
        "TICKETING_TOKEN_URL": f"{url}/auth/realms/northwind/protocol/openid-connect/token",
        "TICKETING_SCOPE": "tickets:write",
        "TICKETING_CLIENT_ID": "itsm-runbook",
        "TICKETING_CLIENT_SECRET": "ticketing+secret/with=marks&more",
    }
    assert shell["no_proxy"] == "127.0.0.1,intranet.example"
    text = sandbox.file.read_text(encoding="utf-8")
    assert sandbox.stop(number) == (0, f"Sandbox listening on {url}\n{text}")
    assert list(tmp_path.iterdir()) == [tmp_path / "installed"]


def test_nothing_of_the_real_services_is_left_over():
    """Every variable of a connection is set or taken away, but for the seconds to wait."""
    options = {option.env for option in [*CONTRAFORCE_OPTIONS.values(), *TICKETING_OPTIONS.values()]}
    assert set(SERVICE_VARIABLES) == {name for name in options if not name.endswith("TIMEOUT")}


def test_help(home):
    done = run(home, sys.executable, "-m", MODULE, "--help")
    assert done.returncode == 0
    assert str(installed(home) / "tests" / "sandbox" / "seeds" / "contraforce.yml") in done.stdout
    assert ". ./sandbox.env" in done.stdout


@pytest.mark.parametrize(
    "words, told",
    [
        (["--seed", "nonsense.yml"], "nonsense.yml cannot be read: No such file or directory"),
        (["--seed", "close_incident.yml"], "close_incident.yml must have the keys credentials, workspaces,"),
        (["--incidents", "nonsense.yml"], "nonsense.yml cannot be read: No such file or directory"),
        (["--incidents", "broken.yml"], "broken.yml is not usable YAML: while parsing"),
        (["--incidents", "list.yml"], "list.yml is no mapping of variables"),
        (["--env-file", "nowhere/sandbox.env"], "cannot write nowhere/sandbox.env: No such file or directory"),
        (["--env-file", "installed"], "cannot write installed: Is a directory"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1:0: "),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_what_cannot_be_used_is_told_in_one_line(home, words, told):
    (home / "broken.yml").write_text("incidents: [", encoding="utf-8")
    (home / "list.yml").write_text("- close", encoding="utf-8")
    done = run(home, sys.executable, "-m", MODULE, *words)
    assert done.returncode == 2
    assert done.stdout.startswith(f"sandbox: {told}")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none(home, port):
    done = run(home, sys.executable, "-m", MODULE, f"--port={port}")
    assert done.returncode == 2
    assert "sandbox: error: argument --port: " in done.stdout


def test_what_is_not_installed_is_told_in_one_line(home):
    # Without the folder of installed packages.
    done = run(home, sys.executable, "-S", "-m", MODULE)
    assert done.returncode == 2
    requirements = installed(home) / "tests" / "sandbox" / "requirements.txt"
    assert done.stdout.endswith(f" is missing or too old; run: {sys.executable} -m pip install -r {requirements}\n")
    assert done.stdout.count("\n") == 1


UNKNOWN = "11111111-2222-4333-8444-555555555555"


def entry(incident: str = "4711", workspace: str = UNKNOWN, **further: Any) -> dict[str, Any]:
    return {"workspace_id": workspace, "source": "defenderxdr", "incident_id": incident, **further}


SHIPPED = Seed.load(SEED_FILE)


def incidents_of(*entries: Any, **variables: Any) -> tuple[list[dict[str, Any]], Seed]:
    """The incidents that are made up for variables, and the seed with them."""
    seed = Seed.load(SEED_FILE, [{"incidents": list(entries), **variables}])
    # What it is for: that the sandbox can begin with it.
    ContraForce(seed, Ticketing(seed.ticketing))
    return seed.incidents[len(SHIPPED.incidents) :], seed


def test_an_incident_is_made_up_in_a_workspace_like_the_first():
    (made,), seed = incidents_of(entry())
    assert (made["source"], made["id"], made["status"]) == ("DefenderXDR", "4711", "New")
    assert {**seed.workspaces[0], "id": UNKNOWN, "name": f"Workspace {UNKNOWN}"} == seed.workspaces[-1]


def test_the_one_incident_of_variables_is_made_up():
    (made,), _seed = incidents_of(**entry(4712))
    assert made["id"] == "4712"


def test_what_the_seed_has_is_left_as_it_is():
    first = SHIPPED.incidents[0]
    known = {"workspace_id": first["workspaceId"].upper(), "source": "SENTINEL", "incident_id": first["id"].upper()}
    made, seed = incidents_of({**known, "ticket_id": "T20261121.0042"})
    assert made == []
    assert seed == SHIPPED


@pytest.mark.parametrize(
    "wrong",
    [entry(source="Outlook"), entry(workspace="northwind"), entry(""), {"incident_id": "1"}, "4711", None],
    ids=str,
)
def test_what_is_wrong_is_left_to_the_runbook(wrong):
    assert incidents_of(wrong)[0] == []


def test_tickets_are_made_up_as_the_ticketing_systems_have_them(tmp_path):
    """By identifier or number; what is made keeps the schema of a seed, and is made once."""
    names = ("70001", "SOC-7", "0123456789abcdef0123456789abcdef")
    named = [
        entry(f"{number}{name}", workspace=workspace["id"], ticket_id=name)
        for workspace in SHIPPED.workspaces
        for name in names
        for number in (1, 2)
    ]
    _made, seed = incidents_of(*named)
    content = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump({**content, "tickets": seed.tickets}), encoding="utf-8")
    Seed.load(path)
    made = seed.tickets[len(SHIPPED.tickets) :]
    systems = [workspace["ticketing_system"] for workspace in SHIPPED.workspaces]
    assert sorted(one["system"] for one in made) == sorted(
        system for system in set(systems) - {"None"} for _name in names
    )
    for one in made:
        assert {str(one["id"]), one["number"]} & set(names)


def test_the_person_who_is_to_take_an_incident_up_is_made_up():
    _made, seed = incidents_of(entry(), assignee_email="new@northwind.example")
    assert seed.users[-1]["email"] == "new@northwind.example"
    _made, seed = incidents_of(entry(assignee_email="D.Duty@northwind.example"))
    assert len(seed.users) == 2


GUIDE = (ROOT / "docs" / "docsite" / "rst" / "rehearse.rst").read_text(encoding="utf-8")


def test_the_seed_that_the_guide_shows(tmp_path):
    ((block),) = re.findall(r"^\.\. code-block:: yaml\n   :caption: seed.yml\n\n((?:   .*\n|\n)+)", GUIDE, re.MULTILINE)
    path = tmp_path / "seed.yml"
    path.write_text(re.sub("^   ", "", block, flags=re.MULTILINE), encoding="utf-8")
    seed = Seed.load(path)
    ContraForce(seed, Ticketing(seed.ticketing))
    assert [incident["ticketId"] for incident in seed.incidents] == ["INC0012345"]


def test_what_the_guide_tells_the_sandbox(sandbox):
    """Every request that the guide shows is taken."""
    shown = re.findall(
        r'^   curl (?:-X (\w+) )?"\$CONTRAFORCE_URL(/_sandbox/\w+)"(?: -d \'(.*)\')?$', GUIDE, re.MULTILINE
    )
    assert len(shown) == GUIDE.count("   curl ") == 12
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for method, path, body in shown:
        data = body.encode() if method else None
        request = urllib.request.Request(sandbox.url + path, data, method=method or "GET")
        with opener.open(request, timeout=10) as answer:
            assert answer.status == 200
