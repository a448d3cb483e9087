"""A merchant's keys, as far as they are shown: kind, print and last four, never a secret."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

ROWS_MAX: Final = 60
# `print` names a key in forms: what opens something is not written there.
_LIST: Final = """
SELECT k.*, encode(sha256(convert_to(k.key, 'UTF8')), 'hex') AS print FROM (
  SELECT key_id::text AS id, app_key AS key, 'api' AS kind, created_at, least(revoked_at, retires_at) AS ends_at,
    made_by, ended_by, name, coalesce(last_used_at, first_token_at) AS last_used_at
  FROM api_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, environment_key, 'tokenization', created_at, least(revoked_at, retires_at), made_by, ended_by, name,
    last_used_at
  FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, key_id, 'stablecoin', created_at, least(revoked_at, retires_at), made_by, ended_by, name, last_used_at
  FROM signing_keys WHERE merchant_id = $1) k
ORDER BY k.created_at DESC, k.kind LIMIT $2
"""
_LIVE: Final = """
SELECT count(*) FROM (
  SELECT 'api' AS kind, revoked_at, retires_at FROM api_keys WHERE merchant_id = $1
  UNION ALL SELECT 'tokenization', revoked_at, retires_at FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL SELECT 'stablecoin', revoked_at, retires_at FROM signing_keys WHERE merchant_id = $1) k
WHERE k.kind = $2 AND k.revoked_at IS NULL AND coalesce(k.retires_at > $3, true)
"""


_ENDED: Final = """
SELECT app_key FROM api_keys WHERE merchant_id = $1 AND least(revoked_at, retires_at) <= $2
UNION ALL SELECT environment_key FROM tokenization_keys WHERE merchant_id = $1 AND least(revoked_at, retires_at) <= $2
UNION ALL SELECT key_id FROM signing_keys WHERE merchant_id = $1 AND least(revoked_at, retires_at) <= $2
"""


async def keys_ended(connection: asyncpg.Connection, merchant_id: UUID, at: datetime) -> frozenset[str]:
    """Those that open nothing any more."""
    return frozenset(row[0] for row in await connection.fetch(_ENDED, merchant_id, at))


async def keys_of(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    """Newest first, ended ones too."""
    return await connection.fetch(_LIST, merchant_id, ROWS_MAX)  # type: ignore[no-any-return]


async def live_keys(connection: asyncpg.Connection, merchant_id: UUID, kind: str, at: datetime) -> int:
    """How many of the kind work `at` that wall time."""
    return int(await connection.fetchval(_LIVE, merchant_id, kind, at))
