# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that every ticketing system obeys, and the interface through which they are tested.

To test a system, add ``conformance_adapter.py`` to the directory of its unit tests, with a subclass of
:class:`SystemUnderTest` as ``ADAPTER``. The rules use three fields of a ticket: ``level``, a choice of low, medium and
high; ``text``, a free text; and whether the ticket is closed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Mapping, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import Answer, TicketBackend, WantedTicket
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ensure_ticket import ensure_ticket
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

#: The reference that identifies the ticket of a task, and others.
REFERENCE, OTHER_REFERENCE = "SEN-7c2a1e8f", "SEN-99d0"

#: A text that the system knows as a secret.
SECRET = "s3cr3t-of-the-connection"

#: The requests that can fail.
SEARCH, READ, CREATE, UPDATE = "search", "read", "create", "update"


class Killed(BaseException):
    """A run is killed."""


@dataclass(frozen=True)
class Stored:
    """A ticket as the service stores it.

    :param reference: the reference that identifies it.
    :param level: low, medium or high.
    :param text: the free text.
    :param is_closed: whether it is closed.
    :param notes: the notes, oldest first.
    """

    reference: str
    level: str
    text: str | None = None
    is_closed: bool = False
    notes: tuple[str, ...] = ()


class SystemUnderTest(ABC):
    """A ticketing system with its service in memory.

    :param page_size: maximum number of rows of a page of a search.
    """

    clock: FakeClock

    #: Whether a task can add notes.
    has_notes: ClassVar[bool] = False

    #: Whether the service may store a text in other words, such as sanitized HTML.
    rewrites_texts: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, page_size: int = 100) -> None:
        """Start a service without tickets."""

    # --- the code under test ---

    @abstractmethod
    def options(self, reference: str | None, **more: Any) -> dict[str, Any]:
        """Return the module's options for a ticket.

        :param reference: identifies the ticket; None if ``name`` does.
        :param more: ``name`` (the display id), ``level``, ``text``, ``closed`` (close the ticket), ``include_closed``,
            ``note``; those that are missing are not set, except that a new ticket needs what the service requires.
        """

    @abstractmethod
    def parse(self, options: Mapping[str, Any]) -> WantedTicket:
        """Parse the options of one ticket."""

    @abstractmethod
    def backend(self) -> TicketBackend[Any, Any]:
        """Return a new backend for one ticket."""

    @abstractmethod
    def bulk(self) -> tuple[BulkDefinition[Any], Any]:
        """Return how the module handles a list, and the API, which is shared by all items."""

    # --- the service, from the point of view of another user ---

    @abstractmethod
    def add(self, reference: str, level: str = "low", *, closed: bool = False) -> str:
        """Add a ticket that the task could have created, and return its display id."""

    @abstractmethod
    def edit(self, name: str, **values: Any) -> None:
        """Set ``level`` or ``text`` of a ticket."""

    @abstractmethod
    def tickets(self) -> dict[str, Stored]:
        """Return all tickets, by display id."""

    @abstractmethod
    def near(self, reference: str) -> Sequence[str]:
        """Return references that a search may return for another one, but that identify other tickets."""

    # --- the behavior of the service ---

    @property
    @abstractmethod
    def writes(self) -> list[str]:
        """Return the write requests received so far: ``create`` or ``update`` for each."""

    @abstractmethod
    def fail(self, request: str, error: BaseException, *, takes_effect: bool = False, times: int = 1) -> None:
        """Let the next requests of a kind fail, before or after they take effect."""

    @abstractmethod
    def hide_rows(self) -> None:
        """Let lists count tickets that they do not show."""

    @abstractmethod
    def ignore_updates(self) -> None:
        """Let updates succeed without storing anything."""

    @abstractmethod
    def replace_level(self, level: str) -> None:
        """Store this level for any other one that a request sets."""

    def rewrite_text(self, text: str) -> None:
        """Store this text for any other one. Only for a service that may rewrite texts."""
        raise NotImplementedError

    def delay_search(self, seconds: float) -> None:
        """Let searches find new tickets only after some time. Only for a system whose search is not immediate."""
        raise NotImplementedError


#: Creates a system under test.
Make = Callable[..., SystemUnderTest]


def broken(category: str = "unavailable", *, ambiguous: bool = True) -> ApiError:
    """Return the error of an interrupted request."""
    return ApiError("The request was interrupted.", category, ambiguous=ambiguous, retryable=True)


