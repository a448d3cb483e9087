"""Replays of an endpoint's events, and how far they got."""

from uuid import UUID

import asyncpg

_LIST = """
SELECT replay_id, key, min(asked::text)::jsonb AS asked, min(created_at) AS created_at, sum(found)::bigint AS found,
  bool_or(done_to < feed_to) AS opening, (SELECT count(*) FROM (SELECT FROM lanes l WHERE l.endpoint_id = $1
    AND l.replay_id = r.replay_id LIMIT 10000) w) AS lanes
FROM replays r WHERE endpoint_id = $1 AND ($2::text IS NULL OR key = $2)
GROUP BY replay_id, key ORDER BY created_at DESC, replay_id LIMIT $3
"""


async def list_replays(
    connection: asyncpg.Connection, endpoint_id: UUID, limit: int, key: str | None = None
) -> list[asyncpg.Record]:
    """Newest first; with `key` the one that it asked for."""
    return await connection.fetch(_LIST, endpoint_id, key, limit)  # type: ignore[no-any-return]
