# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time as APIs spell them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

_FRACTION = re.compile(r"(\.\d{1,6})\d*")


def instant(text: Any) -> datetime | None:
    """The point in time that an ISO 8601 text names; without a zone it is taken as UTC. None if it is none.

    :param text: such as C(2026-11-21T03:02:11.1234567Z); .NET writes seven digits.
    """
    if not isinstance(text, str):
        return None
    # Before 3.11 Python reads neither Z nor fractions of other than three or six digits.
    plain = _FRACTION.sub(lambda found: found.group(1).ljust(7, "0"), text.strip())
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", plain))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def utc_option(option: str, text: str | None) -> datetime | None:
    """The point in time, in UTC, that a user gave; None if it was left out.

    :param option: where it was given.
    :param text: ISO 8601; a survey gives an empty text for what was left out.
    :raises ApiError: category C(configuration).
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
    """A point in time as APIs want to have it, such as C(2026-11-21T06:00:00Z).

    :param moment: in UTC.
    :param timespec: as for C(datetime.isoformat); what is finer is cut.
    """
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
