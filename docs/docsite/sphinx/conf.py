# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Sphinx for the documentation site. Built by tests/tools/docsite.py, and from nothing but this machine."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = "secops.itsm"
author = "secops.itsm contributors"
project_copyright = "2026, secops.itsm contributors"

extensions = ["sphinx_antsibull_ext", "sphinx_copybutton", "sphinx_design"]
default_role = "any"
highlight_language = "yaml+jinja"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
# The button copies the commands of a console without their output.
copybutton_prompt_text = "$ "
# The color schemes of antsibull-docs follow the system, but not the theme's switch. The theme's variables follow both.
antsibull_ext_color_scheme = "none"
pygments_dark_style = "monokai"

#: The colors of the tables of options, as (light, dark).
COLORS = {
    "antsibull-links-background": ("#1d5fa8", "#1d5fa8"),
    "antsibull-links-background-active": ("#174c87", "#2f78c8"),
    "antsibull-links-focus-outline": ("#8ab8ec", "#8ab8ec"),
    "antsibull-links-text": ("#ffffff", "#ffffff"),
    "antsibull-table-background-header": ("#e9eef5", "#2a2e34"),
    "antsibull-table-background-odd": ("#ffffff", "#17191c"),
    "antsibull-table-background-even": ("#f6f8fb", "#1e2125"),
    "antsibull-table-border": ("#d3dae3", "#3a3f46"),
    "antsibull-narrowtable-background": ("#e9eef5", "#2a2e34"),
    "antsibull-option-type": ("#6b2fa0", "#cfa8ff"),
    "antsibull-option-elements": ("#6b2fa0", "#cfa8ff"),
    "antsibull-option-required": ("#b3261e", "#ff8f85"),
    "antsibull-option-version-added": ("#1b6b34", "#7ddc9a"),
    "antsibull-option-aliases": ("#1b6b34", "#7ddc9a"),
    "antsibull-option-default": ("#1a52b0", "#9fc3ff"),
    "antsibull-option-sample": ("#1a52b0", "#9fc3ff"),
    "antsibull-option-sample-header": ("inherit", "inherit"),
    "antsibull-attribute-support-none": ("#b3261e", "#ff8f85"),
    "antsibull-attribute-support-partial": ("#7a5d00", "#e3c14d"),
    "antsibull-attribute-support-full": ("#1b6b34", "#7ddc9a"),
    "antsibull-attribute-support-na": ("inherit", "inherit"),
    "antsibull-deprecation-border": ("#7a5d00", "#e3c14d"),
    "antsibull-deprecation-background": ("#fff6d6", "#332b10"),
    "antsibull-deprecation-color": ("inherit", "inherit"),
}
html_theme_options = {
    "light_css_variables": {name: light for name, (light, _dark) in COLORS.items()},
    "dark_css_variables": {name: dark for name, (_light, dark) in COLORS.items()},
}

#: What the pages of plugins refer to in Ansible's own documentation.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
LABELS = {
    "action_plugins": (f"{ANSIBLE}/plugins/action.html#action-plugins", "Action plugins"),
    "ansible_configuration_settings": (f"{ANSIBLE}/reference_appendices/config.html", "Ansible configuration settings"),
    "common_return_values": (f"{ANSIBLE}/reference_appendices/common_return_values.html", "Common return values"),
    "filter_plugins": (f"{ANSIBLE}/plugins/filter.html", "Filter plugins"),
    "inventory_plugins": (f"{ANSIBLE}/plugins/inventory.html", "Inventory plugins"),
    "complex_data_manipulation": (f"{ANSIBLE}/playbook_guide/complex_data_manipulation.html", "Manipulating data"),
    "playbooks_filters": (f"{ANSIBLE}/playbook_guide/playbooks_filters.html", "Using filters"),
}
BUILTIN = re.compile(r"ansible_collections\.(ansible\.builtin\.(\w+)_(?:module|filter|lookup))")
#: A word that does not fit on a line of a narrow screen.
LONG_WORD = re.compile(r"\S{25}")


def address_of(label: str) -> tuple[str, str] | None:
    """The address of what a label of Ansible's documentation stands for, and its title.

    :param label: such as C(action_plugins).
    """
    plugin = BUILTIN.fullmatch(label)
    if plugin:
        page = plugin.group(1).replace("ansible.builtin.", "ansible/builtin/")
        return f"{ANSIBLE}/collections/{page}.html", f"ansible.builtin.{plugin.group(2)}"
    return LABELS.get(label)


def address_of_variable(name: str) -> tuple[str, str] | None:
    """The address of a variable of the environment that is a setting of Ansible itself, and its name.

    :param name: such as C(ANSIBLE_CACHE_PLUGIN).
    """
    settings, _title = LABELS["ansible_configuration_settings"]
    return (f"{settings}#envvar-{name}", name) if name.startswith("ANSIBLE_") else None


def link_to_ansible(_app: Any, _env: Any, node: Any, content: Any) -> nodes.reference | None:
    """A link for a label of Ansible's documentation, without a download of its list of labels."""
    name = node["reftarget"]
    found = {"ref": address_of, "envvar": address_of_variable}.get(node.get("reftype"), lambda _name: None)(name)
    if not found:
        return None
    address, title = found
    words = content.astext() if node.get("refexplicit") else title
    return nodes.reference("", words, refuri=address, internal=False)


def label_cells(_app: Any, page: nodes.document, _name: str) -> None:
    """Add the heading of its column to each cell of a table with more than two columns.

    The style sheet only shows it on a narrow screen, where the cells of a row are below each other. The tables of
    options have a layout of their own.
    """
    for table in page.findall(nodes.table):
        heads = [entry.astext() for head in table.findall(nodes.thead) for entry in head.findall(nodes.entry)]
        if not heads or "ansible-option-table" in table["classes"]:
            continue
        table["classes"].append("stacked")
        for row in [row for body in table.findall(nodes.tbody) for row in body.findall(nodes.row)]:
            for heading, entry in list(zip(heads, row))[1:] if len(heads) > 2 else []:
                entry.insert(0, nodes.paragraph("", heading, classes=["cell-label"]))


def allow_breaks(_app: Any, page: nodes.document, _name: str) -> None:
    """Let a browser break long names in titles and long paths in code after a separator, instead of anywhere."""
    for text in list(page.findall(nodes.Text)):
        parent = text.parent
        if isinstance(parent, (nodes.title, nodes.literal)) and LONG_WORD.search(text):
            parts = re.split(r"(?<=[./_])(?=\w)", text)
            broken = [node for part in parts for node in (nodes.raw("", "<wbr>", format="html"), nodes.Text(part))]
            parent.replace(text, broken[1:])


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", link_to_ansible)
    app.connect("doctree-resolved", label_cells)
    app.connect("doctree-resolved", allow_breaks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
