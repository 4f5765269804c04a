# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open incidents as hosts of an inventory, and the runbook that closes each of them, alone and in slices of a job."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents import InventoryModule
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_hosts import custom_host_name
from ansible_collections.secops.itsm.tests.functional.conftest import PLAYBOOK_COMMAND, Played, Player
from ansible_collections.secops.itsm.tests.functional.controller import configured
from ansible_collections.secops.itsm.tests.functional.jobs import run_job
from ansible_collections.secops.itsm.tests.functional.test_docs import PAGES, blocks, shown

NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
TAILSPIN = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SIGN_IN = f"sentinel.6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61.{NORTHWIND}"
PHISHING = f"defenderxdr.48213.{NORTHWIND}"
SCRIPT = "defenderxdr.50211.6e7f8091-a2b3-4c4d-8e5f-607182930415"
CLOSED = f"sentinel.c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2.{NORTHWIND}"
WHY = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "By a test."}
TEMPLATE = "Close the open incidents, each by itself"

#: What would run a program if a title were taken for a template.
TITLE = "{{ lookup('ansible.builtin.pipe', 'touch PATH') }}"


@dataclass
class Listed:
    """What ansible-inventory printed.

    :param code: the exit code.
    :param text: standard output.
    :param errors: standard error, as one line, because Ansible folds its messages.
    """

    code: int
    text: str
    errors: str

    @property
    def groups(self) -> dict[str, Any]:
        """The groups by name."""
        return dict(json.loads(self.text))

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The variables of the hosts by name, without the marks for what is no template."""
        return dict(plain(self.groups["_meta"]["hostvars"]))


def plain(value: Any) -> Any:
    """A value without the marks."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return value["__ansible_unsafe"] if list(value) == ["__ansible_unsafe"] else {k: plain(v) for k, v in value.items()}


