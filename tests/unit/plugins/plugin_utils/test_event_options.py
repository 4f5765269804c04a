# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of event sources and filters: right ones are taken as Ansible takes them, wrong ones get one sentence."""

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
ENOUGH = {"port": 5000, "secret": "wonderland"}


@pytest.fixture(autouse=True)
def _no_secret_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ITSM_SECRET", raising=False)


def refusal(args: Mapping[Any, Any], spec: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The sentence about wrong options."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        validate_options(SPEC if spec is None else spec, args)
    return str(caught.value)


def test_options_get_their_types_and_defaults() -> None:
    assert validate_options(SPEC, {"port": "5000", "secret": "wonderland", "names": "a,b"}) == {
        "port": 5000,
        "secret": "wonderland",
        "headers": None,
        "level": "low",
        "names": ["a", "b"],
    }


@pytest.mark.parametrize("left_out", [{}, {"secret": None}, {"secret": ""}, {"secret": " "}])
def test_the_environment_speaks_where_the_option_does_not(
    left_out: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITSM_SECRET", "from the environment")
    assert validate_options(SPEC, {"port": 1, **left_out})["secret"] == "from the environment"


def test_the_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITSM_SECRET", "from the environment")
    assert validate_options(SPEC, ENOUGH)["secret"] == "wonderland"


def test_an_empty_option_gets_its_default() -> None:
    assert validate_options(SPEC, {**ENOUGH, "level": ""})["level"] == "low"


def test_what_the_rule_engine_adds_is_passed_over() -> None:
    # No copy can be made of a queue that is in use, and no option has its name.
    args = {**ENOUGH, "eda_feedback_queue": asyncio.Queue(), "also": object()}
    assert set(validate_options(SPEC, args, known=("also",))) == set(SPEC)


def test_the_given_options_stay_as_they_are() -> None:
    args = {"port": "5000", "secret": "wonderland", "level": ""}
    validate_options(SPEC, args)
    assert args == {"port": "5000", "secret": "wonderland", "level": ""}


def test_a_missing_option_is_named() -> None:
    assert_message(refusal({"secret": "wonderland"}), "port", "missing", "option")


@pytest.mark.parametrize("value", ["", "  "])
def test_a_missing_option_is_named_with_its_variable(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITSM_SECRET", value)
    assert_message(refusal({"port": 5000}), "secret", "missing", "option", "ITSM_SECRET")


@pytest.mark.parametrize("name", ["secert", 7, True])
def test_an_unknown_option_is_named_without_its_value(name: Any) -> None:
    sentence = refusal({**ENOUGH, name: "wonderland2"})
    assert_message(sentence, "option", name, "headers, level, names, port, secret")
    assert "wonderland2" not in sentence


def test_a_wrong_type_is_named() -> None:
    sentence = refusal({**ENOUGH, "port": "many"})
    assert "port" in sentence
    assert "unable to convert to int" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("value", [float("inf"), ".inf", "inf"])
def test_a_number_that_is_infinite_is_refused(value: Any) -> None:
    sentence = refusal({**ENOUGH, "port": value})
    assert sentence.startswith("argument 'port' is of type")
    assert "unable to convert to int" in sentence


def test_a_choice_may_be_in_any_case() -> None:
    assert validate_options(SPEC, {**ENOUGH, "level": "HIGH"})["level"] == "high"


def test_a_wrong_choice_is_named() -> None:
    assert "level must be one of: low, high, got: higher" in refusal({**ENOUGH, "level": "higher"})


@pytest.mark.parametrize("secret", [123, 1e5, True, ["wonderland"], {"a": "wonderland"}])
def test_a_secret_is_no_number(secret: Any) -> None:
    # 0123 or 1e5 without quotes would make another key than the one that was meant.
    sentence = refusal({**ENOUGH, "secret": secret})
    assert_message(sentence, "secret", "quotes", "ITSM_SECRET")
    assert "wonderland" not in sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": "no-dict-but-confidential"},
        {"headers": ["no-dict-but-confidential"]},
        {"port": "no-dict-but-confidential", "secret": "no-dict-but-confidential"},
        {"port": "bm8tZGljdC1idXQtY29uZmlkZW50aWFs", "secret": "no-dict-but-confidential"},
    ],
)
def test_no_sentence_holds_a_secret(wrong: Mapping[str, Any]) -> None:
    sentence = refusal({**ENOUGH, **wrong})
    assert "confidential" not in sentence
    assert "bm8tZGljdC1idXQtY29uZmlkZW50aWFs" not in sentence


def test_no_sentence_holds_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITSM_SECRET", "confidential")
    sentence = refusal({"port": "is confidential"})
    assert "port" in sentence
    assert "confidential" not in sentence


def test_the_connection_options_of_the_modules_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in CONTRAFORCE_OPTIONS.values():
        monkeypatch.delenv(option.env, raising=False)
    monkeypatch.setenv("CONTRAFORCE_CLIENT_SECRET", "from the environment")
    monkeypatch.setenv("CONTRAFORCE_TIMEOUT", "7")
    options = validate_options(connection_spec(CONTRAFORCE_OPTIONS), {"client_id": "itsm"})
    assert (options["client_id"], options["client_secret"], options["timeout"]) == ("itsm", "from the environment", 7)


def test_a_secret_dict_of_the_connection_stays_out_of_the_sentence() -> None:
    sentence = refusal({"headers": "X-Key: confidential"}, connection_spec(CONTRAFORCE_OPTIONS))
    assert "confidential" not in sentence
