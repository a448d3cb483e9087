"""Limits on what may be advanced, moved in chunks from the operator's limit to its merchants'
slots.

Locks: the operator's row, the merchant's terms, its slots. Advances themselves lock slots only.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
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


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms to set; None leaves a field as it is. Amounts in the asset's smallest unit."""

    limit_units: int | None = None
    order_max_units: int | None = None
    customer_max_units: int | None = None
    chunk_units: int | None = None
    allowed_loss_basis_points: int | None = None
    advance_on: Literal["unresolved", "soft_declines", "both"] | None = None
    operator_limit_units: int | None = None

    def any(self) -> bool:
        return any(getattr(self, name) is not None for name in self.__slots__)


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
            if terms.operator_limit_units is not None:
                await set_operator_limit(tx, asset, terms.operator_limit_units, wall, by)
            new = _new(terms, (await read_exposure(tx, merchant_id, asset)).limits)
            if new:
                await set_terms(tx, merchant_id, asset, new, wall, by)
                await forgive_lost(tx, merchant_id, asset)
            changed = {
                n: getattr(terms, n) for n in Terms.__slots__ if getattr(terms, n) is not None
            }
            await note(tx, scope, wall, "exposure.set", "", {"currency": asset} | changed)
            await allot(tx, merchant_id, asset)
            await set_unresolved(tx, merchant_id)
            await wait_for(tx, merchant_id, "advance_bounds", merchant_id, now, wall=False)
            return await read_exposure(tx, merchant_id, asset)

    made = await retrying(once)
    if terms.operator_limit_units is not None:
        others = await merchants_with_terms(world.db, asset)
        for other in others:
            await allot_due(world, other)
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
    names = [
        n for n in Terms.__slots__ if n != "operator_limit_units" and getattr(terms, n) is not None
    ]
    new = {n: getattr(terms, n) for n in names}
    if terms.limit_units is not None:
        filled = {
            "order_max_units": now.order_max_units or terms.limit_units,
            "customer_max_units": now.customer_max_units or terms.limit_units,
            "chunk_units": max(1, -(-terms.limit_units // SLOTS)),
        }
        new = filled | new
    return new


def _check(terms: Terms) -> None:
    """Raises: Problem(invalid)."""
    for name in Terms.__slots__:
        value = getattr(terms, name)
        if name == "advance_on" or value is None:
            continue
        least = 1 if name == "chunk_units" else 0
        if value < least:
            raise invalid(
                Sentence("{0} must be at least {1}.", name, least), name, "Write it like 100.00."
            )
    points = terms.allowed_loss_basis_points
    if points is not None and points > 10_000:
        raise invalid(
            "The allowed loss is at most the whole amount: 10000 basis points.",
            "allowed_loss_basis_points",
            "Write a percentage, like 40.",
        )
