# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the map of customers: which values the tickets of a workspace get, and which maps are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_customers import runbook_customers
from ansible_collections.secops.itsm.plugins.filter.runbook_input import runbook_input
from ansible_collections.secops.itsm.plugins.plugin_utils.customers import customer_of, duplicate_keys, merge_values
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import read_input
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    all_systems,
    read_table,
    with_ticket_system,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages

ROOT = Path(__file__).resolve().parents[4]
FABRIKAM, NORTHWIND = "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
TAILSPIN = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
ACCOUNT = "9f1c2d3e-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
FIRST = {"workspace_id": FABRIKAM, "source": "QRadar", "incident_id": "20931"}
SECOND = {"workspace_id": NORTHWIND, "source": "DefenderXDR", "incident_id": "48213"}
EVENT = {
    "source": "DefenderXDR",
    "incident_id": "61024",
    "account_id": ACCOUNT,
    "created_at": "2026-11-21T02:41:07Z",
    "title_sha256": "0" * 64,
}
SYSTEMS = {system.name: system for system in all_systems()}
TABLES: Mapping[str, Any] = {name: with_ticket_system(read_table(), name) for name in SYSTEMS}
#: Values for all incidents, and of two customers.
VALUES: Mapping[str, Mapping[str, Any]] = {
    "rezolve": {"team_id": "soc", "offer": "Report", "reference_field": "Reference"},
    "servicenow": {"ticket_system": "servicenow", "assignment_group": "Security Operations"},
}
CUSTOMERS: Mapping[str, Mapping[str, Any]] = {
    "rezolve": {FABRIKAM: {"team_id": "fabrikam", "name": "Fabrikam"}, NORTHWIND: {"offer_id": 7, "fields": {"A": 1}}},
    "servicenow": {FABRIKAM: {"company": "Fabrikam"}, NORTHWIND: {"company": "Northwind", "fields": {"urgency": 1}}},
}
EACH = pytest.mark.parametrize("system", SYSTEMS)


def result_of(system: str, entries: Any, customers: Any, text: str | None = None, **further: Any) -> dict[str, Any]:
    """Return the input of a runbook that opens tickets."""
    raw = {**VALUES[system], "incidents": entries, "customers": customers, **further}
    return read_input("open_ticket", raw, TABLES[system], customers_text=text)


def problems(customers: Any, *entries: Any, system: str = "servicenow", **further: Any) -> list[str]:
    """Return the messages about a map."""
    return list(result_of(system, list(entries or [FIRST]), customers, **further)["problems"])


# --- values ---------------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("in_file", [False, True])
def test_incident_gets_the_values_of_its_customer(system, in_file):
    customers = CUSTOMERS[system]
    # Keys are not case-sensitive.
    spelled = {key.upper(): value for key, value in customers.items()}
    text = json.dumps(spelled) if in_file else None
    result = result_of(system, [FIRST, SECOND], None if in_file else spelled, text)
    assert result["problems"] == []
    expected = [
        {**entry, **{key: value for key, value in customers[entry["workspace_id"]].items() if key != "name"}}
        for entry in (FIRST, SECOND)
    ]
    assert result["incidents"] == expected
    assert "customers" not in {**result["given"], **result["options"]}
    assert result["customers"] is None
    as_text = result_of(system, [FIRST, SECOND], json.dumps(spelled))
    assert as_text["incidents"] == expected


@EACH
def test_without_a_map_nothing_changes(system):
    for blank in (None, "", " "):
        assert result_of(system, [FIRST], blank)["incidents"] == [FIRST]
    assert result_of(system, [FIRST], {FABRIKAM: {}})["incidents"] == [FIRST]


FORM: Mapping[str, Any] = {"values": [{"names": ["group_id", "group"], "field": "owner"}, {"names": ["team"]}]}


