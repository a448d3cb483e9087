"""What `EventData` holds for each event, besides Mid, SiteId, Sequence and EventId, which are always there.

Amounts are integers in the currency's minor unit; dates are business time, ISO 8601 in UTC. Nothing here is
about a person: events are kept, and people may be erased. The descriptions are the documentation's text.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Amount = Annotated[int, Meta(ge=0, description="Minor units of the currency.")]
Currency = Annotated[str, Meta(min_length=3, max_length=4, description="ISO 4217 code, or the token's.")]
Status = Annotated[str, Meta(description="The order's status after this, as `statusName` shows it.")]
Attempts = Annotated[int, Meta(ge=0, description="Sends to the card network so far.")]
NextAttemptAt = Annotated[datetime | None, Meta(description="When the next send is due; null: none is planned.")]
CancelReason = Annotated[
    Literal[
        "declined",
        "merchant_cancelled",
        "paid_elsewhere",
        "capture_window",
        "challenge_failed",
        "challenge_timeout",
    ],
    Meta(description="Why the order ended."),
]


class Data(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=False):
    """Every event's data."""


class OrderState(Struct, frozen=True, kw_only=True, rename="pascal"):
    """The order as it stands after the event: whoever keeps the one with the highest `Sequence` has its state."""

    status: Status
    amount: Amount
    refunded_amount: Annotated[Amount, Meta(description="Of all its refunds that were not refused.")]
    currency: Currency
    reason: Annotated[str | None, Meta(description="Why it ended, as `reason` of the order; null: not so.")]
    do_not_retry: Annotated[bool, Meta(description="True: it is not sent again.")]
    expiry_date: Annotated[str | None, Meta(description="When its rescue ends at the latest; as the order tells it.")]


class OrderData(Data, frozen=True, kw_only=True):
    """Every event of an order says where the order stands and what it is about."""

    status: Status
    amount: Amount
    currency: Currency
    order: Annotated[OrderState | UnsetType, Meta(description="The order's state after this event.")] = UNSET


class Completed(OrderData, frozen=True, kw_only=True):
    attempts: Attempts


class Cancelled(OrderData, frozen=True, kw_only=True):
    reason: CancelReason
    attempts: Attempts
    response_code: Annotated[str | None, Meta(description="The last send's answer.")] = None


