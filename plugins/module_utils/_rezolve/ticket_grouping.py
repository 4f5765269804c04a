# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Decide whether a search for one ticket of a list finds another one, without comparing every pair of tickets."""

from __future__ import annotations

from typing import Any, Hashable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import spelling_key
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import comparison_key
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import (
    is_same_in_any_spelling,
    is_same_summary,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import (
    Identity,
    is_same_value_in_any_spelling,
)

#: Number of characters of a long summary in an index key, because a service may truncate the rest.
KEY_LENGTH = 100

#: The properties that a search compares: whether the summary does, and the UUIDs of the fields.
Signature = tuple[bool, tuple[str, ...]]


def signature_of(identity: Identity) -> Signature:
    """Return the properties that a search for a ticket compares.

    :param identity: the identity of the ticket.
    """
    return identity.summary is not None, tuple(sorted(field.id for field, _value in identity.values))


def index_key(
    identity: Identity, values: Mapping[str, Any], signature: Signature, length: int | None = None
) -> Hashable:
    """Return a key that is equal for all tickets that a search may find for each other.

    :param identity: the identity of the ticket.
    :param values: the values of the ticket by UUID.
    :param signature: the properties that the search compares.
    :param length: number of characters of the summary to use; all by default.
    """
    with_summary, names = signature
    summary = spelling_key(identity.title)[:length] if with_summary else None
    return (
        length,
        *identity.location.values(),
        summary,
        names,
        tuple(comparison_key(values.get(name)) for name in names),
    )


def would_find(wanted: Identity, existing: Identity, values: Mapping[str, Any]) -> bool:
    """Return True if a search for one ticket finds the other one, in any spelling, once it is created.

    :param wanted: the identity of the ticket that is searched for.
    :param existing: the identity of the other ticket.
    :param values: the values of the other ticket by UUID.
    """
    if wanted.location != existing.location:
        return False
    if wanted.summary is not None and not (
        is_same_summary(existing.title, wanted.summary) or is_same_in_any_spelling(existing.title, wanted.summary)
    ):
        return False
    return all(is_same_value_in_any_spelling(field, values.get(field.id), value) for field, value in wanted.values)
