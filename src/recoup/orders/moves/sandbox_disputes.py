"""The sandbox's dispute cards: when their holder comes back."""

from recoup.networks.magic_disputes import foreseen
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Attempt


def schedule_test_dispute(change: Change, charge: Attempt) -> None:
    """Schedules the dispute of a test card, on a day that is known."""
    row = foreseen(change.order.card.magic if change.order.card else None, charge.units)
    if row is not None:
        change.due("cardholder", change.now + row.after)
