"""A payer asks what is kept of them, or to be forgotten. The books stay: they hold ids, amounts and
codes, no person.

Erasure goes in parts and ends with the payer's own row: a process that dies in between has erased
less, says nothing in the log, and is requested again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID

from msgspec.structs import asdict

from recoup.audit.moves import note
from recoup.cards.store.vault import erase_numbers
from recoup.db.pool import retrying
from recoup.db.statement import Read
from recoup.desk.store.bulk_acts import forget_lists_of
from recoup.desk.store.customer_file import PersonalOrder, looks_of, personal_orders
from recoup.desk.store.customers import (
    Customer,
    CustomerTransmission,
    count_orders_of,
    customers_by_email,
    find_customer,
    payers_by_email,
    transmissions_of,
)
from recoup.desk.store.exports import end_files_of
from recoup.desk.store.order_folding import fold_orders
from recoup.imports.store.imports import forget_customers
from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import HIGHEST, LOWEST, new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.people.flows.list_preferences import forget_views_of
from recoup.people.store.persons import OrderPerson, erase_part, erase_payer, lock_part, note_person
from recoup.rescue.flows.places import BEFORE_ERASURE
from recoup.rescue.rules.answer_classes import CLASSES

PART: Final = 500
PARTS_MAX: Final = 20_000
R = TypeVar("R")


def payer_ids(world: World, merchant_id: UUID, typed: str) -> tuple[UUID, ...]:
    """Ids under which a customer may be known whom somebody names by e-mail or by the merchant's
    own id of them."""
    ids = (
        world.keys.derived_id("payer", merchant_id.bytes, text)
        for text in dict.fromkeys((typed, typed.lower()))
    )
    return tuple(ids) if typed else ()


async def find_by_name(world: World, merchant_id: UUID, typed: str) -> UUID | None:
    async with world.db.connection() as connection:
        for payer_id in payer_ids(world, merchant_id, typed.strip()):
            if await find_customer(connection, merchant_id, payer_id, clear=True) is not None:
                return payer_id
    return None


@frozen
class Erased:
    """Counts of an erasure: how many customers, and orders of theirs; `opened`: orders that are
    open still."""

    customers: int
    orders: int
    opened: int


async def find_all_by_name(world: World, merchant_id: UUID, typed: str) -> frozenset[UUID]:
    """Everybody whom the merchant knows by this: its own id of them, or an e-mail. One address may
    be known under several ids. Of very many orders with one address the newest are looked through:
    ask again after these were erased."""
    typed = typed.strip()
    by_name = await find_by_name(world, merchant_id, typed)
    payers = set() if by_name is None else {by_name}
    if "@" not in typed:
        return frozenset(payers)
    payers |= {row.payer_id for row in await customers_by_email(world.db, merchant_id, typed, PART)}
    payers |= await payers_by_email(world.db, merchant_id, typed, PART)
    return frozenset(payers)


async def find_alike(
    world: World, merchant_id: UUID, payer_id: UUID
) -> tuple[str, frozenset[UUID]]:
    """A customer's e-mail, and all whom the merchant knows by it: without one, empty and nobody but
    them.

    Raises: Problem(not_found).
    """
    customer = await find_customer(world.db, merchant_id, payer_id, clear=True)
    if customer is None:
        raise no_such_customer()
    email = customer.known_email
    if "@" not in email:  # or it might be what somebody else is called by
        return "", frozenset({payer_id})
    return email, await find_all_by_name(world, merchant_id, email) | {payer_id}


async def erase_all(
    world: World, scope: Scope, typed: str, known: frozenset[UUID], last: UUID | None = None
) -> Erased:
    """Erases as `erase_person`, each that is `known`, and all who are found by `typed` after that.
    Of `last` somebody read by what the others are found: an erasure that died before the others are
    done is requested there again.

    Raises: Problem(not_found) for nobody.
    """
    imported = await _forget_imported(world, scope, typed) if last is None else 0
    if not known and imported:
        return Erased(1, 0, 0)
    if not known:
        raise no_such_customer()
    done: set[UUID] = set()
    orders = opened = 0
    while left := known - done:
        for payer_id in sorted(left, key=lambda payer: (payer == last, payer)):
            of_one = await erase_person(world, scope, payer_id)
            orders, opened = orders + of_one[0], opened + of_one[1]
        done |= left
        known = await find_all_by_name(world, scope.merchant_id, typed)
    return Erased(len(done), orders, opened)


async def _forget_imported(world: World, scope: Scope, typed: str) -> int:
    """Forgets the customer of imported attempts: nobody's name is kept, and what links them to a
    customer, and to each other, goes. Answers of how many."""
    async with world.db.transaction() as tx:
        ids = payer_ids(world, scope.merchant_id, typed.strip())
        gone = len(await forget_customers(tx, scope.merchant_id, ids))
        if gone:
            await note(tx, scope, world.clocks.wall(), "customer.erased", ids[0], {"orders": 0})
    return gone


async def export_person(world: World, scope: Scope, payer_id: UUID) -> AsyncIterator[bytes]:
    """Everything that is kept of them, as one JSON object, a part at a time. Noted before the first
    byte leaves.

    Raises: Problem(not_found).
    """
    customer = await find_customer(world.db, scope.merchant_id, payer_id, clear=True)
    orders, _ = await count_orders_of(world.db, scope.merchant_id, [payer_id])
    if customer is None:
        raise no_such_customer()
    async with world.db.transaction() as tx:
        wall = world.clocks.wall()
        await note_person(
            tx, scope.merchant_id, new_id(), payer_id, "exported", orders, scope.actor.text(), wall
        )
        await note(tx, scope, wall, "customer.exported", payer_id, {"orders": orders})
    return _parts(world, scope.merchant_id, payer_id, customer)


async def _parts(
    world: World, merchant_id: UUID, payer_id: UUID, customer: Customer
) -> AsyncIterator[bytes]:
    known = {
        "id": payer_id,
        "email": customer.email,
        "phone": customer.phone,
        "name": customer.name,
        "external_id": customer.external_id,
        "first_seen_at": customer.first_seen_at,
    }
    yield b'{"customer":' + encode(known)

    def orders(connection: Read, after: UUID) -> Awaitable[list[PersonalOrder]]:
        return personal_orders(connection, merchant_id, payer_id, after, PART)

    def transmissions(connection: Read, before: UUID) -> Awaitable[list[CustomerTransmission]]:
        return transmissions_of(connection, merchant_id, payer_id, PART, before)

    yield b',"orders":['
    async for part in _listed(world, orders, lambda row: row.order_id, LOWEST):
        yield part
    yield b'],"transmissions":['
    async for part in _listed(world, transmissions, lambda row: row.transmit_id, HIGHEST):
        yield part
    looks = await looks_of(world.db, merchant_id, payer_id)
    known_attempts = [{**asdict(look), "answer": CLASSES[look.answer]} for look in looks]
    yield b'],"rescue_engine":' + encode(known_attempts) + b"}\n"


async def _listed(
    world: World,
    read: Callable[[Read, UUID], Awaitable[Sequence[R]]],
    id_of: Callable[[R], UUID],
    place: UUID,
) -> AsyncIterator[bytes]:
    """The rows that `read` finds from a place on; a connection is kept for one part of them
    only."""
    comma = b""
    for _ in range(PARTS_MAX):
        async with world.db.connection() as connection:
            rows = await read(connection, place)
        for row in rows:
            yield comma + encode(row)
            comma = b","
        if len(rows) < PART:
            return
        place = id_of(rows[-1])


async def erase_person(world: World, scope: Scope, payer_id: UUID) -> tuple[int, int]:
    """Names, addresses and all that was typed beside their orders go, for good; what was paid
    stays. Answers of how many orders, and how many of these are open still. Again, it changes
    nothing but the log. What comes with a later order, or is typed later, is kept anew.

    Raises: Problem(not_found).
    """
    merchant_id = scope.merchant_id
    customer = await find_customer(world.db, merchant_id, payer_id, clear=True)
    if customer is None:
        raise no_such_customer()
    await world.standing.note_erased(merchant_id, payer_id)
    _, opened = await count_orders_of(world.db, merchant_id, [payer_id])
    erased, after = 0, LOWEST
    for _ in range(PARTS_MAX):
        part = await _part(world, merchant_id, payer_id, after, erase=False)
        # Who they are is known until it is erased: views that name them go before, and those of
        # meanwhile after it.
        await forget_views_of(world, merchant_id, [*map(asdict, [customer, *part])])
        part = await _part(world, merchant_id, payer_id, after, erase=True)
        await forget_views_of(world, merchant_id, [*map(asdict, [customer, *part])])
        erased += len(part)
        if len(part) < PART:
            break
        after = part[-1].order_id
    await retrying(lambda: _last(world, scope, payer_id, erased))
    return erased, opened


async def _last(world: World, scope: Scope, payer_id: UUID, erased: int) -> None:
    """Erases the person's identity, and the merchant's files and lists in whose words they may
    stand; says so in the log."""
    merchant_id = scope.merchant_id
    async with world.db.transaction() as tx:
        await erase_payer(tx, merchant_id, payer_id, new_id())
        await forget_customers(tx, merchant_id, [payer_id])
        wall = world.clocks.wall()
        await end_files_of(tx, merchant_id, wall)
        await forget_lists_of(tx, merchant_id)
        await note_person(
            tx, merchant_id, new_id(), payer_id, "erased", erased, scope.actor.text(), wall
        )
        await note(tx, scope, wall, "customer.erased", payer_id, {"orders": erased})


async def _part(
    world: World, merchant_id: UUID, payer_id: UUID, after: UUID, *, erase: bool
) -> list[OrderPerson]:
    """Their next orders, with who they are there before it is erased."""

    async def once() -> list[OrderPerson]:
        async with world.db.transaction() as tx:
            part = await lock_part(tx, merchant_id, payer_id, after, PART)
            if erase:
                wall, order_ids = world.clocks.wall(), [row.order_id for row in part]
                for forget in BEFORE_ERASURE:
                    await forget(tx, merchant_id, order_ids, wall)
                await erase_numbers(tx, merchant_id, order_ids)
                await erase_part(tx, merchant_id, order_ids)
                await fold_orders(tx, [(merchant_id, order_id) for order_id in order_ids])
        return part

    return await retrying(once)


def no_such_customer() -> Problem:
    return Problem(
        "not_found",
        "This merchant has no such customer.",
        cure="Check the e-mail or the customer id, as it came with the order.",
    )


def nobody_found(*, masked: bool) -> Problem:
    """The problem of a search that finds nobody. With `masked` the answer is the same whether or
    not the person exists."""
    if not masked:
        return no_such_customer()
    return Problem(
        "not_found",
        "Nobody was found by what your role searches by: a customer id, a whole e-mail or "
        "name, or an order’s id or descriptor.",
        cure="Your role sees masked data and cannot search by parts of names or e-mails. "
        "Ask an owner to change what your role may see.",
    )
