"""A part of an amount as a way to collect what the whole did not bring: whether its merchant allows
it, its amount, its chance, and what a decision says of it. Pure.

Off until it is set. A part that was charged is the customer's money until the rest has come; what
becomes of it when the order ends without the rest is the merchant's choice, made beforehand. It
changes no time and no number of tries: a send of a part counts like any other.

A card that lacked the money for the whole may have it for a part. Nobody publishes how much was
there when a payment was declined, so the chance is a rough prior, named by its version: balances
below the amount spread evenly over the orders of magnitude, from a tenth of it up, and a share of
the cards has nothing at all.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, money
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.stored import Stored
from recoup.kit import terms
from recoup.kit.terms import Choice, Whole
from recoup.orders.rules.decision import Alternative, Decision
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.rescue.rules.evidence import Evidence

RULE: Final = "part"
INPUT: Final = "parts"  # its name among what a decision knows
_NOTE: Final = "A part of what is owed; a rough prior."
AtExpiry = Literal["refund", "keep"]
AT_EXPIRY: Final[tuple[AtExpiry, ...]] = get_args(AtExpiry)
SHARE_MIN: Final = 10  # percent: a smaller part costs more in sends than it brings
SHARE_MAX: Final = 50
COUNT_MAX: Final = 4
# Whose issuers may approve a part of a payment without its customer; source: Adyen and Stripe on
# partial authorizations
PARTIAL_SCHEMES: Final = frozenset({"visa", "mastercard"})


FIELDS: Final = {
    "least_share": Sentence("Smallest part, of the order"),
    "count_max": Sentence("Parts tried for one order, at most"),
    "at_expiry": Sentence("When the rest never comes"),
}


class _Whole(Whole):
    def refusal(self, name: str) -> Problem:
        message = Sentence(
            "{0}: a whole number from {1} to {2} is needed.", FIELDS[name], self.low, self.high
        )
        return invalid(message, name, Sentence("Write it like {0}.", getattr(OFF, name)))


class _Choice(Choice):
    def refusal(self, name: str) -> Problem:
        message = Sentence("{0}: one of {1} is needed.", FIELDS[name], ", ".join(self.values))
        return invalid(message, name, "Choose what becomes of a part when the rest never comes.")


@frozen
class PartTerms:
    """`least_share`: of the order's amount, in percent, that a part has at least. `count_max`: how
    often a part is tried for one order, approved or not. `at_expiry`: what was collected when the
    order ends without the rest."""

    enabled: bool = False
    least_share: Annotated[int, _Whole(low=SHARE_MIN, high=SHARE_MAX)] = 25
    count_max: Annotated[int, _Whole(low=1, high=COUNT_MAX)] = 2
    at_expiry: Annotated[AtExpiry, _Choice(values=AT_EXPIRY)] = "refund"


OFF: Final = PartTerms()


def changed(before: PartTerms, values: dict[str, Any]) -> PartTerms:
    """Raises: Problem(invalid), naming the field and what it takes."""
    after = terms.changed(before, values)
    terms.check(after)
    return after


_DECIMALS: Final = 2  # that every processor takes where the currency has as many
_WHOLE_FROM: Final = (
    10  # parts of at least so many whole units of the currency have no smaller ones
)


@frozen
class PartPolicy:
    """`weights`: by the decline's code, the share of cards with some money left for a payment; no
    other code is tried in parts. `curve`: of those, how many can pay a share of the amount;
    straight lines between its points. `shares`: of what is owed, as fractions, that a part may
    be."""

    version: str
    weights: Mapping[str, float]
    curve: tuple[tuple[float, float], ...]
    shares: tuple[tuple[int, int], ...]

    def chance(self, code: str | None, share: float) -> float:
        """The chance that a part of that `share` (0 … 1) of the amount is approved, after a decline
        of the whole with `code`."""
        weight = self.weights.get(code or "", 0.0)
        (at, held), *further = self.curve
        if share <= at:
            return weight * held
        for to, next_held in further:
            if share <= to:
                return weight * (held + (next_held - held) * (share - at) / (to - at))
            at, held = to, next_held
        return 0.0


PARTS_1: Final = PartPolicy(
    "parts-1",
    {"51": 0.5, "61": 0.6},
    ((0.1, 1.0), (0.25, 0.6), (1 / 3, 0.48), (0.5, 0.3), (0.75, 0.12), (1.0, 0.0)),
    ((1, 2), (1, 3), (1, 4)),
)
PART_POLICIES: Final[Mapping[str, PartPolicy]] = {policy.version: policy for policy in (PARTS_1,)}


@frozen
class PartInput(Stored):
    """`owed`: units still to be collected. `tried`: parts sent so far, of `count_max`.
    `whole_declined`: the last send was for all that was owed. `keeps`: what was collected is kept
    if the rest never comes."""

    policy: str
    owed: int
    least_share: int
    count_max: int
    tried: int = 0
    whole_declined: bool = False
    keeps: bool = False


def least_part(units: int, share: int) -> int:
    """`share`: percent of the order's `units`."""
    return -(-units * share // 100)


class Part(NamedTuple):
    """`units` of what is owed; `chance` that they are approved."""

    units: int
    chance: float


def part_of(
    given: PartInput, code: str | None, units: int, currency: str, tries_left: int
) -> Part | None:
    """The part that the next of `tries_left` sends is for; None: it is for all that is owed.
    `units`: the order's.

    One whose money goes back without the rest is taken only where a further send may still bring
    the rest. Of all allowed parts it is the one that brings most on average.
    """
    policy = PART_POLICIES[given.policy]
    if code not in policy.weights or not given.whole_declined or given.tried >= given.count_max:
        return None
    if tries_left < (1 if given.keeps else 2):
        return None
    least = least_part(units, given.least_share)
    parts = []
    for top, bottom in policy.shares:
        exact = given.owed * top // bottom
        step = _step(exact, currency)
        part = exact // step * step
        if part < least <= exact + 1:  # the share is large enough, what it was rounded to is not
            part = -(-least // step) * step
        if least <= part < given.owed and part > 0:
            parts.append(Part(part, policy.chance(code, part / given.owed)))
    return max(parts, key=lambda part: (part.units * part.chance, part.units), default=None)


def _step(units: int, currency: str) -> int:
    """The step that a part is a multiple of: whole units of the currency where that changes little.
    Of a third decimal some processors take only a zero."""
    digits = EXPONENTS.get(currency, 0)
    whole = int("1" + "0" * digits)
    if units >= _WHOLE_FROM * whole:
        return whole
    return 10 if digits > _DECIMALS else 1


def part_in(
    decision: Decision, parts: PartInput | None, code: str | None, units: int, currency: str
) -> Part | None:
    """The part that the next attempt of a plan is for; None: the whole amount due. `units`,
    `currency`: of the order."""
    if parts is None or decision.verdict not in ("plan", "attempt_now") or decision.group is None:
        return None
    tries = len(decision.plan) + (decision.verdict == "attempt_now")
    return part_of(parts, code, units, currency, tries)


def with_part(evidence: Evidence, decision: Decision) -> Decision:
    """The decision, with the rule `part` where its next try is for a part, and with the part among
    its ways."""
    parts = evidence.of_features.get(INPUT)
    part = part_in(decision, parts, evidence.reading.code, evidence.units, evidence.currency)
    if part is None or parts is None:
        return decision
    *why, last = decision.reasons
    reason = Sentence(
        "The next attempt is for a part, {0} of {1} {2}: its chance is {3} %, a rough prior. The "
        "rest stays owed.",
        money(part.units, evidence.currency),
        money(parts.owed, evidence.currency),
        evidence.currency,
        f"{100 * part.chance:.0f}",
    )
    return replace(
        decision,
        reasons=(*why, reason, last),
        rules=(*decision.rules, RULE),
        alternatives=(*decision.alternatives, Alternative(RULE, round(part.chance, 6), _NOTE)),
    )


def is_part(order: Order, attempt: Attempt) -> bool:
    """True when an attempt was for less than the whole amount due then."""
    before = sum(
        charge.units for charge in order.charges() if charge.attempt_no < attempt.attempt_no
    )
    return attempt.units < order.units - before