class Expired(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    expired_at: Annotated[datetime, Meta(description="The expiry that passed.")]


class Refunded(OrderData, frozen=True, kw_only=True):
    refund_id: Annotated[UUID, Meta(description="This refund.")]
    refund_amount: Annotated[Amount, Meta(description="Of this refund.")]
    refunded_amount: Annotated[Amount, Meta(description="Of all refunds of the order that were not refused.")]
    refundable_amount: Annotated[Amount, Meta(description="What is left to refund.")]


class CaptureRequired(OrderData, frozen=True, kw_only=True):
    capture_before: Annotated[datetime, Meta(description="After this the authorisation is released.")]


class ChargebackReceived(OrderData, frozen=True, kw_only=True):
    chargeback_id: Annotated[UUID, Meta(description="This chargeback.")]
    chargeback_amount: Annotated[Amount, Meta(description="What the issuer takes back.")]
    reason_code: Annotated[str | None, Meta(description="The scheme's reason code.")] = None
    respond_by: Annotated[datetime | None, Meta(description="When the answer is due, if one is possible.")] = None


class Challenge(OrderData, frozen=True, kw_only=True):
    challenge_id: Annotated[UUID, Meta(description="The same through presented, attempted, passed, failed.")]
    expires_at: Annotated[datetime | None, Meta(description="When the challenge ends unanswered.")] = None
    asks: Annotated[
        Literal["confirm", "code", "address", "card"], Meta(description="What the customer is asked for.")
    ] = "card"


class Progress(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    next_attempt_at: NextAttemptAt = None


class Held(OrderData, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(description="Why the order waits, in one word.")]
    until: Annotated[datetime | None, Meta(description="When it goes on by itself; null: a person decides.")] = None


class AttemptDeclined(OrderData, frozen=True, kw_only=True):
    attempt_id: Annotated[UUID, Meta(description="The send that was declined.")]
    attempt_number: Annotated[int, Meta(ge=1, description="Counts the order's sends from 1.")]
    response_code: Annotated[str, Meta(description="What the issuer answered.")]
    is_final: Annotated[bool, Meta(description="True: the order ends with this decline.")]
    next_attempt_at: NextAttemptAt = None


class Amended(OrderData, frozen=True, kw_only=True):
    changed: Annotated[Literal["card", "expiry", "retries", "notes"], Meta(description="What the merchant changed.")]


class RefundRefused(OrderData, frozen=True, kw_only=True):
    refund_id: Annotated[UUID, Meta(description="The refund that is not made.")]
    refund_amount: Annotated[Amount, Meta(description="Of that refund.")]
    refunded_amount: Annotated[Amount, Meta(description="Of all refunds of the order that were not refused.")]
    refundable_amount: Annotated[Amount, Meta(description="What is left to refund.")]


class ChargebackClosed(OrderData, frozen=True, kw_only=True):
    chargeback_id: Annotated[UUID, Meta(description="As `payment.chargeback.received` named it.")]
    chargeback_amount: Annotated[Amount, Meta(description="What the issuer took.")]
    outcome: Annotated[Literal["won", "lost"], Meta(description="`won`: the money is back.")]


class Payout(Data, frozen=True, kw_only=True):
    payout_id: Annotated[UUID, Meta(description="This payout.")]
    settlement_id: Annotated[UUID, Meta(description="The settlement that it pays.")]
    status: Annotated[Literal["pending", "completed", "failed", "reversed"], Meta(description="Of the payout.")]
    amount: Amount
    currency: Currency


class SettlementClosed(Data, frozen=True, kw_only=True):
    settlement_id: Annotated[UUID, Meta(description="This settlement.")]
    period_from: Annotated[datetime, Meta(description="Its first instant.")]
    period_to: Annotated[datetime, Meta(description="The instant after its last.")]
    amount: Annotated[int, Meta(description="What is paid out; below zero: what is owed.")]
    currency: Currency
    ledger_root: Annotated[str | None, Meta(description="Root of the last ledger page in it, hex.")] = None


class ReconciliationReady(Data, frozen=True, kw_only=True):
    reconciliation_id: Annotated[UUID, Meta(description="This report: `id` of GET /v1/reconciliation.")]
    period_from: Annotated[datetime, Meta(description="Its first instant.")]
    period_to: Annotated[datetime, Meta(description="The instant after its last.")]
    lines: Annotated[int, Meta(ge=0, description="Movements on your account in it.")]
    differences: Annotated[int, Meta(ge=0, description="Lines of statements that do not match.")]


class UploadCompleted(Data, frozen=True, kw_only=True):
    upload_id: Annotated[UUID, Meta(description="This upload: `id` of GET /v1/uploads.")]
    kind: Annotated[Literal["transmit", "evaluate"], Meta(description="What its rows are.")]
    state: Annotated[Literal["completed", "stopped"], Meta(description="`stopped`: rows were left out on request.")]
    file_name: Annotated[str, Meta(description="As it was sent; empty for a file without a name.")]
    rows: Annotated[int, Meta(ge=0, description="Of the file.")]
    done: Annotated[int, Meta(ge=0, description="Rows that were taken.")]
    refused: Annotated[int, Meta(ge=0, description="Rows that were not; the answers say why.")]


class Application(Data, frozen=True, kw_only=True):
    application_id: Annotated[UUID, Meta(description="This application.")]
    status: Annotated[
        Literal["SUBMITTED", "APPROVED", "DECLINED", "CANCELLED", "CONVERTED"],
        Meta(description="Its status now; `Mid` is the merchant that it becomes, or was to become."),
    ]
    reason: Annotated[str, Meta(description="Why it was declined, in one word; empty otherwise.")] = ""
    external_application_id: Annotated[str | None, Meta(description="The applicant's own name for it.")] = None
