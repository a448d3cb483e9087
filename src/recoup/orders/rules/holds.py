"""Holds that a person sets on an order, and who may let a held order go. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from recoup.kernel.problem import Problem, Sentence, invalid, noted
from recoup.networks.whys import (
    HELD_BY_OPERATOR,
    HELD_BY_PERSON,
    HOLD_REASONS,
    held_by,
    sentence_of,
)

BY_MERCHANT: Final = "by_merchant"
BY_OPERATOR: Final = "by_operator"
BY_HAND: Final = frozenset({BY_MERCHANT, BY_OPERATOR})
KILLED: Final = "kill_switch"


def why_held(reason: str, *, operator: bool) -> str:
    """The code of what the order says of it. Raises: Problem(invalid) for a reason that is none."""
    if reason not in HOLD_REASONS:
        raise invalid("Say why the order is held.", "reason", "Choose one of the reasons.")
    return held_by(HELD_BY_OPERATOR if operator else HELD_BY_PERSON, reason)


def check_release(held: Mapping[str, Any], *, operator: bool, killed: bool) -> None:
    """`held`: what the log says of the hold. Who set it, or the operator, lets it go; what waits
    for a time does not wait for a person.

    Raises: Problem(forbidden), Problem(wrong_state).
    """
    cause, until = held.get("cause"), held.get("until")
    if until:
        at = noted(datetime.fromisoformat(until))
        raise Problem(
            "wrong_state",
            Sentence("It goes on by itself on {0}: {1}", at, sentence_of(held.get("why", ""))),
            cure="Nobody can let it go before; stop its attempts if it must not go on.",
        )
    if killed:
        raise Problem(
            "wrong_state",
            "The operator has stopped all sending for this merchant.",
            cure="Ask the operator; release it when sending goes on.",
        )
    if cause != BY_MERCHANT and not operator:
        raise Problem(
            "forbidden",
            "Only the operator may release what the operator holds.",
            cure="Ask the operator.",
        )
