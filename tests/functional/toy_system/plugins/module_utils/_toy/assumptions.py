# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Facts about the toy system that are not documented."""

from __future__ import annotations

from typing import Mapping

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption

ASSUMPTIONS: Mapping[str, Assumption] = {
    "TY-A1": Assumption("A title has at most 80 characters.", "A longer title is cut."),
}

#: TY-A1.
MAX_TITLE_LENGTH = 80
