# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation site says from what the code knows: tables of runbooks, options, assumptions and plugins."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

import yaml
from antsibull_docs_parser import parser
from antsibull_docs_parser.rst import to_rst_plain

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import assumptions as of_contraforce
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import assumptions as of_ticketing
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.plugins.plugin_utils.report import NEXT_STEPS

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^\.\. generated: (\w+)(?: (\S+))?$", re.MULTILINE)
PLUGIN_PAGE = re.compile(r"(\w+)_(module|filter|inventory|lookup|test|callback)$")

#: The kinds of plugins as the site lists them.
KINDS = {"module": "Modules", "filter": "Filters", "lookup": "Lookups", "inventory": "Inventory"}
APIS: Mapping[str, tuple[Mapping[str, Option], Mapping[str, str]]] = {
    "contraforce": (CONTRAFORCE_OPTIONS, of_contraforce.ASSUMPTIONS),
    "ticketing": (TICKETING_OPTIONS, of_ticketing.ASSUMPTIONS),
}


def fill(text: str, folder: Path) -> str:
    """A page with what its markers stand for.

    :param text: the page as it was written.
    :param folder: the sources of the site, in which the plugins' pages are.
    :raises KeyError: a marker, or what it asks for, is not known.
    """

    def made(match: re.Match[str]) -> str:
        name, argument = match.groups()
        if name in OF_THE_SITE:
            return OF_THE_SITE[name](folder)
        return GENERATED[name](argument) if argument else GENERATED[name]()

    return MARKER.sub(made, text)


def is_plugin_page(page: Path) -> bool:
    """Whether a page is that of a plugin, which antsibull-docs wrote.

    :param page: its path among the sources of the site.
    """
    return page.parent.name != "docsite" and bool(PLUGIN_PAGE.match(page.stem))


# --- reStructuredText -----------------------------------------------------------------------------------------------


def list_table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto") -> str:
    """A table.

    :param head: its first row.
    :param rows: the others; a cell may be of several lines.
    :param widths: of its columns.
    """
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (head, *rows):
        for number, cell in enumerate(row):
            first, *rest = cell.split("\n")
            lines.append(f"   {'* -' if number == 0 else '  -'} {first}".rstrip())
            lines += [f"       {line}".rstrip() for line in rest]
    return "\n".join([*lines, ""])


def code(value: Any) -> str:
    """A value as it is typed; a text without quotes."""
    return f"``{value if isinstance(value, str) else json.dumps(value)}``"


def prose(text: str | Sequence[str]) -> str:
    """A description with Ansible's markup, such as C(name), as reStructuredText on one line.

    :param text: a paragraph, or several.
    """
    paragraphs = [text] if isinstance(text, str) else text
    # The names of variables are told as code: a reference to each would need its own entry in an index.
    told = [re.sub(r"\bE\(", "C(", paragraph) for paragraph in paragraphs]
    parsed = [parser.parse(paragraph, parser.Context()) for paragraph in told]
    return to_rst_plain([part for paragraph in parsed for part in paragraph], par_sep=" ").strip()


def from_markdown(text: str) -> str:
    """A cell of a Markdown table; of Markdown, only code and emphasis are in these.

    :param text: of the cell.
    """
    told = re.sub(r"`([^`]+)`", r"``\1``", text.strip())
    # What begins like (a) would be taken for an item of a list.
    return f"\\{told}" if told.startswith("(") else told


def markdown_table(path: Path, heading: str) -> str:
    """The first table under a heading of a Markdown file.

    :param path: of the file.
    :param heading: without its marks.
    """
    text = path.read_text(encoding="utf-8")
    part = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    lines = [line for line in re.split(r"^#", part, maxsplit=1, flags=re.MULTILINE)[0].splitlines() if line[:1] == "|"]
    rows = [[from_markdown(cell) for cell in line.strip("|").split("|")] for line in lines]
    return list_table(rows[0], rows[2:])


def read(name: str) -> Any:
    """What a YAML file of the collection holds.

    :param name: its path in the collection.
    """
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


# --- runbooks -------------------------------------------------------------------------------------------------------


def runbook_table() -> tuple[dict[str, Any], dict[str, Any]]:
    """The groups of variables, and the runbooks."""
    table = read("playbooks/vars/runbooks.yml")
    return table["itsm_variables"], table["itsm_runbooks"]


