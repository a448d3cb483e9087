"""What became of one order, looked up by any of its ids across merchants: for operators at the command line."""

from typing import Any
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.kernel.world import World
from recoup.rules.order.faces import face
from recoup.rules.order.lifecycle import Stage
from recoup.store.read.evaluate import order_word
from recoup.store.read.find_orders import find_any_order
from recoup.store.read.wire_orders import order_history


async def outcome_of(world: World, key: str) -> dict[str, Any]:
    """Raises: Problem(not_found); Problem(conflict) when several merchants know this id."""
    merchant_id, order_id = await find_one(world, key)
    async with world.db.connection() as connection:
        row = await order_word(connection, merchant_id, order_id)
        lines = await order_history(connection, merchant_id, order_id)
    assert row is not None
    shown = face(Stage(row["stage"]), row["kind"], row["units"], row["refunded_units"], row["disputed"])
    return {
        "orderId": str(order_id), "externalOrderId": row["external_id"], "status": shown.outcome,
        "reason": row["reason"], "nextAttemptAt": iso(row["next_attempt_at"]) if row["next_attempt_at"] else None,
        "history": [{"at": iso(line["business_at"]), "happening": line["happening"], "detail": detail(line["body"])}
                    for line in lines],
    }  # fmt: skip


async def find_one(world: World, key: str) -> tuple[UUID, UUID]:
    """(merchant, order), the newest one of this id. Raises: Problem not_found, conflict."""
    async with world.db.connection() as connection:
        found = await find_any_order(connection, parse_id(key), key)
    if not found:
        raise Problem("not_found", f"No order is known by {key!r}.")
    if len({row["merchant_id"] for row in found}) > 1:
        ids = ", ".join(str(row["order_id"]) for row in found)
        raise Problem("conflict", "Several merchants have an order with this id.", cure=f"Use one of {ids}.")
    return found[0]["merchant_id"], found[0]["order_id"]


def detail(body: dict[str, Any]) -> str:
    """The telling part of a log line in a few words."""
    for name in ("why", "meaning", "next", "route", "units"):
        if body.get(name):
            return f"{name} {body[name]}" if name in ("next", "units") else str(body[name])
    return ""
