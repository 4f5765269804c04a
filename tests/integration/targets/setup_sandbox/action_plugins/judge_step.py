# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell whether a step of a story came out as it should; as conditions of an assert, this took a sixth of the time."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ansible.plugins.action import ActionBase

FORESEEN = [True, False]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(step) as story.yml says, and what came of it.

    C(results) and C(warnings) are the outcome's, C(saw) is the role's sandbox_saw, C(seen) has the C(trace), the number
    of C(tokens) and of C(effects), and of the faults and edits to come. C(tokens) is how many are expected.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do it, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        wrong = [*wrong_results(given["step"], given["results"], given["warnings"]), *wrong_sights(given)]
        if wrong:
            result.update(failed=True, msg=wrong, results=given["results"], saw=given["saw"], seen=given["seen"])
        return {**result, "changed": False}


def wrong_results(step: Mapping[str, Any], results: Sequence[Any], warnings: Sequence[str]) -> Iterator[str]:
    """What is wrong with what the module returned.

    :param step: as story.yml says.
    :param results: of its runs.
    :param warnings: of all of them.
    """
    runs = list(step.get("runs", [False]))
    changed = step.get("changed", False)
    changed = list(changed) if isinstance(changed, (list, tuple)) else [changed] * len(runs)
    if [result["changed"] for result in results] != changed:
        yield f"changed is not {changed}"
    yield from _wrong_failures(step, [result for result in results if "error" in result], len(changed))
    texts = step.get("warnings", [])
    if len(warnings) != len(texts) or any(text not in "".join(warnings) for text in texts):
        yield f"these are not the warnings: {texts}, but {list(warnings)}"
    # That of a list is a list.
    diffs = [result["diff"] for result in results if isinstance(result.get("diff"), Mapping)]
    if diffs and [diff["before"] != diff["after"] for diff in diffs] != [bool(one) for one in changed]:
        yield "a diff shows another thing than changed says"
    for first in (0, 2):
        pair = slice(first, first + 2)
        foretells = runs[pair] == FORESEEN and changed[first] == changed[first + 1]
        if foretells and diffs[first : first + 1] != diffs[first + 1 : first + 2]:
            yield f"run {first + 1} foretold another diff than run {first + 2} shows"


def _wrong_failures(step: Mapping[str, Any], failures: Sequence[Any], runs: int) -> Iterator[str]:
    if len(failures) != (runs if "category" in step else 0):
        yield f"{len(failures)} runs have failed"
    for name in ("category", "http_status"):
        found = {failure["error"][name] for failure in failures}
        if name in step and found != {step[name]}:
            yield f"{name} is not {step[name]}, but {found}"
    told = "".join(failure["msg"] for failure in failures)
    missing = [word for word in step.get("words", []) if word not in told]
    if missing:
        yield f"no message has {missing}"


def wrong_sights(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with what the sandbox was asked, and with what it has stored.

    :param given: the task's arguments.
    """
    step, seen, saw = given["step"], given["seen"], given["saw"]
    trace = step["trace"].replace(" ", "")
    if not re.fullmatch(trace, seen["trace"]):
        yield f"the trace is not {trace}, but {seen['trace']}"
    for name, wanted in (("tokens", step.get("tokens", given["tokens"])), ("effects", step.get("effects"))):
        if wanted is not None and int(seen[name]) != int(wanted):
            yield f"there are {seen[name]} {name}, and not {wanted}"
    for name in ("faults_waiting", "edits_waiting"):
        if int(seen[name]) != 0:
            yield f"{name}: {seen[name]}"
    for name, wanted in step.get("saw", {}).items():
        if name not in saw or saw[name] != wanted:
            yield f"{name} is not {wanted!r}, but {saw.get(name)!r}"
