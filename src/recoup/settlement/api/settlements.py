"""GET /settlements, /settlements/{id}, /settlements/{id}/lines. Source: contract §16.4, §17.1
(U8)."""

from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import UUID

from msgspec import Meta, field

from recoup.bank.rules.bank_payout import shown_state
from recoup.kernel.ids import LOWEST
from recoup.kernel.time import iso
from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf, read_cut
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply, form_of_reply
from recoup.kit.api.query import NO_NEXT, Query, currency_read, read_as, read_query
from recoup.kit.api.wire import (
    AFTER,
    Counted,
    Members,
    Moment,
    NextText,
    Queried,
    Shape,
    Text4,
    iso_or_null,
)
from recoup.kit.edge.described import CSV, JSON
from recoup.kit.lists.paging import page_of
from recoup.settlement.flows.settlement_report import batch_csv, line_id, parse_line_id, read_batch
from recoup.settlement.store.batches import Batch, BatchFilter, batch_lines, has_next, list_batches

PAGE_SIZE_MAX = 500
LINES_MAX = 1_000
Kind = Literal[
    "amount",
    "fee",
    "dispute_fee",
    "dispute",
    "refund",
    "adjustment",
    "reserve",
    "carried",
    "payout",
]
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]


class Settlement(Shape):
    """One period in one currency. The amounts add up to the payout."""

    id: UUID
    status: Literal["carried", "created", "approved", "sent", "paid", "returned"]
    """Status of the payout; `carried`: there is no payout, and the amount is carried to the next
    settlement."""
    payout_state: Literal["carried", "scheduled", "approved", "sent", "confirmed", "returned"]
    """The same as shown on pages: `scheduled`: waiting for approval, nothing was sent; `confirmed`:
    the bank confirmed its arrival."""
    period_from: Moment
    period_to: Moment
    """Exclusive: later bookings are in a later settlement."""
    closed_date: Moment
    payout_date: Moment | None
    """Time at which it was sent to the bank."""
    payment_ref: str | None
    """Reference on the bank statement."""
    currency: Text4
    total_value: int
    """Minor units: approved orders."""
    fees: Signed
    chargeback_fees: Signed
    chargebacks: Signed
    returns: Signed
    adjustment: Signed
    reserve: int
    """Minor units: released, less held."""
    carried: int
    """Minor units: carried from the previous settlement, less carried to the next."""
    payout: Counted
    """Minor units: paid to your bank."""
    lines: Annotated[int, Meta(ge=1)]
    """Number of lines."""
    ledger_page: int
    """The last ledger page of the settlement."""
    ledger_root: str
    """Root of that page (hex), as in `settlement.closed`."""


class SettlementQuery(Shape):
    """All are optional."""

    page_number: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 10
    from_: Queried | None = field(default=None, name="from")
    """Closed at or after."""
    to: Queried | None = None
    """Closed before."""
    currency: Annotated[Text4 | None, Meta(extra=currency_read("is not an ISO 4217 code"))] = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementList(Members):
    """A page of them."""

    page_number: int
    page_size: int
    page_count: int
    total_item_count: int
    """At most 10,000 are counted."""
    has_previous_page: bool
    has_next_page: bool
    data: list[Settlement]


class SettlementDetail(Settlement):
    """One, with `success` as every answer."""

    success: bool = True


