"""The operator's second person approves payouts to banks, and moves small amounts by hand."""

from collections.abc import Iterable
from hashlib import md5
from typing import Final
from uuid import UUID

from recoup.bank.flows import approve
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.settlement.flows.adjust import adjust, decide_adjustment
from recoup_lab.simulate.contracts import contract_of
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, Deed, Do, Shop, Sim

SECOND: Final = Actor("user", "second")
ADJUST_DAYS: Final = 9
_WAITING: Final = """
SELECT p.payout_id, p.asset, p.payout_no, b.period_to FROM bank_payouts p JOIN settlement_batches b
  ON b.merchant_id = p.merchant_id AND b.batch_id = p.batch_id
WHERE p.merchant_id = $1 AND p.state = 'created'
"""


async def approvals(sim: Sim, tick: int) -> Iterable[Deed]:
    if tick % TICKS:
        return ()
    deeds = []
    for shop in sim.shops:
        if contract_of(shop.number).bank:
            for row in await sim.owner.fetch(_WAITING, shop.scope.merchant_id):
                name = f"{shop.number}:bank {row['asset']} {row['period_to']} {row['payout_no']}"
                deeds.append(Deed("approve payout", name, _approved(shop, row["payout_id"])))
        if tick and not tick % (ADJUST_DAYS * TICKS) and tick <= sim.plan.days * TICKS:
            asset = contract_of(shop.number).assets[0]
            deeds.append(
                Deed("adjust", f"adjust {shop.number} {tick}", _adjusted(sim, shop, asset, tick))
            )
    return deeds


def _approved(shop: Shop, payout_id: UUID) -> Do:
    async def do(engine: Engine) -> None:
        await approve(engine.world, Scope(shop.scope.merchant_id, SECOND, "simulate"), payout_id)

    return do


def _adjusted(sim: Sim, shop: Shop, asset: str, tick: int) -> Do:
    """Adjusts a balance by the key of the form: sent again after a death it is a conflict, and was
    made."""
    units = dice(sim.plan.seed, "adjust", shop.number, tick).choice((-250, -7, 1, 99, 400))
    key = UUID(
        md5(f"{sim.plan.seed}/{shop.number}/{tick}".encode(), usedforsecurity=False).hexdigest()
    )

    async def do(engine: Engine) -> None:
        try:
            await adjust(engine.world, shop.scope, units, asset, "a small correction", key=key)
        except Problem as problem:
            if problem.code != "conflict":
                raise
        second = Scope(shop.scope.merchant_id, SECOND, "simulate")
        try:
            await decide_adjustment(engine.world, second, key, book=True)
        except Problem as problem:
            if problem.code != "wrong_state":  # booked already
                raise
        sim.adjusted[shop.number, asset] += units

    return do
