"""Attempts against the log, the order and the card's sends; refunds against the log."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kit.proofs.sends import SENDS, CardSend, find_sends
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    Window,
    differences,
    of_window,
)

_beside_sends: Final = of_window(
    __name__,
    lines_of_no_attempt="""
SELECT l.order_id, 'attempt of log line ' || l.seq || ' (' || l.happening || ')' AS field,
  'an attempt' AS expected,
  'none' AS found
FROM order_log l LEFT JOIN attempts a ON a.merchant_id = l.merchant_id AND a.attempt_id = l.fact_id
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3 AND l.fact_kind = 'attempt'
  AND a.order_id IS DISTINCT FROM l.order_id
ORDER BY l.order_id, l.seq LIMIT 1000
""",
    of_refund="""
SELECT r.order_id, v.field || ' of ' || r.kind || ' ' || r.modification_no AS field, v.expected,
  v.found
FROM modifications r
LEFT JOIN current_orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
LEFT JOIN modifications_queue q ON q.merchant_id = r.merchant_id
  AND q.modification_id = r.modification_id
LEFT JOIN wire_keys k ON k.key = r.key AND k.merchant_id = r.merchant_id
  AND k.movement_id = r.modification_id
LEFT JOIN wire_keys s ON s.key = r.send_key AND s.merchant_id = r.merchant_id
  AND s.movement_id = r.modification_id
CROSS JOIN LATERAL (
  SELECT coalesce(max(l.body ->> 'units') FILTER (WHERE happening = 'reversal_owed_again'),
      max(l.body ->> 'units') FILTER (WHERE happening IN ('refund_owed', 'approved_late',
        'reversal_owed',
        'part_owed_back', 'settled_by_hand', 'void_owed', 'capture_asked', 'refund_due_again',
        'reversal_due_again'))) AS units,
    coalesce(bool_or(happening = 'refund_sent'), false) AS sent,
    max(l.body ->> 'with') FILTER (WHERE happening = 'refund_owed'
      OR r.kind = 'reversal') AS first_piece,
    coalesce((array_agg(said ORDER BY seq DESC) FILTER (WHERE said IS NOT NULL))[1],
      CASE WHEN r.kind = 'capture' AND o.stage = 'completed' THEN 'done' END) AS outcome,
    coalesce((array_agg(body || CASE WHEN happening = 'settled_by_hand' THEN '{"by_hand": true}'
      ELSE '{}' END::jsonb
        ORDER BY seq DESC) FILTER (WHERE said IN ('done', 'stuck', 'refused', 'failed')))[1],
      (SELECT g.body FROM order_log g WHERE g.merchant_id = r.merchant_id
        AND g.order_id = r.order_id
        AND g.happening = 'captured' AND r.kind = 'capture' LIMIT 1)) AS word
  FROM (
    SELECT seq, happening, body, CASE WHEN happening IN ('refund_done', 'reversed',
      'settled_by_hand',
        'voided', 'part_captured') THEN 'done'
      WHEN happening IN ('refund_netted', 'refund_of_bad_debt', 'reversal_netted') THEN 'netted'
      WHEN happening IN ('refund_refused', 'reversal_refused', 'capture_refused') THEN 'refused'
      WHEN happening IN ('refund_failed', 'reversal_failed') THEN 'failed'
      WHEN happening IN ('refund_stuck', 'reversal_stuck', 'void_stuck', 'refund_due_again',
        'reversal_due_again')
        THEN 'stuck'
      WHEN happening IN ('refund_retried', 'reversal_retried', 'void_retried',
        'reversal_owed_again')
        THEN 'again' END AS said
    FROM order_log l WHERE l.merchant_id = r.merchant_id AND l.order_id = r.order_id
      AND (l.fact_id = r.modification_id OR (r.kind = 'reversal' AND l.fact_id = r.attempt_id))
  ) l
) l
CROSS JOIN LATERAL (VALUES
  (1, 'order', r.order_id::text, o.order_id::text),
  (2, 'units', l.units, r.units::text),
  (3, 'asset', o.asset, r.asset),
  (4, 'state', coalesce(nullif(l.outcome, 'again'), CASE
      WHEN (r.kind <> 'refund' OR l.outcome = 'again') AND r.state IN ('owed', 'sent') THEN r.state
      WHEN l.sent THEN 'sent' ELSE 'owed' END), r.state),
  (5, 'reference', CASE WHEN r.state IN ('done', 'failed')
    AND NOT l.word ? 'by_hand' THEN l.word ->> 'reference'
    ELSE 'any' END,
    CASE WHEN r.state IN ('done', 'failed') AND NOT l.word ? 'by_hand' THEN r.reference
      ELSE 'any' END),
  (6, 'code', CASE WHEN r.state NOT IN ('done', 'stuck') THEN 'any'
    WHEN l.word ? 'by_hand' THEN 'by_hand'
      ELSE l.word ->> 'code' END, CASE WHEN r.state IN ('done', 'stuck') THEN r.processor_code
        ELSE 'any' END),
  (7, 'first piece', l.first_piece, r.piece_of::text),
  (8, 'keys to find it by', concat_ws(' ', r.key, r.send_key), concat_ws(' ', k.key, s.key)),
  (9, 'place in the queue', CASE WHEN r.state IN ('owed', 'sent', 'stuck') THEN 'one'
    ELSE 'none' END, CASE WHEN q.modification_id IS NULL THEN 'none' ELSE 'one' END)
) v (no, field, expected, found)
WHERE r.merchant_id = $1 AND r.order_id > $2 AND r.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY r.order_id, r.modification_no, v.no LIMIT 1000
""",
    lines_of_no_refund="""
