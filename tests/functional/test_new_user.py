# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what new users do: start the sandbox with their own seed, and run the runbooks as documented."""

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
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection import SERVICENOW_OPTIONS
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import read_table
from ansible_collections.secops.itsm.tests.sandbox.__main__ import arguments, main
from ansible_collections.secops.itsm.tests.sandbox.app import Sandbox
from ansible_collections.secops.itsm.tests.sandbox.client_environment import SERVICE_VARIABLES
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MODULE = "ansible_collections.secops.itsm.tests.sandbox"
TABLE = read_table()["itsm_runbooks"]
#: Runbooks whose incidents are in their variables or found by them. test_inventory.py and test_close_resolved.py run
#: the others as documented.
RUNBOOKS = {name: runbook for name, runbook in TABLE.items() if not {"hosts", "resolution"} & set(runbook["takes"])}

#: Summaries of the runbooks with the documented variables and the seed below.
DONE = {
    "close_false_positives": "1 incident, 0 failed; 1 closed.",
    "close_incident": "2 incidents, 0 failed; 1 linked; 2 closed.",
    "close_with_ticket": (
        "2 incidents, 0 failed; 2 tickets opened; 2 tickets named in a comment; 2 closed; 2 tickets closed."
    ),
    "escalate_incident": (
        "1 incident, 0 failed; 1 ticket opened; 1 ticket named in a comment; 1 set to Active; 1 assigned; 1 commented."
    ),
    "link_ticket": "2 incidents, 0 failed; 2 linked.",
    "open_ticket": "2 incidents, 0 failed; 2 tickets opened; 2 tickets named in a comment.",
    "reconcile_tickets": "2 incidents, 0 failed; 1 corrected, 1 correct already; 1 with an unknown status.",
    "reopen_incident": "1 incident, 0 failed; 1 reopened.",
    "unlink_ticket": "1 incident, 0 failed; 1 without a ticket already.",
}


def environment(folder: Path, **further: str) -> dict[str, str]:
    """Return an environment without the user's own variables."""
    path = f"{BIN}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(COLLECTIONS), **further}


