"""Samples of webhooks that were sent on demand, as the logs of who did it tell."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_OF_MERCHANT: Final = """
SELECT at FROM audit_lines WHERE merchant_id = $1 AND at > $2 AND action = 'webhook.tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
"""
_OF_PARTNER: Final = """
SELECT at FROM partner_log WHERE partner_id = $1 AND at > $2 AND happening = 'webhook_tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
"""


async def last_but(
    connection: asyncpg.Connection, owner_id: UUID, since: datetime, number: int, *, partner: bool
) -> datetime | None:
    """When the `number`-th from the end was sent; None when fewer were since then."""
    sql = _OF_PARTNER if partner else _OF_MERCHANT
    return await connection.fetchval(sql, owner_id, since, number)  # type: ignore[no-any-return]