@pytest.mark.parametrize(
    "entry, customer, for_all, expected",
    [
        ({}, {"group": "c", "name": "C"}, {}, {"group": "c"}),
        ({"group": "e"}, {"group": "c", "team": "t"}, {}, {"group": "e", "team": "t"}),
        # The entry names the group in another way.
        ({"group": "e"}, {"group_id": 1}, {}, {"group": "e"}),
        ({"group_id": 2}, {"group_id": 1, "group": "c"}, {}, {"group_id": 2}),
        ({"fields": {"owner": "e"}}, {"group": "c"}, {}, {"fields": {"owner": "e"}}),
        ({"group": "e"}, {"fields": {"owner": "c", "x": 1}}, {}, {"group": "e", "fields": {"x": 1}}),
        ({"fields": {"x": 1}}, {"fields": {"x": 2, "y": 2}}, {"x": 3, "z": 3}, {"fields": {"x": 1, "y": 2}}),
        # Otherwise, the field of all incidents would be used.
        ({}, {"group_id": 1, "group": "c"}, {"owner": "a"}, {"group_id": 1, "group": "c", "fields": {"owner": 1}}),
        ({"group": "e"}, {"group": "c"}, {"owner": "a"}, {"group": "e"}),
        ({"summary": "e"}, {"summary": "c", "team": "t"}, {}, {"summary": "e", "team": "t"}),
    ],
)
def test_entry_takes_precedence_over_customer_and_variables(entry, customer, for_all, expected):
    values = {"fields": for_all}
    merged = merge_values(entry, customer, values, FORM)
    assert merged == expected
    assert merge_values(merged, customer, values, FORM) == expected, "the lookup of workspaces merges again"
    of_priority = {"priority_map": {"High": for_all, "Low": "P4"}}
    assert merge_values(entry, customer, of_priority, FORM) == expected


def test_ticket_has_the_company_of_the_customer_and_not_that_of_all_incidents():
    ticket = SYSTEMS["servicenow"].definition["ticket"]
    customers = {FABRIKAM: {"company": "Fabrikam"}, NORTHWIND: {"fields": {"company": "Northwind"}}}
    for further in ({"company": "All"}, {"fields": {"company": "All"}}):
        result = result_of("servicenow", [FIRST, SECOND], customers, **further)
        made = [build_ticket(entry, result["options"], ticket) for entry in result["incidents"]]
        assert [one["fields"]["company"] for one in made] == ["Fabrikam", "Northwind"]


@pytest.mark.parametrize(
    "keys, found",
    [
        ([FABRIKAM, ACCOUNT, "default"], FABRIKAM),
        ([ACCOUNT, "default"], ACCOUNT),
        (["default"], "default"),
        ([NORTHWIND], None),
    ],
)
def test_workspace_takes_precedence_over_account(keys, found):
    entry = {**FIRST, "workspace_id": FABRIKAM.upper(), "account_id": ACCOUNT.upper()}
    assert customer_of(entry, {key: {} for key in keys}) == found


TEXTS = st.sampled_from(["a", "b", ""])


@given(
    st.dictionaries(st.sampled_from(["group", "group_id", "team"]), TEXTS),
    st.dictionaries(st.sampled_from(["group", "group_id", "team"]), st.sampled_from(["c", "d"])),
)
def test_values_of_an_entry_are_never_changed(entry, customer):
    own = {name: value for name, value in entry.items() if value}
    merged = merge_values(own, customer, {}, FORM)
    assert {name: merged[name] for name in own} == own
    if {"group", "group_id"} & set(own):
        assert {"group", "group_id"} & set(merged) == {"group", "group_id"} & set(own)


# --- refused maps ---------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("in_file", [False, True])
def test_workspaces_without_an_entry_are_named_once(system, in_file):
    customers = {FABRIKAM: CUSTOMERS[system][FABRIKAM]}
    others = [{**SECOND, "incident_id": str(number)} for number in range(3)]
    more = {**SECOND, "workspace_id": TAILSPIN.upper(), "account_id": ACCOUNT}
    entries = [FIRST, more, *others, {**FIRST, "workspace_id": "0" * 8 + TAILSPIN[8:], "ticket_id": "1"}]
    result = result_of(system, entries, None if in_file else customers, json.dumps(customers) if in_file else None)
    variable = "customers_file" if in_file else "customers"
    places = f"{NORTHWIND} (3 incidents), {TAILSPIN} (1 incident, account {ACCOUNT})"
    assert result["problems"] == [
        f"'{variable}' has no entry for workspaces {places}. Add an entry for each, or an entry default for all others."
    ]
    assert problems({**customers, "Default": {}}, *entries, system=system) == []


