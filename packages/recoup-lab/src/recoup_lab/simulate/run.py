"""A simulation from its first instant to its hash."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.bank.flows import (
    approve_account,
    deposits_of,
    enter_account,
    prove_account,
)
from recoup.bank.store.payouts import lock_account
from recoup.db.connect import connect
from recoup.db.statement import FIRST_CELL
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.networks.magic import script_card
from recoup.onboarding.flows.make_merchant import NewSite, make_merchant
from recoup.outside.keys.keyring import Keyring
from recoup.processors.rules.bank_account import read_account
from recoup.rescue.flows.tokenize import CardGiven
from recoup.risk.flows import treasurer
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.settlement.flows.settle import close_pages
from recoup.settlement.flows.settlement_terms import set_terms
from recoup.terms.rules.fees import Tariff
from recoup.webhooks.flows.publish import publish_all
from recoup_lab.simulate import books
from recoup_lab.simulate.actors import ACTORS
from recoup_lab.simulate.actors.operators import SECOND
from recoup_lab.simulate.contracts import DELAY_DAYS, RESERVE_DAYS, Contract, contract_of
from recoup_lab.simulate.engine import outside_of, start
from recoup_lab.simulate.sim import DECLINES, TICKS, Plan, Shop, Sim, Wrong, deals_of

_ORDERS: Final = """
WITH lines AS (
  SELECT order_id, 1 AS part, concat_ws('|', extract(epoch
    FROM business_at), happening, src, dst, body ->> 'units',
    body ->> 'fee', body ->> 'number', body ->> 'code', body ->> 'cause',
    extract(epoch FROM (body ->> 'next')::timestamptz)) AS line
  FROM order_log WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, 2, concat_ws('|', attempt_no, state, ladder, initiator, route, units, asset,
    scheme_code, klass,
    sends, if_late, extract(epoch FROM sent_at), extract(epoch FROM closed_at))
  FROM attempts WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, 3, concat_ws('|', kind, state, units, asset, extract(epoch FROM business_at))
  FROM modifications WHERE merchant_id = $1
  UNION ALL
  SELECT p.order_id, 4, concat_ws('|', extract(epoch FROM p.business_at), p.source_kind, p.recipe,
    e.account, e.asset,
    e.place, e.units)
  FROM postings p JOIN entries e USING (merchant_id, posting_id) WHERE p.merchant_id = $1
    AND p.order_id IS NOT NULL
), told AS (
  SELECT order_id, string_agg(line, E'\n' ORDER BY part, line COLLATE "C") AS text FROM lines
    GROUP BY order_id
)
SELECT concat_ws(E'\n', o.external_id, o.generation, o.kind, o.stage, o.units, o.asset, h.status,
  h.refunded_units,
  h.reason, h.disputed, told.text)
FROM current_orders o JOIN order_heads h USING (merchant_id, order_id)
LEFT JOIN told USING (order_id)
WHERE o.merchant_id = $1 ORDER BY o.external_id COLLATE "C", o.generation
"""
_OTHER_POSTINGS: Final = """
SELECT line FROM (
  SELECT concat_ws('|', extract(epoch FROM p.business_at), p.source_kind, p.recipe, e.account,
    e.asset, e.place,
    e.units) AS line
  FROM postings p JOIN entries e USING (merchant_id, posting_id) WHERE p.merchant_id = $1
    AND p.order_id IS NULL
) x ORDER BY line COLLATE "C"
"""
_BALANCES: Final = """
SELECT concat_ws('|', account, asset, place, units) FROM account_balances WHERE merchant_id = $1
  AND units <> 0
