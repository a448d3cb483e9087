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
Status = Annotated[str, Meta(description="The order's status after the event, as in `statusName`.")]
Attempts = Annotated[int, Meta(ge=0, description="Number of attempts so far.")]
NextAttemptAt = Annotated[datetime | None, Meta(description="Time of the next attempt; null if none is planned.")]
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
    """The order's state after the event. The one with the highest `Sequence` is the current state."""

    status: Status
    amount: Amount
    refunded_amount: Annotated[Amount, Meta(description="Total of all refunds that were not refused.")]
    currency: Currency
    reason: Annotated[str | None, Meta(description="Why it ended, as `reason` of the order; else null.")]
    do_not_retry: Annotated[bool, Meta(description="True: no further attempts are made.")]
    expiry_date: Annotated[str | None, Meta(description="Expiry of the rescue, as in the order.")]


class OrderData(Data, frozen=True, kw_only=True):
    """Every event of an order says where the order stands and what it is about."""

    status: Status
    amount: Amount
    currency: Currency
    order: Annotated[OrderState | UnsetType, Meta(description="The order's state after this event.")] = UNSET


ByNetworkToken = Annotated[
    bool | UnsetType, Meta(description="True: the attempt went by the card's network token; else absent.")
]


class Completed(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    by: Annotated[
        Literal["link", "new_card", "other_card", "part", "retry", "signal", "merchant"] | UnsetType,
        Meta(
            description="What brought the money of an MIT. `link`: the customer paid by the link; `new_card`: a try of "
            "a card that came later; `other_card`: a try of another card on file; `part`: it was collected in parts; "
            "`signal`: a try at once after an approval elsewhere; `merchant`: a try that a person requested; `retry`: "
            "any other try."
        ),
    ] = UNSET
    by_network_token: ByNetworkToken = UNSET


class Cancelled(OrderData, frozen=True, kw_only=True):
    reason: CancelReason
    attempts: Attempts
    response_code: Annotated[str | None, Meta(description="Response code of the last attempt.")] = None


class Expired(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    expired_at: Annotated[datetime, Meta(description="Time of the expiry.")]


class Refunded(OrderData, frozen=True, kw_only=True):
    refund_id: Annotated[UUID, Meta(description="Id of the refund.")]
    refund_amount: Annotated[Amount, Meta(description="Amount of this refund.")]
    refunded_amount: Annotated[Amount, Meta(description="Total of all refunds that were not refused.")]
    refundable_amount: Annotated[Amount, Meta(description="Amount that can still be refunded.")]


class CaptureRequired(OrderData, frozen=True, kw_only=True):
    capture_before: Annotated[datetime, Meta(description="The authorisation is voided after this time.")]


class ChargebackReceived(OrderData, frozen=True, kw_only=True):
    chargeback_id: Annotated[UUID, Meta(description="Id of the chargeback.")]
    chargeback_amount: Annotated[Amount, Meta(description="Disputed amount.")]
    reason_code: Annotated[str | None, Meta(description="The card network's reason code.")] = None
    respond_by: Annotated[datetime | None, Meta(description="Deadline for evidence, if evidence is possible.")] = None


class ChargebackReversed(OrderData, frozen=True, kw_only=True):
    chargeback_id: Annotated[UUID, Meta(description="Id of the chargeback, as in `payment.chargeback.received`.")]
    chargeback_amount: Annotated[Amount, Meta(description="Amount that the issuer returned.")]


class EarlyWarningReceived(OrderData, frozen=True, kw_only=True):
    warning_id: Annotated[UUID, Meta(description="Id of the warning; the same warning is sent once.")]
    warned_amount: Annotated[Amount, Meta(description="Amount of the payment that was reported.")]
    attempt_id: Annotated[UUID, Meta(description="Id of the attempt that was reported.")]
    attempt_number: Annotated[int, Meta(description="Number of that attempt within the order.")]


class Challenge(OrderData, frozen=True, kw_only=True):
    challenge_id: Annotated[UUID, Meta(description="The same in all events of one challenge.")]
    expires_at: Annotated[datetime | None, Meta(description="Time at which an unanswered challenge ends.")] = None
    asks: Annotated[
        Literal["confirm", "code", "address", "card"], Meta(description="The action requested from the customer.")
    ] = "card"


class MandateRevoked(OrderData, frozen=True, kw_only=True):
    scope: Annotated[
        Literal["payment", "agreement", "all"],
        Meta(
            description="What the customer revoked. `payment` (R0) and `agreement` (R1, advice 21): orders of the same "
            "agreement and card end; `all` (R3): all orders with that card that you start."
        ),
    ]
    response_code: Annotated[str, Meta(description="R0, R1, R3, or MAC 21 for advice 21.")]
    subscription_id: Annotated[
        str | None, Meta(description="Your id of the agreement; null: it was not named, and cannot be told apart.")
    ] = None
    revoked_at: Annotated[datetime, Meta(description="Time of the decline that said so.")]


class Progress(OrderData, frozen=True, kw_only=True):
    attempts: Attempts
    next_attempt_at: NextAttemptAt = None


class Held(OrderData, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(description="Why the order waits, in one word.")]
    until: Annotated[datetime | None, Meta(description="Time at which it resumes; null: a person decides.")] = None


class AttemptDeclined(OrderData, frozen=True, kw_only=True):
    attempt_id: Annotated[UUID, Meta(description="Id of the declined attempt.")]
    attempt_number: Annotated[int, Meta(ge=1, description="Number of the attempt, from 1.")]
    response_code: Annotated[str, Meta(description="Response code of the issuer.")]
    is_final: Annotated[bool, Meta(description="True: this decline ends the order.")]
    next_attempt_at: NextAttemptAt = None
    by_network_token: ByNetworkToken = UNSET


class Amended(OrderData, frozen=True, kw_only=True):
    changed: Annotated[Literal["card", "expiry", "retries", "notes"], Meta(description="What the merchant changed.")]


class PartiallyCollected(OrderData, frozen=True, kw_only=True):
    part_amount: Annotated[Amount, Meta(description="Amount of this part.")]
    collected_amount: Annotated[Amount, Meta(description="Total of all parts so far.")]
    outstanding_amount: Annotated[Amount, Meta(description="What is still owed.")]
    attempts: Attempts
    by_network_token: ByNetworkToken = UNSET


class RefundRefused(OrderData, frozen=True, kw_only=True):
    refund_id: Annotated[UUID, Meta(description="Id of the refused refund.")]
    refund_amount: Annotated[Amount, Meta(description="Amount of that refund.")]
    refunded_amount: Annotated[Amount, Meta(description="Total of all refunds that were not refused.")]
    refundable_amount: Annotated[Amount, Meta(description="Amount that can still be refunded.")]


class RefundFailed(OrderData, frozen=True, kw_only=True):
    refund_id: Annotated[UUID, Meta(description="Id of the refund that failed.")]
    instead_id: Annotated[UUID, Meta(description="Id of the refund that stands for it and waits for a person.")]
    refund_amount: Annotated[Amount, Meta(description="Amount of that refund.")]
    refunded_amount: Annotated[Amount, Meta(description="Total of all refunds that were not refused, this included.")]
    refundable_amount: Annotated[Amount, Meta(description="Amount that can still be refunded.")]


class ChargebackClosed(OrderData, frozen=True, kw_only=True):
    chargeback_id: Annotated[UUID, Meta(description="Id of the chargeback, as in `payment.chargeback.received`.")]
    chargeback_amount: Annotated[Amount, Meta(description="Disputed amount.")]
    outcome: Annotated[Literal["won", "lost"], Meta(description="`won`: the money was returned.")]


class Payout(Data, frozen=True, kw_only=True):
    payout_id: Annotated[UUID, Meta(description="Id of the payout.")]
    settlement_id: Annotated[UUID, Meta(description="Id of its settlement.")]
    status: Annotated[
        Literal["pending", "completed", "failed", "reversed"],
        Meta(
            description="`pending`: sent to the bank, not confirmed yet; `completed`: confirmed; `failed`: not paid; "
            "`reversed`: returned after it was confirmed."
        ),
    ]
    amount: Amount
    currency: Currency


class SettlementClosed(Data, frozen=True, kw_only=True):
    settlement_id: Annotated[UUID, Meta(description="Id of the settlement.")]
    period_from: Annotated[datetime, Meta(description="Start of the period, inclusive.")]
    period_to: Annotated[datetime, Meta(description="End of the period, exclusive.")]
    amount: Annotated[
        int, Meta(description="Amount of its payout, which is scheduled, not sent; negative: amount owed by you.")
    ]
    currency: Currency
    ledger_root: Annotated[str | None, Meta(description="Root of its last ledger page, hex.")] = None


class ReconciliationReady(Data, frozen=True, kw_only=True):
    reconciliation_id: Annotated[UUID, Meta(description="Id of the report: `id` of GET /v1/reconciliation.")]
    period_from: Annotated[datetime, Meta(description="Start of the period, inclusive.")]
    period_to: Annotated[datetime, Meta(description="End of the period, exclusive.")]
    lines: Annotated[int, Meta(ge=0, description="Movements on your account in the period.")]
    differences: Annotated[int, Meta(ge=0, description="Statement lines that do not match the ledger.")]


class CertificateReady(Data, frozen=True, kw_only=True):
    certificate_id: Annotated[UUID, Meta(description="Id of the certificate: `id` of GET /v1/reports/certificates.")]
    month: Annotated[str, Meta(description="Its month, UTC: `2026-11`.")]
    acceptor_id: Annotated[str, Meta(description="The acceptor whose limits it is about.")]
    number: Annotated[int, Meta(ge=1, description="1, or more for a correction.")]
    sends: Annotated[int, Meta(ge=0, description="Sends of the month, as the networks count them.")]
    breaches: Annotated[int, Meta(ge=0, description="Sends that left against a limit that was known.")]
    certificate_root: Annotated[str, Meta(description="Root of its file, hex.")]


class UploadCompleted(Data, frozen=True, kw_only=True):
    upload_id: Annotated[UUID, Meta(description="Id of the upload: `id` of GET /v1/uploads.")]
    kind: Annotated[Literal["transmit", "evaluate"], Meta(description="Kind of its rows.")]
    state: Annotated[Literal["completed", "stopped"], Meta(description="`stopped`: rows were skipped on request.")]
    file_name: Annotated[str, Meta(description="File name as sent; empty without one.")]
    rows: Annotated[int, Meta(ge=0, description="Rows in the file.")]
    done: Annotated[int, Meta(ge=0, description="Accepted rows.")]
    refused: Annotated[int, Meta(ge=0, description="Refused rows; the answers contain the reason.")]


class Application(Data, frozen=True, kw_only=True):
    application_id: Annotated[UUID, Meta(description="Id of the application.")]
    status: Annotated[
        Literal["SUBMITTED", "APPROVED", "DECLINED", "CANCELLED", "CONVERTED"],
        Meta(description="Current status; `Mid` is the id of the merchant to be created."),
    ]
    reason: Annotated[str, Meta(description="Why it was declined, in one word; empty otherwise.")] = ""
    external_application_id: Annotated[str | None, Meta(description="The applicant's own id.")] = None
