# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module does, whichever shell runs it: Ansible's ordinary one, or the controller's own process."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.client import Client
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.lines import Line, Lines
from ansible_collections.secops.itsm.plugins.module_utils.many import Many, Progress, handle
from ansible_collections.secops.itsm.plugins.module_utils.pace import Pace, Together
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy
from ansible_collections.secops.itsm.plugins.module_utils.service import Api, Service

VERSION = "0.6.0"


@dataclass(frozen=True)
class Job(Generic[Api]):
    """A module.

    :param service: what it is an operation on.
    :param argument_spec: its own options.
    :param operation: takes the API, the options and how to run.
    :param many: how it handles a list of things, if it does.
    :param rules: which options go together, as arguments of Ansible's own check.
    """

    service: Service[Api]
    argument_spec: Mapping[str, Any]
    operation: Callable[[Api, Mapping[str, Any], Run], Result]
    many: Many[Api] | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shell:
    """What a job needs of the shell that it runs in.

    :param check_mode: only read and plan.
    :param diff_mode: whether the user wants to see differences.
    :param secrecy: learns the secrets that turn up on the way.
    :param lines: connections, which the shell closes.
    :param progress: told from time to time how far a list is.
    :param passing: exceptions of the shell's own, such as the end of a task's time, which are not caught.
    """

    check_mode: bool
    diff_mode: bool
    secrecy: Secrecy
    lines: Lines
    progress: Progress | None = None
    passing: tuple[type[BaseException], ...] = ()


def perform(job: Job[Api], options: Mapping[str, Any], shell: Shell) -> Result | ApiError:
    """Do what a task asks for; whatever goes wrong comes back as an L(ApiError).

    :param job: the module.
    :param options: checked by Ansible.
    :param shell: where it runs.
    """
    try:
        line = shell.lines.open(job.service, options, f"secops.itsm/{VERSION}")
        shell.secrecy.learn(lambda: line.connection.auth.secrets)
        run = Run(check_mode=shell.check_mode, verify_timeout=options.get("verify_timeout") or 0)
        if job.many and options.get(job.many.option) is not None:
            return _many(job, job.many, options, shell, line, run)
        return job.operation(_api(job, options, shell, line), options, run)
    except ApiError as error:
        return error
    except shell.passing:
        raise
    except Exception as bug:  # a bug of ours must end as one sentence, too, and must not print what it holds
        return internal_error(bug, job.service.subject, options)


def _api(job: Job[Api], options: Mapping[str, Any], shell: Shell, line: Line, pace: Pace | None = None) -> Api:
    client = Client(
        line.connection.transport,
        line.connection.auth,
        job.service.vendor,
        read_only=shell.check_mode,
        redact=shell.secrecy.text,
        pace=pace,
        sessions=line.sessions,
    )
    return job.service.api(client, options)


def _many(job: Job[Api], many: Many[Api], options: Mapping[str, Any], shell: Shell, line: Line, run: Run) -> Result:
    concurrency = options["concurrency"]
    pace = Together(concurrency, line.connection.transport.retry_timeout, Clock())
    try:
        return handle(
            many,
            options,
            run,
            lambda: _api(job, options, shell, line, pace),
            pace,
            shows_diff=shell.diff_mode,
            progress=shell.progress,
            bug=lambda error, entry: internal_error(error, job.service.subject, entry),
        )
    finally:
        # The workers are gone, and nobody else can use what was theirs.
        line.sessions.close()


def internal_error(bug: Exception, subject: tuple[str, str], options: Mapping[str, Any]) -> ApiError:
    """A bug of ours as one sentence, with its place in the code and nothing of what it holds.

    :param bug: what was raised.
    :param subject: what the task is about, and the option that names it.
    :param options: the task's.
    """
    frames = traceback.extract_tb(bug.__traceback__)
    frame = [*frames, *(frame for frame in frames if "/secops/itsm/" in frame.filename)][-1]
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    kind, option = subject
    name = options.get(option)
    return ApiError(
        f"secops.itsm {VERSION} has a bug: {type(bug).__name__} at {place}. Look at "
        f"{f'{kind} {name}' if name else 'what the task was about'} before you run the task again, and report this "
        "line to the maintainers.",
        "internal",
    )


@dataclass(frozen=True)
class Ending:
    """A task's end, as either shell gives it back.

    :param failed: whether it failed.
    :param values: the keys of the result, C(changed) and for a failure C(msg) and C(error) among them.
    :param warnings: what the user should know although nothing failed.
    """

    failed: bool
    values: Mapping[str, Any]
    warnings: Sequence[str] = ()


def ending(end: Result | ApiError) -> Ending:
    """What Ansible is told of what came of a task.

    :param end: from :func:`perform`.
    """
    if isinstance(end, ApiError):
        return Ending(True, _failure_values(end, end.wrote))
    if end.failure:
        return Ending(True, {**end.values, **_failure_values(end.failure, end.changed)}, end.warnings)
    return Ending(False, {**end.values, "changed": end.changed}, end.warnings)


def _failure_values(failure: ApiError, changed: bool) -> dict[str, Any]:
    """A failure as keys of a result.

    :param failure: what went wrong.
    :param changed: whether something was, or may have been, changed before.
    """
    return {"msg": failure.message, "error": failure.as_dict(), "changed": changed}
