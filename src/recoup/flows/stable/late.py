"""Somebody decides about money that pays no order: give it back, keep it, or say that it was settled outside.

The channel is called by the due work `refund`, as for every refund: intent here, call and outcome there.
"""

from uuid import UUID

from recoup.flows.locked import Orders
from recoup.flows.refund_destination import destination
from recoup.flows.world import World
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.moves.change import Change
from recoup.moves.stable import late_payment as late_payments

NOTE_MAX = 200


async def give_back(world: World, orders: Orders, scope: Scope, order_id: UUID, to_address: str | None = None) -> None:
    """Everything that came late and is not given back yet; a repeat does nothing. `to_address`: where it goes, on a
    chain.

    Raises: Problem not_found, wrong_state, invalid.
    """
    noting = await destination(world, scope.merchant_id, order_id, to_address)

    def work(change: Change) -> None:
        made = late_payments.give_back(change)
        if made and isinstance(noting, Problem):
            raise noting
        for reversal in made:
            if noting is not None and not isinstance(noting, Problem):
                noting(change, reversal.modification_id)

    await orders.run(work, (scope.merchant_id, order_id), scope, door="stablecoin")


async def settle_by_hand(orders: Orders, scope: Scope, order_id: UUID, note: str) -> None:
    """`note`: what was done, kept with the order. A repeat does nothing.

    Raises: Problem not_found, wrong_state, invalid without a note.
    """
    text = _said(note, "Say what you did: how, when, and where the money went.")
    key = (scope.merchant_id, order_id)
    await orders.run(lambda change: late_payments.settle_by_hand(change, text), key, scope, door="stablecoin")


async def keep(orders: Orders, scope: Scope, order_id: UUID, note: str) -> None:
    """The merchant's from here on. `note`: what the payer got for it, kept with the order. A repeat does nothing.

    Raises: Problem not_found, wrong_state, invalid without a note.
    """
    text = _said(note, "Say what the payer got for it.")
    key = (scope.merchant_id, order_id)
    await orders.run(lambda change: late_payments.keep(change, text), key, scope, door="stablecoin")


def _said(note: str, cure: str) -> str:
    text = " ".join(note.replace("\0", "").split())[:NOTE_MAX]
    if not text:
        raise invalid("The note is empty.", "note", cure)
    return text
