"""Merchants take their custodial stablecoins out, once a week."""

from collections.abc import Iterable

from recoup.kernel.money import Money
from recoup.stablecoin.flows.payouts import PayoutRequest, ask_payout
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, TOKENS, Deed, Do, Shop, Sim

EVERY_DAYS = 7


async def payouts(sim: Sim, tick: int) -> Iterable[Deed]:
    if tick % (EVERY_DAYS * TICKS) or not tick:
        return ()
    return [
        Deed("payout", f"payout of {shop.number} {asset} {tick}", _taken(sim, shop, asset, tick))
        for shop in sim.shops
        for asset in TOKENS
    ]


def _taken(sim: Sim, shop: Shop, asset: str, tick: int) -> Do:
    roll = dice(sim.plan.seed, "payout", shop.number, asset, tick)
    units = roll.randint(1_000_000, 300_000_000)
    where = "an account of the merchant" + (" that will fail" if roll.random() < 0.2 else "")

    async def do(engine: Engine) -> None:
        request = PayoutRequest(
            Money(units, asset).text(), asset, "bank", where, f"payout-{asset}-{tick}"
        )
        await ask_payout(engine.world, engine.merchants, shop.scope, request)

    return do
