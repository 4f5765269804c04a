# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that all services have in common, for the other fragments."""

from __future__ import annotations

_DOCUMENTATION = r"""
  timeout:
    description:
      - Seconds to wait for a connection, and then for each part of an answer. A whole answer may take four times as
        long.
      - If not set, the value of the environment variable E(PREFIX_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Seconds after which no further try of a request begins. V(0) means one try.
      - Reads are tried again after connection errors and HTTP 408, 429, 502, 503 and 504; writes only when they cannot
        have been processed. What the service asks for in C(Retry-After) is honoured if it is not longer than this.
      - If not set, the value of the environment variable E(PREFIX_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether the certificate of the service must be valid. To trust a private CA, use O(ca_path) instead.
      - If not set, the value of the environment variable E(PREFIX_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust, instead of the public ones.
      - If not set, the value of the environment variable E(PREFIX_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM), with its key in the same file or in O(client_key).
      - If not set, the value of the environment variable E(PREFIX_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(PREFIX_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for every request, such as V(http://proxy.example.com:3128).
      - Without it the usual variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are followed, but never for a
        service on this machine.
      - If not set, the value of the environment variable E(PREFIX_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers of every request, for an API gateway in front of the service.
      - Their values are treated as secrets, unless they are shorter than six characters.
      - If not set, the value of the environment variable E(PREFIX_HEADERS) is used, a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this one. The credentials then travel in clear.
      - If not set, the value of the environment variable E(PREFIX_ALLOW_HTTP) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
  - jsonschema >= 4.0.0
"""


def transport_documentation(prefix: str) -> str:
    """Return the documentation of the transport options and the requirements, as the end of a fragment.

    :param prefix: the prefix of the service's environment variables.
    """
    return _DOCUMENTATION.lstrip("\n").replace("E(PREFIX_", f"E({prefix}_")
