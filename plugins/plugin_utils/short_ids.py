# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Shorten the identifiers of incidents for people, as far as they remain unique."""

from __future__ import annotations

from collections import Counter
from typing import Iterable, Iterator, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid

#: The lengths of the prefixes of a UUID that end before a hyphen.
UUID_PREFIXES = (8, 13, 18, 23)

#: The lengths of the prefixes of other identifiers; shorter identifiers are not shortened.
OTHER_PREFIXES = (20, 40, 80)

#: The length of the prefix of a workspace's UUID.
WORKSPACE_PREFIX = 8


def prefixes(identifier: str) -> Iterator[str]:
    """Yield the prefixes of an identifier from the shortest one to the whole identifier.

    :param identifier: the identifier.
    """
    lengths = UUID_PREFIXES if is_uuid(identifier) else OTHER_PREFIXES
    yield from (identifier[:length] for length in lengths if length < len(identifier))
    yield identifier


def first_unique(spellings: Sequence[Sequence[str]], taken: Iterable[str] = ()) -> list[str]:
    """Return the first spelling of each item that no other item uses. The result does not depend on the order.

    :param spellings: the spellings of each item from the shortest one; the last one is unique.
    :param taken: texts that are not available.
    """
    counts = Counter(text.casefold() for texts in spellings for text in dict.fromkeys(texts))
    counts.update(text.casefold() for text in taken)
    return [next((text for text in texts if counts[text.casefold()] == 1), texts[-1]) for texts in spellings]


def short_names(keys: Sequence[IncidentKey]) -> dict[IncidentKey, str]:
    """Return a short name for each incident, such as ``Sentinel 6b1f0d7e``, with the workspace only if it is needed.

    :param keys: the keys of the incidents, each once.
    """
    spellings = [
        [
            *(f"{key.source} {prefix}" for prefix in prefixes(key.incident_id)),
            *(f"{key.source} {key.incident_id} in {text}" for text in prefixes(key.workspace_id)),
        ]
        for key in keys
    ]
    return dict(zip(keys, first_unique(spellings)))
