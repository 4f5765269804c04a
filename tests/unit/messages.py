# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assert the facts of messages, not their wording."""

from __future__ import annotations

import re
from typing import Any, Sequence


def has_fact(text: str, fact: Any) -> bool:
    """Return whether a text contains a fact that is not a part of a longer word or number.

    :param text: the message.
    :param fact: an identifier, the name of an option, a number, or words that the user needs.
    """
    return bool(re.search(rf"(?<!\w){re.escape(str(fact))}(?!\w)", text))


def assert_message(text: str, *facts: Any) -> None:
    """Assert that a message is one line with all facts, and ends with a full stop.

    :param text: the message.
    :param facts: identifiers, names of options, numbers, or words that the user needs.
    """
    missing = [fact for fact in facts if not has_fact(text, fact)]
    assert not missing, f"{missing} not in: {text}"
    assert "\n" not in text
    assert text.endswith(".")


def assert_messages(texts: Sequence[str], *messages: Sequence[Any]) -> None:
    """Assert that there is one message for each sequence of facts, in this order.

    :param texts: the messages.
    :param messages: the facts of each message.
    """
    assert len(texts) == len(messages), texts
    for text, facts in zip(texts, messages):
        assert_message(text, *facts)
