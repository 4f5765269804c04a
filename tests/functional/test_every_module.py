# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every module. A new module joins by being there: its documented examples are what is run."""

from __future__ import annotations

import base64
import html
import importlib
import json
import re
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, quote_plus

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils import _errors
from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES, Case

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
#: Starting a playbook takes the longest, so the modules of an API share one.
APIS = sorted({name.split("_", maxsplit=1)[0] for name in MODULES})
SHORT_SECRET = "q7#Zk2"
#: Of a length that puts the secret askew in the Base64 of the pair, where its own Base64 is not found.
ODD_CLIENT_ID = "sandbox-client2"
HEADER_SECRET = "gateway/key+0f9e8d7c"
PROXY_SECRET = "pr0xy&p4ss=word"


def api_of(name: str) -> str:
    """The API of a module: what its name begins with, as its action group and its environment variables do."""
    return name.split("_", maxsplit=1)[0]


def modules_of(api: str) -> list[str]:
    """The modules of an API."""
    return [name for name in MODULES if api_of(name) == api]


def credentials(sandbox: Any, name: str) -> dict[str, str]:
    """What the sandbox takes from a module, or from the modules of an API."""
    return sandbox.ticketing if api_of(name) == "ticketing" else sandbox.credentials


def variables(name: str, **values: str) -> dict[str, str]:
    """Environment variables of a module's API, or of an API, by the names of options."""
    return {f"{api_of(name)}_{option}".upper(): value for option, value in values.items()}


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
    if name.endswith("_info"):
        assert (changed(first.output), sent) == (0, 0)
        assert player.differences_from_golden(f"examples_{name}") == []
        return
    assert sent > 0
    for arguments in (("--check",), ()):
        again = player.play(playbook, *arguments)
        assert (again.code, changed(again.output)) == (0, 0), again.output
    assert sandbox.journal()["writes"] == sent
    assert player.differences_from_golden(f"examples_{name}") == []


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
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        quote(quote(secret, safe=""), safe=""),
        quote_plus(secret, safe="*").replace("~", "%7E"),
        quote(secret, safe="!*()'"),
        html.escape(secret),
        re.sub(r"[&'+<>`\"]", lambda found: f"\\u{ord(found.group()):04X}", secret),
        secret.replace("/", "\\/"),
    }


