"""The reconciliation report: what moved on a merchant's account in a period, and its sums, a part
at a time. An event says that it can be fetched: once a period, whatever dies; several periods one
after the other."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.db.pool import retrying
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.time import business_at
from recoup.kit.as_of import Window
from recoup.kit.files.cells import Number, csv_row
from recoup.kit.world import World
from recoup.orders.moves.due import wait_for
from recoup.orders.rules.ledger import WALLET, by_recipe
from recoup.orders.store.movements import (
    FEES,
    MovementLine,
    MovementSum,
    Place,
    movements,
    open_differences,
    totals,
)
from recoup.settlement.flows.settlement_report import line_id
from recoup.settlement.moves.report import ready_at, tell_report
from recoup.settlement.store.reports import lock_clock
from recoup.terms.store.settlement_terms import period_of

LINES_AT_ONCE: Final = 2_000
# recipe -> kind of line: a settlement's, and those of the stablecoin balance, which no settlement
# takes
KINDS: Final = by_recipe(lambda recipe: {recipe.name: recipe.line} if recipe.line else {})


class Total(NamedTuple):
    """Total of one currency and balance, from the ledger itself: `units` is what the balance moved
    by, fees included."""

    asset: str
    balance: Literal["card", "wallet"]
    kinds: dict[str, int]
    units: int
    entries: int


def balance_of(place: str) -> Literal["card", "wallet"]:
    """`wallet`: stablecoins that wait for their payout; `card`: all that settlements pay."""
    return "wallet" if place == WALLET else "card"


def kind_of(recipe: str) -> Any:
    """The kind of a settlement's line."""
    return KINDS[recipe]


async def report_lines(
    world: World, merchant_id: UUID, window: Window
) -> AsyncIterator[list[MovementLine]]:
    """A connection for each part, so that a slow reader holds none."""
    after: Place | None = None
    while True:
        rows = await world.read_long(
            partial(
                movements,
                merchant_id=merchant_id,
                window=window,
                after=after,
                limit=LINES_AT_ONCE,
            )
        )
        if not rows:
            return
        yield rows
        after = place_of(rows[-1])


def place_of(row: MovementLine) -> Place:
    return Place(row.business_at, row.posting_id, row.line_no)


async def report_totals(world: World, merchant_id: UUID, window: Window) -> list[Total]:
    return sums(await world.read_long(lambda db: totals(db, merchant_id, window)))


def sums(rows: Iterable[MovementSum]) -> list[Total]:
    totals: dict[tuple[str, str], Total] = {}
    for row in rows:
        key = (row.asset, balance_of(row.place))
        known = totals.get(key) or Total(*key, {}, 0, 0)
        units, kind = int(row.units), kind_of(row.recipe)
        kinds = known.kinds | {kind: known.kinds.get(kind, 0) + units}
        totals[key] = Total(*key, kinds, known.units + units, known.entries + row.entries)
    return list(totals.values())


async def report_csv(
    world: World, merchant_id: UUID, window: Window, zone: tzinfo
) -> AsyncIterator[bytes]:
    """UTF-8. Amounts are decimals; amount and fee of all lines add up to what the ledger moved
    by."""
    yield csv_row(
        (
            f"date_placed ({zone})",
            f"date_booked ({zone})",
            "order_id",
            "external_order_id",
            "site_id",
            "site",
            "descriptor",
            "kind",
            "amount",
            "fee",
            "net",
            "currency",
            "balance",
            "settlement_id",
            "reference",
            "line_id",
        )
    ).encode()
    async for rows in report_lines(world, merchant_id, window):
        yield "".join(csv_row(_cells(row, zone)) for row in rows).encode()


def _cells(row: MovementLine, zone: tzinfo) -> tuple[Any, ...]:
    scale = EXPONENTS[row.asset]
    units, fee = row.units, row.fee_units
    return (
        _local(row.placed_at, zone),
        _local(row.business_at, zone),
        row.order_id,
        row.external_id,
        row.site_id,
        row.site,
        row.descriptor,
        kind_of(row.recipe),
        Number(to_text(units, scale)),
        Number(to_text(fee, scale)),
        Number(to_text(units + fee, scale)),
        row.asset,
        balance_of(row.place),
        row.batch_id,
        row.reference,
        line_id(row.posting_id, row.line_no),
    )


def _local(moment: datetime | None, zone: tzinfo) -> str | None:
    """Local time with its offset, so that a cell alone says which instant it is."""
    return moment.astimezone(zone).isoformat(timespec="milliseconds") if moment else None


async def report_ready(world: World, merchant_id: UUID) -> UUID | None:
    """Due work `reconciliation`: the report that was announced. None before its time, or when
    nothing moved."""

    async def once() -> UUID | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            clock = await lock_clock(tx, merchant_id)
            if clock is None:
                return None
            now = business_at(wall, clock.offset_us)
            period_to, terms = await period_of(tx, merchant_id, clock.period_from)
            if now < ready_at(terms, period_to):
                await wait_for(
                    tx,
                    merchant_id,
                    "reconciliation",
                    merchant_id,
                    ready_at(terms, period_to),
                    wall=False,
                )
                return None
            period = (clock.period_from, period_to)
            lines = sum(
                row.entries
                for row in await totals(tx, merchant_id, Window(*period))
                if row.recipe not in FEES
            )
            differences = await open_differences(tx, merchant_id, period)
            report_id = await tell_report(
                tx, merchant_id, period, lines, differences, now=now, wall=wall
            )
            next_to, later = await period_of(tx, merchant_id, period_to)
            await wait_for(
                tx, merchant_id, "reconciliation", merchant_id, ready_at(later, next_to), wall=False
            )
            return report_id

    return await retrying(once)
