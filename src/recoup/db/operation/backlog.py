"""Backlog: what waits, and for how long: for operators' gauges. Counts stop at 100,000."""

from datetime import datetime

from msgspec.structs import asdict

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.frozen import frozen


@frozen
class Backlog:
    """`late_seconds`: the age of the oldest by what it is: due work by kind, `feed`, `pages`,
    `deliveries`. `failing`: due work that ended in an error again and again, by kind.
    `oldest_seconds`: of the oldest due work that nobody has taken. `unknown_seconds`: since the
    oldest attempt was sent whose outcome nobody knows."""

    waiting: dict[str, int]
    late_seconds: dict[str, float]
    failing: dict[str, int]
    oldest_seconds: float
    unknown_seconds: float


async def read_backlog(db: Read, wall: datetime) -> Backlog:
    due, rest = await _due(db, wall), asdict(await _rest(db, wall))
    late = {name: rest.pop(f"{name}_seconds") for name in ("feed", "pages", "deliveries")}
    return Backlog(
        {f"due_{work.kind}": work.number for work in due}
        | {name: rest[name] for name in rest if "seconds" not in name},
        {f"due_{work.kind}": work.late_seconds for work in due} | late,
        {work.kind: work.failing for work in due if work.failing},
        rest["oldest_seconds"],
        rest["unknown_seconds"],
    )


class _Kind(Row):
    kind: str
    number: int
    failing: int
    late_seconds: float


# By the wall, and of merchants whose clock is ahead what lies between: what falls due later is not
# looked at. What was put off after a failure is late, too.
@MERCHANT.statement("""
SELECT kind, count(*) AS number, count(*) FILTER (WHERE tries >= 5
  AND last_error IS NOT NULL) AS failing,
  coalesce(extract(epoch FROM max(late)), 0)::float8 AS late_seconds
FROM (
  SELECT d.kind, d.tries, d.last_error, CASE WHEN m.offset_us = 0
    OR d.wall THEN $1::timestamptz - d.due_at END AS late
  FROM due_work d JOIN merchants m USING (merchant_id)
  WHERE d.due_at <= $1::timestamptz AND (d.wall OR d.due_at <= $1::timestamptz + m.offset_us *
    interval '1 microsecond')
  UNION ALL
  SELECT d.kind, d.tries, d.last_error, NULL FROM merchants m CROSS JOIN LATERAL (
    SELECT d.kind, d.tries, d.last_error FROM due_work d
    WHERE d.merchant_id = m.merchant_id AND NOT d.wall AND d.due_at > $1::timestamptz
      AND d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond' OFFSET 0) d
  WHERE m.offset_us > 0
  LIMIT 100000) due
GROUP BY kind
""")
async def _due(db: Read, wall: datetime) -> list[_Kind]: ...


class _Rest(Row):
    unfed_events: int
    feed_seconds: float
    due_deliveries: int
    deliveries_seconds: float
    unsealed_postings: int
    pages_seconds: float
    open_attempts: int
    unknown_seconds: float
    advances_to_collect: int
    oldest_seconds: float


# An inquiry falls due within the hour, however often it was made. Receivers that fail are not
# waited for.
@MERCHANT.statement("""
SELECT o.n AS unfed_events, coalesce(extract(epoch FROM $1::timestamptz - o.since),
  0)::float8 AS feed_seconds,
  l.n AS due_deliveries, coalesce(extract(epoch FROM $1::timestamptz - l.since),
    0)::float8 AS deliveries_seconds,
  p.n AS unsealed_postings, coalesce(extract(epoch FROM $1::timestamptz - p.since),
    0)::float8 AS pages_seconds,
  i.n AS open_attempts, coalesce(extract(epoch FROM $1::timestamptz - i.since),
    0)::float8 AS unknown_seconds,
  (SELECT count(*) FROM (SELECT FROM advances WHERE due_units > 0
    LIMIT 100000) a) AS advances_to_collect,
  (SELECT coalesce(extract(epoch FROM $1 - min(d.due_at)), 0)::float8
    FROM due_work d JOIN merchants m USING (merchant_id)
    WHERE m.offset_us = 0 AND d.due_at <= $1 AND d.lease_until IS NULL) AS oldest_seconds
FROM (SELECT count(*) AS n, min(recorded_at) AS since
    FROM (SELECT recorded_at FROM outbox_queue LIMIT 100000) o) o,
  (SELECT count(*) AS n, min(due_at) FILTER (WHERE answers) AS since FROM (
    SELECT l.due_at, e.opened_at IS NULL AS answers FROM lanes l
      JOIN endpoints e USING (endpoint_id)
    WHERE l.due_at <= $1 LIMIT 100000) l) l,
  (SELECT count(*) AS n, min(recorded_at) AS since
    FROM (SELECT recorded_at FROM postings_queue LIMIT 100000) p) p,
  (SELECT count(*) AS n, min(sent) AS since FROM (
    SELECT a.sent_at - m.offset_us * interval '1 microsecond' AS sent
    FROM due_work d JOIN merchants m USING (merchant_id)
    LEFT JOIN attempts a ON a.merchant_id = d.merchant_id AND a.order_id = d.subject_id
      AND a.state IN ('open', 'unknown')
    WHERE d.kind = 'inquire' AND d.due_at <= $1 + interval '1 hour' LIMIT 100000) i) i
""")
async def _rest(db: Read, wall: datetime) -> _Rest:
    """Reads the figures of everything else."""


class FailingWork(Row):
    """`error`: of the piece that was tried most."""

    kind: str
    number: int
    error: str


@MERCHANT.statement("""
SELECT kind, count(*) AS number, (array_agg(last_error ORDER BY tries DESC))[1] AS error FROM (
  SELECT kind, tries, last_error FROM due_work
  WHERE due_at <= $1 AND tries >= 5 AND last_error IS NOT NULL LIMIT 10000) f
GROUP BY kind ORDER BY kind
""")
async def failing_work(db: Read, wall: datetime) -> list[FailingWork]:
    """Due work that has ended in an error at least five times."""
