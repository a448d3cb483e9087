"""What the deposits of an order change, under its lock. Repeats change nothing."""

from recoup.features.chains.fold import Key, Outcome
from recoup.moves.change import Change
from recoup.moves.stable.payment import take_payment
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Attempt


def tx_text(tx: bytes) -> str:
    return "0x" + tx.hex()


def follow(change: Change, attempt: Attempt, outcome: Outcome) -> str:
    """Answers the payment's state."""
    if outcome.paid_by is not None:
        return _pay(change, attempt, outcome.paid_by)
    order, seen = change.order, outcome.received + outcome.seen > 0
    if seen and order.stage is Stage.RECEIVED:
        change.step("started", channel=attempt.route)
    elif not seen and order.stage is Stage.PROCESSING and attempt.state == "planned":
        change.step("unseen", channel=attempt.route)
    return attempt.state


def _pay(change: Change, attempt: Attempt, by: Key) -> str:
    settles_to = str(change.order.facts["settles_to"])
    return take_payment(
        change, attempt.attempt_id, approved=True, reference=tx_text(by.tx), code=None, settles_to=settles_to
    )
