"""Uplift of each merchant, computed again and again beside the pages that show it: each hour, for
many orders each day. People hear of harm, and of an uplift once it is shown; where a merchant wants
it, the engine stops by itself when harm is shown.

Source: decision 0069.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from recoup.audit import moves as audit
from recoup.audit.rules import changes
from recoup.db.pool import retrying
from recoup.db.statement import Read, Tx
from recoup.kernel.ids import LOWEST, new_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import WORKER, Scope
from recoup.kernel.time import BusinessTime, WallTime, business_at
from recoup.kit.as_of import NOW, Cut
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset, no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import lock_merchant
from recoup.notifications.moves import alert_now
from recoup.terms.store.arms import stop_engine
from recoup.uplift.rules.closed_order import ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.cohorts import (
    WEEK,
    WEEKS_MAX,
    by_place,
    cohorts,
    monday,
    place_key,
)
from recoup.uplift.rules.comparison import Comparison
from recoup.uplift.rules.looks import looks_of
from recoup.uplift.rules.report import (
    cohort_report,
    compared_places,
    comparison_report,
    findings,
    is_harm,
    place_figures,
)
from recoup.uplift.store import (
    ComparedRow,
    EngineReturn,
    UpliftRow,
    claim_uplift,
    cohort_counts,
    compared_orders,
    engine_return,
    has_closed,
    has_orders,
    lock_uplift,
    postpone_uplift,
    save_announced,
    save_uplift,
    set_engine_return,
    uplift_report,
)

PAGE: Final = 5_000
ORDERS_MAX: Final = 300_000  # closed ones; of more, the payers are sampled


async def closed_orders(world: World, merchant_id: UUID) -> OrdersRead:
    """Orders whose window has closed by the merchant's clock, by closing day. Raises:
    Problem(not_found)."""
    until = world.clocks.business(await known_offset(world.db, merchant_id))
    return await closed_orders_until(world, merchant_id, until)


async def closed_orders_until(world: World, merchant_id: UUID, until: BusinessTime) -> OrdersRead:
    """Orders whose window closed by then. Of very many, those of one payer in 2, 4, 8 …: the same
    ones at each look."""
    orders, after = OrdersRead(until.date()), LOWEST
    while True:
        rows = await compared_orders(world.db, merchant_id, after, PAGE)
        for row in rows:
            if not _sampled(row.who, orders.one_in):
                continue
            order = _order(row)
            if row.arm == "ladder":
                orders.add_other(order.came._replace(arm=None))
            elif row.closed_at > until:
                orders.add_waiting(order.came)
            else:
                orders.add(order)
        while len(orders.closed) > ORDERS_MAX:
            orders.thin(lambda payer, one_in: _sampled(UUID(payer), one_in))
        if len(rows) < PAGE:
            orders.finish()
            return orders
        after = rows[-1].order_id


def _sampled(who: UUID, one_in: int) -> bool:
    return who.int % one_in == 0


def _order(row: ComparedRow) -> ClosedOrder:
    return ClosedOrder(
        row.closed_at.date(),
        row.declined_at.date(),
        str(row.who),
        "engine" if row.arm == "engine" else "holdout",
        row.chance,
        float(row.units) / 10 ** EXPONENTS.get(row.asset, 2),
        row.asset,
        row.rescued_at.date() if row.rescued_at else None,
        row.by or "",
        Shares(row.holdout, row.engine),
        row.sends,
        row.disputed,
        str(row.card) if row.card else "",
        place_key(row.site_id, row.campaign_id),
    )


log = structlog.get_logger()
LEASE: Final = timedelta(hours=1)
OFTEN, SELDOM = timedelta(hours=1), timedelta(days=1)
FEW_ORDERS: Final = 20_000  # closed; with more it is computed each day
AT_ONCE: Final = 5
PLACES_MAX: Final = 200  # sites with their campaigns, those with the most orders
LOOKS_MAX: Final = 104  # weeks
_one_at_once: Final = asyncio.Lock()  # of a process: one at a time within a request
HARM: Final = "The engine is shown to bring less than the comparison group."
HARM_BESIDE: Final = "The engine is shown to do harm beside the share that is rescued."


async def watch_uplift(world: World, merchant_id: UUID | None = None) -> int:
    """Merchants that are due; answers how many. The failure of one does not starve those after
    it."""
    wall = world.clocks.wall()
    due = await claim_uplift(world.db.alone, wall, LEASE, AT_ONCE, merchant_id)
    for merchant in due:
        try:
            await make_report(world, merchant, wall)
        except (asyncpg.PostgresError, Problem) as error:
            log.warning("uplift not computed", merchant=str(merchant), error=in_words(error))
    return len(due)


async def make_report(world: World, merchant_id: UUID, wall: WallTime) -> dict[str, Any]:
    """Computes it, keeps it, and lets people hear of what it found. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        now = world.clocks.business(await known_offset(connection, merchant_id))
        before = await uplift_report(connection, merchant_id, *NOW)
        is_same = before is not None and not await _has_news(connection, merchant_id, before, now)
        if is_same:
            await postpone_uplift(connection, merchant_id, wall + OFTEN)
    if before is not None and is_same:
        return before.report
    orders = await closed_orders_until(world, merchant_id, now)
    report, places = await run_stoppable(_compared, orders)
    report["looks"] = report["looks"][-LOOKS_MAX:]
    report |= await _cohorts(world, merchant_id, now, places)
    due_at = wall + (OFTEN if len(orders.closed) <= FEW_ORDERS else SELDOM)

    async def once() -> None:
        async with world.db.transaction() as tx:
            since = world.clocks.business(await known_offset(tx, merchant_id)), world.clocks.wall()
            await save_uplift(tx, merchant_id, *since, wall, now, report)
            await postpone_uplift(tx, merchant_id, due_at)
            finding = findings(report)
            if (
                finding
                and await alert_of_uplift(tx, merchant_id, finding, report, wall)
                and is_harm(finding)
            ):
                await _return(
                    world, tx, merchant_id, HARM if finding == "harm" else HARM_BESIDE, wall
                )

    await retrying(once)
    return report