def test_message_about_many_workspaces_is_short():
    entries = [{**FIRST, "workspace_id": f"{number:08d}{FABRIKAM[8:]}"} for number in range(200)]
    (message,) = problems({FABRIKAM: {}}, *entries)
    assert_message(message, "190 more")
    assert len(message) < 1000


def test_empty_map_has_no_entries():
    assert_messages(problems({}), [FABRIKAM, "default"])
    assert_messages(problems("{}"), [FABRIKAM, "default"])


@pytest.mark.parametrize(
    "customers, facts",
    [
        ({"Fabrikam": {}, 7: {}}, ["'Fabrikam', 7", "UUIDs", "default"]),
        ({FABRIKAM: {}, FABRIKAM.upper(): {}}, [FABRIKAM, "several spellings"]),
        ({FABRIKAM: None}, [FABRIKAM, "must be a mapping", "assignment_group"]),
        ({FABRIKAM: "Fabrikam"}, [FABRIKAM, "must be a mapping", "'Fabrikam'"]),
        (
            {FABRIKAM: {"compny": "x", "name": "Fabrikam"}},
            [f"{FABRIKAM} (Fabrikam)", "compny is unknown", "Did you mean company"],
        ),
        ({FABRIKAM: {"team_id": "x", 7: 1}}, ["team_id and 7 are unknown", "company", "reference_format"]),
        ({FABRIKAM: {"company": ["x"]}}, ["company", "string", "['x']"]),
        ({FABRIKAM: {"company": True}}, ["company", "string", "True"]),
        ({FABRIKAM: {"company": 1.5}}, ["company", "string", "1.5"]),
        ({FABRIKAM: {"name": {}}}, ["name", "string", "{}"]),
        ({FABRIKAM: {"fields": ["x"]}}, ["fields", "mapping", "['x']"]),
        ({FABRIKAM: {"reference_format": "cf"}}, ["reference_format", "one of", "not 'cf'"]),
        ({FABRIKAM: {"fields": {"a": "{titel}"}}}, ["fields.a", "{titel}", "{title}"]),
        ({FABRIKAM: {"summary": "{titel}"}}, ["summary", "{titel}"]),
        *[({FABRIKAM: {"company": null}}, ["company", repr(null.strip())]) for null in ("None", " null ")],
        ("{", ["'customers'", "YAML or JSON"]),
    ],
)
def test_invalid_map_is_refused(customers, facts):
    assert_messages(problems(customers), facts)


def test_value_that_is_not_a_map_is_refused():
    for value in ("[1]", [1], "Fabrikam", 7):
        (message,) = problems(value)
        assert "'customers' is of type" in message


@EACH
def test_each_key_of_an_entry_is_accepted_from_a_customer(system):
    known = TABLES[system]["itsm_variables"]["tickets"]
    for name in SYSTEMS[system].definition["entry"]:
        definition = known[name]
        value = (
            {"a": 1} if definition["type"] == "dict" else definition.get("choices", ["{incident_id}{workspace_id}"])[0]
        )
        assert problems({FABRIKAM: {name: value}}, system=system) == [], name
        if definition.get("identifier"):
            assert_messages(problems({FABRIKAM: {name: "None"}}, system=system), [name, FABRIKAM])


def test_same_problem_of_many_customers_is_reported_once():
    customers = {f"{number:08d}{FABRIKAM[8:]}": {"color": 1} for number in range(300)}
    (message,) = problems({FABRIKAM: {}, **customers})
    assert_message(message, "color is unknown", "290 more")
    different = {key: {"company": [number]} for number, key in enumerate(customers)}
    found = problems({FABRIKAM: {}, **different})
    assert len(found) == 11
    assert_message(found[-1], "290 more")


