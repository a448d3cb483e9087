"""An order by any of its ids: of one merchant, or, for operators at the command line, of any
merchant."""

from uuid import UUID

from recoup.kernel.ids import parse_id, parse_tail, parse_wire_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World
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


async def merchants_with(world: World, key: str, merchant_ids: list[UUID]) -> list[UUID]:
    """The ones of these merchants that have an order of this id."""
    if not merchant_ids:
        return []
    keys = await find_order_among(
        world.db, parse_id(key) or parse_wire_id("ord", key), key, merchant_ids
    )
    return list(dict.fromkeys(row.merchant_id for row in keys))