class Inventory:
    """Writes inventory files, and lists what they give.

    :param player: whose folder and environment.
    """

    def __init__(self, player: Player) -> None:
        self.player = player
        # As AWX injects what was left out.
        self.blank = {option.env: "" for option in CONTRAFORCE_OPTIONS.values() if option.env not in player.environment}

    def write(self, name: str = "open", **options: Any) -> Path:
        """A file for the plugin.

        :param name: of the file, without its end.
        :param options: that it holds.
        """
        path = self.player.folder / f"{name}.contraforce_incidents.yml"
        content = {"plugin": InventoryModule.NAME, **options}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def run(self, *words: str | Path, environment: Mapping[str, str] | None = None) -> Listed:
        """What ansible-inventory says.

        :param words: of the command.
        :param environment: further variables, empty ones too.
        """
        command = [str(PLAYBOOK_COMMAND.with_name("ansible-inventory")), *map(str, words)]
        variables = {**self.player.environment, **self.blank, **(environment or {})}
        done = subprocess.run(
            command, cwd=self.player.folder, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        return Listed(done.returncode, done.stdout, " ".join(done.stderr.split()))

    def list(self, *paths: Path, **kwargs: Any) -> Listed:
        """What there is by the given files.

        :param paths: of the files.
        :param kwargs: as for :meth:`run`.
        """
        sources = [word for path in paths for word in ("-i", path)]
        return self.run(*sources, "--list", *kwargs.pop("words", ()), **kwargs)


@pytest.fixture
def inventory(player):
    """Writes and lists inventories."""
    return Inventory(player)


def stored(sandbox, host: str) -> dict[str, Any]:
    """The incident of a host, as the sandbox has it."""
    identifier = host.split(".", 1)[1].rsplit(".", 1)[0]
    return next(entry for entry in sandbox.state()["incidents"] if entry["id"] == identifier)


def asked(sandbox) -> int:
    """How many requests there were."""
    return len(sandbox.journal()["entries"])


# --- the plugin -----------------------------------------------------------------------------------------------------


def test_open_incidents_are_hosts(inventory):
    listed = inventory.list(inventory.write())
    assert (listed.code, listed.errors) == (0, "")
    groups, hosts = listed.groups, listed.hosts
    assert SIGN_IN in hosts
    assert CLOSED not in hosts
    assert {host["incident"]["status"] for host in hosts.values()} == {"New", "Active"}
    one = hosts[PHISHING]
    assert set(one) == {
        "workspace_id",
        "source",
        "incident_id",
        "incident_number",
        "incident",
        "ansible_connection",
        "ansible_become",
        "ansible_python_interpreter",
    }
    assert (one["workspace_id"], one["source"], one["incident_id"]) == (NORTHWIND, "DefenderXDR", "48213")
    assert one["incident_number"] == "48213"
    assert one["incident"]["title"] == "Credential phishing message delivered to three mailboxes"
    members = {name: set(group.get("hosts", ())) for name, group in groups.items()}
    assert members["contraforce_incidents"] == set(hosts)
    for kind in ("source", "severity", "status", "workspace"):
        of_kind = [found for name, found in members.items() if name.startswith(f"{kind}_")]
        assert set().union(*of_kind) == set(hosts), kind
        assert sum(map(len, of_kind)) == len(hosts), kind
    assert PHISHING in members["source_defenderxdr"] & members["severity_high"] & members["status_active"]
    assert PHISHING in members[f"workspace_{NORTHWIND.replace('-', '_')}"]
    assert not [name for name in groups if not re.fullmatch(r"[a-z_][a-z0-9_]*", name)]


def test_filters_names_and_what_the_file_makes_of_incidents(inventory, sandbox):
    """Templates in the options of the connection and of the list, with a variable of the command."""
    path = inventory.write(
        client_secret="{{ lookup('ansible.builtin.env', 'SOC_SECRET') }}",
        timeout="{{ seconds }}",
        sources=["sentinel", "DEFENDERXDR"],
        title_pattern="^credential|^sign-in",
        workspace_ids=[NORTHWIND, TAILSPIN],
        hostname="source ~ '-' ~ incident_number",
        compose={"shout": "incident.title | upper", "missing": "incident.nothing.at_all"},
        groups={"phished": "'phishing' in incident.title"},
        keyed_groups=[{"key": "incident.title", "prefix": "title"}],
    )
    secret = {"CONTRAFORCE_CLIENT_SECRET": "", "SOC_SECRET": sandbox.credentials["client_secret"]}
    listed = inventory.list(path, environment=secret, words=["-e", "seconds=20"])
    assert (listed.code, listed.errors) == (0, "")
    phishing, sign_in = custom_host_name(PHISHING, "DefenderXDR-48213"), custom_host_name(SIGN_IN, "Sentinel-3107")
    assert set(listed.hosts) >= {phishing, sign_in}
    assert [name.split(".")[0] for name in sorted(listed.hosts)] == [
        "DefenderXDR-48213",
        "Sentinel-2871",
        "Sentinel-3107",
    ]
    assert listed.hosts[sign_in]["shout"] == "SIGN-IN FROM AN UNUSUAL LOCATION"
    assert "missing" not in listed.hosts[sign_in]
    assert listed.groups["phished"]["hosts"] == [phishing]
    assert listed.groups["title_Sign_in_from_an_unusual_location"]["hosts"] == [sign_in]


def test_a_host_keeps_its_name_where_hostname_gives_none(inventory):
    """An expression that fails, and a text with templates that gives nothing for some."""
    fails = inventory.write("a", sources=["Sentinel"], hostname="incident.nothing.at_all")
    some = "{% if source == 'DefenderXDR' %}{{ incident_id }}:x{% endif %}"
    template = inventory.write("b", severities=["High"], hostname=some)
    listed = inventory.list(fails, template)
    assert listed.errors == ""
    names = [name for name in listed.hosts if not name.startswith("sentinel.")]
    assert sorted(name.split(".")[0] for name in names) == ["48213%3Ax", "50211%3Ax", "crowdstrike"]
    assert SIGN_IN in listed.hosts


def added(sandbox, *titles: str) -> list[str]:
    """The usual names of the hosts of new incidents of a source that had none, which have these titles."""
    times = dict.fromkeys(("createdAt", "updatedAt"), "2026-11-21T03:00:00Z")
    shown = {"workspaceId": NORTHWIND, "source": "QRadar", "severity": "Low", "status": "New", **times}
    named = ({"id": f"new{n}", "number": n, "title": title} for n, title in enumerate(titles))
    sandbox.add_incidents(*({**shown, **each} for each in named))
    return [f"qradar.new{n}.{NORTHWIND}" for n in range(len(titles))]


def test_titles_cannot_name_hosts_or_groups_of_other_sources(player, inventory, sandbox):
    """In a directory whose other inventory is parsed first, and in one where it is parsed later; by two files each."""
    titles = ["web", "db1", "all", "localhost", "contraforce_incidents", "same", "same", f"qradar.new0.{NORTHWIND}"]
    usual = added(sandbox, *titles)
    theirs = "[web]\nweb1 ansible_host=192.0.2.1\n\n[database]\ndb1 ansible_host=192.0.2.2\n"
    options = {"sources": ["QRadar"], "workspace_ids": [NORTHWIND], "hostname": "incident.title"}
    for name in ("a", "z"):
        folder = inventory.player.folder / name
        folder.mkdir()
        (folder / name).write_text(theirs, encoding="utf-8")
        for file in ("m", "n"):
            inventory.write(f"{folder.name}/{file}", **options, keyed_groups=[{"key": "incident.title", "prefix": "t"}])
        found = inventory.list(folder)
        assert (found.code, found.errors) == (0, "")
        own = set(found.groups["contraforce_incidents"]["hosts"])
        assert {host: found.hosts[host]["incident_id"] for host in own} == {
            custom_host_name(host, title): host.split(".")[1] for host, title in zip(usual, titles)
        }
        assert set(found.hosts) == {*own, "web1", "db1"}
        assert "ansible_connection" not in found.hosts["db1"]
        assert found.groups["web"]["hosts"] == ["web1"]
        played = player.play(playbook_for(player, "web:db1"), "-i", str(folder), "--list-hosts")
        assert sorted(re.findall(r"^      (\S+)$", played.output, re.MULTILINE)) == ["db1", "web1"], played.output


def playbook_for(player: Player, pattern: str) -> Path:
    """A play without tasks for the hosts of a pattern."""
    path = player.folder / "pattern.yml"
    path.write_text(yaml.safe_dump([{"name": "Test", "hosts": pattern, "gather_facts": False}]), encoding="utf-8")
    return path


def test_incidents_that_cannot_be_named_are_left_out_and_counted(inventory, sandbox):
    sandbox.reset(profile={"list_workspace": "hidden"})
    listed = inventory.list(inventory.write())
    assert listed.hosts == {}
    assert re.search(r"\b(\d+) of \1 incidents are left out, because the list does not show", listed.errors)


def test_a_title_is_never_a_template(player, inventory, sandbox):
    """Through ansible-inventory, from the cache, through plays, and as the controller hands hosts to a job."""
    made, kept = player.folder / "made", player.folder / "kept"
    title = TITLE.replace("PATH", str(made))
    shown = {"title": title, "severity": "Low", "status": "New"}
    times = dict.fromkeys(("createdAt", "updatedAt"), "2026-11-21T03:00:00Z")
    named = {"workspaceId": NORTHWIND, "source": "DefenderXDR", "id": "{{ 1 + 1 }}", "number": 9}
    sandbox.add_incidents({**named, **shown, **times})
    path = inventory.write(
        query="pipe",
        hostname="incident.title",
        compose={"comment": "'About ' ~ incident.title", "whole": "incident"},
        groups={"named": "'lookup' in incident.title"},
        keyed_groups=[{"key": "incident.title", "prefix": "t", "parent_group": "titles"}],
        cache=True,
        cache_plugin="ansible.builtin.jsonfile",
        cache_connection=str(kept),
    )
    first = inventory.list(path)
    count = asked(sandbox)
    exported = inventory.list(path, words=["--export"])
    assert asked(sandbox) == count
    for listed in (first, exported):
        (name,) = listed.hosts
        assert not re.search(r"[{}]", name)
        assert listed.hosts[name]["incident"]["title"] == title
        assert listed.hosts[name]["comment"] == f"About {title}"
        assert not [group for group in listed.groups if "{" in group]
    # The controller keeps what ansible-inventory lists, and a script hands it to the job.
    script = as_script(player.folder / "awx.py", exported.groups)
    all_of_it = "{{ inventory_hostname }} {{ group_names }} {{ whole }} {{ comment }} {{ incident_id }}"
    tasks = [{"ansible.builtin.debug": {"msg": all_of_it}}, {"ansible.builtin.debug": {"var": "incident"}}]
    plays = [
        {"name": "Show it", "hosts": "named", "gather_facts": False, "tasks": tasks},
        {"name": "Close it", "ansible.builtin.import_playbook": "secops.itsm.close_each_incident"},
    ]
    book = player.folder / "show.yml"
    book.write_text(yaml.safe_dump(plays), encoding="utf-8")
    given = {name: value for name, value in WHY.items() if name != "comment"}
    given["incident_hosts"] = "named"
    for source in (path, script):
        played = player.play(book, "-i", str(source), "-e", json.dumps(given))
        assert played.code == 0, played.output
        assert played.output.count("lookup('ansible.builtin.pipe'") >= 3
    (incident,) = [one for one in sandbox.state()["incidents"] if one["title"] == title]
    assert incident["status"] == "Closed"
    assert [comment["message"] for comment in incident["comments"]] == [f"About {title}"]
    reports = [path.read_text(encoding="utf-8") for path in (player.folder / "itsm-reports").iterdir()]
    assert reports
    assert all("lookup(" in text for text in reports)
    assert not made.exists()


def as_script(path: Path, groups: Mapping[str, Any]) -> Path:
    """An inventory as the controller gives it to a job: a script that prints it."""
    path.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(groups)!r})\n", encoding="utf-8")
    path.chmod(0o700)
    return path


