# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The definition of a service for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Generic, Mapping, Protocol, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile


class ServiceApi(Protocol):
    """The part of an API that the engine uses."""

    @property
    def may_have_changed(self) -> bool:
        """Return whether a write was sent and may have taken effect."""


Api = TypeVar("Api", bound=ServiceApi)


@dataclass(frozen=True)
class ServiceDefinition(Generic[Api]):
    """The definition of a service.

    :param connection_options: its connection options, by name.
    :param build_connection: checks the values of these options and returns a connection; also takes a user agent.
    :param errors: how to interpret its error responses.
    :param api: returns its API; takes a client and the task's options.
    :param subject: the kind of object that a task handles, and the option that identifies the object.
    """

    connection_options: Mapping[str, Option]
    build_connection: Callable[[Mapping[str, Any], str], Connection]
    errors: ErrorProfile
    api: Callable[[Client, Mapping[str, Any]], Api]
    subject: tuple[str, str]
