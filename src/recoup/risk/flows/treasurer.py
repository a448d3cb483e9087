"""Limits on what may be advanced, moved in chunks from the operator's limit to its merchants'
slots.

Locks: the operator's row, the merchant's terms, its slots. Advances themselves lock slots only.
"""

from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import set_unresolved
from recoup.orders.moves.due import done_with, wait_for
from recoup.risk.moves.exposure import allot
from recoup.risk.store.exposure import (
    Exposure,
    add_terms,
    assets_with_terms,
    forgive_lost,
    merchants_with_terms,
    read_exposure,
    set_operator_limit,
    set_terms,
)
from recoup.terms.rules.exposure import SLOTS, Limits

Terms = dict[str, Any]
"""What is set anew: of `Limits` and `operator_limit_units`.
Amounts in the asset's smallest unit."""


async def exposure_of(world: World, merchant_id: UUID, asset: str) -> Exposure:
    """The exposure as it stands. Raises: Problem(not_found)."""
    await known_offset(world.db, merchant_id)
    return await read_exposure(world.db, merchant_id, asset)


async def agree_exposure(world: World, scope: Scope, asset: str, terms: Terms) -> Exposure:
    """Sets the terms and allots by them at once. A limit that falls below what is out takes back
    what comes free.

    Raises: Problem(invalid) naming the field; Problem(not_found).
    """
    _check(terms)
    merchant_id, by = scope.merchant_id, scope.actor.text()

    async def once() -> Exposure:
        async with world.db.transaction() as tx:
            now = world.clocks.business(await known_offset(tx, merchant_id))
            wall = world.clocks.wall()
            await add_terms(tx, merchant_id, asset, wall, by)
            if "operator_limit_units" in terms:
                await set_operator_limit(tx, asset, terms["operator_limit_units"], wall, by)
            new = _new(terms, (await read_exposure(tx, merchant_id, asset)).limits)
            if new:
                await set_terms(tx, merchant_id, asset, new, wall, by)
                await forgive_lost(tx, merchant_id, asset)
            await note(tx, scope, wall, "exposure.set", "", {"currency": asset, **terms})
            await allot(tx, merchant_id, asset)
            await set_unresolved(tx, merchant_id)
            await wait_for(tx, merchant_id, "advance_bounds", merchant_id, now, wall=False)
            return await read_exposure(tx, merchant_id, asset)

    made = await retrying(once)
    if "operator_limit_units" in terms:
        answers = await ask_each(world, lambda cell: merchants_with_terms(cell.db, asset))
        for cell, others in answers.said:
            for other in others:
                await allot_due(cell, other)
        answers.check()
        return await exposure_of(world, merchant_id, asset)
    return made


async def allot_due(world: World, merchant_id: UUID) -> None:
    """Due work `allot`: the merchant's slots are filled as far as the limits go."""

    async def once() -> None:
        async with world.db.transaction() as tx:
            for asset in await assets_with_terms(tx, merchant_id):
                await allot(tx, merchant_id, asset)
            await done_with(tx, merchant_id, "allot", merchant_id)

    await retrying(once)


def _new(terms: Terms, now: Limits) -> dict[str, Any]:
    """Columns that change. A limit alone fills what was never said: one order, one customer may use
    all of it, and it is moved in as many chunks as there are slots."""
    new = {name: value for name, value in terms.items() if name != "operator_limit_units"}
    limit = new.get("limit_units")
    if limit is None:
        return new
    filled = {
        "order_max_units": now.order_max_units or limit,
        "customer_max_units": now.customer_max_units or limit,
        "chunk_units": max(1, -(-limit // SLOTS)),
    }
    return filled | new


def _check(terms: Terms) -> None:
    """Raises: Problem(invalid)."""
    for name, value in terms.items():
        least = 1 if name == "chunk_units" else 0
        if name != "advance_on" and value < least:
            raise invalid(
                Sentence("{0} must be at least {1}.", name, least), name, "Write it like 100.00."
            )
    if terms.get("allowed_loss_basis_points", 0) > 10_000:
        raise invalid(
            "The allowed loss is at most the whole amount: 10000 basis points.",
            "allowed_loss_basis_points",
            "Write a percentage, like 40.",
        )
