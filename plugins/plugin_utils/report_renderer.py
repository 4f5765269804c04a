# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Render the report of a runbook as a self-contained HTML page or as Markdown.

Values of a service, such as a title, may have been written by an attacker, so markup in them is escaped.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import Any, Mapping

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import visible_text
from ansible_collections.secops.itsm.plugins.plugin_utils.report_layout import MAX_NAMES, arrange

TEMPLATES = Path(__file__).resolve().parents[2] / "playbooks" / "templates"

#: Characters with a meaning in Markdown, and those by which viewers recognize addresses to link.
_MARKUP = re.compile(r"([\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.)", re.IGNORECASE)

#: The words for an outcome.
OUTCOME_LABELS: Mapping[str, str] = {
    "failed": "failed",
    "not_reached": "not reached",
    "changed": "changed",
    "ok": "unchanged",
}


def as_html(report: Mapping[str, Any]) -> str:
    """Return the report as an HTML page.

    :param report: from :func:`report.build_report`.
    """
    style, script = (_asset(name) for name in ("report.css.j2", "report.js.j2"))
    # The page's policy allows exactly these two, so nothing else could run even if a value became markup.
    return _render(
        "report.html.j2",
        report,
        autoescape=True,
        style=style,
        script=script,
        style_digest=content_digest(style),
        script_digest=content_digest(script),
    )


def as_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown.

    :param report: from :func:`report.build_report`.
    """
    return _render("report.md.j2", report, autoescape=False)


def _render(template: str, report: Mapping[str, Any], autoescape: bool, **values: str) -> str:
    outcome_labels = {**OUTCOME_LABELS, **({"changed": "would change"} if report["check_mode"] else {})}
    page = _environment(autoescape).get_template(template)
    shown = visible(report)
    return page.render(
        report=shown, layout=arrange(shown), outcome_labels=outcome_labels, max_names=MAX_NAMES, **values
    )


def _asset(template: str) -> Markup:
    """Return the style or the script of the page. It contains no value of a report."""
    return Markup(_environment(False).get_template(template).render())


def content_digest(text: str) -> str:
    """Return the source expression by which a Content-Security-Policy allows an inline style or script.

    :param text: the content of the element.
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def _environment(autoescape: bool) -> Environment:
    """Return the environment of the templates, which keeps them compiled."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown"] = escape_markdown
    environment.filters["text"] = display_text
    return environment


def visible(value: Any) -> Any:
    """Return a value with control characters and writing direction marks in its texts replaced.

    :param value: a text, or lists and mappings of them.
    """
    if isinstance(value, Mapping):
        return {visible(key): visible(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(inner) for inner in value]
    return visible_text(value) if isinstance(value, str) else value


def escape_markdown(value: Any) -> str:
    """Return a value as a text with Markdown escaped.

    :param value: any value.
    """
    # A line break would end a row of a table.
    return _MARKUP.sub(r"\\\1", " ".join(display_text(value).split()))


def display_text(value: Any) -> str:
    """Return a value as a text for readers of the report.

    :param value: any value; None and empty values become an empty text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(display_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {display_text(inner)}" for key, inner in value.items())
    return str(value)
