# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what every module has in common, with the examples of its documentation. New modules are included."""

from __future__ import annotations

import base64
import html
import importlib
import itertools
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
APIS = sorted({name.split("_", maxsplit=1)[0] for name in MODULES})
SHORT_SECRET = "q7#Zk2"
#: Its length shifts the secret in the Base64 of the pair, which then does not contain the secret's own Base64.
ODD_CLIENT_ID = "sandbox-client2"
HEADER_SECRET = "gateway/key+0f9e8d7c"
PROXY_SECRET = "pr0xy&p4ss=word"


def api_of(name: str) -> str:
    """Return the API of a module, with which its name and its environment variables begin."""
    return name.split("_", maxsplit=1)[0]


def credentials(sandbox: Any, name: str) -> dict[str, str]:
    """Return the sandbox's credentials for a module or an API."""
    known = {"servicenow": sandbox.servicenow, "ticketing": sandbox.ticketing}
    return known.get(api_of(name), sandbox.credentials)


def login_options(name: str) -> tuple[str, str]:
    """Return the options with the credentials that the environment of a playbook sets."""
    return ("username", "password") if api_of(name) == "servicenow" else ("client_id", "client_secret")


def variables(name: str, **values: str) -> dict[str, str]:
    """Return environment variables for a module or an API.

    :param name: the module or the API.
    :param values: values by the names of options.
    """
    return {f"{api_of(name)}_{option}".upper(): value for option, value in values.items()}


def variables_of_all(**values: str) -> dict[str, str]:
    """Return environment variables for all APIs."""
    return {name: value for api in APIS for name, value in variables(api, **values).items()}


def without_login() -> dict[str, str]:
    """Return environment variables that remove the credentials of all APIs."""
    return {name: "" for api in APIS for name in variables(api, **dict.fromkeys(login_options(api), ""))}


def examples(name: str) -> list[dict[str, Any]]:
    """Return the tasks of a module's EXAMPLES."""
    module = importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{name}")
    return yaml.safe_load(module.EXAMPLES)


def module_tasks(tasks: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """Yield the tasks that run a module, including those in blocks."""
    for task in tasks:
        if f"secops.itsm.{name}" in task:
            yield task
        yield from module_tasks(task.get("block", []), name)


def first_task(name: str, **arguments: Any) -> dict[str, Any]:
    """Return the first example of a module with additional options."""
    task = next(module_tasks(examples(name), name))
    fqcn = f"secops.itsm.{name}"
    return {"name": task["name"], fqcn: {**(task[fqcn] or {}), **arguments}}


def changed(output: str) -> int:
    """Return the number of changed tasks in the recap."""
    return int(re.findall(r"changed=(\d+)", output)[-1])


@pytest.mark.parametrize("name", MODULES)
def test_examples_check_run_check_run(player, sandbox, name):
    """Examples succeed, check mode predicts them without a write, and a second run changes nothing."""
    playbook = player.write(examples(name))
    predicted = player.play(playbook, "--check", "--diff")
    assert predicted.code == 0, predicted.output
    assert sandbox.journal()["writes"] == 0
    first = player.play(playbook)
    assert first.code == 0, first.output
    assert changed(first.output) == changed(predicted.output)
    sent = sandbox.journal()["writes"]
    if name.endswith("_info"):
        assert (changed(first.output), sent) == (0, 0)
        return
    assert sent > 0
    for arguments in (("--check",), ()):
        again = player.play(playbook, *arguments)
        assert (again.code, changed(again.output)) == (0, 0), again.output
    assert sandbox.journal()["writes"] == sent


# --- secrets --------------------------------------------------------------------------------------------------------


def spellings(secret: str, client_id: str) -> set[str]:
    """Return every spelling of a secret, without the code under test."""
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
    "create-record",
    "update-record",
)
#: Requests to the APIs of tickets, which need a fetched token.
WITH_A_TOKEN = ("get-*", "list-*")
PATHS = {
    "success": ({}, []),
    "refused credentials": ({"client_id": "unknown"}, []),
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
    "connection refused": ({"retry_timeout": 0, "url": "http://127.0.0.1:9"}, []),
    "dead proxy": (
        {"retry_timeout": 0, "url": "http://127.0.0.1:9", "proxy": f"http://u:{PROXY_SECRET}@127.0.0.1:9"},
        [],
    ),
    "bad choice": ({"validate_certs": "perhaps"}, []),
    "unknown option": ({"nonsense": 1}, []),
    "both credentials": ({"access_token": "sandbox.access-token.0123456789"}, []),
    "secret in the url": ({"url": f"https://user:{PROXY_SECRET}@portal.example"}, []),
    "secret in an invalid url": ({"url": f"user:{PROXY_SECRET}@portal.example"}, []),
    "secret in the query": ({"url": f"https://portal.example/?code={PROXY_SECRET}"}, []),
}
#: Paths that succeed for some modules, because only a write or only a token shows the fault.
HARMLESS = {
    "success": lambda name: True,
    "echoed headers of a write": lambda name: name.endswith("_info"),
    "echoed headers with a token": lambda name: api_of(name) == "contraforce",
}
#: Where secrets come from, and the execution mode.
COMBINATIONS = [(source, mode) for source in ("options", "environment") for mode in ("in-process", "module")]


