# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the texts of an incident in its ticket."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_texts import (
    MAX_DESCRIPTION_LENGTH,
    MAX_LINE_LENGTH,
    MAX_LIST_LINES,
    alert_line,
    entity_line,
    incident_texts,
    list_excerpt,
    number_of,
    shortened_at_word,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import DETAILS

ENTRY = {"workspace_id": "5D6E7F80-91A2-4B3C-8D4E-5F6071829304", "source": "DefenderXDR", "incident_id": "61024"}
ALERT = {"title": "Atypical travel", "severity": "Medium", "productName": "Entra ID", "systemAlertId": "x" * 999}


def texts(portal_url="", **record):
    """Return the texts of an incident."""
    return incident_texts({**ENTRY, "record": record}, portal_url)


def test_texts_show_the_record():
    shown = texts(
        "https://portal.example/{workspace_id}/{incident_number}",
        title=" Sign-in \n from abroad ",
        severity="High",
        description="  One  account\tsigned in.\r\n\r\n\n\nTwice.\r",
        alerts=list_excerpt("alerts", [ALERT, {"title": "Rare app"}]),
        entities=list_excerpt("entities", [{"type": "Host", "displayName": "SRV-DC02"}]),
        user={"displayName": "A. Analyst", "email": "a@example.com"},
        displayId="7",
        number=3107,
        createdAt="2026-11-20T22:41:07.113+01:00",
        sourceDisplayName="Microsoft Defender XDR",
    )
    assert shown == {
        "workspace_id": ENTRY["workspace_id"].lower(),
        "source": "DefenderXDR",
        "incident_id": "61024",
        "title": "Sign-in from abroad",
        "severity": "High",
        "description": "One account signed in.\n\nTwice.",
        "alerts": "Atypical travel (Medium, Entra ID)\nRare app",
        "entities": "Host SRV-DC02",
        "owner": "A. Analyst",
        "number": "7",
        "created_at": "2026-11-20T21:41:07Z",
        "source_name": "Microsoft Defender XDR",
        "portal_url": f"https://portal.example/{ENTRY['workspace_id'].lower()}/7",
    }


@pytest.mark.parametrize(
    "record", [{}, {"user": None, "alerts": None, "description": None, "createdAt": 5, "number": ""}]
)
def test_missing_details_are_empty(record):
    shown = texts("https://portal.example/{incident_number}", **record)
    assert {shown[name] for name in DETAILS if name != "created_at"} == {""}


@pytest.mark.parametrize("user, owner", [({"displayName": " ", "email": "a@b"}, "a@b"), ("A. Analyst", ""), ({}, "")])
def test_owner_is_a_name_or_an_address(user, owner):
    assert texts(user=user)["owner"] == owner


@pytest.mark.parametrize("text, shown", [("yesterday", "yesterday"), ("0001-01-01T00:00:00+14:00", None)])
def test_unreadable_time_is_shown_as_it_is(text, shown):
    assert texts(createdAt=text)["created_at"] == (shown or text)


def test_number_of_the_entry_takes_precedence():
    assert incident_texts({**ENTRY, "incident_number": 8, "record": {"number": 7}})["number"] == "8"
    assert [number_of(record) for record in ({"number": 0}, {"number": True}, {"displayId": " "}, {})] == [
        "0",
        *[None] * 3,
    ]


@pytest.mark.parametrize(
    "alert, line",
    [
        ({}, ""),
        ("Alert", ""),
        ({"severity": "Low"}, "(no title) (Low)"),
        ({"alertDisplayName": "A\nB", "detectionSource": "MDE"}, "A B (MDE)"),
        ({"title": "word " * 50, "severity": "High"}, f"{'word ' * 17}word\u2026 (High)"),
    ],
)
def test_alert_is_one_line(alert, line):
    assert alert_line(alert) == line
    assert len(line) <= MAX_LINE_LENGTH


@pytest.mark.parametrize(
    "entity, line",
    [
        ({}, ""),
        (None, ""),
        ({"kind": "Account", "name": "k.meyer", "upnSuffix": "northwind.example"}, "Account k.meyer@northwind.example"),
        ({"kind": "Host", "properties": {"hostName": "SRV-DC02", "kind": "x"}}, "Host SRV-DC02"),
        ({"type": "Ip", "address": "203.0.113.24", "displayName": ""}, "Ip 203.0.113.24"),
        ({"displayName": "x" * 200}, "x" * (MAX_LINE_LENGTH - 1) + "\u2026"),
    ],
)
def test_entity_is_one_line(entity, line):
    assert entity_line(entity) == line


@pytest.mark.parametrize("count, last", [(10, "Alert 9"), (11, "and 1 more"), (1044, "and 1,034 more")])
def test_long_list_ends_with_the_number_of_further_lines(count, last):
    alerts = [{}, "no alert", *({"title": f"Alert {number}"} for number in range(count))]
    lines = texts(alerts=list_excerpt("alerts", alerts))["alerts"].split("\n")
    assert (lines[0], lines[-1], len(lines)) == ("Alert 0", last, min(count, MAX_LIST_LINES + 1))


def test_excerpt_keeps_values_as_they_are():
    """Ansible marks values of results as unsafe, and copies would lose that."""

    class Unsafe(str):
        """A text with a mark."""

    value = Unsafe("{{ 1 }}")
    excerpt = list_excerpt("entities", [{"type": value, "properties": {"hostName": value, "other": 1}, "other": 2}])
    assert excerpt == {"first": [{"type": value, "properties": {"hostName": value}}], "more": 0}
    (entity,) = excerpt["first"]
    assert type(entity["type"]) is type(entity["properties"]["hostName"]) is Unsafe


@pytest.mark.parametrize(
    "text, length, shown",
    [
        ("one two", 7, "one two"),
        ("one two three", 8, "one two\u2026"),
        ("one two three", 10, "one two\u2026"),
        ("one two three", 0, ""),
        ("a" + "b" * 30, 10, "abbbbbbbb\u2026"),
        ("a " + "b" * 30, 10, "a bbbbbbb\u2026"),
        ("one\ntwo", 6, "one\u2026"),
    ],
)
def test_text_is_shortened_at_a_word(text, length, shown):
    assert shortened_at_word(text, length) == shown


@given(
    st.text(
        st.sampled_from([*"a  \n\r\t<{", "\x1b", "\x00", "\u202e", "\u2028", "\ud800", "\U0001f525", "\u2066"]),
        max_size=50,
    ).map(lambda part: part * 60)
)
def test_texts_are_visible_and_bounded(text):
    item = {"title": text, "displayName": text, "severity": text, "type": text}
    lists = {name: list_excerpt(name, [item] * 20) for name in ("alerts", "entities")}
    shown = texts(
        title=text, severity=text, description=text, user=item, sourceDisplayName=text, createdAt=text, **lists
    )
    for name, found in shown.items():
        assert {unicodedata.category(letter) for letter in found.replace("\n", "")}.isdisjoint(
            {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
        )
        assert name in ("description", "alerts", "entities") or "\n" not in found
    lengths = [len(shown[name].encode("utf-16-le")) // 2 for name in ("description", "alerts", "entities")]
    assert lengths[0] <= MAX_DESCRIPTION_LENGTH
    # All of them fit in a column of 4000 characters.
    assert sum(lengths) <= 3600
