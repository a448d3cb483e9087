"""Refund limits of each role, set by a merchant's owner, and noted: who, when, from what to
what."""

from dataclasses import asdict
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.audit.rules import changes
from recoup.db.statement import Tx
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.store.sites import lock_merchant
from recoup.orders.moves.change import Change
from recoup.orders.rules.refund_limits import NONE, Limits, check_limits
from recoup.refunds.store.refund_limits import (
    list_limits,
    lock_people,
    read_refund_contexts,
    set_limits,
)
from recoup.rescue.flows.locked import Fill, Jobs, Locked

CURRENCIES_MAX: Final = 30


async def read_limits(world: World, merchant_id: UUID) -> dict[tuple[str, str], Limits]:
    """(role, currency) -> what it may; what is not named has no limit."""
    return await list_limits(world.db, merchant_id)


async def change_limits(world: World, scope: Scope, role: str, asset: str, limits: Limits) -> None:
    """Changes a role's limits from the next refund on. The door checks that the actor is an owner;
    limits that stand so stay unchanged.

    Raises: Problem(invalid).
    """
    check_limits(limits)
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        now = await list_limits(tx, scope.merchant_id)
        if len({currency for _, currency in now} | {asset}) > CURRENCIES_MAX:
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


async def read_contexts(tx: Tx, jobs: Jobs, rows: Locked, wall: WallTime) -> Fill | None:
    """Limits, and the requests that wait, for jobs of people. Locks the day of each person first:
    what they have refunded is summed after that."""
    by_people = [(*job.key, job.person) for job in jobs if job.person]
    if not by_people:
        return None
    limited = {
        (merchant_id, actor.name) for merchant_id, _, actor in by_people if actor.kind != "worker"
    }
    if limited:
        await lock_people(tx, sorted(limited))
    callers = [(merchant_id, order_id, actor.name) for merchant_id, order_id, actor in by_people]
    contexts = await read_refund_contexts(tx, callers, wall)

    def fill(change: Change) -> None:
        change.refund_context = contexts.get((change.order.merchant_id, change.order.order_id))

    return fill
