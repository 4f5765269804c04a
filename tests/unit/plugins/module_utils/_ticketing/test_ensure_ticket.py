# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only some ticketing systems need: notes, two ids, a backend that compares versions itself, refused closings.

The rules for all systems are in conformance.py, the details of the plan in the tests of Rezolve.ai.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    StaleMarkerError,
    State,
    TicketUpdate,
    Updated,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ensure_ticket import (
    MAX_CONFLICTS,
    EnsureTicket,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_plan import NO_HISTORY, History, plan
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing.conformance import (
    CREATE,
    READ,
    REFERENCE,
    UPDATE,
    Stored,
    broken,
    failure,
    keep,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing.toy_system import (
    ToyBackend,
    ToyTarget,
    ToyUnderTest,
    ToyWanted,
    ToyWithoutRecords,
)

NOTE = "Closed by the runbook."
RECORD = {"id": "i1", "name": "T-001", "reference": REFERENCE, "level": "low", "text": None, "version": 3, "notes": []}
TARGET = ToyTarget(REFERENCE, {"level": "high"}, NOTE)


def with_ticket(system: ToyUnderTest | None = None) -> ToyUnderTest:
    system = system or ToyUnderTest()
    system.add(REFERENCE)
    return system


def using(backend: type[ToyBackend]) -> ToyUnderTest:
    """Return a system with one ticket and this backend."""

    class Variant(ToyUnderTest):
        """The toy system with another backend."""

        backend_class = backend

    return with_ticket(Variant())


# --- notes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target, record, history, changes, notes",
    [
        (TARGET, {}, NO_HISTORY, {"level": "high"}, {"note": NOTE}),
        (TARGET, {"level": "high"}, NO_HISTORY, {}, {"note": NOTE}),
        (TARGET, {"notes": [NOTE]}, NO_HISTORY, {"level": "high"}, {}),
        (TARGET, {}, History(noted=frozenset({"note"})), {"level": "high"}, {}),
        (replace(TARGET, can_read_notes=False), {"notes": None}, NO_HISTORY, {"level": "high"}, {"note": NOTE}),
    ],
)
def test_plan_adds_missing_notes(target, record, history, changes, notes):
    (write,) = plan({**RECORD, **record}, target, history).writes
    assert isinstance(write, TicketUpdate)
    assert (write.changes, write.notes, write.marker, write.is_additive) == (changes, notes, "3", bool(notes))
    assert write.body == {**changes, **notes}


@pytest.mark.parametrize(
    "target, record, history",
    [
        (TARGET, {"notes": [NOTE]}, NO_HISTORY),
        (TARGET, {}, History(noted=frozenset({"note"}))),
        (replace(TARGET, can_read_notes=False), {"notes": None}, NO_HISTORY),
    ],
    ids=["shown", "delivered", "cannot be read"],
)
def test_plan_is_empty_without_change_and_missing_note(target, record, history):
    assert plan({**RECORD, "level": "high", **record}, target, history).is_done


@pytest.mark.parametrize("exists", [False, True])
def test_delivered_note_that_is_not_shown_is_not_sent_again(exists):
    system = with_ticket() if exists else ToyUnderTest()
    system.service.hides_notes = True
    assert keep(system, system.options(REFERENCE, level="high", note=NOTE)).changed
    assert system.writes == [UPDATE if exists else CREATE]
    assert [stored.notes for stored in system.tickets().values()] == [(NOTE,)]


def test_interrupted_creation_delivers_its_notes():
    """The service drops a value of the interrupted creation, so the ticket is updated, without the note."""
    system = ToyUnderTest()
    system.service.hides_notes = True
    system.service.stored["text"] = None  # type: ignore[assignment]
    system.fail(CREATE, broken(), takes_effect=True)
    assert keep(system, system.options(REFERENCE, text="a", note=NOTE)).changed
    assert system.writes == [CREATE, UPDATE]
    assert [stored.notes for stored in system.tickets().values()] == [(NOTE,)]


@pytest.mark.parametrize("takes_effect", [False, True])
def test_note_of_an_interrupted_update_is_sent_again_unless_it_arrived(takes_effect):
    system = with_ticket(ToyWithoutRecords())
    system.fail(UPDATE, broken(), takes_effect=takes_effect)
    if takes_effect:
        # The change never shows, but the version proves that the request was processed.
        system.replace_level("low")
    options = system.options(REFERENCE, level="high", note=NOTE)
    if takes_effect:
        assert failure(system, options).category == "not_converged"
    else:
        assert keep(system, options).changed
    assert system.writes == [UPDATE, UPDATE]
    assert [stored.notes for stored in system.tickets().values()] == [(NOTE,)]


def test_note_in_doubt_ends_the_run():
    class Doubtful(ToyBackend):
        """A backend that cannot find out whether a note arrived."""

        def delivered_notes(self, ticket_id: str, interrupted: TicketUpdate) -> Collection[str]:
            raise broken(ambiguous=False)

    system = using(Doubtful)
    system.fail(UPDATE, broken())
    error = failure(system, system.options(REFERENCE, level="high", note=NOTE))
    assert (error.category, error.may_have_changed, system.writes) == ("ambiguous_write", True, [UPDATE])


def test_update_without_remaining_parts_is_not_sent():
    system = with_ticket()
    operation = EnsureTicket(system.backend(), system.parse(system.options(REFERENCE)))
    assert operation.read() is not None
    operation.send(TicketUpdate("update", {}))
    assert system.writes == []


def test_another_choice_that_the_service_stores_is_not_sent_again():
    made = plan({**RECORD, "level": "medium"}, TARGET, History({"level": "low"}, frozenset({"level"})))
    assert made.writes == ()
    assert made.conflict is not None
    assert made.conflict.category == "not_converged"
    assert_message(made.conflict.message, "T-001", "'Level'", "'medium'", "'high'")


# --- ids ------------------------------------------------------------------------------------------------------------


def test_requests_use_the_id_and_messages_the_display_id():
    system = with_ticket()
    operation = EnsureTicket(system.backend(), system.parse(system.options(REFERENCE)))
    assert operation.label == f"ticket {REFERENCE}"
    operation.read()
    assert (operation.label, operation.history.ticket_id) == ("ticket T-001", "id of T-001")
    result = keep(system, system.options(None, name="T-001", level="high"))
    assert (result.values["id"], result.values["name"]) == ("id of T-001", "T-001")


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("system_class", [ToyUnderTest, ToyWithoutRecords], ids=["returned", "not returned"])
def test_id_of_a_new_ticket_is_known(system_class, verify_timeout):
    system = system_class()
    result = keep(system, system.options(REFERENCE, level="high"), verify_timeout=verify_timeout)
    assert (result.values["id"], result.warnings, system.writes) == ("id of T-001", [], [CREATE])


def test_ticket_that_is_neither_returned_nor_found_is_uncertain():
    system = ToyWithoutRecords()
    system.delay_search(60)
    error = failure(system, system.options(REFERENCE, level="high"))
    assert (error.category, error.retryable, error.may_have_changed) == ("ambiguous_write", False, True)
    assert_message(error.message, REFERENCE, "does not contain the ticket", "portal")
    assert system.writes == [CREATE]


# --- a backend that compares versions itself -------------------------------------------------------------------------


class Comparing(ToyBackend):
    """A backend of a service without etags: it reads the ticket again just before the update."""

    edits: tuple[Mapping[str, Any], ...] = ()

    def update(self, ticket_id: str, update: TicketUpdate, target: ToyTarget) -> Updated:
        if self.edits:
            edit, *left = self.edits
            self.edits = tuple(left)
            self.service.store(ticket_id, edit)
        fresh = self.service.read(ticket_id)
        if self.format.marker_of(fresh) != update.marker:
            raise StaleMarkerError(broken("conflict", ambiguous=False), fresh)
        self.service.store(ticket_id, {"text": "by a rule"})
        record = self.service.update(ticket_id, None, update.body)
        return Updated(record, self.format.marker_of(record), (f"{record['name']} changed twice.",))


@pytest.mark.parametrize("count", [MAX_CONFLICTS - 1, MAX_CONFLICTS])
def test_ticket_that_the_backend_read_again_is_used(count):
    """Changes that no field shows, such as notes of other users, do not end the run after two refusals."""

    class Edited(Comparing):
        """Another user adds notes before each update."""

        edits = ({"note": "theirs"},) * count

    system = using(Edited)
    options = system.options(REFERENCE, level="high")
    if count < MAX_CONFLICTS:
        assert keep(system, options).changed
    else:
        error = failure(system, options)
        assert (error.category, error.retryable) == ("conflict", True)
        assert_message(error.message, "T-001", str(MAX_CONFLICTS), "Another user changed")
    assert system.service.requests.count(READ) == count + (2 if count < MAX_CONFLICTS else 0)
    assert system.tickets()["T-001"].level == ("high" if count < MAX_CONFLICTS else "low")


def test_change_that_the_backend_notices_is_a_conflict():
    class Edited(Comparing):
        """Another user changes the same field before the update."""

        edits = ({"level": "medium"},)

    system = using(Edited)
    error = failure(system, system.options(REFERENCE, level="high"))
    assert (error.category, system.tickets()) == ("conflict", {"T-001": Stored(REFERENCE, "medium")})


def test_warnings_of_updates_are_returned():
    system = using(Comparing)
    assert_messages(keep(system, system.options(REFERENCE, level="high")).warnings, ["T-001", "twice"])


# --- refusals --------------------------------------------------------------------------------------------------------


class Strict(ToyTarget):
    """A ticket that is only closed with a text."""

    def refusal(self, record: State, changes: Mapping[str, Any]) -> ApiError | None:
        del changes
        if self.values.get("status") != "closed" or self.values.get("text") or (record and record["text"]):
            return None
        return ApiError("Closing needs text.", "configuration")


class StrictBackend(ToyBackend):
    """A backend for such tickets."""

    def resolve_new(self, wanted: ToyWanted) -> ToyTarget:
        return Strict(str(wanted.reference), wanted.values)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("exists", [False, True])
def test_write_that_the_target_refuses_is_not_sent(exists, check_mode):
    system = using(StrictBackend)
    if not exists:
        system.service.tickets.clear()
    error = failure(system, system.options(REFERENCE, closed=True), check_mode=check_mode)
    assert (error.category, system.writes) == ("configuration", [])
    assert_message(error.message, "text", "Nothing was written")
    result = keep(system, system.options(REFERENCE, closed=True, text="Solved."))
    assert result.changed
    # A closed ticket that needs no change is not refused.
    assert not keep(system, system.options(REFERENCE, closed=True, text="Solved.")).changed


# --- the choice of the ticket ----------------------------------------------------------------------------------------


def test_open_ticket_takes_precedence_and_then_the_newest_closed_one():
    system = ToyUnderTest()
    first = system.add(REFERENCE, closed=True)
    system.clock.sleep(1)
    newest = system.add(REFERENCE, closed=True)
    options = system.options(REFERENCE, closed=True)
    result = keep(system, options)
    assert (result.changed, result.values["name"]) == (False, newest)
    open_one = system.add(REFERENCE)
    assert keep(system, options).values["name"] == open_one
    assert system.tickets()[first].is_closed


def test_ignored_fields_are_only_set_in_a_new_ticket():
    target = ToyTarget(REFERENCE, {"level": "high", "text": "a"}, ignored=frozenset({"text"}))
    made = plan(None, target)
    assert made.writes[0].body["text"] == "a"
    (update,) = plan({**RECORD}, target).writes
    assert update.body == {"level": "high"}
