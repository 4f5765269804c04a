# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the service catalog once for all items of a list."""

from __future__ import annotations

from typing import Any, Mapping, cast

from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache


class CatalogCache(ResponseCache):
    """A cache of the catalog that all workers of a list share."""

    def wrap(self, api: RezolveApi) -> RezolveApi:
        """Return an API that reads the catalog through this cache and sends all other requests as they are.

        :param api: the API of one item.
        """
        return cast(RezolveApi, _CachedCatalogApi(api, self))


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
