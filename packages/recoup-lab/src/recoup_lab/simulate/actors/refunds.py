"""Merchants give money back: a part, parts, items, everything, several at once, too much, or the
same twice."""

import asyncio
from collections.abc import Iterable
from typing import Final

from recoup.kernel.money import Money
from recoup.kernel.problem import Problem
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, Deal, Deed, Do, Sim

SHARES: Final = (
    ("none", 0.76),
    ("part", 0.06),
    ("parts", 0.04),
    ("full", 0.05),
    ("items", 0.03),
    ("at once", 0.03),
    ("too much", 0.01),
    ("same twice", 0.02),
)
_AT_ONCE: Final = 4


async def refunds(sim: Sim, tick: int) -> Iterable[Deed]:
    """Some of what was completed they give back in the next two weeks."""
    for deal in sim.completed:
        _plan(sim, deal, tick)
    return ()


def _plan(sim: Sim, deal: Deal, tick: int) -> None:
    roll = dice(sim.plan.seed, "refunds", deal.name)
    what = roll.choices([s[0] for s in SHARES], [s[1] for s in SHARES])[0]
    part = roll.randint(1, max(1, deal.units - 1))
    requests: list[RefundRequest] = {
        "none": [],
        "part": [_by_amount(deal, part, 0)],
        "parts": [_by_amount(deal, max(1, part // 2), 0), _by_amount(deal, max(1, part // 3), 1)],
        "full": [_by_amount(deal, part, 0), RefundRequest(all=True, key=f"refund-{deal.name}-1")],
        "items": [RefundRequest(items=({"line": 1},), key=f"refund-{deal.name}-0")],
        "at once": [_by_amount(deal, -(-deal.units * 6 // 10), n) for n in range(_AT_ONCE)],
        "too much": [_by_amount(deal, deal.units + 1, 0)],
        "same twice": [_by_amount(deal, part, 0), _by_amount(deal, part, 0)],
    }[what]
    when = tick + roll.randint(0, 14 * TICKS)
    wallet = (deal.shop, deal.asset) if deal.kind == "stable" else None
    if what == "at once":
        sim.later[when].append(
            Deed("refund at once", deal.name, _all_at_once(sim, deal, requests), wallet=wallet)
        )
        return
    for request in requests:
        sim.later[when].append(
            Deed(f"refund {what}", deal.name, _refunded(sim, deal, request), wallet=wallet)
        )
        when += roll.randint(0, 2 * TICKS)


def _by_amount(deal: Deal, units: int, number: int) -> RefundRequest:
    return RefundRequest(amount=Money(units, deal.asset).text(), key=f"refund-{deal.name}-{number}")


def _refunded(sim: Sim, deal: Deal, request: RefundRequest) -> Do:
    async def do(engine: Engine) -> None:
        assert deal.order_id is not None
        answer = await refund(
            engine.world, engine.orders, sim.shops[deal.shop].scope, deal.order_id, request
        )
        deal.refunds[answer.refund_id] = answer.units

    return do


def _all_at_once(sim: Sim, deal: Deal, requests: list[RefundRequest]) -> Do:
    """More in all than there is: the first wins, the others hear that too little is left."""

    async def do(engine: Engine) -> None:
        answers = await asyncio.gather(
            *(_refunded(sim, deal, request)(engine) for request in requests), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, Problem):
                raise answer

    return do