def test_the_cache(player, inventory, sandbox):
    """It saves the requests, but is never that of another filter, of another file or of another account."""
    folder = player.folder / "kept"
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}
    path = inventory.write(**options)
    first = inventory.list(path)
    count = asked(sandbox)
    assert count > 1
    again = inventory.list(path)
    assert (again.groups, asked(sandbox)) == (first.groups, count)
    # What this plugin filters by itself needs no new list.
    inventory.write(**options, title_pattern="phishing")
    assert (list(inventory.list(path).hosts), asked(sandbox)) == ([PHISHING], count)
    inventory.write(**options, severities=["High"])
    high = inventory.list(path)
    assert 0 < len(high.hosts) < len(first.hosts)
    assert asked(sandbox) > count
    count = asked(sandbox)
    inventory.write(**options)
    assert inventory.list(path, environment={"CONTRAFORCE_CLIENT_ID": "somebody-else"}).hosts == {}
    assert asked(sandbox) > count
    count = asked(sandbox)
    for entry in folder.iterdir():
        entry.write_text("{ damaged", encoding="utf-8")
    assert inventory.list(path).hosts == first.hosts
    assert asked(sandbox) > count
    count = asked(sandbox)
    player.write([])
    assert player.play("playbook.yml", "-i", str(path), "--flush-cache", "--list-hosts").code == 0
    assert asked(sandbox) > count
    kept = [entry.name + entry.read_text(encoding="utf-8") for entry in folder.iterdir()]
    assert len(kept) == 2
    assert not [text for text in kept if sandbox.credentials["client_secret"] in text]


