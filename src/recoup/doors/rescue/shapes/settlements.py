"""Settlements: what a merchant is paid, and of what it is made up. Source: contract §16.4, §17.1 (U8)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.doors.rescue.shapes.as_of import BusinessAsOf, RecordedAsOf
from recoup.doors.rescue.wire import Members, Moment, Shape, Text4

PAGE_SIZE_MAX = 500
LINES_MAX = 1_000
Kind = Literal["amount", "fee", "dispute_fee", "dispute", "refund", "adjustment", "reserve", "carried", "payout"]
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]


class Settlement(Shape, kw_only=True):
    """One period in one currency. The amounts add up to the payout."""

    id: UUID
    status: Annotated[
        Literal["carried", "created", "approved", "sent", "paid", "returned"],
        Meta(
            description="Status of the payout; `carried`: there is no payout, and the amount is carried to the "
            "next settlement."
        ),
    ]
    payout_state: Annotated[
        Literal["carried", "scheduled", "approved", "sent", "confirmed", "returned"],
        Meta(
            description="The same as shown on pages: `scheduled`: waiting for approval, nothing was sent; "
            "`confirmed`: the bank confirmed its arrival."
        ),
    ]
    period_from: Moment
    period_to: Annotated[Moment, Meta(description="Exclusive: later bookings are in a later settlement.")]
    closed_date: Moment
    payout_date: Annotated[Moment | None, Meta(description="Time at which it was sent to the bank.")]
    payment_ref: Annotated[str | None, Meta(description="Reference on the bank statement.")]
    currency: Text4
    total_value: Annotated[int, Meta(description="Minor units: approved orders.")]
    fees: Signed
    chargeback_fees: Signed
    chargebacks: Signed
    returns: Signed
    adjustment: Signed
    reserve: Annotated[int, Meta(description="Minor units: released, less held.")]
    carried: Annotated[
        int, Meta(description="Minor units: carried from the previous settlement, less carried to the next.")
    ]
    payout: Annotated[int, Meta(ge=0, description="Minor units: paid to your bank.")]
    lines: Annotated[int, Meta(ge=1, description="Number of lines.")]
    ledger_page: Annotated[int, Meta(description="The last ledger page of the settlement.")]
    ledger_root: Annotated[str, Meta(description="Root of that page (hex), as in `settlement.closed`.")]


class SettlementQuery(Shape, kw_only=True):
    """All are optional."""

    page_number: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 10
    from_: Annotated[Moment | None, Meta(description="Closed at or after.")] = field(default=None, name="from")
    to: Annotated[Moment | None, Meta(description="Closed before.")] = None
    currency: Text4 | None = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementList(Members, kw_only=True):
    """A page of them."""

    page_number: int
    page_size: int
    page_count: int
    total_item_count: Annotated[int, Meta(description="At most 10,000 are counted.")]
    has_previous_page: bool
    has_next_page: bool
    data: list[Settlement]


class SettlementDetail(Settlement, kw_only=True):
    """One, with `success` as every answer."""

    success: bool = True


class SettlementAt(Shape, kw_only=True):
    """At most one of them."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementLine(Shape, kw_only=True):
    """One entry of the ledger on your account. An entry is in one settlement at most."""

    id: Annotated[str, Meta(description="Posting and number of the entry.")]
    kind: Kind
    amount: Signed
    currency: Text4
    order_id: Annotated[UUID | None, Meta(description="Null for entries without an order.")]
    external_order_id: str | None
    site_id: UUID | None
    descriptor: str | None
    placed_date: Annotated[Moment | None, Meta(description="Time at which the order was placed.")]
    booked_date: Moment
    source: Annotated[str, Meta(description="Source of the booking: attempt, refund, dispute, adjustment, batch.")]
    source_id: Annotated[UUID, Meta(description="Id of the source: a refund's line has the refund's id.")]
    note: Annotated[str | None, Meta(description="Reason of an adjustment.")] = None


class LinesQuery(Shape, kw_only=True):
    """All are optional."""

    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = 100
    after: Annotated[str | None, Meta(description="`next` of the previous page.")] = None
    kind: Annotated[Kind | None, Meta(description="Only lines of this kind.")] = None
    format: Annotated[Literal["json", "csv"] | None, Meta(description="`csv`: all lines in one file.")] = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class SettlementLines(Members, kw_only=True):
    """In the order of booking."""

    data: list[SettlementLine]
    next: Annotated[str | None, Meta(description="Send it as `after`; null on the last page.")]
