# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a runbook was given, as a person, a file or a survey gives it, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_input import runbook_input
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import is_blank, read_input, runbook_spec
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact

TABLE: Mapping[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[4] / "playbooks" / "vars" / "runbooks.yml").read_text(encoding="utf-8")
)
WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SENTINEL = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}
DEFENDER = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
CLOSURE = {"classification": "TruePositive", "classification_reason": "Malware", "comment": "Contained."}
TICKETS = {"team_id": "soc", "offer": "Report a security incident"}
HEADER = "workspace_id,source,incident_id,ticket_id\n"
ROW = f"{WORKSPACE},DefenderXDR,61024,SOC-1\n"

#: Of each runbook, what is just enough.
ENOUGH: Mapping[str, Mapping[str, Any]] = {
    "close_incident": {**DEFENDER, "classification": "TruePositive", "comment": "Contained."},
    "close_each_incident": {
        **DEFENDER,
        "incident_hosts": "contraforce_incidents",
        "classification": "TruePositive",
        "comment": "Contained.",
    },
    "close_false_positives": {"title_pattern": "x", "classification_reason": "InaccurateData", "comment": "Known."},
    "close_with_ticket": {**DEFENDER, **CLOSURE, **TICKETS},
    "escalate_incident": {**DEFENDER, **TICKETS},
    "open_ticket": {**DEFENDER, **TICKETS},
    "link_ticket": {**DEFENDER, "ticket_id": "SOC-1"},
    "unlink_ticket": {**DEFENDER},
    "reopen_incident": {**DEFENDER, "comment": "It goes on."},
    "reconcile_tickets": {"pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]},
    "verify_connection": {},
}


def problems(name: str, raw: Mapping[str, Any], pairs_text: str | None = None) -> list[str]:
    """What is wrong."""
    return list(read_input(name, raw, TABLE, pairs_text)["problems"])


def pairs(text: str) -> dict[str, Any]:
    """What a CSV file gives."""
    return read_input("reconcile_tickets", {}, TABLE, text)


def surveyed(value: Any) -> str:
    """A value as a survey gives it: a text."""
    return value if isinstance(value, str) else json.dumps(value)


# --- every runbook --------------------------------------------------------------------------------------------------


def test_every_runbook_is_here():
    assert set(ENOUGH) == set(TABLE["itsm_runbooks"])


@pytest.mark.parametrize("name", ENOUGH)
def test_what_is_enough_is_enough(name):
    taken = read_input(name, ENOUGH[name], TABLE)
    assert taken["problems"] == []
    wants_incidents = name not in ("close_false_positives", "verify_connection")
    assert len(taken["incidents"]) == wants_incidents


@pytest.mark.parametrize("name", ENOUGH)
def test_a_survey_that_leaves_the_rest_out_gives_the_same(name):
    texts = dict.fromkeys(runbook_spec(name, TABLE), "")
    blank = {**texts, **{variable: surveyed(value) for variable, value in ENOUGH[name].items()}}
    bare, full = read_input(name, ENOUGH[name], TABLE), read_input(name, blank, TABLE)
    assert full == bare


@pytest.mark.parametrize("name", ENOUGH)
def test_each_is_missed(name):
    """Whatever is left out of what is enough is named, by a sentence or by Ansible's own check."""
    left_out = {"close_with_ticket": {"classification_reason"}}.get(name, set())
    for variable in set(ENOUGH[name]) - left_out:
        raw = {key: value for key, value in ENOUGH[name].items() if key != variable}
        taken = read_input(name, raw, TABLE)
        assert variable in " ".join(taken["problems"]), (name, variable)


def test_defaults_and_types():
    raw = {"incidents": [DEFENDER], **CLOSURE, "replace": "yes", "verify_timeout": "45", "concurrency": " 3 "}
    taken = read_input("close_incident", raw, TABLE)
    options = taken["options"]
    assert (options["replace"], options["verify_timeout"], options["concurrency"]) == (True, 45, 3)
    assert (options["report"], options["report_dir"], options["all_or_nothing"]) == (True, "itsm-reports", False)
    assert options["requested_by"] is None
    assert taken["given"]["replace"] == "yes"
    assert "report" not in taken["given"]


def test_a_default_of_the_runbook_goes_before_that_of_the_variable():
    assert read_input("reconcile_tickets", ENOUGH["reconcile_tickets"], TABLE)["options"]["replace"] is True
    assert read_input("link_ticket", ENOUGH["link_ticket"], TABLE)["options"]["replace"] is False
    options = read_input("close_false_positives", ENOUGH["close_false_positives"], TABLE)["options"]
    assert options["classification"] == "FalsePositive"
    assert options["statuses"] == ["New", "Active"]


def test_a_runbook_does_not_take_what_another_does():
    assert set(runbook_spec("verify_connection", TABLE)) == {
        "apis",
        "object_id",
        "workspace_id",
        "source",
        "incident_id",
    }
    assert "classification" not in read_input("open_ticket", {**ENOUGH["open_ticket"], **CLOSURE}, TABLE)["given"]


def test_unknown_placeholders_are_reported_with_all_other_problems():
    entry = {**DEFENDER, "fields": {"Description": "{titel}"}, "colour": "red"}
    said = problems("open_ticket", {**TICKETS, "summary": "{titl}", "verify_timeout": "soon", "incidents": [entry]})
    assert all(has_fact(" ".join(said), fact) for fact in ("verify_timeout", "colour", "{titl}", "{titel}"))
    without_team = problems("open_ticket", {**DEFENDER, "summary": "{titel}", "fields": "{text"})
    assert all(has_fact(" ".join(without_team), fact) for fact in ("{titel}", "'fields'"))
    assert problems("close_incident", {**ENOUGH["close_incident"], "comment": "{titel}"}) == []


def test_the_table_is_left_as_it_was():
    before = json.dumps(TABLE, sort_keys=True)
    for name in ENOUGH:
        read_input(name, {}, TABLE)
    assert json.dumps(TABLE, sort_keys=True) == before


# --- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "", " ", "\n\t "])
def test_blank(value):
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, False, [], {}, "0", "no"])
def test_not_blank(value):
    assert not is_blank(value)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([DEFENDER]),
        yaml.safe_dump([DEFENDER]),
        f"---\n- {{workspace_id: {WORKSPACE}, source: DefenderXDR, incident_id: 61024}}\n",
        f"- workspace_id: {WORKSPACE}\r\n  source: DefenderXDR\r\n  incident_id: '61024'\r\n",
    ],
)
def test_a_list_as_text(text):
    taken = read_input("unlink_ticket", {"incidents": text}, TABLE)
    assert (taken["incidents"], taken["problems"]) == ([DEFENDER], [])


