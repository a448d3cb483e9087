"""Contents of `EventData` for each event, besides Mid, SiteId, Sequence and EventId, which are
always there.

Amounts are integers in the currency's minor unit; dates are business time, ISO 8601 in UTC. Nothing
here is about a person: events are kept, and people may be erased. The descriptions are the
documentation's text: what a field's name does not say.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Amount = Annotated[int, Meta(ge=0)]
Currency = Annotated[str, Meta(min_length=3, max_length=4)]
Attempts = Annotated[int, Meta(ge=0)]
NextAttemptAt = Annotated[datetime | None, Meta(description="`null`: none is planned.")]
PeriodTo = Annotated[datetime, Meta(description="Exclusive.")]
RefundedTotal = Annotated[Amount, Meta(description="Total of all refunds that were not refused.")]
CancelReason = Annotated[
    Literal[
        "declined",
        "merchant_cancelled",
        "paid_elsewhere",
        "capture_window",
        "challenge_failed",
        "challenge_timeout",
        "payer_refused",
        "invoice_credited",
        "invoice_voided",
        "invoice_uncollectible",
        "invoice_gone",
        "subscription_cancelled",
        "subscription_paused",
        "billing_stopped",
    ],
    Meta(description="Why the order ended."),
]


class Data(Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=False):
    """Every event's data."""


class Always(Data, frozen=True, kw_only=True):
    """What every event's data holds besides its own."""

    mid: Annotated[UUID, Meta(description="The merchant.")]
    site_id: UUID | None
    sequence: Annotated[int, Meta(description="Increases within an order, possibly with gaps.")]
    event_id: Annotated[UUID, Meta(description="The same in every delivery.")]


class OrderState(Struct, frozen=True, kw_only=True, rename="pascal"):
    """The order's state after the event. The one
    with the highest `Sequence` is the current state."""

    status: str
    amount: Amount
    refunded_amount: RefundedTotal
    currency: Currency
    reason: Annotated[str | None, Meta(description="Why it ended.")]
    do_not_retry: bool
    expiry_date: Annotated[str | None, Meta(description="Of the rescue.")]


class OrderData(Data, frozen=True, kw_only=True):
    """Every event of an order says where the order stands and what it is about."""

    status: str
    amount: Amount
    currency: Currency
    order: OrderState | UnsetType = UNSET


ByNetworkToken = Annotated[bool | UnsetType, Meta(description="`true`, or absent.")]


