# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the validation of the options of event sources and filters."""

from __future__ import annotations

import asyncio
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import (
    connection_spec,
    environment_fallback,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import validate_options
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SPEC: Mapping[str, Mapping[str, Any]] = {
    "port": {"type": "int", "required": True},
    "secret": {"type": "str", "required": True, "no_log": True, "fallback": (environment_fallback, ["ITSM_SECRET"])},
    "headers": {"type": "dict", "no_log": True},
    "level": {"type": "str", "choices": ["low", "high"], "default": "low"},
    "names": {"type": "list", "elements": "str"},
}
VALID = {"port": 5000, "secret": "wonderland"}


@pytest.fixture(autouse=True)
def _no_secret_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ITSM_SECRET", raising=False)


def refusal(args: Mapping[Any, Any], spec: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return the message about invalid options."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        validate_options(SPEC if spec is None else spec, args)
    message = str(caught.value)
    assert "\n" not in message
    assert "wonderland" not in message
    return message


def test_options_get_types_and_defaults():
    args = {"port": "5000", "secret": "wonderland", "names": "a,b", "level": ""}
    expected = {"port": 5000, "secret": "wonderland", "headers": None, "level": "low", "names": ["a", "b"]}
    before = dict(args)
    assert validate_options(SPEC, args) == expected
    assert args == before
    assert validate_options(SPEC, {**VALID, "level": "HIGH"})["level"] == "high"


def test_environment_is_used_if_the_option_is_blank(monkeypatch):
    monkeypatch.setenv("ITSM_SECRET", "from the environment")
    for blank in ({}, {"secret": None}, {"secret": ""}, {"secret": " "}):
        assert validate_options(SPEC, {"port": 1, **blank})["secret"] == "from the environment"
    assert validate_options(SPEC, VALID)["secret"] == "wonderland"


def test_names_added_by_the_rule_engine_are_ignored():
    # A queue in use cannot be copied.
    args = {**VALID, "eda_feedback_queue": asyncio.Queue(), "also": object()}
    assert set(validate_options(SPEC, args, known=("also",))) == set(SPEC)


@pytest.mark.parametrize("value", ["", "  "])
def test_missing_option_is_reported_with_its_variable(value, monkeypatch):
    assert_message(refusal({"secret": "wonderland"}), "port", "missing", "option")
    monkeypatch.setenv("ITSM_SECRET", value)
    assert_message(refusal({"port": 5000}), "secret", "missing", "option", "ITSM_SECRET")


@pytest.mark.parametrize("name", ["secert", 7, True])
def test_unknown_option_is_reported_without_its_value(name):
    assert_message(refusal({**VALID, name: "wonderland2"}), "option", name, "headers, level, names, port, secret")


@pytest.mark.parametrize("value", ["many", float("inf"), ".inf", "inf"])
def test_value_that_is_not_an_integer_is_refused(value):
    message = refusal({**VALID, "port": value})
    assert message.startswith("argument 'port' is of type")
    assert "unable to convert to int" in message


def test_unsupported_choice_is_reported():
    assert "level must be one of: low, high, got: higher" in refusal({**VALID, "level": "higher"})


@pytest.mark.parametrize("secret", [123, 1e5, True, ["wonderland"], {"a": "wonderland"}])
def test_secret_that_is_not_a_string_is_refused(secret):
    # YAML reads 0123 or 1e5 without quotes as another value than the user typed.
    assert_message(refusal({**VALID, "secret": secret}), "secret", "quotes", "ITSM_SECRET")


@pytest.mark.parametrize(
    "invalid",
    [
        {"headers": "no-dict-but-confidential"},
        {"headers": ["no-dict-but-confidential"]},
        {"port": "no-dict-but-confidential", "secret": "no-dict-but-confidential"},
        {"port": "bm8tZGljdC1idXQtY29uZmlkZW50aWFs", "secret": "no-dict-but-confidential"},
    ],
)
def test_message_contains_no_secret(invalid, monkeypatch):
    message = refusal({**VALID, **invalid})
    assert "confidential" not in message
    assert "bm8tZGljdC1idXQtY29uZmlkZW50aWFs" not in message
    monkeypatch.setenv("ITSM_SECRET", "confidential")
    assert "confidential" not in refusal({"port": "is confidential"})


def test_connection_options_of_the_modules_are_supported(monkeypatch):
    for option in CONTRAFORCE_OPTIONS.values():
        monkeypatch.delenv(option.env, raising=False)
    monkeypatch.setenv("CONTRAFORCE_CLIENT_SECRET", "from the environment")
    monkeypatch.setenv("CONTRAFORCE_TIMEOUT", "7")
    spec = connection_spec(CONTRAFORCE_OPTIONS)
    options = validate_options(spec, {"client_id": "itsm"})
    assert (options["client_id"], options["client_secret"], options["timeout"]) == ("itsm", "from the environment", 7)
    assert "confidential" not in refusal({"headers": "X-Key: confidential"}, spec)