@pytest.mark.parametrize(
    "text", ["Low,High", " Low , High ", "Low\nHigh\n", "[Low, High]", '["Low", "High"]', "- Low\n- High"]
)
def test_words_as_text(text):
    raw = {**ENOUGH["close_false_positives"], "severities": text}
    assert read_input("close_false_positives", raw, TABLE)["options"]["severities"] == ["Low", "High"]


@pytest.mark.parametrize(
    "text, words", [("Low", ["Low"]), ("12", ["12"]), ("Cost: center", ["Cost: center"]), (",", [])]
)
def test_one_word_as_text(text, words):
    raw = {**ENOUGH["open_ticket"], "ignore_fields": text}
    assert read_input("open_ticket", raw, TABLE)["options"]["ignore_fields"] == words


@pytest.mark.parametrize(
    "text", ["{Urgency: High, Count: 3}", '{"Urgency": "High", "Count": 3}', "Urgency: High\nCount: 3"]
)
def test_a_mapping_as_text(text):
    raw = {**ENOUGH["open_ticket"], "fields": text}
    assert read_input("open_ticket", raw, TABLE)["options"]["fields"] == {"Urgency": "High", "Count": 3}


BROKEN = {
    "!!python/object/apply:os.system ['true']": "could not determine a constructor for the tag "
    "'tag:yaml.org,2002:python/object/apply:os.system' in line 1, column 1",
    "- a\n- [unclosed": "expected ',' or ']', but got '<stream end>' in line 2, column 12",
    "- workspace_id: a\n  source: b\n incident_id: 1": "expected <block end>, but found '<block mapping start>' in "
    "line 3, column 2",
    "a: b: c": "mapping values are not allowed here in line 1, column 5",
    "&a [*b": "found undefined alias 'b' in line 1, column 5",
    "- a\n\t- a": "found character '\\t' that cannot start any token in line 2, column 1",
    "- a\n- \x1f": "character U+001F is not allowed in line 2",
    "[!!bool x]": "a value does not fit its tag",
    "[" * 5000: "it is nested too deeply",
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize(
    "name, variable", [("unlink_ticket", "incidents"), ("reconcile_tickets", "pairs"), ("open_ticket", "fields")]
)
def test_text_that_cannot_be_read_is_reported_with_its_line(name, variable, text):
    taken = read_input(name, {**ENOUGH[name], variable: text}, TABLE)
    assert_messages(taken["problems"], [variable, "YAML", "JSON", BROKEN[text]])


@pytest.mark.parametrize(
    "value", ["one", 5, {"workspace_id": WORKSPACE}, ["one"], [["one"]], [None], "[null]", [DEFENDER, 1]]
)
def test_what_is_no_list_of_mappings(value):
    assert_message(problems("unlink_ticket", {"incidents": value})[0], "'incidents'", "list of mappings")


@given(st.dictionaries(st.sampled_from(sorted(runbook_spec("close_with_ticket", TABLE))), st.text()))
def test_no_text_breaks_it(raw):
    for name in ENOUGH:
        read_input(name, raw, TABLE)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*DEFENDER, *CLOSURE, *TICKETS, "fields", "ticket_id", "state", "summary", "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=3,
            ),
        ),
        max_size=3,
    )
)
def test_no_entry_breaks_it(entries):
    """Whatever there is, every incident that passes has what names it."""
    for name, option in (("close_with_ticket", "incidents"), ("reconcile_tickets", "pairs")):
        taken = read_input(name, {option: entries}, TABLE)
        if not taken["problems"]:
            assert all(set(DEFENDER) <= set(entry) for entry in taken["incidents"])
            assert all(entry["source"] in SOURCES for entry in taken["incidents"])