def keep(
    system: SystemUnderTest,
    options: Mapping[str, Any],
    *,
    check_mode: bool = False,
    verify_timeout: float = 30,
    before_update: Callable[[], None] | None = None,
) -> OperationResult:
    """Run a task, and return its result; raise its failure.

    :param before_update: called once, between the read of the ticket and the first update.
    """
    backend, waiting = system.backend(), [before_update] if before_update else []
    update = backend.update

    def edited(*arguments: Any) -> Any:
        if waiting:
            waiting.pop()()
        return update(*arguments)

    backend.update = edited  # type: ignore[method-assign]
    wanted = system.parse({**options, "verify_timeout": verify_timeout})
    result = ensure_ticket(backend, wanted, RunOptions(check_mode, verify_timeout, system.clock))
    if result.failure:
        raise result.failure
    return result


def outcome_of(system: SystemUnderTest, options: Mapping[str, Any], **run: Any) -> OperationResult | ApiError | Killed:
    """Run a task, and return its result or what ended it."""
    try:
        return keep(system, options, **run)
    except (ApiError, Killed) as error:
        return error


def failure(system: SystemUnderTest, options: Mapping[str, Any], **run: Any) -> ApiError:
    """Run a task that must fail, and return its failure."""
    outcome = outcome_of(system, options, **run)
    assert isinstance(outcome, ApiError), f"The task did not fail: {outcome}"
    return outcome


def succeed(system: SystemUnderTest, options: Mapping[str, Any], **run: Any) -> OperationResult:
    """Run a task that must not fail, and return its result."""
    outcome = outcome_of(system, options, **run)
    assert isinstance(outcome, OperationResult), f"The task failed: {outcome}"
    return outcome


def name_of(system: SystemUnderTest, result: OperationResult) -> str:
    """Return the display id of the ticket in a result."""
    return system.backend().format.name_of(result.values["ticket"])


# --- rules ----------------------------------------------------------------------------------------------------------


def creates_once(make: Make) -> None:
    """Create one ticket, however the request is interrupted, and never send it twice in a run."""
    for error in (broken(), broken("contract"), Killed()):
        for takes_effect in (False, True):
            for verify_timeout in (0, 30):
                system = make()
                options = system.options(REFERENCE, level="high")
                system.fail(CREATE, error, takes_effect=takes_effect)
                outcome = outcome_of(system, options, verify_timeout=verify_timeout)
                if isinstance(outcome, ApiError):
                    assert (outcome.may_have_changed, takes_effect) == (True, False)
                elif isinstance(outcome, OperationResult):
                    assert [name_of(system, outcome)] == list(system.tickets())
                assert system.writes == [CREATE]
                succeed(system, options)
                assert len(system.tickets()) == 1
                assert not succeed(system, options).changed


def reports_a_new_ticket(make: Make) -> None:
    """Return the new ticket with its display id, whether or not the response contains it, and no warning."""
    system = make()
    result = succeed(system, system.options(REFERENCE, level="high"))
    assert (result.changed, result.values["created"], result.warnings) == (True, True, [])
    assert {name_of(system, result): Stored(REFERENCE, "high")} == system.tickets()
    assert result.values["before"] == {}


def converges(make: Make) -> None:
    """Predict a change, make it, and then predict and make none, in the notation of the service or another one."""
    for exists in (False, True):
        for more in ({"level": "high"}, {"level": "High", "text": " a "}):
            system = make()
            if exists:
                system.add(REFERENCE)
            options = system.options(REFERENCE, **more)
            runs = [succeed(system, options, check_mode=check_mode) for check_mode in (True, False, True, False)]
            assert [run.changed for run in runs] == [True, True, False, False]
            assert len(system.writes) == 1
            assert [stored.level for stored in system.tickets().values()] == ["high"]


def check_mode_writes_nothing(make: Make) -> None:
    """Predict the change in check mode without a write."""
    for exists in (False, True):
        system = make()
        if exists:
            system.add(REFERENCE)
        before = system.tickets()
        options = system.options(REFERENCE, level="high")
        predicted = succeed(system, options, check_mode=True)
        assert (system.writes, system.tickets()) == ([], before)
        done = succeed(system, options)
        for key in ("before", "created", "diff"):
            assert predicted.values[key] == done.values[key]


