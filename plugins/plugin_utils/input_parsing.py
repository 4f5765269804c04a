# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Parse a runbook's input: lists and mappings in YAML or JSON, and pairs in CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Collection

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line


class PlainLoader(yaml.SafeLoader):
    """Load YAML without the implicit types of YAML 1.1, in which the identifiers 0042, 1_000 and 12:30 are numbers."""


PlainLoader.yaml_implicit_resolvers = {}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(0|-?[1-9][0-9]*)$"), list("-0123456789"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


#: Exceptions of the YAML parser. The last four are raised for values that do not match a tag, such as !!bool x.
YAML_ERRORS = (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError, TypeError)


def parse_text(text: str, kind: str, elements: str | None = None) -> Any:
    """Return the value that a text represents, or the stripped text if it does not represent a value of the type.

    :param text: the text, for example from a survey.
    :param kind: ``list``, ``dict``, or another option type.
    :param elements: the type of a list's elements; texts may also be separated by commas.
    """
    wanted = {"list": list, "dict": dict}.get(kind)
    if wanted is None:
        return text.strip()
    value = _parse_json_or_yaml(text)
    if isinstance(value, wanted):
        return value
    if wanted is list and elements == "str" and not isinstance(value, dict):
        return [word.strip() for word in text.replace("\n", ",").split(",") if word.strip()]
    return text.strip()


def _parse_json_or_yaml(text: str) -> Any:
    """Return the value of a text in JSON or YAML, or None if it is neither."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    try:
        return yaml.load(text, PlainLoader)  # a SafeLoader
    except YAML_ERRORS:
        return None


def parse_error(text: str) -> str:
    """Return why a text can be read neither as JSON nor as YAML, with the line, or an empty text if it can be.

    :param text: the text, for example from a survey.
    """
    with suppress(ValueError, RecursionError):
        json.loads(text)
        return ""
    try:
        yaml.load(text, PlainLoader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return f"{one_line(error.problem or error.context or 'it is not valid YAML')}{place}"
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return f"character U+{int(error.character):04X} is not allowed in line {line}"
    except RecursionError:
        return "it is nested too deeply"
    except YAML_ERRORS:
        return "a value does not match its tag"
    return ""


#: The message for an empty CSV file.
NO_COLUMN_NAMES = "'pairs_file' is empty. Its first line must contain the column names."


def parse_csv(text: str, columns: Collection[str]) -> tuple[str, list[dict[str, Any]]]:
    """Return the problem of a CSV file, or an empty text, and its rows.

    Columns are separated by commas, or by semicolons as some spreadsheets do.

    :param text: the content, with the column names in the first line.
    :param columns: the known column names.
    """
    plain = text.lstrip("\ufeff")
    # From the first line with content, because spreadsheets may leave lines blank.
    first = next((line for line in plain.splitlines() if line.strip(' \t,;"')), "")
    if not first:
        return NO_COLUMN_NAMES, []
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    names: list[str] = []
    rows = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = _without_trailing_blanks([cell.strip() for cell in cells])
                problem = _column_problem(names, columns)
                if problem:
                    return problem, []
                continue
            pairs = enumerate(zip_longest(names, cells, fillvalue=""), 1)
            unnamed = [number for number, (name, cell) in pairs if cell.strip() and not name]
            if unnamed:
                place = f"line {reader.line_num}, column {unnamed[0]}"
                return f"'pairs_file' has a value in {place}, but no name for this column in its first line.", []
            if len(cells) < len(names):
                found = f"{len(cells)} columns in line {reader.line_num}"
                return f"'pairs_file' has {found}, but {len(names)} column names in its first line.", []
            rows.append({name: cell for name, cell in zip(names, cells) if name})
    except csv.Error as error:
        return f"'pairs_file' is not a valid CSV file: {error} in line {reader.line_num}.", []
    return ("", rows) if names else (NO_COLUMN_NAMES, [])


def _without_trailing_blanks(names: list[str]) -> list[str]:
    """Return the column names without the empty ones at the end, which spreadsheets add."""
    return names[: max(number for number, name in enumerate(names, 1) if name)]


def _column_problem(names: list[str], columns: Collection[str]) -> str:
    """Return the problem of the column names, or an empty text. An empty column does not need a name."""
    named = [name for name in names if name]
    unknown = [name for name in named if name not in columns]
    if unknown:
        return f"'pairs_file' has unknown columns: {', '.join(unknown)}. Supported columns: {', '.join(columns)}."
    twice = [name for name in dict.fromkeys(named) if named.count(name) > 1]
    return f"'pairs_file' has duplicate columns: {', '.join(twice)}. Remove all but one of each." if twice else ""