WRONG = {
    "none": ({"client_id": "", "client_secret": ""}, "No credentials are set"),
    "secret": ({"client_secret": "not-the-right-one"}, "HTTP 401"),
    "timeout": ({"timeout": "soon"}, "argument 'timeout' is of type"),
    "infinite": ({"timeout": float("inf")}, "argument 'timeout' is of type"),
    "headers": ({"headers": "not-a-json-secret"}, "argument 'headers' is of type"),
    "severity": ({"severities": ["Grave"]}, "value of severities must be one or more of"),
    "unknown": ({"severites": ["High"]}, "There is no option severites."),
    "source": ({"sources": ["Nowhere"]}, "sources must be of Sentinel"),
    "pattern": ({"title_pattern": "("}, "title_pattern is no regular expression"),
    "age": ({"older_than_hours": -1}, "older_than_hours must be a number of hours"),
    "template": ({"client_secret": "{{ nowhere_to_be_found }}"}, "The template of client_secret cannot be evaluated"),
    "prefix": (
        {"keyed_groups": [{"key": "incident.title", "separator": "", "prefix": ""}]},
        "The keyed_groups entry for incident.title needs a prefix and a separator",
    ),
    "separator": ({"keyed_groups": [{"key": "source", "prefix": "a", "separator": ""}]}, "entry for source needs a"),
    "parent": (
        {"keyed_groups": [{"key": "source", "prefix": "a", "parent_group": "{{ incident.title }}"}]},
        "The parent_group of the keyed_groups entry for source is a template",
    ),
    "strict": ({"strict": True, "compose": {"a": "incident.nothing.at_all"}}, "Could not set a for host"),
    "hostname": ({"strict": True, "hostname": "incident.nothing.at_all"}, "hostname cannot be evaluated for incident"),
}


