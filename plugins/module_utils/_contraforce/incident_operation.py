# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The base class of operations on one incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import Operation, State

#: A frozen dataclass.
Facts = TypeVar("Facts")


class IncidentOperation(Operation[State], Generic[State, Facts]):
    """An operation on one incident.

    :param api: the ContraForce API.
    :param wanted: the parsed options, which name the incident as ``key``.
    """

    noun: ClassVar[str] = "incident"
    #: The facts that the run has learned so far.
    history: Facts

    def __init__(self, api: ContraForceApi, wanted: Any) -> None:
        self._api = api
        self._wanted = wanted

    @property
    def label(self) -> str:
        """Return the incident as messages name it."""
        return str(self._wanted.key)

    def _learn(self, **facts: Any) -> None:
        self.history = replace(self.history, **facts)  # type: ignore[type-var]  # it is a dataclass
