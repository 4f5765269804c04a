# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record the options of the modules of awx.awx for the tests of configure_controller.yml.

With this record, tests need no awx.awx, which is only available with 500 MB of other collections. It contains names,
types, choices and required options. Run it again for another release, such as the one in the PyPI package ansible:

  python tests/tools/controller_options.py FOLDER/ansible_collections/awx/awx > tests/functional/controller_options.yml
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any, Iterator, Mapping

import yaml

#: The modules that configure_controller.yml uses.
MODULES = (
    "credential",
    "credential_type",
    "execution_environment",
    "host",
    "inventory",
    "inventory_source",
    "job_template",
    "notification_template",
    "project",
    "schedule",
    "workflow_job_template",
    "workflow_job_template_node",
)

#: The recorded facts of an option.
KEPT = ("type", "elements", "choices", "required", "aliases")

HEADER = """\
---
# SPDX-FileCopyrightText: 2026 secops.itsm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The options of the modules of awx.awx {version}, written by tests/tools/controller_options.py.
"""


def documented(path: Path, name: str) -> dict[str, Any]:
    """Return the documentation of a module or fragment.

    :param path: the Python file.
    :param name: the name of the variable with the documentation.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return dict(yaml.safe_load(str(ast.literal_eval(node.value))))
    raise SystemExit(f"{path} has no {name}.")


def lines_of(options: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the options of a module, without descriptions, as lines of YAML.

    :param options: the documented options.
    :param indent: the indentation of each line.
    """
    for name, option in sorted(options.items()):
        facts = {"type": "str", **{key: option[key] for key in KEPT if option.get(key)}}
        if option.get("suboptions"):
            yield f"{indent}{name}:"
            yield from (f"{indent}  {key}: {value}" for key, value in facts.items())
            yield f"{indent}  options:"
            yield from lines_of(option["suboptions"], indent + "    ")
        else:
            flow = yaml.safe_dump(facts, default_flow_style=True, sort_keys=False, width=1000)
            yield f"{indent}{name}: {flow.strip()}"


def main() -> None:
    """Print the options."""
    parser = argparse.ArgumentParser(description="Record the options of the modules of awx.awx.")
    parser.add_argument("collection", type=Path, help="the directory of the collection awx.awx")
    folder: Path = parser.parse_args().collection
    version = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
    shared = documented(folder / "plugins" / "doc_fragments" / "auth.py", "DOCUMENTATION")["options"]
    print(HEADER.format(version=version))
    print("controller_options:")
    for module in MODULES:
        own = documented(folder / "plugins" / "modules" / f"{module}.py", "DOCUMENTATION")["options"]
        print("\n".join([f"  {module}:", *lines_of({**shared, **own}, "    ")]))


if __name__ == "__main__":
    main()
