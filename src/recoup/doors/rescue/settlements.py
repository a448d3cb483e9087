"""GET /settlements, /settlements/{id}, /settlements/{id}/lines. Source: contract §16.4, §17.1 (U8)."""

from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import CSV, JSON, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.as_of import read_cut
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.settlements import (
    LINES_MAX,
    PAGE_SIZE_MAX,
    LinesQuery,
    Settlement,
    SettlementAt,
    SettlementDetail,
    SettlementLine,
    SettlementLines,
    SettlementList,
    SettlementQuery,
)
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.money.settlement_report import batch_csv, line_id, read_batch
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import LOWEST, parse_id
from recoup.kernel.time import iso
from recoup.rules.money.bank_payout import shown_state
from recoup.rules.money.settlement import COLUMNS
from recoup.store.money.batches import Batch, BatchFilter, BatchLine, batch_lines, has_next, list_batches

_KINDS: Final = {kind: kind for kind in (*COLUMNS, "payout")}
_FORMATS: Final = {"json": "json", "csv": "csv"}


async def get_settlements(call: Call) -> Reply:
    query = Query(call.query)
    size, number = query.number("pageSize", 10, 1, PAGE_SIZE_MAX) or 10, query.number("pageNumber", 1, 1, 10**6) or 1
    asset = query.one("currency").upper() or None
    if asset is not None and asset not in EXPONENTS:
        query.complain("currency", text=f"The currency {asset[:8]!r} is not an ISO 4217 code.")
    begin, end = query.instant("from"), query.instant("to")
    batch_filter = BatchFilter(call.scope.merchant_id, begin, end, asset, await read_cut(call, query))
    async with call.services.world.db.read() as connection:
        rows, total = await list_batches(connection, batch_filter, size, (number - 1) * size)
    return Reply(
        SettlementList(
            page_number=number,
            page_size=size,
            page_count=-(-total.value // size),
            total_item_count=total.value,
            has_previous_page=number > 1 and total.value > 0,
            has_next_page=has_next(number, size, len(rows), total),
            data=[Settlement(**_members(row)) for row in rows],
        )
    )


async def get_settlement(call: Call) -> Reply:
    cut = await read_cut(call, Query(call.query))
    row = await read_batch(call.services.world, call.scope.merchant_id, _settlement_id(call), cut)
    return Reply(SettlementDetail(**_members(row)))


def _settlement_id(call: Call) -> UUID:
    return call.object_id(noun="settlement", cure="Check the id; see the list of settlements.")


async def get_lines(call: Call) -> Reply:
    query = Query(call.query)
    limit, kind = query.number("limit", 100, 1, LINES_MAX) or 100, query.choice("kind", {"": ""} | _KINDS, "") or None
    accepted = call.headers.get("accept", "").lower()
    form = query.choice("format", _FORMATS, "csv" if accepted.startswith("text/csv") else "json")
    after = _after(query)
    cut = await read_cut(call, query)
    batch = await read_batch(call.services.world, call.scope.merchant_id, _settlement_id(call), cut)
    if form == "csv":
        name = f'attachment; filename="settlement-{batch.batch_id}.csv"'.encode()
        headers = ((b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", name))
        return Reply(batch_csv(call.services.world, batch), headers=headers)
    async with call.services.world.db.read() as connection:
        rows = await batch_lines(connection, batch.merchant_id, batch.batch_id, after=after, limit=limit + 1, kind=kind)
    shown = [_line(row, batch.asset) for row in rows[:limit]]
    return Reply(SettlementLines(data=shown, next=shown[-1].id if len(rows) > limit else None))


def _members(row: Batch) -> dict[str, Any]:
    return {
        "id": row.batch_id,
        "status": row.payout_state or "carried",
        "payout_state": shown_state(row.payout_state),
        "period_from": iso(row.period_from),
        "period_to": iso(row.period_to),
        "closed_date": iso(row.closed_at),
        "payout_date": iso_or_null(row.sent_at),
        "payment_ref": row.reference,
        "currency": row.asset,
        "total_value": row.amount_units,
        "fees": row.fee_units,
        "chargeback_fees": row.dispute_fee_units,
        "chargebacks": row.dispute_units,
        "returns": row.refund_units,
        "adjustment": row.adjustment_units,
        "reserve": row.reserve_units,
        "carried": row.carried_units,
        "payout": row.payout_units,
        "lines": row.lines,
        "ledger_page": row.page_to,
        "ledger_root": row.root.hex(),
    }


def _line(row: BatchLine, asset: str) -> SettlementLine:
    return SettlementLine(
        id=line_id(row.posting_id, row.line_no),
        kind=row.kind,
        amount=row.units,
        currency=asset,
        order_id=row.order_id,
        external_order_id=row.external_id,
        site_id=row.site_id,
        descriptor=row.descriptor,
        placed_date=iso_or_null(row.placed_at),
        booked_date=iso(row.business_at),
        source=row.source_kind,
        source_id=row.source_id,
        note=row.note,
    )


def _after(query: Query) -> tuple[UUID, int]:
    text = query.one("after")
    head, _, number = text.partition(".")
    found = parse_id(head) if text else LOWEST
    if found is None or text and not (number.isascii() and number.isdigit() and len(number) <= 4):
        query.complain("after", "must be the next of an answer")
        return LOWEST, 0
    return found, int(number or 0)


LIST: Final = Operation(
    "GET",
    "/v1/settlements",
    "Settlements",
    "Newest first, ten per page: one for each period and currency with bookings. The amounts add up to the payout. "
    "Times are business time; `from` is inclusive, `to` is exclusive. With `asOf` or `asOfRecorded`: those that there "
    "were then, each with the state that its payout had.",
    group="Settlements",
    query=SettlementQuery,
    answers={200: SettlementList},
)
GET: Final = Operation(
    "GET",
    "/v1/settlements/{id}",
    "One settlement",
    "With the state of its payout. With `asOf` or `asOfRecorded` as it stood then; 404 before it was closed.",
    group="Settlements",
    query=SettlementAt,
    answers={200: SettlementDetail},
    problems=("not_found",),
)
LINES: Final = Operation(
    "GET",
    "/v1/settlements/{id}/lines",
    "Lines of a settlement",
    "Each line is one ledger entry, in this settlement only. With the payout counted as negative, all lines add up "
    "to 0. With `format=csv`, or `Accept: text/csv`, the response is one file with all lines and decimal amounts.",
    group="Settlements",
    query=LinesQuery,
    answers={200: SettlementLines},
    types=(JSON, CSV),
    problems=("not_found",),
)
METHODS: Final = (
    Method(LIST, get_settlements, "orders"), Method(GET, get_settlement, "orders"), Method(LINES, get_lines, "orders"),
)  # fmt: skip
