"""An order by any of its ids: of one merchant, or, for operators at the command line, of any
merchant."""

from uuid import UUID

from recoup.kernel.ids import parse_id, parse_tail, parse_wire_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.orders.store.find_orders import find_any_order, find_order_among


async def find_one(world: World, key: str, merchant_id: UUID | None = None) -> tuple[UUID, UUID]:
    """(merchant, order), the newest one of this id. Raises: Problem not_found, conflict."""
    keys = await find_any_order(
        world.db, parse_id(key) or parse_wire_id("ord", key), key, merchant_id
    )
    if not keys:
        raise Problem(
            "not_found",
            Sentence("No order is known by {0}.", repr(key)),
            cure="Check it: use a complete id of the order (Recoup's or the merchant's) or its "
            "reference number.",
        )
    if len({row.merchant_id for row in keys}) > 1:
        ids = ", ".join(str(row.order_id) for row in keys)
        raise Problem(
            "conflict",
            "Several merchants have an order with this id.",
            cure=Sentence("Use one of {0}.", ids),
        )
    tail = parse_tail(key)
    alike = [row.order_id for row in keys if tail is not None and str(row.order_id).endswith(tail)]
    if len(alike) > 1:
        raise Problem(
            "conflict",
            "Several orders have this reference number.",
            cure=Sentence("Use one of {0}.", ", ".join(map(str, alike))),
        )
    return keys[0].merchant_id, keys[0].order_id


async def home_of_order(world: World, key: str) -> World:
    """The cell that has the order of whichever merchant; this one where none is known.

    Raises: Problem(conflict) where several have one; Problem(unavailable) where one that is away
    may.
    """
    order_id = parse_id(key) or parse_wire_id("ord", key)
    if not world.cells:
        return world
    answers = await ask_each(world, lambda cell: find_any_order(cell.db, order_id, key))
    there = [cell for cell, keys in answers.said if keys]
    if len(there) > 1:
        ids = ", ".join(str(row.order_id) for _, keys in answers.said for row in keys)
        raise Problem(
            "conflict",
            "Several merchants have an order with this id.",
            cure=Sentence("Use one of {0}.", ids),
        )
    if order_id is None or not there:
        answers.check()
    return there[0] if there else world


async def merchants_with(world: World, key: str, merchant_ids: list[UUID]) -> list[UUID]:
    """The ones of these merchants that have an order of this id."""
    if not merchant_ids:
        return []
    order_id = parse_id(key) or parse_wire_id("ord", key)
    answers = await ask_each(
        world, lambda cell: find_order_among(cell.db, order_id, key, merchant_ids)
    )
    keys = [row for _, of_cell in answers.said for row in of_cell]
    if not keys:
        answers.check()
    keys.sort(key=lambda row: row.order_id, reverse=True)
    return list(dict.fromkeys(row.merchant_id for row in keys))
