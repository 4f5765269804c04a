# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stories by name."""

from __future__ import annotations

from random import Random
from typing import Callable, Mapping

from ansible_collections.secops.itsm.tests.campaign.chain_story import chain
from ansible_collections.secops.itsm.tests.campaign.incident_stories import (
    assignee,
    assignee_list,
    comment,
    comment_list,
    link,
    link_list,
    status,
    status_list,
)
from ansible_collections.secops.itsm.tests.campaign.list_stories import incident_info, ticket_info
from ansible_collections.secops.itsm.tests.campaign.story import Story
from ansible_collections.secops.itsm.tests.campaign.ticket_stories import ticket, ticket_list, ticket_update
from ansible_collections.secops.itsm.tests.campaign.world import World

#: What adds a story's records to a world and returns its tasks, by name.
BUILDERS: Mapping[str, Callable[[World, Random], Story]] = {
    "status": status,
    "status_list": status_list,
    "link": link,
    "link_list": link_list,
    "comment": comment,
    "comment_list": comment_list,
    "assignee": assignee,
    "assignee_list": assignee_list,
    "ticket": ticket,
    "ticket_update": ticket_update,
    "ticket_list": ticket_list,
    "chain": chain,
    "incident_info": incident_info,
    "ticket_info": ticket_info,
}