def test_what_is_wrong_is_said_in_a_sentence_and_no_host_is_there(inventory, sandbox):
    """All of them at once, because each start of the command takes the longest; with all that Ansible can show."""
    options = {"retry_timeout": 0, "client_secret": sandbox.credentials["client_secret"]}
    paths = [inventory.write(name, **{**options, **given}) for name, (given, _words) in WRONG.items()]
    # With a source that is right, or Ansible would show no host of the others in any case.
    words = ["-vvvv", "-i", "elsewhere,"]
    listed = inventory.list(*paths, words=words, environment={"CONTRAFORCE_CLIENT_SECRET": ""})
    said = " ".join((listed.text + listed.errors).split())
    for _given, words in WRONG.values():
        assert words in said
    assert "Traceback" not in said
    for secret in ("not-the-right-one", "not-a-json-secret", sandbox.credentials["client_secret"]):
        assert secret not in said
    groups = json.loads(listed.text[re.search(r"^\{$", listed.text, re.MULTILINE).start() :])
    assert {host for group in groups.values() for host in group.get("hosts", ())} == {"elsewhere"}


def test_a_service_that_fails_fails_the_source_as_a_whole(inventory, sandbox):
    """On the second page; and where Ansible is told so, it ends there."""
    sandbox.set_faults({"operation": "v2-list-incidents-across-workspaces", "skip": 1, "times": -1, "status": 403})
    path = inventory.write()
    listed = inventory.list(path)
    assert (listed.code, listed.hosts) == (0, {})
    assert "The list of incidents could not be read. The account lacks a permission (HTTP 403" in listed.errors
    stopped = inventory.list(path, environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"})
    assert stopped.code != 0


@pytest.mark.parametrize("library", ["requests", "jsonschema"])
def test_a_missing_library_is_named(inventory, library):
    folder = inventory.player.folder / "without"
    folder.mkdir()
    (folder / f"{library}.py").write_text("raise ImportError\n", encoding="utf-8")
    listed = inventory.list(inventory.write(), environment={"PYTHONPATH": str(folder)})
    assert listed.hosts == {}
    assert re.search(rf"Failed to import the required Python library \({library}\)", listed.errors)


def test_ten_thousand_incidents(inventory, sandbox):
    sandbox.reset(crowd=10_000, profile={"page_size": 500})
    listed = inventory.list(inventory.write(query="of a crowd"))
    assert listed.errors == ""
    hosts = listed.groups["contraforce_incidents"]["hosts"]
    assert len(hosts) == len(set(hosts)) == 10_000 == len(listed.hosts)
    assert len({host["incident_id"] for host in listed.hosts.values()}) == 10_000


# --- the runbook ----------------------------------------------------------------------------------------------------


def close(player: Player, path: Path, *words: str, **variables: Any) -> Played:
    """Run the runbook; without its report, unless the variables say what becomes of it. None stands for no variable."""
    values = {"incident_hosts": "contraforce_incidents", **WHY, "report": "report_dir" in variables, **variables}
    given = {name: value for name, value in values.items() if value is not None}
    return player.play("secops.itsm.close_each_incident", "-i", str(path), "-e", json.dumps(given), *words)


def recap(played: Played) -> dict[str, tuple[int, int]]:
    """What was changed and what failed, by host."""
    found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)", played.output, re.MULTILINE)
    return {host: (int(changed), int(failed)) for host, changed, failed in found if host != "localhost"}


