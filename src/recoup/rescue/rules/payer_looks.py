"""A payer's latest answered attempts with one merchant, from what is kept of their payments. Pure.

Counted are the payments that came in declined, our attempts, and what the merchant transmitted of
its own; each once, however often it was told of. An attempt whose answer, or whose instant, nobody
knows says nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from recoup.networks.card import scheme_of
from recoup.networks.codes import answered_code, code_of, read_decline, read_kept
from recoup.networks.decline_code import DeclineCode
from recoup.orders.rules.known import Seen
from recoup.rescue.rules.answer_classes import APPROVED, class_of
from recoup.rescue.rules.facts import LOOKS_MAX

# Two answers of one class to the same payment within it are one attempt, told of twice.
SAME_ATTEMPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PaymentTry:
    attempt_no: int
    state: str
    sent_at: datetime | None
    scheme_code: str | None
    advice_code: str | None
    processor_code: str | None


@dataclass(frozen=True, slots=True)
class PastPayment:
    """An order: `decline` as it came."""

    order_id: UUID
    placed_at: datetime
    decline: Mapping[str, Any] | None
    scheme: str | None
    attempts: list[PaymentTry] | None


@dataclass(frozen=True, slots=True)
class Copy:
    """A transmitted copy of a payment. `order_id`: of an order under the same external id;
    `is_order`: it is a copy of the very payment which that order came from."""

    external_id: str
    transaction_id: str | None
    bin: str | None
    is_declined: bool
    code: str | None
    code_source: str | None
    transacted_at: datetime | None
    order_id: UUID | None
    is_order: bool


def seen_of(orders: Sequence[PastPayment], copies: Sequence[Copy], region: str) -> tuple[Seen, ...]:
    """The latest, oldest first."""
    looks = [look for row in orders for look in _of_order(row, region)]
    looks += _of_copies(looks, copies, region)
    return tuple(sorted(looks, key=lambda look: (look.at, look.tries))[-LOOKS_MAX:])


def answer_of(
    state: str,
    sent_at: datetime,
    scheme: str | None,
    code: DeclineCode | None,
    advice: str | None,
    region: str,
) -> int:
    """The class of an answer to one of our attempts, which was sent and answered. `scheme`: the
    card's."""
    if state == "approved":
        return APPROVED
    return class_of(
        read_decline(
            scheme=scheme or "generic", code=code, advice=advice, on=sent_at.date(), region=region
        )
    )


def _of_order(row: PastPayment, region: str) -> list[Seen]:
    order_id, decline = row.order_id, row.decline or {}
    at = (
        min(datetime.fromisoformat(decline["at"]), row.placed_at)
        if decline.get("at")
        else row.placed_at
    )
    first = read_kept(decline, scheme=row.scheme or "generic", on=at.date(), region=region)
    sent = [
        (attempt.attempt_no, attempt.sent_at, attempt)
        for attempt in row.attempts or ()
        if attempt.sent_at and attempt.state != "not_sent"
    ]
    sent.sort(key=itemgetter(0))
    return [Seen(at, class_of(first), 0, order_id)] + [
        Seen(
            sent_at,
            answer_of(
                attempt.state,
                sent_at,
                row.scheme,
                answered_code(attempt.scheme_code, attempt.processor_code),
                attempt.advice_code,
                region,
            ),
            number,
            order_id,
        )
        for number, (_, sent_at, attempt) in enumerate(sent, start=1)
        if attempt.state in ("approved", "declined")
    ]


def _of_copies(known: Sequence[Seen], copies: Sequence[Copy], region: str) -> list[Seen]:
    by_payment: dict[str, list[Seen]] = defaultdict(list)
    for look in known:
        by_payment[str(look.order_id)].append(look)
    looks, told = [], set()
    dated = [(row.transacted_at, row) for row in copies if row.transacted_at is not None]
    for at, row in sorted(dated, key=itemgetter(0)):
        order_id = row.order_id
        payment = str(order_id) if order_id else f"not sent to us: {row.external_id}"
        transaction = (payment, row.transaction_id) if row.transaction_id else None
        answer = _answer_of_copy(row, at, region)
        again = any(
            look.answer == answer and abs(look.at - at) <= SAME_ATTEMPT
            for look in by_payment[payment]
        )
        if row.is_order or again or transaction in told:
            continue
        if transaction is not None:
            told.add(transaction)
        before = sum(look.at < at for look in by_payment[payment])
        seen = Seen(at, answer, before, order_id)
        by_payment[payment].append(seen)
        looks.append(seen)
    return looks


def _answer_of_copy(row: Copy, at: datetime, region: str) -> int:
    if not row.is_declined:
        return APPROVED
    return class_of(
        read_decline(
            scheme=scheme_of(row.bin or ""),
            code=code_of(row.code_source, row.code),
            on=at.date(),
            region=region,
        )
    )
