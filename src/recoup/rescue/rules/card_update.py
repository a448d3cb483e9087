"""Decision whether the account updater is queried before a decline decides, and what its answer
makes of the order. Pure.

Only a new card is acted on here, and an account that is closed; whatever else the updater says
leaves the decline to the order's own decider. Another way of deciding is another version in another
file; this one then stays for replays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from recoup.kernel.stored import Stored
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import Reading
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision, Verdict
from recoup.policies.rules.policy import group_of
from recoup.rescue.rules.sentences import last_answer

CARD_UPDATE_VERSION: Final = "card_update-1"
REQUESTED: Final = "update_requested"
SWITCH: Final = "card_updates"  # the merchant's, on until it is switched off
Answer = Literal["new_number", "new_expiry", "unchanged", "closed", "contact", "unknown"]
NEW: Final = frozenset({"new_number", "new_expiry"})
# Declines that another number or date may cure.
_CURED: Final = frozenset(
    {"expired_card", "invalid_number", "closed_or_invalid_account", "card_update_available"}
)


@dataclass(frozen=True, slots=True)
class UpdateInput(Stored):
    """The inputs of one decision. `answer` None: before the updater is queried. `expired`: the
    card's last month is over, and an attempt is due. `by_link`: the payer may still pay with
    another card. `stopped`: the merchant wants no further attempts."""

    reading: Reading
    now: datetime
    answer: Answer | None = None
    expired: bool = False
    by_link: bool = False
    stopped: bool = False
    knowledge: str = KNOWLEDGE_VERSION


def may_be_cured(reading: Reading) -> bool:
    """True when the decline may be the end of a card that was replaced."""
    return reading.reason in _CURED and reading.klass in ("data", "hard")


def decide_update(given: UpdateInput) -> Decision:
    """`attempt_now` with a new card, `decline_at_once` for a closed account whose payer has no
    link; else `wait`: then the decline is decided as it would have been."""
    verdict = _verdict(given)
    plan = (BusinessTime(given.now.astimezone(UTC)),) if verdict == "attempt_now" else ()
    reasons = (
        _WORDS[given.answer or REQUESTED],
        last_answer(given.reading.reason, given.reading.code, given.reading.advice),
        *(("The card's expiry date has passed.",) if given.expired else ()),
        *(("The merchant wants no further attempts.",) if given.stopped else ()),
        "Without the updater the decline would decide.",
    )
    versions = {
        "decider": CARD_UPDATE_VERSION,
        "policy": None,
        "knowledge": given.knowledge,
        "model": None,
    }
    alternatives = (Alternative("as_declined", None, "What the decline itself says."),)
    rules = (given.answer or REQUESTED,)
    return Decision(verdict, plan, group_of(given.reading), reasons, rules, versions, alternatives)


def is_request(decision: Decision) -> bool:
    return decision.versions["decider"] == CARD_UPDATE_VERSION and REQUESTED in decision.rules


def _verdict(given: UpdateInput) -> Verdict:
    if given.answer in NEW:
        return "wait" if given.stopped else "attempt_now"
    return "decline_at_once" if given.answer == "closed" and not given.by_link else "wait"


_WORDS: Final[Mapping[str, str]] = {
    REQUESTED: "The card networks' account updater is queried for newer card data.",
    "new_number": "The account updater knows a new card number.",
    "new_expiry": "The account updater knows a new expiry date.",
    "unchanged": "The account updater knows no newer card data.",
    "closed": "The account updater says that the account is closed.",
    "contact": "The account updater advises contacting the customer.",
    "unknown": "The account updater has not answered.",
}