def finds_the_second_page(make: Make) -> None:
    """Find the ticket on any page, so that it is not created again."""
    for place in range(6):
        system = make(page_size=2)
        for number in range(6):
            if number == place:
                name = system.add(REFERENCE)
            else:
                system.add(REFERENCE, closed=True)
        result = succeed(system, system.options(REFERENCE, level="high"))
        assert (name_of(system, result), system.writes) == (name, [UPDATE])
        assert system.tickets()[name].level == "high"


def near_matches_are_other_tickets(make: Make) -> None:
    """Do not change a ticket that only resembles the wanted one: create one, or ask the user."""
    system = make()
    assert system.near(REFERENCE)
    for near in system.near(REFERENCE):
        system = make()
        name = system.add(near)
        options = system.options(REFERENCE, level="high")
        backend = system.backend()
        found = backend.find(backend.resolve_new(system.parse(options)), False, backend.read_budget(()))
        outcome = outcome_of(system, options)
        if isinstance(outcome, OperationResult):
            assert not found.similar
            assert name_of(system, outcome) != name
            assert not succeed(system, options).changed
        else:
            assert (getattr(outcome, "category", None), system.writes) == ("ambiguous_match", [])
        assert system.tickets()[name] == Stored(near, "low")


def several_matches_are_ambiguous(make: Make) -> None:
    """Change none of several tickets with the identity, and name them."""
    system = make(page_size=1)
    names = [system.add(REFERENCE), system.add(REFERENCE)]
    error = failure(system, system.options(REFERENCE, level="high"))
    assert error.category == "ambiguous_match"
    assert all(name in error.message for name in names)
    assert system.backend().options.identifier in error.message
    assert system.writes == []


def failed_search_creates_nothing(make: Make) -> None:
    """Report a search that fails, even with "not found", and create nothing."""
    for category in ("unavailable", "permission", "contract", "not_found"):
        system = make()
        system.fail(SEARCH, broken(category, ambiguous=False), times=50)
        assert failure(system, system.options(REFERENCE, level="high")).category == category
        assert system.writes == []


def inconsistent_pages_create_nothing(make: Make) -> None:
    """Create nothing if a list counts more tickets than it shows, because one of them may be the wanted one."""
    system = make()
    name = system.add(REFERENCE)
    system.hide_rows()
    failure(system, system.options(REFERENCE, level="high"))
    assert (system.writes, system.tickets()) == ([], {name: Stored(REFERENCE, "low")})


def foreign_edits_are_kept(make: Make) -> None:
    """Never overwrite a change that another user made after the ticket was read."""
    system = make()
    name = system.add(REFERENCE)
    options = system.options(REFERENCE, level="high")
    error = failure(system, options, before_update=lambda: system.edit(name, level="medium"))
    assert (error.category, error.retryable, error.may_have_changed) == ("conflict", True, False)
    assert name in error.message
    assert system.tickets() == {name: Stored(REFERENCE, "medium")}
    # A further run starts from the change.
    assert succeed(system, options).changed


def edits_of_other_fields_do_not_disturb(make: Make) -> None:
    """Keep the changes of both users if they concern different fields, and send nothing for equal changes."""
    system = make()
    name = system.add(REFERENCE)
    options = system.options(REFERENCE, level="high")
    assert succeed(system, options, before_update=lambda: system.edit(name, text="theirs")).changed
    assert system.tickets() == {name: Stored(REFERENCE, "high", "theirs")}
    system = make()
    name = system.add(REFERENCE)
    succeed(system, options, before_update=lambda: system.edit(name, level="high"))
    assert system.tickets() == {name: Stored(REFERENCE, "high")}


def interrupted_updates_are_completed(make: Make) -> None:
    """Find the effect of an interrupted update, or send it again."""
    for takes_effect in (False, True):
        system = make()
        name = system.add(REFERENCE)
        system.fail(UPDATE, broken(), takes_effect=takes_effect)
        options = system.options(REFERENCE, level="high")
        assert succeed(system, options).changed
        assert system.writes == [UPDATE] * (1 if takes_effect else 2)
        assert system.tickets() == {name: Stored(REFERENCE, "high")}
        assert not succeed(system, options).changed


