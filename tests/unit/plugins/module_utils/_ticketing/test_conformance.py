# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every ticketing system obeys the conformance rules, and a wrong one does not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing.conformance import (
    RULES,
    SystemUnderTest,
    each_rule,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing.toy_system import (
    DEFECTS,
    ToyUnderTest,
    ToyWithoutRecords,
)

UNIT_TESTS = Path(__file__).resolve().parents[1]
PLUGINS = Path(__file__).resolve().parents[5] / "plugins" / "module_utils"
PACKAGE = "ansible_collections.secops.itsm.tests.unit.plugins.module_utils"

#: The systems with an adapter, by the name of their package.
SYSTEMS = sorted(path.parent.name for path in UNIT_TESTS.glob("_*/conformance_adapter.py"))


def adapter_of(package: str) -> type[SystemUnderTest]:
    """Return the adapter of a system."""
    adapter: Any = importlib.import_module(f"{PACKAGE}.{package}.conformance_adapter").ADAPTER
    assert issubclass(adapter, SystemUnderTest)
    return adapter


@each_rule()
@pytest.mark.parametrize("package", SYSTEMS)
def test_system_obeys_the_rule(package, rule):
    rule(adapter_of(package))


@each_rule()
@pytest.mark.parametrize("toy", [ToyUnderTest, ToyWithoutRecords])
def test_toy_system_obeys_the_rule(toy, rule):
    rule(toy)


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_wrong_system_breaks_the_rule(defect):
    class WrongToy(ToyUnderTest):
        """A toy system with one defect."""

        defects = frozenset({defect})

    broken = []
    for name, rule in RULES.items():
        try:
            rule(WrongToy)
        except AssertionError:
            broken.append(name)
    assert DEFECTS[defect] in broken


def test_each_rule_is_broken_by_a_defect():
    assert set(DEFECTS.values()) == set(RULES)


def test_shared_code_refers_to_no_system():
    for path in sorted((PLUGINS / "_ticketing").glob("*.py")):
        text = path.read_text(encoding="utf-8").lower()
        assert [package for package in SYSTEMS if package.strip("_") in text] == [], path


def test_each_system_has_an_adapter():
    assert [path.parent.name for path in sorted(PLUGINS.glob("_*/backend.py"))] == sorted([*SYSTEMS, "_ticketing"])
