"""Refunds by their own id."""

from typing import Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


@statement(MERCHANT, "SELECT order_id FROM modifications WHERE merchant_id = $1 AND modification_id = $2")
async def order_of_modification(db: Read, merchant_id: UUID, modification_id: UUID) -> UUID | None:
    """The order that it belongs to."""


class RefundState(Row, frozen=True):
    state: Literal["owed", "sent", "netted", "done", "stuck", "refused"]
    processor_code: str | None


@statement(MERCHANT, "SELECT state, processor_code FROM modifications WHERE merchant_id = $1 AND modification_id = $2")
async def refund_state(db: Read, merchant_id: UUID, modification_id: UUID) -> RefundState | None:
    """How it stands, and what the processor answered last."""
