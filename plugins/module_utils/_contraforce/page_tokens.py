# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Interpret the page tokens of the list of incidents, one for each workspace (CF-A16)."""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import FURTHER_PAGE_PATTERN


def has_next_page(token: Mapping[str, Any]) -> bool:
    """Return whether a workspace has a next page, that is, a token for one of its sources.

    :param token: the token of a workspace, as the service returned it.
    """
    sources = token.get("sourceTokens")
    return isinstance(sources, Mapping) and any(sources.values())


def unrecognized_properties(token: Mapping[str, Any]) -> list[str]:
    """Return the properties that may point to a next page in a token without a known sign of one.

    :param token: the token of a workspace, as the service returned it.
    """
    if has_next_page(token):
        return []
    shown = {name for name, value in token.items() if value and name != "workspaceId"}
    if isinstance(token.get("sourceTokens"), Mapping):
        shown.discard("sourceTokens")
    if "sourceTokens" in token and "sourceTokens" not in shown:
        return sorted(name for name in shown if re.search(FURTHER_PAGE_PATTERN, name, re.IGNORECASE))
    return sorted(shown)