def test_rehearsed_run_and_again(player, inventory, sandbox):
    """Of a part of the hosts, by a pattern; one of them has a ticket, which is linked and closed with it."""
    ticket = "'T20261121.0042' if incident_id == '48213' else none"
    path = inventory.write(compose={"ticket_id": ticket, "comment": "'About ' ~ incident.title"})
    variables = {"incident_hosts": "severity_high:&source_defenderxdr", "classification_reason": "NotMalicious"}
    rehearsed = close(player, path, "--check", "--diff", **variables, comment=None)
    assert (rehearsed.code, sandbox.journal()["writes"]) == (0, 0), rehearsed.output
    assert rehearsed.summaries == ["Check mode: 2 incidents, 0 failed; 1 would be linked; 2 would be closed."]
    assert recap(rehearsed) == {PHISHING: (2, 0), SCRIPT: (1, 0)}
    done = close(player, path, **variables, comment=None)
    assert done.summaries == ["Done: 2 incidents, 0 failed; 1 linked; 2 closed."]
    assert recap(done) == recap(rehearsed)
    for host in (PHISHING, SCRIPT):
        incident = stored(sandbox, host)
        assert incident["status"] == "Closed"
        assert f"About {incident['title']}" in [comment["message"] for comment in incident["comments"]]
    (ticket_of_one,) = [one for one in sandbox.state()["tickets"] if one["id"] == 41877]
    assert ticket_of_one["state"] != "Open"
    writes = sandbox.journal()["writes"]
    # They are open no more, so another list has to have them.
    inventory.write(statuses=["Closed"], compose={"ticket_id": ticket})
    again = close(player, path, **variables)
    assert (again.code, sandbox.journal()["writes"]) == (0, writes), again.output
    assert again.summaries[0].startswith("Done: 2 incidents, 0 failed; 1 linked already; 2 closed already")
    assert set(recap(again).values()) == {(0, 0)}


@pytest.mark.parametrize("option, words", [("--tags", "--tags cloze"), ("--skip-tags", "--skip-tags close")])
def test_tags_that_leave_no_step_are_refused(player, inventory, sandbox, option, words):
    played = close(player, inventory.write(sources=["Splunk"]), option, words.split()[1])
    assert played.code == 2
    assert f"No step was run, because of {words}. The tags of close_each_incident are close." in played.words
    assert sandbox.journal()["writes"] == 0


def test_a_failure_stays_with_its_host(player, inventory, sandbox):
    """One is refused, one lacks what it needs. The others are closed, three hosts at a time, and the report has all."""
    sandbox.set_faults({"operation": "v2-update-incident-status", "times": 1, "status": 403})
    comment = "'' if source == 'SentinelOne' else 'Why.'"
    path = inventory.write(sources=["Splunk", "QRadar", "SentinelOne"], compose={"comment": comment})
    played = close(player, path, "--forks", "1", comment=None, incident_batch=3, report_dir="kept")
    assert played.code == 2
    outcomes = recap(played)
    assert sorted(outcomes.values()) == [(0, 1), (0, 1), (1, 0), (1, 0), (1, 0)], played.output
    lacking, refused = (host for host in sorted(outcomes, reverse=True) if outcomes[host] == (0, 1))
    if lacking.startswith("splunk."):
        lacking, refused = refused, lacking
    assert lacking.startswith("sentinelone.")
    assert played.summaries[-1] == "Failed: 2 of 5 incidents failed; 3 closed."
    texts = [path.read_text(encoding="utf-8") for path in (player.folder / "kept").glob("*.md")]
    assert len(texts) == 1, "each batch writes the report anew"
    assert "HTTP 403" in texts[0]
    assert "comment is missing for incident 1 of 1" in texts[0]
    assert stored(sandbox, lacking)["comments"] == []
    limited = close(player, path, "--limit", refused)
    assert recap(limited) == {refused: (1, 0)}


def test_every_host_may_fail_and_there_is_a_report(player, inventory, sandbox):
    played = close(player, inventory.write(sources=["Splunk"]), comment="")
    assert (played.code, sandbox.journal()["writes"]) == (2, 0)
    assert played.summaries == ["Failed: 2 of 2 incidents failed."]
    assert set(recap(played).values()) == {(0, 1)}


