# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The items of a list in one task: their options, their checks, and items that repeat or contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Collection, Generic, Hashable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import Api
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_blank

#: The option of every module that takes a list.
CONCURRENCY_SPEC: Mapping[str, Any] = {"concurrency": {"type": "int", "default": 8}}

#: The highest value of that option.
MAX_CONCURRENCY = 32

#: The maximum number of items that the message about contradicting items names.
MAX_NAMED_ITEMS = 10


@dataclass(frozen=True)
class BulkItem:
    """One checked item of a list.

    :param identifiers: the options that identify it, as its result shows them.
    :param options: the task's options, overridden by the item's own.
    :param key: the key of its object; items with the same key must not be handled at the same time.
    :param wanted: the wanted state, as the operation expects it.
    :param failure: the failure of an invalid item.
    :param label: the name of the object in messages.
    """

    identifiers: Mapping[str, Any]
    options: Mapping[str, Any]
    key: Hashable = None
    wanted: Any = None
    failure: ApiError | None = None
    label: str = ""


@dataclass(frozen=True)
class BulkDefinition(Generic[Api]):
    """How a module handles a list.

    :param option: the option that holds the list.
    :param noun: the name of an item, such as ``incident``.
    :param parse_items: checks the items; takes the API and the options of each. An invalid item carries its failure.
    :param operation: handles one item; takes the API, the wanted state and the run options.
    :param merged_options: dict options that an item extends instead of replacing them.
    :param displaces: by option of an item, the options of the task that are ignored if the item sets it.
    :param scope: the option with the workspace or tenant of an item, if items can differ in it.
    :param read_only: whether the module only reads; the result of an item then has no states before and after.
    :param records: the keys of the operation's result that contain records of the service.
    """

    option: str
    noun: str
    parse_items: Callable[[Api, Sequence[Mapping[str, Any]]], Sequence[BulkItem]]
    operation: Callable[[Api, Any, RunOptions], OperationResult]
    merged_options: frozenset[str] = frozenset()
    displaces: Mapping[str, Collection[str]] = field(default_factory=dict)
    scope: str | None = None
    read_only: bool = False
    records: frozenset[str] = frozenset({"incident", "ticket"})

    def scope_of(self, item: BulkItem) -> str:
        """Return the workspace or tenant of an item in lower case, because neither is case-sensitive."""
        return str(item.options.get(self.scope) or "").strip().lower() if self.scope else ""


def item_options(bulk: BulkDefinition[Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options of each item; those that are missing or blank default to the task's.

    :param bulk: how the module handles a list.
    :param options: the task's options.
    """
    shared = {name: value for name, value in options.items() if name != bulk.option}
    return [_merge_options(bulk, shared, item) for item in options[bulk.option]]


def _merge_options(bulk: BulkDefinition[Any], shared: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in item.items() if not is_blank(value)}
    displaced = {other for name in own for other in bulk.displaces.get(name, ())}
    kept = {name: None if name in displaced else value for name, value in shared.items()}
    merged = {name: {**(shared.get(name) or {}), **own[name]} for name in bulk.merged_options & set(own)}
    return {**kept, **own, **merged}


def parse_items(
    items: Sequence[Mapping[str, Any]],
    identifiers: Sequence[str],
    parse: Callable[[Mapping[str, Any]], Any],
    key_of: Callable[[Any], Hashable],
) -> list[BulkItem]:
    """Return the checked items of a list whose objects are identified by their options alone.

    :param items: the options of each item.
    :param identifiers: the options that identify an item; all of them are required.
    :param parse: checks the options of an item and returns its wanted state; raises ApiError.
    :param key_of: returns the key of a wanted state; as a text, it is the label.
    """

    def parse_item(index: int, options: Mapping[str, Any]) -> BulkItem:
        given = {name: options.get(name) for name in identifiers}
        try:
            _require_identifiers(index, given)
            wanted = parse(options)
        except ApiError as failure:
            return BulkItem(given, options, failure=failure)
        key = key_of(wanted)
        return BulkItem(given, options, key, wanted, label=str(key))

    return [parse_item(index, options) for index, options in enumerate(items)]


def _require_identifiers(index: int, identifiers: Mapping[str, Any]) -> None:
    """Raise ApiError if an item lacks an identifier."""
    given = [f"{name} {value}" for name, value in identifiers.items() if (value or "").strip()]
    missing = [name for name, value in identifiers.items() if not (value or "").strip()]
    if missing:
        known = f" ({', '.join(given)})" if given else ""
        names = " and ".join(missing)
        raise configuration_error(
            f"Entry {index + 1} of the list{known} lacks {names}. Set {names} in the entry, or in the task for all "
            "entries."
        )


def resolve_duplicates(items: Sequence[BulkItem]) -> tuple[list[BulkItem], list[int]]:
    """Return the items, and for each the index of the first item with the same key and wanted state.

    Items with the same key and different wanted states all fail: the order in which they are handled, and thus the
    final state, would be random.

    :param items: in the order of the list.
    """
    resolved, first_indexes = list(items), list(range(len(items)))
    indexes_by_key: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        if item.failure is None:
            indexes_by_key.setdefault(item.key, []).append(index)
    for indexes in indexes_by_key.values():
        first = items[indexes[0]]
        contradict = any(items[index].wanted != first.wanted for index in indexes)
        for index in indexes if len(indexes) > 1 else []:
            if contradict:
                resolved[index] = replace(items[index], failure=_contradiction(indexes, first.label))
            else:
                first_indexes[index] = indexes[0]
    return resolved, first_indexes


def _contradiction(indexes: Sequence[int], label: str) -> ApiError:
    more = ", ..." if len(indexes) > MAX_NAMED_ITEMS else ""
    numbers = ", ".join(str(index + 1) for index in indexes[:MAX_NAMED_ITEMS]) + more
    return configuration_error(
        f"Entries {numbers} of the list request conflicting changes for {label}. Nothing was written for them; keep "
        "only one of them in the list."
    )
