# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the transport options that all services share."""

from __future__ import annotations

_DOCUMENTATION = r"""
  timeout:
    description:
      - Time in seconds to wait for a connection, and for each part of a response. A complete response may take up to
        four times as long.
      - If not set, the value of the environment variable E(PREFIX_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Maximum time in seconds to keep retrying a request. V(0) disables retries.
      - Reads are retried after connection errors and HTTP 408, 429, 502, 503 and 504. Writes are only retried if they
        cannot have been processed. The C(Retry-After) header is honored unless it exceeds this time.
      - If not set, the value of the environment variable E(PREFIX_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether to validate the certificate of the service. To trust a private CA, use O(ca_path) instead of disabling
        this option.
      - If not set, the value of the environment variable E(PREFIX_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust instead of the public ones.
      - If not set, the value of the environment variable E(PREFIX_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM). Its key is in the same file or in O(client_key).
      - If not set, the value of the environment variable E(PREFIX_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(PREFIX_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for all requests, such as V(http://proxy.example.com:3128).
      - Without this option, the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are used, except
        for a service on this machine.
      - If not set, the value of the environment variable E(PREFIX_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers for all requests, for example for an API gateway.
      - Their values are treated as secrets unless they are shorter than six characters.
      - If not set, the value of the environment variable E(PREFIX_HEADERS) is used, which must be a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this machine. The credentials are then sent
        unencrypted.
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
