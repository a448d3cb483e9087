"""Events of an endpoint that are sent again: the requests, how far they got, and the lanes that go
back for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import DIRECTORY, HUB, MERCHANT, Read, Row, Tx, Written

COUNTED_MAX: Final = 100_000


class CountedEvents(NamedTuple):
    events: int
    orders: int


# As a replay finds them.
@MERCHANT.statement(f"""
SELECT count(*) AS events, count(DISTINCT subject_id) AS orders FROM (
  SELECT f.subject_id FROM feed f
  JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
  WHERE f.merchant_id = $1 AND f.event = ANY($6) AND CASE WHEN $7 THEN f.number IS NULL
      ELSE f.number BETWEEN $2 AND $3 END
    AND ($4::timestamptz IS NULL OR b.business_at >= $4) AND ($5::timestamptz IS NULL
      OR b.business_at < $5)
  LIMIT {COUNTED_MAX}) w
""")
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
    """Counts what a merchant's replay would send, of these numbers of its feed; at most COUNTED_MAX
    events are counted."""


class ReplayRow(Row):
    """`opening`: not all requested events are found yet. `lanes`: those it still has, at most
    10,000."""

    replay_id: UUID
    key: str
    request: dict[str, Any]
    created_at: datetime
    found: int
    opening: bool
    lanes: int


async def list_replays(
    db: Read, endpoint_id: UUID, limit: int, key: str | None = None
) -> list[ReplayRow]:
    """Newest first, among the newest 10,000 rows; with `key` its replay."""
    if key is None:
        return await newest_replays(db, endpoint_id, limit)
    return await _replays_of_key(db, endpoint_id, limit, key)


# A partner's replay has a row of each merchant.
_LIST: Final = """
SELECT replay_id, key, min(request::text)::jsonb AS request, min(created_at) AS created_at,
  sum(found)::bigint AS found,
  bool_or(done_to < feed_to) AS opening, (SELECT count(*) FROM (SELECT FROM lanes l
    WHERE l.endpoint_id = $1
    AND l.replay_id = r.replay_id LIMIT 10000) w) AS lanes
FROM ({rows}) r GROUP BY replay_id, key ORDER BY created_at DESC, replay_id LIMIT $2
"""


@MERCHANT.statement(
    _LIST.format(
        rows="SELECT * FROM replays WHERE endpoint_id = $1 ORDER BY created_at DESC LIMIT 10000"
    )
)
async def newest_replays(db: Read, endpoint_id: UUID, limit: int) -> list[ReplayRow]:
    """Newest first, among the newest 10,000 rows."""


@MERCHANT.statement(_LIST.format(rows="SELECT * FROM replays WHERE endpoint_id = $1 AND key = $3"))
async def _replays_of_key(db: Read, endpoint_id: UUID, limit: int, key: str) -> list[ReplayRow]:
    """The replay of this key."""


LOOKS_EVERY_MIN: Final = timedelta(seconds=1)
LOOKS_EVERY_MAX: Final = timedelta(minutes=1)


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM replays WHERE endpoint_id = $1 AND done_to < feed_to)
  OR EXISTS (SELECT FROM lanes WHERE endpoint_id = $1 AND replay_id IS NOT NULL)
""")
async def is_busy(db: Read, endpoint_id: UUID) -> bool:
    """True when an earlier replay to this endpoint is still under way. Under the endpoint's
    lock."""


_ROW: Final = """
WITH f AS MATERIALIZED ({found})
INSERT INTO replays (merchant_id, replay_id, endpoint_id, key, request, feed_from, feed_to, at_from,
  at_to, events,
  done_to, actor, created_at)
SELECT f.merchant_id, i.replay_id, i.endpoint_id, i.key, i.request, f.low, f.high, i.at_from,
  i.at_to, i.events,
  {done_to}, i.actor, i.created_at
FROM jsonb_populate_record(NULL::replays, $1) AS i, f WHERE f.high IS NOT NULL
RETURNING merchant_id
"""
_ONE_EVENT: Final = """
  SELECT merchant_id, feed_no AS low, feed_no AS high FROM feed
  WHERE merchant_id = $2 AND subject_id = $3 AND seq = $4"""


