# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The definition of a module for both execution modes, and the version of the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import Api, ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

VERSION = "0.6.0"


def _unparsed(options: Mapping[str, Any]) -> Mapping[str, Any]:
    return options


@dataclass(frozen=True)
class ModuleDefinition(Generic[Api]):
    """The definition of a module.

    :param service: the service that the module uses.
    :param argument_spec: the module's options, without those of the connection.
    :param operation: takes the API, the parsed options and the run options, and returns the result.
    :param bulk: how the module handles a list, if it accepts one.
    :param rules: the dependencies between options, as arguments of Ansible's validator.
    :param refused_options: returns the result for invalid connection options; by default, the task fails.
    :param parse: parses the options of a single task, and raises ApiError for invalid ones; by default, returns them.
    """

    service: ServiceDefinition[Api]
    argument_spec: Mapping[str, Any]
    operation: Callable[[Api, Any, RunOptions], OperationResult]
    bulk: BulkDefinition[Api] | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    refused_options: Callable[[ApiError], OperationResult] | None = None
    parse: Callable[[Mapping[str, Any]], Any] = _unparsed
