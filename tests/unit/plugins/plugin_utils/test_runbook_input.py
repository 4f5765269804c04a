# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the validation of a runbook's input, as a user, a file or a survey sets it."""

from __future__ import annotations

import json
from typing import Any, Mapping

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_input import runbook_input
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import is_blank, read_input, runbook_spec
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import read_table, with_ticket_system
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact

TABLE: Mapping[str, Any] = with_ticket_system(read_table())
WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SENTINEL = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}
DEFENDER = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
CLOSURE = {"classification": "TruePositive", "classification_reason": "Malware", "comment": "Contained."}
TICKETS = {"team_id": "soc", "offer": "Report a security incident"}
HEADER = "workspace_id,source,incident_id,ticket_id\n"
ROW = f"{WORKSPACE},DefenderXDR,61024,SOC-1\n"

#: The minimal input of each runbook.
MINIMAL: Mapping[str, Mapping[str, Any]] = {
    "close_incident": {**DEFENDER, "classification": "TruePositive", "comment": "Contained."},
    "close_each_incident": {
        **DEFENDER,
        "incident_hosts": "contraforce_incidents",
        "classification": "TruePositive",
        "comment": "Contained.",
    },
    "close_false_positives": {"title_pattern": "x", "classification_reason": "InaccurateData", "comment": "Known."},
    "close_with_ticket": {**DEFENDER, **CLOSURE, **TICKETS, "closed_status": "Resolved"},
    "close_resolved": {"classification": "TruePositive", "reference_field": "Incident Reference"},
    "escalate_incident": {**DEFENDER, **TICKETS},
    "open_ticket": {**DEFENDER, **TICKETS},
    "link_ticket": {**DEFENDER, "ticket_id": "SOC-1"},
    "unlink_ticket": {**DEFENDER},
    "reopen_incident": {**DEFENDER, "comment": "It goes on."},
    "reconcile_tickets": {"pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]},
    "verify_connection": {},
}


def problems(name: str, raw: Mapping[str, Any], pairs_text: str | None = None) -> list[str]:
    """Return the messages about an input."""
    return list(read_input(name, raw, TABLE, pairs_text)["problems"])


def of_entries(*entries: Any, name: str = "unlink_ticket", **variables: Any) -> list[str]:
    """Return the messages about a list of incidents."""
    return problems(name, {"incidents": list(entries), **variables})


# --- every runbook --------------------------------------------------------------------------------------------------


def test_every_runbook_is_tested():
    before = json.dumps(TABLE, sort_keys=True)
    assert set(MINIMAL) == set(TABLE["itsm_runbooks"])
    for name in MINIMAL:
        read_input(name, {}, TABLE)
    assert json.dumps(TABLE, sort_keys=True) == before


@pytest.mark.parametrize("name", MINIMAL)
def test_minimal_input_is_valid(name):
    result = read_input(name, MINIMAL[name], TABLE)
    assert result["problems"] == []
    assert len(result["incidents"]) == (name not in ("close_false_positives", "close_resolved", "verify_connection"))
    # A survey passes texts, which are empty for unanswered questions.
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in MINIMAL[name].items()}
    assert read_input(name, {**dict.fromkeys(runbook_spec(name, TABLE), ""), **texts}, TABLE) == result


@pytest.mark.parametrize("name", MINIMAL)
def test_missing_variable_is_reported(name):
    optional = {"close_with_ticket": {"classification_reason"}}.get(name, set())
    for variable in set(MINIMAL[name]) - optional:
        raw = {key: value for key, value in MINIMAL[name].items() if key != variable}
        assert variable in " ".join(problems(name, raw)), variable


