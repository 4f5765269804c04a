# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the campaign finds mutations of the code, and that a seed always has the same result."""

from __future__ import annotations

from typing import Iterator

import pytest

from ansible_collections.secops.itsm.tests.campaign.behaviours import (
    BEHAVIOURS,
    HOPELESS,
    LASTING,
    NEEDED_FORMS,
    NOT_DRAWN,
    STORIES,
)
from ansible_collections.secops.itsm.tests.campaign.campaign import play
from ansible_collections.secops.itsm.tests.campaign.mutations import MUTATIONS
from ansible_collections.secops.itsm.tests.campaign.server import HostileServer
from ansible_collections.secops.itsm.tests.campaign.stories import BUILDERS

#: No behaviour: all responses are valid.
HONEST = "none"


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    """Share one hostile server."""
    server = HostileServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    "mutation, behaviour, story, invariant",
    [
        ("status_not_read", HONEST, "status", "false_ok"),
        ("comment_not_looked_for", HONEST, "comment", "not_idempotent"),
        ("comment_not_looked_for", HONEST, "comment", "written_twice"),
        ("no_verification", "write_ignored", "status", "false_changed"),
        ("blind_retry", "drop_after", "comment", "there_twice"),
        ("failed_search_ignored", "search_down", "ticket", "there_twice"),
        ("stale_field_sent", "editor_ticket", "ticket_update", "lost_edit"),
        ("writes_in_check_mode", HONEST, "comment", "write_in_check_mode"),
        ("note_not_looked_for", HONEST, "servicenow_ticket", "there_twice"),
        ("hidden_rows_ignored", "rows_hidden", "servicenow_ticket", "there_twice"),
        ("no_verification", "write_ignored", "servicenow_ticket", "false_changed"),
    ],
)
def test_mutation_is_found(server, mutation, behaviour, story, invariant):
    found: set[str] = set()
    with MUTATIONS[mutation]():
        for seed in range(40):
            found |= {each.invariant for each in play(server, seed, behaviour, story).violations}
            if invariant in found:
                return
    pytest.fail(f"{mutation} was not found, only {found}")


@pytest.mark.parametrize("story", STORIES)
def test_valid_responses_violate_no_invariant(server, story):
    outcome = play(server, 1, HONEST, story)
    assert outcome.violations == []
    assert outcome.world.journal


@pytest.mark.parametrize("seed", range(3))
def test_replay_of_a_seed_has_the_same_result(server, seed):
    first, second = (play(server, seed, story_name="status").text().replace(server.url, "") for _each in range(2))
    assert first == second


def test_names_of_stories_and_behaviours_are_consistent():
    assert set(STORIES) == set(BUILDERS)
    assert {story for _what, stories in BEHAVIOURS.values() for story in stories} == set(STORIES)
    assert NOT_DRAWN | LASTING | set(NEEDED_FORMS) <= set(BEHAVIOURS)
    assert HOPELESS <= LASTING
