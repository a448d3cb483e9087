"""Where a merchant wants its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, own_key, created_at, encrypt)
SELECT merchant_id, endpoint_id, url, events, format, own_key, created_at, encrypt
FROM jsonb_populate_record(NULL::endpoints, $1)
"""
_PUT_STABLECOIN = """
INSERT INTO endpoints AS e (merchant_id, endpoint_id, url, events, format, created_at, encrypt, door)
VALUES ($1, $2, $3, $4, 'stablecoin', $5, $6, 'stablecoin')
ON CONFLICT (merchant_id) WHERE door = 'stablecoin' AND state <> 'deleted'
DO UPDATE SET url = EXCLUDED.url, events = EXCLUDED.events, encrypt = EXCLUDED.encrypt, state = 'active', why = NULL
"""
_CHANGE = """
UPDATE endpoints e SET url = i.url, events = i.events, format = i.format, state = i.state, why = i.why,
  encrypt = i.encrypt
FROM jsonb_populate_record(NULL::endpoints, $1) AS i
WHERE e.merchant_id = i.merchant_id AND e.endpoint_id = i.endpoint_id AND e.state <> 'deleted'
RETURNING e.endpoint_id
"""
_DELETE = """
WITH l AS (DELETE FROM lanes WHERE merchant_id = $1 AND endpoint_id = $2)
UPDATE endpoints SET state = 'deleted' WHERE merchant_id = $1 AND endpoint_id = $2 AND state <> 'deleted'
RETURNING endpoint_id
"""
_SAMPLE = """
INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
  latency_ms, answer, result, sample)
SELECT merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error, latency_ms, answer,
  result, sample
FROM jsonb_populate_record(NULL::delivery_tries, $1)
"""


async def add_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Raises: KeyTaken where another of its dialect has the url."""
    await connection.execute(_ADD, row)


async def change_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> bool:
    """`row` names its keys, url, events, format, state, why and encrypt. False when it is not there.

    Raises: KeyTaken where another of its dialect has the url.
    """
    return await connection.fetchval(_CHANGE, row) is not None


async def delete_endpoint(connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID) -> bool:
    return await connection.fetchval(_DELETE, merchant_id, endpoint_id) is not None


async def put_stablecoin_endpoint(
    connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID, url: str, events: Sequence[str],
    encrypt: bool, at: datetime,
) -> None:  # fmt: skip
    """The merchant's one endpoint of that dialect, changed in place; `endpoint_id` is for when there is none yet."""
    await connection.execute(_PUT_STABLECOIN, merchant_id, endpoint_id, url, list(events), at, encrypt)


async def add_sample_try(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """What became of a sample; no lane waits for it."""
    await connection.execute(_SAMPLE, row)
