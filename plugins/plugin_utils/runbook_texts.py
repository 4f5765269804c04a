# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a runbook is given as a text: lists and mappings in YAML or JSON, and pairs as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from typing import Any, Collection

import yaml


class PlainLoader(yaml.SafeLoader):
    """Reads YAML without the guesses of YAML 1.1: the tickets 0042 and 1_000 are no numbers, 12:30 no count."""


PlainLoader.yaml_implicit_resolvers = {}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(0|-?[1-9][0-9]*)$"), list("-0123456789"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def value_of(text: str, kind: str, elements: str | None = None) -> Any:
    """The value that a text stands for; the text itself, without blanks around it, if it stands for none of the kind.

    :param text: as a survey gives it.
    :param kind: C(list), C(dict), or any other type of an option.
    :param elements: what a list is made of; words may also be separated by commas.
    """
    wanted = {"list": list, "dict": dict}.get(kind)
    if wanted is None:
        return text.strip()
    value = _read(text)
    if isinstance(value, wanted):
        return value
    if wanted is list and elements == "str" and not isinstance(value, dict):
        return [word.strip() for word in text.replace("\n", ",").split(",") if word.strip()]
    return text.strip()


def _read(text: str) -> Any:
    """What a text says in JSON, or else in YAML; None if it says nothing in either."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    try:
        return yaml.load(text, PlainLoader)  # a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError, TypeError):
        # The last four come from values that do not fit a tag, such as !!bool x.
        return None


def rows_of(text: str, columns: Collection[str]) -> tuple[str, list[dict[str, Any]]]:
    """What is wrong with a CSV file, and its rows. Separated by commas, or by semicolons as some spreadsheets do.

    :param text: its content, with the names of the columns in its first line.
    :param columns: that are known.
    """
    plain = text.lstrip("\ufeff")
    first = plain.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    names: list[str] = []
    rows = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip() for cell in cells]
                problem = _wrong_names(names, columns)
                if problem:
                    return problem, []
            elif len(cells) != len(names):
                return f"'pairs_file' has {len(cells)} columns in line {reader.line_num}, and {len(names)} names.", []
            else:
                rows.append(dict(zip(names, cells)))
    except csv.Error as error:
        return f"'pairs_file' is no CSV file: {error} in line {reader.line_num}.", []
    if not names:
        return "'pairs_file' is empty: its first line must hold the names of the columns.", []
    return "", rows


def _wrong_names(names: list[str], columns: Collection[str]) -> str:
    """What is wrong with the names of the columns."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        return f"'pairs_file' has unknown columns: {', '.join(unknown)}. It may have {', '.join(columns)}."
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    return f"'pairs_file' has a column twice: {', '.join(twice)}." if twice else ""