def test_nothing_to_do_is_no_failure_but_an_inventory_that_failed_is(player, inventory, sandbox):
    """An empty list; then a pattern that matches nothing; then a list that could not be read, whatever the cause."""
    empty = inventory.write(query="there is nothing like it")
    nothing = close(player, empty)
    assert (nothing.code, "no incident matches contraforce_incidents." in nothing.output) == (0, True), nothing.output
    nowhere = close(player, inventory.write(), incident_hosts="source_nowhere")
    assert (nowhere.code, "no incident matches source_nowhere." in nowhere.output) == (0, True), nowhere.output
    words = "there is no group 'contraforce_incidents': the inventory of the incidents could not be read"
    for options in ({"client_secret": "revoked"}, {"strict": True, "compose": {"a": "incident.nothing.at_all"}}):
        failed = close(player, inventory.write(**options))
        assert failed.code == 2
        assert words in failed.words
    assert sandbox.journal()["writes"] == 0


def test_what_would_close_too_much_is_refused_before_any_write(player, inventory, sandbox):
    """A wrong pattern, more hosts than allowed, a near miss of a host; also where --limit skips localhost."""
    path = inventory.write(compose={"coment": "'Why.'"}, statuses=["New"])
    for variables, words, hint in (
        ({"incident_hosts": None, "incident_host": "severity_low"}, (), "Did you mean incident_hosts?"),
        ({"incident_hosts": None}, ("--limit", "source_sentinel"), "incident_hosts is missing."),
        ({"max_incidents": 3}, (), "incidents match, and max_incidents allows 3."),
        ({"max_incidents": "1", "incident_batch": 1}, ("--limit", "source_sentinel"), "max_incidents allows 1."),
        ({}, ("--limit", "source_sentinel"), "coment, set by the inventory or the playbook, is not a variable"),
    ):
        given = {"itsm_ignored_variables": ["coment"], **variables} if variables else {}
        played = close(player, path, *words, **given)
        assert (played.code, hint in played.words) == (2, True), played.output
    assert sandbox.journal()["writes"] == 0


def test_the_report_does_not_rest_on_the_first_host(player, inventory, sandbox):
    """Whose variables cannot be evaluated."""
    path = inventory.write(sources=["Splunk", "SentinelOne"])
    first = next(iter(inventory.list(path).groups["contraforce_incidents"]["hosts"]))
    folder = player.folder / "host_vars"
    folder.mkdir()
    (folder / f"{first}.yml").write_text("reference: '{{ 1 / 0 }}'\n", encoding="utf-8")
    played = close(player, path, report_dir="kept")
    assert played.code == 2
    assert recap(played).pop(first) == (0, 1), played.output
    assert played.summaries == ["Done: 2 incidents, 0 failed; 2 closed."]
    assert len(list((player.folder / "kept").iterdir())) == 2