class SettlementAt(Shape):
    """At most one of them."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementLine(Shape):
    """One entry of the ledger on your account. An entry is in one settlement at most."""

    id: str
    """Posting and number of the entry."""
    kind: Kind
    amount: Signed
    currency: Text4
    order_id: UUID | None
    """Null for entries without an order."""
    external_order_id: str | None
    site_id: UUID | None
    descriptor: str | None
    placed_date: Moment | None
    """Time at which the order was placed."""
    booked_date: Moment
    source: str
    """Source of the booking: attempt, refund, dispute, adjustment, batch."""
    source_id: UUID
    """Id of the source: a refund's line has the refund's id."""
    note: str | None = None
    """Reason of an adjustment."""


def _place(query: Query, name: str) -> tuple[UUID, int]:
    text = query.one(name)
    line_id = parse_line_id(text)
    if text and line_id is None:
        query.complain(name, NO_NEXT)
    return line_id or (LOWEST, 0)


class LinesQuery(Shape):
    """All are optional."""

    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = 100
    after: Annotated[str | None, Meta(description=AFTER, extra=read_as(_place))] = None
    kind: Kind | None = None
    """Only lines of this kind."""
    format: Literal["json", "csv"] | None = None
    """`csv`: all lines in one file."""
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementLines(Members):
    """In the order of booking."""

    data: list[SettlementLine]
    next: NextText


SettlementT = TypeVar("SettlementT", bound=Settlement)


api: Final = Api(group="Settlements", scope="reports")


@api("GET /v1/settlements", verb="settlements list", query=SettlementQuery)
async def get_settlements(call: Call) -> SettlementList:
    """Settlements. Newest first, ten per page: one for each period and currency with bookings. The
    amounts add up to the payout. Times are business time; `from` is inclusive, `to` is exclusive.
    With `asOf` or `asOfRecorded`: those that there were then, each with the state that its payout
    had."""
    wanted, query = read_query(
        call.query, SettlementQuery, "pageSize", "pageNumber", "currency", any_names=True
    )
    size, number = wanted.page_size, wanted.page_number
    batch_filter = BatchFilter(
        call.scope.merchant_id,
        wanted.from_,
        wanted.to,
        wanted.currency,
        await read_cut(call, query, wanted.as_of, wanted.as_of_recorded),
    )
    rows, total = await list_batches(
        call.services.world.db.reader, batch_filter, size, (number - 1) * size
    )
    return SettlementList(
        page_number=number,
        page_size=size,
        page_count=-(-total.value // size),
        total_item_count=total.value,
        has_previous_page=number > 1 and total.value > 0,
        has_next_page=has_next(number, size, len(rows), total),
        data=[_shown(Settlement, row) for row in rows],
    )


@api(
    "GET /v1/settlements/{id}", verb="settlements show", query=SettlementAt, problems=("not_found",)
)
async def get_settlement(call: Call) -> SettlementDetail:
    """One settlement. With the state of its payout. With `asOf` or `asOfRecorded` as it stood then;
    404 before it was closed."""
    wanted, query = read_query(call.query, SettlementAt, any_names=True)
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    row = await read_batch(call.services.world, call.scope.merchant_id, _settlement_id(call), cut)
    return _shown(SettlementDetail, row)


def _settlement_id(call: Call) -> UUID:
    return call.object_id(noun="settlement", cure="Check the id; see the list of settlements.")


@api(
    "GET /v1/settlements/{id}/lines",
    verb="settlements lines",
    query=LinesQuery,
    answers={200: SettlementLines},
    types=(JSON, CSV),
    problems=("not_found",),
)
async def get_lines(call: Call) -> Reply:
    """Lines of a settlement. Each line is one ledger entry, in this settlement only. With the
    payout counted as negative, all lines add up to 0. With `format=csv`, or `Accept: text/csv`, the
    response is one file with all lines and decimal amounts."""
    wanted, query = read_query(call.query, LinesQuery, "limit", "kind", "format", any_names=True)
    form = form_of_reply(call, wanted.format)
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    after: Any = wanted.after
    batch = await read_batch(call.services.world, call.scope.merchant_id, _settlement_id(call), cut)
    if form == "csv":
        return file_reply(batch_csv(call.services.world, batch), f"settlement-{batch.batch_id}.csv")
    rows = await batch_lines(
        call.services.world.db.reader,
        batch.merchant_id,
        batch.batch_id,
        after=after,
        limit=wanted.limit + 1,
        kind=wanted.kind,
    )
    return Reply(
        page_of(
            SettlementLines,
            rows,
            wanted.limit,
            lambda row: SettlementLine.of(
                row,
                id=line_id(row.posting_id, row.line_no),
                currency=batch.asset,
                booked_date=iso(row.business_at),
                source=row.source_kind,
            ),
            lambda row: line_id(row.posting_id, row.line_no),
        )
    )


def _shown(shape: type[SettlementT], row: Batch) -> SettlementT:
    return shape.of(
        row,
        id=row.batch_id,
        status=row.payout_state or "carried",
        payout_state=shown_state(row.payout_state),
        payout_date=iso_or_null(row.sent_at),
        payment_ref=row.reference,
        total_value=row.amount_units,
        fees=row.fee_units,
        chargeback_fees=row.dispute_fee_units,
        chargebacks=row.dispute_units,
        returns=row.refund_units,
        adjustment=row.adjustment_units,
        reserve=row.reserve_units,
        carried=row.carried_units,
        payout=row.payout_units,
        ledger_page=row.page_to,
        ledger_root=row.root.hex(),
    )
