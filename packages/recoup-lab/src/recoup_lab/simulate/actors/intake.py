"""Merchants send their declined payments and stablecoin charges; now and then the same call
again."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from recoup.kernel.money import Money
from recoup.rescue.flows.taken import EvaluateRequest, Person
from recoup.stablecoin.flows.charge import StablecoinChargeRequest
from recoup_lab.simulate.clock import start_stopwatch
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, Deal, Deed, Do, Sim

_LOOK_SECONDS = 5.0
_EXPIRES = timedelta(hours=9)  # a stablecoin charge lives a little longer than a tick


async def arrivals(sim: Sim, tick: int) -> Iterable[Deed]:
    """Repeats come with the call, or up to two days later."""
    deeds = []
    for deal in sim.by_tick[tick]:
        kind = "charge" if deal.kind == "stable" else f"evaluate {deal.kind}"
        deeds.append(Deed(kind, deal.name, _sent(sim, deal)))
        if sim.chance(sim.plan.faults.repeat, "repeat", deal.name):
            after = dice(sim.plan.seed, "repeat after", deal.name).choice((0, 1, TICKS, 2 * TICKS))
            again = Deed(f"{kind} again", deal.name, _sent(sim, deal))
            (deeds if not after else sim.later[tick + after]).append(again)
    return deeds


def _sent(sim: Sim, deal: Deal) -> Do:
    async def charge(engine: Engine) -> None:
        request = StablecoinChargeRequest(
            deal.name,
            Money(deal.units, deal.asset).text(),
            deal.asset,
            deal.channel,
            customer=f"payer-{deal.name}",
            expires_in=_EXPIRES,
        )
        charged = await engine.charges.charge(sim.shops[deal.shop].scope, request)
        sim.admitted(deal, charged.order.order_id)

    async def evaluate(engine: Engine) -> None:
        start_stopwatch(each=_LOOK_SECONDS)
        result = await engine.evaluate.evaluate(sim.shops[deal.shop].scope, declined)
        sim.admitted(deal, result.order_id)

    if deal.kind == "stable":
        return charge
    declined = declined_of(sim, deal)
    return evaluate


def declined_of(sim: Sim, deal: Deal) -> EvaluateRequest:
    """The same content whenever it is sent."""
    now = sim.started_at(deal.tick)
    facts: dict[str, Any] = {"agreement": deal.name, "items": _items(deal)}
    if deal.kind == "hold":
        facts["transaction_type"] = "AUTHORIZATION"
    return EvaluateRequest(
        external_id=deal.name,
        key=f"key-{deal.name}",
        is_mit=deal.kind in ("managed", "sync"),
        order_source="ecommerce",
        expires_at=now + timedelta(days=deal.days) if deal.kind == "managed" else None,
        units=deal.units,
        currency=deal.asset,
        token_id=sim.shops[deal.shop].tokens[deal.card],
        pan=None,
        cvv="",
        exp_month=9,
        exp_year=2031,
        transaction_id=f"tx-{deal.name}",
        decline={
            "code": deal.first_code,
            "source": "visa",
            "text": "",
            "advice": None,
            "at": now.isoformat(),
        },
        site_id=None,
        site_url=None,
        descriptor=None,
        payer=Person(first_name="Ana", last_name="Roe", email=f"payer-{deal.name}@example.test"),
        facts=facts,
    )


def _items(deal: Deal) -> list[dict[str, Any]]:
    """Two lines that are the whole amount."""
    first = deal.units // 3
    return [
        {"sku": "a", "amount": first, "quantity": 1},
        {"sku": "b", "amount": deal.units - first, "quantity": 1},
    ]