def test_options_have_defaults_and_types():
    raw = {"incidents": [DEFENDER], **CLOSURE, "replace": "yes", "verify_timeout": "45", "concurrency": " 3 "}
    result = read_input("close_incident", raw, TABLE)
    options = result["options"]
    assert (options["replace"], options["verify_timeout"], options["concurrency"]) == (True, 45, 3)
    assert (options["report"], options["report_dir"], options["all_or_nothing"]) == (True, "itsm-reports", False)
    assert options["requested_by"] is None
    assert result["given"]["replace"] == "yes"
    assert not {"report", "incidents"} & set(result["given"])


def test_default_of_a_runbook_overrides_that_of_the_variable():
    def options_of(name: str) -> dict[str, Any]:
        return read_input(name, MINIMAL[name], TABLE)["options"]

    assert (options_of("reconcile_tickets")["replace"], options_of("link_ticket")["replace"]) == (True, False)
    selection = options_of("close_false_positives")
    assert (selection["classification"], selection["statuses"]) == ("FalsePositive", ["New", "Active"])


def test_variables_of_other_runbooks_are_ignored():
    expected = {"apis", "object_id", "ticket_system", "workspace_id", "source", "incident_id"}
    assert set(runbook_spec("verify_connection", TABLE)) == expected
    assert "classification" not in read_input("open_ticket", {**MINIMAL["open_ticket"], **CLOSURE}, TABLE)["given"]


def test_all_problems_are_reported_together():
    entry = {**DEFENDER, "fields": {"Description": "{titel}"}, "colour": "red"}
    found = problems("open_ticket", {**TICKETS, "summary": "{titl}", "verify_timeout": "soon", "incidents": [entry]})
    assert all(has_fact(" ".join(found), fact) for fact in ("verify_timeout", "colour", "{titl}", "{titel}"))
    without_team = problems("open_ticket", {**DEFENDER, "summary": "{titel}", "fields": "{text"})
    assert all(has_fact(" ".join(without_team), fact) for fact in ("{titel}", "'fields'"))
    assert problems("close_incident", {**MINIMAL["close_incident"], "comment": "{titel}"}) == []


# --- texts ----------------------------------------------------------------------------------------------------------


def test_only_null_and_white_space_are_blank():
    assert all(map(is_blank, [None, "", " ", "\n\t "]))
    assert not any(map(is_blank, [0, False, [], {}, "0", "no"]))


@pytest.mark.parametrize("name, variable", [("unlink_ticket", "incidents"), ("open_ticket", "fields")])
def test_text_with_a_syntax_error_is_reported(name, variable):
    found = problems(name, {**MINIMAL[name], variable: "- a\n- [unclosed"})
    assert_messages(found, [variable, "YAML", "JSON", "expected ',' or ']'", "line 2, column 12"])


@pytest.mark.parametrize(
    "name, variable, text, value",
    [
        ("close_false_positives", "severities", " Low , HIGH\n", ["Low", "High"]),
        ("close_false_positives", "severities", "[low, High]", ["Low", "High"]),
        ("close_false_positives", "time_range", "fortyeighthours", "FortyEightHours"),
        ("close_incident", "classification", "FALSEPOSITIVE", "FalsePositive"),
        ("open_ticket", "ignore_fields", "Cost: center", ["Cost: center"]),
        ("open_ticket", "fields", "Urgency: High\nCount: 3", {"Urgency": "High", "Count": 3}),
    ],
)
def test_text_is_converted_to_the_type_of_the_option(name, variable, text, value):
    result = read_input(name, {**MINIMAL[name], variable: text}, TABLE)
    assert (result["problems"], result["options"][variable]) == ([], value)


@pytest.mark.parametrize(
    "value", ["one", 5, {"workspace_id": WORKSPACE}, ["one"], [["one"]], [None], "[null]", [DEFENDER, 1]]
)
def test_value_that_is_not_a_list_of_mappings_is_refused(value):
    assert_message(problems("unlink_ticket", {"incidents": value})[0], "'incidents'", "list of mappings")


