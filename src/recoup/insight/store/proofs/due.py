"""Every open order has the due work that will look after it; an ended one has none left."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    Window,
    differences,
    of_merchant,
    of_window,
)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT o.order_id, 'due work ' || v.kind AS field, v.expected, v.found
FROM current_orders o
JOIN merchants m USING (merchant_id)
LEFT JOIN advances x ON x.merchant_id = o.merchant_id AND x.order_id = o.order_id
  AND x.state = 'due'
CROSS JOIN LATERAL (
  SELECT o.stage IN ('completed', 'declined', 'cancelled', 'expired') AS ended,
    o.stage = 'received' OR (o.stage = 'processing' AND o.version = 1) AS fresh,
    o.expires_at <= $4::timestamptz + m.offset_us * interval '1 microsecond' AS over
) s
CROSS JOIN LATERAL (
  SELECT min(due_at) FILTER (WHERE state = 'planned' AND initiator <> 'payer') AS planned_at,
    coalesce(bool_or(state IN ('open', 'unknown')), false) AS going,
    coalesce(bool_or(initiator = 'payer' AND send_before IS NOT NULL AND closed_at IS NULL
      AND reference IS NULL),
      false) AS given
  FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
) a
CROSS JOIN LATERAL (
  SELECT max(due_at) FILTER (WHERE kind = 'admit') AS admit, max(due_at) FILTER (WHERE kind =
    'expire') AS expire,
    max(due_at) FILTER (WHERE kind = 'retry') AS retry, max(due_at) FILTER (WHERE kind = 'inquire')
      AS inquire,
    max(due_at) FILTER (WHERE kind = 'release') AS release, max(due_at) FILTER (WHERE kind =
      'last_word') AS last_word,
    max(due_at) FILTER (WHERE kind = 'collect') AS collect, max(due_at) FILTER (WHERE kind =
      'write_off') AS write_off
  FROM due_work d WHERE d.merchant_id = o.merchant_id AND d.subject_id = o.order_id
    AND d.kind IN ('admit', 'expire', 'retry', 'inquire', 'release', 'last_word', 'collect',
      'write_off')
) d
CROSS JOIN LATERAL (
  SELECT (SELECT l.body ->> 'until' FROM order_log l WHERE l.merchant_id = o.merchant_id
    AND l.order_id = o.order_id
    AND l.happening = 'held' ORDER BY l.seq DESC LIMIT 1) AS until WHERE o.stage = 'held'
  UNION ALL SELECT NULL WHERE o.stage <> 'held'
) h
CROSS JOIN LATERAL (VALUES
  (1, 'admit', CASE WHEN s.fresh AND o.kind <> 'stable' THEN 'due' ELSE 'none' END,
      CASE WHEN d.admit IS NULL THEN 'none' ELSE 'due' END),
  (2, 'expire', CASE WHEN s.ended THEN 'none'
      WHEN o.kind = 'stable' OR o.stage IN ('processing', 'held', 'problem') AND NOT s.fresh
      THEN coalesce(o.expires_at::text, 'none')
      ELSE coalesce(d.expire::text, 'none') END, coalesce(d.expire::text, 'none')),
  (3, 'retry', CASE WHEN s.ended THEN 'none'
      WHEN o.stage = 'processing' AND a.planned_at IS NOT NULL AND NOT coalesce(s.over, false)
        AND (d.retry IS NULL OR d.retry NOT BETWEEN a.planned_at
          AND a.planned_at + $5) THEN a.planned_at::text
      ELSE coalesce(d.retry::text, 'none') END, coalesce(d.retry::text, 'none')),
  (4, 'inquire', CASE WHEN a.going THEN 'due' WHEN s.ended THEN 'none' ELSE 'any' END,
      CASE WHEN d.inquire IS NOT NULL THEN CASE WHEN a.going OR s.ended THEN 'due' ELSE 'any' END
        ELSE CASE WHEN a.going OR s.ended THEN 'none' ELSE 'any' END END),
  (5, 'release', CASE WHEN s.ended THEN 'none' WHEN h.until IS NOT NULL THEN 'due' ELSE 'any' END,
      CASE WHEN NOT s.ended AND h.until IS NULL THEN 'any' WHEN d.release IS NULL THEN 'none'
        ELSE 'due' END),
  (6, 'last_word', CASE WHEN s.ended AND a.given THEN 'due' ELSE 'any' END,
      CASE WHEN s.ended AND a.given THEN CASE WHEN d.last_word IS NULL THEN 'none' ELSE 'due' END
        ELSE 'any' END),
  (7, 'collect', CASE WHEN x.state IS NULL OR a.going THEN 'none' ELSE a.planned_at::text END,
      coalesce(d.collect::text, 'none')),
  (8, 'write_off', coalesce(x.until::text, 'none'), coalesce(d.write_off::text, 'none'))
) v (no, kind, expected, found)
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY o.order_id, v.no LIMIT 1000
""")
async def _of_order(
    db: Read, merchant_id: UUID, after: UUID, until: UUID, wall: datetime, grace: timedelta
) -> list[Differs]: ...


