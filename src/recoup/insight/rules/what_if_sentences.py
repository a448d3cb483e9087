"""Plans as one changed input would have made them, in sentences for merchants."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recoup.kernel.extended import Extended
from recoup.kernel.problem import Sentence
from recoup.orders.rules.decision import Decision, Offered, Verdict
from recoup.rescue.rules.amount import AMOUNT, rules_of
from recoup.risk.rules.words import sign_of

Change = str  # a key of `OWN`, or what a feature brings


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`next_at`: when the next attempt would have been, `tries` how many would have been planned in
    all, `chance` the model's of the next one, None where no model decided. `differs`: from what was
    decided without the change. `about`: the route that would have taken the attempt, or what is
    taken away: the sign of risk, the line of the policy."""

    change: Change
    verdict: Verdict
    next_at: datetime | None
    tries: int
    chance: float | None
    differs: bool
    about: str = ""


def compared(change: Change, changed: Decision, base: Decision, about: str = "") -> WhatIf:
    differs = (changed.verdict, changed.plan, rules_of(changed)) != (
        base.verdict,
        base.plan,
        rules_of(base),
    )
    tries = len(changed.plan) + (changed.verdict == "attempt_now")
    offers = (
        alternative for alternative in changed.alternatives if isinstance(alternative, Offered)
    )
    chance = next((offer.chance for offer in offers if offer.name == changed.taken), None)
    return WhatIf(change, changed.verdict, changed.next_attempt_at, tries, chance, differs, about)


OWN: Final[Mapping[Change, str]] = {
    "no_draw": "Without the random choice",
    "no_network_wait": "Without the wait that the network asks for",
    "one_more_send": "With one more attempt left on the card",
    "pay_day_known": "If pay were known to arrive on the 1st of a month",
    "another_card": "With another card of the customer on file",
    "expiry_a_week_later": "With an expiry a week later",
    "one_more_try_allowed": "If the schedule allowed one more attempt",
    "sends_without_cost": "If an attempt cost nothing",
    "no_block": "Without the block",
    "no_request": "Without the request",
    "no_signal": "Without the signal",
    "no_policy": "Without any retry policy",
    "no_policy_line": "Without the line {0} of the retry policy",
    "route_on": "With every route switched on",
    "route_reachable": "With every route reachable",
    "no_failure": "Without the failures of the attempts before",
    "routes_cost_the_same": "If all routes cost the same",
    "no_sign_against": "Without the sign “{0}”",
    "no_sign_for": "Without the sign “{0}”",
    "half_the_amount": "With half of the amount at stake",
    "may_confirm": "If the customer could confirm with 3-D Secure",
    "half_the_order": "With half of the amount",
    "room_left": "With room left in the limits",
    "any_loss_allowed": "If any loss were allowed",
    "no_loss_allowed": "If no loss beyond the fee were allowed",
    "closed_orders_paid": "If all closed orders like it had been paid",
    "no_try_out": "If no attempt were under way",
    "new_card_known": "If the updater knew a new card",
    "nothing_newer": "If the updater knew nothing newer",
    "account_closed": "If the updater said that the account is closed",
    "attempts_wanted": "If further attempts were wanted",
    "link_open": "With a link to pay that is still open",
    "no_link": "Without the link to pay",
}
_CHANGES: Final = Extended(OWN, AMOUNT, lambda feature: dict((feature.without,)))
_VERDICTS: Final[Mapping[Verdict, str]] = {
    "attempt_now": "the card would have been tried at once.",
    "challenge": "the customer would have been asked.",
    "decline_at_once": "the rescue would have ended.",
    "wait": "no attempt would have been planned.",
    "allow": "the attempt would have been allowed.",
    "refuse": "the attempt would not have been sent.",
}
_OF_RISK: Final = {"no_sign_against", "no_sign_for", "half_the_amount", "may_confirm"}
_OF_ADVANCES: Final = {
    "half_the_order", "room_left", "any_loss_allowed", "no_loss_allowed", "closed_orders_paid",
    "no_try_out",
}  # fmt: skip
_OF_UPDATES: Final = {
    "new_card_known", "nothing_newer", "account_closed", "attempts_wanted", "link_open", "no_link",
}  # fmt: skip
_OF_ROUTES: Final = {"route_on", "route_reachable", "no_failure", "routes_cost_the_same"}
_ADVANCED: Final[Mapping[Verdict, str]] = {
    "approve_now": "the order would have been advanced.",
    "decline_at_once": "the order would not have been advanced.",
}
_ANSWERS: Final[Mapping[Verdict, str]] = {
    "attempt_now": "the payment would have been sent.",
    "challenge": "the customer would have been asked to confirm.",
    "decline_at_once": "the payment would have been declined.",
}
_SAME: Final = "the decision would have been the same."


def sentence_of(what_if: WhatIf) -> Sentence:
    """Sentence of a what-if, like `Without the block: the attempt would have been allowed.`"""
    about = (
        sign_of(what_if.about)
        if what_if.change in ("no_sign_against", "no_sign_for")
        else what_if.about
    )
    words = _CHANGES[what_if.change]
    return Sentence(
        "{0}: {1}", Sentence(words, *((about,) if "{0}" in words else ())), _outcome(what_if)
    )


def _outcome(what_if: WhatIf) -> Sentence:
    at, chance = what_if.next_at, what_if.chance
    if not what_if.differs:
        return Sentence(_SAME)
    if what_if.verdict == "send":
        return Sentence("route {0} would have taken the attempt.", what_if.about)
    if what_if.change in _OF_RISK:
        return Sentence(_ANSWERS[what_if.verdict])
    if what_if.change in _OF_ADVANCES:
        return Sentence(_ADVANCED[what_if.verdict])
    if what_if.change in _OF_UPDATES and what_if.verdict == "wait":
        return Sentence("the decline itself would have decided.")
    if what_if.change in _OF_ROUTES:
        return Sentence("no route would have taken the attempt.")
    if at is None or what_if.verdict not in ("plan", "postpone"):
        return Sentence(_VERDICTS.get(what_if.verdict, _SAME))
    if what_if.change in ("no_request", "no_signal"):  # of which the next try is all that is stored
        return Sentence("the next attempt would have been {0}.", at)
    if chance is not None:
        words = (
            "the next attempt would have been {0} (the model’s chance: {1} %), attempts "
            "planned in all: {2}."
        )
        return Sentence(words, at, round(chance * 100), what_if.tries)
    return Sentence(
        "the next attempt would have been {0}, attempts planned in all: {1}.", at, what_if.tries
    )
