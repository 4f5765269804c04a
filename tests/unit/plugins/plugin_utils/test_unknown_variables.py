# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that a runbook does not take."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import runbook_spec
from ansible_collections.secops.itsm.plugins.plugin_utils.unknown_variables import unknown_variables
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

TABLE: Mapping[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[4] / "playbooks" / "vars" / "runbooks.yml").read_text(encoding="utf-8")
)
RUNBOOKS = list(TABLE["itsm_runbooks"])
#: Variables of the user that resemble none of ours.
FOREIGN = ("environment_name", "x", "change_number", "zone")
#: What Ansible sets in every play, beside ansible_*.
MAGIC = [
    "groups",
    "group_names",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "vars",
    "environment",
    "discovered_interpreter_python",
]


def unknown(name: str, *extra: str, **kwargs: Any) -> list[str]:
    """What is refused, with a value for each extra variable."""
    return unknown_variables(name, TABLE, dict.fromkeys(extra, "value"), **kwargs)


def assert_question(messages: list[str], *facts: str) -> None:
    """Assert that there is one message, with facts, that ends with the question what was meant."""
    (message,) = messages
    assert message.endswith("?")
    assert_message(message.replace("?", "."), *facts)


def test_the_near_miss_of_a_filter_or_guard_is_refused():
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
def test_every_variable_without_one_of_its_letters_is_refused(name):
    taken = runbook_spec(name, TABLE)
    for variable in taken:
        if len(variable) > 4:
            word = variable[:3] + variable[4:]
            assert unknown(name, word) or word in taken, word
            assert unknown(name, others=[word]) or word in taken, word


@given(st.sampled_from(RUNBOOKS), st.sets(st.sampled_from(FOREIGN), min_size=1))
def test_each_foreign_extra_variable_is_refused_unless_ignored(name, words):
    refused = unknown(name, *words)
    assert [message.split(" ", 1)[0] for message in refused] == sorted(words)
    assert all("itsm_ignored_variables" in message for message in refused)
    assert unknown(name, *words, ignored=words) == []
    assert unknown(name, others=words) == []


@pytest.mark.parametrize("name", RUNBOOKS)
def test_names_of_the_runbook_ansible_and_controllers_pass(name):
    passing = [*runbook_spec(name, TABLE), "ansible_eda", "awx_job_id", "tower_user_name", "itsm_report", "incidents"]
    passing += ["secops_itsm_in_process", "contraforce_url", "contraforce_client_secret", "ticketing_realm"]
    assert unknown(name, *passing) == []
    assert unknown(name, others=[*passing, *MAGIC]) == []


def test_a_variable_of_another_runbook_passes_unless_it_is_a_near_miss():
    assert unknown("verify_connection", "title_pattern", "comment", "max_incidents") == []
    refused = unknown("close_false_positives", "source", "ticket_id")
    assert_question(refused, "source", "close_false_positives", "sources")


def test_in_a_workflow_only_near_misses_are_refused():
    """What earlier jobs passed to set_stats is among the extra variables, and not marked."""
    refused = unknown("close_incident", "awx_workflow_job_id", "change_number", "clasification")
    assert_question(refused, "clasification", "close_incident", "classification")


def test_a_near_miss_of_the_inventory_or_playbook_is_refused():
    refused = unknown("close_false_positives", others=["source", "zone"])
    assert_messages(
        refused,
        ["source", "inventory", "playbook", "close_false_positives", "sources", "itsm_ignored_variables"],
    )
    # Set by the inventory plugin, and near to incidents.
    assert unknown("close_each_incident", others=["incident"]) == []
    assert unknown("close_incident", others=["incident"]) != []


def test_the_near_miss_of_a_connection_variable_is_refused():
    """Another account of the environment would be used."""
    for word, meant in {
        "contraforce_client_secrt": "contraforce_client_secret",
        "CONTRAFORCE_CLIENT_ID": "contraforce_client_id",
        "ticketing_tenantid": "ticketing_tenant_id",
    }.items():
        assert_question(unknown("close_incident", word), word, "close_incident", meant)
        assert_messages(unknown("close_incident", others=[word]), [word, meant])
    # They have no more in common than the service.
    assert unknown("close_incident", others=["contraforce_role", "ticketing_team", "contraforce", "ticketing_"]) == []


def test_a_forgotten_at_sign_is_named_without_the_text():
    (refused,) = unknown_variables("close_incident", TABLE, {"_raw_params": "part of a secret"})
    assert_message(refused, "-e @FILE")
    assert "secret" not in refused
