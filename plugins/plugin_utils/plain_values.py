# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Convert values to plain ones, without Ansible's trust and origin marks and vault encryption."""

from __future__ import annotations

import json
from typing import Any, Mapping

try:
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:  # before ansible-core 2.19
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    ENCODING: Mapping[str, Any] = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
else:
    ENCODING = {"cls": get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)}


def plain_value(value: Any) -> Any:
    """Return a value as a module receives it: through JSON, with vault values decrypted.

    :param value: a value with evaluated templates.
    :raises TypeError: if JSON cannot represent it.
    :raises ValueError: if JSON cannot represent it.
    """
    return json.loads(json.dumps(value, **ENCODING))
