"""Stablecoin payers pay: at once, not at all, with a payment that fails, or after their order has
ended."""

from collections.abc import Iterable

from recoup.kernel.scope import Actor
from recoup.stablecoin.flows.pay import simulate
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import Deal, Deed, Do, Sim

PAYS, FAILS, LATE = 0.75, 0.08, 0.05
_PAYER = Actor("payer", "page")


async def payments(sim: Sim, tick: int) -> Iterable[Deed]:
    """A payer whose channel did not answer tries again at the next instant."""
    deeds = []
    for deal in (deal for before in range(4) for deal in sim.by_tick[tick - before]):
        if deal.kind != "stable":
            continue
        fate = dice(sim.plan.seed, "pays", deal.name).random()
        approve = fate < PAYS or fate >= PAYS + FAILS
        late = PAYS + FAILS <= fate < PAYS + FAILS + LATE
        if fate < PAYS + FAILS + LATE and tick - deal.tick in ((3,) if late else (0, 1)):
            deeds.append(
                Deed("pay late" if late else "pay", deal.name, _paid(deal, sim, approve, late))
            )
    return deeds


def _paid(deal: Deal, sim: Sim, approve: bool, late: bool) -> Do:
    async def do(engine: Engine) -> None:
        assert deal.order_id is not None
        key = (sim.shops[deal.shop].scope.merchant_id, deal.order_id)
        await simulate(engine.world, engine.orders, key, approve=approve, actor=_PAYER, late=late)

    return do
