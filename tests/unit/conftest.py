# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all unit tests."""

from __future__ import annotations

from typing import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, LoopbackServer

# A busy machine must not fail a test, and the same commit must not pass once and fail once. Random exploration is what
# "make campaign" is for.
settings.register_profile(
    "unit", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no credentials of the machine's user get into a test."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that does not wait."""
    return FakeClock()


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    """Start servers that end with the test."""
    servers: list[LoopbackServer] = []

    def start(*replies, **kwargs) -> LoopbackServer:
        servers.append(LoopbackServer(*replies, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
