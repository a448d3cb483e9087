"""What is to be told about a payment to whoever took it: refund, reversal, void or capture, each a row of refunds."""

from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.scope import WORKER
from recoup.moves.change import Change
from recoup.rules.order.snapshot import Modification


def request_modification(
    change: Change,
    kind: str,
    attempt_id: UUID | None,
    units: int,
    *,
    text: str = "",
    items: list[dict[str, Any]] | None = None,
    input_mac: str = "\\x",
    actor: str = WORKER.text(),
    refund_id: UUID | None = None,
    approved_by: str | None = None,
) -> Modification:
    """The intent, under an id of its own, or the one given. What the order's log and book say of it is the caller's."""
    order = change.order
    made = Modification(
        refund_id=refund_id or new_id(),
        order_id=order.order_id,
        refund_no=len(order.refunds) + 1,
        kind=kind,
        attempt_id=attempt_id,
        state="owed",
        units=units,
        asset=order.asset,
        message=text,
        items=items or [],
        input_mac=input_mac,
        business_at=change.now,
        actor=actor,
        approved_by=approved_by,
    )
    change.set_refund(made)
    return made
