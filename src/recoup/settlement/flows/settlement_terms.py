"""Terms by which a merchant is paid: kept as history, never changed for the past."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.audit.rules import changes
from recoup.db.pool import KeyTaken, retrying
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.time import business_at, iso
from recoup.kit.as_of import NOW, Cut
from recoup.kit.terms import changed
from recoup.kit.world import World
from recoup.merchants.flows.as_of import end_of
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.settlement.moves.batch import begin_settlement, next_settlement
from recoup.settlement.store.settlement import lock_clock
from recoup.terms.rules.settlement import DEFAULT, Terms, check_start, check_terms, due_at
from recoup.terms.store.settlement_terms import (
    DatedTerms,
    add_terms,
    period_of,
    terms_at,
    terms_history,
)


async def read_terms(
    world: World, merchant_id: UUID, cut: Cut = NOW
) -> tuple[Terms, list[DatedTerms]]:
    """Terms that were valid then, and all that had been agreed, newest first. Raises:
    Problem(not_found)."""
    now = await end_of(world, merchant_id, cut)
    await known_offset(world.db, merchant_id)
    history = await terms_history(world.db, merchant_id, *cut)
    return next((row.terms for row in history if row.valid_from <= now), DEFAULT), history


async def set_terms(
    world: World, scope: Scope, change: dict[str, Any], valid_from: datetime | None = None
) -> datetime:
    """`change`: fields of Terms; the others stay as they are then. Answers from when on they are
    valid: the period that is under way ends at their first boundary, and is settled by the terms
    valid then.

    Raises: Problem not_found, invalid; conflict when terms begin at the very same instant.
    """

    async def once() -> datetime:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            now = business_at(wall, await known_offset(tx, scope.merchant_id))
            start = valid_from or now
            check_start(start, now)
            before = await terms_at(tx, scope.merchant_id, start)
            terms = changed(before, {"anchor": 1} | change if "period" in change else change)
            check_terms(terms)
            await begin_settlement(tx, scope.merchant_id, now)
            await add_terms(tx, scope.merchant_id, start, scope.actor.text(), now, wall, terms)
            details = changes(asdict(before), asdict(terms)) | {"valid_from": iso(start)}
            await note(tx, scope, wall, "settlement_terms.set", "", details)
            clock = await lock_clock(tx, scope.merchant_id)
            assert clock is not None
            period_to, lives_by = await period_of(tx, scope.merchant_id, clock.period_from)
            await next_settlement(tx, scope.merchant_id, due_at(lives_by, period_to))
            return start

    try:
        return await retrying(once)
    except KeyTaken:
        message = "Other terms begin at the same moment."
        raise Problem("conflict", message, field="valid_from", cure="Choose another.") from None
