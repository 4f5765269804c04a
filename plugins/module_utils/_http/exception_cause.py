# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the cause of an exception of requests, in words that contain no header, body or URL."""

from __future__ import annotations

import re
import ssl
from typing import Any, Iterator, Mapping

#: The text of the standard library's exception if a proxy did not connect; it contains the proxy's status.
TUNNEL_REFUSED = r"Tunnel connection failed: (\d{3})\b"


def exception_chain(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and everything that caused it: causes, contexts, arguments and reasons of urllib3.

    :param error: the exception.
    """
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        link = pending.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        pending += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


#: Descriptions of exceptions whose own text may contain a URL, by the name of their class.
REASONS: Mapping[str, str] = {
    "ReadTimeoutError": "the response timed out",
    "ConnectTimeoutError": "the connection timed out",
    "TimeoutError": "the response timed out",
    "NameResolutionError": "unknown host name",
    "gaierror": "unknown host name",
    "IncompleteRead": "the response is incomplete",
    "RemoteDisconnected": "the server closed it without a response",
}


def root_cause(chain: list[BaseException]) -> str:
    """Return the cause of a failure in words that contain no header, body or URL.

    :param chain: the exception and everything that caused it.
    """
    texts = [text for text in map(_safe_text, chain) if text]
    known = [REASONS[name] for name in (type(link).__name__ for link in chain) if name in REASONS]
    return [*texts, *known, type(chain[-1]).__name__][0]


def _safe_text(link: BaseException) -> str | None:
    """Return the text of an exception if it is known to contain no header, body or URL."""
    if isinstance(link, ssl.SSLCertVerificationError):
        return link.verify_message
    if isinstance(link, ssl.SSLError):
        return str(link.reason).replace("_", " ").lower() if link.reason else None
    if isinstance(link, OSError) and re.match(TUNNEL_REFUSED, str(link)):
        return str(link)
    return link.strerror if isinstance(link, OSError) else None
