# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A double of the lookup plugin of community.hashi_vault, with the documented options."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """Read secrets of a KV version 2 secrets engine."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the secrets.

        :param terms: the paths.
        :param variables: not used.
        :param kwargs: the mount point.
        """
        assert set(kwargs) <= {"engine_mount_point"}
        found = []
        for term in terms:
            url = f"{os.environ['VAULT_ADDR']}/v1/{kwargs['engine_mount_point']}/data/{term}"
            request = urllib.request.Request(url, headers={"X-Vault-Token": os.environ["VAULT_TOKEN"]})
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
                raw = json.load(response)
            found.append({"raw": raw, "data": raw["data"], "secret": raw["data"]["data"]})
        return found
