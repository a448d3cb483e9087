"""Deliveries to an endpoint, attempt by attempt, as its log shows them: narrowed, with what is sent
next."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from recoup.db.partitions import RETENTION_MONTHS
from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, columns_of
from recoup.kernel.ids import HIGHEST
from recoup.kit.personal import hider
from recoup.orders.store.tries import NewTry, TryHead

KEPT_MONTHS: Final = RETENTION_MONTHS["delivery_tries"] or 0
SCANNED_MAX: Final = 5_000  # tries that one page of a narrowed log looks through


def may_be_dropped(at: datetime, wall: datetime) -> bool:
    """True when attempts of then are no longer kept: their whole month goes."""
    return wall.year * 12 + wall.month - (at.year * 12 + at.month) > KEPT_MONTHS


class LogLine(TryHead):
    """A delivery attempt. `event`: its name in the outbox, while that keeps it; of a sample its
    name in the endpoint's dialect. `next_at`: when the event is sent again, if nothing was
    attempted since and it failed."""

    is_sample: bool
    event: str | None
    external_id: str | None
    next_at: datetime | None


async def read_log(
    db: Read,
    endpoint_id: UUID,
    *,
    before: UUID | None,
    result: str | None,
    event: tuple[str, str] | None,
    limit: int,
) -> tuple[list[LogLine], UUID | None]:
    """Newest first, older than `before`; and before which try the next page begins: None when that
    was all. `event`: its name in the endpoint's dialect, and in the outbox. A narrowed page looks
    through so many tries and may be short, or empty, with a next one; one that is not looks at what
    it shows."""
    before, (sample, name) = before or HIGHEST, event or (None, None)
    narrowed = result is not None or event is not None
    looks = SCANNED_MAX if narrowed else limit + 1
    rows = await _log(db, endpoint_id, before, looks, result, sample, name, limit + 1)
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].try_id
    return rows, await _seen_to(db, endpoint_id, before, SCANNED_MAX - 1) if narrowed else None


@MERCHANT.statement(f"""
WITH seen AS MATERIALIZED (
  SELECT t.*, coalesce(t.sample, b.event) AS event FROM (
    SELECT * FROM delivery_tries WHERE endpoint_id = $1 AND try_id < $2 ORDER BY try_id DESC
      LIMIT $3) t
  LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id
    AND b.seq = t.seq
)
SELECT {columns_of(TryHead, "t")}, t.sample IS NOT NULL AS is_sample, t.event, o.external_id,
  n.next_at
FROM (
  SELECT * FROM seen WHERE ($4::text IS NULL OR result = $4)
    AND ($5::text IS NULL OR sample = $5 OR sample IS NULL AND event = $6)
  ORDER BY try_id DESC LIMIT $7
) t
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
LEFT JOIN LATERAL (
  SELECT greatest(l.due_at, e.probe_at) AS next_at FROM lanes l JOIN endpoints e USING (endpoint_id)
  WHERE t.result = 'failed' AND t.sample IS NULL AND l.merchant_id = t.merchant_id
    AND l.endpoint_id = $1
    AND l.lane_id IN (t.subject_id, t.event_id) AND l.next_seq = t.seq AND l.due_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM delivery_tries x WHERE x.merchant_id = t.merchant_id
      AND x.subject_id = t.subject_id
      AND x.seq = t.seq AND x.endpoint_id = $1 AND x.try_id > t.try_id)
) n ON true
ORDER BY t.try_id DESC
""")
async def _log(
    db: Read,
    endpoint_id: UUID,
    before: UUID,
    looks: int,
    result: str | None,
    sample: str | None,
    event: str | None,
    limit: int,
) -> list[LogLine]:
    """Log lines of the `looks` attempts before that one."""


@MERCHANT.statement("""
SELECT try_id FROM delivery_tries WHERE endpoint_id = $1 AND try_id < $2 ORDER BY try_id DESC
  LIMIT 1 OFFSET $3
