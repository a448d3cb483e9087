"""Where a merchant or a partner wants its events. `owner_id`: of either."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO endpoints (merchant_id, partner_id, endpoint_id, url, events, format, own_key, created_at, encrypt)
SELECT merchant_id, partner_id, endpoint_id, url, events, format, own_key, created_at, encrypt
FROM jsonb_populate_record(NULL::endpoints, $1)
"""
_PUT_STABLECOIN = """
INSERT INTO endpoints AS e (merchant_id, endpoint_id, url, events, format, created_at, encrypt, door)
VALUES ($1, $2, $3, $4, 'stablecoin', $5, $6, 'stablecoin')
ON CONFLICT (merchant_id) WHERE door = 'stablecoin' AND state <> 'deleted'
DO UPDATE SET url = EXCLUDED.url, events = EXCLUDED.events, encrypt = EXCLUDED.encrypt, state = 'active', why = NULL,
  failures = 0, failing_since = NULL, last_error = NULL, opened_at = NULL, probes = 0, probe_at = NULL
"""
# A new address, or one that is switched on again, begins in good health.
_CHANGE = """
UPDATE endpoints e SET url = i.url, events = i.events, format = i.format, state = i.state, why = i.why,
  encrypt = i.encrypt, failures = CASE WHEN w.anew THEN 0 ELSE e.failures END,
  failing_since = CASE WHEN NOT w.anew THEN e.failing_since END,
  last_error = CASE WHEN NOT w.anew THEN e.last_error END, opened_at = CASE WHEN NOT w.anew THEN e.opened_at END,
  probes = CASE WHEN w.anew THEN 0 ELSE e.probes END, probe_at = CASE WHEN NOT w.anew THEN e.probe_at END
FROM jsonb_populate_record(NULL::endpoints, $1) AS i, endpoints b,
  LATERAL (SELECT i.url <> b.url OR i.state <> b.state AS anew) w
WHERE e.endpoint_id = i.endpoint_id AND b.endpoint_id = i.endpoint_id AND $2 IN (e.merchant_id, e.partner_id)
  AND e.state <> 'deleted'
RETURNING e.endpoint_id
"""
_DELETE = """
WITH l AS (
  DELETE FROM lanes WHERE endpoint_id = $2 AND due_at IS NOT NULL
    AND EXISTS (SELECT FROM endpoints WHERE endpoint_id = $2 AND $1 IN (merchant_id, partner_id)))
UPDATE endpoints SET state = 'deleted' WHERE endpoint_id = $2 AND $1 IN (merchant_id, partner_id)
  AND state <> 'deleted' RETURNING endpoint_id
"""
_SAMPLE = """
INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
  latency_ms, answer, result, sample)
SELECT merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error, latency_ms, answer,
  result, sample
FROM jsonb_populate_record(NULL::delivery_tries, $1)
"""
_LOCK = """
SELECT own_key, previous_until FROM endpoints
WHERE endpoint_id = $1 AND $2 IN (merchant_id, partner_id) AND state <> 'deleted' AND door = 'rescue' FOR UPDATE
"""
_LOCK_OWNED = "SELECT 1 FROM endpoints WHERE endpoint_id = $1 AND $2 IN (merchant_id, partner_id) FOR UPDATE"
_ROTATE = """
UPDATE endpoints SET own_key = $2, previous_key = $3, previous_until = $4, rotated_at = $5, switched_at = NULL
WHERE endpoint_id = $1
"""
_LOCK_SHARED = """
SELECT CASE WHEN $2 = 'stablecoin' THEN stablecoin_webhook_key ELSE webhook_key END FROM merchants
WHERE merchant_id = $1 FOR UPDATE
"""
_OVERLAP = "SELECT previous_until FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = $2"
_SHARED = """
UPDATE merchants SET webhook_key = CASE WHEN $3 = 'stablecoin' THEN webhook_key ELSE $2 END,
  stablecoin_webhook_key = CASE WHEN $3 = 'stablecoin' THEN $2 ELSE stablecoin_webhook_key END, version = version + 1
WHERE merchant_id = $1
"""
_NO_OVERLAP = "DELETE FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = $2"
_KEEP_OVERLAP = """
INSERT INTO webhook_key_overlaps (merchant_id, previous_key, previous_until, rotated_at, door)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, door) DO UPDATE SET previous_key = EXCLUDED.previous_key,
  previous_until = EXCLUDED.previous_until, rotated_at = EXCLUDED.rotated_at
"""


async def add_endpoint(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Raises: KeyTaken where another of its owner and dialect has the url."""
    await connection.execute(_ADD, row)


async def change_endpoint(connection: asyncpg.Connection, row: dict[str, Any], owner_id: UUID) -> bool:
    """`row` names its id, url, events, format, state, why and encrypt. False when it is not there.

    Raises: KeyTaken where another of its dialect has the url.
    """
    return await connection.fetchval(_CHANGE, row, owner_id) is not None


async def delete_endpoint(connection: asyncpg.Connection, owner_id: UUID, endpoint_id: UUID) -> bool:
    return await connection.fetchval(_DELETE, owner_id, endpoint_id) is not None


async def put_stablecoin_endpoint(
    connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID, url: str, events: Sequence[str],
    encrypt: bool, at: datetime,
) -> None:  # fmt: skip
    """The merchant's one endpoint of that dialect, changed in place; `endpoint_id` is for when there is none yet."""
    await connection.execute(_PUT_STABLECOIN, merchant_id, endpoint_id, url, list(events), at, encrypt)


async def add_sample_try(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """What became of a sample; no lane waits for it."""
    await connection.execute(_SAMPLE, row)


# keys -----------------------------------------------------------------------------------------------------------


async def lock_endpoint(connection: asyncpg.Connection, endpoint_id: UUID, owner_id: UUID) -> asyncpg.Record | None:
    """Its sealed key, if it has one of its own, and until when the one before holds."""
    return await connection.fetchrow(_LOCK, endpoint_id, owner_id)


async def lock_owned(connection: asyncpg.Connection, endpoint_id: UUID, owner_id: UUID) -> None:
    """Whichever API manages it: what is asked for it at once is asked one after the other."""
    await connection.execute(_LOCK_OWNED, endpoint_id, owner_id)


async def lock_shared_key(
    connection: asyncpg.Connection, merchant_id: UUID, door: str = "rescue"
) -> tuple[bytes | None, datetime | None]:
    """The merchant's sealed key for this API, and until when the one before holds."""
    sealed = await connection.fetchval(_LOCK_SHARED, merchant_id, door)
    return sealed, await connection.fetchval(_OVERLAP, merchant_id, door)


async def set_own_key(
    connection: asyncpg.Connection, endpoint_id: UUID, sealed: bytes, previous: bytes | None, until: datetime | None,
    at: datetime,
) -> None:  # fmt: skip
    await connection.execute(_ROTATE, endpoint_id, sealed, previous, until, at)


async def set_shared_key(
    connection: asyncpg.Connection, merchant_id: UUID, sealed: bytes, previous: bytes | None, until: datetime | None,
    at: datetime, door: str = "rescue",
) -> None:  # fmt: skip
    """Under the merchant's lock."""
    await connection.execute(_SHARED, merchant_id, sealed, door)
    if previous is None:
        await connection.execute(_NO_OVERLAP, merchant_id, door)
    else:
        await connection.execute(_KEEP_OVERLAP, merchant_id, previous, until, at, door)