def run(folder: Path, *command: str, **further: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and return its outcome."""
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


def shown_variables(name: str) -> str:
    """Return the first variables file in the documentation of a runbook."""
    page = (ROOT / "docs" / "docsite" / "rst" / f"runbook_{name}.rst").read_text(encoding="utf-8")
    block, *_others = re.findall(r"^\.\. code-block:: yaml\n   :caption: .*\n\n((?:   .*\n|\n)+)", page, re.MULTILINE)
    return re.sub("^   ", "", block, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a seed and the documented variables of each runbook."""
    folder = tmp_path_factory.mktemp("home")
    seed = yaml.safe_load((ROOT / "docs" / "ci" / "repository" / "seed.yml").read_text(encoding="utf-8"))
    seed["credentials"]["client_secret"] = "a secret of one's own"
    (folder / "seed.yml").write_text(yaml.safe_dump(seed), encoding="utf-8")
    for name in RUNBOOKS:
        (folder / f"{name}.yml").write_text(shown_variables(name), encoding="utf-8")
    return folder


class Started:
    """A sandbox that is started from the command line.

    :param folder: the working directory.
    :param words: additional arguments.
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
            assert self.process.poll() is None, "the sandbox ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def variables(self, **before: str) -> dict[str, str]:
        """Return the variables of a shell that has sourced the file."""
        done = run(self.folder, "sh", "-c", f". ./{self.file.name} && env -0", **before)
        assert done.returncode == 0, done.stdout
        return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop the sandbox and return its exit code and output."""
        self.process.send_signal(number)
        output, _errors = self.process.communicate(timeout=60)
        return self.process.returncode, output


@pytest.fixture(scope="module")
def started(home: Path) -> Iterator[Started]:
    """Start a sandbox with a seed and the incidents of all variables files."""
    named = [word for name in RUNBOOKS for word in ("--incidents", f"{name}.yml")]
    sandbox = Started(home, "--seed", "seed.yml", *named)
    yield sandbox
    sandbox.stop()


def play(started: Started, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a runbook as documented."""
    only = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "true"}
    command = f'. ./sandbox.env && ansible-playbook -i localhost, secops.itsm.{name} -e @{name}.yml "$@"'
    return run(started.folder, "sh", "-c", command, "sh", *words, **only)


def reset(started: Started) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{started.variables()['CONTRAFORCE_URL']}/_sandbox/reset", b"{}", method="POST")
    opener.open(request, timeout=10).close()


class Assets(HTMLParser):
    """Collect what an HTML page loads from other places."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = re.findall(r"@import[^;]*|url\([^)]*\)", text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the references of an element, except for links."""
        loads = ("src", "srcset", "data", "poster", "action", "background", *(() if tag == "a" else ("href",)))
        self.found += [f"<{tag} {name}={value}>" for name, value in attrs if name in loads]


def read_reports(started: Started, name: str) -> tuple[str, str]:
    """Return the latest report of a runbook: Markdown without escapes, and HTML."""
    texts = []
    for ending in (".md", ".html"):
        stamped = re.compile(rf"{name}-\d{{8}}T\d{{6}}Z{re.escape(ending)}")
        found = sorted(path for path in (started.folder / "itsm-reports").iterdir() if stamped.fullmatch(path.name))
        texts.append(found[-1].read_text(encoding="utf-8"))
    return re.sub(r"\\(\W)", r"\1", texts[0]), texts[1]


def named_incidents(variables: dict[str, Any]) -> set[str]:
    """Return the incidents of a variables file, or the incident of the seed that a selection finds."""
    entries = variables.get("incidents") or variables.get("pairs") or []
    return {entry["incident_id"] for entry in entries} or {"6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"}


@pytest.mark.parametrize("name", DONE)
def test_runbook_runs_as_documented(started, name):
    reset(started)
    done = play(started, name)
    assert done.returncode == 0, done.stdout
    assert f"Done: {DONE[name]}" in done.stdout
    assert "[WARNING]" not in done.stdout
    text, page = read_reports(started, name)
    variables = yaml.safe_load((started.folder / f"{name}.yml").read_text(encoding="utf-8"))
    for incident in named_incidents(variables):
        assert incident in text
        assert incident in page
    assert Assets(page).found == []
    for secret in ("a secret of one's own", "sandbox-ticketing-secret"):
        assert not [place for place in (done.stdout, text, page) if secret in place]


def test_every_runbook_with_report_is_run():
    assert set(DONE) == {name for name, runbook in RUNBOOKS.items() if "report" in runbook["takes"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_prints_variables_and_stops_cleanly(tmp_path, number):
    sandbox = Started(tmp_path)
    assert stat.S_IMODE(sandbox.file.stat().st_mode) == 0o600
    foreign = dict.fromkeys(SERVICE_VARIABLES, "of the real service")
    shell = sandbox.variables(**foreign, no_proxy="intranet.example")
    url = shell["CONTRAFORCE_URL"]
    services = ("CONTRAFORCE_", "TICKETING_", "SERVICENOW_")
    assert {name: value for name, value in shell.items() if name.startswith(services)} == {
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
        "SERVICENOW_URL": url,
        "SERVICENOW_USERNAME": "itsm.runbook",
        "SERVICENOW_PASSWORD": "servicenow+password/with=marks&more",
    }
    assert shell["no_proxy"] == "127.0.0.1,intranet.example"
    text = sandbox.file.read_text(encoding="utf-8")
    assert sandbox.stop(number) == (0, f"Sandbox listening on {url}\n{text}")
    assert list(tmp_path.iterdir()) == []


def test_variables_of_real_services_are_replaced():
    """Every variable of a connection is set or unset, except for timeouts."""
    tables = (CONTRAFORCE_OPTIONS, TICKETING_OPTIONS, SERVICENOW_OPTIONS)
    options = {option.env for table in tables for option in table.values()}
    assert set(SERVICE_VARIABLES) == {name for name in options if not name.endswith("TIMEOUT")}


def test_help_names_seed_and_environment_file(capsys):
    with pytest.raises(SystemExit):
        arguments(["--help"])
    shown = capsys.readouterr().out
    assert str(SEED_FILE) in shown
    assert ". ./sandbox.env" in shown


@pytest.mark.parametrize(
    "words, facts",
    [
        (["--seed", "unknown.yml"], ["unknown.yml", "No such file or directory"]),
        (["--seed", "close_incident.yml"], ["close_incident.yml", "cannot be used"]),
        (["--incidents", "unknown.yml"], ["unknown.yml", "No such file or directory"]),
        (["--incidents", "broken.yml"], ["broken.yml", "YAML", "while parsing"]),
        (["--incidents", "list.yml"], ["list.yml", "mapping"]),
        (["--host", "203.0.113.1"], ["203.0.113.1:0"]),
    ],
    ids="-".join,
)
def test_invalid_argument_is_reported_in_one_line(home, monkeypatch, capsys, words, facts):
    monkeypatch.chdir(home)
    (home / "broken.yml").write_text("incidents: [", encoding="utf-8")
    (home / "list.yml").write_text("- close", encoding="utf-8")
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("sandbox: ")
    assert shown.count("\n") == 1
    assert [fact for fact in facts if fact not in shown] == []


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_invalid_port_is_reported(capsys, port):
    with pytest.raises(SystemExit) as ended:
        arguments([f"--port={port}"])
    assert ended.value.code == 2
    assert "sandbox: error: argument --port: " in capsys.readouterr().err


def test_environment_file_that_cannot_be_written_is_reported(tmp_path):
    done = run(tmp_path, sys.executable, "-m", MODULE, "--env-file", "unknown/sandbox.env")
    assert done.returncode == 2
    assert "unknown/sandbox.env: No such file or directory" in done.stdout
    assert done.stdout.count("\n") == 1


def test_missing_library_is_reported_in_one_line(tmp_path):
    # Without the directory of installed packages.
    done = run(tmp_path, sys.executable, "-S", "-m", MODULE)
    assert done.returncode == 2
    requirements = ROOT / "tests" / "sandbox" / "requirements.txt"
    assert f"{sys.executable} -m pip install -r {requirements}" in done.stdout
    assert done.stdout.count("\n") == 1


UNKNOWN = "11111111-2222-4333-8444-555555555555"


def entry(incident: str = "4711", workspace: str = UNKNOWN, **further: Any) -> dict[str, Any]:
    return {"workspace_id": workspace, "source": "defenderxdr", "incident_id": incident, **further}


SHIPPED = Seed.load(SEED_FILE)


def incidents_of(*entries: Any, **variables: Any) -> tuple[list[dict[str, Any]], Seed]:
    """Return the incidents that the sandbox adds for variables, and the seed with them."""
    seed = Seed.load(SEED_FILE, [{"incidents": list(entries), **variables}])
    # The sandbox must be able to start with the seed.
    Sandbox(seed)
    return seed.incidents[len(SHIPPED.incidents) :], seed


def test_incident_is_added_in_workspace_like_the_first():
    (made,), seed = incidents_of(entry())
    assert (made["source"], made["id"], made["status"]) == ("DefenderXDR", "4711", "New")
    assert {**seed.workspaces[0], "id": UNKNOWN, "name": f"Workspace {UNKNOWN}"} == seed.workspaces[-1]


def test_single_incident_is_added():
    (made,), _seed = incidents_of(**entry(4712))
    assert made["id"] == "4712"


def test_incidents_of_seed_are_not_changed():
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
def test_invalid_incidents_are_ignored(wrong):
    assert incidents_of(wrong)[0] == []


def test_tickets_are_added_for_each_ticketing_system(tmp_path):
    """Each is added once, by its ID or number, and matches the schema of a seed."""
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


def test_assignee_is_added():
    _made, seed = incidents_of(entry(), assignee_email="new@northwind.example")
    assert seed.users[-1]["email"] == "new@northwind.example"
    _made, seed = incidents_of(entry(assignee_email="D.Duty@northwind.example"))
    assert len(seed.users) == 2


GUIDE = (ROOT / "docs" / "docsite" / "rst" / "rehearse.rst").read_text(encoding="utf-8")


def test_seed_in_guide(tmp_path):
    ((block),) = re.findall(r"^\.\. code-block:: yaml\n   :caption: seed.yml\n\n((?:   .*\n|\n)+)", GUIDE, re.MULTILINE)
    path = tmp_path / "seed.yml"
    path.write_text(re.sub("^   ", "", block, flags=re.MULTILINE), encoding="utf-8")
    seed = Seed.load(path)
    Sandbox(seed)
    assert [incident["ticketId"] for incident in seed.incidents] == ["INC0012345"]


def test_requests_in_guide_succeed(sandbox):
    shown = re.findall(
        r'^   curl (?:-X (\w+) )?"\$CONTRAFORCE_URL(/_sandbox/\w+)"(?: -d \'(.*)\')?$', GUIDE, re.MULTILINE
    )
    assert len(shown) == GUIDE.count("   curl ") == 17
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for method, path, body in shown:
        data = body.encode() if method else None
        request = urllib.request.Request(sandbox.url + path, data, method=method or "GET")
        with opener.open(request, timeout=10) as response:
            assert response.status == 200