_of_refunds: Final = of_window(
    __name__,
    of_refund="""
SELECT r.order_id, 'due work modification of ' || r.kind || ' ' || r.modification_no AS field,
  'due' AS expected, 'none' AS found
FROM modifications r
WHERE r.merchant_id = $1 AND r.order_id > $2 AND r.order_id <= $3 AND r.state IN ('owed', 'sent')
  -- While the charge of an advanced order is out, its answer decides what becomes of a refund.
  AND NOT (r.state = 'owed' AND EXISTS (SELECT FROM attempts a
    JOIN advances x USING (merchant_id, order_id)
    WHERE a.merchant_id = r.merchant_id AND a.order_id = r.order_id AND x.state = 'due'
      AND a.state IN ('open', 'unknown')))
  AND NOT EXISTS (SELECT FROM due_work d WHERE d.merchant_id = r.merchant_id
    AND d.kind = 'modification'
    AND d.subject_id = r.modification_id)
ORDER BY r.order_id, r.modification_no LIMIT 1000
""",
    # A refund that waits for a second person has its end; what they agreed to is one refund, as
    # requested.
    of_request="""
SELECT q.order_id, v.field || ' of a refund that was asked' AS field, v.expected, v.found
FROM refund_requests q
LEFT JOIN due_work d ON d.merchant_id = q.merchant_id AND d.kind = 'refund_request'
  AND d.subject_id = q.request_id
LEFT JOIN modifications r ON r.merchant_id = q.merchant_id AND r.modification_id = q.request_id
CROSS JOIN LATERAL (VALUES
  (1, 'end', CASE WHEN q.state = 'waiting' THEN q.expires_at::text
    ELSE 'none' END, coalesce(d.due_at::text, 'none')),
  (2, 'refund', CASE WHEN q.state = 'approved' AND q.items #>> '{0,act}' IS DISTINCT FROM 'accept'
    THEN concat_ws(' ', q.order_id, q.units, q.asset, q.requested_by,
    q.decided_by) ELSE '' END, concat_ws(' ', r.order_id, r.units + coalesce((
      SELECT sum((l.body ->> 'units')::bigint) FROM order_log l WHERE l.merchant_id = r.merchant_id
        AND l.order_id = r.order_id AND l.happening IN ('refund_owed', 'reversal_owed',
          'settled_by_hand')
        AND l.body ->> 'with' = r.modification_id::text), 0),
    r.asset, r.actor, r.approved_by)),
  (3, 'second person', 'another', CASE WHEN q.state = 'approved'
    AND regexp_split_to_array(q.requested_by, '^user:| by operator:')
      && array_remove(regexp_split_to_array(q.decided_by, '^user:| by operator:'), '')
    THEN 'the same' ELSE 'another' END)
) AS v (no, field, expected, found)
WHERE q.merchant_id = $1 AND q.order_id > $2 AND q.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY q.order_id, v.no LIMIT 1000
""",
)


async def due_work(db: Read, window: Window, wall: datetime, grace: timedelta) -> list[Difference]:
    """`wall`: the instant of the snapshot. While a caller waits a retry is due later than its
    attempt by `grace`."""
    wrong = await differences(db, _of_order, window.merchant_id, *window, wall, grace)
    return wrong + await _of_refunds(db, window)


due_work_of_nothing: Final = of_merchant(
    __name__,
    of_nothing="""
SELECT CASE WHEN d.kind <> 'modification' THEN d.subject_id END AS order_id,
  'subject of due work ' || d.kind AS field,
  CASE d.kind WHEN 'modification' THEN 'a modification'
    ELSE 'an order' END AS expected, 'none' AS found
FROM due_work d
WHERE d.merchant_id = $1 AND CASE
  WHEN d.kind IN ('admit', 'expire', 'retry', 'inquire', 'release') THEN NOT EXISTS (SELECT
    FROM orders o
    WHERE o.merchant_id = d.merchant_id AND o.order_id = d.subject_id)
  WHEN d.kind = 'modification' THEN NOT EXISTS (SELECT FROM modifications r
    WHERE r.merchant_id = d.merchant_id AND r.modification_id = d.subject_id)
  ELSE false END
LIMIT 1000
""",
)
