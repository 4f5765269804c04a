# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate the form of the references by which tickets are found again.

The form of ContraForce's public samples does not contain the workspace. Two customers may have incidents with the same
number, so their tickets must be kept apart in another way.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import EntryProblem, problem_messages
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import (
    CONTRAFORCE_FORM,
    has_reference,
    ticket_target,
)


def reference_problems(
    entries: Sequence[Mapping[str, Any]],
    customers: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    ticket: Mapping[str, Any],
) -> list[str]:
    """Return a message for each reference that may also be that of another customer's incident.

    A module of this collection with an option for the reference validates it. If the reference is in a field, the
    module only finds tickets with the same target, such as the same team. The tasks of another system may find all
    tickets.

    :param entries: the entries of the incidents with the values of their customers; those with a ticket_id are skipped.
    :param customers: the values of each customer by workspace or account.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    return problem_messages(_reference_problems(entries, customers, values, ticket), "incident", entries)


def _reference_problems(
    entries: Sequence[Mapping[str, Any]],
    customers: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    ticket: Mapping[str, Any],
) -> Iterator[EntryProblem]:
    reference = ticket["reference"]
    form = reference.get("form")
    is_searched_alone = not reference.get("is_validated", True)
    if form is None or ("option" in reference and not is_searched_alone):
        return
    targets = {key: _target(customer, values, ticket) for key, customer in customers.items()}
    # Other runs may open tickets without a customer.
    of_all, needed = _target({}, values, ticket), [one["names"] for one in ticket["values"] if one.get("required")]
    if all(any(name in of_all for name in names) for names in needed):
        targets[""] = of_all
    for number, entry in enumerate(entries, 1):
        chosen = str(entry.get(form) or values.get(form) or "")
        if "ticket_id" in entry or not (_is_incomplete(chosen) if is_searched_alone else _is_short(chosen)):
            continue
        if not has_reference(values, ticket):
            yield EntryProblem(
                number,
                "form",
                "To write the reference of ",
                f" in this form, set '{reference['field']}'. Otherwise remove '{form}', because the ticket is found by "
                "its summary.",
            )
            continue
        is_unique = is_uuid(str(entry.get("incident_id"))) and "{incident_id}" in chosen
        own = _target(entry, values, ticket)
        if not is_unique and (is_searched_alone or not _is_apart(_workspace(entry), own, targets)):
            names = [] if is_searched_alone else [name for group in ticket["values"] for name in group["names"][-1:]]
            yield EntryProblem(
                number,
                "apart",
                "The reference of ",
                " does not contain the workspace, and its ID is not a UUID, so two customers may have the same one. "
                f"{_advice(names)} another '{form}'.",
            )


def _is_short(form: str) -> bool:
    return form.startswith(CONTRAFORCE_FORM)


def _is_incomplete(form: str) -> bool:
    """Return whether a form lacks a part that distinguishes the incidents of two workspaces; blank is the default."""
    return bool(form) and not all(name in form for name in ("{workspace_id}", "{incident_id}"))


def _workspace(entry: Mapping[str, Any]) -> str:
    return str(entry.get("workspace_id")).lower()


def _advice(names: Sequence[str]) -> str:
    """Return the beginning of a sentence that says how tickets of customers are kept apart by these variables."""
    if not names:
        return "Choose"
    alternatives = " or ".join(f"'{name}'" for name in names)
    return f"Add its workspace to 'customers', with {alternatives} of its own, or choose"


def _is_apart(key: str, own: Mapping[str, str], targets: Mapping[str, Mapping[str, str]]) -> bool:
    """Return whether the tickets of a workspace are certainly in another place than those of all other customers."""
    others = [target for other, target in targets.items() if other != key]
    # A name and an ID may be those of the same thing.
    return key in targets and all(
        any(name in own and own[name] != value for name, value in other.items()) for other in others
    )


def _target(values_of: Mapping[str, Any], values: Mapping[str, Any], ticket: Mapping[str, Any]) -> dict[str, str]:
    return {name: value.casefold() for name, value in ticket_target(values_of, values, ticket).items()}
