"""Personal data of an order that its customer corrects."""

from typing import Any
from uuid import UUID

import asyncpg

_BILLING = "UPDATE order_payer SET billing = $3 WHERE merchant_id = $1 AND order_id = $2"


async def set_billing(
    connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID, billing: dict[str, Any]
) -> None:
    await connection.execute(_BILLING, merchant_id, order_id, billing)
