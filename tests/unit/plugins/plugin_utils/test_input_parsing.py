# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the parsing of texts from surveys, and of CSV files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils.input_parsing import parse_csv, parse_error, parse_text
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

COLUMNS = ("workspace_id", "source", "incident_id", "ticket_id")
HEADER = ",".join(COLUMNS)

#: Texts that YAML 1.1 converts to other types.
LITERALS = [
    *("0042", "1_000", "0x1f", "0o17", "0b1", "12:30", "12:30:45", "1.10", "1e3", ".5", ".inf", ".nan", "+5", "-0"),
    *("2026-11-21", "2026-11-21T10:00:00Z", "yes", "no", "on", "off", "Yes", "NO", "True", "FALSE", "Null", "=", "<<x"),
]

# --- values ---------------------------------------------------------------------------------------------------------


def test_only_json_types_are_converted():
    for text in LITERALS:
        assert parse_text(f"- {text}\n- {{a: {text}}}", "list") == [text, {"a": text}]
    for text, value in (("0", 0), ("-7", -7), ("61024", 61024), ("true", True), ("false", False), ("~", None)):
        (found,) = parse_text(f"- {text}", "list")
        assert (found, type(found)) == (value, type(value))
    for text, value in (("'true'", "true"), ('"7"', "7"), ("'null'", "null"), ("!!str 7", "7")):
        assert parse_text(f"- {text}", "list") == [value]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4), st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_is_parsed(value, indent, is_ascii):
    assert parse_text(json.dumps(value, indent=indent, ensure_ascii=is_ascii), "list") == value
    mapping = {str(number): item for number, item in enumerate(value)}
    assert parse_text(json.dumps(mapping, indent=indent, ensure_ascii=is_ascii), "dict") == mapping


CELL = st.text(alphabet="abc 01:-_.xe#'\"", max_size=8)


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELL), max_size=3))
def test_yaml_is_parsed(value):
    assert parse_text(yaml.safe_dump(value, default_style='"'), "list") == value


def test_yaml_anchors_and_merges_are_parsed():
    text = "- &first {source: QRadar, incident_id: 1}\n- {<<: *first, incident_id: 2}"
    assert parse_text(text, "list") == [{"source": "QRadar", "incident_id": number} for number in (1, 2)]


@pytest.mark.parametrize("kind", ["str", "int", "bool", "float", "path"])
def test_values_of_other_types_remain_texts(kind):
    for text in ("[a]", "{a: 1}", "0042", "yes"):
        assert parse_text(f" {text}\n", kind) == text


@pytest.mark.parametrize(
    "kind, texts",
    [
        ("list", ["a", "{a: 1}", "7", "[unclosed", "- a\nb: c", "&a [*b]", "!!set {a}", "a: b: c"]),
        ("dict", ["a", "[a]", "7", "{unclosed", "{[a]: 1, {a: 1}: 2}"]),
    ],
)
def test_text_of_another_type_remains_a_text(kind, texts):
    for text in texts:
        assert parse_text(f" {text} ", kind) == text


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "- !!python/name:os.system",
        "!!bool x",
        *[f"- !!{tag} x" for tag in ("bool", "timestamp", "int", "float")],
        "- !!binary x\xe4",
        "!vault |\n  x",
        "[" * 600,
        f"- {'9' * 5000}",
        "- " * 600,
        "\x00",
        "- \x07",
        "\ud800",
    ],
    ids=range(15),
)
def test_hostile_text_raises_nothing(text):
    for kind in ("list", "dict"):
        assert not isinstance(parse_text(text, kind), dict)
    parse_error(text)


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
        ("{a: 1, b: 2}", "{a: 1, b: 2}"),
    ],
)
def test_list_of_strings_may_be_separated_by_commas(text, words):
    assert parse_text(text, "list", "str") == words


