# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Execute a module in either execution mode: as an ordinary Ansible module, or in the controller's process."""

from __future__ import annotations

import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Progress
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import VERSION, ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    OperationResult,
    RunOptions,
    after_writes,
    may_have_changed,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import IsOver, never_over
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import Api
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import Notice
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.connection import Connection
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle, Throttle
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry

#: The key of a result that holds tracebacks; the action plugin shows them and removes the key.
TRACEBACK = "traceback"

#: The minimum verbosity for tracebacks, which is that of -vvv.
TRACEBACK_VERBOSITY = 3

#: The maximum number of different tracebacks of a task, and of characters of an exception's message in them.
MAX_TRACEBACKS, MAX_MESSAGE = 3, 300


@dataclass(frozen=True)
class ExecutionContext:
    """The environment that an execution mode provides.

    :param check_mode: whether to stop after planning.
    :param diff_mode: whether to show differences.
    :param secrets: the secrets of the task; those that become known during the run are added.
    :param connections: open connections, which the execution mode closes.
    :param progress: reports the progress of a list, if given.
    :param passthrough_exceptions: exceptions that are not caught, such as the one for the task's timeout.
    :param is_over: returns whether the run is over; no task and no item of a list starts after that.
    :param clock: the source of time.
    :param notice: shows a sentence to the user during the run.
    :param verbosity: the verbosity of Ansible's output.
    :param tracebacks: receives the redacted tracebacks of bugs.
    """

    check_mode: bool
    diff_mode: bool
    secrets: SecretRegistry
    connections: ConnectionPool
    progress: Progress | None = None
    passthrough_exceptions: tuple[type[BaseException], ...] = ()
    is_over: IsOver = never_over
    clock: Clock = field(default_factory=Clock)
    notice: Notice | None = None
    verbosity: int = 0
    tracebacks: list[str] = field(default_factory=list)


def execute(
    definition: ModuleDefinition[Api], options: Mapping[str, Any], context: ExecutionContext
) -> OperationResult | ApiError:
    """Execute a task, and return its result or the ApiError that ended it.

    Any failure after a write that may have taken effect reports that something may have changed, even a bug.

    :param definition: the module.
    :param options: the task's options, validated by Ansible.
    :param context: the environment of the execution mode.
    """
    if context.is_over():
        return ApiError(
            "The run ended before this task started, so nothing was sent. Run the task again.",
            "unavailable",
            retryable=True,
        )
    apis: list[Api] = []
    outcome: OperationResult | ApiError
    try:
        try:
            connection = context.connections.open(definition.service, options, f"secops.itsm/{VERSION}")
        except ApiError as error:
            return definition.refused_options(error) if definition.refused_options else error
        connection.auth.notice = context.notice
        context.secrets.register(lambda: connection.auth.secrets)
        run = RunOptions(context.check_mode, options.get("verify_timeout") or 0, context.clock)
        if definition.bulk and options.get(definition.bulk.option) is not None:
            return _execute_bulk(definition, definition.bulk, options, context, connection, run, apis)
        outcome = definition.operation(
            _new_api(definition, options, context, connection, apis), definition.parse(options), run
        )
    except ApiError as error:
        outcome = error
    except context.passthrough_exceptions:
        raise
    except Exception as error:  # a bug of the collection, whose message may contain data of the task
        outcome = _report_bug(error, definition, options, context)
    return after_writes(outcome, any(api.may_have_changed for api in apis))


def _new_api(
    definition: ModuleDefinition[Api],
    options: Mapping[str, Any],
    context: ExecutionContext,
    connection: Connection,
    apis: list[Api],
    throttle: Throttle | None = None,
) -> Api:
    """Return a new API, and add it to those of the task."""
    client = Client(
        connection.transport,
        connection.auth,
        definition.service.errors,
        read_only=context.check_mode,
        redact=context.secrets.text,
        clock=context.clock,
        throttle=throttle,
        sessions=connection.sessions,
        notice=context.notice,
    )
    api = definition.service.api(client, options)
    apis.append(api)
    return api


def _execute_bulk(
    definition: ModuleDefinition[Api],
    bulk: BulkDefinition[Api],
    options: Mapping[str, Any],
    context: ExecutionContext,
    connection: Connection,
    run: RunOptions,
    apis: list[Api],
) -> OperationResult:
    throttle = SharedThrottle(options["concurrency"], connection.transport.retry_timeout, context.clock)
    try:
        return run_bulk(
            bulk,
            options,
            run,
            lambda item_throttle: _new_api(definition, options, context, connection, apis, item_throttle),
            throttle,
            on_exception=lambda error, item: _report_bug(error, definition, item, context),
            with_diff=context.diff_mode,
            progress=context.progress,
            is_over=context.is_over,
        )
    finally:
        # The workers' threads have ended, and no other thread can use their sessions.
        connection.sessions.close()


