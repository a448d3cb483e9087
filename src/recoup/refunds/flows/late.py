"""Somebody decides about money that pays no order: give it back, keep it, or say that it was
settled outside.

The channel is called by the due work `refund`, as for every refund: intent here, call and outcome
there.
"""

from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.moves.change import Change
from recoup.orders.moves.outgoing import may_go
from recoup.orders.moves.request import ask_second
from recoup.orders.rules.refund_limits import BY_HAND, GIVE_BACK, KEEP
from recoup.refunds.flows.refund_destination import destination
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.moves.late_payment import GIVEN_BACK, decide, pending

NOTE_MAX = 200
_NOTES: Final = {
    BY_HAND: "Say what you did: how, when, and where the money went.",
    KEEP: "Say what the customer got for it.",
}


async def decide_late(
    world: World,
    orders: Orders,
    scope: Scope,
    order_id: UUID,
    act: str,
    note: str = "",
    to_address: str | None = None,
) -> None:
    """Everything that came late and is not decided yet is given back, `to_address` on a chain;
    or with a `note` kept, or settled by hand. A repeat does nothing. It waits for a second person
    where the limits of who does it say so.

    Raises: Problem not_found, wrong_state, forbidden; invalid without a note.
    """
    noting = (
        await destination(world, scope.merchant_id, order_id, to_address)
        if act == GIVE_BACK
        else None
    )
    text = " ".join(note.replace("\0", "").split())[:NOTE_MAX]
    if act in _NOTES and not text:
        raise invalid("The note is empty.", "note", _NOTES[act])

    def work(change: Change) -> None:
        made = _decide(change, act, text or GIVEN_BACK)
        if made is not None and noting is not None:
            if isinstance(noting, Problem):
                raise noting
            noting(change, made)

    await orders.run(work, (scope.merchant_id, order_id), scope, door="stablecoin")


def _decide(change: Change, act: str, note: str) -> UUID | None:
    """The first reversal's id, or the request's that waits for a second person. None: there is
    nothing to decide."""
    units = sum(attempt.units for attempt in pending(change.order, act))
    if units and not may_go(change, units):
        return ask_second(change, units, message=note, items=[{"act": act}]).request_id
    made = decide(change, act, note)
    return made[0].modification_id if made else None
