"""The last event of one order goes to the merchant's endpoints again, by the lanes by which new ones go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_LOCK: Final = "SELECT 1 FROM closers WHERE merchant_id = $1 FOR UPDATE"
_LAST: Final = """
SELECT e.endpoint_id, e.ordered, f.seq, f.event_id, f.event, f.feed_no, f.number,
  (SELECT max(x.seq) + 1 FROM feed x WHERE x.merchant_id = $1 AND x.subject_id = $2) AS after
FROM endpoints e
CROSS JOIN LATERAL (SELECT * FROM feed f WHERE f.merchant_id = $1 AND f.subject_id = $2 AND f.event = ANY(e.events)
  AND (f.number IS NULL) = (e.format = 'stablecoin') ORDER BY f.seq DESC LIMIT 1) f
WHERE e.merchant_id = $1 AND e.state = 'active' ORDER BY e.endpoint_id
"""
# A lane that is there sends that event anyway, or is about to.
_LANE: Final = """
INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at, replay_id, live_seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
"""
_NOTE: Final = """
INSERT INTO replays (merchant_id, replay_id, endpoint_id, key, asked, feed_from, feed_to, events, done_to, found, actor,
  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, ARRAY[$7], $6, 1, $8, $9)
"""


async def last_events(tx: asyncpg.Connection, merchant_id: UUID, order_id: UUID) -> Sequence[asyncpg.Record]:
    """Of each active endpoint of the merchant's own the last that it listens to. Takes the feed's lock."""
    await tx.execute(_LOCK, merchant_id)
    return await tx.fetch(_LAST, merchant_id, order_id)  # type: ignore[no-any-return]


async def send_again(
    tx: asyncpg.Connection, merchant_id: UUID, order_id: UUID, event: Any, replay_id: UUID, actor: str, wall: datetime
) -> bool:
    """Notes it as a replay of one event; False when that event is on its way already. Under the feed's lock."""
    lane_id = order_id if event["ordered"] else event["event_id"]
    after = event["after"] if event["ordered"] else event["seq"] + 1
    opened = await tx.fetchval(
        _LANE, merchant_id, event["endpoint_id"], lane_id, order_id, event["seq"], wall, replay_id, after
    )
    if not opened:
        return False
    number = event["number"]
    asked = {"fromNumber": number, "toNumber": number, "events": None, "since": None, "until": None}
    await tx.execute(
        _NOTE, merchant_id, replay_id, event["endpoint_id"], replay_id.hex, asked, event["feed_no"], event["event"],
        actor, wall,
    )  # fmt: skip
    return True
