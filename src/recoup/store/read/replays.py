"""Replays of an endpoint's events, and how far they got."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

COUNTED_MAX: Final = 100_000


class CountedEvents(NamedTuple):
    events: int
    orders: int


# As a replay finds them.
@statement(
    MERCHANT,
    f"""
SELECT count(*) AS events, count(DISTINCT subject_id) AS orders FROM (
  SELECT f.subject_id FROM feed f
  JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
  WHERE f.merchant_id = $1 AND f.event = ANY($6) AND CASE WHEN $7 THEN f.number IS NULL
      ELSE f.number BETWEEN $2 AND $3 END
    AND ($4::timestamptz IS NULL OR b.business_at >= $4) AND ($5::timestamptz IS NULL OR b.business_at < $5)
  LIMIT {COUNTED_MAX}) w
""",
)
async def count_events(
    db: Read,
    merchant_id: UUID,
    low: int,
    high: int,
    since: datetime | None,
    until: datetime | None,
    events: Sequence[str],
    *,
    stable: bool,
) -> CountedEvents:
    """What a merchant's replay would send, of these numbers of its feed; at most COUNTED_MAX events are counted."""


class ReplayRow(Row, frozen=True):
    """`opening`: not all requested events are found yet. `lanes`: those it still has, at most 10,000."""

    replay_id: UUID
    key: str
    request: dict[str, Any]
    created_at: datetime
    found: int
    opening: bool
    lanes: int


async def list_replays(db: Read, endpoint_id: UUID, limit: int, key: str | None = None) -> list[ReplayRow]:
    """Newest first, among the newest 10,000 rows; with `key` its replay."""
    if key is None:
        return await newest_replays(db, endpoint_id, limit)
    return await _replays_of_key(db, endpoint_id, limit, key)


# A partner's replay has a row of each merchant.
_LIST: Final = """
SELECT replay_id, key, min(request::text)::jsonb AS request, min(created_at) AS created_at, sum(found)::bigint AS found,
  bool_or(done_to < feed_to) AS opening, (SELECT count(*) FROM (SELECT FROM lanes l WHERE l.endpoint_id = $1
    AND l.replay_id = r.replay_id LIMIT 10000) w) AS lanes
FROM ({rows}) r GROUP BY replay_id, key ORDER BY created_at DESC, replay_id LIMIT $2
"""


@statement(
    MERCHANT, _LIST.format(rows="SELECT * FROM replays WHERE endpoint_id = $1 ORDER BY created_at DESC LIMIT 10000")
)
async def newest_replays(db: Read, endpoint_id: UUID, limit: int) -> list[ReplayRow]:
    """Newest first, among the newest 10,000 rows."""


@statement(MERCHANT, _LIST.format(rows="SELECT * FROM replays WHERE endpoint_id = $1 AND key = $3"))
async def _replays_of_key(db: Read, endpoint_id: UUID, limit: int, key: str) -> list[ReplayRow]:
    """The replay of this key."""