def _compared(orders: OrdersRead) -> tuple[dict[str, Any], dict[str, Comparison]]:
    return comparison_report(orders, looks_of(orders, "week")), compared_places(orders)


async def _has_news(db: Read, merchant_id: UUID, before: UpliftRow, now: BusinessTime) -> bool:
    """True when another look would add something: a window has closed since, or it is another day,
    on which the curves go on. Of a merchant without orders nothing ever does."""
    since = now - WEEKS_MAX * WEEK
    if before.until.date() != now.date() or before.until > now:
        return bool(before.report["cohorts"]) or await has_orders(db, merchant_id, since)
    return await has_closed(db, merchant_id, since, before.until, now)


async def _return(world: World, tx: Any, merchant_id: UUID, why: str, wall: WallTime) -> None:
    """Stops the engine, once for each time that harm was found: whoever starts it again is not
    overruled by the next look."""
    wanted = await engine_return(tx, merchant_id, *NOW)
    if wanted is None or not wanted.on_harm:
        return
    scope = Scope(merchant_id, WORKER, "uplift")
    if await stop_engine(tx, new_id(), merchant_id, why, scope.actor.text(), wall):
        await audit.note(tx, scope, wall, "engine.stopped", "", {"why": why})


async def _cohorts(
    world: World, merchant_id: UUID, now: BusinessTime, compared: Mapping[str, Comparison]
) -> dict[str, Any]:
    first = datetime.combine(monday(now) - (WEEKS_MAX - 1) * WEEK, time(), UTC)
    counts = await cohort_counts(world.db, merchant_id, first, WEEKS_MAX, now)
    known = await load_merchant(world.db, merchant_id)
    if known is None:
        raise no_such_merchant()
    names = {site.site_id: site.name for site in known.sites}
    campaigns = {campaign.campaign_id: campaign.key for campaign in known.campaigns}
    places = [
        (
            {
                "siteId": str(site_id),
                "site": names.get(site_id, ""),
                "campaignId": str(campaign_id) if campaign_id else None,
                "campaign": campaigns.get(campaign_id) if campaign_id else None,
            }
            | place_figures(compared, place_key(site_id, campaign_id)),
            sums,
        )
        for (site_id, campaign_id), sums in list(by_place(counts).items())[:PLACES_MAX]
    ]
    return cohort_report(cohorts(counts, now), places)


async def ask_for_report(world: World, merchant_id: UUID) -> bool:
    """Computes it now where that takes a moment; of many orders, and the first time, a worker does
    it within a minute. All orders that are read count, whoever decides on them. Answers whether it
    is done. Raises: Problem(not_found)."""
    wall = world.clocks.wall()
    row = await read_report(world, merchant_id)
    counts = row.report["orders"] if row is not None else {}
    read = sum(counts.get(name, 0) for name in ("closed", "open", "other")) * counts.get("oneIn", 1)
    if row is not None and read <= FEW_ORDERS and not _one_at_once.locked():
        async with _one_at_once:
            await make_report(world, merchant_id, wall)
        return True
    async with world.db.transaction() as tx:
        await postpone_uplift(tx, merchant_id, wall)
    return False


async def read_report(world: World, merchant_id: UUID, cut: Cut = NOW) -> UpliftRow | None:
    """The report as last computed by then; None: never yet."""
    return await uplift_report(world.db, merchant_id, *cut)


async def read_return(world: World, merchant_id: UUID, cut: Cut = NOW) -> EngineReturn | None:
    return await engine_return(world.db, merchant_id, *cut)


async def set_return(world: World, scope: Scope, *, on_harm: bool) -> None:
    """Sets whether the engine stops by itself once harm is shown. Raises: Problem(not_found)."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        now = business_at(wall, await known_offset(tx, scope.merchant_id))
        if await set_engine_return(tx, scope.merchant_id, on_harm, now, wall, scope.actor.text()):
            facts = changes({"on_harm": not on_harm}, {"on_harm": on_harm})
            await audit.note(tx, scope, wall, "engine.return_set", "", facts)


async def alert_of_uplift(
    tx: Tx, merchant_id: UUID, finding: str, report: dict[str, Any], wall: WallTime
) -> bool:
    """Alerts people of an uplift finding; False: the merchant's people have heard of that finding
    last. `report`: as `uplift/rules/report.py` makes it."""
    if await lock_uplift(tx, merchant_id) == finding:
        return False
    await save_announced(tx, merchant_id, finding)
    last = report["looks"][-1]
    facts = {name: last[name] for name in ("engine", "holdout", "difference", "low", "high")} | {
        "finding": finding
    }
    await alert_now(
        tx, merchant_id, "uplift", merchant_id, int(wall.timestamp() * 1_000), facts, wall
    )
    return True
