# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The builders of all stories."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.secops.itsm.tests.campaign.chain_story import chain
from ansible_collections.secops.itsm.tests.campaign.incident_stories import INCIDENT_BUILDERS, Builder
from ansible_collections.secops.itsm.tests.campaign.list_stories import incident_info, ticket_info
from ansible_collections.secops.itsm.tests.campaign.servicenow_stories import servicenow_ticket_story
from ansible_collections.secops.itsm.tests.campaign.ticket_stories import ticket, ticket_list, ticket_update

#: The functions that add the records of a story to the world and return the story, by name.
BUILDERS: Mapping[str, Builder] = {
    **INCIDENT_BUILDERS,
    "ticket": ticket,
    "ticket_update": ticket_update,
    "ticket_list": ticket_list,
    "chain": chain,
    "servicenow_ticket": servicenow_ticket_story,
    "incident_info": incident_info,
    "ticket_info": ticket_info,
}
