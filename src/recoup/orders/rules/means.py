"""Means that brought the money of a rescued order: a link, another card, or which of the attempts.
Pure."""

from typing import Any, Final, Literal, get_args

from recoup.networks.challenge import PURPOSE
from recoup.orders.rules.snapshot import Attempt, Order

Means = Literal["link", "new_card", "other_card", "part", "retry", "signal", "merchant"]
MEANS: Final[tuple[Means, ...]] = get_args(Means)
_CARDS: Final[tuple[Means, ...]] = ("new_card", "other_card")
_REQUESTS: Final[tuple[Means, ...]] = ("signal", "merchant")


def means_of(order: Order, attempt: Attempt) -> Means | None:
    """The means of an attempt that was approved; None where a customer was at the checkout. A card
    that came later, with the link or from the merchant, keeps its credit for the attempts that
    follow with it; what was collected in parts says so, whatever brought the rest."""
    if order.by_customer:
        return None
    if len(order.charges()) > 1:
        return "part"
    if attempt.ladder == PURPOSE:
        return "link"
    requested = next((request for request in _REQUESTS if request == attempt.when_due), None)
    if requested is not None:
        return requested
    until = sorted(
        (earlier for earlier in order.attempts if earlier.attempt_no <= attempt.attempt_no),
        key=_number,
        reverse=True,
    )
    cards = (card for earlier in until for card in _CARDS if earlier.when_due == card)
    return next(cards, "new_card" if set(order.cards_before) - order.typed_once else "retry")


def on_other_card(order: Order) -> bool:
    """True when the order goes on with a card that another order of the customer brought."""
    return any(attempt.when_due == "other_card" for attempt in order.attempts)


def by_means(order: Order, attempt: Attempt) -> dict[str, Any]:
    """The means, for the log's line of the approval."""
    means = means_of(order, attempt)
    return {"by": means} if means is not None else {}


def requested_means(attempt: Attempt) -> Means | None:
    """The reason why the attempt is sent outside the plan, kept when it could not be sent and is
    planned again."""
    return next((means for means in MEANS if means == attempt.when_due), None)


def _number(attempt: Attempt) -> int:
    return attempt.attempt_no
