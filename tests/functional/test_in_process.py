# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that runs inside the controller's process is, to its user, the same as an ordinary run of its module."""

from __future__ import annotations

import base64
import datetime
import json
import re
import shutil
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.secops.itsm.tests.functional.conftest import (
    AS_MODULES,
    Case,
    Played,
    Player,
    bulk_incident_entries,
)
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

STATUS = "secops.itsm.contraforce_incident_status"
TICKET = "secops.itsm.ticketing_ticket"
XDR = {"workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "source": "DefenderXDR", "incident_id": "48213"}
PHISHING = {"status": "Closed", "classification": "TruePositive", "classification_reason": "Phishing"}
SENTINEL = {"status": "Closed", "classification": "FalsePositive", "classification_reason": "InaccurateData"}
VAULT_PASSWORD = "a password of the vault"  # of nothing but these tests


class Vaulted(str):
    """A text that the playbook holds encrypted."""

    __slots__ = ()


def _encrypted(dumper: yaml.SafeDumper, text: Vaulted) -> yaml.Node:
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return dumper.represent_scalar("!vault", vault.encrypt(str(text)).decode(), style="|")


yaml.SafeDumper.add_representer(Vaulted, _encrypted)


def task(keywords: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """A task that closes an incident, with further keywords; an argument of None is left out."""
    given = {**XDR, **PHISHING, **arguments}
    return {STATUS: {name: value for name, value in given.items() if value is not None}, **(keywords or {})}


def listed(*incidents: Any, **arguments: Any) -> dict[str, Any]:
    """A task about a list."""
    return task(workspace_id=None, source=None, incident_id=None, incidents=list(incidents), **arguments)


def ticket(**arguments: Any) -> dict[str, Any]:
    """A task that opens a ticket."""
    fields = {"Incident Reference": "SEN-7c2a1e8f", "Urgency": "High"}
    wanted = {"team_id": "soc", "item_type": "Security Incident", "offer": "Report a security incident"}
    return {TICKET: {**wanted, "summary": "Credential dumping on SRV-DC02", "fields": fields, **arguments}}


TWO = bulk_incident_entries(2)
UNKNOWN = {**TWO[0], "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"}
SHORT_NAME = {"contraforce_incident_status": {**XDR, **PHISHING}, "collections": ["secops.itsm"]}
GROUP = "group/secops.itsm.contraforce"
OVERLOADED = {"operation": "v2-get-incident", "status": 503}

#: Names of tasks and the tasks, which are done both ways.
ENDS: dict[str, dict[str, Any]] = {
    "success": task(comment="Größe «ü» ✓ 日本語 😀"),
    "ok": task(status="Active", classification=None, classification_reason=None),
    "check mode": task({"check_mode": True}, comment="Not posted."),
    "difference": task({"diff": True}, comment="Shown."),
    "difference in check mode": task({"diff": True, "check_mode": True}),
    "no read-back": task(verify_timeout=0),
    "warning": task(status="New", update_ticket=True, ticket_id="T20261121.0042"),
    "two warnings": task(status="New", classification="NonIssue", update_ticket=True, ticket_id="T20261121.0042"),
    "not found": task(incident_id="nobody-knows-it"),
    "wrong credentials": task(client_id="somebody-else"),
    "no connection can be made of it": task(url="portal.example"),
    "read": {"secops.itsm.contraforce_incident_info": XDR},
    "catalog": {"secops.itsm.ticketing_catalog_info": {"search": "Report"}},
    "ticket": ticket(),
    "ticket with a date and numbers": ticket(
        fields={
            "Incident Reference": 4711,
            "Urgency": "High",
            "Affected Hosts": "{{ 1 + 1 }}",
            "Due Date": datetime.date(2026, 11, 30),
            "Contained": True,
            "Tactics": ["Impact"],
        }
    ),
    "ticket with an unknown field": ticket(fields={"Nonsense": 1}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "missing": task(status=None),
    "empty": task(comment="", ticket_id=""),
    "null": {STATUS: {**XDR, **PHISHING, "comment": None, "headers": None}},
    "wrong type": task(verify_timeout="soon"),
    "wrong truth value": task(update_ticket="perhaps"),
    "wrong choice": task(status="Opened"),
    "wrong dict": task(headers="no header"),
    "unsupported": task(nonsense=1),
    "unsupported and missing": task(nonsense=1, status=None),
    "exclusive": task(incidents=TWO),
    "neither": task(incident_id=None),
    "required by another": task(source=None),
    "check of our own": task(verify_timeout=-1),
    "texts of numbers and truth values": task(verify_timeout="30", update_ticket="no", timeout=" 20 "),
    "numbers": task(incident_id=48213, comment=1.5),
    "date": task(comment=datetime.date(2026, 11, 21)),
    "time": task(comment=datetime.datetime(2026, 11, 21, 4, 30)),
    "truth value as a text": task(comment=True),
    "list as a text": task(comment=["one", 2]),
    "vaulted": task(comment=Vaulted("Nobody but the vault knows.")),
    "vaulted in a template": task({"vars": {"kept": Vaulted("in the vault")}}, comment="It is {{ kept }}."),
    "omit": task(comment="{{ omit }}", verify_timeout="{{ nothing | default(omit) }}"),
    "template": task({"vars": {"asked": 40}}, comment="{{ asked + 2 }}", verify_timeout="{{ asked }}"),
    "undefined": task(comment="{{ nothing }}"),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "defaults of the module": task({"module_defaults": {STATUS: {"comment": "Of the module.", "timeout": 7}}}),
    "defaults of the group": task({"module_defaults": {GROUP: {"timeout": 8, "headers": {"X-Environment": "prod"}}}}),
    "defaults and own": task({"module_defaults": {GROUP: {"timeout": 8}}}, timeout=9),
    "short name": SHORT_NAME,
    "short name and defaults of the group": {**SHORT_NAME, "module_defaults": {GROUP: {"timeout": 8}}},
    "until": task({"until": "kept_result is not failed", "retries": 3, "delay": 0}, retry_timeout=0),
    "until in vain": task({"until": "kept_result is changed", "retries": 2, "delay": 0}, incident_id="unknown"),
    "failed_when": task({"failed_when": "kept_result is changed"}),
    "never failed": task({"failed_when": False}, status="Opened"),
    "never changed": task({"changed_when": False}),
    # The module that is given up goes on, and must not write into what the next task finds.
    "timeout": task({"timeout": 1}, incident_id="unknown"),
    "no_log": task({"no_log": True}, comment="Nobody may read this."),
    "no_log of a failure": task({"no_log": True}, incident_id="nobody-may-read-this"),
    "environment": task(
        {"environment": {"CONTRAFORCE_TIMEOUT": "11", "CONTRAFORCE_HEADERS": '{"X-A": "gateway key"}'}}
    ),
    "loop": task({"loop": ["48213", "unknown", "48213"]}, incident_id="{{ item }}"),
}
LISTS: dict[str, dict[str, Any]] = {
    "list": listed(*TWO, **SENTINEL),
    "list in check mode": {**listed(*TWO, **SENTINEL), "check_mode": True, "diff": True},
    "list with a difference": {**listed(*TWO, **SENTINEL, comment="Shown."), "diff": True},
    "list with a failure": listed(TWO[0], UNKNOWN, {**TWO[1], "comment": "Own."}, TWO[0], **SENTINEL),
    "list with warnings": listed(*TWO, classification="Unknown", update_ticket=True, ticket_id="T20261121.0042"),
    "list of a text": listed("48213"),
    "list without what an entry needs": listed(TWO[0], {"source": "Sentinel"}, **SENTINEL),
    "list with an unknown option": listed(TWO[0], {**TWO[1], "nonsense": 1}, **SENTINEL),
    "list with a wrong choice": listed({**TWO[0], "status": "Opened"}, **SENTINEL),
    "list with numbers": listed({**XDR, "incident_id": 48213, "comment": 7}, concurrency="1"),
    "list with omit": listed({**XDR, "comment": "{{ omit }}"}),
    "empty list": listed(),
    "too many workers": listed(*TWO, **SENTINEL, concurrency=33),
    "tickets": ticket(tickets=[{"fields": {"Affected Hosts": 2}}, {"summary": "Another"}], summary=None),
}
FAULTS = {
    "until": [{**OVERLOADED, "times": 2}],
    "timeout": [{"operation": "v2-get-incident", "latency": 3}],
}


#: What no two runs share: request ids, ids of new tickets, etags and times of the service. Further, from ansible-core
#: 2.19 on, the kind of plugin in Ansible's own line of a failure, and what it adds to a failure that is none by
#: failed_when, and to what came from a module.
DIFFERENT = (
    (r"\b0H[0-9A-F]{11}:00000001\b|\breq-[0-9a-f-]{36}-1\b", "REQUEST"),
    (r'(?<="etag": )"[^"]+"', '"ETAG"'),
    (r'(?<="id": )"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"', '"UUID"'),
    (r"\b2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"Task failed: (Module|Action) failed: ", "Task failed: "),
    (r'"failed_when_suppressed_exception": "\(traceback unavailable\)",\s+', ""),
    (r'"_?ansible_parsed": true,\s+', ""),
)

#: How a module is carried over and started, as -vvv shows it.
CARRIAGE = r"^(<[^>]+> |Using module file |EXEC |PUT ).*\n"


def normal(text: str) -> str:
    """A text without what no two runs share."""
    for pattern, word in DIFFERENT:
        text = re.sub(pattern, word, text)
    return text


def result_of(played: Played, name: str) -> dict[str, Any]:
    """A case's result without what no two runs share."""
    return dict(json.loads(normal(json.dumps(played.results[name], sort_keys=True))))


def sections(output: str) -> dict[str, str]:
    """What the terminal shows of each task."""
    shown = re.sub(CARRIAGE, "", normal(output), flags=re.MULTILINE)
    parts = re.split(r"^TASK \[(.*)\] \**\n", shown, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.mark.parametrize("tasks", [ENDS, OPTIONS, KEYWORDS, LISTS], ids=["ends", "options", "keywords", "lists"])
def test_same_results_and_same_on_the_terminal(tmp_path, sandbox, tasks):
    (tmp_path / "password").write_text(VAULT_PASSWORD)
    # Ansible lists the words for true and false in the order of a set, and shows the invocation, or not, as it is told.
    shown = {"ANSIBLE_INJECT_INVOCATION": "true" if tasks in (OPTIONS, KEYWORDS) else "false"}
    player = Player(tmp_path, {**sandbox.environment(), **shown, "PYTHONHASHSEED": "0"})
    cases = [
        Case(name, {"name": f"Do {name}", **given}, FAULTS.get(name, []), crowd=2 if tasks is LISTS else 0)
        for name, given in tasks.items()
    ]
    arguments = ("-vvv", "--vault-password-file", "password")
    here = player.play_cases(sandbox, cases, *arguments)
    as_modules = player.play_cases(sandbox, cases, *arguments, environment=AS_MODULES)
    assert len(here.results) == len(tasks)
    assert not re.search(CARRIAGE, here.output, re.MULTILINE)
    for name in tasks:
        assert result_of(here, name) == result_of(as_modules, name), name
        assert sections(here.output)[f"Do {name}"] == sections(as_modules.output)[f"Do {name}"], name


# --- which way is taken ---------------------------------------------------------------------------------------------

READ = {"secops.itsm.contraforce_incident_info": XDR}
OFF, ON = {"vars": {"secops_itsm_in_process": False}}, {"vars": {"secops_itsm_in_process": True}}
NEXT_DOOR = {"ansible_connection": "next_door"}


@pytest.fixture
def other_python(tmp_path):
    """Another interpreter, as far as can be seen."""
    path = tmp_path / "other_python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return {"ansible_python_interpreter": str(path)}


def ways(player, sandbox, tasks, *arguments, environment=None):
    """Which of the tasks were ordinary runs."""
    cases = [Case(name, {"name": f"Do {name}", **READ, **keywords}) for name, keywords in tasks.items()]
    played = player.play_cases(sandbox, cases, "-vvv", *arguments, environment=environment)
    for name, result in played.results.items():
        assert result.get("incident"), (name, result)
    return {name for name in tasks if played.ran_as_module(f"Do {name}")}


def hosts(folder, **variables):
    """An inventory of the controller and a few others, with variables of their own."""
    known = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    listed = {name: {**known, **own} for name, own in variables.items()}
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": known, **listed}}}))
    return "-i", str(path)


def test_steps_aside_where_only_an_ordinary_run_will_do(player, sandbox, other_python, tmp_path):
    inventory = hosts(tmp_path, twin={}, elsewhere=NEXT_DOOR)
    here = {
        "plainly": {},
        "with our own interpreter": {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
        "with any interpreter": {"vars": {"ansible_python_interpreter": "auto_silent"}},
        "for a host like this one": {"delegate_to": "twin"},
        "without become": {"become": False},
        "switched on": ON,
    }
    aside = {
        "over another connection": {"vars": NEXT_DOOR},
        "for a host elsewhere": {"delegate_to": "elsewhere"},
        "with another interpreter": {"vars": other_python},
        "with become": {"become": True, "become_method": "nobody_else"},
        "with async": {"async": 60, "poll": 1, "vars": {"ansible_async_dir": str(tmp_path / "async")}},
        "with another path of Python": {"environment": {"PYTHONPATH": str(tmp_path)}},
        "with another path of libraries": {"environment": {"LD_LIBRARY_PATH": str(tmp_path)}},
        "switched off": OFF,
        "switched off by a text": {"vars": {"secops_itsm_in_process": "no"}},
        "switched off by a template": {"vars": {"secops_itsm_in_process": "{{ 1 > 2 }}"}},
        "switched off for the job": {"vars": {"secops_itsm_in_process": "{{ of_the_job }}"}},
    }
    assert ways(player, sandbox, {**here, **aside}, *inventory, "-e", '{"of_the_job": false}') == set(aside)


def test_interpreter_is_that_of_the_host_that_is_asked(player, sandbox, other_python, tmp_path):
    inventory = hosts(tmp_path, other=other_python, twin={})
    tasks = {
        "other": [{"name": "Stay with the other", **READ}, {"name": "Ask the twin", **READ, "delegate_to": "twin"}],
        "twin": [{"name": "Stay with the twin", **READ}, {"name": "Ask the other", **READ, "delegate_to": "other"}],
    }
    plays = [{"name": host, "hosts": host, "gather_facts": False, "tasks": todo} for host, todo in tasks.items()]
    path = tmp_path / "playbook.yml"
    path.write_text(yaml.safe_dump(plays))
    played = player.play(path, *inventory, "-vvv")
    assert played.code == 0, played.output
    names = [task["name"] for todo in tasks.values() for task in todo]
    assert [played.ran_as_module(name) for name in names] == [True, False, False, True]


def test_switched_off_by_the_environment(player, sandbox):
    """The variable, where it is set, has the last word."""
    tasks = {"plainly": {}, "switched on": ON, "switched off": OFF}
    assert ways(player, sandbox, tasks, environment=AS_MODULES) == {"plainly", "switched off"}
    assert ways(player, sandbox, tasks, environment={"SECOPS_ITSM_IN_PROCESS": "1"}) == {"switched off"}


def test_wrong_switches_are_one_sentence(player, sandbox):
    cases = [
        Case("variable", {**READ, "vars": {"secops_itsm_in_process": "perhaps"}}),
        Case("environment", {"name": "Do environment", **READ}),
        Case("progress", {**READ, "vars": {"secops_itsm_progress_seconds": "often"}}),
    ]
    played = player.play_cases(sandbox, cases, environment={"SECOPS_ITSM_IN_PROCESS": "sometimes"})
    messages = {name: result["msg"] for name, result in played.results.items()}
    assert messages["variable"] == "secops_itsm_in_process must be true or false."
    assert messages["environment"] == "SECOPS_ITSM_IN_PROCESS must be true or false."
    played = player.play_cases(sandbox, cases[2:])
    message = "secops_itsm_progress_seconds must be a number of seconds, or 0 for never."
    assert played.results["progress"]["msg"] == message
    assert "Traceback" not in played.output
    assert sandbox.journal()["entries"] == []


# --- environment ----------------------------------------------------------------------------------------------------


def test_environment_of_blocks_tasks_and_items(player, sandbox):
    """Credentials from there are those of the task alone, and nothing of them is left for what follows."""
    secret = sandbox.credentials["client_secret"]
    client = {"CONTRAFORCE_CLIENT_ID": sandbox.credentials["client_id"]}
    of_items = {"CONTRAFORCE_CLIENT_SECRET": "{{ item }}", "CONTRAFORCE_TIMEOUT": "{{ 10 + index }}"}
    loop = {"loop": [secret, "wrong", secret], "loop_control": {"index_var": "index"}}
    tasks = [
        {
            "name": "Merge",
            "block": [{**READ, "environment": {"CONTRAFORCE_CLIENT_SECRET": secret}, "register": "merged"}],
            "environment": {**client, "CONTRAFORCE_CLIENT_SECRET": "wrong", "CONTRAFORCE_TIMEOUT": "9"},
        },
        {**READ, "environment": {**client, **of_items}, **loop, "register": "items", "ignore_errors": True},
        {**READ, "environment": client, "register": "later", "ignore_errors": True},
        {
            "keep_result": {"content": "{{ [merged, items, later] | to_json | string }}", "dest": "all.json"},
            "no_log": True,
        },
    ]
    without = {"CONTRAFORCE_CLIENT_ID": "", "CONTRAFORCE_CLIENT_SECRET": ""}
    played = player.play(player.write(tasks), "-vvv", environment=without)
    merged, items, later = json.loads((player.folder / "all.json").read_text())
    assert merged["incident"], played.output
    assert [item.get("error", {}).get("category") for item in items["results"]] == [None, "authentication", None]
    assert re.findall(r'"timeout": (\d+),', played.output) == ["9", "10", "11", "12", "30"]
    assert later["error"]["category"] == "configuration"
    assert "client_secret" in later["msg"]


def test_paths_are_those_of_the_controller(player, sandbox, tmp_path):
    """Relative to the folder of the job, and with the variables of the task."""
    (tmp_path / "certificates").mkdir()
    (tmp_path / "other" / "certificates").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "other"):
        (folder / "certificates" / "bundle.pem").write_text("")
    paths = {
        "relative": {"ca_path": "certificates/bundle.pem"},
        "home": {"ca_path": "~/certificates/bundle.pem"},
        "variable": {"ca_path": "$BUNDLES/bundle.pem"},
        "missing": {"ca_path": "certificates/none.pem"},
    }
    name = "secops.itsm.contraforce_incident_info"
    environment = {"HOME": str(tmp_path / "other"), "BUNDLES": str(tmp_path / "certificates")}
    cases = [Case(path, {name: {**XDR, **arguments}, "environment": environment}) for path, arguments in paths.items()]
    here = player.play_cases(sandbox, cases, "-vvv")
    as_modules = player.play_cases(sandbox, cases, "-vvv", environment=AS_MODULES)
    for path in paths:
        assert result_of(here, path) == result_of(as_modules, path), path
    assert here.results["relative"]["incident"]
    assert here.results["variable"]["incident"]
    assert f'"ca_path": "{tmp_path}/other/certificates/bundle.pem"' in here.output
    assert "ca_path (CONTRAFORCE_CA_PATH) names a file that cannot be read" in here.results["missing"]["msg"]


# --- connections and tokens -----------------------------------------------------------------------------------------


def tokens(entries):
    """The requests for a token."""
    return [entry for entry in entries if "/openid-connect/token" in entry["path"]]


def test_items_share_one_connection_and_one_token(player, sandbox):
    """Which is what makes a loop quick."""
    sandbox.reset(crowd=20)
    closing = listed(**SENTINEL)
    del closing[STATUS]["incidents"]
    closing[STATUS].update({name: f"{{{{ item.{name} }}}}" for name in XDR})
    opening = ticket(summary="Ticket {{ item }}", fields={"Incident Reference": "SEN-{{ item }}", "Urgency": "High"})
    tasks = [{**closing, "loop": bulk_incident_entries(20)}, {**opening, "loop": [1, 2, 3, 4, 5]}]
    played = player.play(player.write(tasks))
    assert played.code == 0, played.output
    entries = sandbox.journal()["entries"]
    of_incidents = [entry for entry in entries if entry["operation"].startswith("v2-")]
    others = [entry for entry in entries if entry not in of_incidents]
    assert len(of_incidents) == 60
    assert len({entry["connection"] for entry in of_incidents}) == 1
    assert len(tokens(others)) == 1
    # A token server is another service, as a rule with another address.
    assert len({entry["connection"] for entry in others}) <= 2


def test_items_with_other_credentials_never_share(player, sandbox):
    """The reader may not write; nobody else's token helps it, whichever item came before."""
    known = sandbox.ticketing
    clients = {
        "agent": {name: known[name] for name in ("client_id", "client_secret")},
        "reader": known["read_only"],
        "wrong": {"client_id": known["client_id"], "client_secret": "wrong"},
        "key": {"api_key": known["api_key"]},
    }
    order = ["agent", "reader", "wrong", "key", "agent", "reader", "wrong", "key"]
    items = [{"who": who, "number": number, **clients[who]} for number, who in enumerate(order)]
    fields = {"Incident Reference": "SEN-{{ item.number }}", "Urgency": "High"}
    named = {name: f"{{{{ item.{name} | default(omit) }}}}" for name in ("client_id", "client_secret", "api_key")}
    opening = ticket(summary="Ticket {{ item.number }}", fields=fields, **named)
    played = player.play_tasks(
        [{**opening, "loop": items}], environment={"TICKETING_CLIENT_ID": "", "TICKETING_CLIENT_SECRET": ""}
    )
    ends = [item.get("error", {}).get("category") for item in played.result["results"]]
    assert ends == [None, "permission", "authentication", None] * 2, played.output
    entries = sandbox.journal()["entries"]
    # Wrong ones are asked for anew; the others are kept.
    assert [entry["status"] for entry in tokens(entries)].count(200) == 2
    assert len({entry["connection"] for entry in entries if entry not in tokens(entries)}) == 3


def test_items_with_other_options_of_the_connection_never_share(player, sandbox):
    """Neither with other headers, nor with another secret from the environment."""
    items = [{"X-Customer": "first"}, {"X-Customer": "second"}, {"X-Customer": "first"}]
    secret = {"CONTRAFORCE_CLIENT_SECRET": "{{ secrets[index] }}"}
    right = sandbox.credentials["client_secret"]
    tasks = [
        {"name": "Headers", "secops.itsm.contraforce_incident_info": {**XDR, "headers": "{{ item }}"}, "loop": items},
        {
            "name": "Secrets",
            **READ,
            "environment": secret,
            "vars": {"secrets": [right, "wrong", right]},
            "loop": [1, 2, 3],
            "loop_control": {"index_var": "index"},
        },
    ]
    player.play(player.write(tasks))
    entries = sandbox.journal()["entries"]
    assert [entry["status"] for entry in entries] == [200, 200, 200, 200, 401, 200]
    connections = [entry["connection"] for entry in entries]
    assert connections[0] == connections[2] != connections[1]
    assert connections[3] == connections[5] != connections[4]


# --- secrets --------------------------------------------------------------------------------------------------------

PROXY_PASSWORD = "pr0xy&p4ss=word"
GATEWAY_KEY = "gateway/key+0f9e8d7c"


@pytest.fixture
def broken_collection(tmp_path):
    """A copy of the collection with a bug that has all secrets in its hands."""
    original = COLLECTIONS / "ansible_collections" / "secops" / "itsm"
    copy = tmp_path / "broken" / "ansible_collections" / "secops" / "itsm"
    for name in ("plugins", "meta"):
        shutil.copytree(original / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(original / "galaxy.yml", copy)
    client = copy / "plugins" / "module_utils" / "_http" / "client.py"
    bug = r"\1\n        raise TypeError(str(response.request.headers))"
    source, places = re.subn(r"(?m)^( +def _(?:judge|classify)\(.*:)$", bug, client.read_text())
    assert places == 1
    client.write_text(source)
    return {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "broken")}


def all_spellings(sandbox):
    """Every secret of the tests below, as it could be printed."""
    clients = [sandbox.credentials, sandbox.ticketing]
    secrets = [client["client_secret"] for client in clients] + [sandbox.ticketing["api_key"]]
    found = {client["access_token"] for client in clients}
    for secret in [*secrets, GATEWAY_KEY, PROXY_PASSWORD]:
        found |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        found.add(base64.b64encode(secret.encode()).decode())
        found |= {base64.b64encode(f"{client['client_id']}:{secret}".encode()).decode() for client in clients}
    return found


def secret_cases(sandbox):
    """Tasks that have secrets as options, and end in every way."""
    known = {name: sandbox.credentials[name] for name in ("client_id", "client_secret")}
    known["headers"] = {"X-Gateway-Key": GATEWAY_KEY}
    key = {"api_key": sandbox.ticketing["api_key"], "client_id": "", "client_secret": ""}
    token = {"access_token": sandbox.credentials["access_token"], "client_id": "", "client_secret": ""}
    echo = [{"status": 400, "content": "echo", "times": -1}]
    echo_reads = [{"operation": "list-*", "status": 400, "content": "echo", "times": -1}]
    proxy = {"proxy": f"http://u:{PROXY_PASSWORD}@127.0.0.1:9", "url": "http://127.0.0.1:9", "retry_timeout": 0}
    repeated = task({"diff": True}, **known, comment=f"The key is {GATEWAY_KEY}.")
    return [
        Case("ok", task(**known)),
        Case("ok and repeated", repeated),
        Case("in a loop", {**task(**known, incident_id="{{ item }}"), "loop": ["48213", "48213"]}),
        Case("in a list", {**listed(*TWO, **known, **SENTINEL, comment=GATEWAY_KEY), "diff": True}, crowd=2),
        Case("in a list that fails", listed(*TWO, **known, **SENTINEL), echo, crowd=2),
        Case("in an entry that is refused", listed({**XDR, "comment": GATEWAY_KEY, "nonsense": 1}, **known)),
        Case("echoed", task(**known), echo),
        Case("with a token", task(**token), echo),
        Case("with a key", ticket(**key), echo),
        Case("with a token that is fetched", ticket(), echo_reads),
        Case("dead proxy", task(**known, **proxy)),
        Case("in an address", task(**known, url=f"https://user:{PROXY_PASSWORD}@portal.example/?code={GATEWAY_KEY}")),
        Case("refused option", task(**known, nonsense=1)),
        Case("refused value", task(**known, status=GATEWAY_KEY)),
        Case("secret of another type", task(**{**known, "headers": GATEWAY_KEY})),
    ]


@pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
def test_no_secret_is_shown(player, sandbox, broken_collection, way):
    """Not on the terminal at any verbosity, and in no result, whatever Ansible itself masks."""
    cases = secret_cases(sandbox)
    # Secrets stand in the playbook, which Ansible quotes beside an error; here they come from elsewhere.
    texts = json.dumps([case.task for case in cases])
    secrets = {"gateway": GATEWAY_KEY, "proxy_password": PROXY_PASSWORD, "client": sandbox.credentials["client_secret"]}
    secrets.update(token=sandbox.credentials["access_token"], key=sandbox.ticketing["api_key"])
    for name, secret in secrets.items():
        texts = texts.replace(json.dumps(secret)[1:-1], f"{{{{ lookup('ansible.builtin.env', 'SECRET_{name}') }}}}")
    cases = [replace(case, task=given) for case, given in zip(cases, json.loads(texts))]
    environment = {**way, **{f"SECRET_{name}": secret for name, secret in secrets.items()}}
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    environment.update(broken_collection)
    crashed = player.play_cases(sandbox, [cases[0], cases[3]], "-vvvv", environment=environment)
    for run in (played, crashed):
        shown = run.output + json.dumps(run.results)
        for spelling in all_spellings(sandbox):
            assert spelling not in shown, spelling
        assert not re.search(r"\beyJ[\w-]{8,}\.", shown), "a fetched token shows"
        assert ("Traceback" in run.output) is (run is crashed)
    ends = {name: result.get("error", {}).get("category") for name, result in played.results.items()}
    assert [name for name, category in ends.items() if category is None] == [
        *("ok", "ok and repeated", "in a loop", "in a list"),
    ]
    assert [result["error"]["category"] for result in crashed.results.values()] == ["internal", "internal"]
    assert "********" in played.results["ok and repeated"]["diff"]["after"]["comment"]
