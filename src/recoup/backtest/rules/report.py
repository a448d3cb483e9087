"""Report of what a policy would have brought beside what was done, in all and by group: figures, or
what is missing. Pure."""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.backtest.rules.enough import Closed, Shortfall, missing, missing_of_orders
from recoup.backtest.rules.estimate import Estimate, Evaluation, Overlap, clustered
from recoup.backtest.rules.groups import GROUPS_MAX, By, bands, grouped
from recoup.backtest.rules.recorded import JudgedOrder
from recoup.backtest.rules.replay import BINS
from recoup.kernel.frozen import frozen
from recoup.kernel.stop import look_up

Verdict = Literal["better", "worse", "not_told"]


def difference(payers: Iterable[str], estimate: Estimate, other: Estimate) -> Estimate:
    """The difference `estimate` less `other`; `payers[i]` is whose order i is. What one policy does
    without support may only have brought more, and the other's less."""
    influence = array(
        "d", (a - b for a, b in zip(estimate.influence, other.influence, strict=True))
    )
    error = clustered(payers, influence)
    return Estimate(
        estimate.value - other.value,
        influence,
        error,
        estimate.above + other.below,
        estimate.below + other.above,
    )


def verdict(estimate: Estimate) -> Verdict:
    """The verdict by the 90 % interval."""
    low, high = estimate.interval
    return "better" if low > 0 else "worse" if high < 0 else "not_told"


class FeesAvoided(NamedTuple):
    """Fees avoided by sends that the policy does not make, in minor units; below 0: it makes
    more."""

    asset: str
    units: float


@frozen
class Figures:
    """Figures of some orders. `rescued`: the share of them that the policy rescues, or None, and
    then `missing` says why not. `then`: the share that was rescued. `sends`, `sends_then`: of an
    order. `days`, `days_then`: from the decline to the money, of the rescued ones. `fees_avoided`:
    by currency, where there are figures."""

    orders: int
    rescued_then: int
    then: Estimate
    rescued: Estimate | None
    difference: Estimate | None
    missing: tuple[Shortfall, ...]
    sends: float | None
    sends_then: float
    days: float | None
    days_then: float | None
    fees_avoided: tuple[FeesAvoided, ...] = ()

    @property
    def days_earlier(self) -> float | None:
        """Days by which the money comes earlier; below 0: later."""
        return (
            self.days_then - self.days
            if self.days is not None and self.days_then is not None
            else None
        )


@frozen
class MoneyFigures:
    """Money of one currency, in its minor unit, over all orders. `net`: the rescued amounts less
    the cost of sends."""

    asset: str
    orders: int
    declined: int
    rescued_then: int
    rescued: float | None
    net_then: float
    net: float | None
    net_low: float | None
    net_high: float | None
    fees_avoided: float | None


@dataclass(slots=True)
class Judgement:
    """`open`: orders whose window has not closed. `days`: from the first decline to the last window
    that closed; `span_days`: to the last decline. `unread`: orders whose decisions could not be
    read. `sampled_of`: how many there were, where this is a sample of payers."""

    policy: str
    whole: Figures
    overlap: Overlap
    verdict: Verdict
    days: float
    span_days: float
    first: datetime | None
    last: datetime | None
    payers: int
    open: int = 0
    unread: int = 0
    sampled_of: int | None = None
    money: list[MoneyFigures] = field(default_factory=list)
    groups: dict[By, list[tuple[str, Figures]]] = field(default_factory=dict)


def judge(
    policy: str, orders: Sequence[JudgedOrder], send_cost: int, *, groups: bool = True
) -> Judgement:
    """`orders`: those whose window has closed. `send_cost`: minor units of a send."""
    evaluation = Evaluation([order.episode for order in orders], BINS)
    closed = _closed(orders)
    whole = _figures(evaluation, orders, closed, None, send_cost)
    judgement = Judgement(
        policy,
        whole,
        evaluation.overlap,
        verdict(whole.difference) if whole.difference is not None else "not_told",
        closed.days,
        _span_days(orders),
        min((order.facts.declined_at for order in orders), default=None),
        max((order.facts.closes_at for order in orders), default=None),
        len({order.facts.payer for order in orders}),
    )
    if whole.rescued is not None:
        judgement.money = [
            _money(evaluation, orders, asset, send_cost) for asset in _assets(orders)
        ]
    if groups and not missing_of_orders(closed):
        for by, name in _NAMES.items():
            judgement.groups[by] = list(_groups(evaluation, orders, name(orders), send_cost))
    return judgement


def _figures(
    evaluation: Evaluation,
    orders: Sequence[JudgedOrder],
    closed: Closed,
    part: Sequence[bool] | None,
    send_cost: int,
) -> Figures:
    look_up()
    weights = None if part is None else [float(inside) for inside in part]
    inside = (
        orders
        if part is None
        else [order for order, there in zip(orders, part, strict=True) if there]
    )
    then = _then(orders, [float(order.rescued) for order in orders], weights)
    overlap = evaluation.overlap if part is None else evaluation.overlap_of(part)
    rescued = evaluation.mean("rescued", weights)
    lacking = tuple(missing(closed, overlap, rescued))
    shown = not lacking and bool(inside)
    payers = [order.facts.payer for order in orders]
    rescued_then = sum(order.rescued for order in inside)
    days = evaluation.mean("days", weights).value if shown else 0.0
    sends = evaluation.mean("sends", weights).value if shown else None
    return Figures(
        len(inside),
        rescued_then,
        then,
        rescued if shown else None,
        difference(payers, rescued, then) if shown else None,
        lacking,
        sends,
        sum(order.sends for order in inside) / len(inside) if inside else 0.0,
        days / rescued.value if shown and rescued.value > 0 else None,
        sum(order.days for order in inside) / rescued_then if rescued_then else None,
        _fees(evaluation, orders, part, sends, send_cost) if sends is not None else (),
    )


