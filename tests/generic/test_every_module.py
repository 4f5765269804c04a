# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every module. A new module joins by being there: its documented examples are what is run."""

from __future__ import annotations

import base64
import importlib
import json
import re
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, quote_plus

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils import errors

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
SHORT_SECRET = "q7#Zk2"
#: Of a length that puts the secret askew in the Base64 of the pair, where its own Base64 is not found.
ODD_CLIENT_ID = "sandbox-client2"
HEADER_SECRET = "gateway/key+0f9e8d7c"
PROXY_SECRET = "pr0xy&p4ss=word"


def examples(name: str) -> list[dict[str, Any]]:
    """The tasks of a module's EXAMPLES."""
    module = importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{name}")
    return yaml.safe_load(module.EXAMPLES)


def module_tasks(tasks: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """The tasks among them that run the module itself, blocks included."""
    for task in tasks:
        if f"secops.itsm.{name}" in task:
            yield task
        yield from module_tasks(task.get("block", []), name)


def first_task(name: str, **arguments: Any) -> dict[str, Any]:
    """The first example of a module, with further arguments."""
    task = next(module_tasks(examples(name), name))
    fqcn = f"secops.itsm.{name}"
    return {"name": task["name"], fqcn: {**(task[fqcn] or {}), **arguments}}


def changed(output: str) -> int:
    """The number of changed tasks in the recap."""
    return int(re.findall(r"changed=(\d+)", output)[-1])


@pytest.mark.parametrize("name", MODULES)
def test_examples_check_run_check_run(player, sandbox, name):
    """Examples work, check mode predicts them and writes nothing, and a second run is ok."""
    playbook = player.write(examples(name))
    foretold = player.play(playbook, "--check", "--diff")
    assert foretold.code == 0, foretold.output
    assert sandbox.journal()["writes"] == 0
    first = player.play(playbook)
    assert first.code == 0, first.output
    assert changed(first.output) == changed(foretold.output)
    sent = sandbox.journal()["writes"]
    assert sent > 0 or name.endswith("_info")
    for arguments in (("--check",), ()):
        again = player.play(playbook, *arguments)
        assert (again.code, changed(again.output)) == (0, 0), again.output
    assert sandbox.journal()["writes"] == sent


# --- secrets --------------------------------------------------------------------------------------------------------


def spellings(secret: str, client_id: str) -> set[str]:
    """Every spelling of a secret that must not be printed; made without the code under test."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"{client_id}:{secret}".encode()).decode(),
        json.dumps(secret)[1:-1],
    }


WRITES = (
    "v2-update-incident-status",
    "v2-link-ticket",
    "v2-unlink-ticket",
    "v2-add-incident-comment",
    "v2-assign-incident",
)
PATHS = {
    "success": ({}, []),
    "refused credentials": ({"client_id": "somebody-else"}, []),
    "echoed headers": ({}, [{"status": 400, "content": "echo", "times": -1}]),
    "echoed headers of a write": (
        {},
        [{"operation": operation, "status": 403, "content": "echo", "times": -1} for operation in WRITES],
    ),
    "short secret": (
        {"client_id": ODD_CLIENT_ID, "client_secret": SHORT_SECRET},
        [{"status": 400, "content": "echo", "times": -1}],
    ),
    "html": ({"retry_timeout": 0}, [{"status": 502, "content": "html", "times": -1}]),
    "cut off": ({"retry_timeout": 0}, [{"drop": True, "times": -1}]),
    "nobody there": ({"retry_timeout": 0, "url": "http://127.0.0.1:9"}, []),
    "dead proxy": (
        {"retry_timeout": 0, "url": "http://127.0.0.1:9", "proxy": f"http://u:{PROXY_SECRET}@127.0.0.1:9"},
        [],
    ),
    "bad choice": ({"validate_certs": "perhaps"}, []),
    "unknown option": ({"nonsense": 1}, []),
    "both credentials": ({"access_token": "sandbox.access-token.0123456789"}, []),
    "secret in the url": ({"url": f"https://user:{PROXY_SECRET}@portal.example"}, []),
    "secret in a url that is none": ({"url": f"user:{PROXY_SECRET}@portal.example"}, []),
    "secret in the query": ({"url": f"https://portal.example/?code={PROXY_SECRET}"}, []),
}


#: Each module takes each path, in turn with the secrets as options and from the environment; over the modules each path
#: is taken both ways.
CASES = [
    (name, path, ("options", "environment")[(module + number) % 2])
    for module, name in enumerate(MODULES)
    for number, path in enumerate(PATHS)
]


@pytest.mark.parametrize("name, path, way", CASES)
def test_no_secret_in_any_output(player, sandbox, name, path, way):
    arguments, faults = PATHS[path]
    sandbox.set_faults(*faults)
    own = {
        "client_id": sandbox.credentials["client_id"],
        "client_secret": sandbox.credentials["client_secret"],
        "headers": {"X-Gateway-Key": HEADER_SECRET},
    }
    environment = {"CONTRAFORCE_HEADERS": json.dumps(own["headers"])}
    if way == "options":
        environment = {"CONTRAFORCE_CLIENT_ID": "", "CONTRAFORCE_CLIENT_SECRET": ""}
        arguments = {**own, **arguments}
    played = player.play_tasks([first_task(name, **arguments)], "-vvvv", environment=environment)
    succeeds = path == "success" or (path == "echoed headers of a write" and name.endswith("_info"))
    assert (played.code == 0) == succeeds, played.output
    shown = played.output + json.dumps(played.result)
    known = sandbox.credentials
    secrets = (known["client_secret"], known["access_token"], HEADER_SECRET, PROXY_SECRET, SHORT_SECRET)
    for secret, client_id in [(secret, owner) for secret in secrets for owner in (known["client_id"], ODD_CLIENT_ID)]:
        for spelling in spellings(secret, client_id):
            # The playbook itself may be quoted by Ansible; it holds what its author wrote into it.
            assert spelling not in shown, f"{path}: {secret} shows as {spelling}"
    if not succeeds:
        assert "Traceback" not in played.output
        assert played.result["error"]["category"] in errors.CATEGORIES
        assert set(played.result["error"]) == set(errors.ApiError("", "internal").as_dict())


@pytest.mark.parametrize("name", MODULES)
def test_access_token_is_not_shown(player, sandbox, name):
    token = sandbox.credentials["access_token"]
    environment = {"CONTRAFORCE_CLIENT_ID": "", "CONTRAFORCE_CLIENT_SECRET": "", "CONTRAFORCE_ACCESS_TOKEN": token}
    played = player.play_tasks([first_task(name)], "-vvvv", environment=environment)
    assert played.code == 0, played.output
    assert token not in played.output + json.dumps(played.result)


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_values_from_awx_are_texts(player, sandbox, name):
    environment = {
        "CONTRAFORCE_TIMEOUT": "30",
        "CONTRAFORCE_RETRY_TIMEOUT": "60",
        "CONTRAFORCE_VALIDATE_CERTS": "false",
        "CONTRAFORCE_ALLOW_HTTP": "no",
        "CONTRAFORCE_HEADERS": '{"X-Gateway-Key": "abc", "X-Number": 7}',
    }
    played = player.play_tasks([first_task(name)], environment=environment)
    assert played.code == 0, played.output


@pytest.mark.parametrize("name", MODULES)
def test_short_header_values_do_not_blot_out_the_result(player, name):
    played = player.play_tasks([first_task(name, headers={"X-Environment": "prod", "X-Hops": 1, "X-True": True})])
    assert played.code == 0, played.output
    assert "****" not in json.dumps(played.result)
    assert "1" in json.dumps(played.result["request_ids"])
    assert played.result["changed"] is not name.endswith("_info")


@pytest.mark.parametrize("name", MODULES)
def test_header_value_that_is_a_word_of_the_result(player, name):
    """Masking must not rename what a playbook reads."""
    environment = {"CONTRAFORCE_HEADERS": json.dumps({"X-Trigger": "changed", "X-Part": "status", "X-Other": "before"})}
    played = player.play_tasks([first_task(name)], environment=environment)
    assert played.code == 0, played.output
    is_info = name.endswith("_info")
    assert played.result["changed"] is not is_info
    wanted = {"request_ids"} if is_info else {"request_ids", "before", "after", "diff"}
    assert wanted <= set(played.result)


@pytest.mark.parametrize("name", MODULES)
def test_fields_left_empty_in_awx_are_as_if_absent(player, name):
    task = {**first_task(name), "environment": {"CONTRAFORCE_TIMEOUT": " ", "CONTRAFORCE_PROXY": ""}}
    played = player.play_tasks([task])
    assert played.code == 0, played.output


@pytest.mark.parametrize("name", MODULES)
def test_module_defaults_of_the_group(player, sandbox, name):
    group = f"group/secops.itsm.{name.split('_', maxsplit=1)[0]}"
    defaults = {
        "url": sandbox.url,
        "client_id": sandbox.credentials["client_id"],
        "client_secret": sandbox.credentials["client_secret"],
    }
    environment = {"CONTRAFORCE_URL": "", "CONTRAFORCE_CLIENT_ID": "", "CONTRAFORCE_CLIENT_SECRET": ""}
    task = {**first_task(name), "module_defaults": {group: defaults}}
    played = player.play_tasks([task], environment=environment)
    assert played.code == 0, played.output


@pytest.mark.parametrize("check", [(), ("--check",)])
@pytest.mark.parametrize(
    "environment, words",
    [
        ({"CONTRAFORCE_CLIENT_ID": "", "CONTRAFORCE_CLIENT_SECRET": ""}, "No credentials are set"),
        ({"CONTRAFORCE_CLIENT_SECRET": ""}, "client_secret is missing"),
        ({"CONTRAFORCE_ACCESS_TOKEN": "t0k3n"}, "Both kinds of credentials are set"),
        ({"CONTRAFORCE_URL": "http://portal.example"}, "url begins with http://"),
    ],
)
@pytest.mark.parametrize("name", MODULES)
def test_bad_connection_is_refused_before_any_request(player, sandbox, name, environment, words, check):
    played = player.play_tasks([first_task(name)], *check, environment=environment)
    assert played.result["error"]["category"] == "configuration"
    assert words in played.result["msg"]
    assert sandbox.journal()["entries"] == []


@pytest.mark.parametrize("library", ["requests", "jsonschema"])
@pytest.mark.parametrize("name", MODULES)
def test_missing_library(player, sandbox, tmp_path, name, library):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / f"{library}.py").write_text("raise ImportError('hidden by a test')\n")
    task = {**first_task(name), "environment": {"PYTHONPATH": str(tmp_path / "hidden")}}
    played = player.play_tasks([task], "-vvv")
    assert played.code != 0
    assert re.match(rf"Failed to import the required Python library \({library}\) on ", played.result["msg"])
    assert played.result["error"]["category"] == "configuration"
    assert "Traceback" not in played.output
    assert sandbox.journal()["entries"] == []