def runbooks() -> str:
    """All runbooks, with what each is for."""
    rows = [
        (f":ref:`{name} <ansible_collections.secops.itsm.docsite.runbook_{name}>`", prose(runbook["does"]))
        for name, runbook in runbook_table()[1].items()
    ]
    return list_table(["Runbook", "What it does"], rows, "28 72")


def does(name: str) -> str:
    """What a runbook is for.

    :param name: of the runbook.
    """
    return prose(runbook_table()[1][name]["does"]) + "\n"


def variables(name: str) -> str:
    """The variables of a runbook.

    :param name: of the runbook.
    """
    groups, all_runbooks = runbook_table()
    runbook = all_runbooks[name]
    taken = {variable: facts for group in runbook["takes"] for variable, facts in groups[group].items()}
    for variable in runbook.get("without", ()):
        del taken[variable]
    required, defaults = runbook.get("required", ()), runbook.get("defaults", {})
    rows = [
        variable_row(variable, {**facts, **({"default": defaults[variable]} if variable in defaults else {})}, required)
        for variable, facts in taken.items()
    ]
    table = list_table(["Variable", "What it is for"], rows, "28 72")
    return f"{table}\n{of_an_entry(runbook)}"


def variable_row(name: str, facts: Mapping[str, Any], required: Sequence[str]) -> tuple[str, str]:
    """A row of the table of variables.

    :param name: of the variable.
    :param facts: its type, choices, default and description.
    :param required: the variables that must be given.
    """
    kind = facts["type"] + (f" of {facts['elements']}" if "elements" in facts else "")
    left = f"{code(name)}\n\n*{kind}*" + (", **required**" if name in required else "")
    right = prose(facts["description"])
    if "choices" in facts:
        right += "\n\nOne of " + ", ".join(map(code, facts["choices"])) + "."
    if facts.get("default") not in (None, [], {}):
        right += f"\n\nDefault: {code(facts['default'])}"
    return left, right


def of_an_entry(runbook: Mapping[str, Any]) -> str:
    """What an entry of a runbook's list may have, and what it needs.

    :param runbook: from the table.
    """
    if not runbook.get("entry"):
        return ""
    which = "pairs" if "pairs" in runbook["takes"] else "incidents"
    words = ", ".join(map(code, runbook["entry"]))
    lines = [f"Besides what names the incident, an entry of {code(which)} may have: {words}."]
    if runbook.get("needs"):
        needs = " and ".join(map(code, runbook["needs"]))
        lines.append(f"Each incident needs {needs}, in its entry or as a variable for all.")
    if runbook.get("needs_of_sentinel"):
        lines.append(f"One of Sentinel also needs {' and '.join(map(code, runbook['needs_of_sentinel']))}.")
    return " ".join(lines) + "\n"


# --- connections, errors, assumptions -------------------------------------------------------------------------------


def connection(api: str) -> str:
    """The options of a connection.

    :param api: which.
    """
    fragment = importlib.import_module(f"ansible_collections.secops.itsm.plugins.doc_fragments.{api}")
    documented = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    rows = []
    for name, option in APIS[api][0].items():
        told = documented[name]["description"]
        sentences = [text for text in ([told] if isinstance(told, str) else told) if option.env not in text]
        default = "" if option.default is None else f"\n\nDefault: {code(option.default)}"
        secret = "\n\n*secret*" if option.secret else ""
        rows.append((f"{code(name)}{secret}", code(option.env), prose(sentences) + default))
    return list_table(["Option", "Environment variable", "What it is"], rows, "18 32 50")


def next_steps() -> str:
    """The categories of errors, with what a report says to do."""
    rows = [
        (f":ref:`{name} <ansible_collections.secops.itsm.docsite.error_{name}>`", NEXT_STEPS[name])
        for name in CATEGORIES
    ]
    return list_table(["Category", "What to do"], rows, "25 75")


