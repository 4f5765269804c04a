# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that the plugins for ServiceNow share. A test compares it with their specs."""

from __future__ import annotations

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options for the connection to ServiceNow, and for the table."""

    DOCUMENTATION: str = r"""
options:
  url:
    description:
      - URL of the instance, such as V(https://example.service-now.com). Required.
      - It may contain the path prefix of an API gateway, and may end with C(/api/now/v2).
      - If not set, the value of the environment variable E(SERVICENOW_URL) is used.
    type: str
  username:
    description:
      - User name for HTTP Basic authentication. Requires O(password).
      - Provide one kind of credentials, which is O(username) with O(password), O(client_id) with O(client_secret),
        O(access_token), or O(api_key).
      - New instances may only accept Basic authentication from accounts for machines, without multi-factor
        authentication.
      - If not set, the value of the environment variable E(SERVICENOW_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username).
      - If not set, the value of the environment variable E(SERVICENOW_PASSWORD) is used.
    type: str
  client_id:
    description:
      - Client ID of an OAuth application with the grant C(client_credentials) and an application user. Requires
        O(client_secret).
      - A token is requested from O(token_url), and requested again if the service refuses it.
      - If not set, the value of the environment variable E(SERVICENOW_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret for O(client_id).
      - If not set, the value of the environment variable E(SERVICENOW_CLIENT_SECRET) is used.
    type: str
  token_url:
    description:
      - URL of the token endpoint. The default is C(/oauth_token.do) of O(url).
      - If not set, the value of the environment variable E(SERVICENOW_TOKEN_URL) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token.
      - If not set, the value of the environment variable E(SERVICENOW_ACCESS_TOKEN) is used.
    type: str
  api_key:
    description:
      - API key, sent in the C(x-sn-apikey) header.
      - If not set, the value of the environment variable E(SERVICENOW_API_KEY) is used.
    type: str
""" + transport_documentation("SERVICENOW")
