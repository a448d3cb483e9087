"""Outcome of one order, looked up by any of its ids: of one merchant, or across merchants for
operators."""

from typing import Any
from uuid import UUID

from recoup.kernel.money import Money
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.orders.flows.find_order import find_one
from recoup.orders.rules.attention import sentence_of
from recoup.orders.rules.faces import STATUS_NAMES, face
from recoup.orders.store.archived import not_found
from recoup.orders.store.wire_orders import order_history
from recoup.rescue.store.evaluate import order_outcome


async def outcome_of(world: World, key: str, merchant_id: UUID | None = None) -> dict[str, Any]:
    """Raises: Problem(not_found); Problem(conflict) when several merchants know this id."""
    merchant_id, order_id = await find_one(world, key, merchant_id)
    row = await order_outcome(world.db, merchant_id, order_id)
    if row is None:
        raise await not_found(world.db, merchant_id, order_id, "Check its id.")
    lines = await order_history(world.db, merchant_id, order_id)
    shown = face(row.stage, row.kind, row.units, row.refunded_units, row.disputed)
    return {
        "orderId": str(order_id),
        "externalOrderId": row.external_id,
        "status": shown.outcome,
        "orderStatus": STATUS_NAMES[shown.status],
        "reason": row.reason,
        "refundedAmount": row.refunded_units,
        "nextAttemptAt": iso(row.next_attempt_at) if row.next_attempt_at else None,
        "history": [
            {
                "at": iso(line.business_at),
                "happening": line.happening,
                "detail": detail(line.body, row.asset),
            }
            for line in lines
        ],
    }


def detail(body: dict[str, Any], asset: str) -> str:
    """The telling part of a log line in a few words."""
    if body.get("fault") and body.get("typed"):
        return ": ".join(part for part in (body.get("code"), body["typed"]) if part)
    if text := body.get("typed") or sentence_of(body.get("why") or ""):
        return str(text)
    for name in ("meaning", "next", "route", "units"):
        if body.get(name):
            text = (
                Money(int(body[name]), asset).text() + f" {asset}"
                if name == "units"
                else str(body[name])
            )
            return f"next {text}" if name == "next" else text
    return ""
