# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the services of a sandbox are reached: addresses and credentials, and the variables that a shell needs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.ticketing.accounts import WRITING_ROLES

_NAMED = ("url", "token_url", "client_id", "client_secret", "scope", "tenant_id", "realm")

_TRANSPORT = ("VALIDATE_CERTS", "CA_PATH", "CLIENT_CERT", "CLIENT_KEY", "PROXY", "HEADERS", "ALLOW_HTTP")
_CONTRAFORCE = ("URL", "CLIENT_ID", "CLIENT_SECRET", "ACCESS_TOKEN", *_TRANSPORT)
_TICKETING = (*(name.upper() for name in _NAMED), "ACCESS_TOKEN", "API_KEY", "IS_SUPPORT_REQUEST", *_TRANSPORT)

#: What may be set for the real services. It must not be sent to the sandbox, nor a rehearsal reach anything else.
FOREIGN = (*(f"CONTRAFORCE_{name}" for name in _CONTRAFORCE), *(f"TICKETING_{name}" for name in _TICKETING))

#: What an event source is given. That of the real service would refuse the events of the sandbox.
WEBHOOK_SECRETS = ("CONTRAFORCE_WEBHOOK_SECRET", "CONTRAFORCE_WEBHOOK_FORMER_SECRET", "CONTRAFORCE_WEBHOOK_PASSWORD")


def variables(
    url: str, credentials: Mapping[str, str], ticketing: Mapping[str, Any], webhook_secret: str | None = None
) -> dict[str, str]:
    """The environment variables with which a task reaches the sandbox.

    :param url: its address.
    :param credentials: those of the seed.
    :param ticketing: as C(ticketing_access) gives it.
    :param webhook_secret: what events are signed with, None without a webhook.
    """
    return {
        "CONTRAFORCE_URL": url,
        "CONTRAFORCE_CLIENT_ID": credentials["client_id"],
        "CONTRAFORCE_CLIENT_SECRET": credentials["client_secret"],
        **({} if webhook_secret is None else {"CONTRAFORCE_WEBHOOK_SECRET": webhook_secret}),
        **{f"TICKETING_{name.upper()}": ticketing[name] for name in _NAMED if name in ticketing},
    }


def ticketing_access(url: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """How the first client of the ticketing service reaches it, and two others: C(read_only) has no role that writes,
    C(own_only) sees its own tickets only. Empty for a seed without clients.

    :param url: the sandbox's address.
    :param seed: what the seed says of the ticketing service.
    """
    if not seed.get("clients"):
        return {}
    first, tenants = seed["clients"][0], {tenant["id"].lower(): tenant for tenant in seed["tenants"]}
    realm = tenants[first["tenant"].lower()]["realm"]
    named: dict[str, Any] = {
        "url": url,
        "token_url": f"{url}/auth/realms/{realm}/protocol/openid-connect/token",
        **_credentials(first),
        "scope": first["scope"],
        "tenant_id": first["tenant"],
        "realm": realm,
        **{name: first[name] for name in ("access_token", "api_key") if name in first},
    }
    for client in seed["clients"]:
        if client["tenant"] == first["tenant"] and not WRITING_ROLES.intersection(client["roles"]):
            named.setdefault("read_only", _credentials(client))
        elif client["tenant"] == first["tenant"] and client["roles"] == ["ticket_user"]:
            named.setdefault("own_only", _credentials(client))
    return named


def _credentials(client: Mapping[str, Any]) -> dict[str, str]:
    return {"client_id": client["id"], "client_secret": client["secret"]}


def exports(found: Mapping[str, str], host: str) -> str:
    """Lines for a POSIX shell, which set the variables and take away what was set for the real services.

    :param found: as C(variables) gives it.
    :param host: that no proxy must stand before.
    """
    lines = [f"unset {' '.join(name for name in (*FOREIGN, *WEBHOOK_SECRETS) if name not in found)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    lines.append(f"export no_proxy={shlex.quote(host)}${{no_proxy:+,$no_proxy}}")
    return "".join(f"{line}\n" for line in lines)


class UnwritableError(Exception):
    """A file that cannot be written, told in one sentence."""


def write_whole(path: Path, text: str) -> None:
    """Write a file that nobody else can read, and that is there at once with all that it holds.

    :param path: of the file.
    :param text: what it is to hold.
    :raises UnwritableError: when it cannot be.
    """
    part = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise UnwritableError(f"cannot write {path}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