# --- incidents ------------------------------------------------------------------------------------------------------


def test_one_incident_in_variables_is_a_list_of_one():
    raw = {**DEFENDER, "source": " defenderxdr ", "incident_id": 61024, "incident_number": 7, "ticket_id": 41877}
    expected = [{**DEFENDER, "incident_number": "7", "ticket_id": "41877"}]
    assert read_input("unlink_ticket", raw, TABLE)["incidents"] == expected


def test_entries_are_cleaned():
    entry = {**DEFENDER, "source": "DEFENDERXDR", "ticket_id": 0, "incident_number": "", "incident_id": " a b "}
    taken = read_input("unlink_ticket", {"incidents": [entry]}, TABLE)
    assert taken["incidents"] == [{**DEFENDER, "ticket_id": "0", "incident_id": "a b"}]


def test_an_empty_list_of_incidents_is_nothing_to_do():
    for given_list in ([], "[]"):
        taken = read_input("close_incident", {**CLOSURE, "incidents": given_list}, TABLE)
        assert (taken["incidents"], taken["problems"]) == ([], [])
        assert taken["nothing_to_do"] == "incidents is empty"


def test_an_empty_list_of_pairs_fails_unless_allowed():
    for raw, text, empty in (({"pairs": []}, None, "pairs is empty"), ({}, HEADER, "pairs_file has no rows")):
        (refused,) = read_input("reconcile_tickets", raw, TABLE, text)["problems"]
        assert_message(refused, empty, "allow_empty")
        allowed = read_input("reconcile_tickets", {**raw, "allow_empty": "true"}, TABLE, text)
        assert (allowed["incidents"], allowed["problems"], allowed["nothing_to_do"]) == ([], [], empty)


