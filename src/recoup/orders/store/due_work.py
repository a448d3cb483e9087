"""Due work: what waits, and for when. It is leased in batches and finished by the transaction that
does it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx


@MERCHANT.statement("""
SELECT m.merchant_id FROM merchants m
WHERE m.offset_us > 0 AND EXISTS (SELECT FROM due_work d WHERE d.merchant_id = m.merchant_id
  AND NOT d.wall
  AND d.due_at > $1::timestamptz AND d.due_at <= $1::timestamptz + m.offset_us * interval
    '1 microsecond'
  AND (d.lease_until IS NULL OR d.lease_until <= $1))
""")
async def moved_merchants(db: Read, wall: datetime) -> list[UUID]:
    """Merchants whose clock is ahead and has passed something that the wall has not."""


# A loose index scan: one look-up for each merchant, however much work it has.
@MERCHANT.statement("""
WITH RECURSIVE t AS (
  (SELECT merchant_id, 1 AS number FROM due_work WHERE merchant_id > $1 ORDER BY merchant_id
    LIMIT 1)
  UNION ALL
  SELECT (SELECT d.merchant_id FROM due_work d WHERE d.merchant_id > t.merchant_id
    ORDER BY d.merchant_id LIMIT 1),
    t.number + 1
  FROM t WHERE t.merchant_id IS NOT NULL AND t.number < $2
)
SELECT merchant_id FROM t WHERE merchant_id IS NOT NULL
""")
async def merchants_in_turn(db: Read, after: UUID, limit: int) -> list[UUID]:
    """The next merchants that have any work, due or not, by their ids."""


@MERCHANT.statement("SELECT min(due_at) FROM due_work WHERE merchant_id = $1 AND NOT wall")
async def next_business_instant(db: Read, merchant_id: UUID) -> datetime | None:
    """The time when the first of what waits by the merchant's clock is due."""


class Outstanding(Row):
    """Counts of outstanding work. `work`: what is due, and what waits for a processor; `unfed`:
    events that are not in the feed; `undelivered`: first deliveries."""

    work: int
    unanswered: int
    unfed: int
    undelivered: int


@MERCHANT.statement("""
SELECT (SELECT count(*) FROM due_work d JOIN merchants m USING (merchant_id)
  WHERE d.merchant_id = $1
    AND (d.kind IN ('inquire', 'modification')
      OR d.kind = 'processor_invoice' AND d.due_at <= $2 AND d.tries < 3 OR (NOT d.wall
      AND d.due_at <= $2::timestamptz + m.offset_us * interval '1 microsecond'))) AS work,
  (SELECT count(*) FROM due_work WHERE merchant_id = $1 AND kind = 'inquire') AS unanswered,
  (SELECT count(*) FROM outbox_queue WHERE merchant_id = $1) AS unfed,
  (SELECT count(*) FROM lanes l JOIN endpoints e USING (endpoint_id)
    WHERE l.merchant_id = $1 AND l.due_at IS NOT NULL AND l.fails = 0
      AND e.opened_at IS NULL) AS undelivered
""")
async def outstanding(db: Read, merchant_id: UUID, wall: datetime) -> Outstanding:
    """Counts what must be finished before a merchant's clock may go on: work, events to feed, first
    deliveries. What waits for an endpoint whose breaker is open is not waited for."""


class Unanswered(NamedTuple):
    order_id: UUID
    attempt_id: UUID


@MERCHANT.statement("""
SELECT a.order_id, a.attempt_id FROM due_work d
JOIN attempts a ON a.merchant_id = d.merchant_id AND a.order_id = d.subject_id
  AND a.state IN ('open', 'unknown')
WHERE d.merchant_id = $1 AND d.kind = 'inquire' AND d.due_at > $2 ORDER BY d.subject_id LIMIT 1000
""")
async def unanswered(db: Read, merchant_id: UUID, wall: datetime) -> list[Unanswered]:
    """Later inquiries."""


LEASE: Final = timedelta(seconds=60)


class Due(NamedTuple):
    merchant_id: UUID
    kind: str
    subject_id: UUID
    tries: int


_FIELDS: Final = "d.merchant_id, d.kind, d.subject_id, d.tries"


async def claim(
    db: Tx, wall: datetime, limit: int, *, merchant_id: UUID | None = None
) -> list[Due]:
    """Leases what is due, oldest first. With a merchant: by that merchant's clock, however far it
    was moved."""
    if merchant_id is None:
        return await _claim(db, wall, limit, wall + LEASE)
    return await _claim_of_merchant(db, wall, limit, wall + LEASE, merchant_id)


