# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task must not show, and how it is taken out of all that the task gives back, in whichever shell it runs."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.connection import (
    ADDRESSES,
    Option,
    is_bare_address,
    is_harmless_header,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK, Redactor, copied

#: Results that are dicts with the collection's own keys; those of others come from the service.
OWN_NAMES = frozenset({"before", "after", "diff", "error", "link", "summary"})


class Secrecy:
    """The secrets of one task.

    :param table: the connection's options, of which the secret ones are known from it.
    :param given: gives the task's options, by name.
    """

    def __init__(self, table: Mapping[str, Option], given: Callable[[], Mapping[str, Any]]) -> None:
        self._table = table
        self._given = given
        self._sources: list[Callable[[], Iterable[str]]] = []
        self._redactor = Redactor()
        self._known: set[str] = set()

    def learn(self, source: Callable[[], Iterable[str]]) -> None:
        """Take in secrets that are not options, such as an encoded pair or a token that is fetched later.

        :param source: gives those that are known by the time that it is asked.
        """
        self._sources.append(source)

    @property
    def redactor(self) -> Redactor:
        """Knows every secret of this task."""
        learnt = [secret for source in self._sources for secret in source()]
        new = {*secrets_in(self._given(), self._table), *learnt} - self._known
        if new:
            known = self._known | new
            # In this order: another thread that finds nothing new must find a redactor that knows it all.
            self._redactor = Redactor(sorted(known))
            self._known = known
        return self._redactor

    def text(self, text: str) -> str:
        """A text without any secret that is known by now.

        :param text: such as what a service said.
        """
        return self.redactor.text(text)

    def options(self) -> dict[str, Any]:
        """The options without any secret, as Ansible shows them beside a result."""
        options = dict(self._given())
        for name, option in self._table.items():
            if option.secret:
                options[name] = _masked(options.get(name))
        # A refused address may hold a password; one that was taken does not.
        for name in ADDRESSES:
            if options.get(name) and not is_bare_address(str(options[name])):
                options[name] = MASK
        return _with_own_names(self.redactor, options)

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a result without any secret.

        :param values: by name.
        """
        return _result(self.redactor, values)


def _masked(value: Any) -> Any:
    """The value of a secret option, whatever its type, for it may be a wrong one. Short header values are none."""
    if isinstance(value, Mapping):
        return {name: item if is_harmless_header(item) else MASK for name, item in value.items()}
    return None if value is None else MASK


def _result(redactor: Redactor, values: Mapping[str, Any]) -> dict[str, Any]:
    if redactor.finds_nothing(values):
        return dict(copied(values))
    return {name: _value(redactor, name, value) for name, value in values.items()}


def _value(redactor: Redactor, name: str, value: Any) -> Any:
    if name == "results":
        return [_result(redactor, entry) for entry in value]
    if name in OWN_NAMES and isinstance(value, Mapping):
        return _with_own_names(redactor, value)
    if name == "diff" and isinstance(value, list):
        return [_with_own_names(redactor, entry) for entry in value]
    return redactor.data(value)


def _with_own_names(redactor: Redactor, value: Mapping[str, Any]) -> dict[str, Any]:
    """A dict whose keys are the collection's own, and stay even if a header's value is the same word."""
    return {name: redactor.data(item) for name, item in value.items()}