SELECT l.order_id, 'refund of log line ' || l.seq || ' (' || l.happening || ')' AS field,
  'a refund' AS expected,
  'none' AS found
FROM order_log l LEFT JOIN modifications r ON r.merchant_id = l.merchant_id
  AND r.modification_id = l.fact_id
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3
  AND l.fact_kind IN ('refund', 'reversal', 'void', 'capture')
  AND r.order_id IS DISTINCT FROM l.order_id
ORDER BY l.order_id, l.seq LIMIT 1000
""",
    of_order="""
SELECT o.order_id, v.field, v.expected::text, v.found::text
FROM current_orders o
LEFT JOIN advances x USING (merchant_id, order_id)
CROSS JOIN LATERAL (
  SELECT count(*) AS n, coalesce(max(attempt_no), 0) AS last,
    count(*) FILTER (WHERE state IN ('open', 'unknown')) AS going,
      count(*) FILTER (WHERE state = 'planned') AS planned,
    count(*) FILTER (WHERE state = 'approved' AND NOT EXISTS (SELECT FROM modifications r
      WHERE r.merchant_id = a.merchant_id AND r.order_id = a.order_id
        AND r.attempt_id = a.attempt_id
        AND (r.kind = 'reversal' OR r.kind = 'void' AND o.stage <> 'completed'))) AS paid,
    sum(units) FILTER (WHERE state = 'approved' AND coalesce(if_late, 'keep') = 'keep') AS charged
  FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
) a
CROSS JOIN LATERAL (
  SELECT count(*) AS n, coalesce(max(modification_no), 0) AS last FROM modifications r
  WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id
) r
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE happening = 'part_collected') AS n,
    coalesce(bool_or(happening = 'parts_kept'), false) AS kept,
    sum((body ->> 'units')::bigint) FILTER (WHERE happening = 'part_collected')
      + coalesce(sum((body ->> 'part')::bigint) FILTER (WHERE happening = 'collected'), 0) AS units
  FROM order_log l WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id
    AND happening IN ('part_collected', 'parts_kept', 'collected')
) p
CROSS JOIN LATERAL (VALUES
  (1, 'number of attempts', a.last::bigint, a.n),
  (2, 'number of refunds', r.last::bigint, r.n),
  (3, 'attempts that are out', least(a.going, 1), a.going),
  (4, 'planned attempts', CASE WHEN x.state = 'due' THEN 1 - a.going
    WHEN o.stage IN ('completed', 'declined', 'cancelled', 'expired') THEN 0
      ELSE least(a.planned, 1) END, a.planned),
  (5, 'approved attempts that paid the order', CASE WHEN o.stage = 'authorised'
    OR x.state = 'charged' THEN 1
    WHEN o.stage IN ('declined', 'cancelled', 'expired') OR x.state IS NOT NULL THEN 0
    WHEN o.stage = 'completed' AND NOT p.kept THEN p.n + 1 ELSE p.n END::bigint, a.paid),
  (6, 'sum of what was collected in parts', p.units, CASE
    WHEN p.units IS NOT NULL THEN a.charged END),
  (7, 'sum of the parts of what is paid', CASE WHEN p.n > 0 AND o.stage = 'completed' AND NOT p.kept
    THEN o.units::numeric END, CASE WHEN p.n > 0 AND o.stage = 'completed'
      AND NOT p.kept THEN p.units END)
) v (no, field, expected, found)
WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY o.order_id, v.no LIMIT 1000
""",
)


class _AttemptCard(Row):
    card_id: UUID
    attempt_id: UUID


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT DISTINCT c.card_id, a.attempt_id
FROM attempts a JOIN orders o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
CROSS JOIN LATERAL unnest(o.card_id || o.cards_before) AS c (card_id)
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3 AND c.card_id IS NOT NULL
""")
async def _cards(db: Read, merchant_id: UUID, after: UUID, until: UUID) -> list[_AttemptCard]:
    """Cards under which the sends of attempts may stand."""


