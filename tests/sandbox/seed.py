# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The initial state of the sandbox: a YAML file that seed.schema.yml describes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping

import yaml

from ansible_collections.secops.itsm.tests.sandbox.input_validation import check
from ansible_collections.secops.itsm.tests.sandbox.parsing import portable, timestamp
from ansible_collections.secops.itsm.tests.sandbox.records import incident_key
from ansible_collections.secops.itsm.tests.sandbox.seed_from_variables import add_from_variables
from ansible_collections.secops.itsm.tests.sandbox.ticketing.seed_checks import check_ticketing, once
from ansible_collections.secops.itsm.tests.sandbox.ticketing.store import Store
from ansible_collections.secops.itsm.tests.sandbox.tickets import find_ticket

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


def checked_incidents(value: Any, seed: Seed, store: Store) -> list[dict[str, Any]]:
    """Return incidents that were sent to the sandbox. Those without a creation time are created now.

    :param value: any JSON value.
    :param seed: the current workspaces, tickets and incidents.
    :param store: the tickets of the ticketing platform.
    :raises ValueError: if any of them cannot be added.
    """
    check("incidents", value)
    now = timestamp()
    made = [{"createdAt": now, "updatedAt": now, **incident} for incident in value]
    once("incidents", map(_identity, [*seed.incidents, *made]))
    workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
    for incident in made:
        _check_incident(incident, workspaces, seed.tickets, store)
    return made


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
    for incident in seed.incidents:
        _check_incident(incident, workspaces, seed.tickets, store)


def _check_incident(
    incident: dict[str, Any], workspaces: dict[str, dict[str, Any]], tickets: list[dict[str, Any]], store: Store
) -> None:
    workspace = workspaces.get(incident["workspaceId"].lower())
    if workspace is None:
        raise ValueError(f"incident {incident['id']} names the unknown workspace {incident['workspaceId']}")
    system, ticket, tenant = workspace["ticketing_system"], incident.get("ticketId"), workspace.get("tickets_from")
    known = [*tickets, *(store.known_elsewhere(tenant, system) if tenant else [])]
    if ticket is not None and find_ticket(known, system, ticket) is None:
        raise ValueError(f"incident {incident['id']} names the ticket {ticket}, which {system} does not have")
