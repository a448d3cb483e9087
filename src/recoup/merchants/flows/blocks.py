"""A merchant sells no more to a customer or a card, and takes that back. A change of its settings,
as switches are."""

from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.rules.blocks import STANDING_MAX, check_block
from recoup.merchants.store.blocks import (
    block_of,
    count_blocks,
    insert_block,
    lift_block,
    subjects_of_order,
)
from recoup.merchants.store.sites import raise_version

_NOBODY = {
    "customer": "Nobody is named as this order's customer.",
    "card": "This order was not paid by a card.",
}


async def block_of_order(
    world: World, scope: Scope, order_id: UUID, kind: str, reason: str
) -> bool:
    """The customer or the card of this order. False when they are blocked already.

    Raises: Problem invalid, not_found, wrong_state.
    """
    check_block(kind, reason)
    subjects = await subjects_of_order(world.db, scope.merchant_id, order_id)
    if kind not in subjects:
        raise Problem(
            "wrong_state", _NOBODY[kind], cure="Choose what the order has: a customer or a card."
        )
    return await block(world, scope, kind, subjects[kind], reason, order_id=order_id)


async def block(
    world: World,
    scope: Scope,
    kind: str,
    subject_id: UUID,
    reason: str,
    *,
    order_id: UUID | None = None,
) -> bool:
    """Blocks a subject; False when it is blocked already. Holds for what is admitted from the
    commit on, and for each send that begins after it; an attempt that is out is not called back.

    Raises: Problem invalid, not_found, wrong_state.
    """
    check_block(kind, reason)
    async with world.db.transaction() as tx:
        now = world.clocks.business(await known_offset(tx, scope.merchant_id))
        await raise_version(tx, scope.merchant_id)
        made = await insert_block(
            tx,
            scope.merchant_id,
            new_id(),
            kind,
            subject_id,
            reason,
            order_id,
            scope.actor.text(),
            now,
        )
        if made and await count_blocks(tx, scope.merchant_id) > STANDING_MAX:
            raise Problem(
                "wrong_state",
                Sentence(
                    "At most {0} customers and cards are blocked at once.", figure(STANDING_MAX)
                ),
                cure="Unblock some first.",
            )
        if made:
            of = {"order": str(order_id)} if order_id else {}
            await note(
                tx,
                scope,
                world.clocks.wall(),
                "block.made",
                subject_id,
                {"kind": kind, "reason": reason} | of,
            )
        return made


async def unblock(world: World, scope: Scope, block_id: UUID) -> bool:
    """Lifts a block; False when it was unblocked before. Attempts that were withheld are not made
    up for by themselves.

    Raises: Problem(not_found).
    """
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        lifted = await lift_block(
            tx, scope.merchant_id, block_id, scope.actor.text(), world.clocks.wall()
        )
        if lifted:
            kind, subject_id = await block_of(tx, scope.merchant_id, block_id)
            await note(tx, scope, world.clocks.wall(), "block.lifted", subject_id, {"kind": kind})
    if lifted is None:
        raise Problem("not_found", "There is no such block.", cure="Reload the page.")
    return lifted
