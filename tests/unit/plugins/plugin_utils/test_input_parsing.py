# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a text of a survey, or a CSV file, stands for."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import parse_csv, parse_text
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

COLUMNS = ("workspace_id", "source", "incident_id", "ticket_id")

#: Texts that YAML 1.1 takes for something else.
AS_THEY_STAND = [
    *("0042", "1_000", "0x1f", "0o17", "0b1", "12:30", "12:30:45", "1.10", "1e3", ".5", ".inf", ".nan", "+5", "-0"),
    *("2026-11-21", "2026-11-21T10:00:00Z", "yes", "no", "on", "off", "Yes", "NO", "True", "FALSE", "Null", "=", "<<x"),
]


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", AS_THEY_STAND)
def test_a_scalar_is_taken_as_it_stands(text):
    assert parse_text(f"- {text}\n- {{a: {text}}}", "list") == [text, {"a": text}]


@pytest.mark.parametrize(
    "text, value",
    [("0", 0), ("7", 7), ("-7", -7), ("61024", 61024), ("true", True), ("false", False), ("null", None), ("~", None)],
)
def test_what_a_scalar_does_stand_for(text, value):
    (found,) = parse_text(f"- {text}", "list")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("quoted, text", [("'true'", "true"), ('"7"', "7"), ("'null'", "null"), ("!!str 7", "7")])
def test_what_is_quoted_is_a_text(quoted, text):
    assert parse_text(f"- {quoted}", "list") == [text]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4), st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_means_what_it_says(value, indent, is_ascii):
    assert parse_text(json.dumps(value, indent=indent, ensure_ascii=is_ascii), "list") == value


@given(st.dictionaries(st.text(), JSON, max_size=3), st.booleans())
def test_json_of_a_mapping(value, is_ascii):
    assert parse_text(json.dumps(value, ensure_ascii=is_ascii), "dict") == value


@given(
    st.lists(st.dictionaries(st.sampled_from(COLUMNS), st.text(alphabet="abc 01:-_.xe#'\"", max_size=8)), max_size=3)
)
def test_yaml_means_what_it_says(value):
    assert parse_text(yaml.safe_dump(value, default_style='"'), "list") == value


def test_yaml_with_an_anchor_and_a_merge():
    text = "- &first {source: QRadar, incident_id: 1}\n- {<<: *first, incident_id: 2}"
    assert parse_text(text, "list") == [{"source": "QRadar", "incident_id": 1}, {"source": "QRadar", "incident_id": 2}]


@pytest.mark.parametrize("kind", ["str", "int", "bool", "float", "path"])
@pytest.mark.parametrize("text", ["[a]", "{a: 1}", "0042", "yes"])
def test_other_kinds_stay_texts(kind, text):
    assert parse_text(f" {text}\n", kind) == text


@pytest.mark.parametrize(
    "text, kind",
    [
        *[(text, "list") for text in ("a", "{a: 1}", "7", "[unclosed", "- a\nb: c", "&a [*b]", "!!set {a}", "a: b: c")],
        *[(text, "dict") for text in ("a", "[a]", "7", "{unclosed", "{[a]: 1, {a: 1}: 2}")],
    ],
)
def test_what_it_does_not_stand_for_stays_a_text(text, kind):
    assert parse_text(f" {text} ", kind) == text


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "- !!python/name:os.system",
        "!!bool x",
        "- !!bool x",
        "- !!timestamp x",
        "- !!int x",
        "- !!float x",
        "- !!binary x\xe4",
        "!vault |\n  x",
        "[" * 3000,
        f"- {'9' * 5000}",
        "- " * 3000,
        "\x00",
        "- \x07",
        "\ud800",
    ],
)
def test_a_hostile_text_runs_nothing_and_breaks_nothing(text):
    for kind in ("list", "dict"):
        assert not isinstance(parse_text(text, kind), dict)


@pytest.mark.parametrize(
    "text, words",
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ("a\nb\r\n\nc", ["a", "b", "c"]),
        (",", []),
        ("*, &x, @y, %z", ["*", "&x", "@y", "%z"]),
        ("12, 0042", ["12", "0042"]),
        ("yes", ["yes"]),
        ("[a, b]", ["a", "b"]),
        ("- a b\n- c", ["a b", "c"]),
        ('["a,b"]', ["a,b"]),
        ("#1, #2", ["#1", "#2"]),
        ("'a', b", ["'a'", "b"]),
    ],
)
def test_words(text, words):
    assert parse_text(text, "list", "str") == words


