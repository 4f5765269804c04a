# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read what all items of a list need, such as the catalog, only once."""

from __future__ import annotations

import threading
from typing import Any, Callable, Hashable

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError


class ResponseCache:
    """A cache of responses that all workers of a list share."""

    def __init__(self) -> None:
        self._responses: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

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
