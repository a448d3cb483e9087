"""The expected-loss test of an order that its customer has not paid yet, and what a decision says
of it. Pure.

Expected loss = amount x (1 - chance of collection), rounded up, against the fee plus an allowed
loss. The room that is left is asked for last, in the transaction that takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from recoup.kernel.money import Money
from recoup.kernel.stored import Stored, plain
from recoup.networks.codes import Reading
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision
from recoup.policies.rules.policy import group_of
from recoup.rescue.rules.facts import Facts
from recoup.rescue.rules.sentences import decline_that_came_in, last_answer, unlisted
from recoup.terms.rules.advance_bounds import HeldBounds
from recoup.terms.rules.exposure import Limits, Occasion, Room


@dataclass(frozen=True, slots=True)
class AdvanceInputs(Stored):
    """The inputs of one decision. `reading`: the last decline. `room`: what the limits of merchant
    and customer left when it was taken; only asked for where everything else says yes. `facts`: of
    the order as the engine knows it, where the model's chance counts; None: the prior's.
    `utc_offset`: minutes east of UTC at the card holder; `out_at`: when the try was sent whose
    answer is not known, None where none is out. `bounds`: of that kind of chance; None: there is no
    version yet."""

    occasion: Occasion
    reading: Reading
    units: int
    currency: str
    fee_units: int
    limits: Limits
    now: datetime
    room: Room = "enough"
    knowledge: str = KNOWLEDGE_VERSION
    facts: Facts | None = None
    utc_offset: int = 0
    out_at: datetime | None = None
    bounds: HeldBounds | None = None

    def features(self) -> dict[str, Any]:
        fields = dict(plain(self))
        if self.facts is not None:
            return fields | {"facts": self.facts.features()}
        return {
            name: value
            for name, value in fields.items()
            if name not in ("facts", "utc_offset", "out_at")
        }

    def by_prior(self, bounds: HeldBounds | None) -> "AdvanceInputs":
        """The same without a model."""
        return replace(self, facts=None, utc_offset=0, out_at=None, bounds=bounds)


@dataclass(frozen=True, slots=True)
class LossTest:
    """The expected-loss test in whole units, `chance` in basis points."""

    chance: int
    expected_loss: int
    allowed: int

    @property
    def passed(self) -> bool:
        return self.expected_loss <= self.allowed


def loss_at(given: AdvanceInputs, chance: int) -> LossTest:
    """The loss test at a chance in basis points. The loss is rounded up, what is allowed down: the
    remainder is the operator's."""
    loss = -(-given.units * (10_000 - chance) // 10_000)
    return LossTest(
        chance,
        loss,
        given.fee_units + given.units * given.limits.allowed_loss_basis_points // 10_000,
    )


def judged(
    given: AdvanceInputs,
    test: LossTest,
    versions: Mapping[str, str | None],
    note: str,
    words: Sequence[str] = (),
    refused: str = "",
) -> Decision:
    """The decision by that test; `note` and `words` say where its chance comes from. `refused`: why
    closed orders speak against it, one of `_CLOSED`, if they do."""
    limits = given.limits
    group = group_of(given.reading)
    if given.reading.terminal:
        rule, cure = "hard_decline", given.reading.cure
    elif group is None and given.occasion == "declined":
        rule, cure = "no_cure_by_waiting", given.reading.cure
    elif given.units > limits.order_max_units:
        rule, cure = (
            "over_order_limit",
            f"At most {_amount(limits.order_max_units, given)} an order could be advanced.",
        )
    elif refused == "too_few_closed":
        rule, cure = refused, _CLOSED[refused]
    elif not test.passed:
        rule = "expected_loss"
        cure = (
            f"An allowed loss of {_points(given, test)} basis points, or a better chance, "
            f"would have changed it."
        )
    elif refused:
        rule, cure = refused, _CLOSED[refused]
    elif given.room != "enough":
        rule, cure = given.room, _ROOM_CURES[given.room]
    else:
        rule, cure = (
            "within_limits",
            "A hard decline, less room or a higher expected loss would have changed it.",
        )
    yes = rule == "within_limits"
    reasons = (
        "The order is approved now and its customer is charged later."
        if yes
        else "The order is not advanced.",
        _last_answer(given),
        f"Expected loss {_amount(test.expected_loss, given)} at a chance of {test.chance / 100:g} "
        f"% to collect; "
        f"allowed are {_amount(test.allowed, given)}, the fee included.",
        *unlisted(given.reading),
        *words,
        *([] if yes else [_WHY[rule]]),
        cure,
    )
    other = Alternative("collect_later", test.chance / 10_000, note)
    return Decision(
        "approve_now" if yes else "decline_at_once",
        (),
        group,
        reasons,
        (given.occasion, rule),
        versions,
        (other,),
    )


_WHY: Final = {
    "hard_decline": "What was declined for good is not collected later either.",
    "no_cure_by_waiting": "Waiting does not cure this decline.",
    "over_order_limit": "It is over the limit for one order.",
    "expected_loss": "The expected loss is more than the fee and the allowed loss together.",
    "too_few_closed": "Too few closed orders vouch for the model's chance yet.",
    "loss_of_such_orders": "Orders like it may lose more than the fee and the allowed loss "
    "together.",
    "no_exposure": "The limit of what may be advanced is used up.",
    "customer_limit": "This customer's limit is used up.",
}
_CLOSED: Final = {
    "too_few_closed": "They do once the time to pay of more orders is over.",
    "loss_of_such_orders": "A higher allowed loss, or more that was collected of such orders, "
    "would have changed it.",
}
_ROOM_CURES: Final = {
    "no_exposure": "Room comes free with each order that is collected, refunded or written off.",
    "customer_limit": "It comes free when the customer has paid for what was advanced before.",
}


def _last_answer(given: AdvanceInputs) -> str:
    answer = decline_that_came_in if given.occasion == "unresolved" else last_answer
    return answer(given.reading.reason, given.reading.code)


def _amount(units: int, given: AdvanceInputs) -> str:
    return Money(units, given.currency).text() + " " + given.currency


def _points(given: AdvanceInputs, test: LossTest) -> int:
    return -(-max(0, test.expected_loss - given.fee_units) * 10_000 // given.units)
