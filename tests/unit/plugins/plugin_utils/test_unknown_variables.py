# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the detection of variables that a runbook does not support."""

from __future__ import annotations

from typing import Any, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import runbook_spec
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import read_table, with_ticket_system
from ansible_collections.secops.itsm.plugins.plugin_utils.unknown_variables import unknown_variables
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

TABLE: Mapping[str, Any] = with_ticket_system(read_table())
RUNBOOKS = list(TABLE["itsm_runbooks"])
#: Variables of the user that are not similar to those of a runbook.
FOREIGN = ("environment_name", "x", "change_number", "zone")
#: Variables that Ansible sets in every play, besides ansible_*.
MAGIC = [
    *("groups", "group_names", "hostvars", "inventory_dir", "inventory_file", "inventory_hostname", "omit", "vars"),
    *("inventory_hostname_short", "play_hosts", "playbook_dir", "role_name", "role_names", "role_path", "environment"),
    "discovered_interpreter_python",
]


def unknown(name: str, *extra: str, **kwargs: Any) -> list[str]:
    """Return the messages for extra variables."""
    return unknown_variables(name, TABLE, dict.fromkeys(extra, "value"), **kwargs)


def assert_question(messages: list[str], *facts: str) -> None:
    """Assert that there is one message with facts, which ends with a suggestion."""
    (message,) = messages
    assert message.endswith("?")
    assert_message(message.replace("?", "."), *facts)


def test_misspelled_variable_is_refused_with_a_suggestion():
    misspelled = {
        "close_false_positives": {"severites": "severities", "source": "sources", "max_incident": "max_incidents"},
        "close_incident": {"all_or_nothig": "all_or_nothing", "Incidents": "incidents", "incident": "incidents"},
        "escalate_incident": {"asignee_email": "assignee_email"},
        "reopen_incident": {"stauts": "status", "statuses": "status"},
        "close_each_incident": {"incident_host": "incident_hosts"},
    }
    for name, words in misspelled.items():
        for word, meant in words.items():
            assert_question(unknown(name, word), word, name, meant)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_variable_without_one_of_its_letters_is_refused(name):
    supported = runbook_spec(name, TABLE)
    for variable in supported:
        if len(variable) > 4:
            word = variable[:3] + variable[4:]
            assert unknown(name, word) or word in supported, word
            assert unknown(name, others=[word]) or word in supported, word


@given(st.sampled_from(RUNBOOKS), st.sets(st.sampled_from(FOREIGN), min_size=1))
def test_foreign_extra_variable_is_refused_unless_ignored(name, words):
    refused = unknown(name, *words)
    assert [message.split(" ", 1)[0] for message in refused] == sorted(words)
    assert all("itsm_ignored_variables" in message for message in refused)
    assert unknown(name, *words, ignored=words) == unknown(name, others=words) == []


@pytest.mark.parametrize("name", RUNBOOKS)
def test_variables_of_runbook_and_controller_are_accepted(name):
    accepted = [*runbook_spec(name, TABLE), "ansible_eda", "awx_job_id", "tower_user_name", "itsm_report", "incidents"]
    accepted += ["secops_itsm_in_process", "contraforce_url", "contraforce_client_secret", "ticketing_realm"]
    assert unknown(name, *accepted) == unknown(name, others=[*accepted, *MAGIC]) == []


def test_variable_of_another_runbook_is_accepted_unless_similar():
    assert unknown("verify_connection", "title_pattern", "comment", "max_incidents") == []
    refused = unknown("close_false_positives", "source", "ticket_id")
    assert_question(refused, "source", "close_false_positives", "sources")


def test_workflow_job_only_refuses_similar_names():
    """AWX adds the values that earlier jobs passed to set_stats to the extra variables."""
    refused = unknown("close_incident", "awx_workflow_job_id", "change_number", "clasification")
    assert_question(refused, "clasification", "close_incident", "classification")


def test_similar_name_in_inventory_or_playbook_is_refused():
    refused = unknown("close_false_positives", others=["source", "zone"])
    facts = ["source", "inventory", "playbook", "close_false_positives", "sources", "itsm_ignored_variables"]
    assert_messages(refused, facts)
    # The inventory plugin sets incident.
    assert unknown("close_each_incident", others=["incident"]) == []
    assert unknown("close_incident", others=["incident"]) != []


def test_misspelled_connection_variable_is_refused():
    """Otherwise, the account of the environment would be used."""
    for word, meant in {
        "contraforce_client_secrt": "contraforce_client_secret",
        "CONTRAFORCE_CLIENT_ID": "contraforce_client_id",
        "ticketing_tenantid": "ticketing_tenant_id",
    }.items():
        assert_question(unknown("close_incident", word), word, "close_incident", meant)
        assert_messages(unknown("close_incident", others=[word]), [word, meant])
    # Only the prefix of the service is the same.
    assert unknown("close_incident", others=["contraforce_role", "ticketing_team", "contraforce", "ticketing_"]) == []


def test_text_of_extra_variable_without_a_name_is_not_shown():
    (refused,) = unknown_variables("close_incident", TABLE, {"_raw_params": "part of a secret"})
    assert_message(refused, "-e @FILE")
    assert "secret" not in refused
