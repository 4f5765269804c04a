# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of everything that talks to the ticketing API. Kept in step with connection.py by a test."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection to the ticketing API, and of every request there."""

    DOCUMENTATION = r"""
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
  timeout:
    description:
      - Seconds to wait for a connection, and then for the service to send something.
      - If not set, the value of the environment variable E(TICKETING_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Seconds after which no further try of a request begins. V(0) means one try.
      - Reads are tried again after connection errors and HTTP 408, 429, 502, 503 and 504; writes only when they cannot
        have been processed. What the service asks for in C(Retry-After) is honoured.
      - If not set, the value of the environment variable E(TICKETING_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether the certificate of the service must be valid. To trust a private CA, use O(ca_path) instead.
      - If not set, the value of the environment variable E(TICKETING_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust, instead of the public ones.
      - If not set, the value of the environment variable E(TICKETING_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM), with its key in the same file or in O(client_key).
      - If not set, the value of the environment variable E(TICKETING_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(TICKETING_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for every request, such as V(http://proxy.example.com:3128).
      - Without it the usual variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are followed, but never for a
        service on this machine.
      - If not set, the value of the environment variable E(TICKETING_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers of every request, for an API gateway in front of the service.
      - Their values are treated as secrets, unless they are shorter than six characters.
      - If not set, the value of the environment variable E(TICKETING_HEADERS) is used, a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this one. The credentials then travel in clear.
      - If not set, the value of the environment variable E(TICKETING_ALLOW_HTTP) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
  - jsonschema >= 4.0.0
"""

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
