"""Lanes: one next event for each endpoint and subject. A lane that has nothing to deliver does not
exist."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx
from recoup.orders.store.tries import NewTry

LEASE: Final = timedelta(seconds=60)


# A loose index scan: one look-up for each endpoint that has lanes, however many it has. One whose
# breaker is open is due when its next probe is.
@MERCHANT.statement("""
WITH RECURSIVE e AS (
  (SELECT endpoint_id FROM lanes WHERE due_at IS NOT NULL ORDER BY endpoint_id LIMIT 1)
  UNION ALL
  SELECT (SELECT l.endpoint_id FROM lanes l WHERE l.due_at IS NOT NULL
    AND l.endpoint_id > e.endpoint_id
    ORDER BY l.endpoint_id LIMIT 1)
  FROM e WHERE e.endpoint_id IS NOT NULL
)
SELECT e.endpoint_id, p.probe_at IS NOT NULL AS probed
FROM e JOIN endpoints p USING (endpoint_id)
CROSS JOIN LATERAL (SELECT l.due_at FROM lanes l WHERE l.endpoint_id = e.endpoint_id
  AND l.due_at <= $1
  AND (l.lease_until IS NULL OR l.lease_until <= $1) AND ($2::uuid IS NULL OR l.merchant_id = $2)
  ORDER BY l.due_at LIMIT 1) first
WHERE p.probe_at IS NULL OR p.probe_at <= $1
ORDER BY first.due_at
""")
async def due_endpoints(
    db: Read, wall: datetime, merchant_id: UUID | None = None
) -> dict[UUID, bool]:
    """Endpoints that have something to deliver now, the longest waiting first; and whether it is
    their breaker's next probe."""


class _LeasedLane(Row):
    merchant_id: UUID
    endpoint_id: UUID
    lane_id: UUID
    subject_id: UUID
    fails: int
    tries: int
    lease_until: datetime


class Lane(_LeasedLane):
    """A leased one with its next event, as far as the outbox has it. `probe`: the endpoint's
    breaker is open. `key`, `previous_key`: sealed; the second while it holds, `switched` once the
    receiver took what only the first had signed."""

    next_seq: int
    live_seq: int | None
    state: Literal["active", "disabled", "deleted"]
    url: str
    format: Literal["rescue", "rescue-text", "standard", "stablecoin"]
    encrypt: bool
    door: str
    probe: bool
    partner_id: UUID | None
    event_id: UUID | None
    event: str | None
    subject_kind: str | None
    body: dict[str, Any] | None
    business_at: datetime | None
    site_id: UUID | None
    external_id: str | None
    key: bytes | None
    previous_key: bytes | None
    switched: bool | None


@DIRECTORY.statement("""
UPDATE endpoints SET probe_at = $3 WHERE endpoint_id = ANY($1) AND probe_at <= $2
  RETURNING endpoint_id
""")
async def _take_probes(
    db: Tx, endpoints: Sequence[UUID], wall: datetime, until: datetime
) -> list[UUID]:
    """Takes the probes of endpoints whose breaker is open: the next one moves away, so that no
    other process makes one meanwhile."""


@MERCHANT.statement("""
WITH picked AS MATERIALIZED (
  SELECT l.merchant_id, l.endpoint_id, l.lane_id FROM unnest($1::uuid[],
    $2::int[]) AS g (endpoint_id, places)
  JOIN endpoints e USING (endpoint_id)
  CROSS JOIN LATERAL (SELECT l.merchant_id, l.endpoint_id, l.lane_id FROM lanes l
    WHERE l.endpoint_id = g.endpoint_id AND l.due_at <= $3 AND (l.lease_until IS NULL
      OR l.lease_until <= $3)
      AND ($5::uuid IS NULL OR l.merchant_id = $5)
    ORDER BY l.due_at LIMIT CASE WHEN e.probe_at IS NULL THEN g.places ELSE 1 END
      FOR UPDATE SKIP LOCKED) l
  WHERE e.probe_at IS NULL OR e.endpoint_id = ANY($6)
), leased AS (
  UPDATE lanes l SET lease_until = $4 FROM picked p
  WHERE l.merchant_id = p.merchant_id AND l.endpoint_id = p.endpoint_id AND l.lane_id = p.lane_id
  RETURNING l.merchant_id, l.endpoint_id, l.lane_id, l.subject_id, l.fails, l.tries, l.lease_until,
    l.next_seq,
    l.live_seq
)
SELECT l.*, e.state, e.url, e.format, e.encrypt, e.door, e.opened_at IS NOT NULL AS probe,
  e.partner_id,
  o.event_id, o.event, o.subject_kind, o.body, o.business_at, r.site_id, r.external_id,
  coalesce(e.own_key, CASE WHEN e.door = 'stablecoin' THEN m.stablecoin_webhook_key
    ELSE m.webhook_key END) AS key,
  CASE WHEN e.own_key IS NOT NULL AND e.previous_until > $3 THEN e.previous_key
    WHEN e.own_key IS NULL AND x.previous_until > $3 THEN x.previous_key END AS previous_key,
  e.switched_at >= CASE WHEN e.own_key IS NOT NULL THEN e.rotated_at
    ELSE x.rotated_at END AS switched
FROM leased l
JOIN endpoints e USING (endpoint_id)
LEFT JOIN merchants m ON m.merchant_id = l.merchant_id
LEFT JOIN webhook_key_overlaps x ON x.merchant_id = l.merchant_id AND x.door = e.door
LEFT JOIN outbox o ON o.merchant_id = l.merchant_id AND o.subject_id = l.subject_id
  AND o.seq = l.next_seq
LEFT JOIN orders r ON r.merchant_id = l.merchant_id AND r.order_id = l.subject_id
""")
async def _claim(
    db: Tx,
    endpoints: Sequence[UUID],
    places: Sequence[int],
    wall: datetime,
    until: datetime,
    merchant_id: UUID | None,
    probed: Sequence[UUID],
) -> list[Lane]:
    """Claims lanes: of each endpoint as many as it was given, the longest due first; of one that is
    probed a single one."""


