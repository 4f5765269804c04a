# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The form of an assumption about a vendor's API."""

from __future__ import annotations

from typing import NamedTuple


class Assumption(NamedTuple):
    """An assumption about an API where its public documentation is silent.

    :param text: the assumption, as one or two sentences of reStructuredText.
    :param consequence: what users see if the assumption is wrong, in the same form.
    """

    text: str
    consequence: str
