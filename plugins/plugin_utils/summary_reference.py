# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the identity of an incident in the summary of its ticket, by the template from which the summary was made.

Attackers can choose the titles of incidents. A template is therefore refused unless its identity ends before the first
free text begins, so that no title can change it.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import visible_text
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import PLACEHOLDERS
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import quoted

#: The form of each part of an identity. An ID ends at white space.
_FORMS = {
    "{source}": "|".join(sorted(map(re.escape, SOURCES), key=len, reverse=True)),
    "{incident_id}": r"\S+",
    "{workspace_id}": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
_SPLIT = re.compile(f"({'|'.join(map(re.escape, PLACEHOLDERS))})")

#: The characters that an identity, or the word that contains it, may consist of.
_WORD = re.compile(r"[\w-]")


def summary_problem(template: str) -> str:
    """Return why incidents cannot be identified by summaries of a template, or an empty text.

    :param template: the variable ``summary``.
    """
    reason = _compiled(template)[1]
    return f"Incidents cannot be identified by summary {quoted(template)}, because {reason}." if reason else ""


def parse_summary(text: Any, template: str) -> dict[str, str] | None:
    """Return ``source``, ``incident_id`` and ``workspace_id`` in a summary, or None if it does not match the template.

    :param text: the summary of a ticket.
    :param template: a template without a problem.
    """
    pattern = _compiled(template)[0]
    found = pattern.fullmatch(str(text or "").strip()) if pattern else None
    return found.groupdict() if found else None


@functools.lru_cache(maxsize=8)
def _compiled(template: str) -> tuple[re.Pattern[str] | None, str]:
    """Return the expression for the summaries of a template, or why there is none."""
    parts = _SPLIT.split(visible_text(template).replace("\n", " ").strip())
    texts, names = parts[::2], parts[1::2]
    if sorted(name for name in names if name in _FORMS) != sorted(_FORMS):
        return None, f"it must contain {', '.join(_FORMS)} exactly once each"
    identity, free = names[: len(_FORMS)], names[len(_FORMS) :]
    if set(identity) != set(_FORMS):
        first = next(name for name in names if name not in _FORMS)
        return (
            None,
            f"{first} precedes a part of the incident's identity, and its text could contain that of another one",
        )
    expression = ""
    for number, name in enumerate(identity):
        before, after = texts[number], texts[number + 1]
        is_end = number == len(_FORMS) - 1 and not free and not after
        if _WORD.match(before[-1:]) or _WORD.match(after[:1]) or not (after or is_end):
            return None, f"{name} must be separated from the text around it by a blank or a punctuation mark"
        if name == "{incident_id}" and not is_end and not re.search(r"\s", after):
            return None, f"{name} must be followed by a blank"
        expression += f"{_literal(before)}(?P<{name[1:-1]}>{_FORMS[name]})"
    last = texts[len(_FORMS)]
    rest = _literal(last.rstrip())
    if free:
        # The service may remove a blank at the end of a summary whose title is empty.
        rest += r"(?:\s.*)?" if last[-1].isspace() else ".*"
    return re.compile(expression + rest, re.DOTALL), ""


def _literal(text: str) -> str:
    """Return the expression for a text of a template, with any white space for its white space."""
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))
