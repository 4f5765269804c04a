# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how an incident refers to its ticket."""

from __future__ import annotations

from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.filter.runbook_left import runbook_left
from ansible_collections.secops.itsm.plugins.filter.runbook_references import runbook_references
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_comment import has_marker
from ansible_collections.secops.itsm.plugins.plugin_utils.report import build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.resolved_tickets import _marker
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import (
    AUTO_WAYS,
    DEPRECATION,
    LINKS_ONLY,
    Choice,
    checked_link,
    choose_reference,
    own_link,
    reference_comment,
    with_given_number,
    with_ticket_number,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import LINKS
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

INCIDENT = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "61024"}


def system_of(links: str = "documented", **facts: Any) -> dict[str, Any]:
    """Return the facts of a ticketing system."""
    closing = {"default": "checked", "required_if_checked": ["code"]}
    common = {"title": "Desk", "contraforce_links": links, "contraforce_type": "ServiceNow", "closing": closing}
    return {**common, **facts}


def choose(links: str = "documented", closing: bool = False, **given: Any) -> Choice:
    """Return the choice for variables that are set.

    :param closing: whether the runbook closes tickets.
    """
    options = {"ticket_reference": "auto", "link": None, **given}
    if closing:
        options = {"ticket_closing": "checked", "code": "x", **options}
    return choose_reference(options, given, system_of(links))


def reference_of(way: str, links: str = "documented") -> Mapping[str, Any]:
    """Return the facts of a way."""
    return choose(links, ticket_reference=way).facts


# --- the choice -----------------------------------------------------------------------------------------------------


def test_auto_knows_each_capability():
    assert set(AUTO_WAYS) == set(LINKS)
    assert (AUTO_WAYS["documented"], AUTO_WAYS["no"]) == ("link", "comment")


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("given", [{}, {"ticket_reference": "auto"}], ids=["unset", "auto"])
def test_auto_uses_the_capability_of_the_system(links, given):
    choice = choose(links, **given)
    assert (choice.facts["way"], choice.facts["text"]) == (AUTO_WAYS[links], f"{AUTO_WAYS[links]} (auto)")
    assert (list(choice.problems), choice.facts["notes"]) == ([], [])


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("way", ["link", "comment", "none"])
def test_chosen_way_is_independent_of_the_system(links, way):
    choice = choose(links, ticket_reference=way)
    assert (choice.facts["way"], choice.facts["text"], list(choice.problems)) == (way, way, [])


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("former, way", [(True, "link"), (False, "none")])
def test_deprecated_variable_chooses_the_way(links, former, way):
    for given in ({"link": former}, {"link": former, "ticket_reference": "auto"}):
        choice = choose(links, **given)
        assert (choice.facts["way"], choice.facts["notes"], list(choice.problems)) == (way, [DEPRECATION], [])


@pytest.mark.parametrize(
    "former, way, is_valid",
    [
        (True, "link", True),
        (True, "comment", False),
        (True, "none", False),
        (False, "link", False),
        (False, "comment", False),
        (False, "none", True),
    ],
)
def test_deprecated_variable_must_not_contradict_the_way(former, way, is_valid):
    problems = choose(link=former, ticket_reference=way).problems
    assert (problems == []) is is_valid
    for message in problems:
        assert_message(message, "'link'", str(former).lower(), "'ticket_reference'", way)


@pytest.mark.parametrize("way", ["link", "comment", "none"])
def test_tickets_without_links_are_closed_in_their_system(way):
    options = {"ticket_reference": way, "ticket_closing": "contraforce", "code": "x"}
    choice = choose_reference(options, {"ticket_reference": way}, system_of())
    assert choice.options == ({} if way == "link" else {"ticket_closing": "checked"})
    assert list(choice.problems) == []


@pytest.mark.parametrize("links, given", [("documented", {"ticket_reference": "comment"}), ("no", {})])
def test_contraforce_is_not_asked_to_close_what_it_does_not_link(links, given):
    (message,) = choose(links, closing=True, ticket_closing="contraforce", **given).problems
    assert_message(message, "'ticket_closing'", "checked", "'ticket_reference'", "link", "Desk")
    assert choose(links, closing=True, ticket_closing="contraforce", ticket_reference="link").problems == []