def test_a_mapping_is_no_words():
    assert parse_text("{a: 1, b: 2}", "list", "str") == "{a: 1, b: 2}"


@given(st.text(), st.sampled_from(["list", "dict", "str"]), st.sampled_from([None, "str", "dict"]))
def test_no_text_breaks_it(text, kind, elements):
    parse_text(text, kind, elements)


# --- rows -----------------------------------------------------------------------------------------------------------

HEADER = ",".join(COLUMNS)


def rows(text: str) -> list[dict[str, Any]]:
    """The rows of a file with nothing wrong."""
    problem, found = parse_csv(text, COLUMNS)
    assert problem == ""
    return found


def problem_of(text: str) -> str:
    """What is wrong with a file."""
    problem, found = parse_csv(text, COLUMNS)
    assert problem
    assert found == []
    return problem


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_each_dialect(delimiter, end, quoting, mark):
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)
    table = [["w", "QRadar", "a,b;c", 'q"q'], ["w", "Splunk", "2", ""]]
    writer.writerows([COLUMNS, *table])
    assert rows(mark + written.getvalue()) == [dict(zip(COLUMNS, row)) for row in table]


def test_blanks_and_empty_lines():
    assert rows(f"\n {HEADER.replace(',', ' , ')} \n\n w, s, 1, 2\n,,,\n \n") == [
        dict(zip(COLUMNS, ["w", "s", "1", "2"]))
    ]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("blank", ["", " ", "\t", "{0}{0}{0}", '""{0}""'])
def test_separator_is_that_of_the_first_line_with_content(delimiter, blank):
    lines = [blank.format(delimiter), HEADER.replace(",", delimiter), delimiter.join(["w", "s", '"a,b;c"', "2"])]
    assert rows("\n".join(lines)) == [dict(zip(COLUMNS, ["w", "s", "a,b;c", "2"]))]


@pytest.mark.parametrize("end", ["", ",", ",,,", ", ,"])
def test_columns_without_names_and_values_are_ignored(end):
    expected = [dict(zip(COLUMNS, ["w", "s", "1", "2"]))]
    assert rows(f"{HEADER}{end}\nw,s,1,2,,,,,,\n") == rows(f"{HEADER}{end}\nw,s,1,2\n") == expected
    assert rows("source,,ticket_id,\ns,,2,\n") == [{"source": "s", "ticket_id": "2"}]


def test_value_without_a_name_is_refused():
    problem = problem_of("source,,ticket_id\ns,,2\n,x,\n")
    assert_message(problem, "'pairs_file'", "without a name", "line 3", "column 2")


def test_a_column_alone():
    assert rows("incident_id\n1\n2\n") == [{"incident_id": "1"}, {"incident_id": "2"}]


def test_a_header_alone():
    assert rows(HEADER) == rows(f"{HEADER}\n\n") == []


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", ",,,\n", " ; \n"])
def test_nothing(text):
    assert_message(problem_of(text), "'pairs_file'", "empty", "first line", "columns")


@pytest.mark.parametrize(
    "header, facts",
    [
        ("workspace_id,ticket,x y", ["unknown", "ticket, x y", "workspace_id, source, incident_id, ticket_id"]),
        ("Workspace_ID,source", ["unknown", "Workspace_ID"]),
        ("workspace_id\tsource", ["unknown", "workspace_id\tsource"]),
        ("source,,source", ["twice", "source"]),
        ("source,source,ticket_id,source", ["twice", "source"]),
    ],
)
def test_names_of_columns_that_are_wrong(header, facts):
    assert_message(problem_of(f"{header}\n1,2\n1,2\n"), "'pairs_file'", *facts)


def test_a_row_of_another_length_is_told_by_its_line():
    problem = problem_of(f'{HEADER}\n\nw,s,"a\nb",1\nw,s\n')
    assert_message(problem, "'pairs_file'", "2 columns", "line 5", "4 names")


@pytest.mark.parametrize("row", ['w,"s', 'w,"s"x,1,2'])
def test_quotes_that_are_wrong(row):
    assert_message(problem_of(f"{HEADER}\n{row}\n"), "'pairs_file'", "CSV", "line 2")


CELLS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=4), st.sampled_from(",;"))
def test_what_is_written_is_read(table, delimiter):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *table])
    expected = [dict(zip(COLUMNS, row)) for row in table if any(cell.strip() for cell in row)]
    assert rows(written.getvalue()) == expected


@given(st.text(alphabet="incdet_w,;\"'\n\r\t\ufeff x\x00"))
def test_no_file_breaks_it(text):
    parse_csv(text, COLUMNS)