class Completed(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    by: Annotated[
        Literal["link", "new_card", "other_card", "part", "retry", "signal", "merchant"]
        | UnsetType,
        Meta(
            description="What brought the money of an MIT: the customer paid by the `link`; a "
            "`new_card`; an "
            "`other_card` on file; a `part`; a `retry`; a `signal`: an attempt at once after an "
            "approval elsewhere; "
            "`merchant`: an attempt that a person requested."
        ),
    ] = UNSET
    by_network_token: ByNetworkToken = UNSET


class Cancelled(OrderData, frozen=True, kw_only=True):
    reason: CancelReason
    attempts: Attempts
    response_code: Annotated[str | None, Meta(description="Of the last attempt.")] = None


class Expired(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    expired_at: datetime


class Refunded(OrderData, frozen=True, kw_only=True):
    refund_id: UUID
    refund_amount: Amount
    refunded_amount: RefundedTotal
    refundable_amount: Amount


class CaptureRequired(OrderData, frozen=True, kw_only=True):
    capture_before: Annotated[datetime, Meta(description="Afterwards the authorisation is voided.")]


class ChargebackReceived(OrderData, frozen=True, kw_only=True):
    chargeback_id: UUID
    chargeback_amount: Amount
    reason_code: Annotated[str | None, Meta(description="The card network's.")] = None
    respond_by: Annotated[datetime | None, Meta(description="Deadline for evidence.")] = None


class ChargebackReversed(OrderData, frozen=True, kw_only=True):
    chargeback_id: UUID
    chargeback_amount: Amount


class EarlyWarningReceived(OrderData, frozen=True, kw_only=True):
    warning_id: UUID
    warned_amount: Amount
    attempt_id: UUID
    attempt_number: int


class Challenge(OrderData, frozen=True, kw_only=True):
    challenge_id: Annotated[UUID, Meta(description="The same in all events of one challenge.")]
    expires_at: Annotated[
        datetime | None, Meta(description="When an unanswered challenge ends.")
    ] = None
    asks: Annotated[
        Literal["confirm", "code", "address", "card"],
        Meta(description="What the customer is asked for."),
    ] = "card"


class Progress(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    next_attempt_at: NextAttemptAt = None


class Held(OrderData, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(description="Why the order waits, in one word.")]
    until: Annotated[datetime | None, Meta(description="`null`: a person decides.")] = None


class AttemptDeclined(OrderData, frozen=True, kw_only=True):
    attempt_id: UUID
    attempt_number: Annotated[int, Meta(ge=1)]
    response_code: str
    is_final: Annotated[bool, Meta(description="Whether this decline ends the order.")]
    next_attempt_at: NextAttemptAt = None
    by_network_token: ByNetworkToken = UNSET


class Amended(OrderData, frozen=True, kw_only=True):
    changed: Annotated[
        Literal["card", "amount", "expiry", "retries", "notes"],
        Meta(
            description="By the merchant; `card` and `amount` also by its invoice at the processor."
        ),
    ]


class PartiallyCollected(OrderData, frozen=True, kw_only=True):
    part_amount: Amount
    collected_amount: Annotated[Amount, Meta(description="All parts so far.")]
    outstanding_amount: Amount
    attempts: Attempts
    by_network_token: ByNetworkToken = UNSET


class RefundRefused(Refunded, frozen=True, kw_only=True):
    """A refund that was refused."""


class RefundFailed(Refunded, frozen=True, kw_only=True):
    instead_id: Annotated[
        UUID, Meta(description="The refund that replaces it and waits for a person.")
    ]


class ChargebackClosed(ChargebackReversed, frozen=True, kw_only=True):
    outcome: Annotated[Literal["won", "lost"], Meta(description="`won`: the money was returned.")]


class Payout(Data, frozen=True, kw_only=True):
    payout_id: UUID
    settlement_id: UUID
    status: Annotated[
        Literal["pending", "completed", "failed", "reversed"],
        Meta(
            description="`pending`: sent to the bank; `completed`: confirmed; `failed`: not paid; "
            "`reversed`: returned after it was confirmed."
        ),
    ]
    amount: Amount
    currency: Currency


class SettlementClosed(Data, frozen=True, kw_only=True):
    settlement_id: UUID
    period_from: datetime
    period_to: PeriodTo
    amount: Annotated[
        int, Meta(description="Of its payout, scheduled, not sent; negative: owed by you.")
    ]
    currency: Currency
    ledger_root: Annotated[str | None, Meta(description="Root of its last ledger page, hex.")] = (
        None
    )


class ReconciliationReady(Data, frozen=True, kw_only=True):
    reconciliation_id: Annotated[UUID, Meta(description="`id` of GET /v1/reconciliation.")]
    period_from: datetime
    period_to: PeriodTo
    lines: Annotated[int, Meta(ge=0, description="Movements on your account.")]
    differences: Annotated[
        int, Meta(ge=0, description="Statement lines that do not match the ledger.")
    ]


class CertificateReady(Data, frozen=True, kw_only=True):
    certificate_id: Annotated[UUID, Meta(description="`id` of GET /v1/reports/certificates.")]
    month: Annotated[str, Meta(description="In UTC: `2026-11`.")]
    acceptor_id: Annotated[str, Meta(description="The merchant account whose limits it is about.")]
    number: Annotated[int, Meta(ge=1, description="More than 1: a correction.")]
    sends: Annotated[int, Meta(ge=0, description="Attempts, as the networks count them.")]
    breaches: Annotated[int, Meta(ge=0, description="Attempts sent against a known limit.")]
    certificate_root: Annotated[str, Meta(description="Root of its file, hex.")]


class UploadCompleted(Data, frozen=True, kw_only=True):
    upload_id: Annotated[UUID, Meta(description="`id` of GET /v1/uploads.")]
    kind: Annotated[Literal["transmit", "evaluate"], Meta(description="What its rows are.")]
    state: Annotated[
        Literal["completed", "stopped"],
        Meta(description="`stopped`: rows were skipped on request."),
    ]
    file_name: str
    rows: Annotated[int, Meta(ge=0)]
    done: Annotated[int, Meta(ge=0, description="Accepted rows.")]
    refused: Annotated[int, Meta(ge=0, description="Refused rows; the answers contain the reason.")]


class Application(Data, frozen=True, kw_only=True):
    application_id: UUID
    status: Annotated[
        Literal["SUBMITTED", "APPROVED", "DECLINED", "CANCELLED", "CONVERTED"],
        Meta(description="Where it stands."),
    ]
    reason: Annotated[str, Meta(description="Why it was declined, in one word.")] = ""
    external_application_id: Annotated[str | None, Meta(description="The applicant's own id.")] = (
        None
    )
