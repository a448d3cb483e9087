"""What people of a role may refund, set by a merchant's owner, and noted: who, when, from what to what."""

from dataclasses import asdict
from typing import Final
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.moves.audit import note
from recoup.rules.merchants.audit import changes
from recoup.rules.money.refund_limits import NONE, Limits, check_limits
from recoup.store.merchants.sites import lock_merchant
from recoup.store.refunds.refund_limits import list_limits, set_limits

CURRENCIES_MAX: Final = 30


async def read_limits(world: World, merchant_id: UUID) -> dict[tuple[str, str], Limits]:
    """(role, currency) -> what it may; what is not named has no limit."""
    return await list_limits(world.db, merchant_id)


async def change_limits(world: World, scope: Scope, role: str, asset: str, limits: Limits) -> None:
    """From the next refund on. That it is an owner is the door's to know; nothing changes when they stand so.

    Raises: Problem(invalid).
    """
    check_limits(limits)
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        now = await list_limits(tx, scope.merchant_id)
        if len({one for _, one in now} | {asset}) > CURRENCIES_MAX:
            raise invalid(
                Sentence("There are already limits for {0} currencies.", CURRENCIES_MAX),
                "currency",
                "Change an existing one.",
            )
        before = now.get((role, asset), NONE)
        if before == limits:
            return
        wall = world.clocks.wall()
        await set_limits(tx, scope.merchant_id, role, asset, limits, wall, scope.actor.text())
        facts = {"role": role, "currency": asset} | changes(asdict(before), asdict(limits))
        await note(tx, scope, wall, "limits.changed", "", facts)
