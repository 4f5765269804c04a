# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generate parts of the documentation site from code and data, such as tables of runbooks, options and assumptions."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

import yaml
from antsibull_docs_parser import parser
from antsibull_docs_parser.rst import to_rst_plain

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption
from ansible_collections.secops.itsm.plugins.module_utils._contraforce import assumptions as contraforce_assumptions
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.plugin_utils.report import NEXT_STEPS
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS, INCIDENT_LISTS
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import AUTO_WAYS, LINK
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import TicketSystem, all_systems
from ansible_collections.secops.itsm.tests.benchmark.report import document
from ansible_collections.secops.itsm.tests.benchmark.results import Results

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^\.\. generated: (\w+)(?: (\S+))?$", re.MULTILINE)
PLUGIN_PAGE = re.compile(r"(\w+)_(module|filter|inventory|lookup|test|callback)$")

#: The headings of the kinds of plugins, in the order of the site.
KINDS = {"module": "Modules", "filter": "Filters", "lookup": "Lookups", "inventory": "Inventory"}
#: The short description of a plugin that exists only for the runbooks begins with this.
INTERNAL = "[INTERNAL]"
#: The connection options and the assumptions of each API.
APIS: Mapping[str, tuple[Mapping[str, Option], Mapping[str, Assumption]]] = {
    "contraforce": (CONTRAFORCE_OPTIONS, contraforce_assumptions.ASSUMPTIONS),
    **{system.group: (system.connection_options, system.assumptions) for system in all_systems()},
}


def fill(text: str, folder: Path) -> str:
    """Return the text of a page with its markers replaced. Raise KeyError if a marker or its argument is unknown.

    :param text: the source of the page.
    :param folder: the directory of the site's sources, which contains the pages of the plugins.
    """

    def replacement(match: re.Match[str]) -> str:
        name, argument = match.groups()
        if name in SITE_WIDE:
            return SITE_WIDE[name](folder)
        return GENERATED[name](argument) if argument else GENERATED[name]()

    return MARKER.sub(replacement, text)


def is_plugin_page(page: Path) -> bool:
    """Return whether antsibull-docs created a page for a plugin.

    :param page: the path of the page in the site's sources.
    """
    return page.parent.name != "docsite" and bool(PLUGIN_PAGE.match(page.stem))


# --- reStructuredText -----------------------------------------------------------------------------------------------


def list_table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto") -> str:
    """Return a table.

    :param head: the first row.
    :param rows: the other rows; a cell may have several lines.
    :param widths: the widths of the columns in percent, separated by spaces.
    """
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (head, *rows):
        for number, cell in enumerate(row):
            first, *rest = cell.split("\n")
            lines.append(f"   {'* -' if number == 0 else '  -'} {first}".rstrip())
            lines += [f"       {line}".rstrip() for line in rest]
    return "\n".join([*lines, ""])


def code(value: Any) -> str:
    """Return a value as inline code, a text without quotes."""
    return f"``{value if isinstance(value, str) else json.dumps(value)}``"


def prose(text: str | Sequence[str]) -> str:
    """Return a description with Ansible markup as one line of reStructuredText.

    :param text: one or several paragraphs.
    """
    paragraphs = [text] if isinstance(text, str) else text
    # Environment variables become code, because a reference to each needs an entry in an index.
    without_references = [re.sub(r"\bE\(", "C(", paragraph) for paragraph in paragraphs]
    parsed = [parser.parse(paragraph, parser.Context()) for paragraph in without_references]
    return to_rst_plain([part for paragraph in parsed for part in paragraph], par_sep=" ").strip()


def from_markdown(text: str) -> str:
    """Return a cell of a Markdown table as reStructuredText. Code and emphasis are supported.

    :param text: the text of the cell.
    """
    converted = re.sub(r"`([^`]+)`", r"``\1``", text.strip())
    # Escape the parenthesis of a text such as (a), which begins an enumerated list.
    return f"\\{converted}" if converted.startswith("(") else converted


