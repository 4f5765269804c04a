# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox begins with: a YAML file, checked by seed.schema.yml and for references that lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping

import yaml
from jsonschema.exceptions import best_match

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.parsing import instant, portable, timestamp
from ansible_collections.secops.itsm.tests.sandbox.records import incident_key
from ansible_collections.secops.itsm.tests.sandbox.seed_from_variables import add_from_variables
from ansible_collections.secops.itsm.tests.sandbox.ticketing.seed_checks import check_ticketing, once
from ansible_collections.secops.itsm.tests.sandbox.ticketing.store import Store
from ansible_collections.secops.itsm.tests.sandbox.tickets import find_ticket

SEED_FILE = Path(__file__).resolve().parent / "seeds" / "contraforce.yml"
SEED_SCHEMA = Path(__file__).resolve().parent / "seed.schema.yml"
_REQUIRED = ("credentials", "workspaces", "incidents", "tickets")
_OPTIONAL = ("users", "now", "ticketing")
_INSTANTS = ("createdAt", "updatedAt", "lastActivityTime")


class SeedError(Exception):
    """A seed file that cannot be used, told in one sentence."""


class _Loader(yaml.SafeLoader):
    """YAML in which an instant stays the text that it is written as, quoted or not."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Seed:
    """What the sandbox begins with.

    :param credentials: ``client_id``, ``client_secret``, ``access_token``.
    :param workspaces: ``id``, ``name``, ``ticketing_system`` and ``role``; a role of ``none`` is refused. The tickets
        of the platform's tenant in ``tickets_from`` are in the workspace's ticketing system, too.
    :param incidents: records as the list of incidents documents them, with ``workspaceId``, ``comments`` and
        ``ticketId``.
    :param tickets: ``id``, ``number``, ``system``, ``state``, ``title``.
    :param users: who can be assigned: ``id``, ``displayName``, ``email``.
    :param now: the instant that relative time filters count from; None is the present.
    :param ticketing: the ticketing platform's ``clients`` and ``tenants``.
    """

    credentials: dict[str, str]
    workspaces: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    users: list[dict[str, Any]] = field(default_factory=list)
    now: str | None = None
    ticketing: dict[str, Any] = field(default_factory=lambda: {"clients": [], "tenants": []})

    @classmethod
    def load(cls, path: Path, named: Iterable[Mapping[str, Any]] = ()) -> Seed:
        """Read a seed file.

        :param path: a YAML file.
        :param named: variables of runbooks, whose incidents are added.
        :raises SeedError: when it cannot be used.
        """
        try:
            content = _content(path)
            _check_shape(content)
            _check_references(cls(**content))
            for variables in named:
                add_from_variables(content, variables)
            seed = cls(**content)
        except OSError as error:
            raise SeedError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise SeedError(f"{path} {' '.join(str(error).split())}") from None
        return seed


def _content(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return portable(yaml.load(text, Loader=_Loader))
    except UnicodeDecodeError:
        raise ValueError("is not a text in UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"is not usable YAML: {error}") from None


def checked_incidents(value: Any, seed: Seed, store: Store) -> list[dict[str, Any]]:
    """Incidents from what was posted; one without an instant at which it was created is created now.

    :param value: anything that JSON can carry.
    :param seed: with the workspaces, the tickets and the incidents that are there already.
    :param store: with the tickets of the ticketing platform.
    :raises ValueError: for what is none, in a sentence; then none of them is to be taken.
    """
    schema = yaml.safe_load(SEED_SCHEMA.read_text(encoding="utf-8"))["properties"]["incidents"]
    error = best_match(contraforce_contract().errors(schema, value))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"incidents are a list, as a seed has them; wrong is {place or 'all of it'}: {error.message}")
    workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
    now = timestamp()
    made = [{"createdAt": now, "updatedAt": now, **incident} for incident in value]
    for incident in made:
        _check_instants(incident)
    try:
        once("incidents", map(_identity, [*seed.incidents, *made]))
        for incident in made:
            _check_incident(incident, workspaces, seed.tickets, store)
    except ValueError as wrong:
        raise ValueError(f"with these, the sandbox {wrong}") from None
    return made


def _identity(incident: Mapping[str, Any]) -> str:
    return " ".join(incident_key(incident["workspaceId"], incident["source"], incident["id"]))


def _check_shape(content: Any) -> None:
    """Types, missing and unknown keys.

    :raises ValueError: for the first thing that is wrong.
    """
    if not isinstance(content, dict) or not set(_REQUIRED) <= set(content) <= {*_REQUIRED, *_OPTIONAL}:
        raise ValueError(f"must have the keys {', '.join(_REQUIRED)}, may have {', '.join(_OPTIONAL)}, and no others")
    schema = yaml.safe_load(SEED_SCHEMA.read_text(encoding="utf-8"))
    error = best_match(contraforce_contract().errors(schema, content))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"is wrong at {place}: {error.message}")


def _check_references(seed: Seed) -> None:
    """Identifiers that stand twice, names of nothing, and instants.

    :raises ValueError: for the first thing that is wrong.
    """
    if seed.now is not None:
        instant(seed.now)
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
            raise ValueError(f"has {workspace['tickets_from']} as tickets_from, which is no tenant of its ticketing")
    workspaces = {entry["id"].lower(): entry for entry in seed.workspaces}
    for incident in seed.incidents:
        _check_incident(incident, workspaces, seed.tickets, store)


def _check_incident(
    incident: dict[str, Any], workspaces: dict[str, dict[str, Any]], tickets: list[dict[str, Any]], store: Store
) -> None:
    workspace = workspaces.get(incident["workspaceId"].lower())
    if workspace is None:
        place = incident["workspaceId"]
        raise ValueError(f"has incident {incident['id']} in {place}, which is none of its workspaces")
    system, ticket, tenant = workspace["ticketing_system"], incident.get("ticketId"), workspace.get("tickets_from")
    known = [*tickets, *(store.known_elsewhere(tenant, system) if tenant else [])]
    if ticket is not None and find_ticket(known, system, ticket) is None:
        raise ValueError(f"links incident {incident['id']} to {ticket}, which is no ticket of its workspace's {system}")
    _check_instants(incident)


def _check_instants(incident: Mapping[str, Any]) -> None:
    for name in _INSTANTS:
        if incident.get(name) is not None:
            instant(incident[name])
