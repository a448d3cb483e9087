"""Where a merchant wants its events."""

from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, own_key, created_at)
SELECT merchant_id, endpoint_id, url, events, format, own_key, created_at
FROM jsonb_populate_record(NULL::endpoints, $1)
"""
_DELETE = """
WITH l AS (DELETE FROM lanes WHERE merchant_id = $1 AND endpoint_id = $2)
UPDATE endpoints SET state = 'deleted' WHERE merchant_id = $1 AND endpoint_id = $2 AND state <> 'deleted'
RETURNING endpoint_id
"""


async def add_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    await connection.execute(_ADD, row)


async def delete_endpoint(connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID) -> bool:
    return await connection.fetchval(_DELETE, merchant_id, endpoint_id) is not None
