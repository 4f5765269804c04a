# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that runs in the controller's process has the results and the output of an ordinary module."""

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
    BOTH_MODES,
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
VAULT_PASSWORD = "a password of the vault"  # only of these tests


class Vaulted(str):
    """A string that is encrypted in the playbook."""

    __slots__ = ()


def _encrypted(dumper: yaml.SafeDumper, text: Vaulted) -> yaml.Node:
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return dumper.represent_scalar("!vault", vault.encrypt(str(text)).decode(), style="|")


yaml.SafeDumper.add_representer(Vaulted, _encrypted)


def task(keywords: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """Return a task that closes an incident.

    :param keywords: keywords of the task.
    :param arguments: options of the module; None removes an option.
    """
    given = {**XDR, **PHISHING, **arguments}
    return {STATUS: {name: value for name, value in given.items() if value is not None}, **(keywords or {})}


def listed(*incidents: Any, **arguments: Any) -> dict[str, Any]:
    """Return a task that closes a list of incidents."""
    return task(workspace_id=None, source=None, incident_id=None, incidents=list(incidents), **arguments)


def ticket(**arguments: Any) -> dict[str, Any]:
    """Return a task that opens a ticket."""
    fields = {"Incident Reference": "SEN-7c2a1e8f", "Urgency": "High"}
    wanted = {"team_id": "soc", "item_type": "Security Incident", "offer": "Report a security incident"}
    return {TICKET: {**wanted, "summary": "Credential dumping on SRV-DC02", "fields": fields, **arguments}}


TWO = bulk_incident_entries(2)
UNKNOWN = {**TWO[0], "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"}
GROUP = "group/secops.itsm.contraforce"
OVERLOADED = {"operation": "v2-get-incident", "status": 503}

#: Tasks by their names, which run in both execution modes.
STATES: dict[str, dict[str, Any]] = {
    "success": task(comment="Größe «ü» ✓ 日本語 😀"),
    "ok": task(status="Active", classification=None, classification_reason=None),
    "difference": task({"diff": True}, comment="Shown."),
    "difference in check mode": task({"diff": True, "check_mode": True}),
    "two warnings": task(status="New", classification="NonIssue", update_ticket=True, ticket_id="T20261121.0042"),
    "not found": task(incident_id="unknown"),
    "invalid URL": task(url="portal.example"),
    "read": {"secops.itsm.contraforce_incident_info": XDR},
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
LISTS: dict[str, dict[str, Any]] = {
    "list in check mode": {**listed(*TWO, **SENTINEL), "check_mode": True, "diff": True},
    "list with a failure": listed(TWO[0], UNKNOWN, {**TWO[1], "comment": "Own."}, TWO[0], **SENTINEL),
    "list with warnings": listed(*TWO, classification="Unknown", update_ticket=True, ticket_id="T20261121.0042"),
    "list of a text": listed("48213"),
    "list with a missing option": listed(TWO[0], {"source": "Sentinel"}, **SENTINEL),
    "list with an unknown option": listed(TWO[0], {**TWO[1], "nonsense": 1}, **SENTINEL),
    "list with numbers and omit": listed({**XDR, "incident_id": 48213, "comment": "{{ omit }}"}, concurrency="1"),
    "empty list": listed(),
    "too many workers": listed(*TWO, **SENTINEL, concurrency=33),
    "tickets": ticket(tickets=[{"fields": {"Affected Hosts": 2}}, {"summary": "Another"}], summary=None),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "missing": task(status=None),
    "null": {STATUS: {**XDR, **PHISHING, "comment": None, "headers": None}},
    "wrong type": task(verify_timeout="soon"),
    "wrong boolean": task(update_ticket="perhaps"),
    "wrong choice": task(status="Opened"),
    "wrong dict": task(headers="no header"),
    "unsupported and missing": task(nonsense=1, status=None),
    "mutually exclusive": task(incidents=TWO),
    "one of required": task(incident_id=None),
    "required together": task(source=None),
    "own check": task(verify_timeout=-1),
    "strings of numbers and booleans": task(verify_timeout="30", update_ticket="no", timeout=" 20 ", comment=""),
    "numbers as strings": task(incident_id=48213, comment=1.5),
    "time as a string": task(comment=datetime.datetime(2026, 11, 21, 4, 30)),
    "boolean as a string": task(comment=True),
    "list as a string": task(comment=["one", 2]),
    "vaulted": task(comment=Vaulted("Only in the vault.")),
    "vaulted in a template": task({"vars": {"kept": Vaulted("in the vault")}}, comment="It is {{ kept }}."),
    "template and omit": task({"vars": {"n": 40}}, comment="{{ n + 2 }}", verify_timeout="{{ x | default(omit) }}"),
    "undefined": task(comment="{{ nothing }}"),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "defaults of the module": task({"module_defaults": {STATUS: {"comment": "Of the module.", "timeout": 7}}}),
    "defaults of the group": task({"module_defaults": {GROUP: {"timeout": 8, "headers": {"X-A": "prod"}}}}, timeout=9),
    "short name and defaults of the group": {
        "contraforce_incident_status": {**XDR, **PHISHING},
        "collections": ["secops.itsm"],
        "module_defaults": {GROUP: {"timeout": 8}},
    },
    "until": task({"until": "kept_result is not failed", "retries": 3, "delay": 0}, retry_timeout=0),
    "until that fails": task({"until": "kept_result is changed", "retries": 2, "delay": 0}, incident_id="unknown"),
    "failed_when": task({"failed_when": "kept_result is changed"}),
    "never failed": task({"failed_when": False}, status="Opened"),
    "never changed": task({"changed_when": False}),
    # The module continues after its timeout, and must not write to what the next task uses.
    "timeout": task({"timeout": 1}, incident_id="unknown"),
    "no_log": task({"no_log": True}, comment="Not for the log."),
    "no_log of a failure": task({"no_log": True}, incident_id="not-for-the-log"),
    "environment": task(
        {"environment": {"CONTRAFORCE_TIMEOUT": "11", "CONTRAFORCE_HEADERS": '{"X-A": "gateway key"}'}}
    ),
    "loop": task({"loop": ["48213", "unknown", "48213"]}, incident_id="{{ item }}"),
}
FAULTS = {
    "until": [{**OVERLOADED, "times": 2}],
    "timeout": [{"operation": "v2-get-incident", "latency": 3}],
}


#: Values that differ between any two runs: request IDs, IDs of new tickets, ETags and times of the service. Since
#: ansible-core 2.19 also the kind of plugin in Ansible's own line of a failure, and what it adds to failures that
#: failed_when suppresses and to results of modules.
DIFFERENT = (
    (r"\b0H[0-9A-F]{11}:00000001\b|\breq-[0-9a-f-]{36}-1\b", "REQUEST"),
    (r'(?<="etag": )"[^"]+"', '"ETAG"'),
    (r'(?<="id": )"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"', '"UUID"'),
    (r"\b2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"Task failed: (Module|Action) failed: ", "Task failed: "),
    (r'"failed_when_suppressed_exception": "\(traceback unavailable\)",\s+', ""),
    (r'"_?ansible_parsed": true,\s+', ""),
)

#: How -vvv shows that a module is transferred and executed.
TRANSFER = r"^(<[^>]+> |Using module file |EXEC |PUT ).*\n"


def normalize(text: str) -> str:
    """Return a text without values that differ between any two runs."""
    for pattern, word in DIFFERENT:
        text = re.sub(pattern, word, text)
    return text


def result_of(played: Played, name: str) -> dict[str, Any]:
    """Return the result of a case without values that differ between any two runs."""
    return dict(json.loads(normalize(json.dumps(played.results[name], sort_keys=True))))


def sections(played: Played) -> dict[str, str]:
    """Return the output of each task, without what differs between the execution modes."""
    shown = {name: normalize(text) for name, text in played.sections().items()}
    return {name: re.sub(TRANSFER, "", text, flags=re.MULTILINE) for name, text in shown.items()}


@pytest.mark.parametrize(
    "tasks, with_invocation", [({**STATES, **LISTS}, "false"), ({**OPTIONS, **KEYWORDS}, "true")], ids=["false", "true"]
)
def test_both_modes_have_same_results_and_output(tmp_path, sandbox, tasks, with_invocation):
    (tmp_path / "password").write_text(VAULT_PASSWORD)
    # Ansible lists the words for booleans in the order of a set.
    shown = {"ANSIBLE_INJECT_INVOCATION": with_invocation, "PYTHONHASHSEED": "0"}
    player = Player(tmp_path, {**sandbox.environment(), **shown})
    cases = [
        Case(name, {"name": f"Do {name}", **given}, FAULTS.get(name, []), crowd=2 if name in LISTS else 0)
        for name, given in tasks.items()
    ]
    arguments = ("-vvv", "--vault-password-file", "password")
    in_process = player.play_cases(sandbox, cases, *arguments)
    as_modules = player.play_cases(sandbox, cases, *arguments, environment=AS_MODULES)
    assert len(in_process.results) == len(tasks)
    assert not re.search(TRANSFER, in_process.output, re.MULTILINE)
    shown_in_process, shown_as_modules = sections(in_process), sections(as_modules)
    for name in tasks:
        assert result_of(in_process, name) == result_of(as_modules, name), name
        assert shown_in_process[f"Do {name}"] == shown_as_modules[f"Do {name}"], name


# --- execution mode --------------------------------------------------------------------------------------------------

READ = {"secops.itsm.contraforce_incident_info": XDR}
OFF, ON = {"vars": {"secops_itsm_in_process": False}}, {"vars": {"secops_itsm_in_process": True}}
NEXT_DOOR = {"ansible_connection": "next_door"}


@pytest.fixture
def other_python(tmp_path):
    """Return variables with a path of the interpreter that differs from the controller's."""
    path = tmp_path / "other_python"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return {"ansible_python_interpreter": str(path)}


def ran_as_modules(player, sandbox, tasks, *arguments, environment=None):
    """Return the names of the tasks that ran as ordinary modules."""
    cases = [Case(name, {"name": f"Do {name}", **READ, **keywords}) for name, keywords in tasks.items()]
    played = player.play_cases(sandbox, cases, "-vvv", *arguments, environment=environment)
    for name, result in played.results.items():
        assert result.get("incident"), (name, result)
    return {name for name in tasks if played.ran_as_module(f"Do {name}")}


def hosts(folder, **variables):
    """Write an inventory of the controller and other hosts with their variables, and return the arguments to use it."""
    known = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    listed = {name: {**known, **own} for name, own in variables.items()}
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": known, **listed}}}))
    return "-i", str(path)


def test_task_runs_as_module_where_only_a_module_can(player, sandbox, other_python, tmp_path):
    inventory = hosts(tmp_path, twin={}, elsewhere=NEXT_DOOR)
    in_process = {
        "plain": {},
        "with the controller's interpreter": {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
        "with any interpreter": {"vars": {"ansible_python_interpreter": "auto_silent"}},
        "for a similar host": {"delegate_to": "twin"},
        "without become": {"become": False},
        "switched on": ON,
    }
    as_modules = {
        "over another connection": {"vars": NEXT_DOOR},
        "for another host": {"delegate_to": "elsewhere"},
        "with another interpreter": {"vars": other_python},
        "with become": {"become": True, "become_method": "same_user"},
        "with async": {"async": 60, "poll": 1, "vars": {"ansible_async_dir": str(tmp_path / "async")}},
        "with PYTHONPATH": {"environment": {"PYTHONPATH": str(tmp_path)}},
        "with LD_LIBRARY_PATH": {"environment": {"LD_LIBRARY_PATH": str(tmp_path)}},
        "switched off": OFF,
        "switched off by a string": {"vars": {"secops_itsm_in_process": "no"}},
        "switched off by a template": {"vars": {"secops_itsm_in_process": "{{ 1 > 2 }}"}},
        "switched off for the job": {"vars": {"secops_itsm_in_process": "{{ of_the_job }}"}},
    }
    ran = ran_as_modules(player, sandbox, {**in_process, **as_modules}, *inventory, "-e", '{"of_the_job": false}')
    assert ran == set(as_modules)


def test_interpreter_of_delegated_host_counts(player, sandbox, other_python, tmp_path):
    inventory = hosts(tmp_path, other=other_python, twin={})
    tasks = {
        "other": [{"name": "Read there", **READ}, {"name": "Delegate to twin", **READ, "delegate_to": "twin"}],
        "twin": [{"name": "Read on twin", **READ}, {"name": "Delegate to other", **READ, "delegate_to": "other"}],
    }
    plays = [{"name": host, "hosts": host, "gather_facts": False, "tasks": todo} for host, todo in tasks.items()]
    path = tmp_path / "playbook.yml"
    path.write_text(yaml.safe_dump(plays))
    played = player.play(path, *inventory, "-vvv")
    assert played.code == 0, played.output
    names = [task["name"] for todo in tasks.values() for task in todo]
    assert [played.ran_as_module(name) for name in names] == [True, False, False, True]


def test_variable_overrides_environment(player, sandbox):
    tasks = {"plain": {}, "switched on": ON, "switched off": OFF}
    assert ran_as_modules(player, sandbox, tasks, environment=AS_MODULES) == {"plain", "switched off"}
    assert ran_as_modules(player, sandbox, tasks, environment={"SECOPS_ITSM_IN_PROCESS": "1"}) == {"switched off"}


def test_invalid_execution_mode_is_refused(player, sandbox):
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
    message = "secops_itsm_progress_seconds must be a number of seconds, or 0 to disable progress reports."
    assert played.results["progress"]["msg"] == message
    assert "Traceback" not in played.output
    assert sandbox.journal()["entries"] == []


# --- environment ----------------------------------------------------------------------------------------------------


def test_environment_of_blocks_tasks_and_items(player, sandbox):
    """Credentials from there apply only to their task; later tasks do not see them."""
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


def test_paths_are_relative_to_working_directory(player, sandbox, tmp_path):
    """They can contain variables from the environment of the task."""
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
    in_process = player.play_cases(sandbox, cases, "-vvv")
    as_modules = player.play_cases(sandbox, cases, "-vvv", environment=AS_MODULES)
    for path in paths:
        assert result_of(in_process, path) == result_of(as_modules, path), path
    assert in_process.results["relative"]["incident"]
    assert in_process.results["variable"]["incident"]
    assert f'"ca_path": "{tmp_path}/other/certificates/bundle.pem"' in in_process.output
    assert "The file in ca_path (CONTRAFORCE_CA_PATH) cannot be read" in in_process.results["missing"]["msg"]


# --- connections and tokens -----------------------------------------------------------------------------------------


def tokens(entries):
    """Return the requests for a token."""
    return [entry for entry in entries if "/openid-connect/token" in entry["path"]]


def test_items_share_one_connection_and_one_token(player, sandbox):
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
    # The token server is another service, usually with another address.
    assert len({entry["connection"] for entry in others}) <= 2


def test_items_with_other_credentials_never_share(player, sandbox):
    """The read-only client cannot write, even after items of clients that can."""
    known = sandbox.ticketing
    clients = {
        "agent": {name: known[name] for name in ("client_id", "client_secret")},
        "reader": known["read_only"],
        "wrong": {"client_id": known["client_id"], "client_secret": "wrong"},
        "key": {"api_key": known["api_key"]},
    }
    order = ["agent", "reader", "wrong", "key", "agent", "reader", "wrong", "key"]
    items = [{"name": name, "number": number, **clients[name]} for number, name in enumerate(order)]
    fields = {"Incident Reference": "SEN-{{ item.number }}", "Urgency": "High"}
    named = {name: f"{{{{ item.{name} | default(omit) }}}}" for name in ("client_id", "client_secret", "api_key")}
    opening = ticket(summary="Ticket {{ item.number }}", fields=fields, **named)
    played = player.play_tasks(
        [{**opening, "loop": items}], environment={"TICKETING_CLIENT_ID": "", "TICKETING_CLIENT_SECRET": ""}
    )
    ends = [item.get("error", {}).get("category") for item in played.result["results"]]
    assert ends == [None, "permission", "authentication", None] * 2, played.output
    entries = sandbox.journal()["entries"]
    # Only failed tokens are requested again.
    assert [entry["status"] for entry in tokens(entries)].count(200) == 2
    assert len({entry["connection"] for entry in entries if entry not in tokens(entries)}) == 3


def test_items_with_other_connection_options_never_share(player, sandbox):
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

GATEWAY_KEY = "gateway/key+0f9e8d7c"


@pytest.fixture
def broken_collection(tmp_path):
    """Copy the collection, with a bug whose exception contains all secrets, and return the environment to use it."""
    original = COLLECTIONS / "ansible_collections" / "secops" / "itsm"
    copy = tmp_path / "broken" / "ansible_collections" / "secops" / "itsm"
    for name in ("plugins", "meta"):
        shutil.copytree(original / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = next(path for path in (original / "MANIFEST.json", original / "galaxy.yml") if path.exists())
    shutil.copy(metadata, copy)
    client = copy / "plugins" / "module_utils" / "_http" / "client.py"
    bug = r"\1\n        raise TypeError(str(response.request.headers))"
    source, places = re.subn(r"(?m)^( +def _(?:judge|classify)\(.*:)$", bug, client.read_text())
    assert places == 1
    client.write_text(source)
    return {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "broken")}


def all_spellings(sandbox):
    """Return every secret of the tests below in every spelling."""
    clients = [sandbox.credentials, sandbox.ticketing]
    secrets = [client["client_secret"] for client in clients] + [sandbox.ticketing["api_key"]]
    found = {client["access_token"] for client in clients}
    for secret in [*secrets, GATEWAY_KEY]:
        found |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        found.add(base64.b64encode(secret.encode()).decode())
        found |= {base64.b64encode(f"{client['client_id']}:{secret}".encode()).decode() for client in clients}
    return found


def secret_cases(sandbox):
    """Return tasks with secrets as options: those with loops and lists, and results that repeat a secret.

    test_every_module.py has the other outcomes.
    """
    known = {name: sandbox.credentials[name] for name in ("client_id", "client_secret")}
    known["headers"] = {"X-Gateway-Key": GATEWAY_KEY}
    key = {"api_key": sandbox.ticketing["api_key"], "client_id": "", "client_secret": ""}
    token = {"access_token": sandbox.credentials["access_token"], "client_id": "", "client_secret": ""}
    echo = [{"status": 400, "content": "echo", "times": -1}]
    repeated = task({"diff": True}, **known, comment=f"The key is {GATEWAY_KEY}.")
    return [
        Case("ok and repeated", repeated),
        Case("in a loop", {**task(**known, incident_id="{{ item }}"), "loop": ["48213", "48213"]}),
        Case("in a list", {**listed(*TWO, **known, **SENTINEL, comment=GATEWAY_KEY), "diff": True}, crowd=2),
        Case("in a list that fails", listed(*TWO, **known, **SENTINEL), echo, crowd=2),
        Case("in a refused entry", listed({**XDR, "comment": GATEWAY_KEY, "nonsense": 1}, **known)),
        Case("with a token", task(**token), echo),
        Case("with a key", ticket(**key), echo),
        Case("refused value", task(**known, status=GATEWAY_KEY)),
        Case("secret of another type", task(**{**known, "headers": GATEWAY_KEY})),
    ]


@BOTH_MODES
def test_no_secret_is_shown(player, sandbox, broken_collection, mode):
    cases = secret_cases(sandbox)
    # Ansible quotes the playbook next to an error, so the playbook must not contain the secrets.
    texts = json.dumps([case.task for case in cases])
    secrets = {"gateway": GATEWAY_KEY, "client": sandbox.credentials["client_secret"]}
    secrets.update(token=sandbox.credentials["access_token"], key=sandbox.ticketing["api_key"])
    for name, secret in secrets.items():
        texts = texts.replace(json.dumps(secret)[1:-1], f"{{{{ lookup('ansible.builtin.env', 'SECRET_{name}') }}}}")
    cases = [replace(case, task=given) for case, given in zip(cases, json.loads(texts))]
    environment = {**mode, **{f"SECRET_{name}": secret for name, secret in secrets.items()}}
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    environment.update(broken_collection)
    crashed = player.play_cases(sandbox, [cases[0], cases[2]], "-vvvv", environment=environment)
    for run in (played, crashed):
        shown = run.output + json.dumps(run.results)
        for spelling in all_spellings(sandbox):
            assert spelling not in shown, spelling
        assert not re.search(r"\beyJ[\w-]{8,}\.", shown), "a fetched token shows"
        assert ("Traceback" in run.output) is (run is crashed)
    ends = {name: result.get("error", {}).get("category") for name, result in played.results.items()}
    assert [name for name, category in ends.items() if category is None] == [
        "ok and repeated",
        "in a loop",
        "in a list",
    ]
    assert [result["error"]["category"] for result in crashed.results.values()] == ["internal", "internal"]
    assert "********" in played.results["ok and repeated"]["diff"]["after"]["comment"]
