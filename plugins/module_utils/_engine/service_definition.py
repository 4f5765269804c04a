# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""What defines a service for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Generic, Mapping, Protocol, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import ErrorProfile


class ServiceApi(Protocol):
    """What the engine needs of an API."""

    @property
    def may_have_changed(self) -> bool:
        """Whether a write was sent that may have taken effect."""


Api = TypeVar("Api", bound=ServiceApi)


@dataclass(frozen=True)
class ServiceDefinition(Generic[Api]):
    """The definition of a service.

    :param connection_options: its connection options, by name.
    :param build_connection: checks the values of these options and returns a connection; takes a user agent, too.
    :param errors: how to read its errors.
    :param api: returns its API; takes a client and the task's options.
    :param subject: the noun of what a task is about, and the option that identifies it.
    """

    connection_options: Mapping[str, Option]
    build_connection: Callable[[Mapping[str, Any], str], Connection]
    errors: ErrorProfile
    api: Callable[[Client, Mapping[str, Any]], Api]
    subject: tuple[str, str]
