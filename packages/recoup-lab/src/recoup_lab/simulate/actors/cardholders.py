"""Card holders dispute: all or a part, for fraud or a service; the issuer sends notices, twice at
times, and decides later."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

from recoup.disputes.flows.receive import notice_key, receive
from recoup.outside.inbound import signed
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.issuer import Case
from recoup_lab.simulate.sim import TICKS, Deal, Deed, Do, Sim

SHARE: Final = 0.06
WON, LOST = 0.35, 0.4  # the rest is never decided: lost by default
TWICE: Final = 0.2
REASONS: Final = {"fraud": "10.4", "service": "13.1"}
ANSWER_DAYS: Final = 14
FEE: Final = 1500


async def disputes(sim: Sim, tick: int) -> Iterable[Deed]:
    for deal in sim.completed:
        roll = dice(sim.plan.seed, "dispute", deal.name)
        if deal.kind == "stable" or roll.random() >= SHARE:
            continue
        opened = tick + roll.randint(1, 12 * TICKS)
        kind, part, fate = roll.choice(tuple(REASONS)), roll.choice((1, 1, 2)), roll.random()
        sim.later[opened].append(Deed("dispute", deal.name, _opened(sim, deal, kind, part)))
        if roll.random() < TWICE:
            sim.later[opened + roll.randint(0, 3)].append(
                Deed("dispute told again", deal.name, _dispute_notice(sim, deal))
            )
        if fate < WON + LOST:
            decided = opened + roll.randint(1, 10 * TICKS)
            status = "won" if fate < WON else "lost"
            sim.later[decided].append(
                Deed(f"dispute {status}", deal.name, _decided(sim, deal, status))
            )
    return ()


def _opened(sim: Sim, deal: Deal, kind: str, part: int) -> Do:
    async def do(engine: Engine) -> None:
        issuer = sim.outside.issuer
        case = issuer.cases.get(deal.name)
        if case is None:
            charge_id = issuer.paid.get(deal.name)
            left = issuer.sends[charge_id].taken if charge_id else 0
            if charge_id is None or left < part:
                return
            case = Case(
                f"case-{deal.name}",
                charge_id,
                deal.shop,
                kind,
                left // part,
                sim.now(),
                sim.now() + timedelta(days=ANSWER_DAYS),
                FEE,
            )
            issuer.cases[deal.name] = case
        await _dispute_notice(sim, deal)(engine)

    return do


def _decided(sim: Sim, deal: Deal, status: str) -> Do:
    async def do(engine: Engine) -> None:
        case = sim.outside.issuer.cases.get(deal.name)
        if case is not None and case.booked:
            case.status = status
            await _dispute_notice(sim, deal)(engine)

    return do


def _dispute_notice(sim: Sim, deal: Deal) -> Do:
    """The case as it stands: the same state is the same notice."""

    async def do(engine: Engine) -> None:
        case = sim.outside.issuer.cases.get(deal.name)
        if case is None or deal.order_id is None:
            return
        merchant_id = sim.shops[deal.shop].scope.merchant_id
        body = msgspec.json.encode(
            {
                "noticeId": f"{case.case_id}-{case.status}",
                "caseId": case.case_id,
                "merchantId": merchant_id,
                "chargeId": case.charge_id,
                "stage": "first",
                "status": case.status,
                "amount": case.units,
                "currency": deal.asset,
                "reasonCode": REASONS[case.kind],
                "respondBy": case.respond_by,
                "fee": case.fee,
            }
        )
        signature = signed(notice_key(engine.world, "sandbox"), body, engine.world.clocks.wall())
        said = await receive(engine.world, engine.orders, "sandbox", body, signature, "simulate")
        if said.state in ("applied", "repeated", "stale") and not said.why:
            case.booked = True
            case.believed = case.status

    return do
