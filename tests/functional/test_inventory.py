# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the inventory plugin, and the runbook that closes each host of it, alone and in slices of a job."""

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
SIGN_IN, PHISHING = "sentinel-6b1f0d7e", "defenderxdr-48213-3f2b8c1e"
SCRIPT, CLOSED = "defenderxdr-50211-6e7f8091", "sentinel-c4a7e0b2"
#: The full names, from which the suffixes of custom names are derived.
FULL_SIGN_IN = f"sentinel.6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61.{NORTHWIND}"
FULL_PHISHING = f"defenderxdr.48213.{NORTHWIND}"
WHY = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "By a test."}
TEMPLATE = "Close the open incidents, each by itself"

#: A title that would run a program if it were evaluated as a template.
TITLE = "{{ lookup('ansible.builtin.pipe', 'touch PATH') }}"


@dataclass
class Listed:
    """The output of ansible-inventory."""

    code: int
    text: str
    errors: str

    @property
    def groups(self) -> dict[str, Any]:
        """Return the groups by name."""
        return dict(json.loads(self.text))

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the variables of the hosts by name, without the marks of unsafe values."""
        return dict(plain(self.groups["_meta"]["hostvars"]))


def plain(value: Any) -> Any:
    """Return a value without the marks of unsafe values."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return value["__ansible_unsafe"] if list(value) == ["__ansible_unsafe"] else {k: plain(v) for k, v in value.items()}


class Inventory:
    """Write inventory files, and list their hosts."""

    def __init__(self, player: Player) -> None:
        self.player = player
        # AWX sets the variables of empty fields to empty texts.
        self.blank = {option.env: "" for option in CONTRAFORCE_OPTIONS.values() if option.env not in player.environment}

    def write(self, name: str = "open", **options: Any) -> Path:
        """Write a file for the plugin, and return its path."""
        path = self.player.folder / f"{name}.contraforce_incidents.yml"
        content = {"plugin": InventoryModule.NAME, **options}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def run(self, *words: str | Path, environment: Mapping[str, str] | None = None) -> Listed:
        """Return the output of ansible-inventory."""
        command = [str(PLAYBOOK_COMMAND.with_name("ansible-inventory")), *map(str, words)]
        variables = {**self.player.environment, **self.blank, **(environment or {})}
        done = subprocess.run(
            command, cwd=self.player.folder, env=variables, capture_output=True, text=True, timeout=300, check=False
        )
        return Listed(done.returncode, done.stdout, " ".join(done.stderr.split()))

    def list(self, *paths: Path, **kwargs: Any) -> Listed:
        """Return the hosts of inventory files."""
        sources = [word for path in paths for word in ("-i", path)]
        return self.run(*sources, "--list", *kwargs.pop("words", ()), **kwargs)


@pytest.fixture
def inventory(player):
    """Return a writer of inventories."""
    return Inventory(player)


def stored(sandbox, host: str) -> dict[str, Any]:
    """Return the incident of a host as the sandbox stores it."""
    identifier = host.split("-")[1]
    return next(entry for entry in sandbox.state()["incidents"] if entry["id"].startswith(identifier))


def request_count(sandbox) -> int:
    """Return the number of requests."""
    return len(sandbox.journal()["entries"])


def write_count(sandbox) -> int:
    """Return the number of write requests."""
    return int(sandbox.journal()["writes"])


# --- the plugin -----------------------------------------------------------------------------------------------------


def test_open_incidents_are_hosts(inventory):
    listed = inventory.list(inventory.write())
    assert (listed.code, listed.errors) == (0, "")
    groups, hosts = listed.groups, listed.hosts
    assert SIGN_IN in hosts
    assert CLOSED not in hosts
    assert {host["incident"]["status"] for host in hosts.values()} == {"New", "Active"}
    one = hosts[PHISHING]
    # Their values are tested in test_incident_hosts.py.
    of_incident = {"workspace_id", "source", "incident_id", "incident_number", "incident"}
    assert set(one) == {*of_incident, "ansible_connection", "ansible_become", "ansible_python_interpreter"}
    assert one["incident"]["title"] == "Credential phishing message delivered to three mailboxes"
    members = {name: set(group.get("hosts", ())) for name, group in groups.items()}
    assert members["contraforce_incidents"] == set(hosts)
    for kind in ("source", "severity", "status", "workspace"):
        of_kind = [found for name, found in members.items() if name.startswith(f"{kind}_")]
        assert set().union(*of_kind) == set(hosts), kind
        assert sum(map(len, of_kind)) == len(hosts), kind
    assert PHISHING in members["source_defenderxdr"] & members["severity_high"] & members["status_active"]
    assert not [name for name in groups if not re.fullmatch(r"[a-z_][a-z0-9_]*", name)]