def test_a_list_and_variables_of_one():
    told = problems("unlink_ticket", {"incidents": [DEFENDER], "incident_id": "61024", "ticket_id": "1"})
    assert_messages(told, ["'incidents'", "incident_id", "ticket_id", "list"])


def test_no_incidents_are_given():
    (told,) = problems("link_ticket", {})
    assert_message(told, "No incidents", "'incidents'", "workspace_id", "source", "incident_id", "'ticket_id'")


def test_unknown_and_missing_are_told_of_each_entry():
    entries = [{**DEFENDER, "clasification": "TruePositive"}, SENTINEL]
    told = problems("close_incident", {"incidents": entries, "comment": "c"})
    assert_messages(
        told,
        ["clasification", "unknown", "1 of 2", "61024"],
        ["classification", "missing", "1 of 2", "61024"],
        ["classification", "classification_reason", "missing", "2 of 2", SENTINEL["incident_id"]],
    )


def test_what_an_entry_says_counts_and_what_is_for_all_counts():
    own = {**DEFENDER, "classification": "FalsePositive", "comment": "Own."}
    assert problems("close_incident", {"incidents": [own]}) == []
    assert problems("close_incident", {"incidents": [DEFENDER, SENTINEL], **CLOSURE}) == []
    assert (
        problems("close_incident", {"incidents": [{**SENTINEL, "source": "sentinel"}], **ENOUGH["close_incident"]})
        != []
    )


def test_only_sentinel_needs_a_reason():
    closure = {name: value for name, value in CLOSURE.items() if name != "classification_reason"}
    assert problems("close_incident", {"incidents": [DEFENDER], **closure}) == []
    for source in ("Sentinel", "sentinel", " SENTINEL "):
        (told,) = problems("close_incident", {"incidents": [{**SENTINEL, "source": source}], **closure})
        assert_message(told, "classification_reason")
    # Another product by a similar name.
    one = {**SENTINEL, "source": "SentinelOne"}
    assert problems("close_incident", {"incidents": [one], **closure}) == []


def test_one_problem_of_many_incidents_is_reported_once():
    entries = [{**DEFENDER, "incident_id": str(number)} for number in range(1, 2001)]
    (told,) = problems("close_incident", {"incidents": entries, "classification": "TruePositive"})
    assert_message(told, "comment", "all 2,000", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "'incidents'")
    assert not has_fact(told, 11)
    entries[6:] = [{**entry, "comment": "c"} for entry in entries[6:]]
    (told,) = problems("close_incident", {"incidents": entries, "classification": "TruePositive"})
    assert_message(told, "comment", "6 of 2,000", "1, 2, 3, 4, 5, 6", "'incidents'")


