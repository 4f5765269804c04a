# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runner needs of a service, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Generic, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.client import Client
from ansible_collections.secops.itsm.plugins.module_utils.connection import Connection, Option
from ansible_collections.secops.itsm.plugins.module_utils.failures import Vendor

Api = TypeVar("Api")


@dataclass(frozen=True)
class Service(Generic[Api]):
    """A service as modules reach it.

    :param table: its connection options.
    :param connect: checks them; takes the options and a user agent.
    :param vendor: how to read its errors.
    :param api: makes its operations of a client and a task's options.
    :param subject: what a task is about, and the option that names it.
    """

    table: Mapping[str, Option]
    connect: Callable[[Mapping[str, Any], str], Connection]
    vendor: Vendor
    api: Callable[[Client, Mapping[str, Any]], Api]
    subject: tuple[str, str]
