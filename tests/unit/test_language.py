# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that everything a user can read avoids the words for which the field has a standard one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("plugins", "extensions", "playbooks", "docs", "changelogs/fragments", "*.md")
SUFFIXES = (".py", ".yml", ".yaml", ".rst", ".md", ".j2", ".sh", "Jenkinsfile")

#: Each word to avoid, as a regular expression, with what to write instead.
AVOIDED = {
    "told": "reported, named",
    r"foretell\w*|foretold|foresee\w*|foreseen": "predict",
    r"rehears\w*": "check mode, dry run",
    r"mend(s|ed|ing)?": "fix, correct",
    "anew": "again",
    "whatever|whichever": "any",
    "belongs? into": "set ... in",
    "at the (least|most)": "at least, at most",
    "(came|became) of": "the result of",
    "somebody|nobody": "another user, another run",
    r"(?<!\bthere )is no(?! longer)": "is not a",
    "looked (at|whether)": "checked",
    "gets no": "does not get",
    "is good to": "can be used to",
    "stands in": "is in",
    "not either": "not even",
}

#: Public names that contain such a word.
JUSTIFIED = (
    r"docsite[./]rehearse\w*|rst/rehearse\.rst|<rehearse>|\brehearse\.(rst|html)",  # the guide to the sandbox
    r"``Rehears(ed:|al)``",  # the former output, which a changelog entry names
    r"^ +- rehearse$",  # its entry in extra-docs.yml
    r"\brehearsed\b(?=['\"`)\]: ,.])",  # the former name of the report's key check_mode, kept until 1.0
)


def files() -> list[Path]:
    """Return every file that a user can read."""
    found = [
        path for place in PLACES for top in ROOT.glob(place) for path in ([top] if top.is_file() else top.rglob("*"))
    ]
    return [path for path in found if path.is_file() and path.name.endswith(SUFFIXES)]


def test_no_text_contains_a_word_to_avoid() -> None:
    words = {re.compile(rf"\b({word})\b", re.IGNORECASE): instead for word, instead in AVOIDED.items()}
    found = []
    for path in files():
        if path.name == "CHANGELOG.md":
            continue  # entries of past releases stay as they were published
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            text = re.sub("|".join(JUSTIFIED), "", line)
            for word, instead in words.items():
                if match := word.search(text):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()} -> {instead}")
    assert not found, "\n".join(found)


def test_the_search_covers_every_place() -> None:
    places = {path.relative_to(ROOT).parts[0] for path in files()}
    assert places >= {"plugins", "extensions", "playbooks", "docs", "README.md"}