@given(
    st.sampled_from(list(MINIMAL)),
    st.dictionaries(st.sampled_from(sorted(runbook_spec("close_with_ticket", TABLE))), st.text()),
)
def test_any_text_is_accepted_or_refused(name, raw):
    read_input(name, raw, TABLE)


ENTRY_KEYS = [*DEFENDER, *CLOSURE, *TICKETS, "fields", "ticket_id", "state", "summary", "other"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(ENTRY_KEYS), VALUES), max_size=3))
def test_accepted_entries_always_have_an_identity(entries):
    for name, option in (("close_with_ticket", "incidents"), ("reconcile_tickets", "pairs")):
        result = read_input(name, {option: entries}, TABLE)
        if not result["problems"]:
            assert all(set(DEFENDER) <= set(entry) for entry in result["incidents"])
            assert all(entry["source"] in SOURCES for entry in result["incidents"])


# --- incidents ------------------------------------------------------------------------------------------------------


def test_entries_are_normalized():
    one = {**DEFENDER, "source": " defenderxdr ", "incident_id": 61024, "incident_number": 7, "ticket_id": 0}
    expected = {**DEFENDER, "incident_number": "7", "ticket_id": "0"}
    listed = {"incidents": [{**one, "comment": " "}]}
    for raw in (one, listed, {"incidents": json.dumps([one])}, {"incidents": yaml.safe_dump([one])}):
        assert read_input("unlink_ticket", raw, TABLE)["incidents"] == [expected]
    # In YAML 1.1, each of these texts is a number.
    for text in ("0042", "1_000", "12:30", "1.10"):
        raw = {"incidents": f"- {{workspace_id: {WORKSPACE}, source: Splunk, incident_id: {text}, ticket_id: {text}}}"}
        (entry,) = read_input("link_ticket", raw, TABLE)["incidents"]
        assert (entry["incident_id"], entry["ticket_id"]) == (text, text)


def test_choices_in_entries_ignore_case():
    entry = {**DEFENDER, "classification": "falsepositive", "classification_reason": "INACCURATEDATA"}
    result = read_input("close_incident", {"incidents": [entry], "comment": "c"}, TABLE)
    expected = {"classification": "FalsePositive", "classification_reason": "InaccurateData"}
    assert (result["problems"], result["incidents"]) == ([], [{**entry, **expected}])


def test_empty_list_of_incidents_is_nothing_to_do():
    for empty in ([], "[]"):
        result = read_input("close_incident", {**CLOSURE, "incidents": empty}, TABLE)
        assert (result["incidents"], result["problems"]) == ([], [])
        assert result["nothing_to_do"] == "incidents is empty"


def test_empty_list_of_pairs_fails_unless_allowed():
    for raw, text, empty in (({"pairs": []}, None, "pairs is empty"), ({}, HEADER, "pairs_file has no rows")):
        assert_messages(problems("reconcile_tickets", raw, text), [empty, "allow_empty"])
        allowed = read_input("reconcile_tickets", {**raw, "allow_empty": "true"}, TABLE, text)
        assert (allowed["incidents"], allowed["problems"], allowed["nothing_to_do"]) == ([], [], empty)


