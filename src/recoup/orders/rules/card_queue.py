"""Queue of a card's orders, which go one after another: while one of them is being sent the others
wait for its answer, and a decline for lack of money rests the card for all of them. Pure; only
under the card's lock.

Of one merchant: what others send of the card is theirs. A payment that the customer makes waits for
nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from recoup.kernel.money import EXPONENTS
from recoup.networks.codes import read_decline
from recoup.networks.decline_code import NETWORK, DeclineCode
from recoup.networks.limits import Send
from recoup.orders.rules.snapshot import Order

ANSWER_WAIT: Final = timedelta(
    minutes=10
)  # a send that stays unanswered for longer holds nobody back
LOOK_AGAIN: Final = timedelta(minutes=1)
ALIKE_FOR: Final = timedelta(days=30)  # the networks' longest window
_DAY: Final = timedelta(days=1)
_SLACK: Final = timedelta(
    hours=1
)  # so that a send that left late does not lose the others the next day's slot


def is_sent_beside(order: Order, now: datetime) -> bool:
    """True when the answer to another order's send of the card is still awaited, and can be."""
    if order.expires_at is not None and order.expires_at <= now + LOOK_AGAIN:
        return False
    return any(send.declined is None and send.at > now - ANSWER_WAIT for send in _beside(order))


def rests_until(order: Order, now: datetime) -> datetime | None:
    """The time when the last decline of another order lets the card be sent again; None where it is
    over, or the order was sent since."""
    own = max(
        (attempt.sent_at for attempt in order.attempts if attempt.sent_at is not None),
        default=order.placed_at,
    )
    declined = [
        send for send in _beside(order) if send.klass == "funds" and send.declined and send.at > own
    ]
    last = max(declined, key=lambda send: send.at, default=None)
    until = last.at + _wait(order, last) if last is not None else now
    return until if until > now else None


def sends_beside(order: Order) -> int:
    """Counts the sends of the order's card by other orders since it was placed."""
    return sum(send.at > order.placed_at for send in _beside(order))


def alike(order: Order, now: datetime) -> Send | None:
    """The newest decline that the merchant reported of another order of the card for nearly the
    same amount, of less than one whole unit of the currency between them: networks take a changed
    amount for a way around their limits."""
    whole = 10 ** EXPONENTS.get(order.asset, 0)
    near = [
        send.send
        for send in order.sends
        if send.send.declined
        and send.send.currency == order.asset
        and send.send.merchant_id == str(order.merchant_id)
        if 0 < abs(send.send.units - order.units) < whole
        and send.send.claimed
        and send.send_id != order.order_id
    ]
    return max(
        (send for send in near if send.at > now - ALIKE_FOR), key=lambda send: send.at, default=None
    )


def _beside(order: Order) -> Iterator[Send]:
    if order.kind != "mit_managed":
        return
    own = {attempt.attempt_id for attempt in order.attempts}
    for card_send in order.sends:
        send = card_send.send
        is_ours = send.merchant_id == str(order.merchant_id) and not send.claimed
        if is_ours and send.initiator == "merchant" and card_send.send_id not in own:
            yield send


def _wait(order: Order, send: Send) -> timedelta:
    reading = read_decline(
        scheme=order.card.scheme if order.card else "generic",
        code=DeclineCode(NETWORK, send.code) if send.code else None,
        advice=send.advice,
        on=send.at.date(),
        region=order.region(),
    )
    wait = timedelta(hours=reading.min_wait_hours or 0)
    return wait - _SLACK if wait >= _DAY and not reading.wait_by_rule else wait
