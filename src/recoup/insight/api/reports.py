"""GET /reports/…: by transaction, descriptor, site, campaign and means. Source: seed 004
(reporting)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.kernel.problem import invalid
from recoup.kernel.time import iso
from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf, read_cut
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply, form_of_reply
from recoup.kit.api.query import NO_NEXT, Query, currency_read, read_query
from recoup.kit.api.wire import Members, Moment, NextText, Queried, Shape, Text4, Text64
from recoup.kit.as_of import Window
from recoup.kit.edge.described import CSV, JSON, Example
from recoup.merchants.flows.as_of import end_of
from recoup.reconciliation.flows.origin_reports import (
    AMOUNTS,
    COUNTS,
    ReportRequest,
    place_in,
    report_csv,
    report_page,
)
from recoup.reconciliation.store import origin_reports

ROWS_MAX = 1_000
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]
Counted = Annotated[int, Meta(ge=0)]


class Sums(Shape):
    """What was booked in the period. `net` is the sum of the six amounts before it."""

    currency: Text4
    approved: Signed
    refunded: Signed
    chargebacks: int
    """Minor units: the part of `disputed` that you bear by contract."""
    fees: Signed
    chargeback_fees: Signed
    adjusted: Signed
    net: Signed
    disputed: int
    """Minor units: taken back by issuers and not returned, whoever bears it; not in `net`."""
    approvals: Counted
    refunds: Counted
    disputes: Counted


class TransactionRow(Sums):
    """One order. Ids are null in a last row, of what is about no single order."""

    order_id: UUID | None
    external_order_id: str | None
    order_type: str | None
    """`MIT`, `CIT`, or `STABLE` for stablecoin orders."""
    placed_date: Moment | None
    site_id: UUID | None
    site: str | None
    campaign: str | None
    """Key of the campaign."""
    descriptor: str | None


class DescriptorRow(Sums):
    """All orders with this text on customers' statements."""

    descriptor: str | None
    """Null for entries without an order."""


class SiteRow(Sums):
    """All orders of a site."""

    site_id: UUID | None
    """Null for entries without an order."""
    site: str | None
    url: str | None


class CampaignRow(Sums):
    """All orders of a campaign; those of the site that name none have a row of their own."""

    site_id: UUID | None
    """Null for entries without an order."""
    site: str | None
    campaign_id: UUID | None
    campaign: str | None
    """Key of the campaign."""
    name: str | None


class MeansRow(Sums):
    """All rescued orders whose money was brought by the same means."""

    means: Literal["link", "new_card", "other_card", "part", "retry", "signal", "merchant"] | None
    """As `By` of order.completed. Null: payments at the checkout, and entries without an order."""
    share: float | None
    """Percent of what was approved in this currency."""


class OriginQuery(Shape):
    """A period of business time, by the date of booking."""

    from_: Queried | None = field(default=None, name="from")
    """Booked at or after; needed."""
    to: Queried | None = None
    """Booked before. Default: now."""
    currency: Annotated[Text4 | None, Meta(extra=currency_read("is not known", 16))] = None
    """Only this currency."""
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX)] = 100
    after: Text64 | None = None
    """`next` of the previous page."""
    format: Literal["json", "csv"] | None = None
    """`csv`: all rows in one file."""
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Paged(Members):
    """A page of a report."""

    from_: Moment = field(name="from")
    to: Moment
    totals: list[Sums] | None
    """Totals from the ledger, equal to the sum of all rows. First page only."""
    next: NextText = None


class Transactions(Paged):
    """By order."""

    data: list[TransactionRow]


class Descriptors(Paged):
    """By descriptor."""

    data: list[DescriptorRow]


class MeansReport(Paged):
    """By means of recovery."""

    data: list[MeansRow]


class SitesReport(Paged):
    """By site."""

    data: list[SiteRow]


class CampaignsReport(Paged):
    """By campaign."""

    data: list[CampaignRow]


SPAN_MAX: Final = timedelta(days=400)


