# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Keep the secrets of a task, and remove them from everything that the task returns."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.url_rules import is_bare_address
from ansible_collections.secops.itsm.plugins.module_utils._redaction.option_secrets import (
    is_harmless_header,
    secrets_in,
)
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK, Redactor, map_texts

#: Dicts in results whose keys are set by the collection; the keys of other dicts come from the service.
RESULTS_WITH_FIXED_KEYS = frozenset({"before", "after", "diff", "error", "link", "summary"})


class SecretRegistry:
    """The secrets of one task.

    :param connection_options: the options of the connection, some of which are secret.
    :param get_options: returns the task's options, by name.
    """

    def __init__(self, connection_options: Mapping[str, Option], get_options: Callable[[], Mapping[str, Any]]) -> None:
        self._connection_options = connection_options
        self._get_options = get_options
        self._sources: list[Callable[[], Iterable[str]]] = []
        self._redactor = Redactor()
        self._known: set[str] = set()

    def register(self, source: Callable[[], Iterable[str]]) -> None:
        """Add secrets that are not options, such as a token that is fetched later.

        :param source: returns the secrets known at the time of the call.
        """
        self._sources.append(source)

    @property
    def redactor(self) -> Redactor:
        """Return a redactor of all secrets known so far."""
        registered = [secret for source in self._sources for secret in source()]
        new = {*secrets_in(self._get_options(), self._connection_options), *registered} - self._known
        if new:
            known = self._known | new
            # In this order, so that another thread that finds no new secrets uses the complete redactor.
            self._redactor = Redactor(sorted(known))
            self._known = known
        return self._redactor

    def text(self, text: str) -> str:
        """Return a text without secrets.

        :param text: any text, such as an error message of a service.
        """
        return self.redactor.text(text)

    def options(self) -> dict[str, Any]:
        """Return the task's options without secrets, as Ansible shows them with the result."""
        options = dict(self._get_options())
        for name, option in self._connection_options.items():
            if option.secret:
                options[name] = _masked(options.get(name))
            # A rejected URL may contain a password; an accepted one does not.
            elif option.is_address and options.get(name) and not is_bare_address(str(options[name])):
                options[name] = MASK
        return _with_fixed_keys(self.redactor, options)

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a result without secrets.

        :param values: the values by name.
        """
        return _result(self.redactor, values)


def _masked(value: Any) -> Any:
    """Return the masked value of a secret option, which may be of a wrong type. Short header values are kept."""
    if isinstance(value, Mapping):
        return {name: item if is_harmless_header(item) else MASK for name, item in value.items()}
    return None if value is None else MASK


def _result(redactor: Redactor, values: Mapping[str, Any]) -> dict[str, Any]:
    if redactor.is_clean(values):
        return dict(map_texts(values))
    return {name: _value(redactor, name, value) for name, value in values.items()}


def _value(redactor: Redactor, name: str, value: Any) -> Any:
    if name == "results":
        return [_result(redactor, item) for item in value]
    if name in RESULTS_WITH_FIXED_KEYS and isinstance(value, Mapping):
        return _with_fixed_keys(redactor, value)
    if name == "diff" and isinstance(value, list):
        return [_with_fixed_keys(redactor, item) for item in value]
    return redactor.data(value)


def _with_fixed_keys(redactor: Redactor, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict without secrets in its values. Its keys are kept, even if a header has one of them as its value."""
    return {name: redactor.data(item) for name, item in value.items()}
