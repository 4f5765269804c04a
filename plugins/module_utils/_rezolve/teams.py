# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check a team against the teams of the account."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import nearest

#: Keys of a team that may contain its slug.
TEAM_KEYS = ("slug", "id", "teamId", "name")


def unverified_team(api: RezolveApi, team_id: str) -> list[str]:
    """Return a list with the reason why a team could not be verified, or an empty list if it was verified.

    An account may be allowed to create tickets in teams that are not listed (TK-A17), so an unlisted team is not an
    error.

    :param api: the ticketing API.
    :param team_id: the slug of the team.
    """
    try:
        listed = api.user_info().get("teams")
    except ApiError:
        listed = None
    names = [name for team in (listed if isinstance(listed, list) else []) for name in _team_names(team)]
    if not names:
        return [f"team_id {team_id!r} could not be checked because the service does not return the account's teams."]
    if team_id in names:
        return []
    return [f"team_id {team_id!r} is not one of the account's teams.{nearest(team_id, names)}"]


def _team_names(team: Any) -> list[str]:
    values = [team.get(key) for key in TEAM_KEYS] if isinstance(team, Mapping) else [team]
    return [str(value) for value in values if isinstance(value, (str, int)) and not isinstance(value, bool)]
