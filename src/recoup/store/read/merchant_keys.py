"""A merchant's keys, as far as they are shown: kind, print and last four, never a secret."""

from collections.abc import Sequence
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
_OF_KIND: Final = """
SELECT count(*) FROM (
  SELECT 'api' AS kind, revoked_at, retires_at, created_at FROM api_keys WHERE merchant_id = $1
  UNION ALL SELECT 'tokenization', revoked_at, retires_at, created_at FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL SELECT 'stablecoin', revoked_at, retires_at, created_at FROM signing_keys WHERE merchant_id = $1) k
WHERE k.kind = $2 AND {which}
"""
_LIVE: Final = _OF_KIND.format(which="k.revoked_at IS NULL AND coalesce(k.retires_at > $3, true)")
_MADE: Final = _OF_KIND.format(which="k.created_at > $3")
# By the keys: of a merchant there may be very many that ended.
_ENDED: Final = """
SELECT k.key FROM (
  (SELECT app_key AS key, merchant_id, revoked_at, retires_at FROM api_keys WHERE app_key = ANY($3) OFFSET 0)
  UNION ALL
  (SELECT environment_key, merchant_id, revoked_at, retires_at FROM tokenization_keys
    WHERE environment_key = ANY($3) OFFSET 0)
  UNION ALL
  (SELECT key_id, merchant_id, revoked_at, retires_at FROM signing_keys WHERE key_id = ANY($3) OFFSET 0)) k
WHERE k.merchant_id = $1 AND least(k.revoked_at, k.retires_at) <= $2
"""


async def keys_ended(
    connection: asyncpg.Connection, merchant_id: UUID, keys: Sequence[str], at: datetime
) -> frozenset[str]:
    """Those of them that open nothing any more."""
    return frozenset(row[0] for row in await connection.fetch(_ENDED, merchant_id, at, list(keys)))


async def keys_of(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    """Newest first, ended ones too."""
    return await connection.fetch(_LIST, merchant_id, ROWS_MAX)  # type: ignore[no-any-return]


async def live_keys(connection: asyncpg.Connection, merchant_id: UUID, kind: str, at: datetime) -> int:
    """How many of the kind work `at` that wall time."""
    return int(await connection.fetchval(_LIVE, merchant_id, kind, at))


async def keys_made(connection: asyncpg.Connection, merchant_id: UUID, kind: str, since: datetime) -> int:
    """How many of the kind were made since, ended ones too."""
    return int(await connection.fetchval(_MADE, merchant_id, kind, since))
