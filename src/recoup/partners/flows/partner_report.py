"""A partner's report: what came in and what was booked at each of its merchants, by day, currency
and kind; now, or as of a moment."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kit.as_of import NOW, Cut, Window
from recoup.kit.files.cells import Number, csv_row
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.partners.store import Reported, booked_by_day, merchants_then, placed_by_day
from recoup.settlement.flows.report import kind_of

DAYS_MAX: Final = 92
MERCHANTS_AT_ONCE: Final = 100
PLACED: Final = "placed"


class Row(NamedTuple):
    """`units`: of `placed` what the orders are worth; of all others what the ledger booked, + for
    the merchant."""

    merchant_id: UUID
    name: str
    day: date
    asset: str
    kind: str
    counted: int
    units: int


class PartnerReportRequest(NamedTuple):
    """Request of a report; both days are included. `cut`: by each merchant's own clock."""

    partner_id: UUID
    first: date
    last: date
    merchant_id: UUID | None = None
    asset: str | None = None
    cut: Cut = NOW


async def report_page(
    world: World, request: PartnerReportRequest, after: UUID | None, limit: int
) -> tuple[list[Row], UUID | None]:
    """The rows of at most `limit` merchants, and the id after which the next page begins."""

    async def of_cell(cell: World) -> list[Reported]:
        return await merchants_then(
            cell.db, request.partner_id, *request.cut, after, limit + 1, request.merchant_id
        )

    answers = await ask_each(world, of_cell)
    answers.check()
    merchants = [(cell, row) for cell, found in answers.said for row in found]
    merchants.sort(key=lambda row: row[1].merchant_id)
    rows: list[Row] = []
    for cell, merchant in merchants[:limit]:
        of_merchant = partial(_of_merchant, request, merchant.merchant_id, merchant.name)
        rows += await cell.read_long(of_merchant)
    return rows, merchants[limit - 1][1].merchant_id if len(merchants) > limit else None


async def report_csv(world: World, request: PartnerReportRequest) -> AsyncIterator[bytes]:
    """UTF-8, amounts as decimals, a part at a time."""
    yield csv_row(("mid", "merchant", "day", "currency", "kind", "count", "amount")).encode()
    after: UUID | None = None
    while True:
        rows, after = await report_page(world, request, after, MERCHANTS_AT_ONCE)
        if rows:
            yield "".join(
                csv_row(
                    (
                        str(row.merchant_id),
                        row.name,
                        row.day.isoformat(),
                        row.asset,
                        row.kind,
                        row.counted,
                        Number(to_text(row.units, EXPONENTS[row.asset])),
                    )
                )
                for row in rows
            ).encode()
        if after is None:
            return


async def _of_merchant(
    request: PartnerReportRequest, merchant_id: UUID, name: str, db: Read
) -> list[Row]:
    window = Window(
        _midnight(request.first), _midnight(request.last) + timedelta(days=1), request.cut
    )
    booked = await booked_by_day(db, merchant_id, window, request.asset)
    placed = await placed_by_day(db, merchant_id, window, request.asset)
    sums: dict[tuple[date, str, str], tuple[int, int]] = {}
    for came in placed:
        sums[came.day, came.asset, PLACED] = (came.orders, int(came.units))
    for line in booked:
        key = (line.day, line.asset, kind_of(line.recipe))
        count, units = sums.get(key, (0, 0))
        sums[key] = (count + line.entries, units + int(line.units))
    return [Row(merchant_id, name, *key, *sums[key]) for key in sorted(sums)]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
