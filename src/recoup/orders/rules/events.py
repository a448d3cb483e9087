"""The catalogue of events, and how each is written for a receiver.

Source: contract §14.2 (names), §14.3 (payload), §17.1 U5 and U8 (data, opt-in events, formats).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode
from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import tail
from recoup.kernel.problem import Sentence
from recoup.orders.rules import event_data as shapes
from recoup.orders.rules.signature import http_date, sign, standard_headers

Format = Literal["rescue", "rescue-text", "standard"]


@frozen
class EventKind:
    """`default`: whether an endpoint that names no events gets it; `meaning` is the documentation's
    text. `of`: makes the data of a feature's event from what its fact recorded."""

    name: str
    default: bool
    data: type[shapes.Data]
    meaning: str
    of: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None


_KINDS: Final[Mapping[str, EventKind]] = {
    kind.name: kind
    for kind in (
        EventKind("order.completed", True, shapes.Completed, "The order was approved."),
        EventKind("order.cancelled", True, shapes.Cancelled, "The order ended without payment."),
        EventKind("order.expired", True, shapes.Expired, "It expired before an approval."),
        EventKind("order.refunded", True, shapes.Refunded, "Some or all of it is refunded."),
        EventKind("order.capturerequired", True, shapes.CaptureRequired, "Capture is due."),
        EventKind(
            "payment.chargeback.received",
            True,
            shapes.ChargebackReceived,
            "The issuer charges back.",
        ),
        EventKind(
            "payment.chargeback.reversed",
            True,
            shapes.ChargebackReversed,
            "A chargeback was won: the issuer returned the money.",
        ),
        EventKind(
            "payment.early_warning.received",
            True,
            shapes.EarlyWarningReceived,
            "The issuer reports the payment as fraud: a chargeback may follow.",
        ),
        EventKind("challenge.presented", True, shapes.Challenge, "The customer is asked to act."),
        EventKind(
            "challenge.attempted", True, shapes.Challenge, "The customer acted; no result yet."
        ),
        EventKind("challenge.passed", True, shapes.Challenge, "The customer passed."),
        EventKind("challenge.failed", True, shapes.Challenge, "The customer failed."),
        EventKind(
            "payout.created",
            True,
            shapes.Payout,
            "A payout was sent to the bank, which has not confirmed it yet.",
        ),
        EventKind(
            "payout.updated",
            True,
            shapes.Payout,
            "The bank confirmed, refused or returned a payout.",
        ),
        EventKind("settlement.closed", True, shapes.SettlementClosed, "A settlement is final."),
        EventKind(
            "reconciliation.ready",
            True,
            shapes.ReconciliationReady,
            "A period's report can be fetched.",
        ),
        EventKind(
            "certificate.ready",
            False,
            shapes.CertificateReady,
            "A month's compliance certificate, or its correction, can be fetched.",
        ),
        EventKind("upload.completed", True, shapes.UploadCompleted, "A file was processed."),
        EventKind("order.submitted", False, shapes.Progress, "The order was accepted."),
        EventKind("order.processing", False, shapes.Progress, "Processing started or resumed."),
        EventKind("order.onhold", False, shapes.Held, "It waits."),
        EventKind("order.problem", False, shapes.Held, "A person has to check it."),
        EventKind("attempt.declined", False, shapes.AttemptDeclined, "An attempt was declined."),
        EventKind("order.amended", False, shapes.Amended, "The open order was changed."),
        EventKind(
            "order.partially_collected",
            False,
            shapes.PartiallyCollected,
            "A part of it was collected; the order goes on for the rest.",
        ),
        EventKind("order.refundrefused", False, shapes.RefundRefused, "A refund will not be made."),
        EventKind(
            "order.refundfailed",
            True,
            shapes.RefundFailed,
            "A refund that was made came back: it is owed again.",
        ),
        EventKind(
            "payment.chargeback.closed",
            False,
            shapes.ChargebackClosed,
            "A chargeback was won or lost.",
        ),
        *(
            EventKind(f"application.{word}", False, shapes.Application, meaning)
            for word, meaning in (
                ("submitted", "An application waits for the operator."),
                ("approved", "The operator approved it; the merchant can be created."),
                ("declined", "The operator declined it and says why."),
                ("cancelled", "The applicant or the operator cancelled it."),
                ("converted", "The merchant exists."),
            )
        ),
    )
}
EVENT: Final = Place[EventKind]("event")
CATALOGUE: Final = Extended(_KINDS, EVENT, lambda kind: {kind.name: kind}, "challenge.presented")


