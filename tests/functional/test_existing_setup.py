# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runbooks within an Ansible setup that has its own secrets, inventory and settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.tests.functional.conftest import COLLECTIONS, HERE
from ansible_collections.secops.itsm.tests.functional.runbooks import BUSY, SIGN_IN
from ansible_collections.secops.itsm.tests.functional.test_docs import PAGES, blocks, given
from ansible_collections.secops.itsm.tests.functional.test_inventory import Inventory

ENVIRONMENT_NAMES = [option.env for table in (CONTRAFORCE_OPTIONS, TICKETING_OPTIONS) for option in table.values()]
PASSWORD = "a password of the vault"
CLOSURE = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "By a test."}


class Encrypted(str):
    """A string that is written to YAML files as a vault value."""


class Dumper(yaml.SafeDumper):
    """Dump vault values."""


Dumper.add_representer(Encrypted, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|"))


def encrypted(text: str) -> Encrypted:
    """Return a vault value."""
    return Encrypted(VaultLib([("default", VaultSecret(PASSWORD.encode()))]).encrypt(text).decode())


def write(path: Path, content: Any) -> Path:
    """Write a YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(content, Dumper=Dumper, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def vault(player):
    """Return the command arguments that open the vault."""
    (player.folder / "password").write_text(PASSWORD)
    return ("--vault-password-file", str(player.folder / "password"))


def as_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the connection options in an environment as variables of a runbook, with encrypted secrets."""
    return {
        name.lower(): encrypted(value) if "SECRET" in name else value
        for name, value in environment.items()
        if name in ENVIRONMENT_NAMES
    }


def imported(runbook: str, **variables: Any) -> dict[str, Any]:
    """Return an import of a runbook."""
    return {"name": runbook, "ansible.builtin.import_playbook": f"secops.itsm.{runbook}", "vars": variables}


def test_credentials_can_be_vault_variables(player, sandbox, vault):
    """Two accounts in one playbook, from group_vars. No output and no report contains a secret."""
    accounts = as_variables(sandbox.environment())
    secrets = [sandbox.credentials["client_secret"], sandbox.credentials["access_token"]]
    secrets += [sandbox.ticketing["client_secret"]]
    first = {name: accounts.pop(name) for name in ("contraforce_client_id", "contraforce_client_secret")}
    second = {"contraforce_access_token": encrypted(sandbox.credentials["access_token"])}
    write(player.folder / "inventory.yml", {"all": {"hosts": {"localhost": None}}})
    # An empty string, as from a survey, and an option with the value 0.
    write(
        player.folder / "group_vars" / "all.yml", {**accounts, "contraforce_proxy": "", "contraforce_retry_timeout": 0}
    )
    write(
        player.folder / "site.yml",
        [
            imported("verify_connection", **first),
            imported("open_ticket", **given("open_ticket"), **first),
            imported("close_incident", **SIGN_IN, **CLOSURE, **second),
        ],
    )
    nothing = dict.fromkeys(ENVIRONMENT_NAMES, "")
    played = player.play("site.yml", "-i", "inventory.yml", *vault, "-vvv", environment=nothing)
    assert played.code == 0, played.output
    assert "POST /auth" in "".join(f"{entry['method']} {entry['path']}" for entry in sandbox.journal()["entries"])
    assert [line.split(":")[0] for line in played.summaries] == ["Done", "Done"]
    reports = [path.read_text(encoding="utf-8") for path in (player.folder / "itsm-reports").iterdir()]
    assert len(reports) == 4
    assert any("127.0.0.1" in text for text in reports)
    for text in (played.output, *reports):
        assert not [secret for secret in secrets if secret in text]


# --- examples of the guide ------------------------------------------------------------------------------------------

#: The collections path of community.hashi_vault, if it is installed. It requires hvac.
HASHI_VAULT = os.environ.get("SECOPS_ITSM_HASHI_VAULT_COLLECTIONS")


def captioned(language: str) -> dict[str, str]:
    """Return the files of the guide by name."""
    found = re.findall(rf"code-block:: {language}\n   :caption: (.*)\n\n((?:(?:   .*)?\n)+)", PAGES["existing_setup"])
    return {name: textwrap.dedent(code) for name, code in found}


@pytest.fixture
def guide(player):
    """Write the files of the guide."""
    for name, text in captioned("yaml").items():
        (player.folder / name).write_text(text, encoding="utf-8")
    return player


def run_shell(player, commands: str, environment: Mapping[str, str]) -> str:
    """Run commands of the guide, and return their output."""
    done = subprocess.run(
        ["bash", "-ec", commands],
        cwd=player.folder,
        env=player.variables({**dict.fromkeys(ENVIRONMENT_NAMES, ""), **environment}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_ansible_vault_example_works(guide, sandbox):
    (guide.folder / ".vault-password").write_text(PASSWORD)
    file = guide.folder / "vault.yml"
    shown = yaml.safe_load(file.read_text(encoding="utf-8"))
    account = {f"contraforce_{name}": sandbox.credentials[name] for name in ("client_id", "client_secret")}
    assert set(shown) == set(account)
    write(file, account)
    (commands, _hashi) = blocks(PAGES["existing_setup"], "shell")
    output = run_shell(guide, commands, {"CONTRAFORCE_URL": sandbox.url})
    assert "credentials            ok" in output
    assert file.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT")


class Vault(BaseHTTPRequestHandler):
    """A HashiCorp Vault server with one secret."""

    secret: dict[str, str]
    requests: list[str]

    def do_GET(self) -> None:
        is_there = self.path == "/v1/secret/data/soc/contraforce" and self.headers["X-Vault-Token"] == "a-token"
        if is_there:
            self.requests.append(self.path)
        body = json.dumps({"data": {"data": self.secret, "metadata": {"version": 1}}} if is_there else {}).encode()
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
        """Log nothing."""


@pytest.mark.parametrize(
    "is_real",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                not HASHI_VAULT,
                reason="community.hashi_vault is not installed; set SECOPS_ITSM_HASHI_VAULT_COLLECTIONS to its path",
            ),
        ),
    ],
)
def test_the_hashicorp_vault_example_works(guide, sandbox, is_real):
    """With a stub of the lookup plugin of community.hashi_vault, which is only available on Galaxy."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vault)
    Vault.secret = {name: sandbox.credentials[name] for name in ("client_id", "client_secret")}
    Vault.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lookups = guide.folder / "ansible_collections" / "community" / "hashi_vault" / "plugins" / "lookup"
    lookups.mkdir(parents=True)
    shutil.copy2(HERE / "doubles" / "vault_kv2_get.py", lookups)
    write(guide.folder / "incidents.yml", {**SIGN_IN, **CLOSURE})
    environment = {
        "CONTRAFORCE_URL": sandbox.url,
        "VAULT_TOKEN": "a-token",
        "ANSIBLE_COLLECTIONS_PATH": f"{HASHI_VAULT if is_real else guide.folder}{os.pathsep}{COLLECTIONS}",
    }
    (_vault, commands) = blocks(PAGES["existing_setup"], "shell")
    commands = commands.replace("https://vault.example.com:8200", f"http://127.0.0.1:{server.server_port}")
    try:
        output = run_shell(guide, f"{commands} -vvv", environment)
    finally:
        server.shutdown()
        server.server_close()
    assert "1 closed" in output
    assert len(Vault.requests) == 1
    assert sandbox.credentials["client_secret"] not in output


def test_the_examples_of_two_accounts_and_tasks_work(guide, sandbox, vault):
    names = ("client_id", "client_secret")
    first = {name: encrypted(sandbox.credentials[name]) for name in names}
    second = {"access_token": encrypted(sandbox.credentials["access_token"])}
    write(guide.folder / "hosts.yml", {"all": {"hosts": {"localhost": None}}})
    accounts = {"accounts": {"first": first, "second": second}}
    own = {f"contraforce_{name}": value for name, value in first.items()}
    write(guide.folder / "group_vars" / "all.yml", accounts)
    nothing = {**dict.fromkeys(ENVIRONMENT_NAMES, ""), "CONTRAFORCE_URL": sandbox.url}
    played = guide.play("both.yml", "-i", "hosts.yml", *vault, environment=nothing)
    assert (played.code, played.output.count("credentials            ok")) == (0, 2), played.output
    write(guide.folder / "own.yml", own)
    played = guide.play("read.yml", "-i", "hosts.yml", "-e", "@own.yml", *vault, environment=nothing)
    assert played.code == 0, played.output


def test_site_wide_settings_do_not_affect_runbooks(player, sandbox):
    """Connections, users and interpreters from an inventory, the configuration and the command."""
    inventory = player.folder / "inventory"
    everywhere = {
        "ansible_connection": "ssh",
        "ansible_host": "192.0.2.1",
        "ansible_become": True,
        "ansible_become_method": "nobody_at_all",
        "ansible_python_interpreter": "/no/such/python",
    }
    write(inventory / "hosts.yml", {"all": {"hosts": {"localhost": None}}})
    write(inventory / "open.contraforce_incidents.yml", {"plugin": "secops.itsm.contraforce_incidents"})
    write(inventory / "group_vars" / "all.yml", everywhere)
    read = {"secops.itsm.contraforce_incident_info": {name: f"{{{{ {name} }}}}" for name in SIGN_IN}}
    tasks = [{"name": "Read an incident", **read}]
    write(
        player.folder / "site.yml",
        [
            imported("verify_connection"),
            imported("reopen_incident", **BUSY, status="New", comment="By a test."),
            imported("close_each_incident", incident_hosts="source_sentinel", **CLOSURE),
            {"name": "Read them", "hosts": "source_defenderxdr", "gather_facts": False, "tasks": tasks},
        ],
    )
    site = {"ANSIBLE_BECOME": "true", "ANSIBLE_BECOME_METHOD": "nobody_at_all"}
    played = player.play("site.yml", "-i", "inventory", "-b", environment=site)
    assert played.code == 0, played.output
    assert [line.split(":")[0] for line in played.summaries] == ["Done", "Done"]


def test_inventory_options_can_be_vault_and_extra_variables(player, sandbox, vault):
    """Options that the file does not set come from the extra variables of runbooks."""
    inventory = Inventory(player)
    secret = encrypted(sandbox.credentials["client_secret"])
    path = player.folder / "a.contraforce_incidents.yml"
    content = {"plugin": "secops.itsm.contraforce_incidents", "sources": ["CrowdStrike"]}
    nothing = dict.fromkeys(ENVIRONMENT_NAMES, "")
    in_file = {"client_secret": secret, "headers": {"X-Gateway-Key": encrypted("a key of the gateway")}}
    named = as_variables(sandbox.environment())
    write(player.folder / "account.yml", {**named, "contraforce_timeout": "20", "contraforce_ca_path": " "})
    account = ("-e", "@account.yml", *vault)
    write(path, {**content, **in_file})
    environment = {"CONTRAFORCE_CLIENT_SECRET": ""}
    for arguments, variables in ((vault, environment), (account, nothing)):
        listed = inventory.list(path, words=arguments, environment=variables)
        assert (listed.code, listed.errors) == (0, "")
        assert len(listed.hosts) == 1
        assert "a key of the gateway" not in listed.text
    # The file takes precedence over the variable.
    write(path, {**content, "client_secret": "another"})
    listed = inventory.list(path, words=account, environment=nothing)
    assert "The credentials were refused" in listed.errors
