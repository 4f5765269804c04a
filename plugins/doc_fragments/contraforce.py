# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of everything that talks to ContraForce. Kept in step with connection.py by a test."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection to ContraForce, and of an incident there."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the ContraForce API, with or without C(/api/v2) at its end.
      - If not set, the value of the environment variable E(CONTRAFORCE_URL) is used.
    type: str
    default: https://portal.contraforce.com/api/v2
  client_id:
    description:
      - Client ID of a ContraForce service account. Goes together with O(client_secret).
      - Exactly one kind of credentials is needed, this one or O(access_token).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret of the service account.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_SECRET) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token. Excludes O(client_id) and O(client_secret).
      - That the service accepts one is an assumption (CF-A1 in the README).
      - If not set, the value of the environment variable E(CONTRAFORCE_ACCESS_TOKEN) is used.
    type: str
  timeout:
    description:
      - Seconds to wait for a connection, and then for the service to send something.
      - If not set, the value of the environment variable E(CONTRAFORCE_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Seconds after which no further try of a request begins. V(0) means one try.
      - Reads are tried again after connection errors and HTTP 408, 429, 502, 503 and 504; writes only when they cannot
        have been processed. What the service asks for in C(Retry-After) is honoured.
      - If not set, the value of the environment variable E(CONTRAFORCE_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether the certificate of the service must be valid. To trust a private CA, use O(ca_path) instead.
      - If not set, the value of the environment variable E(CONTRAFORCE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust, instead of the public ones.
      - If not set, the value of the environment variable E(CONTRAFORCE_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM), with its key in the same file or in O(client_key).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for every request, such as V(http://proxy.example.com:3128).
      - Without it the usual variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are followed, but never for a
        service on this machine.
      - If not set, the value of the environment variable E(CONTRAFORCE_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers of every request, for an API gateway in front of the service.
      - Their values are treated as secrets, unless they are shorter than six characters.
      - If not set, the value of the environment variable E(CONTRAFORCE_HEADERS) is used, a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this one. The credentials then travel in clear.
      - If not set, the value of the environment variable E(CONTRAFORCE_ALLOW_HTTP) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
  - jsonschema >= 4.0.0
"""

    #: For plugins that read their options as Ansible does, and not by an argument spec.
    PLUGINS = r"""
options:
  url:
    env:
      - name: CONTRAFORCE_URL
  client_id:
    env:
      - name: CONTRAFORCE_CLIENT_ID
  client_secret:
    env:
      - name: CONTRAFORCE_CLIENT_SECRET
  access_token:
    env:
      - name: CONTRAFORCE_ACCESS_TOKEN
  timeout:
    env:
      - name: CONTRAFORCE_TIMEOUT
  retry_timeout:
    env:
      - name: CONTRAFORCE_RETRY_TIMEOUT
  validate_certs:
    env:
      - name: CONTRAFORCE_VALIDATE_CERTS
  ca_path:
    env:
      - name: CONTRAFORCE_CA_PATH
  client_cert:
    env:
      - name: CONTRAFORCE_CLIENT_CERT
  client_key:
    env:
      - name: CONTRAFORCE_CLIENT_KEY
  proxy:
    env:
      - name: CONTRAFORCE_PROXY
  headers:
    env:
      - name: CONTRAFORCE_HEADERS
  allow_http:
    env:
      - name: CONTRAFORCE_ALLOW_HTTP
"""

    INCIDENT = r"""
options:
  workspace_id:
    description: UUID of the workspace that the incident belongs to.
    type: str
    required: true
  source:
    description:
      - The product that raised the incident, in any case, as webhooks carry it in lower case.
      - One of V(Sentinel), V(DefenderXDR), V(QRadar), V(Splunk), V(CrowdStrike) and V(SentinelOne).
    type: str
    required: true
  incident_id:
    description: Identifier of the incident in its source. Any text.
    type: str
    required: true
"""

    INCIDENT_OR_LIST = r"""
options:
  workspace_id:
    description:
      - UUID of the workspace that the incident belongs to. Required with O(incident_id).
      - With O(incidents), that of every entry without one.
    type: str
  source:
    description:
      - The product that raised the incident, in any case, as webhooks carry it in lower case. Required with
        O(incident_id). With O(incidents), that of every entry without one.
      - One of V(Sentinel), V(DefenderXDR), V(QRadar), V(Splunk), V(CrowdStrike) and V(SentinelOne).
    type: str
  incident_id:
    description: Identifier of the incident in its source. Any text. Exactly one of this and O(incidents) is needed.
    type: str
"""

    INCIDENT_FILTERS = r"""
options:
  severities:
    description: Only incidents of these severities.
    type: list
    elements: str
    choices:
      - Informational
      - Low
      - Medium
      - High
  statuses:
    description: Only incidents of these statuses.
    type: list
    elements: str
    choices:
      - Active
      - New
      - Closed
  sources:
    description: Only incidents of these sources, in any case.
    type: list
    elements: str
  query:
    description: Only incidents in which the service finds this text.
    type: str
  assignee_ids:
    description: Only incidents that are assigned to these users, by their identifiers.
    type: list
    elements: str
  assignee_emails:
    description: Only incidents that are assigned to these users, by their e-mail addresses.
    type: list
    elements: str
  include_unassigned:
    description: Whether incidents that nobody is assigned to are listed beside those of the assignees.
    type: bool
  time_range:
    description:
      - Only incidents of the last hours. The words are the API's own, and so is the spelling of V(FourtyEightHours).
      - Without it and without O(time_from) the service decides which time the list covers.
    type: str
    choices:
      - ThreeHours
      - SixHours
      - TwelveHours
      - TwentyFourHours
      - FourtyEightHours
  time_from:
    description:
      - Only incidents from this point in time on (ISO 8601, UTC unless it names a zone). Excludes O(time_range).
    type: str
  time_to:
    description: The end of the time that begins with O(time_from); the present if it is left out.
    type: str
"""
