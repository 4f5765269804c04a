# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the result of a step of a story. As conditions of an assert, this took a sixth of the time."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Sequence

from ansible.plugins.action import ActionBase

CHECK_THEN_RUN = [True, False]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Check a ``step``, in the format of story.yml.

    ``results`` and ``warnings`` are the module's, ``saw`` is the role's sandbox_saw, ``seen`` has the ``trace`` and the
    numbers of ``tokens``, ``effects``, and waiting faults and edits. ``tokens`` is the expected number.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail if the step has another result than expected, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        problems = [*result_problems(given["step"], given["results"], given["warnings"]), *sandbox_problems(given)]
        if problems:
            # Not as "results": if items there have a failed_when_result, ansible-core (2.16, 2.19) ignores failed.
            result.update(failed=True, msg=problems, returned=given["results"], saw=given["saw"], seen=given["seen"])
        return {**result, "changed": False}


def result_problems(step: Mapping[str, Any], results: Sequence[Any], warnings: Sequence[str]) -> Iterator[str]:
    """Yield the problems of the module's results.

    :param step: the step, in the format of story.yml.
    :param results: the results of its runs.
    :param warnings: the warnings of all runs.
    """
    runs = list(step.get("runs", [False]))
    changed = step.get("changed", False)
    changed = list(changed) if isinstance(changed, (list, tuple)) else [changed] * len(runs)
    if [result["changed"] for result in results] != changed:
        yield f"changed is not {changed}"
    yield from _failure_problems(step, [result for result in results if "error" in result], len(changed))
    texts = step.get("warnings", [])
    if len(warnings) != len(texts) or any(text not in "".join(warnings) for text in texts):
        yield f"these are not the warnings: {texts}, but {list(warnings)}"
    # The diff of a list is a list.
    diffs = [result["diff"] for result in results if isinstance(result.get("diff"), Mapping)]
    if diffs and [diff["before"] != diff["after"] for diff in diffs] != [bool(one) for one in changed]:
        yield "a diff does not agree with changed"
    for first in (0, 2):
        pair = slice(first, first + 2)
        is_predicted = runs[pair] == CHECK_THEN_RUN and changed[first] == changed[first + 1]
        if is_predicted and diffs[first : first + 1] != diffs[first + 1 : first + 2]:
            yield f"run {first + 1} predicted another diff than run {first + 2} returned"


def _failure_problems(step: Mapping[str, Any], failures: Sequence[Any], runs: int) -> Iterator[str]:
    if len(failures) != (runs if "category" in step else 0):
        yield f"{len(failures)} runs have failed"
    for name in ("category", "http_status"):
        found = {failure["error"][name] for failure in failures}
        if name in step and found != {step[name]}:
            yield f"{name} is not {step[name]}, but {found}"
    messages = "".join(failure["msg"] for failure in failures)
    missing = [word for word in step.get("words", []) if word not in messages]
    if missing:
        yield f"no message has {missing}"


def sandbox_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of the requests to the sandbox, and of its stored state.

    :param given: the arguments of the task.
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
