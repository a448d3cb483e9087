"""What a policy did to a decision, in sentences for merchants. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from recoup.kernel.sentence import Sentence
from recoup.rules.policies.in_force import InForce, closed
from recoup.rules.policies.terms import clock

DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORBIDDEN: Final[Mapping[str, str]] = {
    "policy_off": "The retry policy is off: nothing is tried.",
    "policy_amount": "The retry policy allows no tries of this amount.",
    "policy_code": "The retry policy allows no tries after this code.",
}
_USED_UP: Final = "The sends that the retry policy allows in a month are used up."


def time_words(within: InForce, now: datetime, spent: int | None) -> list[str]:
    """Of the hours and days at which it lets nothing leave, and of a month whose budget is spent."""
    found = [
        Sentence(
            "The retry policy forbids sends from {0} to {1} at the card holder.", clock(span.start), clock(span.end)
        )
        for span in closed(within.hours)
    ]
    days = [name for day, name in enumerate(DAY_NAMES) if not within.days >> day & 1]
    used_up = [_USED_UP] if within.fresh(now, spent) > now else []
    return [
        *found,
        *used_up,
        *(Sentence("The retry policy forbids sends on {0} at the card holder.", Sentence(name)) for name in days),
    ]
