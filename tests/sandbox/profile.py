# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the service behaves where its documentation leaves it open."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Mapping, TypeVar

_Settings = TypeVar("_Settings", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """Named choices; those of a service are a subclass."""

    #: The words among the fields, each with those that it may be.
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    #: The integers among the fields, each with its least value.
    LEAST: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def from_json(cls: type[_Settings], value: Any) -> _Settings:
        """Settings from what was posted.

        :param value: anything that JSON can carry.
        :raises ValueError: for what is no such thing, in a sentence.
        """
        if not isinstance(value, Mapping):
            raise ValueError("a profile is an object")
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"no profile knows {', '.join(sorted(unknown))}")
        for name, word in value.items():
            if name in cls.CHOICES and word not in cls.CHOICES[name]:
                raise ValueError(f"{name} is one of the strings {', '.join(cls.CHOICES[name])}")
            if name in cls.LEAST and (isinstance(word, bool) or not isinstance(word, int) or word < cls.LEAST[name]):
                raise ValueError(f"{name} is an integer, at least {cls.LEAST[name]}")
        return cls(**value)


@dataclass(frozen=True)
class Profile(Settings):
    """How the service behaves where its documentation leaves it open.

    :param spelling: ``pascal``, ``lower``, ``upper`` or ``integer``.
    :param classification: ``kept``; ``dropped``: stored as null; ``hidden``: never shown.
    :param reason: ``kept``, ``dropped`` or ``replaced`` by ``Other``.
    :param lag_reads: how many reads of an incident after a write still show the old state.
    :param writes: ``applied``, or ``ignored``: accepted and answered as if done, without an effect.
    :param record: ``nested`` in data.incident, or ``flat`` in data.
    :param ticket: what shows a link. ``object``: the read of the incident shows ``ticketId`` and ``ticket``; ``id``: it
        shows ``ticketId`` alone; ``comments``: only the comments carry ``ticketId``; ``hidden``: nothing shows it.
    :param relink: linking another ticket is ``replaced``, without a word, or ``refused`` with 409.
    :param missing_ticket: linking a ticket that is not there is a ``404``, or ``unset``: 200 with isTicketSet false.
    :param unlink_unlinked: unlinking what is not linked is ``false``, or a ``404``.
    :param ids: ``native``: a ticket's integer id is an integer; ``string``: it is a string of digits.
    :param comment_lag: how many reads of the comments do not show a new comment yet.
    :param comment_text: ``kept``, or ``wrapped`` in a paragraph of HTML.
    :param assignee: ``shown`` in the read of one incident, or ``hidden``.
    :param page_size: how many incidents a page of the list holds.
    :param last_page: its tokens are ``empty``, there as ``nulls``, or ``absent``.
    :param list_workspace: ``workspaceId`` of listed incidents is ``shown`` or ``hidden``.
    """

    spelling: str = "pascal"
    classification: str = "kept"
    reason: str = "kept"
    lag_reads: int = 0
    writes: str = "applied"
    record: str = "nested"
    ticket: str = "object"
    relink: str = "replaced"
    missing_ticket: str = "404"
    unlink_unlinked: str = "false"
    ids: str = "native"
    comment_lag: int = 0
    comment_text: str = "kept"
    assignee: str = "shown"
    page_size: int = 5
    last_page: str = "empty"
    list_workspace: str = "shown"

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "spelling": ("pascal", "lower", "upper", "integer"),
        "classification": ("kept", "dropped", "hidden"),
        "reason": ("kept", "dropped", "replaced"),
        "writes": ("applied", "ignored"),
        "record": ("nested", "flat"),
        "ticket": ("object", "id", "comments", "hidden"),
        "relink": ("replaced", "refused"),
        "missing_ticket": ("404", "unset"),
        "unlink_unlinked": ("false", "404"),
        "ids": ("native", "string"),
        "comment_text": ("kept", "wrapped"),
        "assignee": ("shown", "hidden"),
        "last_page": ("empty", "nulls", "absent"),
        "list_workspace": ("shown", "hidden"),
    }
    LEAST: ClassVar[Mapping[str, int]] = {"lag_reads": 0, "comment_lag": 0, "page_size": 1}
