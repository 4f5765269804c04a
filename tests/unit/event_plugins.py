# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load event sources and filters by their paths, because they are not importable."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PLUGINS = Path(__file__).resolve().parents[2] / "extensions" / "eda" / "plugins"


def event_plugin(path: str) -> ModuleType:
    """Return the module of an event source or filter.

    runpy cannot be used, because it does not find the file if Ansible's loader of collections is active.

    :param path: the path of the file below ``extensions/eda/plugins``.
    """
    spec = spec_from_file_location(Path(path).stem, PLUGINS / path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
