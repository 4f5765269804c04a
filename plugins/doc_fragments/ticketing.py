# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of everything that talks to the ticketing API. Kept in step with connection.py by a test."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options of the connection to the ticketing API, and of every request there."""

    DOCUMENTATION: str = r"""
options:
  url:
    description:
      - Address of the ticketing API, with or without C(/api/v2/ticketing) at its end. Needed; there is no default.
      - If not set, the value of the environment variable E(TICKETING_URL) is used.
    type: str
  tenant_id:
    description:
      - UUID of the tenant. Needed. It must be the one that the credentials were made for.
      - An access token of another tenant is refused before anything is sent, if it is a JWT that names its tenant.
      - If not set, the value of the environment variable E(TICKETING_TENANT_ID) is used.
    type: str
  realm:
    description:
      - Name of the authentication realm. Needed.
      - If not set, the value of the environment variable E(TICKETING_REALM) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token.
      - Exactly one kind of credentials is needed, this one, O(client_id) with O(client_secret) and O(token_url), or
        O(api_key).
      - If not set, the value of the environment variable E(TICKETING_ACCESS_TOKEN) is used.
    type: str
  token_url:
    description:
      - Address of the token endpoint, such as
        V(https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token).
      - A token is fetched there by OAuth 2.0 client credentials, and once more if the service refuses it. That the
        service takes such a token is an assumption (TK-A1 in the README).
      - If not set, the value of the environment variable E(TICKETING_TOKEN_URL) is used.
    type: str
  client_id:
    description:
      - Client ID with which a token is fetched.
      - If not set, the value of the environment variable E(TICKETING_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret with which a token is fetched.
      - If not set, the value of the environment variable E(TICKETING_CLIENT_SECRET) is used.
    type: str
  scope:
    description:
      - What the fetched token is to be good for, such as V(tickets:write). Without it the token server decides.
      - If not set, the value of the environment variable E(TICKETING_SCOPE) is used.
    type: str
  api_key:
    description:
      - API key, sent in C(X-API-Key). That the service takes one is an assumption (TK-A2 in the README).
      - If not set, the value of the environment variable E(TICKETING_API_KEY) is used.
    type: str
  is_support_request:
    description:
      - Whether the requests say of themselves that they are support requests (C(issupportrequest)).
      - If not set, the value of the environment variable E(TICKETING_IS_SUPPORT_REQUEST) is used.
    type: bool
    default: false
""" + transport_documentation("TICKETING")

    CATALOG = r"""
options:
  type:
    description: Which catalog the requests are about, as the service calls it. Its examples always have V(template).
    type: str
    choices:
      - template
      - agent
      - user
    default: template
"""
