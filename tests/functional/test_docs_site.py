# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the documentation site adds to Sphinx: links, internal plugins, colors and tables on narrow screens."""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.tools.site_links import broken_links

SPHINX = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "sphinx"
STYLE = (SPHINX / "static" / "site.css").read_text(encoding="utf-8")


@pytest.fixture(name="settings")
def fixture_settings() -> dict[str, Any]:
    """Return the settings of Sphinx, which need the requirements of the documentation."""
    pytest.importorskip("docutils")
    return runpy.run_path(str(SPHINX / "conf.py"))


# --- links ----------------------------------------------------------------------------------------------------------


def site(folder: Path, first: str, second: str = "") -> Path:
    """Return the directory of a site with two pages."""
    (folder / "guides").mkdir()
    (folder / "index.html").write_text(f"<h1 id='top'>First</h1>{first}", encoding="utf-8")
    (folder / "guides" / "second page.html").write_text(f"<h1 id='part'>Second</h1>{second}", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "link",
    [
        "guides/second%20page.html",
        "guides/second%20page.html#part",
        "#top",
        "https://other.example/missing.html#part",
        "mailto:support@northwind.example",
        "//other.example/missing.js",
    ],
)
def test_working_link_is_accepted(tmp_path, link):
    assert broken_links(site(tmp_path, f"<a href='{link}'>x</a>", "<a href='../index.html#top'>x</a>")) == []


@pytest.mark.parametrize(
    "element, problem",
    [
        ("<a href='missing.html'>x</a>", "missing.html: the file does not exist"),
        ("<a href='#part'>x</a>", "#part: the anchor does not exist"),
        ("<a href='guides/second%20page.html#top'>x</a>", "guides/second%20page.html#top: the anchor does not exist"),
        ("<img src='images/missing.svg'>", "images/missing.svg: the file does not exist"),
    ],
)
def test_broken_link_is_reported(tmp_path, element, problem):
    assert broken_links(site(tmp_path, element)) == [f"index.html: {problem}"]


# --- internal plugins -----------------------------------------------------------------------------------------------


@pytest.fixture(name="pages")
def fixture_pages(tmp_path) -> Path:
    """Return a directory with the pages of a public, an internal and a removed filter."""
    for name, title in [
        ("public", "secops.itsm.public filter -- Select incidents"),
        ("hidden", "secops.itsm.hidden filter -- [INTERNAL] Read input"),
        ("removed", "secops.itsm.removed"),
    ]:
        (tmp_path / f"{name}_filter.rst").write_text(f"{title}\n{'+' * len(title)}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("part", ["plugins", "navigation"])
def test_only_public_plugins_are_listed(pages, part):
    pytest.importorskip("antsibull_docs_parser")
    generated = importlib.import_module("ansible_collections.secops.itsm.tests.tools.generated")
    listed = generated.SITE_WIDE[part](pages)
    assert re.findall(r"(?:public|hidden|removed)_filter", listed) == ["public_filter"]


def test_internal_plugins_are_listed_for_contributors(pages):
    pytest.importorskip("antsibull_docs_parser")
    generated = importlib.import_module("ansible_collections.secops.itsm.tests.tools.generated")
    listed = generated.internal_plugins(pages)
    assert re.findall(r"(?:public|hidden|removed)_filter", listed) == ["hidden_filter"]
    assert "Read input" in listed
    assert "[INTERNAL]" not in listed


# --- colors and narrow screens --------------------------------------------------------------------------------------


def test_colors_of_options_follow_theme_switch(settings):
    package = pytest.importorskip("sphinx_antsibull_ext")
    style = (Path(package.__file__).parent / "antsibull-minimal.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--(antsibull-[\w-]+)\)", style))
    themes = [settings["html_theme_options"][f"{theme}_css_variables"] for theme in ("light", "dark")]
    assert used
    assert all(used <= set(colors) for colors in themes)
    # Another color scheme would follow the system instead of the switch.
    assert settings["antsibull_ext_color_scheme"] == "none"
    assert "prefers-color-scheme" not in STYLE


def luminance(color: str) -> float:
    """Return the relative luminance of a color, as WCAG defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_option_tables_is_readable(settings, theme):
    colors = settings["html_theme_options"][f"{theme}_css_variables"]
    backgrounds = [value for name, value in colors.items() if re.search("table-background", name)]
    texts = [value for name, value in colors.items() if re.search("-(option|attribute)-", name) and value[0] == "#"]
    # The text of the theme itself.
    texts.append({"light": "#000000", "dark": "#cfd0d0"}[theme])
    assert backgrounds
    assert len(texts) > 5
    for background in backgrounds:
        for text in texts:
            low, high = sorted([luminance(background), luminance(text)])
            assert (high + 0.05) / (low + 0.05) >= 4.5, (background, text)


def rendered_table(settings: dict[str, Any], columns: int, classes: str = "any") -> Any:
    """Return the table of a page after the changes of the settings."""
    core = importlib.import_module("docutils.core")
    heads = "\n       - ".join(f"Heading {number}" for number in range(columns))
    cells = "\n       - ".join(f"cell {number}" for number in range(columns))
    text = f".. list-table::\n   :header-rows: 1\n   :class: {classes}\n\n   * - {heads}\n   * - {cells}\n"
    page = core.publish_doctree(text.replace("       -", "     -"))
    settings["label_cells"](None, page, "page")
    nodes = importlib.import_module("docutils.nodes")
    (table,) = page.findall(nodes.table)
    return table


def test_cells_of_wide_table_name_their_columns(settings):
    table = rendered_table(settings, 3)
    assert "stacked" in table["classes"]
    assert table.astext().split("\n\n")[-5:] == ["cell 0", "Heading 1", "cell 1", "Heading 2", "cell 2"]
    assert {"table.stacked", ".cell-label"} <= set(re.findall(r"(?:table)?\.[\w-]+", STYLE))


def test_cells_of_two_columns_are_not_labeled(settings):
    assert rendered_table(settings, 2).astext().split("\n\n")[-2:] == ["cell 0", "cell 1"]


def test_tables_of_options_keep_their_layout(settings):
    assert "stacked" not in rendered_table(settings, 3, "ansible-option-table")["classes"]
