"""Refunds by their own id."""

from typing import Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row


@MERCHANT.statement(
    "SELECT order_id FROM modifications WHERE merchant_id = $1 AND modification_id = $2"
)
async def order_of_modification(db: Read, merchant_id: UUID, modification_id: UUID) -> UUID | None:
    """The order that it belongs to."""


class RefundState(Row):
    state: Literal["owed", "sent", "netted", "done", "stuck", "refused", "failed"]
    processor_code: str | None


@MERCHANT.statement(
    "SELECT state, processor_code FROM modifications WHERE merchant_id = $1 AND modification_id = "
    "$2"
)
async def refund_state(db: Read, merchant_id: UUID, modification_id: UUID) -> RefundState | None:
    """State of a refund, and the processor's last answer."""


class CaptureState(Row):
    """`state`: of the capture, None of no such one. `captured_units`: by all captures of the order,
    of its `units` authorised."""

    stage: str
    units: int
    captured_units: int
    state: Literal["owed", "sent", "netted", "done", "stuck", "refused", "failed"] | None
    processor_code: str | None


@MERCHANT.statement("""
SELECT o.stage, o.units, coalesce((SELECT sum(c.units)::bigint FROM modifications c
    WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id AND c.kind = 'capture'
      AND c.state = 'done'), 0)
  AS captured_units, r.state, r.processor_code
FROM current_orders o
LEFT JOIN modifications r ON r.merchant_id = o.merchant_id AND r.modification_id = $3
WHERE o.merchant_id = $1 AND o.order_id = $2
""")
async def capture_state(
    db: Read, merchant_id: UUID, order_id: UUID, capture_id: UUID
) -> CaptureState | None:
    """State of a capture, and its order."""