# Rows whose instant has come by the wall; those of a merchant whose clock stands in the past wait
# for it.
@MERCHANT.statement(f"""
WITH picked AS MATERIALIZED (
  SELECT d.merchant_id, d.kind, d.subject_id FROM due_work d JOIN merchants m USING (merchant_id)
  WHERE d.due_at <= $1::timestamptz AND (d.lease_until IS NULL OR d.lease_until <= $1)
    AND (d.wall OR d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond')
  ORDER BY d.due_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
)
UPDATE due_work d SET lease_until = $3, tries = d.tries + 1
FROM picked p WHERE d.merchant_id = p.merchant_id AND d.kind = p.kind
  AND d.subject_id = p.subject_id
  AND p.kind = ANY (ARRAY[p.kind])  -- true; see `write_changes`
RETURNING {_FIELDS}
""")
async def _claim(db: Tx, wall: datetime, limit: int, until: datetime) -> list[Due]:
    """Leases until then."""


@MERCHANT.statement(f"""
WITH picked AS MATERIALIZED (
  SELECT d.merchant_id, d.kind, d.subject_id FROM due_work d
  WHERE d.merchant_id = $4 AND (d.lease_until IS NULL OR d.lease_until <= $1)
    AND d.due_at <= $1::timestamptz
      + greatest(0, (SELECT offset_us FROM merchants WHERE merchant_id = $4)) * interval
        '1 microsecond'
    AND CASE WHEN d.wall THEN d.due_at <= $1::timestamptz ELSE d.due_at <= $1::timestamptz
      + (SELECT offset_us FROM merchants WHERE merchant_id = $4) * interval '1 microsecond' END
  ORDER BY d.due_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
)
UPDATE due_work d SET lease_until = $3, tries = d.tries + 1
FROM picked p WHERE d.merchant_id = p.merchant_id AND d.kind = p.kind
  AND d.subject_id = p.subject_id
  AND p.kind = ANY (ARRAY[p.kind])  -- true; see `write_changes`
RETURNING {_FIELDS}
""")
async def _claim_of_merchant(
    db: Tx, wall: datetime, limit: int, until: datetime, merchant_id: UUID
) -> list[Due]:
    """Leases until then."""


async def claim_of_each(
    db: Tx, wall: datetime, limit: int, merchants: Sequence[UUID], each: int
) -> list[Due]:
    """Leases what is due of these merchants, at most `each` of one, its oldest first."""
    return await _claim_of_each(db, wall, limit, wall + LEASE, merchants, each)


# A few of each of these merchants, by its own index, whatever waits for others.
@MERCHANT.statement(f"""
WITH picked AS MATERIALIZED (
  SELECT d.merchant_id, d.kind, d.subject_id FROM unnest($4::uuid[]) AS t (merchant_id)
  JOIN merchants m USING (merchant_id)
  CROSS JOIN LATERAL (SELECT w.merchant_id, w.kind, w.subject_id FROM due_work w
    WHERE w.merchant_id = t.merchant_id AND w.due_at <= $1::timestamptz
      AND (w.lease_until IS NULL OR w.lease_until <= $1)
      AND (w.wall OR w.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond')
    ORDER BY w.due_at LIMIT $5 FOR UPDATE SKIP LOCKED) d
  LIMIT $2
)
UPDATE due_work d SET lease_until = $3, tries = d.tries + 1
FROM picked p WHERE d.merchant_id = p.merchant_id AND d.kind = p.kind
  AND d.subject_id = p.subject_id
  AND p.kind = ANY (ARRAY[p.kind])  -- true; see `write_changes`
RETURNING {_FIELDS}
""")
async def _claim_of_each(
    db: Tx, wall: datetime, limit: int, until: datetime, merchants: Sequence[UUID], each: int
) -> list[Due]:
    """Leases until then."""


async def postpone(db: Tx, due: Due, until: datetime, error: str) -> None:
    """Postpones due work after a failure: not before `until`, with the error for the desk."""
    await _postpone(db, due.merchant_id, due.kind, due.subject_id, until, error[:300])


@MERCHANT.statement("""
UPDATE due_work SET lease_until = $4, last_error = $5 WHERE merchant_id = $1 AND kind = $2
  AND subject_id = $3
""")
async def _postpone(
    db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, until: datetime, error: str
) -> None:
    """Postpones due work until `until`."""