def combination_of(module: int, path: int) -> tuple[str, str] | None:
    """Return the combination in which a module takes a path, if it does.

    Each path is taken by a third of the modules of each API, in both modes; each module has every combination.
    """
    if (module + path) % 3:
        return None
    return COMBINATIONS[(module // 3 + path // 3) % len(COMBINATIONS)]


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_no_secret_in_any_output(player, sandbox, combination):
    source, mode = combination
    known = {api: credentials(sandbox, api) for api in APIS}
    headers = {"X-Gateway-Key": HEADER_SECRET}
    environment = without_login() if source == "options" else variables_of_all(headers=json.dumps(headers))
    taken = [
        (name, path)
        for number, name in enumerate(MODULES)
        for turn, path in enumerate(PATHS)
        if combination_of(number, turn) == combination
    ]
    cases = []
    for name, path in taken:
        arguments, faults = PATHS[path]
        if source == "environment":
            renamed = dict(zip(("client_id", "client_secret"), login_options(name)))
            arguments = {renamed.get(option, option): value for option, value in arguments.items()}
        own = {option: known[api_of(name)][option] for option in ("client_id", "client_secret")}
        given = {**own, "headers": headers} if source == "options" else {}
        cases.append(Case(f"{name}: {path}", first_task(name, **{**given, **arguments}), faults))
    environment.update(AS_MODULES if mode == "module" else {})
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    shown = played.output + json.dumps(played.results)
    owners = [each[option] for each in known.values() for option in ("client_id", "username") if option in each]
    options = ("client_secret", "access_token", "password")
    secrets = [each[option] for each in known.values() for option in options if option in each]
    for secret in (*secrets, HEADER_SECRET, PROXY_SECRET, SHORT_SECRET):
        for spelling in set().union(*(spellings(secret, owner) for owner in (ODD_CLIENT_ID, *owners))):
            assert spelling not in shown, f"{secret} appears as {spelling}"
    assert not re.search(r"\beyJ[\w-]{8,}\.", shown), "a fetched token appears"
    assert "Traceback" not in played.output
    for name, path in taken:
        result = played.results[f"{name}: {path}"]
        succeeds = HARMLESS.get(path, lambda name: False)(name)
        assert result.get("failed", False) is not succeeds, (name, path, result)
        if not succeeds:
            assert result["error"]["category"] in _errors.CATEGORIES, (name, path)
            assert set(result["error"]) == set(_errors.ApiError("", "internal").as_dict())


def test_access_token_is_not_shown(player, sandbox):
    tokens = {api: credentials(sandbox, api)["access_token"] for api in APIS}
    environment = without_login()
    for api, token in tokens.items():
        environment.update(variables(api, access_token=token))
    cases = [Case(name, first_task(name)) for name in MODULES]
    played = player.play_cases(sandbox, cases, "-vvvv", environment=environment)
    assert [name for name, result in played.results.items() if result.get("failed", True)] == [], played.output
    shown = played.output + json.dumps(played.results)
    assert [api for api, token in tokens.items() if token in shown] == []


# --- options --------------------------------------------------------------------------------------------------------


def connection_cases(sandbox: Any, name: str) -> Iterator[Case]:
    """Yield tasks of a module with connection options as strings, as words and as defaults."""
    known = credentials(sandbox, name)
    # As AWX sets them; some header values are words of the result.
    headers = json.dumps({"X-Trigger": "changed", "X-Part": "status", "X-Other": "before", "X-Number": 7})
    strings = variables(
        name, timeout="30", retry_timeout="60", validate_certs="false", allow_http="no", headers=headers
    )
    short = {"X-Environment": "prod", "X-Hops": 1, "X-True": True}
    needed = ("tenant_id", "realm", *(() if "username" in known else ("token_url",)), *login_options(name))
    defaults = {"url": sandbox.url, **{option: known[option] for option in needed if option in known}}
    group = {f"group/secops.itsm.{api_of(name)}": defaults}
    task = first_task(name)
    yield Case(f"{name}: strings", {**task, "environment": strings})
    yield Case(f"{name}: short header values", first_task(name, headers=short))
    yield Case(f"{name}: empty", {**task, "environment": variables(name, timeout=" ", proxy="")})
    without = variables(name, **dict.fromkeys(defaults, ""))
    yield Case(f"{name}: defaults of the group", {**task, "module_defaults": group, "environment": without})


def test_connection_options_from_all_sources(player, sandbox):
    cases = [case for name in MODULES for case in connection_cases(sandbox, name)]
    played = player.play_cases(sandbox, cases)
    assert played.code == 0, played.output
    for case, result in played.results.items():
        is_info = case.split(":")[0].endswith("_info")
        assert not result.get("failed"), (case, result)
        assert result["changed"] is not is_info, case
        # Redaction must neither mask other values nor rename keys of the result.
        assert {"request_ids"} | (set() if is_info else {"before", "after", "diff"}) <= set(result), case
    for name in MODULES:
        short_result = dict(played.results[f"{name}: short header values"])
        # Since ansible-core 2.21 the invocation contains the options, masked by Ansible itself.
        short_result.pop("invocation", None)
        assert "****" not in json.dumps(short_result), name
        assert "1" in json.dumps(short_result), name


def bad_connections(name: str) -> dict[str, tuple[dict[str, str], str]]:
    """Return invalid environments, each with a fact of its message."""
    api, (owner, secret) = api_of(name).upper(), login_options(name)
    found = {
        "no credentials": (variables(name, **{owner: "", secret: ""}), f"{api}_{owner.upper()}"),
        "no secret": (variables(name, **{secret: ""}), secret),
        "http": (variables(name, url="http://portal.example"), f"{api}_URL"),
        "both": (variables(name, access_token="t0k3n"), "access_token"),
    }
    if api != "CONTRAFORCE":
        found["no url"] = (variables(name, url=""), f"{api}_URL")
    if api == "TICKETING":
        found |= {
            "no tenant": (variables(name, tenant_id=" "), "TICKETING_TENANT_ID"),
            "no realm": (variables(name, realm=""), "TICKETING_REALM"),
            "invalid tenant": (variables(name, tenant_id="northwind"), "UUID"),
        }
    return found


def test_bad_connection_is_refused_before_any_request(player, sandbox):
    """Every other module takes each case, half of them in check mode."""
    wanted, cases = {}, []
    for number, name in enumerate(MODULES):
        for turn, (case, (environment, fact)) in enumerate(bad_connections(name).items()):
            if (number + turn) % 2 == 0:
                task = {**first_task(name), "environment": environment, "check_mode": turn % 2 == 0}
                cases.append(Case(f"{name}: {case}", task))
                wanted[f"{name}: {case}"] = fact
    played = player.play_cases(sandbox, cases, reset=False)
    for case, fact in wanted.items():
        result = played.results[case]
        assert result["error"]["category"] == "configuration", case
        assert fact in result["msg"], case
    assert sandbox.journal()["entries"] == []


def test_missing_library(player, sandbox, tmp_path):
    """An ordinary module reports which library is missing, for two modules of each API."""
    cases = []
    for api, (number, library) in itertools.product(APIS, enumerate(("requests", "jsonschema"))):
        name = [module for module in MODULES if api_of(module) == api][number]
        hidden = tmp_path / f"without_{library}"
        hidden.mkdir(exist_ok=True)
        (hidden / f"{library}.py").write_text("raise ImportError('hidden by a test')\n")
        as_module = {"vars": {"secops_itsm_in_process": False}, "environment": {"PYTHONPATH": str(hidden)}}
        cases.append(Case(f"{name}: {library}", {**first_task(name), **as_module}))
    played = player.play_cases(sandbox, cases, "-vvv", reset=False)
    for case, result in played.results.items():
        wanted = rf"Failed to import the required Python library \({case.split()[1]}\) on "
        assert re.match(wanted, result["msg"]), case
        assert result["error"]["category"] == "configuration"
    assert "Traceback" not in played.output
    assert sandbox.journal()["entries"] == []


def test_missing_library_of_the_controller(player, sandbox, tmp_path):
    """The module then runs as an ordinary module, which reports what is missing and where."""
    (tmp_path / "requests.py").write_text("raise ImportError('hidden by a test')\n")
    played = player.play_tasks([first_task(MODULES[0])], "-vvv", environment={"PYTHONPATH": str(tmp_path)})
    assert "Failed to import the required Python library (requests)" in played.result["msg"]
    assert "Traceback" not in played.output