ORDER BY account COLLATE "C", asset COLLATE "C", place COLLATE "C"
"""


async def digest(sim: Sim) -> str:
    """Hex of SHA-256 over everything."""
    whole = hashlib.sha256()
    for shop in sim.shops:
        whole.update(f"merchant {shop.number}\n".encode())
        async with sim.owner.transaction():
            for sql in (_ORDERS, _OTHER_POSTINGS, _BALANCES):
                async for row in sim.owner.cursor(sql, shop.scope.merchant_id, prefetch=1000):
                    whole.update(row[0].encode() + b"\n")
    return whole.hexdigest()


_ROUTING: Final = "011000015"
_IBAN: Final = "DE89370400440532013000"
_ACCOUNTS: Final = {
    "paid": "000123450001",
    "returned": "000123450002",
}  # the last digits say what the bank does
_PLENTY: Final = 10**11  # of exposure: how much is left decides nothing here


async def open_shop(sim: Sim, number: int) -> Shop:
    """Merchants as their contracts say, each with a card of every script in its vault."""
    world, contract = sim.engine.world, contract_of(number)
    merchant_id, name = new_id(), f"merchant {number}"
    site = NewSite(new_id(), f"https://shop{number}.example.test", name, f"SHOP {number}")
    await make_merchant(world, merchant_id, name, (site,), partner_id=None)
    scope = Scope(merchant_id, Actor("api", name), "simulate")
    await _agree(world, scope, contract)
    for asset in contract.assets if contract.bank else ():
        await _bank_account(world, scope, contract.bank, asset)
    tokens = {}
    for script in sorted({(code, declines) for _, code, declines, _ in DECLINES}):
        card = CardGiven(merchant_id, new_id(), script_card("visa", *script), 9, 2031)
        tokens[script] = (await sim.engine.vault.store(card)).token_id
    return Shop(number, scope, tokens)


async def _agree(world: World, scope: Scope, contract: Contract) -> None:
    general = Tariff(contract.points, refund=contract.refund)
    await set_fee_term(world, scope, FeeTermRequest(general))
    for asset in sorted(contract.fixed.keys() | contract.minimum.keys()):
        own = general._replace(
            fixed_units=contract.fixed.get(asset, 0), minimum_units=contract.minimum.get(asset, 0)
        )
        await set_fee_term(world, scope, FeeTermRequest(own, currency=asset))
    await set_terms(
        world,
        scope,
        {
            "period": contract.period,
            "anchor": contract.anchor,
            "delay_days": DELAY_DAYS,
            "reserve_basis_points": contract.reserve_points,
            "reserve_days": RESERVE_DAYS,
            "account_delay_days": 0,
        },
    )
    for asset in contract.assets:
        if contract.liable:
            await change_terms(
                world,
                scope,
                DisputeTermsRequest(asset, "merchant", contract.dispute_fee, "merchant"),
            )
        if contract.advance:
            terms = treasurer.Terms(
                limit_units=_PLENTY,
                allowed_loss_basis_points=10_000,
                advance_on="both",
                operator_limit_units=_PLENTY * 100,
            )
            await treasurer.agree_exposure(
                world, Scope(scope.merchant_id, SECOND, "simulate"), asset, terms
            )


async def _bank_account(world: World, scope: Scope, ends: str, asset: str) -> None:
    if asset == "USD":
        account = read_account("Simulated Ltd", routing=_ROUTING, account=_ACCOUNTS[ends])
    else:
        account = read_account("Simulated Ltd", iban=_IBAN)
    account_id: UUID = await enter_account(world, scope, account, asset)
    async with world.db.transaction() as tx:
        row = await lock_account(tx, scope.merchant_id, account_id)
    assert row is not None
    first, second = deposits_of(world, row)
    await prove_account(world, scope, account_id, (first, second))
    await approve_account(world, Scope(scope.merchant_id, SECOND, "simulate"), account_id)


# Seconds after an instant at which what became due shortly after it is worked on: answers that did
# not come, pauses.
MOMENTS: Final = (0, 1, 5, 20, 90, 600)
AFTERWARDS_DAYS_MAX: Final = 60  # until the last order has expired and everything is over
RESTART_DAYS: Final = 10
_SKETCHY: Final = {"default_statistics_target": "10"}  # of what ANALYZE samples
ANALYZE_DAYS: Final = (0, 2, 6, 14, 29)
# What comes again for ever is no work that is left.
FOR_EVER: Final = ("settlement", "reconciliation", "certificate", "advance_bounds")
_NEXT: Final = (
    "SELECT min(greatest(due_at, coalesce(lease_until, due_at))) FROM due_work WHERE "
    "kind <> ALL($1)"
)


@dataclass(frozen=True, slots=True)
class Simulated:
    """`wrong`: the first thing that does not hold, or None. `counts`: what was done, how often.
    `checks`: how often everything was proved."""

    plan: Plan
    hash: str
    wrong: str | None
    counts: dict[str, int]
    faults: dict[str, int]
    deaths: dict[str, int]
    stages: dict[str, int]
    checks: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.plan.orders / self.seconds


async def simulate(
    dsn: str, keys: Keyring, plan: Plan, tell: Callable[[str], None] = lambda text: None
) -> Simulated:
    """Simulates on an empty world database at `dsn` (as the owner); everything is left in it."""
    begun = time.perf_counter()
    outside = outside_of(dsn, keys, plan.seed, plan.faults)
    owner = await connect(dsn, FIRST_CELL, **_SKETCHY)
    sim = Sim(plan, outside, await start(outside), owner)
    run = _Run(sim, tell)
    wrong, state_hash = None, ""
    try:
        try:
            await run.all()
        except Wrong as found:
            wrong = str(found)
        state_hash = await digest(sim)
        rows = await owner.fetch(
            "SELECT stage, count(*)::int AS number FROM order_states GROUP BY stage ORDER BY stage"
        )
    finally:
        await sim.engine.world.db.close()
        await owner.close()
    faults = outside.issuer.counts + outside.book.counts + outside.bank.counts + outside.mail.counts
    return Simulated(
        plan,
        state_hash,
        wrong,
        dict(sorted(sim.counts.items())),
        dict(sorted(faults.items())),
        dict(sorted(sim.deaths.items())),
        {r["stage"]: r["number"] for r in rows},
        run.checks,
        time.perf_counter() - begun,
    )


class _Run:
    def __init__(self, sim: Sim, tell: Callable[[str], None]) -> None:
        self._sim, self._tell = sim, tell
        self.checks = 0

    async def all(self) -> None:
        """Raises: Wrong."""
        sim = self._sim
        sim.shops = [await open_shop(sim, number) for number in range(sim.plan.merchants)]
        sim.pages = {shop.scope.merchant_id: 0 for shop in sim.shops}
        for deal in deals_of(sim.plan):
            sim.deals[deal.name] = deal
            sim.by_tick[deal.tick].append(deal)
        last = sim.plan.days * TICKS
        for tick in range(last):
            await self._tick(tick)
            await self._night(tick)
        await self._afterwards(last)
        await self._prove(None)
        self._hold(await books.at_the_end(sim, FOR_EVER))

    async def _tick(self, tick: int) -> None:
        sim = self._sim
        at = sim.started_at(tick)
        for moment in MOMENTS:
            sim.outside.clocks.to(at + timedelta(seconds=moment))
            if not moment:
                for actor in ACTORS:
                    await sim.perform(await actor(sim, tick))
            await sim.work_due()

    async def _day(self, day: int) -> None:
        """Pages and feed are closed, and the books are held against each other; sometimes the
        process starts anew."""
        sim = self._sim
        await _until_none(lambda: publish_all(sim.engine.world))
        await _until_none(lambda: close_pages(sim.engine.world))
        if day in ANALYZE_DAYS:
            await sim.owner.execute("VACUUM ANALYZE")
        if day % RESTART_DAYS == RESTART_DAYS - 1:
            await sim.engine.world.db.close()
            sim.engine = await start(sim.outside)
        self._hold(await books.each_day(sim))
        if day < sim.plan.days or day % RESTART_DAYS == 0:
            await self._prove(day % len(sim.shops))
        self._tell(f"day {day + 1}")

    async def _afterwards(self, first: int) -> None:
        """Goes on without new orders until nothing is due any more, and then until everything is
        settled and paid."""
        over = first + AFTERWARDS_DAYS_MAX * TICKS
        settles = max(
            contract_of(number).settles_days for number in range(self._sim.plan.merchants)
        )
        for tick in range(first, over):
            if await self._over(tick):
                over = tick
                break
            await self._tick(tick)
            await self._night(tick)
        for tick in range(over, over + settles * TICKS):
            if tick % TICKS == 0:
                await self._tick(tick)
            await self._night(tick)

    async def _over(self, tick: int) -> bool:
        sim = self._sim
        due = await sim.owner.fetchval(_NEXT, FOR_EVER)
        return due is None and not any(deeds for later, deeds in sim.later.items() if later >= tick)

    async def _night(self, tick: int) -> None:
        if tick % TICKS == TICKS - 1:
            await self._day(tick // TICKS)

    async def _prove(self, number: int | None) -> None:
        """`recoup verify`, of one merchant or of all."""
        sim = self._sim
        await books.keep(sim)
        merchant_id = None if number is None else sim.shops[number].scope.merchant_id
        done = await verify(sim.engine.world, merchant_id)
        self.checks += 1
        if done.difference is not None:
            one = done.difference
            name = sim.names.get(one.order_id, "") if one.order_id else ""
            self._hold(f"verify: {name} {one.field}: expected {one.expected}, found {one.found}")

    def _hold(self, wrong: str | None) -> None:
        if wrong:
            raise Wrong(f"{self._sim.now():%d %b %H:%M}: {wrong}")


async def _until_none(work: Callable[[], Awaitable[int]]) -> None:
    while await work():
        pass