def test_choice_of_a_customer_may_be_in_any_case():
    result = result_of("servicenow", [FIRST], {FABRIKAM: {"reference_format": "CF|{source}|{incident_id}"}})
    assert result["incidents"][0]["reference_format"] == "cf|{source}|{incident_id}"


@pytest.mark.parametrize(
    "text, twice",
    [
        (f"{FABRIKAM}: {{}}\n{NORTHWIND}: {{}}\n{FABRIKAM}: {{}}\n", [FABRIKAM]),
        (f"{FABRIKAM}: {{company: a, company: b}}\n", ["company"]),
        (f'{{"{FABRIKAM}": {{}}, "{FABRIKAM}": {{}}}}', [FABRIKAM]),
        ("base: &a {x: {deep: &b {<<: &c {team: 1, offer: 2}, team: 2}}}\nother: {<<: *b, team: 3}\n", []),
        ("a: 1\nb: [{a: 1}, {a: 2}]\n", []),
        ("? [a]\n: 1\n", []),
        ("a: 1\n: {", []),
    ],
    ids=repr,
)
def test_duplicate_keys_of_a_text_are_found(text, twice):
    assert duplicate_keys(text) == twice
    if twice:
        assert_messages(problems(text), ["'customers'", "twice", twice[0]])
        (message,) = result_of("servicenow", [FIRST], None, text)["problems"]
        assert_message(message, "'customers_file'", "twice", twice[0])


def test_text_and_file_are_mutually_exclusive():
    result = result_of("servicenow", [FIRST], {FABRIKAM: {}}, "{}")
    assert result["problems"] == ["'customers' and 'customers_file' are mutually exclusive. Set only one of them."]


@pytest.mark.parametrize(
    "content, facts",
    [
        (None, ["No such file or directory"]),
        (b"\xe4", ["it is not UTF-8 text"]),
        (b"", ["mapping"]),
        (b"- 1\n", ["mapping"]),
        (b"a: [\n", ["YAML or JSON", "line 2"]),
        (b"a: !vault x\n", ["YAML or JSON", "!vault"]),
    ],
    ids=repr,
)
def test_unreadable_file_is_refused(tmp_path, content, facts):
    path = tmp_path / "customers.yml"
    if content is not None:
        path.write_bytes(content)
    raw = {**VALUES["servicenow"], **FIRST, "customers_file": str(path)}
    assert_messages(runbook_input(raw, "open_ticket", TABLES["servicenow"])["problems"], ["'customers_file'", *facts])