async def add_replay(
    db: Tx,
    row: dict[str, Any],
    owner_id: UUID,
    numbers: tuple[int, int],
    *,
    partner: bool,
    stable: bool,
) -> list[UUID]:
    """`numbers`: of the owner's feed, both included. Answers the merchants whose events are among
    them."""
    if not partner:
        return await _add_of_merchant(db, row, owner_id, *numbers, stable)
    if stable:
        return []  # a partner's feed has none
    spans = await _numbers_of_partner(db, owner_id, *numbers)
    return await _add_of_partner(
        db,
        row,
        [span.merchant_id for span in spans],
        [span.low for span in spans],
        [span.high for span in spans],
    )


class _Numbers(Row):
    """Numbers of a merchant's own feed."""

    merchant_id: UUID
    low: int
    high: int


@HUB.statement("""
SELECT merchant_id, min(merchant_number) AS low, max(merchant_number) AS high FROM partner_feed
WHERE partner_id = $1 AND number BETWEEN $2 AND $3 GROUP BY 1
""")
async def _numbers_of_partner(
    db: Read, partner_id: UUID, low: int, high: int
) -> list[_Numbers]: ...


@MERCHANT.statement(
    _ROW.format(
        done_to="f.low - 1",
        found="""
  SELECT p.merchant_id, min(f.feed_no) AS low, max(f.feed_no) AS high
  FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS p (merchant_id, low, high)
  JOIN feed f ON f.merchant_id = p.merchant_id AND f.number IN (p.low, p.high) GROUP BY 1""",
    )
)
async def _add_of_partner(
    db: Tx, row: dict[str, Any], merchants: Sequence[UUID], low: Sequence[int], high: Sequence[int]
) -> list[UUID]: ...


@MERCHANT.statement(
    _ROW.format(
        done_to="f.low - 1",
        found="""
  SELECT $2::uuid AS merchant_id, coalesce(min(feed_no), 1) AS low, coalesce(max(feed_no),
    0) AS high FROM feed
  WHERE merchant_id = $2 AND (number BETWEEN $3 AND $4 OR number IS NULL AND $5)""",
    )
)
async def _add_of_merchant(
    db: Tx, row: dict[str, Any], merchant_id: UUID, low: int, high: int, stable: bool
) -> list[UUID]:
    """`stable`: the events without a number."""


@MERCHANT.statement(_ROW.format(done_to="f.low - 1", found=_ONE_EVENT))
async def add_replay_of_one(
    db: Tx, row: dict[str, Any], merchant_id: UUID, subject_id: UUID, seq: int
) -> bool:
    """Adds a replay of one event; False when it is not in the feed yet. Raises: KeyTaken for a key
    that came."""


@MERCHANT.statement(_ROW.format(done_to="f.high", found=_ONE_EVENT))
async def note_replay_of_one(
    db: Tx, row: dict[str, Any], merchant_id: UUID, subject_id: UUID, seq: int
) -> None:
    """The request needs no lanes: its key is kept. Raises: KeyTaken for a key that came."""


class LaneInReplay(Row):
    """`busy`: it is in a replay, or one that is being opened comes to it, so that another waits.
    `coming`: the event itself is still to be sent by that. `next_try`: of the lane's, where it
    waits for one."""

    busy: bool
    coming: bool
    next_try: datetime | None