async def get_report(report: str, call: Call) -> Reply:
    wanted, query = read_query(call.query, OriginQuery, "limit", "format", "after")
    form, after = form_of_reply(call, wanted.format), _after(query, wanted, report)
    request = await _request(call, query, wanted)
    world, (begin, end, cut) = call.services.world, request.window
    if form == "csv":
        return file_reply(
            report_csv(world, report, request),
            f"{report}-{begin:%Y-%m-%d}-{end:%Y-%m-%d}{cut.stamp()}.csv",
        )
    page = await report_page(world, report, request, after, wanted.limit)
    shape, answer, others = _SHAPES[report]
    totals = None if wanted.after else [Sums(**_sums(row)) for row in page.totals]
    return Reply(
        answer(
            from_=iso(begin),
            to=iso(end),
            totals=totals,
            next=page.next,
            data=[shape.of(row, **_sums(row), **others(row)) for row in page.rows],
        )
    )


async def _request(call: Call, query: Query, wanted: OriginQuery) -> ReportRequest:
    """Raises: Problem(invalid), all complaints at once."""
    begin, end = wanted.from_, wanted.to
    if begin is None and "From" not in query.errors:
        query.complain("from", text="Name the period's first instant.")
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    assert begin is not None
    world, merchant_id = call.services.world, call.scope.merchant_id
    end = end or await end_of(world, merchant_id, cut)
    if not begin < end <= begin + SPAN_MAX:
        message = (
            f"The period must have its end after its begin, at most {SPAN_MAX.days} days later."
        )
        raise invalid(message, "To", "Ask for less at a time.")
    return ReportRequest(merchant_id, Window(begin, end, cut), wanted.currency)


def _after(query: Query, wanted: OriginQuery, report: str) -> Any:
    place = place_in(report, wanted.after or "")
    if wanted.after and place is None:
        query.complain("after", NO_NEXT)
    return place


def _sums(row: origin_reports.Sums) -> dict[str, Any]:
    return {"currency": row.asset} | {name: row.of(name) for name in (*AMOUNTS, *COUNTS)}


def _means(row: origin_reports.MeansSums) -> dict[str, Any]:
    return {"share": float(row.share) if row.share is not None else None}


# The row, the answer, and what a row has under another name than ours.
_SHAPES: Final[dict[str, tuple[type[Sums], type[Any], Callable[[Any], dict[str, Any]]]]] = {
    "transactions": (TransactionRow, Transactions, lambda row: {"campaign": row.key}),
    "descriptors": (DescriptorRow, Descriptors, lambda row: {}),
    "sites": (SiteRow, SitesReport, lambda row: {}),
    "campaigns": (
        CampaignRow,
        CampaignsReport,
        lambda row: {"campaign": row.key, "name": row.campaign},
    ),
    "means": (MeansRow, MeansReport, _means),
}
_TEXT: Final = (
    "From the ledger, by booking date: `from` is inclusive, `to` is exclusive, both in business "
    "time. The rows of "
    "all pages add up to `totals`, to the cent; the other reports of the same period have the same "
    "totals. With "
    "`format=csv`, or `Accept: text/csv`, the response is one file with all rows and decimal "
    "amounts. With `asOf` or "
    "`asOfRecorded` it is the response as it was then, byte for byte."
)
_TITLES: Final = {
    "transactions": "Results by order", "descriptors": "Results by descriptor",
    "sites": "Results by site", "campaigns": "Results by campaign",
    "means": "Results by means of recovery",
}  # fmt: skip


_MONTH: Final = Example("a month", {"from": "2026-03-01T00:00:00Z"})
api: Final = Api(
    group="Reports",
    scope="reports",
    text=_TEXT,
    query=OriginQuery,
    types=(JSON, CSV),
    examples=(_MONTH,),
)
for _report, (_row, _shape, _others) in _SHAPES.items():
    api(f"GET /v1/reports/{_report}", summary=_TITLES[_report], answers={200: _shape})(
        partial(get_report, _report)
    )
