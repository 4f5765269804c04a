# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a runbook as a text: a page of HTML that needs no other file, or Markdown.

What a service shows, such as a title, may have been written by an attacker: nothing of it counts as markup.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any, Mapping

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parents[2] / "playbooks" / "templates"

#: What Markdown gives a meaning to inside of a line, addresses included: nobody is to follow a link out of a title.
_MARKUP = re.compile(r"([\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.)", re.IGNORECASE)

#: Categories of characters that cannot be seen: controls, formats such as those that turn the writing, and half ones.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

#: How an outcome is told to people.
GLANCES: Mapping[str, str] = {"failed": "failed", "changed": "changed", "ok": "ok", "not_reached": "not reached"}


def as_html(report: Mapping[str, Any]) -> str:
    """The report as a page.

    :param report: as :func:`report.build` made it.
    """
    return _rendered("report.html.j2", report, autoescape=True)


def as_markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown.

    :param report: as :func:`report.build` made it.
    """
    return _rendered("report.md.j2", report, autoescape=False)


def _rendered(template: str, report: Mapping[str, Any], autoescape: bool) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = plain
    environment.filters["shown"] = shown
    glances = {**GLANCES, **({"changed": "would change"} if report["rehearsed"] else {})}
    return environment.get_template(template).render(report=visible(report), glances=glances)


def visible(value: Any) -> Any:
    """A value whose texts hold only what can be seen: nothing that steers a terminal, or turns the writing around.

    :param value: a text, or lists and mappings of them.
    """
    if isinstance(value, Mapping):
        return {visible(key): visible(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return "".join(map(_seen, value))


def _seen(letter: str) -> str:
    if letter.isspace():
        return letter if letter == "\n" else " "
    return letter if unicodedata.category(letter) not in UNSEEN else "\N{REPLACEMENT CHARACTER}"


def plain(value: Any) -> str:
    """A text that stands in Markdown for nothing but itself.

    :param value: any.
    """
    # A line break would end a row of a table.
    return _MARKUP.sub(r"\\\1", " ".join(shown(value).split()))


def shown(value: Any) -> str:
    """A value as people read it.

    :param value: any; None and what is empty are shown as nothing.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(inner)}" for key, inner in value.items())
    return str(value)