@pytest.mark.parametrize(
    "name, raw, text, facts",
    [
        (
            "unlink_ticket",
            {"incidents": [DEFENDER], "incident_id": "61024", "ticket_id": "1"},
            None,
            ["'incidents'", "incident_id", "ticket_id", "list"],
        ),
        (
            "reconcile_tickets",
            {"pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]},
            HEADER + ROW,
            ["'pairs'", "'pairs_file'", "one of them"],
        ),
        (
            "link_ticket",
            {},
            None,
            ["No incidents", "'incidents'", "workspace_id", "source", "incident_id", "'ticket_id'"],
        ),
        ("reconcile_tickets", {}, None, ["No pairs", "'pairs'", "'pairs_file'"]),
    ],
)
def test_incidents_must_be_set_in_one_way(name, raw, text, facts):
    assert_messages(problems(name, raw, text), facts)


def test_problems_of_each_entry_are_reported():
    entries = [{**DEFENDER, "clasification": "TruePositive"}, SENTINEL]
    assert_messages(
        of_entries(*entries, name="close_incident", comment="c"),
        ["clasification is unknown", "1 of 2", "61024"],
        ["classification is missing", "1 of 2", "61024"],
        ["classification and classification_reason are missing", "2 of 2", SENTINEL["incident_id"]],
    )


def test_required_keys_may_be_variables_or_in_entries():
    own = {**DEFENDER, "classification": "FalsePositive", "comment": "Own."}
    assert of_entries(own, name="close_incident") == []
    assert of_entries(DEFENDER, SENTINEL, name="close_incident", **CLOSURE) == []
    closure = {name: value for name, value in CLOSURE.items() if name != "classification_reason"}
    others = [DEFENDER, {**SENTINEL, "source": "SentinelOne"}]
    assert of_entries(*others, name="close_incident", **closure) == []
    for source in ("Sentinel", "sentinel", " SENTINEL "):
        found = of_entries({**SENTINEL, "source": source}, name="close_incident", **closure)
        assert_messages(found, ["classification_reason", "missing"])


def test_problem_of_many_incidents_is_reported_once():
    entries = [{**DEFENDER, "incident_id": str(number)} for number in range(1, 2001)]
    (message,) = of_entries(*entries, name="close_incident", classification="TruePositive")
    assert_message(message, "comment", "all 2,000", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "'incidents'")
    assert not has_fact(message, 11)
    entries[6:] = [{**entry, "comment": "c"} for entry in entries[6:]]
    (message,) = of_entries(*entries, name="close_incident", classification="TruePositive")
    assert_message(message, "comment", "6 of 2,000", "1, 2, 3, 4, 5, 6", "'incidents'")


@pytest.mark.parametrize(
    "name, further, change",
    [
        ("unlink_ticket", {}, lambda number: {"source": "Outlook"}),
        ("unlink_ticket", {}, lambda number: {"workspace_id": f"tenant {number}"}),
        ("unlink_ticket", {}, lambda number: {"ticket_id": f"{number}.0"}),
        ("unlink_ticket", {}, lambda number: {"ticket_id": ["x" * 1000]}),
        ("unlink_ticket", {}, lambda number: {"tikcet": "x"}),
        ("unlink_ticket", {}, lambda number: {"incident_id": str(number // 2)}),
        ("reopen_incident", {"comment": "c"}, lambda number: {"status": "x" * number}),
        ("open_ticket", TICKETS, lambda number: {"summary": f"{{titel}} {number}"}),
        ("open_ticket", {"team_id": "soc"}, lambda number: {}),
        ("open_ticket", TICKETS, lambda number: {"summary": "{incident_id} {workspace_id} " + "x" * (number + 255)}),
    ],
)
def test_messages_about_many_incidents_are_short(name, further, change):
    entries = [{**DEFENDER, "incident_id": str(number), **change(number)} for number in range(1, 301)]
    found = of_entries(*entries, name=name, **further)
    assert 0 < len(found) <= 12
    assert len("\n".join(found)) < 5000


@pytest.mark.parametrize("key", ["incident_id", "incident_number", "ticket_id"])
def test_number_reformatted_by_a_spreadsheet_is_refused(key):
    for value in ("48213.0", "48213.00", "48213,0", "4.82E+12", "4,8E+12", "5e+07", 48213.0, 1e22):
        assert_messages(of_entries({**DEFENDER, key: value}), [key, value, "spreadsheet", "text"])
    for value in ("T20261121.0042", "1.5.0", "12.30", "inc:0.0", "5e7"):
        assert of_entries({**DEFENDER, key: value}) == []


@pytest.mark.parametrize("key", [*DEFENDER, "ticket_id", "incident_number"])
def test_identifier_must_be_a_string_or_a_number(key):
    for value in ({"a": 1}, ["a"], True, 1.5):
        assert any(key in text for text in of_entries({**DEFENDER, key: value}))


@pytest.mark.parametrize("value", [float("inf"), float("nan"), ".inf", "inf"])
def test_infinite_number_is_refused(value):
    found = problems("unlink_ticket", {**DEFENDER, "verify_timeout": value, "report": "perhaps"})
    assert len(found) == 2
    assert "argument 'verify_timeout' is of type" in " ".join(found)


@pytest.mark.parametrize(
    "name, variables, change, facts",
    [
        ("unlink_ticket", {}, {"workspace_id": "Tailspin"}, ["workspace_id", "UUID"]),
        ("unlink_ticket", {}, {"source": "Defender"}, ["source", "Sentinel, DefenderXDR"]),
        ("unlink_ticket", {}, {"incident_id": ".."}, ["incident_id", "'..'", "URL"]),
        ("unlink_ticket", {}, {"incident_id": "None"}, ["incident_id", "'None'"]),
        *[("open_ticket", TICKETS, {key: "None"}, [key, "'None'"]) for key in ("ticket_id", "team_id", "offer_id")],
        ("open_ticket", TICKETS, {"fields": ["Urgency"]}, ["'fields'", "mapping"]),
        ("close_incident", CLOSURE, {"classification": "x y"}, ["classification", "one of", "not 'x y'"]),
        ("close_incident", CLOSURE, {"classification_reason": ["x"]}, ["classification_reason", "one of", "not ['x']"]),
        ("reopen_incident", {"comment": "c"}, {"status": "Closed"}, ["status", "one of", "not 'Closed'"]),
        ("open_ticket", {}, {}, ["'team_id'", "'offer'", "'offer_id'"]),
    ],
)
def test_invalid_value_of_an_entry_is_refused(name, variables, change, facts):
    entry = {**DEFENDER, **change}
    assert_messages(of_entries(entry, name=name, **variables), ["1 of 1", entry["incident_id"], *facts])


@pytest.mark.parametrize(
    "name, change, facts",
    [
        ("link_ticket", {"ticket_id": " null "}, ["ticket_id", "'null'"]),
        ("open_ticket", {"team_id": "None"}, ["team_id", "'None'"]),
        ("escalate_incident", {"assignee_email": "None"}, ["assignee_email", "'None'"]),
        ("verify_connection", {"object_id": "None"}, ["object_id", "'None'"]),
        ("close_false_positives", {"title_pattern": "("}, ["title_pattern", "regular expression"]),
        ("close_false_positives", {"older_than_hours": -1}, ["older_than_hours"]),
        ("close_false_positives", {"older_than_hours": 1_000_001}, ["older_than_hours"]),
        ("close_incident", {"portal_url": "portal.example"}, ["portal_url", "https://"]),
        (
            "unlink_ticket",
            {"portal_url": "https://portal.example/{incident}"},
            ["portal_url", "{incident}", "{source}"],
        ),
    ],
)
def test_invalid_variable_is_refused(name, change, facts):
    assert_messages(problems(name, {**MINIMAL[name], **change}), facts)


def test_state_of_a_pair_is_validated():
    changes = [{"state": "absent"}, {"incident_id": "2", "state": "gone"}, {"incident_id": "3"}]
    assert_messages(
        problems("reconcile_tickets", {"pairs": [{**DEFENDER, **change} for change in changes]}),
        ["2 of 3", "state", "present, absent", "'gone'"],
        ["ticket_id", "missing", "3 of 3", "'pairs'"],
    )


@pytest.mark.parametrize(
    "first, change, is_duplicate",
    [
        (DEFENDER, {}, True),
        (DEFENDER, {"source": "defenderXDR"}, True),
        (DEFENDER, {"incident_id": 61024}, True),
        (DEFENDER, {"workspace_id": WORKSPACE.upper()}, True),
        (SENTINEL, {"incident_id": f"{SENTINEL['incident_id'].upper()} "}, True),
        (DEFENDER, {"workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"}, False),
        (DEFENDER, {"source": "QRadar"}, False),
        ({**DEFENDER, "incident_id": "abc"}, {"incident_id": "ABC"}, False),
    ],
)
def test_duplicate_incident_is_refused(first, change, is_duplicate):
    found = of_entries(first, {**first, **change})
    assert_messages(found, *([["'incidents'", "duplicate"]] if is_duplicate else []))


# --- CSV file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_file_is_read(tmp_path, monkeypatch, end):
    (tmp_path / "pairs.csv").write_bytes((HEADER + ROW + ",,,\n").replace("\n", end).encode("utf-8-sig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (str(tmp_path / "pairs.csv"), "~/pairs.csv"):
        result = runbook_input({"pairs_file": name}, "reconcile_tickets", TABLE)
        assert (result["problems"], result["incidents"]) == ([], [{**DEFENDER, "ticket_id": "SOC-1"}])
    raw = {"pairs_file": " ", "pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]}
    assert runbook_input(raw, "reconcile_tickets", TABLE)["problems"] == []


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "No such file or directory"),
        (b"\xe4", "it is not UTF-8 text"),
        (b"ticket\n", "unknown"),
        (b"", "empty"),
    ],
)
def test_unreadable_csv_file_is_refused(tmp_path, content, reason):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    result = runbook_input({"pairs_file": str(path)}, "reconcile_tickets", TABLE)
    assert_messages(result["problems"], ["'pairs_file'", reason])
    assert result["incidents"] == []


# --- incidents from events ------------------------------------------------------------------------------------------

EVENT = {
    "source": "defenderxdr",
    "incident_id": "61024",
    "created_at": "2026-11-21T02:41:07Z",
    "title_sha256": "0" * 64,
}
WITH_LIST = sorted(name for name in TABLE["itsm_runbooks"] if "incidents" in runbook_spec(name, TABLE))


@pytest.mark.parametrize("name", WITH_LIST)
def test_incident_without_a_workspace_is_accepted_with_evidence(name):
    raw = {key: value for key, value in MINIMAL[name].items() if key not in DEFENDER}
    event = {**EVENT, **{key: raw.pop(key) for key in ("ticket_id",) if key in raw}}
    result = read_input(name, {**raw, "incidents": [event]}, TABLE)
    assert (result["problems"], result["incidents"]) == ([], [{**event, "source": "DefenderXDR"}])
    assert result["window"]["time_from"] == "2026-11-21T02:36:07Z"
    assert read_input(name, MINIMAL[name], TABLE)["window"] == {}


@pytest.mark.parametrize(
    "change, facts",
    [
        ({"title_sha256": ""}, ["workspace_id", "missing", "61024"]),
        ({"created_at": None}, ["workspace_id", "missing", "61024"]),
        ({"created_at": "soon"}, ["created_at", "point in time", "61024"]),
        ({"title_sha256": "{{ now() }}"}, ["title_sha256", "SHA-256", "61024"]),
        ({"source": "contoso"}, ["source", "one of", "61024"]),
        ({"incident_id": ".."}, ["incident_id", "'..'", "URL"]),
    ],
)
def test_incident_with_invalid_evidence_is_refused(change, facts):
    result = read_input("unlink_ticket", {"incidents": [{**EVENT, **change}]}, TABLE)
    assert_messages(result["problems"], ["1 of 1", *facts])
    assert result["window"] == {}


def test_pair_without_a_workspace_is_refused():
    (problem, *_more) = problems("reconcile_tickets", {"pairs": [{**EVENT, "ticket_id": "SOC-1"}]})
    assert_message(problem, "created_at", "title_sha256", "unknown", "1 of 1", "61024")