def unstored_values_fail(make: Make) -> None:
    """Report a value that the service accepted but did not store, or replaced by another choice."""
    for level in ("low", "medium"):
        system = make()
        name = system.add(REFERENCE)
        if level == "low":
            system.ignore_updates()
        else:
            system.replace_level(level)
        error = failure(system, system.options(REFERENCE, level="high"))
        assert (error.category, error.may_have_changed) == ("not_converged", True)
        assert name in error.message
        assert system.tickets()[name].level == level


def rewritten_texts_are_accepted(make: Make) -> None:
    """Accept a text that the service keeps in other words, and warn that a further run would send it again."""
    if not make().rewrites_texts:
        return
    for exists in (False, True):
        system = make()
        if exists:
            system.add(REFERENCE)
        system.rewrite_text("a")
        result = succeed(system, system.options(REFERENCE, level="high", text="<b>a</b>"))
        assert [stored.text for stored in system.tickets().values()] == ["a"]
        assert len(result.warnings) == 1
        assert system.backend().options.ignore_fields in result.warnings[0]


def closed_tickets_are_not_used(make: Make) -> None:
    """Create another ticket, with a warning, if only closed ones match; use a closed one if the task accepts it."""
    system = make()
    name = system.add(REFERENCE, closed=True)
    options = system.options(REFERENCE, level="high")
    predicted = succeed(system, options, check_mode=True)
    result = succeed(system, options)
    for run in (predicted, result):
        assert run.values["created"]
        assert len(run.warnings) == 1
        assert name in run.warnings[0]
        assert system.backend().options.include_closed in run.warnings[0]
    assert system.tickets()[name] == Stored(REFERENCE, "low", is_closed=True)
    assert not succeed(system, options).changed
    system = make()
    name = system.add(REFERENCE, closed=True)
    succeed(system, system.options(REFERENCE, level="high", include_closed=True))
    assert {other: stored.level for other, stored in system.tickets().items()} == {name: "high"}


def ticket_closed_by_the_task_is_found_again(make: Make) -> None:
    """Find a ticket that an earlier run of the same task closed, and do not open another one."""
    for exists in (False, True):
        system = make()
        if exists:
            system.add(REFERENCE)
        options = system.options(REFERENCE, closed=True)
        assert succeed(system, options).changed
        assert [stored.is_closed for stored in system.tickets().values()] == [True]
        again = succeed(system, options)
        assert (again.changed, len(system.tickets())) == (False, 1)


def named_tickets_are_read_by_their_id(make: Make) -> None:
    """Change the ticket that the task names, and fail if it does not exist."""
    system = make()
    first, second = system.add(REFERENCE), system.add(REFERENCE)
    result = succeed(system, system.options(None, name=second, level="high"))
    assert (name_of(system, result), result.values["created"]) == (second, False)
    assert [system.tickets()[name].level for name in (first, second)] == ["low", "high"]
    unknown = "".join("9" if letter.isdigit() else letter for letter in second)
    assert failure(system, system.options(None, name=unknown, level="high")).category == "not_found"
    assert system.writes == [UPDATE]


def lists_create_each_ticket_once(make: Make) -> None:
    """Handle items of the same ticket once, in all spellings that a search finds, and refuse contradicting ones."""
    system = make()
    same = [{"level": "high"}, {"level": "High"}]
    items = [system.options(REFERENCE, **more) for more in same] + [system.options(OTHER_REFERENCE, level="high")]
    for changed in (2, 0):
        result = _run_list(system, items)
        assert result.failure is None
        assert result.values["summary"]["changed"] == changed
        assert result.values["summary"]["duplicates"] == 1
        assert len(system.tickets()) == 2
    system = make()
    result = _run_list(system, [system.options(REFERENCE, level=level) for level in ("high", "low")])
    assert [entry["failed"] for entry in result.values["results"]] == [True, True]
    assert system.writes == []


def lists_group_what_a_search_finds(make: Make) -> None:
    """Group two items exactly if the search of either one finds the ticket of the other one."""
    system = make()
    definition, api = system.bulk()
    references = [REFERENCE, *system.near(REFERENCE), OTHER_REFERENCE]
    items = definition.parse_items(api, [system.options(reference, level="high") for reference in references])
    assert all(item.failure is None for item in items)
    for place, reference in enumerate(references):
        system = make()
        system.add(reference)
        backend = system.backend()
        target = backend.resolve_new(system.parse(system.options(REFERENCE, level="high")))
        found = backend.find(target, True, backend.read_budget(()))
        if found.matches or found.similar:
            assert items[place].key == items[0].key


