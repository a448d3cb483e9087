"""Settlements by their own id."""

from uuid import UUID

from recoup.db.statement import MERCHANT, Read


@MERCHANT.statement(
    "SELECT order_id FROM settlements WHERE merchant_id = $1 AND settlement_id = $2"
)
async def order_of_settlement(db: Read, merchant_id: UUID, settlement_id: UUID) -> UUID | None:
    """The order that was paid."""