@pytest.mark.parametrize("way, is_valid", [("auto", True), ("link", True), ("comment", False), ("none", False)])
def test_closed_tickets_must_be_found_without_links(way, is_valid):
    """Otherwise, each run would open and close another ticket."""
    system = system_of(closing={"required_if_checked": [], "find_closed": "with_closed"})
    for value in (True, False):
        options = {"ticket_reference": way, "link": None, "ticket_closing": "checked", "with_closed": value}
        problems = choose_reference(options, {}, system).problems
        assert len(problems) == (0 if value or is_valid else 1)
        assert all("'with_closed' is false" in text and f"'ticket_reference' is {way}" in text for text in problems)
        del options["ticket_closing"]
        assert not choose_reference(options, {}, system).problems


@pytest.mark.parametrize("blank", [None, "", " "], ids=repr)
def test_missing_value_for_closing_names_both_ways_out(blank):
    (message,) = choose(closing=True, code=blank, ticket_reference="comment").problems
    assert_message(message, "'code'", "Desk", "'ticket_reference'", "link")
    (message,) = choose(closing=True, code=blank, ticket_reference="link").problems
    assert_message(message, "'code'", "Desk", "'ticket_closing'", "contraforce")


def test_runbook_without_the_variable_only_links():
    for options, system in (({}, {}), ({"ticket_system": "x"}, system_of("no"))):
        choice = choose_reference(options, {}, system)
        assert (choice.facts, choice.options, list(choice.problems)) == (LINKS_ONLY, {}, [])


def test_facts_have_the_same_keys_in_each_runbook():
    assert set(LINKS_ONLY) == set(choose().facts)


# --- comments -------------------------------------------------------------------------------------------------------


def test_comment_contains_its_marker():
    made = reference_comment("INC001", "Desk")
    assert made["marker"] == "[service ticket INC001]"
    assert has_marker(made["comment"], made["marker"])
    assert "Desk" in made["comment"]


@pytest.mark.parametrize("other", ["INC0010", "XINC001", "INC001-2", "INC001 closed", "INC00"])
def test_comment_for_another_number_does_not_match(other):
    made, of_other = reference_comment("INC001", "Desk"), reference_comment(other, "Desk")
    assert not has_marker(of_other["comment"], made["marker"])
    assert not has_marker(made["comment"], of_other["marker"])


@pytest.mark.parametrize("number", ["INC001", "INC001 closed", "closed"])
def test_comment_is_not_the_one_of_a_closed_ticket(number):
    for closed in (number, "INC001"):
        closing_comment = f"Closed with its ticket.\n\n{_marker(closed)}"
        assert _marker(closed) not in reference_comment(number, "Desk")["comment"]
        assert not has_marker(closing_comment, reference_comment(number, "Desk")["marker"])


def test_number_is_on_one_line():
    made = reference_comment("INC\n001", "Desk")
    assert has_marker(made["comment"], made["marker"])
    assert "\n" not in made["marker"]


def test_entries_have_the_identity_and_the_comment():
    incident = {**INCIDENT, "ticket_number": "INC001", "ticket_id": "7", "record": {"title": "x"}, "comment": "Own."}
    (entry,) = runbook_references([incident], reference_of("comment"))
    assert entry == {**INCIDENT, **reference_comment("INC001", "Desk")}


@pytest.mark.parametrize("way", ["link", "comment", "none"])
def test_ticket_without_a_number_is_named_by_its_id(way):
    reference = reference_of(way)
    named = with_ticket_number({**INCIDENT, "ticket_id": "7"}, reference)
    assert named.get("ticket_number") == (None if way == "link" else "7")
    known = {**INCIDENT, "ticket_id": "7", "ticket_number": "INC7"}
    assert with_ticket_number(known, reference) == known
    assert with_ticket_number(INCIDENT, reference) == INCIDENT


# --- what ContraForce shows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way, links, shown, is_used",
    [
        ("link", "documented", "Jira", True),
        ("link", "no", None, True),
        ("comment", "documented", "ServiceNow", True),
        ("comment", "documented", None, True),
        ("comment", "documented", "Jira", False),
        ("comment", "assumed", None, False),
        ("comment", "no", "ServiceNow", False),
        ("none", "documented", None, True),
        ("none", "documented", "Jira", False),
        ("none", "assumed", None, True),
        ("none", "no", None, False),
    ],
)
def test_shown_ticket_is_used_if_it_is_one_of_the_system(way, links, shown, is_used):
    link = {"link": "linked", "ticket_id": "10043", "ticket_number": "SOC-312", "ticketing_system": shown}
    outcome = {**INCIDENT, "changed": False, "failed": False, "link": link, "incident": {"title": "x"}}
    reference = reference_of(way, links)
    assert ("link" in own_link(outcome, reference)) is is_used
    (left,) = runbook_left([INCIDENT], {"results": [outcome]}, reference=reference)
    assert left.get("ticket_id") == ("SOC-312" if is_used else None)
    assert left["record"] == {"title": "x"}
    step = {"name": "read", "result": {"results": [outcome]}, "reference": reference}
    (row,) = build_report([step], {"head": [], "runbook": "x"}, [INCIDENT])["incidents"]
    assert row["ticket"] == ("SOC-312" if is_used else None)


