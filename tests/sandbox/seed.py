# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The initial state of the sandbox: a YAML file that seed.schema.yml describes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping

import yaml

from ansible_collections.secops.itsm.tests.sandbox.input_validation import check
from ansible_collections.secops.itsm.tests.sandbox.parsing import portable, timestamp
from ansible_collections.secops.itsm.tests.sandbox.records import incident_key
from ansible_collections.secops.itsm.tests.sandbox.seed_from_variables import add_from_variables
from ansible_collections.secops.itsm.tests.sandbox.servicenow.seed_checks import check_servicenow
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import SYSTEM, seeded_tickets
from ansible_collections.secops.itsm.tests.sandbox.ticketing.seed_checks import check_ticketing, once
from ansible_collections.secops.itsm.tests.sandbox.ticketing.store import Store
from ansible_collections.secops.itsm.tests.sandbox.tickets import find_ticket

#: The highest number of an incident in the event of a webhook.
MAX_NUMBER = 2**31 - 1

#: Returns the tickets that a workspace knows.
Known = Callable[[Mapping[str, Any]], list[dict[str, Any]]]

SEED_FILE = Path(__file__).resolve().parent / "seeds" / "contraforce.yml"


class SeedError(Exception):
    """A seed file cannot be used. The message is one sentence."""


class _Loader(yaml.SafeLoader):
    """YAML in which a date and time stays text, quoted or not."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Seed:
    """The initial state of the sandbox, as seed.schema.yml describes it."""

    credentials: dict[str, str]
    workspaces: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    users: list[dict[str, Any]] = field(default_factory=list)
    now: str | None = None
    ticketing: dict[str, Any] = field(default_factory=lambda: {"clients": [], "tenants": []})
    servicenow: dict[str, Any] = field(default_factory=dict)

    @property
    def servicenow_tickets(self) -> list[dict[str, Any]]:
        """Return the tickets that are incidents of the ServiceNow instance."""
        return [ticket for ticket in self.tickets if ticket["system"] == SYSTEM]

    @classmethod
    def load(cls, path: Path, named: Iterable[Mapping[str, Any]] = ()) -> Seed:
        """Return the content of a seed file.

        :param named: variables of runbooks, whose incidents are added.
        :raises SeedError: if the file cannot be used.
        """
        try:
            content = _content(path)
            check("seed", content)
            _check_references(cls(**content))
            for variables in named:
                add_from_variables(content, variables)
            seed = cls(**content)
        except OSError as error:
            raise SeedError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise SeedError(f"{path} cannot be used: {' '.join(str(error).split())}") from None
        return seed


def _content(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return portable(yaml.load(text, Loader=_Loader))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid YAML: {error}") from None


def checked_incidents(value: Any, seed: Seed, known: Known) -> list[dict[str, Any]]:
    """Return incidents that were sent to the sandbox. Those without a number or a creation time get one.

    :param value: any JSON value.
    :param seed: the current workspaces and incidents.
    :param known: returns the tickets that a workspace knows.
    :raises ValueError: if any of them cannot be added.
    """
    check("incidents", value)
    now, numbers = timestamp(), itertools.count(_last_number([*seed.incidents, *value]) + 1)
    made = [_with_defaults(incident, now, numbers) for incident in value]
    once("incidents", map(_identity, [*seed.incidents, *made]))
    workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
    for incident in made:
        _check_incident(incident, workspaces, known)
    return made


def _with_defaults(incident: dict[str, Any], now: str, numbers: Iterator[int]) -> dict[str, Any]:
    defaults = {"createdAt": now, "updatedAt": now}
    made = {**incident, **{name: text for name, text in defaults.items() if incident.get(name) is None}}
    return made if made.get("number") is not None else {**made, "number": next(numbers)}


def _last_number(incidents: Iterable[Mapping[str, Any]]) -> int:
    """Return the highest number of incidents that the events of webhooks can contain."""
    numbers = (int(incident["number"]) for incident in incidents if incident.get("number") is not None)
    return max((number for number in numbers if number < MAX_NUMBER), default=0)


def _identity(incident: Mapping[str, Any]) -> str:
    return " ".join(incident_key(incident["workspaceId"], incident["source"], incident["id"]))


def _check_references(seed: Seed) -> None:
    """Raise ValueError for the first duplicate ID or reference to something that does not exist."""
    once("workspaces", (entry["id"].lower() for entry in seed.workspaces))
    once("users", (entry["id"].lower() for entry in seed.users))
    once("users", (entry["email"].lower() for entry in seed.users))
    once("tickets", (f"{entry['system']} {entry['id']}" for entry in seed.tickets))
    once("tickets", (f"{entry['system']} {entry['number']}" for entry in seed.tickets))
    once("incidents", map(_identity, seed.incidents))
    check_ticketing(seed.ticketing)
    store = Store(seed.ticketing["tenants"])
    for workspace in seed.workspaces:
        if workspace.get("tickets_from", "").lower() not in ("", *store.tenants):
            raise ValueError(f"tickets_from of a workspace names the unknown tenant {workspace['tickets_from']}")
    workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
    check_servicenow(seed.servicenow, seed.servicenow_tickets)
    records = seeded_tickets(seed.servicenow)

    def known(workspace: Mapping[str, Any]) -> list[dict[str, Any]]:
        system, tenant = workspace["ticketing_system"], workspace.get("tickets_from")
        return [*seed.tickets, *records, *(store.known_elsewhere(tenant, system) if tenant else [])]

    for incident in seed.incidents:
        _check_incident(incident, workspaces, known)


def _check_incident(incident: dict[str, Any], workspaces: dict[str, dict[str, Any]], known: Known) -> None:
    workspace = workspaces.get(incident["workspaceId"].lower())
    if workspace is None:
        raise ValueError(f"incident {incident['id']} names the unknown workspace {incident['workspaceId']}")
    system, ticket = workspace["ticketing_system"], incident.get("ticketId")
    if ticket is not None and find_ticket(known(workspace), system, ticket) is None:
        raise ValueError(f"incident {incident['id']} names the ticket {ticket}, which {system} does not have")