# What keeps one event ($3, $4 of the subject $2) from being sent again at once: its lane is in a
# replay, or comes into one that is being opened; of those of one event the one with the lower id
# ($5 is its own) goes first. And whether that sends this event: in the requested range, or where
# the lane goes on after it.
@MERCHANT.statement("""
WITH held AS MATERIALIZED (
  SELECT * FROM lanes WHERE endpoint_id = $1 AND lane_id = ANY(ARRAY[$2::uuid, $3::uuid])
    AND replay_id IS NOT NULL
), open AS MATERIALIZED (
  SELECT * FROM replays WHERE endpoint_id = $1 AND done_to < feed_to
  UNION SELECT r.* FROM (SELECT DISTINCT merchant_id, replay_id FROM held) h
    JOIN replays r USING (merchant_id, replay_id)
), asked AS (
  SELECT r.replay_id, r.done_to, f.feed_no, f.seq, f.event_id, e.ordered,
    r.feed_from < r.feed_to OR r.replay_id < $5 AS earlier
  FROM open r JOIN endpoints e USING (endpoint_id)
  JOIN feed f ON f.merchant_id = r.merchant_id AND f.subject_id = $2
    AND f.feed_no BETWEEN r.feed_from AND r.feed_to
    AND f.event = ANY(r.events) AND (e.format = 'stablecoin') = (f.number IS NULL)
  LEFT JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id
    AND b.seq = f.seq
  WHERE r.replay_id <> $5 AND (r.at_from IS NULL OR b.business_at >= r.at_from)
    AND (r.at_to IS NULL OR b.business_at < r.at_to)
)
SELECT EXISTS (SELECT 1 FROM held)
    OR EXISTS (SELECT 1 FROM asked WHERE earlier AND feed_no > done_to AND (ordered
      OR event_id = $3)) AS busy,
  EXISTS (SELECT 1 FROM asked WHERE feed_no > done_to AND seq = $4)
    OR EXISTS (SELECT 1 FROM held h WHERE h.next_seq <= $4 AND (h.live_seq <= $4
      OR EXISTS (SELECT 1 FROM asked a WHERE a.replay_id = h.replay_id AND a.seq = $4))) AS coming,
  (SELECT max(greatest(h.due_at, e.probe_at)) FROM held h
    JOIN endpoints e USING (endpoint_id)) AS next_try
""")
async def lane_in_replay(
    db: Read, endpoint_id: UUID, subject_id: UUID, event_id: UUID, seq: int, replay_id: UUID
) -> LaneInReplay:
    """State of the event's lane towards replays other than `replay_id`. Under the endpoint's
    lock."""


async def not_before(db: Tx, merchant_id: UUID, replay_id: UUID, wall: datetime) -> datetime | None:
    """Time when a replay of one event may look again whether its lane is free of others; None: it
    is. Under the feed's lock. A lane that waits for its next attempt is free after that at the
    earliest, unless somebody sends it sooner."""
    event = await _one_event(db, merchant_id, replay_id)
    if event is None:
        return None
    lane = await lane_in_replay(
        db, event.endpoint_id, event.subject_id, event.event_id, event.seq, replay_id
    )
    if not lane.busy:
        return None
    return min(max(lane.next_try or wall, wall + LOOKS_EVERY_MIN), wall + LOOKS_EVERY_MAX)


class _OneEvent(Row):
    endpoint_id: UUID
    subject_id: UUID
    event_id: UUID
    seq: int


@MERCHANT.statement("""
SELECT r.endpoint_id, f.subject_id, f.event_id, f.seq
FROM replays r JOIN feed f ON f.merchant_id = r.merchant_id AND f.feed_no = r.feed_from
WHERE r.merchant_id = $1 AND r.replay_id = $2 AND r.feed_from = r.feed_to AND r.done_to < r.feed_to
""")
async def _one_event(db: Read, merchant_id: UUID, replay_id: UUID) -> _OneEvent | None:
    """Event that a replay of one event sends, until its lane is open."""


async def try_now(
    db: Tx, merchant_id: UUID, endpoint_id: UUID, lane_ids: Sequence[UUID], seq: int, wall: datetime
) -> bool:
    """Brings an attempt forward; true if the event waited for one there: then it waits no longer,
    and an open breaker makes its next probe."""
    waited = bool(await _hurry(db, merchant_id, endpoint_id, lane_ids, seq, wall))
    if waited:
        await _probe_now(db, endpoint_id, wall)
    return waited


@MERCHANT.statement("""
UPDATE lanes SET due_at = least(due_at, $5) WHERE merchant_id = $1 AND endpoint_id = $2
  AND lane_id = ANY($3)
  AND next_seq = $4 AND due_at IS NOT NULL
""")
async def _hurry(
    db: Tx, merchant_id: UUID, endpoint_id: UUID, lane_ids: Sequence[UUID], seq: int, wall: datetime
) -> Written: ...


@DIRECTORY.statement("""
UPDATE endpoints SET probe_at = least(probe_at, $2) WHERE endpoint_id = $1 AND probe_at IS NOT NULL
""")
async def _probe_now(db: Tx, endpoint_id: UUID, wall: datetime) -> None: ...


@MERCHANT.statement("SELECT open_lanes($1, $2, $3, $4)")
async def open_lanes(
    db: Tx, merchant_id: UUID, replay_id: UUID, numbers: int, wall: datetime
) -> bool:
    """Looks through the next `numbers` of the feed; answers whether there are more. Under the
    feed's lock."""