def assumptions(api: str) -> str:
    """What is assumed about an API, and what happens where that is wrong, which the README knows.

    :param api: which.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = []
    for name, text in APIS[api][1].items():
        found = re.search(rf"^\| {name} \| .+? \| (.+) \|$", readme, re.MULTILINE)
        if not found:
            raise KeyError(f"README.md does not say what happens if {name} is wrong")
        rows.append((name, text, from_markdown(found.group(1))))
    return list_table(["Name", "What is assumed", "If it is wrong"], rows, "10 45 45")


def operations(api: str) -> str:
    """The operations of an API that the collection uses, with where each is known from.

    :param api: which.
    """
    contract = read(f"docs/contracts/{api}.openapi.yaml")
    rows = [
        (operation["summary"], f"``{method.upper()} {path}``", operation["x-provenance"])
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    return list_table(["Operation", "Request", "Known from"], rows, "25 60 15")


def benchmark(heading: str) -> str:
    """A table of the benchmark.

    :param heading: of its section, with underscores for spaces.
    """
    return markdown_table(ROOT / "docs" / "benchmark.md", heading.replace("_", " "))


def drawing(name: str) -> str:
    """A drawing, by a path that only the site has.

    :param name: of its file in docs/docsite/images.
    """
    source = (ROOT / "docs" / "docsite" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    described = re.findall(r"<desc[^>]*>(.*?)</desc>", source, re.DOTALL)
    return f".. image:: /images/{name}.svg\n   :class: drawing\n   :alt: {' '.join(described[0].split())}\n"


# --- the site -------------------------------------------------------------------------------------------------------


def plugins(folder: Path) -> str:
    """All plugins, with what each is for.

    :param folder: the sources of the site.
    """
    parts = []
    for kind, title in KINDS.items():
        rows = [
            (f":doc:`{name} </{page.stem}>`", title_of(page).split(" -- ", maxsplit=1)[-1])
            for name, page in plugin_pages(folder, kind)
        ]
        if rows:
            parts += [f"{title}\n{'~' * len(title)}\n", list_table(["Name", "What it does"], rows, "40 60")]
    return "\n".join(parts)


def navigation(folder: Path) -> str:
    """The tables of contents beside each page: the guides by section, and the plugins by kind.

    :param folder: the sources of the site.
    """
    parts = [
        toctree(section["title"], [f"docsite/{page}" for page in section["toctree"]])
        for section in read("docs/docsite/extra-docs.yml")["sections"]
    ]
    for kind, title in KINDS.items():
        entries = [f"{name} <{page.stem}>" for name, page in plugin_pages(folder, kind)]
        parts += [toctree(title, entries)] if entries else []
    return "\n".join([*parts, toctree("Releases", ["Release notes <changelog>"])])


def toctree(caption: str, entries: Sequence[str]) -> str:
    """A hidden table of contents.

    :param caption: its title.
    :param entries: pages, or C(title <page>).
    """
    lines = [".. toctree::", "   :hidden:", f"   :caption: {caption}", "", *(f"   {entry}" for entry in entries)]
    return "\n".join([*lines, ""])


def plugin_pages(folder: Path, kind: str) -> list[tuple[str, Path]]:
    """The pages of plugins, by the plugin's name.

    :param folder: the sources of the site.
    :param kind: of plugins, as it stands in their pages' names.
    """
    suffix = f"_{kind}"
    return [(page.stem[: -len(suffix)], page) for page in sorted(folder.glob(f"*{suffix}.rst"))]


def title_of(page: Path) -> str:
    """The title of a page: the line over the first underline.

    :param page: its path.
    """
    found = re.search(r"^(.+)\n(?:=+|\++|-+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise KeyError(f"{page.name} has no title")
    return found.group(1)


def event_plugin(path: str) -> str:
    """The options of an event source or filter, but for those of the connection, which have a page of their own.

    :param path: of its file below C(extensions/eda/plugins), without C(.py).
    """
    text = (ROOT / "extensions" / "eda" / "plugins" / f"{path}.py").read_text(encoding="utf-8")
    documentation = yaml.safe_load(re.split(r'^(?:DOCUMENTATION = r)?"""$', text, flags=re.MULTILINE)[1])
    told_elsewhere = CONTRAFORCE_OPTIONS if set(CONTRAFORCE_OPTIONS) <= set(documentation["options"]) else {}
    rows = []
    for name, option in documentation["options"].items():
        if name in told_elsewhere:
            continue
        given = "**required**" if option.get("required") else code(option["default"]) if "default" in option else ""
        chosen = f" One of {', '.join(map(code, option['choices']))}." if "choices" in option else ""
        rows.append((code(name), given, prose(option["description"]) + chosen))
    return list_table(["Option", "Default", "What it is for"], rows, "22 18 60")


#: By the name in a marker.
GENERATED: Mapping[str, Callable[..., str]] = {
    "assumptions": assumptions,
    "benchmark": benchmark,
    "connection": connection,
    "does": does,
    "drawing": drawing,
    "event_plugin": event_plugin,
    "next_steps": next_steps,
    "operations": operations,
    "runbooks": runbooks,
    "variables": variables,
}
OF_THE_SITE: Mapping[str, Callable[[Path], str]] = {"navigation": navigation, "plugins": plugins}