def _run_list(system: SystemUnderTest, items: Sequence[Mapping[str, Any]]) -> OperationResult:
    definition, api = system.bulk()

    def on_exception(error: Exception, _item: Mapping[str, Any]) -> ApiError:
        raise AssertionError("a bug") from error

    return run_bulk(
        definition,
        {definition.option: list(items), "concurrency": 1, "verify_timeout": 30},
        RunOptions(False, 30, system.clock),
        lambda _throttle: api,
        SharedThrottle(4, 60, Clock()),
        on_exception,
    )


def secrets_are_not_quoted(make: Make) -> None:
    """Redact a value before it is cut for a message, so that no part of a secret remains."""
    for length in range(0, 80, 5):
        system = make()
        error = failure(system, system.options(REFERENCE, level=f"{'x' * length}{SECRET}"))
        assert error.category == "configuration"
        assert SECRET[:6] not in error.message
        assert system.writes == []


def slow_searches_are_awaited(make: Make) -> None:
    """Wait until a search finds the new ticket, and warn if it does not."""
    system = make()
    if system.backend().capabilities.is_search_immediate:
        return
    system.delay_search(10)
    result = succeed(system, system.options(REFERENCE, level="high"))
    assert (result.warnings, system.clock.time >= 10) == ([], True)
    system = make()
    system.delay_search(float("inf"))
    result = succeed(system, system.options(REFERENCE, level="high"))
    (warning,) = result.warnings
    assert name_of(system, result) in warning
    assert not succeed(system, system.options(REFERENCE, level="high")).changed
    assert len(system.tickets()) == 1


def notes_are_added_once(make: Make) -> None:
    """Add a note with the creation or with a change, once, however the request is interrupted."""
    if not make().has_notes:
        return
    for exists in (False, True):
        for error, takes_effect in ((None, True), (broken(), False), (broken(), True), (Killed(), True)):
            system = make()
            if exists:
                system.add(REFERENCE)
            options = system.options(REFERENCE, level="high", note="Closed by the runbook.")
            if error:
                system.fail(UPDATE if exists else CREATE, error, takes_effect=takes_effect)
            outcome_of(system, options)
            succeed(system, options)
            assert [stored.notes for stored in system.tickets().values()] == [("Closed by the runbook.",)]
            writes = list(system.writes)
            assert not succeed(system, options).changed
            assert system.writes == writes


def capabilities_are_true(make: Make) -> None:
    """Declare the capabilities that the backend has."""
    system = make()
    backend = system.backend()
    target = backend.resolve_new(system.parse(system.options(REFERENCE, level="high")))
    record = backend.create(target)
    assert (record is not None) is backend.capabilities.create_returns_ticket
    found = backend.find(target, False, backend.read_budget(()))
    assert [system.tickets().get(backend.format.name_of(match)) for match in found.matches] == [
        Stored(REFERENCE, "high")
    ]
    assert system.has_notes or backend.capabilities.can_read_notes is not Answer.YES


#: The rules, by name.
RULES: Mapping[str, Callable[[Make], None]] = {
    rule.__name__: rule
    for rule in (
        creates_once,
        reports_a_new_ticket,
        converges,
        check_mode_writes_nothing,
        finds_the_second_page,
        near_matches_are_other_tickets,
        several_matches_are_ambiguous,
        failed_search_creates_nothing,
        inconsistent_pages_create_nothing,
        foreign_edits_are_kept,
        edits_of_other_fields_do_not_disturb,
        interrupted_updates_are_completed,
        unstored_values_fail,
        rewritten_texts_are_accepted,
        closed_tickets_are_not_used,
        ticket_closed_by_the_task_is_found_again,
        named_tickets_are_read_by_their_id,
        lists_create_each_ticket_once,
        lists_group_what_a_search_finds,
        secrets_are_not_quoted,
        slow_searches_are_awaited,
        notes_are_added_once,
        capabilities_are_true,
    )
}


def each_rule() -> Any:
    """Run a test for each rule."""
    return pytest.mark.parametrize("rule", [pytest.param(rule, id=name) for name, rule in RULES.items()])