@pytest.mark.parametrize(
    "runbook, further, change",
    [
        ("unlink_ticket", {}, lambda number: {"source": "Outlook"}),
        ("unlink_ticket", {}, lambda number: {"workspace_id": f"tenant {number}"}),
        ("unlink_ticket", {}, lambda number: {"ticket_id": f"{number}.0"}),
        ("unlink_ticket", {}, lambda number: {"ticket_id": ["x" * 1000]}),
        ("unlink_ticket", {}, lambda number: {"tikcet": "x"}),
        ("unlink_ticket", {}, lambda number: {"source": "Sentinel"}),
        ("unlink_ticket", {}, lambda number: {"incident_id": "61024"}),
        ("unlink_ticket", {}, lambda number: {"incident_id": str(number // 2)}),
        ("reopen_incident", {"comment": "c"}, lambda number: {"status": "x" * number}),
        ("open_ticket", TICKETS, lambda number: {"summary": f"{{titel}} {number}"}),
        ("open_ticket", TICKETS, lambda number: {"summary": f"Incident {number}"}),
        ("open_ticket", {"team_id": "soc"}, lambda number: {}),
        ("open_ticket", TICKETS, lambda number: {"summary": "{incident_id} {workspace_id} " + "x" * (number + 255)}),
    ],
)
def test_output_is_short_however_many_incidents_have_a_problem(runbook, further, change):
    entries = [{**DEFENDER, "incident_id": str(number), **change(number)} for number in range(1, 1001)]
    told = problems(runbook, {"incidents": entries, **further})
    assert told
    assert len("\n".join(told)) < 5000
    assert len(told) <= 12


@pytest.mark.parametrize(
    "runbook, entry, expected",
    [
        ("close_incident", {"classification": "falsepositive"}, "FalsePositive"),
        ("close_incident", {"classification_reason": "INACCURATEDATA"}, "InaccurateData"),
        ("reopen_incident", {"status": "new"}, "New"),
    ],
)
def test_words_may_be_in_any_case(runbook, entry, expected):
    ((key, word),) = entry.items()
    taken = read_input(runbook, {"incidents": [{**DEFENDER, **entry}], **CLOSURE, "classification_reason": ""}, TABLE)
    assert (taken["problems"], taken["incidents"][0][key]) == ([], expected)
    taken = read_input(runbook, {**ENOUGH[runbook], key: word}, TABLE)
    assert (taken["problems"], taken["options"][key]) == ([], expected)


def test_filters_may_be_in_any_case():
    raw = {"severities": "low, HIGH", "statuses": ["active"], "time_range": "fortyeighthours"}
    taken = read_input("close_false_positives", {**ENOUGH["close_false_positives"], **raw}, TABLE)
    assert taken["problems"] == []
    expected = {"severities": ["Low", "High"], "statuses": ["Active"], "time_range": "FortyEightHours"}
    assert {name: taken["options"][name] for name in raw} == expected


@pytest.mark.parametrize("key", ["incident_id", "incident_number", "ticket_id"])
@pytest.mark.parametrize("value", ["48213.0", "48213.00", "48213,0", "4.82E+12", "4,8E+12", "5e+07", 48213.0, 1e22])
def test_number_that_a_spreadsheet_reformatted_is_refused(key, value):
    (told,) = problems("unlink_ticket", {"incidents": [{**DEFENDER, key: value}]})
    assert_message(told, key, value, "spreadsheet", "text")


def test_identifiers_with_a_dot_are_accepted():
    for value in ("T20261121.0042", "1.5.0", "12.30", "inc:0.0", "5e7"):
        assert problems("unlink_ticket", {"incidents": [{**DEFENDER, "incident_id": value, "ticket_id": value}]}) == []


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), ".inf", "inf"])
def test_number_that_is_infinite_is_refused(value):
    told = problems("unlink_ticket", {**DEFENDER, "verify_timeout": value, "report": "perhaps"})
    assert len(told) == 2
    assert "argument 'verify_timeout' is of type" in " ".join(told)


@pytest.mark.parametrize(
    "runbook, key, wrong",
    [
        ("close_incident", "classification", "true positive"),
        ("close_incident", "classification_reason", ["Malware"]),
        ("reopen_incident", "status", "Closed"),
    ],
)
def test_words_that_there_are_not(runbook, key, wrong):
    entry = {**DEFENDER, **ENOUGH[runbook], key: wrong}
    entry = {name: entry[name] for name in entry if name in (*DEFENDER, *TABLE["itsm_runbooks"][runbook]["entry"])}
    (told,) = problems(runbook, {"incidents": [entry]})
    assert_message(told, "1 of 1", "61024", key, "one of", f"not {wrong!r}")


def test_the_state_of_a_pair():
    entries = [
        {**DEFENDER, "state": "absent"},
        {**DEFENDER, "incident_id": "2", "state": "gone"},
        {**DEFENDER, "incident_id": "3"},
    ]
    told = problems("reconcile_tickets", {"pairs": entries})
    assert_messages(
        told, ["2 of 3", "state", "present, absent", "'gone'"], ["ticket_id", "missing", "3 of 3", "'pairs'"]
    )