@cache
def events_by_default() -> tuple[str, ...]:
    return tuple(kind.name for kind in CATALOGUE.values() if kind.default)


@frozen
class Event:
    """Event, as the outbox keeps it.

    `order_id` and `external_order_id` are None for events about no single order. `sequence` is the
    log's number: it rises within an order and may skip. `business_at` is aware. `data` comes from
    `event_data`. `resent` is True when a person requested it again, not when a delivery is
    repeated.
    """

    event_id: UUID
    merchant_id: UUID
    site_id: UUID | None
    order_id: UUID | None
    external_order_id: str | None
    name: str
    sequence: int
    business_at: datetime
    data: dict[str, Any]
    test_mode: bool
    resent: bool = False


@frozen
class Rendered:
    """A delivery's headers (lower case, content type and signature) and body."""

    headers: dict[str, str]
    body: bytes


def event_data(name: str, **facts: Any) -> dict[str, Any]:
    """The data of an event, checked against its documented shape, ready to be kept and sent.

    Raises: KeyError for an unknown event; TypeError or msgspec.ValidationError when a fact is
    missing, unknown or of the wrong kind.
    """
    kind = CATALOGUE[name]
    plain = msgspec.to_builtins(kind.data(**facts), enc_hook=_refuse)
    msgspec.convert(plain, kind.data)
    return dict(plain)


def rescue_object(event: Event) -> dict[str, Any]:
    """The payload before it is written: also an item of the events list."""
    return {
        "Event": event.name,
        "TimeStamp": timestamp(event.business_at),
        "EventData": full_data(event),
        "ExternalOrderId": event.external_order_id,
        "OrderId": event.order_id,
        "ConfirmationId": tail(event.order_id) if event.order_id else None,
        "IsTestMode": event.test_mode,
        "IsResent": event.resent,
    }


def full_data(event: Event) -> dict[str, Any]:
    """EventData with what every event carries; the event's own data never hides these four."""
    return {
        **event.data,
        "Mid": event.merchant_id,
        "SiteId": event.site_id,
        "Sequence": event.sequence,
        "EventId": event.event_id,
    }


def render_rescue(event: Event) -> bytes:
    return encode(rescue_object(event))


def render_standard(event: Event) -> bytes:
    """Type, timestamp and data as Standard Webhooks suggests; the data is the rescue payload's,
    orders included."""
    data = full_data(event) | {
        "OrderId": event.order_id,
        "ExternalOrderId": event.external_order_id,
    }
    data |= {"IsTestMode": event.test_mode, "IsResent": event.resent}
    return encode({"type": event.name, "timestamp": timestamp(event.business_at), "data": data})


def render(
    event: Event, form: Format, keys_b64: Sequence[str], host: str, nonce: str, now: datetime
) -> Rendered:
    """The whole of one delivery. `now` is wall time, as signatures' dates are; `host` as the
    receiver sees it. The standard format is signed with each of the keys, the others with the
    first.

    Raises: ValueError when a key is not base64.
    """
    if form == "standard":
        body = render_standard(event)
        headers = standard_headers(keys_b64, f"evt_{event.event_id.hex}", now, body)
        return Rendered({"content-type": "application/json", **headers}, body)
    body = render_rescue(event)
    content_type = "text/plain; charset=utf-8" if form == "rescue-text" else "application/json"
    return Rendered(
        {"content-type": content_type, **sign(keys_b64[0], host, nonce, http_date(now), body)}, body
    )


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _refuse(value: object) -> Any:
    if isinstance(value, Sentence):
        return str(value)
    raise TypeError(f"an event cannot carry {type(value).__name__}")