async def _of_attempt(db: Read, merchant_id: UUID, after: UUID, until: UUID) -> list[Differs]:
    cards = await _cards(db, merchant_id, after, until)
    sends = await find_sends(
        db, [card.card_id for card in cards], [card.attempt_id for card in cards]
    )
    return await _of_attempt_and_send(db, merchant_id, after, until, sends)


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT a.order_id, v.field || ' of attempt ' || a.attempt_no AS field, v.expected, v.found
FROM attempts a
LEFT JOIN current_orders o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
LEFT JOIN {SENDS.format("$4")} ON s.card_id = ANY(o.card_id || o.cards_before)
  AND s.send_id = a.attempt_id
LEFT JOIN wire_keys k ON k.key = a.key AND k.merchant_id = a.merchant_id
  AND k.movement_id = a.attempt_id
LEFT JOIN charges c ON c.merchant_id = a.merchant_id AND c.attempt_id = a.attempt_id
CROSS JOIN LATERAL (
  SELECT coalesce(bool_or(happening = 'attempt_sent'), false) AS sent,
    coalesce(bool_or(happening = 'approved_late'), false) AS late,
    coalesce(bool_or(l.body ->> 'reached_network' = 'false'), false) AS stopped,
    max(l.body ->> 'units') FILTER (WHERE happening = 'attempt_sent') AS sent_units,
    max(l.body ->> 'units') FILTER (WHERE l.body ? 'requested') AS part,
    max(l.body ->> 'requested') AS requested,
    (SELECT coalesce(sum(CASE g.happening WHEN 'collected' THEN (g.body ->> 'short')::bigint
        ELSE -(g.body ->> 'units')::bigint END), 0) FROM order_log g
          WHERE g.merchant_id = a.merchant_id
      AND g.order_id = a.order_id AND a.state = 'approved' AND g.body ? 'short') AS short,
    EXISTS (SELECT FROM order_log g WHERE g.merchant_id = a.merchant_id AND g.order_id = a.order_id
      AND (g.happening = 'planned' AND g.body ? 'part' OR g.happening = 'amount_changed'
        OR g.body ? 'requested')) AS in_parts,
    (SELECT (g.body ->> CASE WHEN g.seq < min(l.seq) THEN 'units' ELSE 'before' END)::bigint
      FROM order_log g
      WHERE g.merchant_id = a.merchant_id AND g.order_id = a.order_id
        AND g.happening = 'amount_changed'
      ORDER BY g.seq > min(l.seq), abs(g.seq - min(l.seq)) LIMIT 1) AS owed,
    CASE WHEN bool_or(happening IN ('attempt_approved', 'approved_late')) THEN 'approved'
      WHEN bool_or(happening = 'attempt_declined') THEN 'declined'
      WHEN bool_or(happening IN ('attempt_not_sent', 'attempt_withheld')) THEN 'not_sent' END AS
        outcome
  FROM order_log l WHERE l.merchant_id = a.merchant_id AND l.order_id = a.order_id
    AND l.fact_id = a.attempt_id
) l
CROSS JOIN LATERAL (VALUES
  (1, 'order', a.order_id::text, o.order_id::text),
  (2, 'state', coalesce(l.outcome,
      CASE WHEN l.sent THEN CASE WHEN a.state IN ('open', 'unknown') THEN a.state
        ELSE 'open or unknown' END
        WHEN a.state IN ('planned', 'not_sent') THEN a.state ELSE 'planned' END), a.state),
  (3, 'sent at', CASE WHEN l.sent THEN 'set' ELSE 'none' END, CASE
    WHEN a.sent_at IS NULL THEN 'none' ELSE 'set' END),
  (4, 'units', CASE WHEN l.part IS NOT NULL THEN l.part
      WHEN a.ladder IN ('collect', 'unexpected') OR l.in_parts AND (l.sent_units IS NOT NULL
        OR NOT l.sent AND (l.owed IS NOT NULL OR a.units BETWEEN 1 AND o.units))
      THEN coalesce(l.sent_units, a.units::text)
      ELSE (coalesce(l.owed, o.units) - l.short)::text END, a.units::text),
  (5, 'asset', CASE WHEN a.ladder = 'unexpected' THEN a.asset ELSE o.asset END, a.asset),
  (6, 'route, deadline and sends', CASE WHEN l.sent THEN 'set' ELSE 'none' END, CASE
    WHEN a.route IS NOT NULL
      AND a.send_before IS NOT NULL AND a.sends > 0 THEN 'set' ELSE 'none' END),
  (7, 'closing date', CASE WHEN a.state IN ('approved', 'declined') THEN 'set' ELSE 'any' END,
      CASE WHEN a.state NOT IN ('approved', 'declined') THEN 'any'
        WHEN a.closed_at IS NULL THEN 'none' ELSE 'set' END),
  (8, 'reversal', CASE WHEN l.late OR EXISTS (SELECT FROM order_log g
    WHERE g.merchant_id = a.merchant_id
      AND g.order_id = a.order_id AND g.happening IN ('reversal_owed', 'settled_by_hand',
        'part_owed_back')
      AND g.body ->> 'attempt_id' = a.attempt_id::text) THEN 'one' ELSE 'none' END,
    CASE WHEN EXISTS (SELECT FROM modifications r WHERE r.merchant_id = a.merchant_id
      AND r.order_id = a.order_id
      AND r.kind = 'reversal' AND r.attempt_id = a.attempt_id) THEN 'one' ELSE 'none' END),
  (9, 'if_late', CASE WHEN a.state IN ('open', 'unknown')
    AND o.stage IN ('declined', 'cancelled', 'expired')
      THEN 'reverse' ELSE 'any' END, CASE WHEN a.state IN ('open', 'unknown')
      AND o.stage IN ('declined', 'cancelled', 'expired') THEN a.if_late ELSE 'any' END),
  (10, 'network send', CASE WHEN l.sent AND o.kind <> 'stable' THEN 'one' ELSE 'none' END,
      CASE WHEN s.send_id IS NULL THEN 'none' ELSE 'one' END),
  (11, 'state of the network send', CASE WHEN s.send_id IS NULL THEN NULL ELSE CASE a.state
    WHEN 'approved' THEN 'sent'
      WHEN 'declined' THEN CASE WHEN l.stopped THEN 'not_sent' ELSE 'sent, declined' END
      WHEN 'not_sent' THEN 'not_sent' ELSE 'reserved' END END,
      s.state || CASE WHEN s.declined AND s.state = 'sent' THEN ', declined' ELSE '' END),
  (12, 'units of the network send', CASE WHEN s.send_id IS NOT NULL
      THEN coalesce(l.requested, a.units::text) || ' ' || a.asset END,
        s.units::text || ' ' || s.currency),
  (13, 'date of the network send', CASE WHEN s.send_id IS NULL THEN NULL WHEN a.sends > 1
    AND s.at > a.sent_at
      THEN s.at::text ELSE a.sent_at::text END, s.at::text),
  (14, 'order of the network send', CASE WHEN s.send_id IS NOT NULL THEN a.order_id::text END,
    s.order_id::text),
  (15, 'key to find it by', a.key::text, k.key::text),
  (16, 'charge to find it by', CASE WHEN a.state = 'approved'
    OR a.ladder IN ('payment', 'unexpected') AND a.reference IS NOT NULL
      THEN concat_ws(' ', a.reference, a.card_last4, a.units, a.asset, a.closed_at) END,
    CASE WHEN c.attempt_id IS NOT NULL
      THEN concat_ws(' ', c.reference, c.card_last4, c.units, c.asset, c.closed_at) END)
) v (no, field, expected, found)
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY a.order_id, a.attempt_no, v.no LIMIT 1000
""")
async def _of_attempt_and_send(
    db: Read, merchant_id: UUID, after: UUID, until: UUID, sends: Sequence[CardSend]
) -> list[Differs]: ...


async def attempts_and_refunds(db: Read, window: Window) -> list[Difference]:
    return await differences(db, _of_attempt, window.merchant_id, *window) + await _beside_sends(
        db, window
    )