def _then(
    orders: Sequence[JudgedOrder], values: Sequence[float], weights: Sequence[float] | None
) -> Estimate:
    """The actual value: exact of these orders; its interval is that of more orders like them."""
    weighing = weights or [1.0] * len(orders)
    whole = sum(weighing)
    if not whole:
        return Estimate(math.nan, array("d"), math.nan)
    mean = sum(value * weight for value, weight in zip(values, weighing, strict=True)) / whole
    scale = len(orders) / whole
    influence = array(
        "d",
        (scale * weight * (value - mean) for value, weight in zip(values, weighing, strict=True)),
    )
    return Estimate(mean, influence, clustered((order.facts.payer for order in orders), influence))


def _money(
    evaluation: Evaluation, orders: Sequence[JudgedOrder], asset: str, send_cost: int
) -> MoneyFigures:
    own = [order.facts.asset == asset for order in orders]
    amounts = [
        float(order.facts.units) if there else 0.0 for order, there in zip(orders, own, strict=True)
    ]
    costs = [float(send_cost) if there else 0.0 for there in own]
    count = len(orders)
    rescued = evaluation.of({"rescued": amounts})
    sends = evaluation.of({"sends": costs})
    net = evaluation.of({"rescued": amounts, "sends": [-cost for cost in costs]})
    paid = [amount * order.rescued for amount, order in zip(amounts, orders, strict=True)]
    spent = [cost * order.sends for cost, order in zip(costs, orders, strict=True)]
    net_then = _then(
        orders, [amount - other for amount, other in zip(paid, spent, strict=True)], None
    )
    more = difference([order.facts.payer for order in orders], net, net_then)
    highest = max(amounts)
    low, high = more.interval
    # What no arm could do may bring amounts, not shares of orders.
    high += more.above * (highest - 1.0)
    return MoneyFigures(
        asset,
        sum(own),
        round(sum(amounts)),
        round(sum(paid)),
        rescued.value * count,
        net_then.value * count,
        net.value * count,
        low * count,
        high * count,
        sum(spent) - sends.value * count,
    )


def _groups(
    evaluation: Evaluation, orders: Sequence[JudgedOrder], names: Sequence[str], send_cost: int
) -> Iterable[tuple[str, Figures]]:
    for name, part in grouped(names):
        inside = [order for order, there in zip(orders, part, strict=True) if there]
        yield name, _figures(evaluation, orders, _closed(inside), part, send_cost)


def _fees(
    evaluation: Evaluation,
    orders: Sequence[JudgedOrder],
    part: Sequence[bool] | None,
    sends: float,
    send_cost: int,
) -> tuple[FeesAvoided, ...]:
    """`sends`: of an order of the part, under the policy."""
    inside = [
        order for order, there in zip(orders, part or [True] * len(orders), strict=True) if there
    ]
    assets = _assets(inside)
    if len(assets) == 1:
        return (
            FeesAvoided(
                assets[0], (sum(order.sends for order in inside) - sends * len(inside)) * send_cost
            ),
        )
    fees = []
    for asset in assets:
        own = [float(order.facts.asset == asset) for order in orders]
        own = [
            weight * there for weight, there in zip(own, part or [True] * len(orders), strict=True)
        ]
        then = sum(weight * order.sends for weight, order in zip(own, orders, strict=True))
        fees.append(
            FeesAvoided(
                asset, (then - evaluation.of({"sends": own}).value * len(orders)) * send_cost
            )
        )
    return tuple(fees)


def _closed(orders: Sequence[JudgedOrder]) -> Closed:
    days = 0.0
    if orders:
        first = min(order.facts.declined_at for order in orders)
        days = (max(order.facts.closes_at for order in orders) - first).total_seconds() / 86_400
    return Closed(len(orders), sum(order.rescued for order in orders), days)


def _span_days(orders: Sequence[JudgedOrder]) -> float:
    times = [order.facts.declined_at for order in orders]
    return (max(times) - min(times)) / timedelta(days=1) if times else 0.0


def _assets(orders: Sequence[JudgedOrder]) -> list[str]:
    return [
        name for name, _ in Counter(order.facts.asset for order in orders).most_common(GROUPS_MAX)
    ]


_NAMES: Final[Mapping[By, Callable[[Sequence[JudgedOrder]], list[str]]]] = {
    "class": lambda orders: [order.facts.klass for order in orders],
    "issuer": lambda orders: [order.facts.issuer for order in orders],
    "country": lambda orders: [order.facts.country for order in orders],
    "amount": lambda orders: bands([(order.facts.asset, order.facts.units) for order in orders]),
}
