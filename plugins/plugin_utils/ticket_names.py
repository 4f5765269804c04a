# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Recognize the numbers and identifiers of tickets in any ticketing system."""

from __future__ import annotations

import re

#: A number or an identifier. Braces could begin a template in a playbook.
TICKET_NAME = re.compile(r"[A-Za-z0-9#][A-Za-z0-9 ._:/#@+-]{0,127}", re.ASCII)
