"""Where a merchant wants its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, own_key, created_at)
SELECT merchant_id, endpoint_id, url, events, format, own_key, created_at
FROM jsonb_populate_record(NULL::endpoints, $1)
"""
_PUT_STABLECOIN = """
INSERT INTO endpoints AS e (merchant_id, endpoint_id, url, events, format, created_at, encrypt)
VALUES ($1, $2, $3, $4, 'stablecoin', $5, $6)
ON CONFLICT (merchant_id) WHERE format = 'stablecoin' AND state <> 'deleted'
DO UPDATE SET url = EXCLUDED.url, events = EXCLUDED.events, encrypt = EXCLUDED.encrypt, state = 'active', why = NULL
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


async def put_stablecoin_endpoint(
    connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID, url: str, events: Sequence[str],
    encrypt: bool, at: datetime,
) -> None:  # fmt: skip
    """The merchant's one endpoint of that dialect, changed in place; `endpoint_id` is for when there is none yet."""
    await connection.execute(_PUT_STABLECOIN, merchant_id, endpoint_id, url, list(events), at, encrypt)
