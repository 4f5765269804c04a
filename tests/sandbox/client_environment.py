# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses and credentials of a sandbox, as environment variables for its clients."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.ticketing.accounts import WRITING_ROLES

#: The roles that can change incidents of ServiceNow.
WRITING_INCIDENTS = frozenset({"itil", "sn_incident_write"})

_CLIENT_SETTINGS = ("url", "token_url", "client_id", "client_secret", "scope", "tenant_id", "realm")

_TRANSPORT = ("VALIDATE_CERTS", "CA_PATH", "CLIENT_CERT", "CLIENT_KEY", "PROXY", "HEADERS", "ALLOW_HTTP")
_CONTRAFORCE = ("URL", "CLIENT_ID", "CLIENT_SECRET", "ACCESS_TOKEN", *_TRANSPORT)
_TICKETING = (
    *(name.upper() for name in _CLIENT_SETTINGS),
    "ACCESS_TOKEN",
    "API_KEY",
    "IS_SUPPORT_REQUEST",
    *_TRANSPORT,
)

_SERVICENOW_SETTINGS = ("url", "username", "password")
_SERVICENOW = (
    *(name.upper() for name in _SERVICENOW_SETTINGS),
    "CLIENT_ID",
    "CLIENT_SECRET",
    "TOKEN_URL",
    "ACCESS_TOKEN",
    "API_KEY",
    *_TRANSPORT,
)

#: Variables that may be set for the real services. They must not be sent to the sandbox.
SERVICE_VARIABLES = (
    *(f"CONTRAFORCE_{name}" for name in _CONTRAFORCE),
    *(f"TICKETING_{name}" for name in _TICKETING),
    *(f"SERVICENOW_{name}" for name in _SERVICENOW),
)

#: Variables of event sources. With the values of the real service, the events of the sandbox would be refused.
WEBHOOK_SECRETS = ("CONTRAFORCE_WEBHOOK_SECRET", "CONTRAFORCE_WEBHOOK_FORMER_SECRET", "CONTRAFORCE_WEBHOOK_PASSWORD")


def client_environment(
    url: str,
    credentials: Mapping[str, str],
    ticketing: Mapping[str, Any],
    servicenow: Mapping[str, Any],
    webhook_secret: str | None = None,
) -> dict[str, str]:
    """Return the environment variables with which a task reaches the sandbox.

    :param ticketing: the result of ``ticketing_settings``.
    :param servicenow: the result of ``servicenow_settings``.
    :param webhook_secret: None without a webhook.
    """
    return {
        "CONTRAFORCE_URL": url,
        "CONTRAFORCE_CLIENT_ID": credentials["client_id"],
        "CONTRAFORCE_CLIENT_SECRET": credentials["client_secret"],
        **({} if webhook_secret is None else {"CONTRAFORCE_WEBHOOK_SECRET": webhook_secret}),
        **{f"TICKETING_{name.upper()}": ticketing[name] for name in _CLIENT_SETTINGS if name in ticketing},
        **{f"SERVICENOW_{name.upper()}": servicenow[name] for name in _SERVICENOW_SETTINGS if name in servicenow},
    }


def ticketing_settings(url: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection settings of the ticketing service's first client.

    ``read_only`` and ``own_only`` hold the credentials of a client without a role that writes, and of one that sees
    only its own tickets. Empty for a seed without clients.
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


def servicenow_settings(url: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection settings of the ServiceNow instance's first account.

    ``read_only`` holds those of an account without a role that writes incidents. Empty for a seed without accounts.
    """
    accounts = [_account(url, account) for account in seed.get("accounts", [])]
    if not accounts:
        return {}
    read_only = next((account for account in accounts if WRITING_INCIDENTS.isdisjoint(account["roles"])), None)
    return {**accounts[0], **({"read_only": read_only} if read_only else {})}


def _account(url: str, account: Mapping[str, Any]) -> dict[str, Any]:
    names = ("password", "client_id", "client_secret", "access_token", "api_key", "roles")
    known = {name: account[name] for name in names if name in account}
    return {"url": url, "token_url": f"{url}/oauth_token.do", "username": account["user_name"], **known}


def _credentials(client: Mapping[str, Any]) -> dict[str, str]:
    return {"client_id": client["id"], "client_secret": client["secret"]}


def shell_exports(found: Mapping[str, str], host: str) -> str:
    """Return lines for a POSIX shell that set the variables and unset those of the real services.

    :param found: the result of ``client_environment``.
    :param host: a host to reach without a proxy.
    """
    lines = [f"unset {' '.join(name for name in (*SERVICE_VARIABLES, *WEBHOOK_SECRETS) if name not in found)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    lines.append(f"export no_proxy={shlex.quote(host)}${{no_proxy:+,$no_proxy}}")
    return "".join(f"{line}\n" for line in lines)


class UnwritableError(Exception):
    """A file cannot be written. The message is one sentence."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only. Raise UnwritableError if that is not possible."""
    part = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise UnwritableError(f"cannot write {path}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
