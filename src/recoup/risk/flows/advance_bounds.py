"""Bounds on advances, computed from closed orders beside them: a version each time that a further
week is over.

The day's other hours change nothing, for a week counts as a whole: the next version is due when the
orders of the next week have had their time.

Source: decision 0079.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from msgspec import convert

from recoup.db.pool import retrying
from recoup.kernel.ids import LOWEST
from recoup.kernel.time import BusinessTime
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.networks.codes import Reading
from recoup.orders.moves.due import done_with, wait_for
from recoup.risk.store.advance_bounds import (
    WEEKS_MAX,
    AdvanceOutcome,
    advance_outcomes,
    assets_advanced,
    comparable_cells,
    first_placed,
    keep_bounds,
    keep_week,
    kept_weeks,
    newest_bounds,
    newest_week,
)
from recoup.terms.rules.advance_bounds import (
    PAYERS_MIN,
    WEEK,
    WHOLE,
    Bounds,
    Cell,
    Scored,
    kept_tables,
    next_week_over,
    tenth_of,
    weeks_until,
)
from recoup.terms.rules.collection import COLLECTION_POLICIES, chance_of

AT_ONCE: Final = 5_000


async def bound_advances(world: World, merchant_id: UUID) -> None:
    """Due work `advance_bounds`. Where nothing may be advanced it ends; terms that are set begin it
    anew."""
    now = world.clocks.business(await known_offset(world.db, merchant_id))
    assets = await assets_advanced(world.db, merchant_id)
    first = await first_placed(world.db, merchant_id)
    for asset in assets if first is not None else ():
        assert first is not None
        await _keep_weeks(world, merchant_id, asset, first, now)
        await _keep_version(world, merchant_id, asset, now)

    async def once() -> None:
        async with world.db.transaction() as tx:
            if assets:
                await wait_for(
                    tx, merchant_id, "advance_bounds", merchant_id, next_week_over(now), wall=False
                )
            else:
                await done_with(tx, merchant_id, "advance_bounds", merchant_id)

    await retrying(once)


async def bounds_of(world: World, merchant_id: UUID, asset: str) -> Bounds | None:
    """The newest version; None: no order has had its time yet."""
    row = await newest_bounds(world.db.reader, merchant_id, asset)
    return convert(row, Bounds, from_attributes=True) if row is not None else None


async def _keep_weeks(
    world: World, merchant_id: UUID, asset: str, first: datetime, now: BusinessTime
) -> None:
    """Keeps the weeks that are over and not kept yet, each by itself: what dies between two of them
    goes on there."""
    until = weeks_until(now)
    newest = await newest_week(world.db, merchant_id, asset)
    oldest = first.date() - timedelta(days=first.weekday())
    begins = max(newest + WEEK if newest is not None else oldest, until - WEEKS_MAX * WEEK)
    while begins < until:
        cells = [asdict(cell) for cell in await _cells(world, merchant_id, asset, begins)]
        await keep_week(world.db.alone, merchant_id, asset, begins, cells)
        begins += WEEK


async def _cells(world: World, merchant_id: UUID, asset: str, begins: date) -> list[Cell]:
    begin = datetime.combine(begins, time(), UTC)
    alike = await comparable_cells(world.db.reader, merchant_id, asset, begin, begin + WEEK)
    cells = [
        Cell(
            "model",
            "comparable",
            c.tenth,
            c.orders,
            int(c.units),
            int(c.lost_units),
            tuple(c.payers),
        )
        for c in alike
    ]
    advanced: list[AdvanceOutcome] = []
    after = LOWEST
    while True:
        page = await advance_outcomes(
            world.db.reader, merchant_id, asset, begin, begin + WEEK, after, AT_ONCE
        )
        advanced += page
        if len(page) < AT_ONCE:
            return [*cells, *_summed(advanced)]
        after = page[-1].order_id


def _summed(advanced: Iterable[AdvanceOutcome]) -> Iterator[Cell]:
    """Sums outcomes of advances by cell. What was netted by refunds before it was charged was never
    to be collected."""
    groups: dict[tuple[Scored, int], list[AdvanceOutcome]] = defaultdict(list)
    for outcome in advanced:
        if outcome.units <= 0 or outcome.state == "netted":
            continue
        groups["prior", tenth_of(_prior(outcome))].append(outcome)
        if outcome.chance is not None:
            groups["model", tenth_of(int(outcome.chance * WHOLE))].append(outcome)
    for (scored, tenth), held in sorted(groups.items()):
        lost = sum(outcome.units for outcome in held if outcome.state != "charged")
        payers = tuple(sorted({outcome.payer for outcome in held})[:PAYERS_MIN])
        yield Cell(
            scored,
            "advanced",
            tenth,
            len(held),
            sum(outcome.units for outcome in held),
            lost,
            payers,
        )


def _prior(outcome: AdvanceOutcome) -> int:
    reading, policy = Reading(**outcome.reading), COLLECTION_POLICIES[outcome.policy]
    return chance_of(reading, policy, out=outcome.occasion == "unresolved")


async def _keep_version(world: World, merchant_id: UUID, asset: str, now: BusinessTime) -> None:
    """Keeps a version of the bounds, one a further week; none before any customer counts."""
    until = weeks_until(now)
    before = await newest_bounds(world.db, merchant_id, asset)
    rows = await kept_weeks(world.db, merchant_id, asset, until)
    if before is not None and before.until >= until:
        return
    tables = await run_stoppable(kept_tables, [(row.begins, row.cells) for row in rows], until)
    if before is None and not any(any(table["payers"]) for table in tables.values()):
        return
    version = before.version + 1 if before is not None else 1
    await keep_bounds(world.db.alone, merchant_id, asset, version, now.date(), until, tables)