def test_options_filter_name_and_group_the_hosts(inventory, sandbox):
    """Options of the connection and the list are templates, one of them with an extra variable."""
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
    phishing = custom_host_name(FULL_PHISHING, "DefenderXDR-48213")
    sign_in = custom_host_name(FULL_SIGN_IN, "Sentinel-3107")
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


def test_host_keeps_its_default_name_without_hostname(inventory):
    """An expression fails, and a template is empty for some incidents."""
    fails = inventory.write("a", sources=["Sentinel"], hostname="incident.nothing.at_all")
    some = "{% if source == 'DefenderXDR' %}{{ incident_id }}:x{% endif %}"
    template = inventory.write("b", severities=["High"], hostname=some)
    listed = inventory.list(fails, template)
    assert listed.errors == ""
    names = [name for name in listed.hosts if not name.startswith("sentinel-")]
    assert sorted(re.split("[.-]", name)[0] for name in names) == ["48213%3Ax", "50211%3Ax", "crowdstrike"]
    assert SIGN_IN in listed.hosts


def added(sandbox, *titles: str) -> list[str]:
    """Add incidents of another source with these titles, and return the full names of their hosts."""
    times = dict.fromkeys(("createdAt", "updatedAt"), "2026-11-21T03:00:00Z")
    shown = {"workspaceId": NORTHWIND, "source": "QRadar", "severity": "Low", "status": "New", **times}
    named = ({"id": f"new{n}", "number": n, "title": title} for n, title in enumerate(titles))
    sandbox.add_incidents(*({**shown, **each} for each in named))
    return [f"qradar.new{n}.{NORTHWIND}" for n in range(len(titles))]


def test_titles_cannot_be_hosts_or_groups_of_other_sources(player, inventory, sandbox):
    """The other inventory in the directory is parsed before or after those of two files of the plugin."""
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
    """Write a play without tasks for the hosts of a pattern, and return its path."""
    path = player.folder / "pattern.yml"
    path.write_text(yaml.safe_dump([{"name": "Test", "hosts": pattern, "gather_facts": False}]), encoding="utf-8")
    return path


def test_incidents_without_an_identity_are_skipped(inventory, sandbox):
    sandbox.reset(profile={"list_workspace": "hidden"})
    listed = inventory.list(inventory.write())
    assert listed.hosts == {}
    assert re.search(r"\b(\d+) of \1 incidents were skipped, because the list does not show", listed.errors)


def test_title_is_never_evaluated_as_a_template(player, inventory, sandbox):
    """The inventory is listed, read from the cache, exported as a controller does, and used in plays."""
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
    count = request_count(sandbox)
    exported = inventory.list(path, words=["--export"])
    assert request_count(sandbox) == count
    for listed in (first, exported):
        (name,) = listed.hosts
        assert not re.search(r"[{}]", name)
        assert listed.hosts[name]["incident"]["title"] == title
        assert listed.hosts[name]["comment"] == f"About {title}"
        assert not [group for group in listed.groups if "{" in group]
    # A controller stores the output of ansible-inventory, and passes it to the job with a script.
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
    """Write an inventory as a script that prints it, as a controller passes it to a job, and return its path."""
    path.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(groups)!r})\n", encoding="utf-8")
    path.chmod(0o700)
    return path


def test_cache_is_specific_to_filters_and_account(player, inventory, sandbox):
    folder = player.folder / "kept"
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}
    path = inventory.write(**options)
    first = inventory.list(path)
    count = request_count(sandbox)
    assert count > 1
    again = inventory.list(path)
    assert (again.groups, request_count(sandbox)) == (first.groups, count)
    # The plugin's own filters need no new list.
    inventory.write(**options, title_pattern="phishing")
    assert (list(inventory.list(path).hosts), request_count(sandbox)) == ([PHISHING], count)
    inventory.write(**options, severities=["High"])
    high = inventory.list(path)
    assert 0 < len(high.hosts) < len(first.hosts)
    assert request_count(sandbox) > count
    count = request_count(sandbox)
    inventory.write(**options)
    assert inventory.list(path, environment={"CONTRAFORCE_CLIENT_ID": "other-account"}).hosts == {}
    assert request_count(sandbox) > count
    count = request_count(sandbox)
    for entry in folder.iterdir():
        entry.write_text("{ damaged", encoding="utf-8")
    assert inventory.list(path).hosts == first.hosts
    assert request_count(sandbox) > count
    count = request_count(sandbox)
    player.write([])
    assert player.play("playbook.yml", "-i", str(path), "--flush-cache", "--list-hosts").code == 0
    assert request_count(sandbox) > count
    kept = [entry.name + entry.read_text(encoding="utf-8") for entry in folder.iterdir()]
    assert len(kept) == 2
    assert not [text for text in kept if sandbox.credentials["client_secret"] in text]