@MERCHANT.statement("""
INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall) VALUES ($1, $2, $3, $4, true)
ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = excluded.due_at,
  lease_until = NULL, tries = 0
""")
async def make_due(db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, at: datetime) -> None:
    """Makes work due at that wall time, though somebody works at it: what came meanwhile is looked
    at as well."""


async def hand_back(db: Tx, due: Due, until: datetime | None = None) -> None:
    """Hands due work back after a part of it: a free worker goes on, not before `until`."""
    await _hand_back(db, due.merchant_id, due.kind, due.subject_id, until)


@MERCHANT.statement("""
UPDATE due_work SET lease_until = $4, tries = 0 WHERE merchant_id = $1 AND kind = $2
  AND subject_id = $3
""")
async def _hand_back(
    db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, until: datetime | None
) -> None:
    """Its tries begin anew."""


async def wait_for_turn(db: Tx, due: Due, until: datetime) -> None:
    """Hands back due work that was not begun: not before `until`, and its attempts count as
    before."""
    await _wait_for_turn(db, due.merchant_id, due.kind, due.subject_id, until)


@MERCHANT.statement("""
UPDATE due_work SET lease_until = $4, tries = greatest(0, tries - 1)
WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3
""")
async def _wait_for_turn(
    db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, until: datetime
) -> None:
    """Hands back due work, and takes one from its attempts."""


async def lease(db: Tx, due: Due, wall: datetime, until: datetime) -> bool:
    """Leases due work to somebody who is no worker, before it is due. False: somebody else is at
    it, or it is done."""
    return bool(await _lease(db, due.merchant_id, due.kind, due.subject_id, wall, until))


@MERCHANT.statement("""
UPDATE due_work SET lease_until = $5
WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 AND (lease_until IS NULL
  OR lease_until <= $4) RETURNING true
""")
async def _lease(
    db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, wall: datetime, until: datetime
) -> bool | None:
    """Leases due work; None: it is leased already, or there is none."""


@MERCHANT.statement("""
UPDATE due_work SET due_at = $3 WHERE merchant_id = $1 AND kind = 'inquire'
  AND subject_id = ANY ($2) AND due_at > $3
""")
async def inquire_now(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID], wall: datetime) -> None:
    """Later inquiries about these orders are due now."""


@MERCHANT.statement("""
DELETE FROM due_work WHERE merchant_id = $1 AND kind = 'processor_notice' AND subject_id = $2
  AND NOT EXISTS (
  SELECT FROM processor_notices WHERE merchant_id = $1 AND object_key = $2 AND times <> $3)
""")
async def notice_worked(db: Tx, merchant_id: UUID, object_key: UUID, times: int) -> None:
    """Ends the work on a notice. `times` as it was read: what came since is still to be asked
    about."""


@MERCHANT.statement("""
UPDATE due_work SET due_at = $3, lease_until = NULL, tries = 0
WHERE merchant_id = $1 AND kind = 'processor_invoice' AND subject_id = $2 AND due_at <= $4
""")
async def look_at_invoice_again(
    db: Tx, merchant_id: UUID, invoice_key: UUID, at: datetime, begun: datetime
) -> None:
    """Schedules the next look at an invoice; does nothing where it was made due since this look had
    `begun`."""


@MERCHANT.statement("""
INSERT INTO due_work (merchant_id, kind, subject_id, due_at) VALUES ($1, 'transmission', $2, $3)
ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = EXCLUDED.due_at,
  lease_until = NULL
""")
async def look_at_transmission(db: Tx, merchant_id: UUID, transmit_id: UUID, at: datetime) -> None:
    """Makes due the look at what a transmission means for rescues."""


@MERCHANT.statement("""
DELETE FROM due_work WHERE merchant_id = $1 AND kind = 'transmission' AND subject_id = $2
  AND NOT EXISTS (
  SELECT FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2 AND updated_at IS DISTINCT
    FROM $3)
""")
async def end_look_at_transmission(
    db: Tx, merchant_id: UUID, transmit_id: UUID, updated_at: datetime | None
) -> None:
    """Ends the look at a transmission. `updated_at` as it was read: an update since is still to be
    looked at."""


@MERCHANT.statement("""
DELETE FROM due_work WHERE merchant_id = $1 AND kind = $2 AND subject_id = $3 AND (NOT wall
  OR due_at <= $4)
""")
async def end_work_begun(
    db: Tx, merchant_id: UUID, kind: str, subject_id: UUID, begun: datetime
) -> None:
    """Ends due work; does nothing where it was made due again since this look had `begun`."""