@given(st.text(), st.sampled_from(["list", "dict", "str"]), st.sampled_from([None, "str", "dict"]))
def test_any_text_is_accepted(text, kind, elements):
    parse_text(text, kind, elements)
    parse_error(text)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("!x a", "could not determine a constructor for the tag '!x' in line 1, column 1"),
        ("- a\n- [unclosed", "expected ',' or ']', but got '<stream end>' in line 2, column 12"),
        ("a: b: c", "mapping values are not allowed here in line 1, column 5"),
        ("&a [*b", "found undefined alias 'b' in line 1, column 5"),
        ("- a\n- \x1f", "character U+001F is not allowed in line 2"),
        ("[!!bool x]", "a value does not match its tag"),
        ("[" * 1000, "it is nested too deeply"),
        ("[1]", ""),
        ("a: 1", ""),
    ],
    ids=range(9),
)
def test_syntax_error_is_located(text, reason):
    assert parse_error(text) == reason


# --- rows -----------------------------------------------------------------------------------------------------------


def rows(text: str) -> list[dict[str, Any]]:
    """Return the rows of a valid file."""
    problem, found = parse_csv(text, COLUMNS)
    assert problem == ""
    return found


def problem_of(text: str) -> str:
    """Return the problem of an invalid file."""
    problem, found = parse_csv(text, COLUMNS)
    assert (bool(problem), found) == (True, [])
    return problem


CELLS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
BLANK_LINES = st.sampled_from(["", "\n", " \n", "\t\n", '""\n'])


@given(
    table=st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=4),
    delimiter=st.sampled_from(",;"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    start=BLANK_LINES | st.just("\ufeff"),
)
def test_every_dialect_is_read(table, delimiter, end, quoting, start):
    if quoting == csv.QUOTE_MINIMAL:
        # Without quotes, white space at the start of a cell is not kept, nor is a bare line break.
        table = [[cell.strip().replace("\r", "").replace("\n", "") for cell in row] for row in table]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([COLUMNS, *table])
    expected = [dict(zip(COLUMNS, row)) for row in table if any(cell.strip() for cell in row)]
    assert rows(start + written.getvalue()) == expected


ROW = dict(zip(COLUMNS, ["w", "s", "1", "2"]))


@pytest.mark.parametrize(
    "text, expected",
    [
        (f"\n {HEADER.replace(',', ' , ')} \n\n w, s, 1, 2\n,,,\n \n", [ROW]),
        *[(f"{HEADER}{end}\nw,s,1,2,,,,,,\n", [ROW]) for end in ("", ",", ",,,", ", ,")],
        ("source,,ticket_id,\ns,,2,\n", [{"source": "s", "ticket_id": "2"}]),
        ("incident_id\n1\n2\n", [{"incident_id": "1"}, {"incident_id": "2"}]),
        (";;;\n" + HEADER.replace(",", ";") + '\nw;s;"a,b;c";2', [{**ROW, "incident_id": "a,b;c"}]),
        (f"{HEADER}\n\n", []),
    ],
)
def test_blank_cells_and_lines_are_ignored(text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize(
    "text, facts",
    [
        *[(text, ["empty", "first line", "column names"]) for text in ("", "\n\n", "\ufeff", ",,,\n", " ; \n")],
        ("workspace_id,ticket,x y", ["unknown columns", "ticket, x y", "workspace_id, source, incident_id, ticket_id"]),
        ("Workspace_ID,source", ["unknown columns", "Workspace_ID"]),
        ("workspace_id\tsource", ["unknown columns", "workspace_id\tsource"]),
        ("source,,source", ["duplicate columns", "source"]),
        ("source,,ticket_id\ns,,2\n,x,\n", ["line 3", "column 2", "no name"]),
        (f'{HEADER}\n\nw,s,"a\nb",1\nw,s\n', ["2 columns", "line 5", "4 column names"]),
        (f'{HEADER}\nw,"s\n', ["CSV", "line 2"]),
        (f'{HEADER}\nw,"s"x,1,2\n', ["CSV", "line 2"]),
    ],
)
def test_invalid_file_is_refused(text, facts):
    assert_message(problem_of(text), "'pairs_file'", *facts)


@given(st.text(alphabet="incdet_w,;\"'\n\r\t\ufeff x\x00"))
def test_any_file_is_accepted(text):
    parse_csv(text, COLUMNS)