@pytest.mark.parametrize(
    "entry, facts",
    [
        ({**DEFENDER, "workspace_id": "Tailspin"}, ["workspace_id", "UUID"]),
        ({**DEFENDER, "source": "Defender"}, ["source", "Sentinel, DefenderXDR"]),
        ({**DEFENDER, "incident_id": ".."}, ["incident_id", "'..'", "URL"]),
    ],
)
def test_what_names_no_incident(entry, facts):
    (problem,) = problems("unlink_ticket", {"incidents": [entry]})
    assert_message(problem, "1 of 1", entry["incident_id"], *facts)


@pytest.mark.parametrize(
    "runbook, raw, facts",
    [
        ("link_ticket", {**DEFENDER, "ticket_id": " null "}, ["1 of 1", "61024", "ticket_id", "'null'"]),
        ("unlink_ticket", {**DEFENDER, "incident_id": "None"}, ["1 of 1", "incident_id", "'None'"]),
        ("open_ticket", {**DEFENDER, **TICKETS, "team_id": "None"}, ["team_id", "'None'"]),
        ("escalate_incident", {**DEFENDER, **TICKETS, "assignee_email": "None"}, ["assignee_email", "'None'"]),
        ("verify_connection", {"object_id": "None"}, ["object_id", "'None'"]),
    ],
)
def test_identifier_that_is_the_text_of_a_null_is_refused(runbook, raw, facts):
    assert_messages(problems(runbook, raw), facts)


@pytest.mark.parametrize("key", ["ticket_id", "team_id", "offer_id"])
def test_null_text_in_an_entry_is_refused(key):
    told = problems("open_ticket", {"incidents": [{**DEFENDER, key: "None"}], **TICKETS})
    assert_messages(told, ["1 of 1", "61024", key, "'None'"])


def test_fields_of_an_entry_must_be_a_mapping():
    told = problems("open_ticket", {**TICKETS, "incidents": [{**DEFENDER, "fields": ["Urgency"]}]})
    assert_messages(told, ["1 of 1", "61024", "'fields'", "mapping"])


@pytest.mark.parametrize(
    "first, second",
    [
        (DEFENDER, DEFENDER),
        (DEFENDER, {**DEFENDER, "source": "defenderXDR"}),
        (DEFENDER, {**DEFENDER, "incident_id": 61024}),
        (DEFENDER, {**DEFENDER, "workspace_id": WORKSPACE.upper()}),
        (SENTINEL, {**SENTINEL, "incident_id": SENTINEL["incident_id"].upper()}),
        (SENTINEL, {**SENTINEL, "incident_id": f"{SENTINEL['incident_id']} "}),
    ],
)
def test_an_incident_that_is_there_twice(first, second):
    assert_messages(problems("unlink_ticket", {"incidents": [first, second]}), ["'incidents'", "twice"])


def test_like_incidents_of_two_workspaces_or_sources_are_two():
    other = {**DEFENDER, "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"}
    qradar = {**DEFENDER, "source": "QRadar"}
    assert problems("unlink_ticket", {"incidents": [DEFENDER, other, qradar]}) == []
    # Only a UUID of Sentinel counts in any case.
    names = [{**DEFENDER, "incident_id": "abc"}, {**DEFENDER, "incident_id": "ABC"}]
    assert problems("unlink_ticket", {"incidents": names}) == []


def test_tickets_need_a_team_and_an_offer():
    told = problems("open_ticket", {"incidents": [DEFENDER, {**SENTINEL, "ticket_id": "SOC-1"}]})
    assert_messages(told, ["1 of 2", "61024", "'team_id'", "'offer'", "'offer_id'"])
    assert problems("link_ticket", {"incidents": [{**DEFENDER, "ticket_id": "SOC-1"}]}) == []


# --- the CSV file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROW,
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        HEADER + "\n" + ROW + "\n\n",
        HEADER + ROW.rstrip("\n"),
        HEADER + f'"{WORKSPACE}","DefenderXDR","61024","SOC-1"\n',
        HEADER.replace(",", ", ") + ROW.replace(",", ", "),
        "state,ticket_id,incident_id,source,workspace_id\n" + f",SOC-1,61024,defenderxdr,{WORKSPACE}\n",
    ],
)
def test_a_file(text):
    taken = pairs(text)
    assert taken["problems"] == []
    assert taken["incidents"] == [{**DEFENDER, "ticket_id": "SOC-1"}]