async def claim_lanes(
    db: Tx,
    wall: datetime,
    places: Mapping[UUID, int],
    probes: Sequence[UUID] = (),
    merchant_id: UUID | None = None,
) -> list[Lane]:
    """`places`: endpoint -> how many of its lanes at most; `probes`: those of which one lane is
    tried."""
    until = wall + LEASE
    probed = await _take_probes(db, probes, wall, until) if probes else []
    return await _claim(db, list(places), list(places.values()), wall, until, merchant_id, probed)


class FinishedLane(_LeasedLane):
    """A lane after the attempt of event `seq`. `retry_at`: the same event again; `disable`: why its
    endpoint takes nothing more; `url`: where it went."""

    seq: int
    switched: bool
    url: str
    retry_at: datetime | None
    disable: str | None


@MERCHANT.statement("""
SELECT 1 FROM lanes l JOIN jsonb_to_recordset($1) AS i (merchant_id uuid, endpoint_id uuid,
  lane_id uuid)
  USING (merchant_id, endpoint_id, lane_id)
ORDER BY l.merchant_id, l.endpoint_id, l.lane_id FOR UPDATE OF l
""")
async def lock_lanes(db: Tx, lanes: Sequence[FinishedLane]) -> None:
    """First, so that an event that is being fed meanwhile is seen by one of the two."""


@DIRECTORY.statement("""
UPDATE endpoints e SET state = CASE WHEN n.disable IS NOT NULL THEN 'disabled' ELSE e.state END,
  why = coalesce(n.disable, e.why), switched_at = CASE WHEN n.switched THEN $2
    ELSE e.switched_at END
FROM (
  SELECT i.endpoint_id, max(i.disable) FILTER (WHERE i.url = p.url) AS disable,
    bool_or(i.switched) AS switched
  FROM jsonb_to_recordset($1) AS i (endpoint_id uuid, disable text, switched boolean, url text)
  JOIN endpoints p USING (endpoint_id) GROUP BY 1) n
WHERE e.endpoint_id = n.endpoint_id AND (n.disable IS NOT NULL OR n.switched)
""")
async def _note_endpoints(db: Tx, lanes: Sequence[FinishedLane], wall: datetime) -> None:
    """Notes that an endpoint takes nothing more, or took what only its new key had signed. What an
    address that was changed meanwhile answered switches nothing off."""


@MERCHANT.statement("SELECT finish_lanes($1, $2, $3)")
async def _finish(
    db: Tx, lanes: Sequence[FinishedLane], wall: datetime, tries: Sequence[NewTry]
) -> None:
    """Each goes on, waits, or ends; and what was tried is noted."""


async def finish_lanes(
    db: Tx, lanes: Sequence[FinishedLane], tries: Sequence[NewTry], wall: datetime
) -> None:
    """Finishes lanes under their locks."""
    if noted := [lane for lane in lanes if lane.disable or lane.switched]:
        await _note_endpoints(db, noted, wall)
    await _finish(db, lanes, wall, tries)


# What had failed before the breaker opened waits no longer; what came meanwhile is due already.
@MERCHANT.statement("""
UPDATE lanes l SET due_at = $2 FROM (
  SELECT merchant_id, endpoint_id, lane_id FROM lanes
  WHERE endpoint_id = ANY($1) AND due_at > $2 ORDER BY 1, 2, 3 FOR UPDATE SKIP LOCKED) w
WHERE l.merchant_id = w.merchant_id AND l.endpoint_id = w.endpoint_id AND l.lane_id = w.lane_id
""")
async def bring_forward(db: Tx, endpoints: Sequence[UUID], wall: datetime) -> None:
    """Brings forward lanes of endpoints that work again."""
