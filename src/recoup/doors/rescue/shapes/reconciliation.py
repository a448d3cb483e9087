"""What moved on a merchant's account. Source: contract §16.3, §17.1 (U8)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.doors.rescue.shapes.as_of import BusinessAsOf, RecordedAsOf
from recoup.doors.rescue.wire import Members, Moment, Shape, Text4, Text64

LINES_MAX = 1_000
Kind = Literal["amount", "fee", "dispute_fee", "dispute", "refund", "adjustment", "reserve", "carried", "payout"]
Balance = Annotated[
    Literal["card", "wallet"], Meta(description="`card`: paid out by settlements; `wallet`: your stablecoins.")
]
Signed = Annotated[int, Meta(description="Minor units; positive is in your favour.")]


class Movement(Shape, kw_only=True):
    """One entry of the ledger on your account, with the fee that was booked with it."""

    id: Annotated[str, Meta(description="Posting and number of the entry; the same as in settlements.")]
    kind: Kind
    placed_date: Annotated[Moment | None, Meta(description="Time at which the order was placed.")]
    booked_date: Moment
    amount: Signed
    fee: Signed
    net: Annotated[int, Meta(description="Minor units: amount plus fee.")]
    currency: Text4
    balance: Balance
    order_id: Annotated[UUID | None, Meta(description="Null for entries without an order.")]
    external_order_id: str | None
    site_id: UUID | None
    site: str | None
    descriptor: str | None
    settlement_id: Annotated[UUID | None, Meta(description="Null until it is settled.")]
    reference: Annotated[str | None, Meta(description="Reference of the processor, channel or bank.")]


class MovementTotal(Shape, kw_only=True):
    """What one balance moved by in the period, from the ledger itself: the sum of all lines' `net`."""

    currency: Text4
    balance: Balance
    kinds: Annotated[dict[str, int], Meta(description="Minor units by kind; fees are separate.")]
    net: int


class ReconciliationQuery(Shape, kw_only=True):
    """A period by its ends, or by the id of a report that `reconciliation.ready` told of."""

    from_: Annotated[Moment | None, Meta(description="Booked at or after.")] = field(default=None, name="from")
    to: Annotated[Moment | None, Meta(description="Booked before. Default: now.")] = None
    id: Annotated[UUID | None, Meta(description="`ReconciliationId` of the event, instead of `from` and `to`.")] = None
    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = 100
    after: Annotated[Text64 | None, Meta(description="`next` of the previous page.")] = None
    zone: Annotated[Text64 | None, Meta(description="Zone of CSV dates, like America/New_York. Default: UTC.")] = None
    format: Annotated[Literal["json", "csv"] | None, Meta(description="`csv`: all lines in one file.")] = None
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Reconciliation(Members, kw_only=True):
    """In the order of booking."""

    from_: Moment = field(name="from")
    to: Moment
    totals: Annotated[list[MovementTotal] | None, Meta(description="Totals of the period; first page only.")]
    data: list[Movement]
    next: Annotated[str | None, Meta(description="Send it as `after`; null on the last page.")]
