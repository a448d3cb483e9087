"""Calls that merchants make about their orders later: cancel, capture, tell of their own payments;
and what was put off."""

from collections.abc import Iterable

from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.transmit import Transmitted
from recoup_lab.simulate.clock import start_stopwatch
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, Deal, Deed, Do, Sim

CANCELLED, PAID_ELSEWHERE, LATE_DECLINE = 0.04, 0.04, 0.03
CAPTURED, LET_GO = 0.65, 0.15  # of what is held; the rest lapses
_AT_THE_CALL = frozenset({"reverse"})


async def calls(sim: Sim, tick: int) -> Iterable[Deed]:
    for deal in sim.by_tick[tick]:
        _plan(sim, deal, tick)
    return sim.later.pop(tick, [])


def _plan(sim: Sim, deal: Deal, tick: int) -> None:
    roll = dice(sim.plan.seed, "calls", deal.name)
    fate, wait = roll.random(), roll.randint(0, 8 * TICKS)
    if deal.kind == "hold":
        if fate < CAPTURED:
            _put(
                sim,
                tick + 1 + wait // 2,
                Deed("capture", deal.name, _captured(sim, deal), again=False, only=_AT_THE_CALL),
            )
        elif fate < CAPTURED + LET_GO:
            _put(sim, tick + 1 + wait // 2, Deed("cancel", deal.name, _cancelled(sim, deal)))
    elif deal.kind == "managed" and fate < CANCELLED:
        _put(sim, tick + wait, Deed("cancel", deal.name, _cancelled(sim, deal)))
    elif deal.kind == "managed" and fate < CANCELLED + PAID_ELSEWHERE:
        _put(
            sim,
            tick + wait,
            Deed("transmit success", deal.name, _transmitted(sim, deal, declined=False)),
        )
    elif deal.kind == "managed" and fate < CANCELLED + PAID_ELSEWHERE + LATE_DECLINE:
        _put(
            sim,
            tick + wait,
            Deed("transmit decline", deal.name, _transmitted(sim, deal, declined=True)),
        )


def _put(sim: Sim, tick: int, deed: Deed) -> None:
    sim.later[tick].append(deed)


def _cancelled(sim: Sim, deal: Deal) -> Do:
    async def do(engine: Engine) -> None:
        assert deal.order_id is not None
        await cancel(engine.world, engine.orders, sim.shops[deal.shop].scope, deal.order_id)

    return do


def _captured(sim: Sim, deal: Deal) -> Do:
    async def do(engine: Engine) -> None:
        assert deal.order_id is not None
        start_stopwatch()
        request = CaptureRequest(deal.order_id, deal.units, deal.asset, f"capture-{deal.name}")
        await capture(engine.world, engine.orders, sim.shops[deal.shop].scope, request)

    return do


def _transmitted(sim: Sim, deal: Deal, *, declined: bool) -> Do:
    """The merchant's own try of the same payment."""

    async def do(engine: Engine) -> None:
        transmission = Transmitted(
            external_id=deal.name,
            transaction_id=f"own-{deal.name}",
            is_declined=declined,
            is_mit=True,
            units=deal.units,
            currency=deal.asset,
            code_source="visa",
            code="51" if declined else "00",
            bin=None,
            last4=None,
            payer={"external_id": "", "email": "", "phone": "", "name": ""},
            transacted_at=sim.now(),
            facts={},
        )
        await engine.transmit.transmit(sim.shops[deal.shop].scope, transmission)

    return do
