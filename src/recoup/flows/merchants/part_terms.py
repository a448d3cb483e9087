"""What a merchant allows of collecting a declined payment in parts: shown and changed."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.scope import Scope
from recoup.moves.audit import note
from recoup.rules.rescue.part_terms import OFF, PartTerms, changed
from recoup.store.merchants.part_terms import StoredPartTerms, read_part_terms, write_part_terms
from recoup.store.merchants.sites import lock_merchant


async def part_terms(world: World, merchant_id: UUID) -> StoredPartTerms | None:
    """None where nobody has ever set any: it is off."""
    async with world.db.connection() as connection:
        return await read_part_terms(connection, merchant_id)


async def set_part_terms(world: World, scope: Scope, values: dict[str, Any]) -> PartTerms:
    """For decisions from now on; what becomes of parts that are collected holds for all orders that are open. `values`:
    what changes, by the names of `PartTerms`. Answers all of them. Raises: Problem not_found, invalid."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        await lock_merchant(tx, scope.merchant_id)
        stored = await read_part_terms(tx, scope.merchant_id)
        before = stored.terms if stored is not None else OFF
        after = changed(before, values)
        if after != before or stored is None:
            await write_part_terms(
                tx,
                scope.merchant_id,
                after.enabled,
                after.least_share,
                after.count_max,
                after.at_expiry,
                scope.actor.text(),
                wall,
            )
        old, new = asdict(before), asdict(after)
        differing = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
        if differing:
            await note(tx, scope, wall, "order.parts", "", differing)
    return after
