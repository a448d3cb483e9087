"""An order that only its customer can cure: why, what to do, and until when its payment link works."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recoup.doors.portal.order.last_decision import last_plan
from recoup.kernel.sentence import Sentence
from recoup.rules.network.reasons import REASONS, cure_of, only_waits
from recoup.rules.order.lifecycle import Stage
from recoup.store.orders.order_page import OrderPage

_EXPIRED: Final = "the card has expired"


@dataclass(frozen=True, slots=True)
class Awaited:
    """`link_until`: None where no payment link is open."""

    title: Sentence
    cure: str
    link_until: datetime | None


def awaited(page: OrderPage, now: datetime) -> Awaited | None:
    """None where an attempt is planned or waiting is the cure, and of an order whose attempts were stopped."""
    last = last_plan(page)
    if page.order.stage is not Stage.PROCESSING or page.head.next_attempt_at or page.order.do_not_retry or last is None:
        return None
    reading = last.features.get("reading") or {}
    reason, klass = reading.get("reason", ""), reading.get("klass", "")
    if reason not in REASONS or reading.get("retry") == "yes" or only_waits(reason, klass):
        return None
    why = _EXPIRED if reason == "expired_card" and _is_past(page, now) else REASONS[reason][0]
    return Awaited(
        Sentence("Waiting for the customer: {0}", why),
        cure_of(reason, klass),
        page.challenge.expires_at if page.challenge is not None else None,
    )


def _is_past(page: OrderPage, now: datetime) -> bool:
    """Uses the card's expiry date if it is known, otherwise the decline code."""
    card = page.card
    return card is None or card.exp_year is None or (card.exp_year, card.exp_month) < (now.year, now.month)