def slices(listed: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Inventories as the controller makes them of one: every n-th of the hosts in the order of their names."""
    names = sorted(listed["_meta"]["hostvars"])
    made = []
    for first in range(count):
        own = set(names[first::count])
        groups = {
            name: {**group, "hosts": [host for host in group["hosts"] if host in own]} if "hosts" in group else group
            for name, group in listed.items()
            if name != "_meta"
        }
        kept = {host: facts for host, facts in listed["_meta"]["hostvars"].items() if host in own}
        made.append({**groups, "_meta": {"hostvars": kept}})
    return made


def test_slices_of_a_job_cover_all_and_none_twice(tmp_path, inventory, sandbox):
    """Two slices as the controller makes them, and a job with a limit for what they leave, all at the same time."""
    sandbox.reset(crowd=12, profile={"page_size": 50})
    listed = inventory.list(inventory.write(query="of a crowd"), words=["--export"]).groups
    names = sorted(listed["_meta"]["hostvars"])
    assert len(names) == 12
    named = {"url": sandbox.url, **{name: sandbox.credentials[name] for name in ("client_id", "client_secret")}}
    parts = slices(listed, 3)
    scripts = [as_script(tmp_path / f"slice{number}.py", part) for number, part in enumerate(parts[:2])]
    limit = ":".join(names[2::3])
    words = [["-i", str(script)] for script in scripts]
    words.append(["-i", str(as_script(tmp_path / "whole.py", listed)), "--limit", f"'{limit}'"])
    configured()
    answers = {**WHY, "incident_hosts": "contraforce_incidents"}
    with ThreadPoolExecutor(len(words)) as nodes:
        running = [
            nodes.submit(run_job, tmp_path / f"job{number}", TEMPLATE, answers, {"ContraForce": named}, *more)
            for number, more in enumerate(words)
        ]
    jobs = [one.result() for one in running]
    closed = []
    for job in jobs:
        assert job.status == "successful", job.output
        assert job.artifacts["itsm_report"]["counts"]["changed"] == 4
        assert sandbox.credentials["client_secret"] not in job.shown
        (end,) = [event for event in job.events if event["event"] == "playbook_on_stats"]
        closed += end["event_data"]["changed"]
    assert sorted(closed) == names
    crowd = [one for one in sandbox.state()["incidents"] if one["title"].endswith("of a crowd")]
    assert {one["status"] for one in crowd} == {"Closed"}
    assert {len(one["comments"]) for one in crowd} == {1}


# --- the guides -----------------------------------------------------------------------------------------------------


def shown_files(folder: Path, page: str) -> dict[str, Any]:
    """Writes the files that a page shows by their names, and gives what they hold."""
    captioned = re.findall(
        r"^\.\. code-block:: yaml\n   :caption: (\S+)\n\n((?:(?:   .*)?\n)+)", PAGES[page], re.MULTILINE
    )
    for name, text in captioned:
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return {name: yaml.safe_load(textwrap.dedent(text)) for name, text in captioned}


def test_the_guide(player, inventory, sandbox):
    """Its inventories, what it shows of one, its pattern, and its playbook, rehearsed, run, and run again."""
    files = shown_files(player.folder, "inventory")
    (graph, play) = [command.split()[1:] for command in blocks(PAGES["inventory"], "shell")]
    drawn = inventory.run(*graph)
    assert drawn.text.strip() == blocks(PAGES["inventory"], "text")[0]
    assert drawn.errors == ""
    noise = inventory.list(player.folder / "noise.contraforce_incidents.yml")
    assert noise.errors == ""
    phishing, sign_in = custom_host_name(PHISHING, "DefenderXDR-48213"), custom_host_name(SIGN_IN, "Sentinel-3107")
    (dumping,) = re.findall(r"``(Sentinel-2871\.[0-9a-f]{12})``", PAGES["inventory"])
    assert noise.groups["is_High"]["hosts"] == [phishing, dumping]
    assert sign_in in noise.groups["nobody_has_it"]["hosts"]
    assert noise.hosts[sign_in]["comment"].startswith("Known noise. The title was: Sign-in")
    assert (player.folder / ".incidents").is_dir()
    assert len(files) == 3
    rehearsed = player.play(*play, "--check")
    assert (rehearsed.code, sandbox.journal()["writes"]) == (0, 0), rehearsed.output
    done, again = player.play(*play), player.play(*play)
    assert [sorted(recap(played).values()) for played in (rehearsed, done, again)] == [
        [(0, 0), (1, 0)],
        [(0, 0), (1, 0)],
        [(0, 0), (0, 0)],
    ]


def test_the_page_of_the_runbook(player, inventory, sandbox):
    files = shown_files(player.folder, "runbook_close_each_incident")
    page = PAGES["runbook_close_each_incident"]
    rehearse, run = [command.split()[1:] for command in "\n".join(blocks(page, "shell")).splitlines()]
    rehearsed = player.play(*rehearse)
    assert sandbox.journal()["writes"] == 0
    done, again = player.play(*run), player.play(*run)
    assert [played.code for played in (rehearsed, done, again)] == [0, 0, 0], again.output
    lines = blocks(page, "text")[0].splitlines()
    assert [*rehearsed.summaries, *done.summaries] == lines[:2]
    assert f'"msg": "{lines[2]}"' in again.output
    # The part of a file that it shows besides.
    (further,) = [block for block in shown("runbook_close_each_incident") if "compose" in block]
    composed = inventory.list(inventory.write(**{**files["open.contraforce_incidents.yml"], **further})).hosts
    assert composed[PHISHING]["ticket_id"] == "T20261121.0042"
    assert not any(host["ticket_id"] for name, host in composed.items() if name != PHISHING)
