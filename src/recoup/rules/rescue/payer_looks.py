"""A payer's latest answered attempts with one merchant, from what is kept of their payments. Pure.

Counted are the payments that came in declined, our attempts, and what the merchant transmitted of its own; each once,
however often it was told of. An attempt whose answer, or whose instant, nobody knows says nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.rules.network.card import scheme_of
from recoup.rules.network.codes import read_decline
from recoup.rules.order.known import Seen
from recoup.rules.rescue.engine.classes import APPROVED, class_of
from recoup.rules.rescue.engine.facts import LOOKS_MAX

# Two answers of one class to the same payment within it are one attempt, told of twice.
SAME_ATTEMPT: Final = timedelta(minutes=1)
Row = Mapping[str, Any]


def seen_of(orders: Sequence[Row], copies: Sequence[Row], region: str) -> tuple[Seen, ...]:
    """The latest, oldest first.

    `orders`: order_id, placed_at, scheme, decline as it came, and `attempts` as they are stored. `copies`: what was
    transmitted, with the `order_id` of an order under the same external id, and `is_order`, whether it is a copy of the
    very payment which that order came from.
    """
    found = [one for row in orders for one in _of_order(row, region)]
    found += _of_copies(found, copies, region)
    return tuple(sorted(found, key=lambda one: (one.at, one.tries))[-LOOKS_MAX:])


def answer_of(
    state: str, sent_at: datetime, scheme: str | None, code: str | None, advice: str | None, region: str
) -> int:
    """The class of an answer to one of our attempts, which was sent and answered. `scheme`: the card's."""
    if state == "approved":
        return APPROVED
    return class_of(
        read_decline(
            scheme=scheme or "generic",
            source=None,
            code=code,
            text=None,
            advice=advice,
            on=sent_at.date(),
            region=region,
        )
    )


def _of_order(row: Row, region: str) -> list[Seen]:
    order_id, placed_at, decline = UUID(str(row["order_id"])), _moment(row["placed_at"]), row["decline"] or {}
    at = min(_moment(decline["at"]), placed_at) if decline.get("at") else placed_at
    first = read_decline(
        scheme=row["scheme"] or "generic",
        source=decline.get("source"),
        code=decline.get("code"),
        text=decline.get("text"),
        advice=decline.get("advice"),
        on=at.date(),
        region=region,
    )
    sent = [one for one in row["attempts"] or () if one["sent_at"] is not None and one["state"] != "not_sent"]
    return [Seen(at, class_of(first), 0, order_id)] + [
        Seen(_moment(one["sent_at"]), _answer_to(one, row["scheme"], region), number, order_id)
        for number, one in enumerate(sorted(sent, key=lambda one: one["attempt_no"]), start=1)
        if one["state"] in ("approved", "declined")
    ]


def _answer_to(attempt: Row, scheme: str | None, region: str) -> int:
    code = attempt["scheme_code"] or attempt["processor_code"]
    return answer_of(attempt["state"], _moment(attempt["sent_at"]), scheme, code, attempt["advice_code"], region)


def _of_copies(known: Sequence[Seen], copies: Sequence[Row], region: str) -> list[Seen]:
    by_payment: dict[str, list[Seen]] = defaultdict(list)
    for one in known:
        by_payment[str(one.order_id)].append(one)
    found, told = [], set()
    for row in sorted((row for row in copies if row["transacted_at"] is not None), key=_transacted_at):
        at, order_id = _transacted_at(row), row["order_id"]
        payment = str(order_id) if order_id else f"not sent to us: {row['external_id']}"
        transaction = (payment, row["transaction_id"]) if row["transaction_id"] else None
        answer = _answer_of_copy(row, region)
        again = any(one.answer == answer and abs(one.at - at) <= SAME_ATTEMPT for one in by_payment[payment])
        if row["is_order"] or again or transaction in told:
            continue
        if transaction is not None:
            told.add(transaction)
        before = sum(one.at < at for one in by_payment[payment])
        seen = Seen(at, answer, before, UUID(str(order_id)) if order_id else None)
        by_payment[payment].append(seen)
        found.append(seen)
    return found


def _answer_of_copy(row: Row, region: str) -> int:
    if not row["is_declined"]:
        return APPROVED
    return class_of(
        read_decline(
            scheme=scheme_of(row["bin"] or ""),
            source=row["code_source"],
            code=row["code"],
            text=None,
            advice=None,
            on=_transacted_at(row).date(),
            region=region,
        )
    )


def _transacted_at(row: Row) -> datetime:
    return _moment(row["transacted_at"])


def _moment(told: datetime | str) -> datetime:
    return datetime.fromisoformat(told) if isinstance(told, str) else told
