# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Run a module of this collection in the controller's process, without a new process for each task.

Options, validation and result are those of the module. Tasks that need a separate process run as ordinary modules.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import Any, Iterator, Mapping

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as OrdinaryRun
from ansible.utils.display import Display

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import (
    add_environment_variables,
    check_arguments,
    full_argument_spec,
    missing_library,
    normalize_arguments,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Counts, Progress
from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import (
    TRACEBACK,
    ExecutionContext,
    TaskResult,
    execute_redacted,
    redact,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import (
    CONTROLLER_PID,
    DEADLINE,
    TIME_LEFT,
    over_when,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Notice
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry
from ansible_collections.secops.itsm.plugins.plugin_utils.plain_values import plain_value

#: These disable or enable the in-process mode: a variable for a play, host or task, an environment variable for all.
VARIABLE, ENVIRONMENT = "secops_itsm_in_process", "SECOPS_ITSM_IN_PROCESS"

#: The variable with the seconds between two progress reports of a list, where 0 disables them, and its default.
PROGRESS_VARIABLE, PROGRESS_SECONDS = "secops_itsm_progress_seconds", 5.0

INVOCATION_SETTING = "INJECT_INVOCATION"

#: Values of ansible_python_interpreter that leave the choice to Ansible.
AUTO_INTERPRETERS = frozenset({"", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent"})

#: Prefixes of environment variables that only a new process reads.
STARTUP_PREFIXES = ("PYTHON", "LD_")

#: Open connections of this process. Ansible starts a process for each task and host, which runs all items of a loop.
CONNECTIONS = ConnectionPool()

display = Display()


class InProcessAction(OrdinaryRun):  # type: ignore[misc]  # Ansible has no type hints
    """An action plugin that runs a module in this process; its subclasses set the definition of the module."""

    definition: ModuleDefinition[Any]
    _deadline: float | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task, unless ansible-playbook has ended."""
        self._deadline = time.monotonic() + self._task.timeout if self._task.timeout else None
        end_orphaned_worker()
        try:
            return show_traceback(self._run_task(tmp, task_vars))
        finally:
            # No process would read the result: once the queue is full, sending it blocks forever.
            end_orphaned_worker()

    def _run_task(self, tmp: Any, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the task in this process if possible, and as an ordinary module otherwise."""
        variables = task_vars or {}
        environment = self._environment()
        arguments = self._arguments() if self._can_run_in_process(variables, environment) else None
        if arguments is None:
            return dict(super().run(tmp, task_vars))
        # Only the checks that Ansible makes for every action.
        result = ActionBase.run(self, tmp, task_vars)
        with _temporary_environment(environment):
            settings = self._context_settings(variables)
            result.update(run_in_process(self.definition, self._task.action, arguments, settings))
        if not _shows_invocation(variables):
            result.pop("invocation", None)
        return dict(result)

    def _environment(self) -> dict[str, str]:
        """Return the environment variables that the task sets."""
        environment: dict[str, Any] = {}
        super()._compute_environment_string(environment)
        return {str(name): str(value) for name, value in environment.items()}

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """Return the environment of an ordinary module for its command: the task's variables, and the run's limits."""
        environment = {**self._environment(), **self._limits()}
        if raw_environment_out is not None:
            raw_environment_out.clear()
            raw_environment_out.update(environment)
        return str(self._connection._shell.env_prefix(**environment))

    def _limits(self) -> dict[str, str]:
        """Return the run's limits as environment variables.

        A task with ``async`` has none, because it may outlive ansible-playbook. A module on another machine can use
        neither the processes nor the clock of this one.
        """
        if self._task.async_val:
            return {}
        limits: dict[str, Any] = {}
        controller = controller_pid()
        is_local = self._connection.transport == "local"
        if is_local and controller is not None:
            limits[CONTROLLER_PID] = controller
        if self._deadline is not None:
            limits.update({DEADLINE: self._deadline} if is_local else {TIME_LEFT: self._deadline - time.monotonic()})
        return {name: str(value) for name, value in limits.items()}

    def _can_run_in_process(self, variables: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        """Return whether the task can run in this process."""
        return (
            self._is_enabled(variables)
            and not any(name.startswith(STARTUP_PREFIXES) for name in environment)
            and self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not is_other_python(self._interpreter(variables), sys.executable)
            and missing_library() is None
        )

    def _is_enabled(self, variables: Mapping[str, Any]) -> bool:
        given = self._templar.template(variables[VARIABLE]) if VARIABLE in variables else None
        name, value = (VARIABLE, given) if given is not None else (ENVIRONMENT, os.environ.get(ENVIRONMENT) or True)
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{name} must be true or false.") from None

    def _interpreter(self, variables: Mapping[str, Any]) -> str:
        """Return the configured Python interpreter, as an ordinary run would look it up."""
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        value = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        return str(self._templar.template(value) or "")

    def _arguments(self) -> dict[str, Any] | None:
        """Return the task's arguments as JSON values, as a module receives them; None if that is not possible."""
        try:
            return dict(plain_value(self._task.args))
        except (TypeError, ValueError):
            return None

    def _context_settings(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the :class:`ExecutionContext`, without the secrets."""
        interval = self._templar.template(variables.get(PROGRESS_VARIABLE, PROGRESS_SECONDS))
        try:
            seconds = float(interval)
        except (TypeError, ValueError):
            raise AnsibleActionFail(
                f"{PROGRESS_VARIABLE} must be a number of seconds, or 0 to disable progress reports."
            ) from None
        return {
            "check_mode": bool(self._task.check_mode),
            "diff_mode": bool(self._task.diff),
            "connections": CONNECTIONS,
            "progress": Progress(seconds, report_progress),
            "notice": once(show),
            "passthrough_exceptions": (AnsibleError,),
            "is_over": over_when(is_orphaned, self._deadline),
            "verbosity": display.verbosity,
        }


def controller_pid() -> int | None:
    """Return the process ID of ansible-playbook, or None if this process is not one of its workers."""
    parent = multiprocessing.parent_process()
    return None if parent is None else parent.pid


def is_orphaned() -> bool:
    """Return whether this process is a worker whose ansible-playbook has ended; it then has another parent."""
    return controller_pid() not in (None, os.getppid())


def end_orphaned_worker() -> None:
    """End this process if it is a worker whose ansible-playbook has ended.

    Otherwise Ansible would continue with the other items of a loop, and with retries.

    :raises SystemExit: to end the worker after Ansible has removed its temporary files.
    """
    if is_orphaned():
        raise SystemExit("The worker ends because ansible-playbook has ended.")


def _shows_invocation(variables: Mapping[str, Any]) -> bool:
    """Return whether results contain the module's arguments: since ansible-core 2.21, a setting decides."""
    if constants.config.get_configuration_definition(INVOCATION_SETTING) is None:
        return True
    return bool(constants.config.get_config_value(INVOCATION_SETTING, variables=variables))


def is_other_python(configured: str, own: str) -> bool:
    """Return whether a configured interpreter differs from that of this process.

    Links to other directories are not followed: a virtual environment's Python is a link to one without its packages.

    :param configured: the path of the configured interpreter.
    :param own: the path of this process's interpreter.
    """
    if configured.strip() in AUTO_INTERPRETERS:
        return False
    own_path, other_path = os.path.abspath(own), os.path.abspath(os.path.expanduser(configured.strip()))
    same_folder = os.path.dirname(own_path) == os.path.dirname(other_path)
    return own_path != other_path and not (same_folder and os.path.realpath(own_path) == os.path.realpath(other_path))


@contextmanager
def _temporary_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and restore the former values at the end."""
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


def run_in_process(
    definition: ModuleDefinition[Any], action: str, arguments: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Validate the arguments as Ansible does for a module, execute the module, and return the result of the module.

    :param definition: the module.
    :param action: the name of the module in the task.
    :param arguments: the arguments, as the task sets them.
    :param settings: the arguments of the :class:`ExecutionContext`, without the secrets.
    """
    connection_options = definition.service.connection_options
    arguments = normalize_arguments(definition, arguments)
    checked = check_arguments(full_argument_spec(definition), arguments, definition.rules)
    options = checked.validated_parameters
    secrets = SecretRegistry(connection_options, lambda: options)
    if checked.error_messages:
        outcome = redact(_invalid_arguments(checked.errors, action, connection_options), secrets)
    else:
        outcome = execute_redacted(definition, options, ExecutionContext(secrets=secrets, **settings))
    result = {**outcome.values, "failed": outcome.failed, "invocation": {"module_args": outcome.arguments}}
    warnings = [*map(secrets.text, _alias_warnings(checked)), *outcome.warnings]
    if warnings:
        result["warnings"] = warnings
    if checked._deprecations:
        result["deprecations"] = [dict(entry) for entry in checked._deprecations]
    return result


def _invalid_arguments(errors: Any, action: str, connection_options: Mapping[str, Option]) -> TaskResult:
    """Return the module's own result for options that Ansible's validator rejects."""
    message = str(errors.msg)
    if isinstance(errors[0], UnsupportedError):
        message = f"Unsupported parameters for ({action}) module: {message}"
    message = add_environment_variables(message, connection_options)
    return TaskResult(True, {"msg": message, "error": configuration_error(message).as_dict(), "changed": False})


def _alias_warnings(checked: Any) -> list[str]:
    return [f"Both option {entry['option']} and its alias {entry['alias']} are set." for entry in checked._warnings]


def report_progress(noun: str, counts: Counts, seconds: float) -> None:
    """Show the progress of a list on the terminal and in a job's log.

    :param noun: the name of an item, such as ``incident``.
    :param counts: the counts of the items so far.
    :param seconds: the seconds since the list started.
    """
    show(f"{counts.done} of {counts.total} {noun}s after {seconds:.0f} s: {counts}")


def show(text: str) -> None:
    """Show a sentence on the terminal and in a job's log while a task runs.

    :param text: the sentence, without secrets.
    """
    # On stderr, because a program may read stdout.
    display.display(f"secops.itsm: {text}", stderr=True)


def show_traceback(result: dict[str, Any]) -> dict[str, Any]:
    """Show the redacted traceback of a bug at -vvv, and return the result without it.

    :param result: the result, from either execution mode.
    """
    text = result.pop(TRACEBACK, None)
    if text:
        display.vvv(f"secops.itsm: {text}")
    return result


def once(notice: Notice) -> Notice:
    """Return a function that passes only its first sentence to a notice, from any thread.

    :param notice: receives that sentence.
    """
    pending = [notice]

    def notify_first(text: str) -> None:
        # pop() is atomic, so only one thread gets the notice.
        with suppress(IndexError):
            pending.pop()(text)

    return notify_first