def test_quotes_in_a_file():
    """A comma, a quote and a line break in a value."""
    taken = pairs(HEADER + f'{WORKSPACE},Splunk,"a, ""b""\nc",SOC-1\n')
    assert taken["problems"] == []
    assert taken["incidents"][0]["incident_id"] == 'a, "b"\nc'


@pytest.mark.parametrize(
    "row, facts",
    [
        (f"{WORKSPACE},Splunk,1", ["3 columns", "line 3", "4 names"]),
        (f"{WORKSPACE},Splunk,1,2,,3", ["without a name", "line 3", "column 6"]),
    ],
)
def test_a_row_of_another_length(row, facts):
    told = pairs(HEADER + ROW + row + "\n")
    assert_messages(told["problems"], ["'pairs_file'", *facts])
    assert told["incidents"] == []


@pytest.mark.parametrize("text", [HEADER + f'{WORKSPACE},"Splunk', HEADER + f'{WORKSPACE},"Splunk"x,1,2\n'])
def test_a_quote_that_does_not_end(text):
    assert_messages(pairs(text)["problems"], ["'pairs_file'", "CSV"])


def test_a_column_that_there_is_not():
    told = pairs("workspace_id,source,incident,ticket_id\n" + ROW)["problems"]
    assert_messages(told, ["'pairs_file'", "unknown", "incident", "workspace_id"])