def test_file_is_read_without_numbers_of_yaml_1_1(tmp_path, monkeypatch):
    (tmp_path / "customers.yml").write_text(f"\ufeff{FABRIKAM}:\n  company: 0042\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    raw = {**VALUES["servicenow"], **FIRST, "customers_file": "~/customers.yml"}
    result = runbook_input(raw, "open_ticket", TABLES["servicenow"])
    assert (result["problems"], result["incidents"]) == ([], [{**FIRST, "company": "0042"}])


def test_map_is_validated_even_if_nothing_is_to_do():
    assert_messages(problems({"x": {}}, incidents="[]"), ["'x'"])


@EACH
def test_missing_value_of_a_customer_is_reported(system):
    required = [group["names"] for group in SYSTEMS[system].definition["ticket"]["values"] if group.get("required")]
    without = {name: None for names in required for name in names}
    found = problems({FABRIKAM: {}}, system=system, **without)
    assert bool(found) is bool(required)
    complete = {names[0]: "x" for names in required}
    assert problems({FABRIKAM: complete}, system=system, **without) == []


# --- incidents from events ------------------------------------------------------------------------------------------


@EACH
def test_incident_of_an_event_gets_its_values_after_the_lookup(system):
    ticket = SYSTEMS[system].definition["ticket"]
    # The values for all incidents are not sufficient, but those of the customers are.
    first = {names[0]: "x" for names in (group["names"] for group in ticket["values"])}
    customers = {TAILSPIN: first, ACCOUNT: {**first, "summary": "{incident_id}{workspace_id}"}}
    without = dict.fromkeys(first, None)
    result = result_of(system, [EVENT, {**FIRST, "ticket_id": "1"}], customers, **{**without, "offer": None})
    assert result["problems"] == []
    assert result["incidents"][0] == EVENT
    assert (result["customers"], bool(result["window"])) == (customers, True)

    def found_in(workspace: str, chosen: Any = None) -> dict[str, Any]:
        entry = {"workspace_id": workspace, "source": "DefenderXDR", "incident_id": "61024", "account_id": ACCOUNT}
        return runbook_customers([entry], customers if chosen is None else chosen, result["options"], ticket)

    assert found_in(TAILSPIN)["incidents"][0].items() >= first.items()
    assert "summary" not in found_in(TAILSPIN)["incidents"][0]
    assert found_in(NORTHWIND)["incidents"][0]["summary"] == "{incident_id}{workspace_id}"
    assert_messages(found_in(NORTHWIND, {TAILSPIN: first})["problems"], ["'customers'", NORTHWIND, ACCOUNT])
    if any(group.get("required") for group in ticket["values"]):
        assert_messages(found_in(TAILSPIN, {TAILSPIN: {}})["problems"], ["61024"])


def test_lookup_without_a_map_changes_nothing():
    assert runbook_customers([FIRST], None, {}, {}) == {"incidents": [FIRST], "problems": []}
    result = result_of("servicenow", [EVENT], None)
    assert (result["problems"], result["customers"]) == ([], None)


def test_message_after_the_lookup_names_the_file():
    ticket = SYSTEMS["servicenow"].definition["ticket"]
    found = runbook_customers([FIRST], {}, {"customers_file": "customers.yml"}, ticket)
    assert_messages(found["problems"], ["'customers_file'", FABRIKAM])


@pytest.mark.parametrize("account", ["Tailspin Toys", "{{ 7 * 7 }}", 7, ["x"]], ids=repr)
def test_account_must_be_a_uuid(account):
    assert_messages(problems(None, {**FIRST, "account_id": account}), ["account_id", "UUID", "20931"])
    assert problems(None, {**FIRST, "account_id": ACCOUNT.upper()}) == []


@pytest.mark.parametrize(
    "entry, further, company",
    [
        ({"company": "Own"}, {"fields": {"company": "All"}}, "Own"),
        ({"company": "Own"}, {"priority_map": {"default": {"company": "All"}}}, "Own"),
        ({"company": "Own", "fields": {"company": "Field"}}, {"fields": {"company": "All"}}, "Field"),
        ({}, {"company": "Variable", "fields": {"company": "All"}}, "All"),
    ],
)
def test_ticket_has_the_company_of_its_entry(entry, further, company):
    result = result_of("servicenow", [{**FIRST, **entry}], None, **further)
    assert result["problems"] == []
    made = build_ticket(result["incidents"][0], result["options"], SYSTEMS["servicenow"].definition["ticket"])
    assert made["fields"]["company"] == company


# --- references -----------------------------------------------------------------------------------------------------

SHORT = {"reference_format": "cf|{source}|{incident_id}"}
SENTINEL = {**FIRST, "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}


@pytest.mark.parametrize(
    "customers, change, is_apart",
    [
        (None, {}, False),
        (None, SENTINEL, True),
        ({FABRIKAM: {"team_id": "a"}, NORTHWIND: {"team_id": "b"}}, {}, True),
        ({FABRIKAM: {"team_id": "a"}, NORTHWIND: {"team_id": "A"}}, {}, False),
        ({FABRIKAM: {"team_id": "a"}, NORTHWIND: {"team_id": "b"}}, {"team_id": "b"}, False),
        ({FABRIKAM: {"offer": "a"}, NORTHWIND: {"offer": "b"}}, {}, True),
        # The ID may be that of the offer with this name.
        ({FABRIKAM: {"offer": "a"}, NORTHWIND: {"offer_id": "1"}}, {}, False),
        ({FABRIKAM: {"team_id": "a"}, ACCOUNT: {"team_id": "a"}}, {}, False),
        ({FABRIKAM: {"team_id": "a"}, "default": {}}, {}, True),
        ({FABRIKAM: {}, "default": {}}, {}, False),
        # Other runs may open tickets with the values for all incidents.
        ({FABRIKAM: {}}, {}, False),
        ({FABRIKAM: {"team_id": "soc"}}, {}, False),
        ({FABRIKAM: {"team_id": "a"}}, {}, True),
        ({NORTHWIND: {"team_id": "b"}, "default": {"team_id": "a"}}, {}, False),
        ({ACCOUNT: {"team_id": "a"}}, {"account_id": ACCOUNT}, False),
        (None, {"ticket_id": "1"}, True),
    ],
)
def test_short_reference_requires_a_place_of_each_customer(customers, change, is_apart):
    found = problems(customers, {**FIRST, **change}, system="rezolve", **SHORT)
    facts = ["20931", "UUID", "'customers'", "'team_id'", "'offer'", "another 'reference_format'"]
    assert_messages(found, *([] if is_apart else [facts]))


def test_incomplete_values_for_all_incidents_do_not_count_as_a_place():
    customers = {FABRIKAM: {"team_id": "a"}, NORTHWIND: {"team_id": "b"}}
    assert problems(customers, FIRST, system="rezolve", team_id=None, **SHORT) == []


def test_short_reference_in_an_option_is_validated_by_its_module():
    assert problems(None, FIRST, system="servicenow", **SHORT) == []


@pytest.mark.parametrize(
    "change, form, is_apart",
    [
        ({}, SHORT["reference_format"], False),
        ({}, "{source} {incident_id} {workspace_id}", True),
        ({}, None, True),
        (SENTINEL, SHORT["reference_format"], True),
        ({"ticket_id": "1"}, SHORT["reference_format"], True),
    ],
)
def test_short_reference_is_refused_for_a_system_by_path(change, form, is_apart):
    """Its tasks may search the tickets of all customers."""
    path = str(ROOT / "docs" / "tickets" / "connectwise")
    raw = {
        "ticket_system": path,
        "board": "b",
        "incidents": [{**FIRST, **change}],
        "reference_format": form,
        "customers": {FABRIKAM: {"company": "fabrikam"}, NORTHWIND: {"company": "northwind"}},
    }
    found = read_input("open_ticket", raw, with_ticket_system(read_table(), path))["problems"]
    facts = ["20931", "UUID", "two customers", "Choose another 'reference_format'"]
    assert_messages(found, *([] if is_apart else [facts]))


def test_short_reference_requires_a_field():
    assert_messages(
        problems(None, SENTINEL, system="rezolve", reference_field=None, **SHORT),
        [SENTINEL["incident_id"], "'reference_field'", "'reference_format'"],
    )


@pytest.mark.parametrize("place", ["variable", "customer", "entry"])
def test_reference_is_written_in_the_chosen_form(place):
    ticket = SYSTEMS["rezolve"].definition["ticket"]
    entry = {**SENTINEL, **(SHORT if place == "entry" else {}), "incident_id": SENTINEL["incident_id"]}
    customers = {FABRIKAM: SHORT} if place == "customer" else None
    result = result_of("rezolve", [entry], customers, **(SHORT if place == "variable" else {}))
    assert result["problems"] == []
    (merged,) = result["incidents"]
    made = build_ticket(merged, result["options"], ticket)
    assert made["fields"] == {"Reference": f"cf|sentinel|{SENTINEL['incident_id']}"}


def test_placeholders_in_an_identifier_are_not_replaced_in_its_reference():
    entry = {**FIRST, "incident_id": "{title}", "record": {"title": "T"}}
    values = {**VALUES["rezolve"], "fields": {}}
    made = build_ticket(entry, values, SYSTEMS["rezolve"].definition["ticket"])
    assert made["fields"] == {"Reference": f"QRadar {{title}} {FABRIKAM}"}
