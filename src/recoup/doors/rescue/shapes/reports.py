"""Reports by transaction, descriptor, site and campaign. Source: seed 004 (reporting)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.doors.rescue.shapes.as_of import BusinessAsOf, RecordedAsOf
from recoup.doors.rescue.wire import Members, Moment, Shape, Text4, Text64

ROWS_MAX = 1_000
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]
Counted = Annotated[int, Meta(ge=0)]


class Sums(Shape, kw_only=True):
    """What was booked in the period. `net` is the sum of the six amounts before it."""

    currency: Text4
    approved: Signed
    refunded: Signed
    chargebacks: Annotated[int, Meta(description="Minor units: the part of `disputed` that you bear by contract.")]
    fees: Signed
    chargeback_fees: Signed
    adjusted: Signed
    net: Signed
    disputed: Annotated[
        int, Meta(description="Minor units: taken back by issuers and not returned, whoever bears it; not in `net`.")
    ]
    approvals: Counted
    refunds: Counted
    disputes: Counted


class TransactionRow(Sums, kw_only=True):
    """One order. Ids are null in a last row, of what is about no single order."""

    order_id: UUID | None
    external_order_id: str | None
    order_type: Annotated[str | None, Meta(description="`MIT`, `CIT`, or `STABLE` for stablecoin orders.")]
    placed_date: Moment | None
    site_id: UUID | None
    site: str | None
    campaign: Annotated[str | None, Meta(description="Key of the campaign.")]
    descriptor: str | None


class DescriptorRow(Sums, kw_only=True):
    """All orders with this text on customers' statements."""

    descriptor: Annotated[str | None, Meta(description="Null for entries without an order.")]


class SiteRow(Sums, kw_only=True):
    """All orders of a site."""

    site_id: Annotated[UUID | None, Meta(description="Null for entries without an order.")]
    site: str | None
    url: str | None


class CampaignRow(Sums, kw_only=True):
    """All orders of a campaign; those of the site that name none have a row of their own."""

    site_id: Annotated[UUID | None, Meta(description="Null for entries without an order.")]
    site: str | None
    campaign_id: UUID | None
    campaign: Annotated[str | None, Meta(description="Key of the campaign.")]
    name: str | None


class MeansRow(Sums, kw_only=True):
    """All rescued orders whose money was brought by the same means."""

    means: Annotated[
        Literal["link", "new_card", "other_card", "part", "retry", "signal", "merchant"] | None,
        Meta(description="As `By` of order.completed. Null: payments at the checkout, and entries without an order."),
    ]
    share: Annotated[float | None, Meta(description="Percent of what was approved in this currency.")]


class OriginQuery(Shape, kw_only=True):
    """A period of business time, by the date of booking."""

    from_: Annotated[Moment | None, Meta(description="Booked at or after; needed.")] = field(default=None, name="from")
    to: Annotated[Moment | None, Meta(description="Booked before. Default: now.")] = None
    currency: Annotated[Text4 | None, Meta(description="Only this currency.")] = None
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX)] = 100
    after: Annotated[Text64 | None, Meta(description="`next` of the previous page.")] = None
    format: Annotated[Literal["json", "csv"] | None, Meta(description="`csv`: all rows in one file.")] = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Paged(Members, kw_only=True):
    """A page of a report."""

    from_: Moment = field(name="from")
    to: Moment
    totals: Annotated[
        list[Sums] | None, Meta(description="Totals from the ledger, equal to the sum of all rows. First page only.")
    ]
    next: Annotated[str | None, Meta(description="Send it as `after`; null on the last page.")] = None


class Transactions(Paged, kw_only=True):
    """By order."""

    data: list[TransactionRow]


class Descriptors(Paged, kw_only=True):
    """By descriptor."""

    data: list[DescriptorRow]


class MeansReport(Paged, kw_only=True):
    """By means of recovery."""

    data: list[MeansRow]


class SitesReport(Paged, kw_only=True):
    """By site."""

    data: list[SiteRow]


class CampaignsReport(Paged, kw_only=True):
    """By campaign."""

    data: list[CampaignRow]
