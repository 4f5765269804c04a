# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Map the severity of an incident to the priority of its ticket."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SEVERITIES
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import used_names
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import quoted
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest

#: The variable, and its key for all other severities.
PRIORITY_MAP, DEFAULT = "priority_map", "default"

KEYS = (*SEVERITIES, DEFAULT)


def priority_of(values: Mapping[str, Any], severity: str) -> tuple[str, Mapping[str, Any]]:
    """Return the priority of a ticket as a text, and the fields that it consists of. One of them is empty.

    :param values: the values of the runbook's variables, of which ``priority_map`` is valid, or not set.
    :param severity: the severity of the incident; an unknown one has the default priority.
    """
    by_key = {_folded(key): value for key, value in _map_of(values).items()}
    chosen = by_key.get(_folded(severity), by_key.get(DEFAULT, ""))
    return ("", chosen) if isinstance(chosen, Mapping) else (str(chosen), {})


def sets_fields(values: Mapping[str, Any]) -> bool:
    """Return whether a priority consists of fields.

    :param values: the values of the runbook's variables.
    """
    return any(isinstance(value, Mapping) for value in _map_of(values).values())


def priority_map_problems(values: Mapping[str, Any]) -> list[str]:
    """Return a message for each problem of ``priority_map``.

    :param values: the values of the runbook's variables.
    """
    given = _map_of(values)
    return list(_problems(given)) if given else []


def _map_of(values: Mapping[str, Any]) -> Mapping[Any, Any]:
    """Return the map, which is empty if it is not a mapping: the validation of types reports that."""
    given = values.get(PRIORITY_MAP)
    return given if isinstance(given, Mapping) else {}


def _problems(given: Mapping[Any, Any]) -> Iterator[str]:
    known = {_folded(key) for key in KEYS}
    unknown = [str(key) for key in given if _folded(key) not in known]
    for key in unknown:
        near = nearest(key, KEYS)
        hint = f" {did_you_mean(near)}" if near else ""
        yield (
            f"'{PRIORITY_MAP}' contains {quoted(key)}, which is not a severity.{hint} Supported keys: "
            f"{', '.join(KEYS)}."
        )
    folded = [_folded(key) for key in given]
    for key in sorted({key for key in folded if folded.count(key) > 1}):
        yield f"'{PRIORITY_MAP}' contains {quoted(key)} in several spellings. Remove all but one of them."
    if DEFAULT not in folded:
        yield (
            f"'{PRIORITY_MAP}' does not contain '{DEFAULT}', the value for all other severities, such as new ones. "
            "Add it."
        )
    invalid = [key for key, value in given.items() if not _is_valid(value)]
    for key in invalid:
        yield (
            f"{PRIORITY_MAP}.{key} must be a text, a number, or a mapping of fields to their values, not "
            f"{quoted(given[key])}."
        )
    for key, value in given.items():
        if isinstance(value, str) and used_names(value):
            yield (
                f"{PRIORITY_MAP}.{key} contains a placeholder, which is only replaced in a mapping of fields. Remove "
                "it."
            )
    if not invalid and len({isinstance(value, Mapping) for value in given.values()}) > 1:
        yield f"'{PRIORITY_MAP}' contains both texts and mappings of fields. Use one kind for all severities."


def _is_valid(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, (str, int)) and not isinstance(value, bool) and bool(str(value).strip())


def _folded(word: Any) -> str:
    return str(word).strip().casefold()
