# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection inside the controller's own process, without a process of its own for each task.

Same options, same checks, same result as the module; nothing of how it works is decided here. Where a task asks for
anything that only an ordinary run can give, it gets one.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as OrdinaryRun
from ansible.utils.display import Display

from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.job import Ending, Job, Shell, ending, perform
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.many import Counts, Progress
from ansible_collections.secops.itsm.plugins.module_utils.runner import missing_library, whole_spec
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy

try:
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:  # before ansible-core 2.19
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    ENCODING: Mapping[str, Any] = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
else:
    ENCODING = {"cls": get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)}

#: Switches it off, or on, for a play, host or task; in the controller's environment, for everything.
VARIABLE, ENVIRONMENT = "secops_itsm_in_process", "SECOPS_ITSM_IN_PROCESS"

#: How often a list tells how far it is, in seconds; 0 for never.
PROGRESS_VARIABLE, PROGRESS_SECONDS = "secops_itsm_progress_seconds", 5.0

INVOCATION_SETTING = "INJECT_INVOCATION"

#: Values of ansible_python_interpreter that leave the choice to Ansible.
NO_CHOICE = frozenset({"", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent"})

#: Beginnings of the names of variables that only a new process reads.
READ_AT_START = ("PYTHON", "LD_")

#: Open connections of this process. Ansible forks one for each task and host, and all items of a loop run in it.
LINES = Lines()

display = Display()


class InProcessAction(OrdinaryRun):  # type: ignore[misc]  # Ansible has no type hints
    """An action plugin that runs a module's job; its subclasses say which."""

    job: Job[Any]

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task here if nothing speaks against it, and as an ordinary module otherwise."""
        variables = task_vars or {}
        environment = self._environment()
        arguments = self._arguments() if self._may_stay(variables, environment) else None
        if arguments is None:
            return dict(super().run(tmp, task_vars))
        # The checks that Ansible makes for every action, without running the module.
        result = ActionBase.run(self, tmp, task_vars)
        with _within(environment):
            result.update(run_here(self.job, self._task.action, arguments, self._shell_settings(variables)))
        if not _shows_invocation(variables):
            result.pop("invocation", None)
        return dict(result)

    def _environment(self) -> dict[str, str]:
        """What the task sets in its environment."""
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        return {str(name): str(value) for name, value in environment.items()}

    def _may_stay(self, variables: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """Whether the task can be run here."""
        return (
            self._is_wanted(variables)
            and not any(name.startswith(READ_AT_START) for name in environment)
            and self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not names_another_python(self._interpreter(variables), sys.executable)
            and missing_library() is None
        )

    def _is_wanted(self, variables: Mapping[str, Any]) -> bool:
        given = self._templar.template(variables[VARIABLE]) if VARIABLE in variables else None
        name, value = (VARIABLE, given) if given is not None else (ENVIRONMENT, os.environ.get(ENVIRONMENT) or True)
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{name} must be true or false.") from None

    def _interpreter(self, variables: Mapping[str, Any]) -> str:
        """The Python that the task asks for, as an ordinary run would look it up."""
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        value = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        return str(self._templar.template(value) or "")

    def _arguments(self) -> dict[str, Any] | None:
        """The task's arguments as a module gets them: through JSON; None if they cannot take that way."""
        try:
            return dict(json.loads(json.dumps(self._task.args, **ENCODING)))
        except (TypeError, ValueError):
            return None

    def _shell_settings(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        every = self._templar.template(variables.get(PROGRESS_VARIABLE, PROGRESS_SECONDS))
        try:
            seconds = float(every)
        except (TypeError, ValueError):
            raise AnsibleActionFail(f"{PROGRESS_VARIABLE} must be a number of seconds, or 0 for never.") from None
        return {
            "check_mode": bool(self._task.check_mode),
            "diff_mode": bool(self._task.diff),
            "lines": LINES,
            "progress": Progress(seconds, tell),
            "passing": (AnsibleError,),
        }


def _shows_invocation(variables: Mapping[str, Any]) -> bool:
    """Whether a result has the module's arguments: always before ansible-core 2.21, by a setting since then."""
    if constants.config.get_configuration_definition(INVOCATION_SETTING) is None:
        return True
    return bool(constants.config.get_config_value(INVOCATION_SETTING, variables=variables))


def names_another_python(asked: str, own: str) -> bool:
    """Whether an interpreter is another one than that of this process.

    Links are not followed: a virtual environment's Python is a link to one that lacks its packages.

    :param asked: what was configured.
    :param own: the path of this process's interpreter.
    """
    if asked.strip() in NO_CHOICE:
        return False
    here, there = os.path.abspath(own), os.path.abspath(os.path.expanduser(asked.strip()))
    same_folder = os.path.dirname(here) == os.path.dirname(there)
    return here != there and not (same_folder and os.path.realpath(here) == os.path.realpath(there))


@contextmanager
def _within(variables: Mapping[str, str]) -> Iterator[None]:
    """The environment that the task asks for, for as long as it runs."""
    former = {name: os.environ.get(name) for name in variables}
    try:
        os.environ.update(variables)
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_here(job: Job[Any], action: str, arguments: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the arguments as Ansible does for a module, do the job, and give the result as the module would.

    :param job: what to do.
    :param action: the module's name, as the task calls it.
    :param arguments: as the task gives them.
    :param settings: of the :class:`Shell`.
    """
    validator = ArgumentSpecValidator(whole_spec(job), **job.rules)
    checked = validator.validate(arguments)
    options = checked.validated_parameters
    secrecy = Secrecy(job.service.table, lambda: options)
    if checked.error_messages:
        end = _misused(checked.errors, action)
    else:
        end = ending(perform(job, options, Shell(secrecy=secrecy, **settings)))
    shown = secrecy.values({**end.values, "failed": end.failed})
    shown["invocation"] = {"module_args": secrecy.options()}
    warnings = [secrecy.text(text) for text in (*_alias_warnings(checked), *end.warnings)]
    if warnings:
        shown["warnings"] = warnings
    if checked._deprecations:
        shown["deprecations"] = [dict(entry) for entry in checked._deprecations]
    return shown


def _misused(errors: Any, action: str) -> Ending:
    """The module's own end for options that Ansible's check refuses."""
    message = str(errors.msg)
    if isinstance(errors[0], UnsupportedError):
        message = f"Unsupported parameters for ({action}) module: {message}"
    return Ending(True, {"msg": message, "error": configuration_error(message).as_dict(), "changed": False})


def _alias_warnings(checked: Any) -> list[str]:
    return [f"Both option {entry['option']} and its alias {entry['alias']} are set." for entry in checked._warnings]


def tell(noun: str, counts: Counts, seconds: float) -> None:
    """Show how far a list is, on the terminal and in a job's log.

    :param noun: what an entry is called.
    :param counts: how the list stands.
    :param seconds: that have passed.
    """
    # What stdout holds may be read by a program.
    line = f"secops.itsm: {counts.done} of {counts.total} {noun}s after {seconds:.0f} s: {counts}"
    display.display(line, stderr=True)