def _report_bug(
    error: Exception, definition: ModuleDefinition[Any], options: Mapping[str, Any], context: ExecutionContext
) -> ApiError:
    """Return the failure for a bug of the collection, and store its traceback if the verbosity requires it.

    :param error: the unexpected exception.
    :param definition: the module.
    :param options: the options of the task or the item.
    :param context: the environment of the execution mode.
    """
    if context.verbosity >= TRACEBACK_VERBOSITY and len(context.tracebacks) < MAX_TRACEBACKS:
        text = redacted_traceback(error, context.secrets)
        if text not in context.tracebacks:
            context.tracebacks.append(text)
    return internal_error(error, definition.service.subject, options)


def redacted_traceback(error: Exception, secrets: SecretRegistry) -> str:
    """Return the traceback of an exception without secrets, local variables and chained exceptions.

    :param error: the exception.
    :param secrets: the secrets of the task.
    """
    message = "the message cannot be shown"
    with suppress(Exception):  # any exception that building the message can raise
        message = str(error)
    stack = "".join(traceback.format_tb(error.__traceback__))
    # Redact the message before truncating it: a part of a secret would not be recognized.
    message = secrets.text(message)[:MAX_MESSAGE]
    return f"Traceback (most recent call last):\n{secrets.text(stack)}{type(error).__name__}: {message}"


def internal_error(error: Exception, subject: tuple[str, str], options: Mapping[str, Any]) -> ApiError:
    """Return the error for a bug of the collection, with its place in the code and without any data.

    :param error: the unexpected exception.
    :param subject: the kind of object that the task handles, and the option that identifies the object.
    :param options: the options of the task or the item.
    """
    frames = traceback.extract_tb(error.__traceback__)
    frame = [*frames, *(frame for frame in frames if "/secops/itsm/" in frame.filename)][-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    noun, option = subject
    name = options.get(option)
    return ApiError(
        f"secops.itsm {VERSION} has a bug: {type(error).__name__} at {place}. Check "
        f"{f'{noun} {name}' if name else 'the result of the task'} before you run the task again, and report this "
        "message to the maintainers.",
        "internal",
    )


@dataclass(frozen=True)
class TaskResult:
    """The result of a task, as both execution modes return it.

    :param failed: whether the task failed.
    :param values: the result by key, with ``changed``, and with ``msg`` and ``error`` for a failure.
    :param warnings: warnings for the user.
    :param arguments: the task's redacted options, as Ansible shows them with the result.
    """

    failed: bool
    values: Mapping[str, Any]
    warnings: Sequence[str] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


def execute_redacted(
    definition: ModuleDefinition[Api], options: Mapping[str, Any], context: ExecutionContext
) -> TaskResult:
    """Execute a task, and return its redacted result.

    If the result cannot be processed, return a failure that still reports whether something was changed.

    :param definition: the module.
    :param options: the task's options, validated by Ansible.
    :param context: the environment of the execution mode.
    """
    outcome = execute(definition, options, context)
    try:
        result = redact(task_result(outcome), context.secrets)
    except context.passthrough_exceptions:
        raise
    except Exception as error:  # as in execute
        failure = _report_bug(error, definition, options, context)
        changed = may_have_changed(outcome) and not context.check_mode
        failure = failure.with_message(failure.message, may_have_changed=changed)
        # Without the options, because one of them may be the reason.
        result = TaskResult(True, context.secrets.values(task_result(failure).values))
    if context.tracebacks:
        return replace(result, values={**result.values, TRACEBACK: "\n".join(context.tracebacks)})
    return result


def redact(result: TaskResult, secrets: SecretRegistry) -> TaskResult:
    """Return the result of a task without secrets.

    :param result: with secrets.
    :param secrets: the secrets of the task.
    """
    values, warnings = secrets.values(result.values), [secrets.text(text) for text in result.warnings]
    return TaskResult(result.failed, values, warnings, secrets.options())


def task_result(outcome: OperationResult | ApiError) -> TaskResult:
    """Return the result of a task for the return value of :func:`execute`.

    :param outcome: the return value of :func:`execute`.
    """
    if isinstance(outcome, ApiError):
        return TaskResult(True, _failure_values(outcome, outcome.may_have_changed))
    if outcome.failure:
        values = {**outcome.values, **_failure_values(outcome.failure, outcome.changed)}
        return TaskResult(True, values, outcome.warnings)
    return TaskResult(False, {**outcome.values, "changed": outcome.changed}, outcome.warnings)


def _failure_values(failure: ApiError, changed: bool) -> dict[str, Any]:
    """Return the keys of a result for a failure.

    :param failure: the failure.
    :param changed: whether something was or may have been changed before.
    """
    return {"msg": failure.message, "error": failure.as_dict(), "changed": changed}