WRITES = (
    "v2-update-incident-status",
    "v2-link-ticket",
    "v2-unlink-ticket",
    "v2-add-incident-comment",
    "v2-assign-incident",
    "create-ticket",
    "update-ticket",
)
#: What is asked of the ticketing API with a token that was fetched.
WITH_A_TOKEN = ("get-*", "list-*")
PATHS = {
    "success": ({}, []),
    "refused credentials": ({"client_id": "somebody-else"}, []),
    "echoed headers": ({}, [{"status": 400, "content": "echo", "times": -1}]),
    "echoed headers with a token": (
        {},
        [{"operation": operation, "status": 400, "content": "echo", "times": -1} for operation in WITH_A_TOKEN],
    ),
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
#: Of these a module may end well: only a write, or only a token, would show the fault.
HARMLESS = {
    "success": lambda name: True,
    "echoed headers of a write": lambda name: name.endswith("_info"),
    "echoed headers with a token": lambda name: api_of(name) != "ticketing",
}


@pytest.mark.parametrize("as_modules", [False, True], ids=["here", "module"])
@pytest.mark.parametrize("way", ["options", "environment"])
@pytest.mark.parametrize("api", APIS)
def test_no_secret_in_any_output(player, sandbox, api, way, as_modules):
    """Each module takes each path, in turn with the secrets as options and from the environment.

    Each path is that of an ordinary module once, and else in the controller's process, which shares nearly all with it
    and takes a part of the time.
    """
    known = credentials(sandbox, api)
    own = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    own["headers"] = {"X-Gateway-Key": HEADER_SECRET}
    environment = variables(api, headers=json.dumps(own["headers"]))
    if way == "options":
        environment = variables(api, client_id="", client_secret="")
    if as_modules:
        environment.update(AS_MODULES)
    given = own if way == "options" else {}
    modules = modules_of(api)
    taken = [
        (name, path)
        for number, name in enumerate(modules)
        for turn, path in enumerate(PATHS)
        if (turn + number) % 2 == (way == "options") and (turn // 2 % len(modules) == number) == as_modules
    ]
    cases = []
    for name, path in taken:
        arguments, faults = PATHS[path]
        cases.append(Case(f"{name}: {path}", first_task(name, **{**given, **arguments}), faults))
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    shown = played.output + json.dumps(played.results)
    secrets = (known["client_secret"], known["access_token"], HEADER_SECRET, PROXY_SECRET, SHORT_SECRET)
    for secret, client_id in [(secret, owner) for secret in secrets for owner in (known["client_id"], ODD_CLIENT_ID)]:
        for spelling in spellings(secret, client_id):
            # The playbook itself may be quoted by Ansible; it holds what its author wrote into it.
            assert spelling not in shown, f"{secret} shows as {spelling}"
    assert not re.search(r"\beyJ[\w-]{8,}\.", shown), "a fetched token shows"
    assert "Traceback" not in played.output
    for name, path in taken:
        result = played.results[f"{name}: {path}"]
        succeeds = HARMLESS.get(path, lambda name: False)(name)
        assert result.get("failed", False) is not succeeds, (name, path, result)
        if not succeeds:
            assert result["error"]["category"] in _errors.CATEGORIES, (name, path)
            assert set(result["error"]) == set(_errors.ApiError("", "internal").as_dict())


@pytest.mark.parametrize("api", APIS)
def test_access_token_is_not_shown(player, sandbox, api):
    token = credentials(sandbox, api)["access_token"]
    environment = variables(api, client_id="", client_secret="", access_token=token)
    cases = [Case(name, first_task(name)) for name in modules_of(api)]
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    assert [name for name, result in played.results.items() if result.get("failed", True)] == [], played.output
    assert token not in played.output + json.dumps(played.results)


# --- options --------------------------------------------------------------------------------------------------------


def connections_as_they_come(sandbox: Any, name: str) -> Iterator[Case]:
    """Tasks of a module with the options of its connection as texts, as words and as defaults."""
    known = credentials(sandbox, name)
    gateway = '{"X-Gateway-Key": "abc", "X-Number": 7}'
    from_awx = variables(
        name, timeout="30", retry_timeout="60", validate_certs="false", allow_http="no", headers=gateway
    )
    short = {"X-Environment": "prod", "X-Hops": 1, "X-True": True}
    words = variables(name, headers=json.dumps({"X-Trigger": "changed", "X-Part": "status", "X-Other": "before"}))
    needed = ("tenant_id", "realm", "token_url", "client_id", "client_secret")
    defaults = {"url": sandbox.url, **{option: known[option] for option in needed if option in known}}
    group = {f"group/secops.itsm.{api_of(name)}": defaults}
    task = first_task(name)
    yield Case(f"{name}: values from AWX are texts", {**task, "environment": from_awx})
    yield Case(f"{name}: short header values", first_task(name, headers=short))
    yield Case(f"{name}: header values that are words of the result", {**task, "environment": words})
    yield Case(f"{name}: left empty in AWX", {**task, "environment": variables(name, timeout=" ", proxy="")})
    without = variables(name, **dict.fromkeys(defaults, ""))
    yield Case(f"{name}: defaults of the group", {**task, "module_defaults": group, "environment": without})


@pytest.mark.parametrize("api", APIS)
def test_options_as_they_come(player, sandbox, api):
    cases = [case for name in modules_of(api) for case in connections_as_they_come(sandbox, name)]
    played = player.play_cases(sandbox, cases)
    assert played.code == 0, played.output
    for case, result in played.results.items():
        is_info = case.split(":")[0].endswith("_info")
        assert not result.get("failed"), (case, result)
        assert result["changed"] is not is_info, case
        # Masking must neither blot out what is no secret, nor rename what a playbook reads.
        assert {"request_ids"} | (set() if is_info else {"before", "after", "diff"}) <= set(result), case
    for name in modules_of(api):
        short_result = dict(played.results[f"{name}: short header values"])
        # From ansible-core 2.21 on it shows the task's arguments, with its own mask for the secrets among them.
        short_result.pop("invocation", None)
        assert "****" not in json.dumps(short_result), name
        assert "1" in json.dumps(short_result["request_ids"]), name


def bad_connections(name: str) -> dict[str, tuple[dict[str, str], str]]:
    """Environments that no connection can be made of, and what is said of them."""
    common = {
        "no credentials": (variables(name, client_id="", client_secret=""), "No credentials are set"),
        "half of them": (variables(name, client_secret=""), "client_secret"),
        "in clear": (
            variables(name, url="http://portal.example"),
            f"url ({api_of(name).upper()}_URL) begins with http://",
        ),
    }
    if api_of(name) == "contraforce":
        both = "Both kinds of credentials are set"
        return {**common, "both": (variables(name, access_token="t0k3n"), both)}
    return {
        **common,
        "both": (variables(name, access_token="t0k3n"), "More than one kind of credentials is set"),
        "no url": (variables(name, url=""), "url (TICKETING_URL) is missing"),
        "no tenant": (variables(name, tenant_id=" "), "tenant_id (TICKETING_TENANT_ID) is missing"),
        "no realm": (variables(name, realm=""), "realm (TICKETING_REALM) is missing"),
        "tenant that is none": (variables(name, tenant_id="northwind"), "must be the UUID of the tenant"),
    }


@pytest.mark.parametrize("api", APIS)
def test_bad_connection_is_refused_before_any_request(player, sandbox, api):
    """In check mode, too: every other case, and with the next module the others."""
    wrong = bad_connections(api)
    cases = [
        Case(f"{name}: {case}", {**first_task(name), "environment": environment, "check_mode": number % 2 == 0})
        for name in modules_of(api)
        for number, (case, (environment, _words)) in enumerate(wrong.items(), start=MODULES.index(name))
    ]
    played = player.play_cases(sandbox, cases, anew=False)
    for name in modules_of(api):
        for case, (_environment, words) in wrong.items():
            result = played.results[f"{name}: {case}"]
            assert result["error"]["category"] == "configuration", (name, case)
            assert words in result["msg"], (name, case)
    assert sandbox.journal()["entries"] == []


@pytest.mark.parametrize("api", APIS)
def test_missing_library(player, sandbox, tmp_path, api):
    cases = []
    for library in ("requests", "jsonschema"):
        hidden = tmp_path / f"without_{library}"
        hidden.mkdir()
        (hidden / f"{library}.py").write_text("raise ImportError('hidden by a test')\n")
        ordinary = {"vars": {"secops_itsm_in_process": False}, "environment": {"PYTHONPATH": str(hidden)}}
        cases += [Case(f"{name}: {library}", {**first_task(name), **ordinary}) for name in modules_of(api)]
    played = player.play_cases(sandbox, cases, "-vvv", anew=False)
    for case, result in played.results.items():
        wanted = rf"Failed to import the required Python library \({case.split()[1]}\) on "
        assert re.match(wanted, result["msg"]), case
        assert result["error"]["category"] == "configuration"
    assert "Traceback" not in played.output
    assert sandbox.journal()["entries"] == []


def test_missing_library_of_the_controller(player, sandbox, tmp_path):
    """Nothing can be done in its process then, and the ordinary run says what is missing, and where."""
    (tmp_path / "requests.py").write_text("raise ImportError('hidden by a test')\n")
    played = player.play_tasks([first_task(MODULES[0])], "-vvv", environment={"PYTHONPATH": str(tmp_path)})
    assert "Failed to import the required Python library (requests)" in played.result["msg"]
    assert "Traceback" not in played.output