INVALID = {
    "none": ({"client_id": "", "client_secret": ""}, "No credentials are set"),
    "secret": ({"client_secret": "not-the-right-one"}, "HTTP 401"),
    "timeout": ({"timeout": "soon"}, "argument 'timeout' is of type"),
    "infinite": ({"timeout": float("inf")}, "argument 'timeout' is of type"),
    "headers": ({"headers": "not-a-json-secret"}, "argument 'headers' is of type"),
    "severity": ({"severities": ["Grave"]}, "value of severities must be one or more of"),
    "unknown": ({"severites": ["High"]}, "Unknown option: severites."),
    "source": ({"sources": ["Nowhere"]}, "sources must contain only Sentinel"),
    "pattern": ({"title_pattern": "("}, "title_pattern is not a valid regular expression"),
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


def test_invalid_file_is_reported_and_provides_no_host(inventory, sandbox):
    """All files are listed by one command, because starting it takes the longest."""
    options = {"retry_timeout": 0, "client_secret": sandbox.credentials["client_secret"]}
    paths = [inventory.write(name, **{**options, **given}) for name, (given, _words) in INVALID.items()]
    # With a valid source, because Ansible lists no hosts if all sources fail.
    words = ["-vvvv", "-i", "elsewhere,"]
    listed = inventory.list(*paths, words=words, environment={"CONTRAFORCE_CLIENT_SECRET": ""})
    output = " ".join((listed.text + listed.errors).split())
    assert [words for _given, words in INVALID.values() if words not in output] == []
    for absent in ("Traceback", "not-the-right-one", "not-a-json-secret", sandbox.credentials["client_secret"]):
        assert absent not in output
    groups = json.loads(listed.text[re.search(r"^\{$", listed.text, re.MULTILINE).start() :])
    assert {host for group in groups.values() for host in group.get("hosts", ())} == {"elsewhere"}


def test_incomplete_list_provides_no_host(inventory, sandbox):
    sandbox.set_faults({"operation": "v2-list-incidents-across-workspaces", "skip": 1, "times": -1, "status": 403})
    path = inventory.write()
    listed = inventory.list(path)
    assert (listed.code, listed.hosts) == (0, {})
    assert "The list of incidents could not be read. The account lacks a permission (HTTP 403" in listed.errors
    stopped = inventory.list(path, environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"})
    assert stopped.code != 0


def test_missing_library_is_reported(inventory):
    folder = inventory.player.folder / "without"
    folder.mkdir()
    (folder / "jsonschema.py").write_text("raise ImportError\n", encoding="utf-8")
    listed = inventory.list(inventory.write(), environment={"PYTHONPATH": str(folder)})
    assert listed.hosts == {}
    assert "Failed to import the required Python library (jsonschema)" in listed.errors


def test_all_incidents_of_a_long_list_are_hosts(player, inventory, sandbox):
    """Twenty pages. Their variables are not printed, because that takes most of the time."""
    sandbox.reset(crowd=2_000, profile={"page_size": 100})
    path = inventory.write(query="of a crowd")
    played = player.play(playbook_for(player, "contraforce_incidents"), "-i", str(path), "--list-hosts")
    hosts = re.findall(r"^      (\S+)$", played.output, re.MULTILINE)
    assert (played.code, len(hosts), len(set(hosts))) == (0, 2_000, 2_000)


# --- the runbook ----------------------------------------------------------------------------------------------------


def close(player: Player, path: Path, *words: str, **variables: Any) -> Played:
    """Run the runbook, with a report only if ``report_dir`` is set. Variables that are None are not set."""
    values = {"incident_hosts": "contraforce_incidents", **WHY, "report": "report_dir" in variables, **variables}
    given = {name: value for name, value in values.items() if value is not None}
    return player.play("secops.itsm.close_each_incident", "-i", str(path), "-e", json.dumps(given), *words)


def recap(played: Played) -> dict[str, tuple[int, int]]:
    """Return the numbers of changed and of failed tasks by host."""
    found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)", played.output, re.MULTILINE)
    return {host: (int(changed), int(failed)) for host, changed, failed in found if host != "localhost"}


def test_runbook_is_checked_run_and_run_again(player, inventory, sandbox):
    """Two hosts match a pattern. One of them has a ticket, which is linked and closed."""
    ticket = "'T20261121.0042' if incident_id == '48213' else none"
    path = inventory.write(compose={"ticket_id": ticket, "comment": "'About ' ~ incident.title"})
    variables = {"incident_hosts": "severity_high:&source_defenderxdr", "classification_reason": "NotMalicious"}
    checked = close(player, path, "--check", "--diff", **variables, comment=None)
    assert (checked.code, write_count(sandbox)) == (0, 0), checked.output
    assert checked.summaries == ["Check mode: 2 incidents, 0 failed; 1 would be linked; 2 would be closed."]
    assert recap(checked) == {PHISHING: (2, 0), SCRIPT: (1, 0)}
    done = close(player, path, **variables, comment=None)
    assert done.summaries == ["Done: 2 incidents, 0 failed; 1 linked; 2 closed."]
    assert recap(done) == recap(checked)
    for host in (PHISHING, SCRIPT):
        incident = stored(sandbox, host)
        assert incident["status"] == "Closed"
        assert f"About {incident['title']}" in [comment["message"] for comment in incident["comments"]]
    (closed_ticket,) = [one for one in sandbox.state()["tickets"] if one["id"] == 41877]
    assert closed_ticket["state"] != "Open"
    writes = write_count(sandbox)
    inventory.write(statuses=["Closed"], compose={"ticket_id": ticket})
    again = close(player, path, **variables)
    assert (again.code, write_count(sandbox)) == (0, writes), again.output
    assert again.summaries[0].startswith("Done: 2 incidents, 0 failed; 1 linked already; 2 closed already")
    assert set(recap(again).values()) == {(0, 0)}


@pytest.mark.parametrize("option, words", [("--tags", "--tags cloze"), ("--skip-tags", "--skip-tags close")])
def test_tags_that_leave_no_step_are_refused(player, inventory, sandbox, option, words):
    played = close(player, inventory.write(sources=["Splunk"]), option, words.split()[1])
    assert played.code == 2
    assert f"No step was run, because of {words}. The tags of close_each_incident are close." in played.words
    assert write_count(sandbox) == 0


def test_failure_does_not_affect_other_hosts(player, inventory, sandbox):
    """One write is refused, and one host has no comment. The batches of three hosts have one report."""
    sandbox.set_faults({"operation": "v2-update-incident-status", "times": 1, "status": 403})
    comment = "'' if source == 'SentinelOne' else 'Why.'"
    path = inventory.write(sources=["Splunk", "QRadar", "SentinelOne"], compose={"comment": comment})
    played = close(player, path, "--forks", "1", comment=None, incident_batch=3, report_dir="kept")
    assert played.code == 2
    outcomes = recap(played)
    assert sorted(outcomes.values()) == [(0, 1), (0, 1), (1, 0), (1, 0), (1, 0)], played.output
    lacking, refused = (host for host in sorted(outcomes, reverse=True) if outcomes[host] == (0, 1))
    if lacking.startswith("splunk-"):
        lacking, refused = refused, lacking
    assert lacking.startswith("sentinelone-")
    assert played.summaries[-1] == "Failed: 2 of 5 incidents failed; 3 closed."
    texts = [path.read_text(encoding="utf-8") for path in (player.folder / "kept").glob("*.md")]
    assert len(texts) == 1, "each batch replaces the report"
    assert "HTTP 403" in texts[0]
    assert "comment is missing for incident 1 of 1" in texts[0]
    assert stored(sandbox, lacking)["comments"] == []
    limited = close(player, path, "--limit", refused)
    assert recap(limited) == {refused: (1, 0)}


def test_run_in_which_every_host_fails_has_a_report(player, inventory, sandbox):
    played = close(player, inventory.write(sources=["Splunk"]), comment="")
    assert (played.code, write_count(sandbox)) == (2, 0)
    assert played.summaries == ["Failed: 2 of 2 incidents failed."]
    assert set(recap(played).values()) == {(0, 1)}


def test_run_without_hosts_succeeds_unless_inventory_failed(player, inventory, sandbox):
    empty = inventory.write(query="there is nothing like it")
    nothing = close(player, empty)
    assert (nothing.code, "no incident matches contraforce_incidents." in nothing.output) == (0, True), nothing.output
    nowhere = close(player, inventory.write(), incident_hosts="source_nowhere")
    assert (nowhere.code, "no incident matches source_nowhere." in nowhere.output) == (0, True), nowhere.output
    words = "the inventory of incidents (group 'contraforce_incidents') could not be read or was not given"
    for options in ({"client_secret": "revoked"}, {"strict": True, "compose": {"a": "incident.nothing.at_all"}}):
        failed = close(player, inventory.write(**options))
        assert failed.code == 2
        assert words in failed.words
    assert write_count(sandbox) == 0


def test_invalid_selection_is_refused_before_any_write(player, inventory, sandbox):
    """A misspelled or missing pattern, too many hosts, or a misspelled host variable, also without localhost."""
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
    assert write_count(sandbox) == 0


def test_report_is_written_if_the_first_host_fails(player, inventory, sandbox):
    """A variable of the first host cannot be evaluated."""
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
    """Return the inventories of a controller's slices: every n-th host in the order of their names."""
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


def test_slices_of_a_job_close_every_incident_once(tmp_path, inventory, sandbox):
    """Two of three slices, and a job with a limit for the third, run at the same time."""
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
    """Write the files that a page shows with their names, and return their content."""
    captioned = re.findall(
        r"^\.\. code-block:: yaml\n   :caption: (\S+)\n\n((?:(?:   .*)?\n)+)", PAGES[page], re.MULTILINE
    )
    for name, text in captioned:
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return {name: yaml.safe_load(textwrap.dedent(text)) for name, text in captioned}


def test_guide_works_as_shown(player, inventory, sandbox):
    """Its inventories, their graph, and its playbook, which is checked, run and run again."""
    files = shown_files(player.folder, "inventory")
    (graph, play) = [command.split()[1:] for command in blocks(PAGES["inventory"], "shell")]
    drawn = inventory.run(*graph)
    assert drawn.text.strip() == blocks(PAGES["inventory"], "text")[0]
    assert drawn.errors == ""
    noise = inventory.list(player.folder / "noise.contraforce_incidents.yml")
    assert noise.errors == ""
    phishing = custom_host_name(FULL_PHISHING, "DefenderXDR-48213")
    sign_in = custom_host_name(FULL_SIGN_IN, "Sentinel-3107")
    (dumping,) = re.findall(r"``(Sentinel-2871\.[0-9a-f]{12})``", PAGES["inventory"])
    assert noise.groups["is_High"]["hosts"] == [phishing, dumping]
    assert sign_in in noise.groups["nobody_has_it"]["hosts"]
    assert noise.hosts[sign_in]["comment"].startswith("Known noise. The title was: Sign-in")
    assert (player.folder / ".incidents").is_dir()
    assert len(files) == 3
    checked = player.play(*play, "--check")
    assert (checked.code, write_count(sandbox)) == (0, 0), checked.output
    done, again = player.play(*play), player.play(*play)
    assert [sorted(recap(played).values()) for played in (checked, done, again)] == [
        [(0, 0), (1, 0)],
        [(0, 0), (1, 0)],
        [(0, 0), (0, 0)],
    ]


def test_page_of_the_runbook_works_as_shown(player, inventory, sandbox):
    files = shown_files(player.folder, "runbook_close_each_incident")
    page = PAGES["runbook_close_each_incident"]
    check, run = [command.split()[1:] for command in "\n".join(blocks(page, "shell")).splitlines()]
    checked = player.play(*check)
    assert write_count(sandbox) == 0
    done, again = player.play(*run), player.play(*run)
    assert [played.code for played in (checked, done, again)] == [0, 0, 0], again.output
    lines = blocks(page, "text")[0].splitlines()
    assert [*checked.summaries, *done.summaries] == lines[:2]
    assert f'"msg": "{lines[2]}"' in again.output
    # The page also shows a part of a file.
    (further,) = [block for block in shown("runbook_close_each_incident") if "compose" in block]
    composed = inventory.list(inventory.write(**{**files["open.contraforce_incidents.yml"], **further})).hosts
    assert composed[PHISHING]["ticket_id"] == "T20261121.0042"
    assert not any(host["ticket_id"] for name, host in composed.items() if name != PHISHING)