""")
async def _seen_to(db: Read, endpoint_id: UUID, before: UUID, looks: int) -> UUID | None:
    """The last of so many tries."""


class EventTry(NewTry):
    """A delivery attempt with its event as the outbox has it, while that keeps it, the event's
    number in the feed, and its order. `sample`: the event's name, of one that was sent on
    demand."""

    sample: str | None
    event: str | None
    subject_kind: str | None
    body: dict[str, Any] | None
    business_at: datetime | None
    number: int | None
    external_id: str | None
    site_id: UUID | None
    payer: dict[str, Any] | None


async def read_try(
    db: Read, merchant_id: UUID | None, endpoint_id: UUID, try_id: UUID, *, clear: bool
) -> EventTry | None:
    """An attempt of the endpoint. Without `merchant_id` of whichever merchant it is. Unless
    `clear`, the receiver's answer is without what is known of the order's customer."""
    row = await _read_try(db, merchant_id, endpoint_id, try_id)
    if row is None:
        return None
    return replace(row, answer=hider(row.payer, clear=clear)(row.answer), payer=None)


@MERCHANT.statement(f"""
SELECT {columns_of(NewTry, "t")}, t.sample, b.event, b.subject_kind, b.body, b.business_at,
  f.number,
  o.external_id, o.site_id, to_jsonb(p) AS payer
FROM delivery_tries t
LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id
  AND b.seq = t.seq
LEFT JOIN feed f ON f.merchant_id = t.merchant_id AND f.subject_id = t.subject_id AND f.seq = t.seq
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
LEFT JOIN order_payer p ON p.merchant_id = t.merchant_id AND p.order_id = t.subject_id
WHERE ($1::uuid IS NULL OR t.merchant_id = $1) AND t.endpoint_id = $2 AND t.try_id = $3
""")
async def _read_try(
    db: Read, merchant_id: UUID | None, endpoint_id: UUID, try_id: UUID
) -> EventTry | None:
    """An attempt with all that is known of the order's customer."""


class SentEvent(Row):
    """An event that an endpoint was sent, or may be."""

    endpoint_id: UUID
    subject_id: UUID
    seq: int
    event_id: UUID
    event: str


@MERCHANT.statement("""
SELECT e.endpoint_id, f.subject_id, f.seq, f.event_id, f.event
FROM endpoints e
CROSS JOIN LATERAL (SELECT * FROM feed f WHERE f.merchant_id = $1 AND f.subject_id = $2
  AND f.event = ANY(e.events)
  AND (f.number IS NULL) = (e.format = 'stablecoin') ORDER BY f.seq DESC LIMIT 1) f
WHERE e.merchant_id = $1 AND e.state = 'active' ORDER BY e.endpoint_id
""")
async def last_events(db: Read, merchant_id: UUID, order_id: UUID) -> list[SentEvent]:
    """The order's last events: for each active endpoint of the merchant's own the last one that it
    listens to."""


async def last_but(
    db: Read, owner_id: UUID, since: datetime, number: int, *, partner: bool
) -> datetime | None:
    """Time when the `number`-th sample from the end was sent; None when fewer were since then."""
    return await (_of_partner if partner else _of_merchant)(db, owner_id, since, number)


@MERCHANT.statement("""
SELECT at FROM audit_lines WHERE merchant_id = $1 AND at > $2 AND action = 'webhook.tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
""")
async def _of_merchant(
    db: Read, merchant_id: UUID, since: datetime, number: int
) -> datetime | None:
    """Time of a merchant's sample, from the audit log."""


@DIRECTORY.statement("""
SELECT at FROM partner_log WHERE partner_id = $1 AND at > $2 AND happening = 'webhook_tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
""")
async def _of_partner(db: Read, partner_id: UUID, since: datetime, number: int) -> datetime | None:
    """Time of a partner's sample, from the partner's log."""
