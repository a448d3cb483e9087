"""Reports by transaction, descriptor, site, campaign and means. Each adds up to the ledger's own
sums, to the cent."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import Connection
from recoup.kernel.ids import LOWEST, parse_id
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Sentence, figure, invalid
from recoup.kernel.texts import parse_whole
from recoup.kernel.time import iso
from recoup.kit.as_of import Window
from recoup.kit.files.cells import Number, csv_row
from recoup.kit.world import World
from recoup.reconciliation.store.origin_reports import (
    COLUMNS,
    Sums,
    all_orders,
    by_order,
    grouped,
    ledger_totals,
    orders_page,
    without_order,
)

GROUPS_MAX: Final = 20_000
ORDERS_AT_ONCE: Final = 2_000
REPORTS: Final = ("transactions", "descriptors", "sites", "campaigns", "means")
AMOUNTS: Final = (*COLUMNS, "net", "disputed")
COUNTS: Final = ("approvals", "refunds", "disputes")
# report -> columns of its rows besides the amounts
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "transactions": ("order_id", "external_id", "order_type", "placed_at", "site_id", "site", "key",
    "descriptor"),
    "descriptors": ("descriptor",), "sites": ("site_id", "site", "url"),
    "campaigns": ("site_id", "site", "campaign_id", "key", "campaign"), "means": ("means", "share"),
}  # fmt: skip


class Report(NamedTuple):
    """`totals` by currency, from the ledger alone; `rows` add up to them when there is no `next`,
    else with the pages that follow."""

    totals: Sequence[Sums]
    rows: Sequence[Sums]
    next: str | None = None


class ReportRequest(NamedTuple):
    """`asset` None: every currency."""

    merchant_id: UUID
    window: Window
    asset: str | None = None


async def grouped_report(
    world: World, report: str, request: ReportRequest, after: int = 0, limit: int = GROUPS_MAX
) -> Report:
    """Totals and rows by site, campaign, descriptor or means, as of one moment; `after`: so many
    rows were seen before.

    Raises: Problem(invalid) for more groups than one answer may hold.
    """

    async def read(connection: Connection) -> tuple[Sequence[Sums], Sequence[Sums]]:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            totals = await ledger_totals(connection, *request)
            return totals, await grouped(connection, report, *request, GROUPS_MAX + 1)

    totals, rows = await world.read_long(read)
    if len(rows) > GROUPS_MAX:
        raise invalid(
            Sentence("There are more than {0} {1} in this period.", figure(GROUPS_MAX), report),
            "From",
            "Ask for a shorter period or one currency.",
        )
    shown = rows[after : after + limit]
    return Report(totals, shown, str(after + limit) if after + limit < len(rows) else None)


async def transactions_page(
    world: World, request: ReportRequest, after: UUID, limit: int
) -> Report:
    """A page of transactions by order, in the order of their ids; movements of no order come
    last."""

    async def read(connection: Connection) -> Report:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            totals = await ledger_totals(connection, *request) if after == LOWEST else []
            ids = await orders_page(connection, *request, after, limit + 1)
            rows = await by_order(connection, request.merchant_id, request.window, ids[:limit])
            if len(ids) <= limit:
                rows += await without_order(connection, *request)
        return Report(totals, rows, str(ids[limit - 1]) if len(ids) > limit else None)

    return await world.read_long(read)


def place_in(report: str, text: str) -> UUID | int | None:
    """The place at which a page begins, as `Report.next` names it."""
    if report == "transactions":
        return parse_id(text)
    number = parse_whole(text, 6)
    return number if number is not None and number <= GROUPS_MAX else None


async def report_page(
    world: World, report: str, request: ReportRequest, place: Any, limit: int
) -> Report:
    """`place`: as `place_in` reads it; None is the beginning."""
    if report == "transactions":
        return await transactions_page(world, request, place or LOWEST, limit)
    return await grouped_report(world, report, request, place or 0, limit)


async def report_csv(world: World, report: str, request: ReportRequest) -> AsyncIterator[bytes]:
    """UTF-8, amounts as decimals, a part at a time; a slow reader holds no connection."""
    keys = KEYS[report]
    yield csv_row((*keys, "currency", *AMOUNTS, *COUNTS)).encode()
    if report != "transactions":
        for row in (await grouped_report(world, report, request)).rows:
            yield _line(keys, row).encode()
        return
    ids = await world.read_long(lambda db: all_orders(db, *request))
    rest = await world.read_long(lambda db: without_order(db, *request))
    for begin in range(0, len(ids), 16 * ORDERS_AT_ONCE):
        part = ids[begin : begin + 16 * ORDERS_AT_ONCE]
        chosen = [UUID(bytes=part[at : at + 16]) for at in range(0, len(part), 16)]
        rows = await _of_orders(world, request, chosen)
        yield "".join(_line(keys, row) for row in rows).encode()
    if rest:
        yield "".join(_line(keys, row) for row in rest).encode()


async def _of_orders(
    world: World, request: ReportRequest, order_ids: Sequence[UUID]
) -> Sequence[Sums]:
    return await world.read_long(
        lambda db: by_order(db, request.merchant_id, request.window, order_ids)
    )


def _line(keys: Sequence[str], row: Sums) -> str:
    scale = EXPONENTS[row.asset]
    amounts = (Number(to_text(row.of(name), scale)) for name in AMOUNTS)
    return csv_row(
        (*(_text(getattr(row, name)) for name in keys), row.asset, *amounts, *map(row.of, COUNTS))
    )


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if value is not None else None
