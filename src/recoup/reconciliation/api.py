"""GET /reconciliation. Source: contract §16.3, §17.1 (U8)."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, field

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import is_digits
from recoup.kernel.time import iso
from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf, read_cut
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply, form_of_reply
from recoup.kit.api import examples
from recoup.kit.api.query import NO_NEXT, Query, read_as, read_query
from recoup.kit.api.wire import AFTER, Members, Moment, NextText, Queried, Shape, Text4, Text64
from recoup.kit.as_of import Cut, Window
from recoup.kit.edge.described import CSV, JSON
from recoup.kit.lists.paging import page_of
from recoup.kit.report_spans import Span, zone_of
from recoup.merchants.flows.as_of import end_of
from recoup.orders.store.movements import MovementLine, Place, movements, report_span
from recoup.settlement.flows.report import balance_of, kind_of, place_of, report_csv, report_totals
from recoup.settlement.flows.settlement_report import line_id

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
Balance = Annotated[
    Literal["card", "wallet"],
    Meta(description="`card`: paid out by settlements; `wallet`: your stablecoins."),
]
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]


class Movement(Shape):
    """One entry of the ledger on your account, with the fee that was booked with it."""

    id: str
    """Posting and number of the entry; the same as in settlements."""
    kind: Kind
    placed_date: Moment | None
    """Time at which the order was placed."""
    booked_date: Moment
    amount: Signed
    fee: Signed
    net: int
    """Minor units: amount plus fee."""
    currency: Text4
    balance: Balance
    order_id: UUID | None
    """Null for entries without an order."""
    external_order_id: str | None
    site_id: UUID | None
    site: str | None
    descriptor: str | None
    settlement_id: UUID | None
    """Null until it is settled."""
    reference: str | None
    """Reference of the processor, channel or bank."""


class MovementTotal(Shape):
    """What one balance moved by in the period, from the ledger itself:
    the sum of all lines' `net`."""

    currency: Text4
    balance: Balance
    kinds: dict[str, int]
    """Minor units by kind; fees are separate."""
    net: int


def _place(query: Query, name: str) -> Place | None:
    text = query.one(name, maximum=64)
    moment, _, rest = text.partition(".")
    posting, _, number = rest.partition(".")
    posting_id = parse_id(posting)
    if posting_id is not None and is_digits(moment, 1, 16) and is_digits(number, 1, 16):
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(moment))
        return Place(at, posting_id, min(int(number), 30_000))
    if text:
        query.complain(name, NO_NEXT)
    return None


def _zone(query: Query, name: str) -> ZoneInfo:
    try:
        return zone_of(query.one(name, maximum=64) or "UTC")
    except Problem as problem:
        query.complain(name, text=problem.sentence())
        return zone_of("UTC")


class ReconciliationQuery(Shape):
    """A period by its ends, or by the id of a report that `reconciliation.ready` told of."""

    from_: Queried | None = field(default=None, name="from")
    """Booked at or after."""
    to: Queried | None = None
    """Booked before. Default: now."""
    id: UUID | None = None
    """`ReconciliationId` of the event, instead of `from` and `to`."""
    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = 100
    after: Annotated[Text64 | None, Meta(description=AFTER, extra=read_as(_place))] = None
    zone: Annotated[Text64 | None, Meta(extra=read_as(_zone))] = None
    """Zone of CSV dates, like America/New_York. Default: UTC."""
    format: Literal["json", "csv"] | None = None
    """`csv`: all lines in one file."""
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Reconciliation(Members):
    """In the order of booking."""

    from_: Moment = field(name="from")
    to: Moment
    totals: list[MovementTotal] | None
    """Totals of the period; first page only."""
    data: list[Movement]
    next: NextText


SPAN_MAX: Final = timedelta(days=400)
_ELSEWHERE: Final = {"pageSize": "limit", "pageNumber": "after"}


api: Final = Api(group="Settlements", scope="reports")


@api(
    "GET /v1/reconciliation",
    query=ReconciliationQuery,
    answers={200: Reconciliation},
    types=(JSON, CSV),
    problems=("not_found",),
    examples=examples.MOVEMENTS,
)
async def get_reconciliation(call: Call) -> Reply:
    """Account movements. Every ledger entry on your account in a period, by booking date: `from` is
    inclusive, `to` is exclusive, both in business time. The `net` of all lines adds up to `totals`,
    to the cent. Page with `limit` and `after` (`next` of the previous page); new bookings do not
    shift pages. With `format=csv`, or `Accept: text/csv`, the response is one file with decimal
    amounts, and dates in `zone` with their offset. With `asOf` or `asOfRecorded` it is the response
    as it was then, byte for byte."""
    wanted, query = read_query(
        call.query, ReconciliationQuery, "limit", "format", elsewhere=_ELSEWHERE
    )
    form, limit = form_of_reply(call, wanted.format), wanted.limit
    begin, end, report_id = wanted.from_, wanted.to, wanted.id
    after: Any = wanted.after
    zone: Any = wanted.zone
    if begin is None and report_id is None and "from" not in query.errors:
        query.complain("from", text="Name the period's first instant, or the id of a report.")
    if report_id is not None and (begin or end):
        query.complain("id", text="Name a report or a period, not both.")
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    world, merchant_id = call.services.world, call.scope.merchant_id
    window = Window(*await _span(call, begin, end, report_id, cut), cut)
    if form == "csv":
        days = f"{window.begin:%Y-%m-%d}-{window.end:%Y-%m-%d}{cut.stamp()}"
        return file_reply(
            report_csv(world, merchant_id, window, zone), f"reconciliation-{days}.csv"
        )
    totals = (
        None
        if after
        else [
            MovementTotal(currency=t.asset, balance=t.balance, kinds=t.kinds, net=t.units)
            for t in await report_totals(world, merchant_id, window)
        ]
    )
    rows = await movements(world.db.reader, merchant_id, window, after, limit + 1)
    shape = partial(Reconciliation, from_=iso(window.begin), to=iso(window.end), totals=totals)
    return Reply(page_of(shape, rows, limit, _movement, lambda row: _text_of(place_of(row))))


async def _span(
    call: Call, begin: datetime | None, end: datetime | None, report_id: Any, cut: Cut
) -> Span:
    """Raises: Problem(not_found) for an unknown report; Problem(invalid) for a period that cannot
    be."""
    world, merchant_id = call.services.world, call.scope.merchant_id
    if report_id is not None:
        span = await report_span(world.db.reader, merchant_id, report_id)
        if span is None:
            raise Problem(
                "not_found", "There is no such report.", cure="Check the id, or name from and to."
            )
        return span
    assert begin is not None
    end = end or await end_of(world, merchant_id, cut)
    if not begin < end <= begin + SPAN_MAX:
        message = (
            f"The period must have its end after its begin, at most {SPAN_MAX.days} days later."
        )
        raise invalid(message, "To", "Ask for less at a time.")
    return begin, end


def _movement(row: MovementLine) -> Movement:
    return Movement.of(
        row,
        id=line_id(row.posting_id, row.line_no),
        kind=kind_of(row.recipe),
        booked_date=iso(row.business_at),
        fee=row.fee_units,
        net=row.units + row.fee_units,
        balance=balance_of(row.place),
        settlement_id=row.batch_id,
    )


def _text_of(place: Place) -> str:
    return f"{round(place.at.timestamp() * 1_000_000)}.{place.posting_id.hex}.{place.line_no}"