def test_both_a_list_and_a_file():
    raw = {"pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]}
    assert_messages(problems("reconcile_tickets", raw, HEADER + ROW), ["'pairs'", "'pairs_file'", "one of them"])


@given(st.text(alphabet=st.sampled_from('workspace_id,;"\n\r\t\ufeff \\|x')))
def test_no_file_breaks_it(text):
    pairs(text)


def test_a_file_by_its_name(tmp_path, monkeypatch):
    path = tmp_path / "pairs.csv"
    path.write_bytes((HEADER + ROW).replace("\n", "\r\n").encode("utf-8-sig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (str(path), "~/pairs.csv"):
        taken = runbook_input({"pairs_file": name}, "reconcile_tickets", TABLE)
        assert (taken["problems"], taken["incidents"]) == ([], [{**DEFENDER, "ticket_id": "SOC-1"}])


@pytest.mark.parametrize(
    "content, reason", [(None, "No such file or directory"), ("\xe4".encode("latin-1"), "it is no text in UTF-8")]
)
def test_a_file_that_cannot_be_read(tmp_path, content, reason):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(HEADER.encode() + content)
    taken = runbook_input({"pairs_file": str(path)}, "reconcile_tickets", TABLE)
    assert_messages(taken["problems"], ["'pairs_file'", path, reason])
    assert taken["incidents"] == []


def test_a_folder_is_no_file(tmp_path):
    taken = runbook_input({"pairs_file": str(tmp_path)}, "reconcile_tickets", TABLE)
    assert_messages(taken["problems"], ["'pairs_file'", tmp_path, "Is a directory"])


def test_an_empty_name_is_no_file():
    raw = {"pairs_file": " ", "pairs": [{**DEFENDER, "ticket_id": "SOC-1"}]}
    assert runbook_input(raw, "reconcile_tickets", TABLE)["problems"] == []


# --- what a person must be told -------------------------------------------------------------------------------------


def test_an_audit_of_nothing_is_refused():
    """A misspelt variable must not make it green."""
    assert_messages(problems("reconcile_tickets", {}), ["'pairs'", "'pairs_file'"])


@pytest.mark.parametrize("text", ["", "\n", "\ufeff"])
def test_a_file_without_a_header_is_refused(text):
    assert_messages(pairs(text)["problems"], ["'pairs_file'"])


def test_a_file_with_semicolons():
    """As spreadsheets write it in countries with a decimal comma."""
    taken = pairs((HEADER + ROW + ROW.replace("61024", "61025")).replace(",", ";"))
    assert taken["problems"] == []
    assert [entry["incident_id"] for entry in taken["incidents"]] == ["61024", "61025"]


def test_an_unknown_column_is_told_once():
    rows = "".join(ROW.replace("61024", str(number)) for number in range(3))
    told = pairs((HEADER + rows).replace("ticket_id", "ticket"))["problems"]
    assert_messages(told, ["'pairs_file'", "unknown", "ticket", "workspace_id, source"])


def test_a_line_is_told_by_its_number_in_the_file():
    told = pairs(HEADER + "\n" + f'{WORKSPACE},Splunk,"a\nb",1\n' + "x,y\n")["problems"]
    assert_messages(told, ["'pairs_file'", "2 columns", "line 5", "4 names"])


def test_empty_lines_of_a_spreadsheet_are_none():
    taken = pairs(HEADER + ROW + ",,,\n,,,\n")
    assert (taken["problems"], len(taken["incidents"])) == ([], 1)


@pytest.mark.parametrize("wrong", [{"title_pattern": "("}, {"older_than_hours": -1}, {"older_than_hours": "inf"}])
def test_a_selection_that_cannot_be_made_is_refused_before_anything_is_sent(wrong):
    (told,) = problems("close_false_positives", {**ENOUGH["close_false_positives"], **wrong})
    assert next(iter(wrong)) in told


@pytest.mark.parametrize("text", ["0042", "1_000", "0x10", "12:30", "1.10"])
def test_an_identifier_in_a_text_is_taken_as_it_stands(text):
    """In YAML 1.1 each of these is another number than it looks like."""
    listed = f"- {{workspace_id: {WORKSPACE}, source: Splunk, incident_id: {text}, ticket_id: {text}}}"
    (entry,) = read_input("link_ticket", {"incidents": listed}, TABLE)["incidents"]
    assert (entry["incident_id"], entry["ticket_id"]) == (text, text)


@pytest.mark.parametrize("key", [*DEFENDER, "ticket_id", "incident_number"])
@pytest.mark.parametrize("wrong", [{"a": 1}, ["a"], True, 1.5])
def test_an_identifier_is_a_text_or_a_number(key, wrong):
    told = problems("unlink_ticket", {"incidents": [{**DEFENDER, key: wrong}]})
    assert any(key in text for text in told)


# --- incidents of events --------------------------------------------------------------------------------------------

EVENT = {
    "source": "defenderxdr",
    "incident_id": "61024",
    "created_at": "2026-11-21T02:41:07Z",
    "title_sha256": "0" * 64,
}
LISTED = sorted(name for name, runbook in TABLE["itsm_runbooks"].items() if "incidents" in runbook_spec(name, TABLE))


@pytest.mark.parametrize("name", [name for name in LISTED if name in ENOUGH and name != "verify_connection"])
def test_an_incident_without_its_workspace(name):
    raw = {key: value for key, value in ENOUGH[name].items() if key not in DEFENDER}
    event = {**EVENT, **{key: raw.pop(key) for key in ("ticket_id",) if key in raw}}
    taken = read_input(name, {**raw, "incidents": [event]}, TABLE)
    assert taken["problems"] == []
    assert taken["incidents"] == [{**event, "source": "DefenderXDR"}]
    assert taken["window"]["time_from"] == "2026-11-21T02:36:07Z"
    assert read_input(name, ENOUGH[name], TABLE)["window"] == {}


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
def test_an_incident_without_its_workspace_and_more(change, facts):
    taken = read_input("unlink_ticket", {"incidents": [{**EVENT, **change}]}, TABLE)
    assert_messages(taken["problems"], ["1 of 1", *facts])
    assert taken["window"] == {}


def test_a_pair_names_its_workspace():
    (problem, *_more) = problems("reconcile_tickets", {"pairs": [{**EVENT, "ticket_id": "SOC-1"}]})
    assert_message(problem, "created_at", "title_sha256", "unknown", "1 of 1", "61024")
