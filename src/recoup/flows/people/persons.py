"""A payer asks what is kept of them, or to be forgotten. The books stay: they hold ids, amounts and codes, no person.

Erasure goes in parts and ends with the payer's own row: a process that dies in between has erased less, says nothing in
the log, and is asked again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from recoup.kernel.ids import HIGHEST, LOWEST, new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.world import World
from recoup.store.read.customers import (
    count_orders_of,
    find_customer,
    personal_orders,
    transmissions_of,
)
from recoup.store.write.persons import erase_part, erase_payer, note_person

PART: Final = 500
PARTS_MAX: Final = 20_000
_Read = Callable[[asyncpg.Connection, UUID], Awaitable[Sequence[Any]]]


def payer_ids(world: World, merchant_id: UUID, typed: str) -> tuple[UUID, ...]:
    """Under which ids a customer may be known whom somebody names by e-mail or by the merchant's own id of them."""
    found = (world.keys.derived_id("payer", merchant_id.bytes, text) for text in dict.fromkeys((typed, typed.lower())))
    return tuple(found) if typed else ()


async def find_by_name(world: World, merchant_id: UUID, typed: str) -> UUID | None:
    async with world.db.connection() as connection:
        for payer_id in payer_ids(world, merchant_id, typed.strip()):
            if await find_customer(connection, merchant_id, payer_id) is not None:
                return payer_id
    return None


async def export_person(world: World, scope: Scope, payer_id: UUID) -> AsyncIterator[bytes]:
    """Everything that is kept of them, as one JSON object, a part at a time. Noted before the first byte leaves.

    Raises: Problem(not_found).
    """
    async with world.db.connection() as connection:
        customer = await find_customer(connection, scope.merchant_id, payer_id)
        orders, _ = await count_orders_of(connection, scope.merchant_id, payer_id)
    if customer is None:
        raise no_such_customer()
    async with world.db.transaction() as tx:
        await note_person(tx, scope.merchant_id, new_id(), payer_id, "exported", orders, scope.actor.text(),
                          world.clocks.wall())  # fmt: skip
    return _parts(world, scope.merchant_id, payer_id, customer)


async def _parts(world: World, merchant_id: UUID, payer_id: UUID, customer: Any) -> AsyncIterator[bytes]:
    known = {name: customer[name] for name in ("email", "phone", "name", "external_id", "first_seen_at")}
    yield b'{"customer":' + msgspec.json.encode({"id": payer_id} | known)

    def orders(connection: asyncpg.Connection, after: UUID) -> Awaitable[Sequence[Any]]:
        return personal_orders(connection, merchant_id, payer_id, after, PART)

    def transmissions(connection: asyncpg.Connection, before: UUID) -> Awaitable[Sequence[Any]]:
        return transmissions_of(connection, merchant_id, payer_id, PART, before)

    yield b',"orders":['
    async for part in _listed(world, orders, "order_id", LOWEST):
        yield part
    yield b'],"transmissions":['
    async for part in _listed(world, transmissions, "transmit_id", HIGHEST):
        yield part
    yield b"]}\n"


async def _listed(world: World, read: _Read, name: str, place: UUID) -> AsyncIterator[bytes]:
    """The rows that `read` finds from a place on, by the id `name`; a connection is kept for one part of them only."""
    comma = b""
    for _ in range(PARTS_MAX):
        async with world.db.connection() as connection:
            rows = await read(connection, place)
        for row in rows:
            yield comma + msgspec.json.encode(dict(row))
            comma = b","
        if len(rows) < PART:
            return
        place = rows[-1][name]


async def erase_person(world: World, scope: Scope, payer_id: UUID) -> tuple[int, int]:
    """Names, addresses and notes go, for good; what was paid stays. Answers of how many orders, and how many of these
    are open still. Again, it changes nothing but the log. What comes with a later order is kept anew.

    Raises: Problem(not_found).
    """
    async with world.db.connection() as connection:
        if await find_customer(connection, scope.merchant_id, payer_id) is None:
            raise no_such_customer()
        _, opened = await count_orders_of(connection, scope.merchant_id, payer_id)
    erased, after = 0, LOWEST
    for _ in range(PARTS_MAX):
        async with world.db.transaction() as tx:
            orders, last = await erase_part(tx, scope.merchant_id, payer_id, after, PART)
        erased += orders
        if last is None or orders < PART:
            break
        after = last
    async with world.db.transaction() as tx:
        await erase_payer(tx, scope.merchant_id, payer_id)
        await note_person(tx, scope.merchant_id, new_id(), payer_id, "erased", erased, scope.actor.text(),
                          world.clocks.wall())  # fmt: skip
    return erased, opened


def no_such_customer() -> Problem:
    return Problem("not_found", "No customer of this merchant is known by this.",
                   cure="Check the e-mail or the customer id, as it came with the order.")  # fmt: skip
