"""Where a merchant wants its events."""

from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, own_key, created_at)
SELECT merchant_id, endpoint_id, url, events, format, own_key, created_at
FROM jsonb_populate_record(NULL::endpoints, $1)
"""
_CHANGE = """
UPDATE endpoints e SET url = i.url, events = i.events, format = i.format, state = i.state, why = i.why
FROM jsonb_populate_record(NULL::endpoints, $1) AS i
WHERE e.merchant_id = i.merchant_id AND e.endpoint_id = i.endpoint_id AND e.state <> 'deleted'
RETURNING e.endpoint_id
"""
_DELETE = """
WITH l AS (DELETE FROM lanes WHERE merchant_id = $1 AND endpoint_id = $2)
UPDATE endpoints SET state = 'deleted' WHERE merchant_id = $1 AND endpoint_id = $2 AND state <> 'deleted'
RETURNING endpoint_id
"""


async def add_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    await connection.execute(_ADD, row)


async def change_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> bool:
    """`row` names its keys, url, events, format, state and why. False when it is not there."""
    return await connection.fetchval(_CHANGE, row) is not None


async def delete_endpoint(connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID) -> bool:
    return await connection.fetchval(_DELETE, merchant_id, endpoint_id) is not None
