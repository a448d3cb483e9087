"""Units of the amount due that an order's next attempt is for, where a feature wants less than
all."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NewType

from recoup.kernel.feature import Place
from recoup.kernel.stored import Stored

if TYPE_CHECKING:
    from recoup.kernel.time import BusinessTime
    from recoup.networks.codes import Reading
    from recoup.orders.rules.decision import Decision
    from recoup.orders.rules.snapshot import Attempt, Order
    from recoup.rescue.rules.evidence import Evidence

FeatureChange = NewType("FeatureChange", str)
"""A changed input of a decision that a feature brings, see `insight/rules/what_if`."""


class Amount(NamedTuple):
    """`name`: of its input among what a decision knows, of the type `row`; `of` reads it of an
    order, None where all that is owed is asked for. `sized` decides, and adds `rule`; `units` are
    then those of the next attempt. `keeps`: whether an order that ends without the rest is
    completed with what was collected. `part_from`: the least that is taken of what is sent now,
    should the issuer approve only a part; None: the whole or nothing. `without`: the change that a
    decision is compared with, and what it is called."""

    name: str
    row: type[Stored]
    rule: str
    of: "Callable[[Order], Stored | None]"
    sized: "Callable[[Evidence, Decision], Decision]"
    units: "Callable[[Order, Decision, Reading], int | None]"
    keeps: "Callable[[Order], bool]"
    part_from: "Callable[[Order, Attempt, BusinessTime], int | None]"
    without: tuple[FeatureChange, str]


AMOUNT: Final = Place[Amount]("amount")


def inputs_of(order: "Order") -> dict[str, Stored]:
    return {feature.name: given for feature in AMOUNT if (given := feature.of(order)) is not None}


def inputs_in(plain: Mapping[str, Any]) -> dict[str, Stored]:
    """Raises: ValueError for what no feature stores."""
    rows = {feature.name: feature.row for feature in AMOUNT}
    if unknown := plain.keys() - rows.keys():
        raise ValueError(f"no feature brings {min(unknown)}")
    return {name: rows[name].from_dict(stored) for name, stored in plain.items()}


def sized(evidence: "Evidence", decision: "Decision") -> "Decision":
    for feature in AMOUNT if evidence.of_features else ():
        decision = feature.sized(evidence, decision)
    return decision


def units_of(order: "Order", decision: "Decision", reading: "Reading") -> int | None:
    """Units of the decision's next attempt; None: the whole amount due."""
    return next(
        (
            feature.units(order, decision, reading)
            for feature in AMOUNT
            if feature.rule in decision.rules
        ),
        None,
    )


def part_from(order: "Order", attempt: "Attempt", now: "BusinessTime") -> int | None:
    """The least units of a partial approval that are taken of an attempt, sent `now`."""
    return next(
        (
            least
            for feature in AMOUNT
            if (least := feature.part_from(order, attempt, now)) is not None
        ),
        None,
    )


def rules_of(decision: "Decision") -> list[str]:
    return [feature.rule for feature in AMOUNT if feature.rule in decision.rules]