def markdown_table(text: str, heading: str) -> str:
    """Return the first table below a heading of a Markdown document.

    :param text: the document.
    :param heading: the heading without number signs.
    """
    part = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    lines = [line for line in re.split(r"^#", part, maxsplit=1, flags=re.MULTILINE)[0].splitlines() if line[:1] == "|"]
    rows = [[from_markdown(cell) for cell in line.strip("|").split("|")] for line in lines]
    return list_table(rows[0], rows[2:])


def read(name: str) -> Any:
    """Return the content of a YAML file.

    :param name: the path of the file in the collection.
    """
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


# --- runbooks -------------------------------------------------------------------------------------------------------


def runbook_table() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the groups of variables and the runbooks."""
    table = read("playbooks/vars/runbooks.yml")
    return table["itsm_variables"], table["itsm_runbooks"]


def runbooks() -> str:
    """Return a table of all runbooks with their purposes."""
    rows = [
        (f":ref:`{name} <ansible_collections.secops.itsm.docsite.runbook_{name}>`", prose(runbook["does"]))
        for name, runbook in runbook_table()[1].items()
    ]
    return list_table(["Runbook", "Description"], rows, "28 72")


def does(name: str) -> str:
    """Return the purpose of a runbook.

    :param name: the name of the runbook.
    """
    return prose(runbook_table()[1][name]["does"]) + "\n"


def variables(name: str) -> str:
    """Return a table of the variables of a runbook.

    :param name: the name of the runbook.
    """
    groups, all_runbooks = runbook_table()
    runbook = all_runbooks[name]
    accepted = {variable: facts for group in runbook["takes"] for variable, facts in groups[group].items()}
    for variable in runbook.get("without", ()):
        del accepted[variable]
    defaults = runbook.get("defaults", {})
    rows = [
        variable_row(
            variable,
            {**facts, **({"default": defaults[variable]} if variable in defaults else {})},
            requirement(variable, runbook),
        )
        for variable, facts in accepted.items()
    ]
    table = list_table(["Variable", "Required", "Description"], rows, "27 19 54")
    parts = [table, *(variables_of_system(runbook, system) for system in all_systems())]
    return "\n".join([*filter(None, parts), entry_variables(runbook)])


def variables_of_system(runbook: Mapping[str, Any], system: TicketSystem) -> str:
    """Return a table of the variables that a ticketing system adds to a runbook, or an empty text.

    :param runbook: an entry of the table of runbooks.
    :param system: the ticketing system.
    """
    added = {name: facts for group in runbook["takes"] for name, facts in system.variables.get(group, {}).items()}
    if not added:
        return ""
    rows = [
        variable_row(name, facts, "**yes**" if facts.get("required") else requirement_of_system(name, system, runbook))
        for name, facts in added.items()
    ]
    table = list_table(["Variable", "Required", "Description"], rows, "27 19 54")
    keys = ", ".join(map(code, system.definition["entry"]))
    of_entries = f"\nAn entry may also contain {keys}.\n" if "tickets" in runbook["takes"] else ""
    return f"{system.title}, with {code(f'ticket_system: {system.name}')}:\n\n{table}{of_entries}"


def requirement_of_system(name: str, system: TicketSystem, runbook: Mapping[str, Any]) -> str:
    """Return whether or when a runbook requires a variable of a ticketing system.

    :param name: the name of the variable.
    :param system: the ticketing system.
    :param runbook: an entry of the table of runbooks.
    """
    if "resolution" in runbook["takes"] and name == system.definition["ticket"]["reference"].get("field"):
        return f"**yes**, or {code('summary')}"
    if name in system.definition["closing"]["required_if_checked"] and "direction" in runbook["takes"]:
        return f"if {code('direction')} is {code('from_incident')}"
    if name in system.definition["closing"]["required_if_checked"]:
        if AUTO_WAYS[system.definition["contraforce_links"]] != LINK:
            linked = f"{code('ticket_reference')} is {code('link')}"
            return f"unless {linked} and {code('ticket_closing')} is {code('contraforce')}"
        is_default = system.definition["closing"]["default"] == "checked"
        way, word = ("contraforce", "unless") if is_default else ("checked", "if")
        return f"{word} {code('ticket_closing')} is {code(way)}"
    for group in system.definition["ticket"]["values"]:
        if group.get("required") and name in group["names"]:
            others = "".join(f"or {code(other)}, " for other in group["names"] if other != name)
            return f"to open a ticket, {others}or in each entry"
    return "no"


def variable_row(name: str, facts: Mapping[str, Any], required: str) -> tuple[str, str, str]:
    """Return a row of the table of variables.

    :param name: the name of the variable.
    :param facts: the type, choices, default and description of the variable.
    :param required: whether or when the variable is required.
    """
    kind = facts["type"] + (f" of {facts['elements']}" if "elements" in facts else "")
    text = prose(facts["description"])
    if "choices" in facts:
        text += "\n\nChoices: " + ", ".join(map(code, facts["choices"])) + "."
    if facts.get("default") not in (None, [], {}):
        text += f"\n\nDefault: {code(facts['default'])}"
    return f"{code(name)}\n\n*{kind}*", required, text


def requirement(name: str, runbook: Mapping[str, Any]) -> str:
    """Return whether or when a runbook requires a variable.

    :param name: the name of the variable.
    :param runbook: the runbook's entry in the table of runbooks.
    """
    of_hosts = "hosts" in runbook["takes"]
    # The inventory sets the variables of a host.
    in_entry = "or for each host" if of_hosts else "or in each entry"
    if name in runbook.get("required", ()):
        return "**yes**"
    if name == "classification" and "direction" in runbook["takes"]:
        return f"if {code('direction')} is {code('from_ticket')}"
    if name in runbook.get("needs", ()):
        return f"**yes**, {in_entry}"
    if name in runbook.get("needs_of_sentinel", ()):
        return f"for Sentinel, {in_entry}"
    if name in IDENTITY_KEYS and "entry" in runbook:
        return "set by the inventory" if of_hosts else f"without {code(entry_list(runbook))}"
    if name in INCIDENT_LISTS and not of_hosts:
        return f"**yes**, or {code('pairs_file') if name == 'pairs' else 'a single incident'}"
    if name == "pairs_file":
        return f"without {code('pairs')}"
    return "no"


def entry_list(runbook: Mapping[str, Any]) -> str:
    """Return the name of the variable that contains the list of incidents of a runbook.

    :param runbook: the runbook's entry in the table of runbooks.
    """
    return "pairs" if "pairs" in runbook["takes"] else "incidents"


def entry_variables(runbook: Mapping[str, Any]) -> str:
    """Return sentences about the variables of an entry of a runbook's list.

    :param runbook: an entry of the table of runbooks.
    """
    if not runbook.get("entry"):
        return ""
    variable = entry_list(runbook)
    keys = ", ".join(map(code, runbook["entry"]))
    lines = [f"In addition to the keys that identify the incident, an entry of {code(variable)} may contain: {keys}."]
    if runbook.get("needs"):
        needs = " and ".join(map(code, runbook["needs"]))
        lines.append(f"Each incident needs {needs}, in its entry or as a variable of the runbook.")
    if runbook.get("needs_of_sentinel"):
        lines.append(f"A Sentinel incident also needs {' and '.join(map(code, runbook['needs_of_sentinel']))}.")
    return " ".join(lines) + "\n"


def ticket_systems() -> str:
    """Return a table of the ticketing systems."""
    words = {
        "documented": "yes, as ContraForce documents",
        "assumed": "not documented",
        "no": "no",
    }
    rows = [
        (
            code(system.name),
            system.title,
            code(system.group),
            words[system.definition["contraforce_links"]],
            code(AUTO_WAYS[system.definition["contraforce_links"]]),
        )
        for system in all_systems()
    ]
    titles = ["ticket_system", "System", "Action group", "ContraForce can link its tickets", "ticket_reference: auto"]
    return list_table(titles, rows, "16 18 18 28 20")


# --- connections, errors, assumptions -------------------------------------------------------------------------------


def connection(api: str) -> str:
    """Return a table of the connection options of an API.

    :param api: a key of :data:`APIS`.
    """
    fragment = importlib.import_module(f"ansible_collections.secops.itsm.plugins.doc_fragments.{api}")
    documented = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    rows = []
    for name, option in APIS[api][0].items():
        description = documented[name]["description"]
        paragraphs = [description] if isinstance(description, str) else description
        sentences = [text for text in paragraphs if option.env not in text]
        default = "" if option.default is None else f"\n\nDefault: {code(option.default)}"
        secret = "\n\n*secret*" if option.secret else ""
        rows.append((f"{code(name)}{secret}", code(option.env), prose(sentences) + default))
    return list_table(["Option", "Environment variable", "Description"], rows, "18 32 50")


def next_steps() -> str:
    """Return a table of the error categories with the next steps that reports show."""
    rows = [
        (f":ref:`{name} <ansible_collections.secops.itsm.docsite.error_{name}>`", NEXT_STEPS[name])
        for name in CATEGORIES
    ]
    return list_table(["Category", "What to do"], rows, "25 75")


def assumptions(api: str) -> str:
    """Return a table of the assumptions about an API with their consequences.

    :param api: a key of :data:`APIS`.
    """
    rows = [(name, *assumption) for name, assumption in APIS[api][1].items()]
    return list_table(["ID", "Assumption", "Consequence if it is wrong"], rows, "10 45 45")


def operations(api: str) -> str:
    """Return a table of the operations of an API that the collection uses, with their provenance.

    :param api: a key of :data:`APIS`.
    """
    contract = read(f"docs/contracts/{api}.openapi.yaml")
    rows = [
        (operation["summary"], f"``{method.upper()} {path}``", operation["x-provenance"])
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    return list_table(["Operation", "Request", "Provenance"], rows, "25 60 15")


def benchmark(heading: str) -> str:
    """Return a table of the benchmark report.

    :param heading: the heading of its section, with underscores instead of spaces.
    """
    results = Results.from_json((ROOT / "docs" / "benchmark.json").read_text(encoding="utf-8"))
    return markdown_table(document(results), heading.replace("_", " "))


def drawing(name: str) -> str:
    """Return a drawing as part of the page, so that its text has the color of the page's text in both themes.

    :param name: the name of the file in docs/docsite/images, without ``.svg``.
    """
    source = (ROOT / "docs" / "docsite" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    lines = source[source.index("<svg") :].splitlines()
    return "\n".join(
        [".. raw:: html", "", '   <div class="drawing">', *(f"   {line}" for line in lines), "   </div>", ""]
    )


# --- the site -------------------------------------------------------------------------------------------------------


def plugins(folder: Path) -> str:
    """Return tables of the public plugins with their purposes, by kind.

    :param folder: the directory of the site's sources.
    """
    parts = []
    for kind, title in KINDS.items():
        rows = [
            (f":doc:`{name} </{page.stem}>`", purpose_of(page))
            for name, page in plugin_pages(folder, kind)
            if is_public(page)
        ]
        if rows:
            parts += [f"{title}\n{'~' * len(title)}\n", list_table(["Name", "Description"], rows, "40 60")]
    return "\n".join(parts)


def internal_plugins(folder: Path) -> str:
    """Return a table of the plugins that exist only for the runbooks.

    :param folder: the directory of the site's sources.
    """
    rows = [
        (f":doc:`{name} </{page.stem}>`", kind, purpose_of(page).replace(INTERNAL, "").strip())
        for kind in KINDS
        for name, page in plugin_pages(folder, kind)
        if is_internal(page)
    ]
    return list_table(["Name", "Kind", "Description"], rows, "30 15 55")


def navigation(folder: Path) -> str:
    """Return the tables of contents of the sidebar: the guides by section and the public plugins by kind.

    :param folder: the directory of the site's sources.
    """
    parts = [
        toctree(section["title"], [f"docsite/{page}" for page in section["toctree"]])
        for section in read("docs/docsite/extra-docs.yml")["sections"]
    ]
    for kind, title in KINDS.items():
        entries = [f"{name} <{page.stem}>" for name, page in plugin_pages(folder, kind) if is_public(page)]
        parts += [toctree(title, entries)] if entries else []
    return "\n".join([*parts, toctree("Releases", ["Release notes <changelog>"])])


def toctree(caption: str, entries: Sequence[str]) -> str:
    """Return a hidden table of contents.

    :param caption: the title.
    :param entries: the names of pages, or ``title <page>``.
    """
    lines = [".. toctree::", "   :hidden:", f"   :caption: {caption}", "", *(f"   {entry}" for entry in entries)]
    return "\n".join([*lines, ""])


def plugin_pages(folder: Path, kind: str) -> list[tuple[str, Path]]:
    """Return the names of plugins with the paths of their pages.

    :param folder: the directory of the site's sources.
    :param kind: a key of :data:`KINDS`.
    """
    suffix = f"_{kind}"
    return [(page.stem[: -len(suffix)], page) for page in sorted(folder.glob(f"*{suffix}.rst"))]


def is_internal(page: Path) -> bool:
    """Return whether a plugin exists only for the runbooks.

    :param page: the path of the plugin's page.
    """
    return purpose_of(page).startswith(INTERNAL)


def is_public(page: Path) -> bool:
    """Return whether a plugin is for users. The page of a removed plugin does not have a short description.

    :param page: the path of the plugin's page.
    """
    return bool(purpose_of(page)) and not is_internal(page)


def purpose_of(page: Path) -> str:
    """Return the short description of a plugin, or an empty text if it was removed.

    :param page: the path of the plugin's page.
    """
    return title_of(page).partition(" -- ")[2]


def title_of(page: Path) -> str:
    """Return the title of a page. Raise KeyError if it has none.

    :param page: the path of the page.
    """
    found = re.search(r"^(.+)\n(?:=+|\++|-+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise KeyError(f"{page.name} has no title")
    return found.group(1)


def event_plugin(path: str) -> str:
    """Return a table of the options of an event source or filter, without the connection options.

    :param path: the path of the plugin below extensions/eda/plugins, without ``.py``.
    """
    text = (ROOT / "extensions" / "eda" / "plugins" / f"{path}.py").read_text(encoding="utf-8")
    documentation = yaml.safe_load(re.split(r'^(?:DOCUMENTATION = r)?"""$', text, flags=re.MULTILINE)[1])
    # The guide on authentication documents the connection options.
    excluded = CONTRAFORCE_OPTIONS if set(CONTRAFORCE_OPTIONS) <= set(documentation["options"]) else {}
    rows = []
    for name, option in documentation["options"].items():
        if name in excluded:
            continue
        default = "**required**" if option.get("required") else code(option["default"]) if "default" in option else ""
        choices = f" Choices: {', '.join(map(code, option['choices']))}." if "choices" in option else ""
        rows.append((code(name), default, prose(option["description"]) + choices))
    return list_table(["Option", "Default", "Description"], rows, "22 18 60")


#: Functions by the name in a marker.
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
    "ticket_systems": ticket_systems,
    "variables": variables,
}
#: Functions of the whole site by the name in a marker.
SITE_WIDE: Mapping[str, Callable[[Path], str]] = {
    "internal_plugins": internal_plugins,
    "navigation": navigation,
    "plugins": plugins,
}
