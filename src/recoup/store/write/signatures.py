"""Signatures work once. Kept unlogged and committed without waiting for the disk: after a crash the table is empty,
and what was signed before it is refused instead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

BUCKET_SECONDS = 300
# One more than the window can reach back, for a timestamp may lie in the future.
BUCKETS_KEPT = 3
_TAKE = """
WITH input AS MATERIALIZED (
  SELECT i.*, set_config('synchronous_commit', 'off', true)
  FROM jsonb_to_recordset($1) AS i (bucket bigint, key_id text, signature text)
), fresh AS (
  INSERT INTO seen_signatures (bucket, key_id, signature)
  SELECT bucket, key_id, decode(signature, 'hex') FROM input ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING RETURNING key_id, signature
)
SELECT (SELECT since FROM signatures_since) AS since,
  (SELECT array_agg(key_id || ' ' || encode(signature, 'hex')) FROM fresh) AS fresh
"""
_SINCE = "INSERT INTO signatures_since (since) VALUES ($1) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM seen_signatures WHERE bucket < $1"


def bucket_of(seconds: int) -> int:
    return seconds // BUCKET_SECONDS


async def take_signatures(
    connection: asyncpg.Connection, rows: Sequence[dict[str, Any]]
) -> tuple[datetime | None, set[tuple[str, str]]]:
    """Which (key_id, signature) were not seen before, and since when all are known: None right after a crash."""
    row = await connection.fetchrow(_TAKE, list(rows))
    return row["since"], {(one.partition(" ")[0], one.partition(" ")[2]) for one in row["fresh"] or ()}


async def begin_signatures(connection: asyncpg.Connection, since: datetime) -> None:
    await connection.execute(_SINCE, since)


async def forget_signatures(connection: asyncpg.Connection, now: datetime) -> None:
    """Those whose timestamps no call may carry any more."""
    await connection.execute(_FORGET, bucket_of(int(now.timestamp())) - BUCKETS_KEPT)
