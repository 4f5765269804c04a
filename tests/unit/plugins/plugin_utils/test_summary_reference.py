# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the identity of an incident in the summary of its ticket."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import (
    SUMMARY_ALONE,
    SUMMARY_WITH_REFERENCE,
    ticket_summary,
    ticket_texts,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.summary_reference import parse_summary, summary_problem

OWN, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = {"workspace_id": OWN, "source": "SentinelOne", "incident_id": "1987654321098765432"}
TICKET = {"summary": {"option": "summary", "max_length": 255}, "reference": {"field": "reference_field"}}

#: Templates by which incidents can be identified.
USABLE = [
    SUMMARY_ALONE,
    f"{SUMMARY_ALONE}: {{title}}",
    "{source} {incident_id} {workspace_id} {title}",
    "[{source}] [{incident_id} ] ({workspace_id}) {severity} {title}",
    "{workspace_id} {source} {incident_id}: {title}",
    "{incident_id} | {source}|{workspace_id}|{title}",
    "SOC\n{source}  {incident_id}\t{workspace_id}",
    "{source} {workspace_id} #{incident_id}",
]

#: Templates that are refused, with the reason.
UNUSABLE = [
    ("", "exactly once"),
    (SUMMARY_WITH_REFERENCE, "exactly once"),
    ("{source} {incident_id} {incident_id} {workspace_id}", "exactly once"),
    ("{title} {source} {incident_id} {workspace_id}", "{title} precedes"),
    ("{source} {incident_id} {title_html} {workspace_id}", "{title_html} precedes"),
    ("{source} {severity} {incident_id} {workspace_id}", "{severity} precedes"),
    ("{source}{incident_id} {workspace_id}", "{source} must be separated"),
    ("{source} {incident_id} a{workspace_id}", "{workspace_id} must be separated"),
    ("{source} {incident_id} {workspace_id}{title}", "{workspace_id} must be separated"),
    ("{source} {incident_id} {workspace_id}-{title}", "{workspace_id} must be separated"),
    ("{source} {incident_id}/{workspace_id}", "{incident_id} must be followed by a blank"),
    ("{source} {workspace_id} {incident_id}:{title}", "{incident_id} must be followed by a blank"),
]


def summary_of(template, title="", incident=None):
    """Return the summary of the ticket of an incident."""
    entry = {**(incident or INCIDENT), "record": {"title": title, "severity": "High"}}
    return ticket_summary(entry, ticket_texts(entry, {}), {"summary": template}, TICKET)


@pytest.mark.parametrize("template", USABLE)
def test_identity_is_found_in_the_summary_of_a_template(template):
    assert summary_problem(template) == ""
    for title in ("Beaconing", "", "T" * 300):
        # The service may fold or remove white space.
        for summary in (summary_of(template, title), " ".join(summary_of(template, title).split())):
            assert parse_summary(summary, template) == INCIDENT


@pytest.mark.parametrize("template, reason", UNUSABLE)
def test_ambiguous_template_is_refused(template, reason):
    assert reason in summary_problem(template)
    assert parse_summary(summary_of(template or "{title}", "x"), template) is None


WORDS = st.sampled_from([*SOURCES, OWN, OTHER, "48213", "in workspace", "incident", ":", "|", "]", "#", "-", "\n", " "])
TITLES = st.lists(WORDS | st.text(max_size=5), max_size=12).map(" ".join)
OTHERS = [summary_of(template, incident={**INCIDENT, "workspace_id": OTHER}) for template in USABLE]


@given(st.sampled_from(USABLE), TITLES | st.sampled_from(OTHERS))
def test_no_title_changes_the_identity(template, title):
    assert parse_summary(summary_of(template, title), template) == INCIDENT


@given(st.sampled_from(USABLE), TITLES, st.from_regex(r"[^\s{}]{1,20}", fullmatch=True))
def test_any_other_id_is_its_own_or_is_not_found(template, title, incident_id):
    found = parse_summary(summary_of(template, title, {**INCIDENT, "incident_id": incident_id}), template)
    visible = re.fullmatch(r"[!-~]+", incident_id)
    assert found in ([{**INCIDENT, "incident_id": incident_id}] if visible else [None, found])


@pytest.mark.parametrize("template", USABLE)
def test_other_summaries_have_no_identity(template):
    summary = summary_of(template, "Beaconing")
    for other in (f"RE: {summary}", summary.replace(OWN, OWN[:-1]), summary.replace("SentinelOne", "Sentinel Two")):
        assert parse_summary(other, template) is None
    assert parse_summary(None, template) is None
