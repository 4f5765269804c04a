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
antsibull_ext_color_scheme = "default-autodark"
pygments_dark_style = "monokai"

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


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
