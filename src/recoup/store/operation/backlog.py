"""What waits: for operators' gauges. Counts stop at 100,000."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import asdict

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


@dataclass(frozen=True, slots=True)
class Backlog:
    waiting: dict[str, int]
    oldest_seconds: float


async def read_backlog(db: Read, wall: datetime) -> Backlog:
    due = {f"due_{kind}": number for kind, number in (await _due(db, wall)).items()}
    rest = asdict(await _rest(db, wall))
    oldest = rest.pop("oldest_seconds")
    return Backlog(due | rest, oldest)


# By the wall, and of merchants whose clock is ahead what lies between: what falls due later is not looked at.
@MERCHANT.statement("""
SELECT kind, count(*) AS n FROM (
  SELECT d.kind FROM due_work d JOIN merchants m USING (merchant_id)
  WHERE d.due_at <= $1::timestamptz AND (d.wall OR d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond')
  UNION ALL
  SELECT d.kind FROM merchants m CROSS JOIN LATERAL (
    SELECT d.kind FROM due_work d WHERE d.merchant_id = m.merchant_id AND NOT d.wall AND d.due_at > $1::timestamptz
      AND d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond' OFFSET 0) d
  WHERE m.offset_us > 0
  LIMIT 100000) due
GROUP BY kind
""")
async def _due(db: Read, wall: datetime) -> dict[str, int]:
    """By kind."""


class _Rest(Row, frozen=True):
    unfed_events: int
    due_deliveries: int
    unsealed_postings: int
    open_attempts: int
    advances_to_collect: int
    oldest_seconds: float


# An inquiry falls due within the hour, however often it was made.
@MERCHANT.statement("""
SELECT (SELECT count(*) FROM (SELECT FROM outbox WHERE NOT fed LIMIT 100000) o) AS unfed_events,
  (SELECT count(*) FROM (SELECT FROM lanes WHERE due_at <= $1 LIMIT 100000) l) AS due_deliveries,
  (SELECT count(*) FROM (SELECT FROM postings WHERE page_no IS NULL LIMIT 100000) p) AS unsealed_postings,
  (SELECT count(*) FROM (SELECT FROM due_work WHERE kind = 'inquire' AND due_at <= $1 + interval '1 hour'
    LIMIT 100000) i) AS open_attempts,
  (SELECT count(*) FROM (SELECT FROM advances WHERE due_units > 0 LIMIT 100000) a) AS advances_to_collect,
  (SELECT coalesce(extract(epoch FROM $1 - min(d.due_at)), 0)::float8
    FROM due_work d JOIN merchants m USING (merchant_id)
    WHERE m.offset_us = 0 AND d.due_at <= $1 AND d.lease_until IS NULL) AS oldest_seconds
""")
async def _rest(db: Read, wall: datetime) -> _Rest:
    """Of everything else; and the age of the oldest due work that nobody has taken."""
