# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the service catalog once for all items of a list."""

from __future__ import annotations

import threading
from typing import Any, Callable, Hashable, Mapping, cast

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi


class CatalogCache:
    """A cache of the catalog that all workers of a list share."""

    def __init__(self) -> None:
        self._responses: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def wrap(self, api: RezolveApi) -> RezolveApi:
        """Return an API that reads the catalog through this cache and sends all other requests as they are.

        :param api: the API of one item.
        """
        return cast(RezolveApi, _CachedCatalogApi(api, self))

    def get(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """Return the cached response, or read it.

        A failure is cached, too, so that the other items do not wait for it again.

        :param key: identifies the request.
        :param read: sends the request; raises ApiError.
        :raises ApiError: if the request failed.
        """
        with self._lock:
            if key not in self._responses:
                try:
                    self._responses[key] = read()
                except ApiError as failure:
                    self._responses[key] = failure
            response = self._responses[key]
        if isinstance(response, ApiError):
            raise response.with_message(str(response))
        return response


class _CachedCatalogApi:
    """A ticketing API that reads the catalog through a cache."""

    def __init__(self, api: RezolveApi, cache: CatalogCache) -> None:
        self._api = api
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def ticket_types(self, top: int, skip: int) -> list[Any]:
        """Return a page of ticket types."""
        return list(self._cache.get(("types", top, skip), lambda: self._api.ticket_types(top, skip)))

    def offers(self) -> list[Any]:
        """Return the offers of the service catalog."""
        return list(self._cache.get("offers", self._api.offers))

    def user_info(self) -> Mapping[str, Any]:
        """Return the account of the credentials."""
        return dict(self._cache.get("user", self._api.user_info))
