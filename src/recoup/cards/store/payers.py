"""Personal data of an order that its customer corrects."""

from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Tx


@MERCHANT.statement("UPDATE order_payer SET billing = $3 WHERE merchant_id = $1 AND order_id = $2")
async def set_billing(db: Tx, merchant_id: UUID, order_id: UUID, billing: dict[str, Any]) -> None:
    """The address of the card, whole."""
