# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that the plugins for the ticketing API share. A test compares it with their specs."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options for the connection to the ticketing API and for the catalog."""

    DOCUMENTATION: str = r"""
options:
  url:
    description:
      - URL of the ticketing API, with or without C(/api/v2/ticketing) at its end. Required.
      - If not set, the value of the environment variable E(TICKETING_URL) is used.
    type: str
  tenant_id:
    description:
      - UUID of the tenant that the credentials were issued for. Required.
      - If the access token is a JWT that names another tenant, it is refused before any request is sent.
      - If not set, the value of the environment variable E(TICKETING_TENANT_ID) is used.
    type: str
  realm:
    description:
      - Name of the authentication realm. Required.
      - If not set, the value of the environment variable E(TICKETING_REALM) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token.
      - Provide one kind of credentials, which is O(access_token), O(api_key), or O(client_id) with O(client_secret) and
        O(token_url).
      - If not set, the value of the environment variable E(TICKETING_ACCESS_TOKEN) is used.
    type: str
  token_url:
    description:
      - URL of the token endpoint, such as
        V(https://sts.example.com/auth/realms/northwind/protocol/openid-connect/token).
      - A token is requested there with OAuth 2.0 client credentials, and requested again if the service refuses it. The
        vendor's documentation does not show this flow, see assumption TK-A1 in the guide
        R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
      - If not set, the value of the environment variable E(TICKETING_TOKEN_URL) is used.
    type: str
  client_id:
    description:
      - Client ID for O(token_url).
      - If not set, the value of the environment variable E(TICKETING_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret for O(token_url).
      - If not set, the value of the environment variable E(TICKETING_CLIENT_SECRET) is used.
    type: str
  scope:
    description:
      - Scope of the requested token, such as V(tickets:write). By default, the token server determines the scope.
      - If not set, the value of the environment variable E(TICKETING_SCOPE) is used.
    type: str
  api_key:
    description:
      - API key, sent in the C(X-API-Key) header. The vendor's documentation does not show the header, see assumption
        TK-A2 in the guide R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
      - If not set, the value of the environment variable E(TICKETING_API_KEY) is used.
    type: str
  is_support_request:
    description:
      - Whether to mark requests as support requests (C(issupportrequest)).
      - If not set, the value of the environment variable E(TICKETING_IS_SUPPORT_REQUEST) is used.
    type: bool
    default: false
""" + transport_documentation("TICKETING")

    CATALOG = r"""
options:
  type:
    description:
      - The kind of catalog in the service. The vendor's documentation only uses V(template), and does not explain
        V(agent) and V(user).
    type: str
    choices:
      - template
      - agent
      - user
    default: template
"""
