"""Effects of a policy on a decision, in sentences for merchants. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from recoup.kernel.problem import Sentence
from recoup.policies.rules.budget import MonthSends
from recoup.policies.rules.diff import value_text
from recoup.policies.rules.in_force import InForce, Part, closed, mask_of
from recoup.policies.rules.terms import ScopeKind, clock

DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORBIDDEN: Final[Mapping[str, str]] = {
    "policy_off": "The retry policy is off: nothing is tried.",
    "policy_amount": "The retry policy allows no attempts of this amount.",
    "policy_code": "The retry policy allows no attempts after this code.",
}
CLIPS: Final[Mapping[ScopeKind, str]] = {
    "operator": "the operator’s bound",
    "partner": "the partner’s bound",
    "merchant": "the merchant’s policy",
    "site": "the site’s policy",
}
_USED_UP: Final = "The attempts that the retry policy allows in a month are used up."


def time_words(within: InForce, now: datetime, sent: MonthSends | None) -> list[str]:
    """Sentences on the hours and days at which it lets nothing leave, and on a month whose budget
    is spent."""
    sentences = [
        Sentence(
            "The retry policy forbids attempts from {0} to {1}, cardholder’s local time.",
            clock(span.start),
            clock(span.end),
        )
        for span in closed(within.hours)
    ]
    days = [name for day, name in enumerate(DAY_NAMES) if not within.days >> day & 1]
    used_up = [_USED_UP] if within.fresh(now, sent) > now else []
    return [
        *sentences,
        *used_up,
        *(
            Sentence(
                "The retry policy forbids attempts on {0}, cardholder’s local time.", Sentence(name)
            )
            for name in days
        ),
    ]


_FORBIDS: Final[Mapping[ScopeKind, str]] = {
    "merchant": "Your policy (version {0}, by {1}) forbids attempts from {2} to {3}.",
    "site": "The policy of the site (version {0}, by {1}) forbids attempts from {2} to {3}.",
    "campaign": (
        "The policy of the campaign (version {0}, by {1}) forbids attempts from {2} to {3}."
    ),
    "partner": "The partner’s bounds (version {0}, by {1}) forbid attempts from {2} to {3}.",
    "operator": "The operator’s bounds (version {0}, by {1}) forbid attempts from {2} to {3}.",
}
_SAYS: Final[Mapping[ScopeKind, str]] = {
    "merchant": "Your policy (version {0}, by {1}) says: {2}.",
    "site": "The policy of the site (version {0}, by {1}) says: {2}.",
    "campaign": "The policy of the campaign (version {0}, by {1}) says: {2}.",
    "partner": "The partner’s bounds (version {0}, by {1}) say: {2}.",
    "operator": "The operator’s bounds (version {0}, by {1}) say: {2}.",
}


def version_words(part: Part, author: str) -> list[Sentence]:
    """The sentences of one version, for the order's page. `author`: as people call them."""
    forbids, says = _FORBIDS[part.scope], _SAYS[part.scope]
    spans = closed(mask_of(part.terms.hours))
    sentences = [
        Sentence(forbids, part.number, author, clock(span.start), clock(span.end)) for span in spans
    ]
    rest = [
        f"{line} = {value_text(value)}"
        for line, value in part.terms.lines().items()
        if line != "when.hours"
    ]
    return sentences + ([Sentence(says, part.number, author, "; ".join(rest))] if rest else [])
