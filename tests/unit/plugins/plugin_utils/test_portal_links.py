# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the links of incidents to the portal."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.portal_links import portal_link, template_problem

URL = "https://portal.example/w/{workspace_id}/{source}/{incident_id}"
INCIDENT = {"workspace_id": "5d6e", "source": "Splunk", "incident_id": "a/b c?", "number": None}


def test_link_contains_the_encoded_identity():
    assert portal_link(URL, INCIDENT) == "https://portal.example/w/5d6e/Splunk/a%2Fb%20c%3F"
    assert (
        portal_link("http://p.example/?n={incident_number}#x", {**INCIDENT, "number": "7"}) == "http://p.example/?n=7#x"
    )


def test_placeholder_in_a_value_is_not_replaced():
    assert portal_link(URL, {**INCIDENT, "incident_id": "{source}"}).endswith("/Splunk/%7Bsource%7D")


@pytest.mark.parametrize("template", ["", "https://portal.example/{incident_number}", "javascript:{incident_id}"])
def test_link_is_omitted_if_a_value_or_the_address_is_missing(template):
    assert portal_link(template, INCIDENT) is None


@pytest.mark.parametrize(
    "template, words",
    [
        ("portal.example/{incident_id}", "starts with https://"),
        ("javascript:alert({incident_id})", "starts with https://"),
        ("https://{source}.example/{incident_id}", "starts with https://"),
        ("https://[portal/{incident_id}", "starts with https://"),
        ("https://portal.example/ {incident_id}", "starts with https://"),
        ('https://portal.example/">{incident_id}', "starts with https://"),
        ("https://me:secret@portal.example/{incident_id}", "password"),
        ("https://portal.example/{incident}", "{incident}, which is not a placeholder"),
        ("https://portal.example/{incident_id}}", "}, which is not a placeholder"),
        ("https://portal.example/{workspace_id}", "{incident_id} or {incident_number}"),
    ],
)
def test_unusable_address_is_refused(template, words):
    assert words in template_problem(template)


def test_usable_address_has_no_problem():
    assert template_problem(URL) == template_problem("http://localhost:8080/?i={incident_number}") == ""
