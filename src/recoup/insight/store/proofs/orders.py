"""Orders beside their heads, logs, attempts and refunds; references and answered keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    Window,
    differences,
    not_archived,
    of_merchant,
    of_window,
)
from recoup.orders.rules.lifecycle import OPEN, Stage


# What may still be sent has a card to send.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT o.order_id, 'card of the order' AS field, 'a card in the vault' AS expected, 'none' AS found
FROM current_orders o
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND o.stage = ANY($4::text[])
  AND o.kind <> 'stable'
  AND NOT EXISTS (SELECT FROM vault v WHERE v.merchant_id = o.merchant_id
    AND v.token_id = o.token_id)
ORDER BY o.order_id LIMIT 1000
""")
async def _cards(
    db: Read, merchant_id: UUID, after: UUID, until: UUID, stages: Sequence[str]
) -> list[Differs]: ...


_STILL_SENT: Final = sorted(stage.value for stage in OPEN | {Stage.NEW})


class StoredOrder(Row):
    """An order with its head, and what its attempts, refunds and disputes add up to. Without a row
    of the order `stage` is None, and what is its own; without a head `head`."""

    order_id: UUID
    stage: str | None
    version: int
    kind: str
    units: int
    asset: str
    door: str
    site_id: UUID
    placed_at: datetime
    expires_at: datetime | None
    head: UUID | None
    status: int
    refunded_units: int
    disputed: bool
    attempts: int
    next_attempt_at: datetime | None
    reason: str | None
    created_at: datetime | None
    order_type: str
    head_units: int
    head_asset: str
    head_door: str
    head_site_id: UUID
    head_placed_at: datetime
    head_expires_at: datetime | None
    decline_code: str
    head_decline_code: str
    counted: int
    planned_at: datetime | None
    refunded: int
    disputed_units: int


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id, o.stage, o.version, o.kind, o.units, o.asset, o.door, o.site_id, o.placed_at,
  o.expires_at,
  h.order_id AS head, h.status, h.refunded_units, h.disputed, h.attempts, h.next_attempt_at,
    h.reason, h.created_at,
  h.order_type, h.units AS head_units, h.asset AS head_asset, h.door AS head_door,
    h.site_id AS head_site_id,
  h.placed_at AS head_placed_at, h.expires_at AS head_expires_at,
  coalesce(o.facts -> 'decline' ->> 'code', '') AS decline_code,
    h.decline_code AS head_decline_code,
  coalesce(a.counted, 0) AS counted, a.planned_at, coalesce(r.units, 0)::bigint AS refunded,
  coalesce(d.units, 0)::bigint AS disputed_units
FROM (SELECT * FROM current_orders WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3) o
FULL JOIN (SELECT * FROM order_heads WHERE merchant_id = $1 AND order_id > $2
  AND order_id <= $3) h USING (order_id)
LEFT JOIN (
  SELECT order_id, count(*) FILTER (WHERE sent_at IS NOT NULL AND state <> 'not_sent') AS counted,
    min(due_at) FILTER (WHERE state = 'planned' AND initiator <> 'payer') AS planned_at
  FROM attempts WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 GROUP BY order_id
) a USING (order_id)
LEFT JOIN (
  SELECT order_id, sum(units) AS units FROM modifications m
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3
    AND (kind = 'refund' AND state NOT IN ('refused', 'failed')
    OR kind = 'reversal' AND EXISTS (SELECT FROM order_log l WHERE l.merchant_id = m.merchant_id
      AND l.order_id = m.order_id AND l.fact_id = m.modification_id
        AND l.happening = 'part_owed_back'))
  GROUP BY order_id
) r USING (order_id)
LEFT JOIN (
  SELECT order_id, sum(units) AS units FROM disputes
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND stage <> 'inquiry'
    AND state <> 'won'
  GROUP BY order_id
) d USING (order_id)
ORDER BY order_id
""")
async def read_orders(
    db: Read, merchant_id: UUID, after: UUID, until: UUID
) -> list[StoredOrder]: ...


class StoredLine(Row):
    """`units`: as it stands there."""

    order_id: UUID
    seq: int
    happening: str
    src: str
    dst: str
    units: str | None


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id, seq, happening, src, dst, body ->> 'units' AS units FROM order_log
WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 ORDER BY order_id, seq
""")
async def read_lines(db: Read, merchant_id: UUID, after: UUID, until: UUID) -> list[StoredLine]:
    """The log, each order's lines in turn."""


references: Final = of_window(
    __name__,
    refs="""
SELECT o.order_id, 'order reference ' || o.door || ' ' || o.external_id AS field,
  o.order_id::text AS expected,
  f.order_id::text AS found
FROM orders o LEFT JOIN order_refs f USING (merchant_id, door, external_id, generation)
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND f.order_id IS DISTINCT
  FROM o.order_id
ORDER BY o.order_id LIMIT 1000
""",
)


async def cards(db: Read, window: Window) -> list[Difference]:
    return await differences(db, _cards, window.merchant_id, *window, _STILL_SENT)


references_of_nothing: Final = of_merchant(
    __name__,
    refs_of_nothing=f"""
SELECT f.order_id, 'order reference ' || f.door || ' ' || f.external_id AS field,
  'an order' AS expected,
  'no order' AS found
FROM order_refs f LEFT JOIN orders o USING (merchant_id, order_id)
WHERE f.merchant_id = $1 AND o.order_id IS NULL AND {not_archived("f")} LIMIT 1000
""",
    keys_of_nothing=f"""
SELECT r.subject_id AS order_id, 'key of ' || r.operation AS field, 'an order' AS expected,
  'no order' AS found
FROM requests r LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.subject_id
WHERE r.merchant_id = $1 AND r.operation IN ('evaluate', 'refund', 'charge')
  AND r.subject_id IS NOT NULL
  AND o.order_id IS NULL AND {not_archived("r", "subject_id")} LIMIT 1000
""",
    movements_of_nothing="""
SELECT NULL::uuid AS order_id, 'charge ' || c.attempt_id AS field, 'an attempt' AS expected,
  'none' AS found
FROM charges c LEFT JOIN attempts a USING (merchant_id, attempt_id)
WHERE c.merchant_id = $1 AND a.order_id IS NULL
UNION ALL SELECT NULL, 'queued modification ' || q.modification_id, 'a modification', 'none'
FROM modifications_queue q LEFT JOIN modifications r USING (merchant_id, modification_id)
WHERE q.merchant_id = $1 AND r.order_id IS NULL LIMIT 1000
""",
    archived="""
SELECT z.order_id, 'archived order' AS field, 'in a file alone' AS expected,
  CASE WHEN a.archive_id IS NULL THEN 'in no archive' ELSE 'in the database too' END AS found
FROM archived_orders z LEFT JOIN archives a USING (merchant_id, archive_id)
LEFT JOIN orders o USING (merchant_id, order_id)
WHERE z.merchant_id = $1 AND (a.archive_id IS NULL OR o.order_id IS NOT NULL) LIMIT 1000
""",
)
