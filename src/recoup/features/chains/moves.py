"""What the deposits of an order change, under its lock. Repeats change nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from recoup.features.chains.fold import Key, Outcome
from recoup.moves.change import Change
from recoup.moves.stable.payment import take_payment
from recoup.moves.stable.sweep import close_settlement
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Attempt


class Sweep(NamedTuple):
    """What the factory paid, at a depth that is certain. Base units."""

    tx: bytes
    to_merchant: int
    to_treasury: int


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
        change,
        attempt.attempt_id,
        approved=True,
        reference=tx_text(by.tx),
        code=None,
        settles_to=settles_to,
        still_pays=True,
    )


def settled(change: Change, sweeps: Sequence[Sweep], net: int) -> None:
    """The order's money is at its merchant once the factory has paid so much, by whoever's sweep. `net`: base units."""
    total, last = 0, None
    for sweep in sweeps:
        total, last = total + sweep.to_merchant, sweep if last is None and total + sweep.to_merchant >= net else last
    for settlement in change.order.settlements:
        if last is not None and settlement.state in ("pending", "broadcast"):
            change.set_settlement(settlement, state="broadcast")
            close_settlement(change, settlement.settlement_id, "approved", tx_hash=tx_text(last.tx), code=None)
