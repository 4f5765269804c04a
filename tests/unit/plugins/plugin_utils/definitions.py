# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define modules for tests, and run them as ordinary modules in a process without the controller's part of Ansible."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from dataclasses import replace
from typing import Any, Mapping

if __name__ == "__main__":
    sys.modules["ansible._internal"] = None  # type: ignore[assignment]  # cannot be imported

from ansible import release
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition, parse_items
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

NAME = "secops.itsm.something"
SECRET = "s3cr3t/of+closer"


def operation(api: Any, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Return or raise the result that the name of the task selects."""
    name = options["name"]
    if name == "refused":
        raise ApiError(f"{SECRET} was refused.", "validation", http_status=400, fields={"x": [SECRET]})
    if name == "half":
        failure = ApiError("It was only half done.", "not_converged", may_have_changed=True)
        return OperationResult(True, {"after": {"is": SECRET}}, ["Look at it."], failure)
    if name == "bug":
        raise KeyError(SECRET)
    if name == "deep":
        nested: Any = SECRET
        for _level in range(5000):
            nested = [nested]
        return OperationResult(True, {"record": nested})
    difference = {"before": {"changed": "old"}, "after": {"changed": SECRET}}
    values = {"check_mode": run.check_mode, "record": {SECRET: [SECRET]}, "diff": difference, "size": options["size"]}
    return OperationResult(not run.check_mode, values, [f"Mind {SECRET}.", "Mind the gap."])


THINGS: BulkDefinition[Any] = BulkDefinition(
    "things",
    "thing",
    lambda _api, entries: parse_items(entries, ("name",), lambda options: options, lambda found: found["name"]),
    operation,
)

SMALL: ModuleDefinition[Any] = ModuleDefinition(
    CONTRAFORCE_SERVICE,
    {
        "name": {"type": "str", "aliases": ["title", "heading"]},
        "size": {"type": "int", "default": 3},
        "level": {"type": "str", "choices": ["low", "high"]},
        "old": {"type": "str", "removed_in_version": "9.0.0", "removed_from_collection": "secops.itsm"},
        "older": {"type": "str", "removed_at_date": "2030-01-01", "removed_from_collection": "secops.itsm"},
        "things": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "size": {"type": "int"},
                "level": {"type": "str", "choices": ["low", "high"]},
                "facts": {"type": "dict"},
            },
        },
        "concurrency": {"type": "int", "default": 8},
    },
    operation,
    THINGS,
    {"required_one_of": [("name", "things")], "mutually_exclusive": [("name", "things")]},
)

#: Returns no values.
QUIET = replace(SMALL, operation=lambda api, options, run: OperationResult(False, {}))

#: Has a deprecated alias.
AGING = replace(
    SMALL,
    argument_spec={
        **SMALL.argument_spec,
        "name": {
            "type": "str",
            "aliases": ["title", "heading"],
            "deprecated_aliases": [{"name": "heading", "version": "9.0.0", "collection_name": "secops.itsm"}],
        },
    },
)

#: Since ansible-core 2.21, modules return their invocation only on request.
INVOCATION_ON_REQUEST = tuple(int(part) for part in release.__version__.split(".")[:2]) >= (2, 21)

DEFINITIONS: Mapping[str, ModuleDefinition[Any]] = {"small": SMALL, "quiet": QUIET, "aging": AGING}


def printed_by(case: Mapping[str, Any]) -> str:
    """Return the output of a module.

    :param case: the name of the definition, its arguments, the settings of the run, and the environment.
    """
    for name in ("_global_warnings", "_global_deprecations"):
        setattr(module_warnings, name, type(getattr(module_warnings, name))())
    private = {
        "_ansible_check_mode": case["check_mode"],
        "_ansible_diff": case["diff_mode"],
        "_ansible_verbosity": case["verbosity"],
        "_ansible_module_name": NAME,
    }
    if INVOCATION_ON_REQUEST:
        private["_ansible_inject_invocation"] = True
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {**case["arguments"], **private}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    os.environ.clear()
    os.environ.update(case["environment"])
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        run_module(DEFINITIONS[case["name"]])
    return output.getvalue().strip()


def main() -> None:
    """Run the case in each line of standard input."""
    for line in sys.stdin:
        print(printed_by(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
