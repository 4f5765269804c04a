# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Parse and format points in time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error

#: Used instead of datetime.fromisoformat, which accepts different formats in each version of Python.
_ISO_8601 = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r" ?(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>[0-5]\d))?)?)?",
    re.ASCII,
)


def instant(text: Any) -> datetime | None:
    """Return the point in time of an ISO 8601 text with separators, or None. The default time zone is UTC.

    :param text: a text such as ``2026-11-21T03:02:11.1234567Z`` or ``2026-11-21T03:02:11+0000``; fractions of
        microseconds are truncated.
    """
    found = _ISO_8601.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day = (int(found[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((found["fraction"] or "")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    try:
        zone = timezone(-offset if found["sign"] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone)
    except ValueError:
        return None


def utc_option(option: str, text: str | None) -> datetime | None:
    """Return the point in time of an option in UTC, or None if the option is blank.

    :param option: the name of the option, for the message.
    :param text: its value, in ISO 8601.
    :raises ApiError: category ``configuration``.
    """
    if not (text or "").strip():
        return None
    try:
        moment = instant(text)
        utc = moment.astimezone(timezone.utc) if moment else None
    except OverflowError:
        utc = None
    if utc is None:
        raise configuration_error(f"{option} must be a point in time such as 2026-11-21T06:00:00Z, not {text!r}.")
    return utc


def spelled_utc(moment: datetime, timespec: str) -> str:
    """Return a point in time in the format of the APIs, such as ``2026-11-21T06:00:00Z``.

    :param moment: the point in time, in UTC.
    :param timespec: the precision, as for ``datetime.isoformat``; the rest is truncated.
    """
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
