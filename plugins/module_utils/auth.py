# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to authenticate. Each is a callable that a requests session takes as its C(auth)."""

from __future__ import annotations

import base64
from typing import Any


class HeaderAuth:
    """Sends a fixed ``Authorization`` header and knows which secrets are in it.

    :param value: the header's value.
    :param secrets: the texts that must never be shown.
    """

    def __init__(self, value: str, secrets: tuple[str, ...]) -> None:
        self._value = value
        self.secrets = secrets

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = self._value
        return request


def basic(client_id: str, client_secret: str) -> HeaderAuth:
    """HTTP Basic (RFC 7617) in UTF-8; requests' own helper would refuse what is not Latin-1."""
    pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
    return HeaderAuth(f"Basic {pair}", (client_secret, pair))


def bearer(access_token: str) -> HeaderAuth:
    """A bearer token (RFC 6750)."""
    return HeaderAuth(f"Bearer {access_token}", (access_token,))