@pytest.mark.parametrize("way", ["comment", "none", "link"])
@pytest.mark.parametrize(
    "given, number", [("SOC-7", "SOC-7"), ("soc-312", "SOC-312"), ("10043", "SOC-312")], ids=["other", "number", "id"]
)
def test_ticket_of_the_user_keeps_its_number(way, given, number):
    """The incident may show another ticket, which must neither be named nor closed."""
    link = {"link": "linked", "ticket_id": "10043", "ticket_number": "SOC-312", "ticketing_system": None}
    reference = reference_of(way, "documented")
    entry = with_given_number({**INCIDENT, "ticket_id": given}, reference)
    (left,) = runbook_left([entry], {"results": [{**INCIDENT, "link": link}]}, reference=reference)
    assert (left["ticket_id"], left["ticket_number"]) == (given, number)


@pytest.mark.parametrize("way, by_id", [("comment", "10043"), ("none", "10043"), ("link", None)])
def test_ticket_of_the_user_has_a_number_in_each_step(way, by_id):
    reference = reference_of(way, "documented")
    found = [with_given_number({**INCIDENT, "ticket_id": name}, reference) for name in ("SOC-312", "10043")]
    assert [one.get("ticket_number") for one in found] == ["SOC-312", by_id]
    assert with_given_number(INCIDENT, reference) == INCIDENT


def linked(shown: str | None, **values: Any) -> dict[str, Any]:
    """Return the outcome of linking a ticket."""
    link = {
        "before": "unlinked",
        "after": "linked",
        "ticket_id": "7",
        "ticket_number": "X-7",
        "ticketing_system": shown,
    }
    return {**INCIDENT, "changed": True, "failed": False, "link": link, **values}


@pytest.mark.parametrize("shown, is_valid", [("ServiceNow", True), (None, True), ("Jira", False), ("None", False)])
@pytest.mark.parametrize("changed", [True, False])
def test_link_to_another_system_fails(shown, is_valid, changed):
    outcome, reference = linked(shown, changed=changed), reference_of("link")
    judged = checked_link(outcome, reference)
    assert judged["failed"] is not is_valid
    if not is_valid:
        assert_message(judged["msg"], "X-7", str(shown), "Desk", "'ticket_reference'", "comment")
    assert len(runbook_left([INCIDENT], {"results": [outcome]}, reference=reference)) == is_valid
    step = {"name": "link", "result": {"results": [outcome]}, "reference": reference}
    report = build_report([step], {"head": [], "runbook": "x"}, [INCIDENT])
    assert (report["outcome"] != "failed") is is_valid


def test_link_is_not_judged_without_an_expected_type():
    reference = choose_reference({"ticket_reference": "link"}, {}, system_of("assumed", contraforce_type="")).facts
    assert checked_link(linked("Jira"), reference)["failed"] is False
    assert checked_link(linked("Jira"), LINKS_ONLY) == linked("Jira")


@pytest.mark.parametrize(
    "category, links, is_named",
    [
        ("not_converged", "documented", True),
        ("not_converged", "no", True),
        ("not_found", "documented", False),
        ("not_found", "assumed", True),
        ("validation", "no", True),
        ("permission", "no", False),
        ("conflict", "assumed", False),
    ],
)
def test_failed_link_names_the_variable_if_the_system_may_be_the_reason(category, links, is_named):
    failed = {**INCIDENT, "failed": True, "msg": "It failed.", "error": {"category": category}}
    message = checked_link(failed, reference_of("link", links))["msg"]
    assert message.startswith("It failed.")
    assert ("set 'ticket_reference' to comment" in message) is is_named
    assert checked_link(failed, LINKS_ONLY) == failed


@pytest.mark.parametrize("check_mode, changed", [(True, True), (True, False), (False, True)])
def test_check_mode_lists_what_it_cannot_check(check_mode, changed):
    judged = checked_link(linked(None, changed=changed, unverified=["x"]), reference_of("link"), check_mode)
    sentence = "Not checked: whether ContraForce can link tickets of Desk."
    assert judged["unverified"] == ["x", *([sentence] if check_mode and changed else [])]
