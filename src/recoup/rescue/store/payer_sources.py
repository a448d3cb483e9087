"""Sources of a payer's looks, and which payers have news. Read by index, each part bounded."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.rescue.rules.facts import LOOKS_MAX
from recoup.rescue.rules.payer_looks import Copy, PastPayment

COPIES_MAX: Final = 3 * LOOKS_MAX  # an old file that came later has the newest ids
# `OFFSET 0`: looked up by the whole key, row by row; a plan made while there was little would go
# through all of it.
_EVENTS: Final = """
SELECT f.feed_no, f.subject_id, f.event, f.seq, coalesce((SELECT p.seq FROM feed p
    WHERE p.merchant_id = f.merchant_id AND p.subject_id = f.subject_id AND p.seq < f.seq
    ORDER BY p.seq DESC LIMIT 1), 0) AS after_seq
FROM feed f WHERE f.merchant_id = $1 AND f.feed_no > $2 ORDER BY f.feed_no LIMIT $3
"""
_TRANSMITTED: Final = """
SELECT transmit_id, payer_id FROM transmissions
WHERE merchant_id = $1 AND transmit_id > $2 AND transmit_id < $3 ORDER BY transmit_id LIMIT $4
"""
_PAYERS: Final = """
SELECT DISTINCT p.payer_id FROM unnest($2::uuid[]) AS k (order_id)
CROSS JOIN LATERAL (SELECT payer_id FROM order_payer WHERE merchant_id = $1
  AND order_id = k.order_id OFFSET 0) p
WHERE p.payer_id IS NOT NULL
"""
# A payer's newest orders, each with its last attempts, and the newest of what the merchant
# transmitted of them. What is older than `floor` says nothing any more, what is older than `since`
# was erased.
_SOURCES: Final = f"""
SELECT k.payer_id, k.since, k.kept,
  (SELECT jsonb_agg(jsonb_build_object('order_id', o.order_id, 'placed_at', o.placed_at,
      'decline', o.facts -> 'decline', 'scheme', v.scheme, 'attempts', (
        SELECT jsonb_agg(to_jsonb(a)) FROM (
          SELECT attempt_no, state, sent_at, scheme_code, advice_code, processor_code FROM attempts
          WHERE merchant_id = $1 AND order_id = o.order_id ORDER BY attempt_no DESC
            LIMIT {LOOKS_MAX}) a)))
    FROM (SELECT order_id FROM order_payer
      WHERE merchant_id = $1 AND payer_id = k.payer_id AND order_id > greatest(k.since, $3::uuid)
      ORDER BY order_id DESC LIMIT {LOOKS_MAX}) p
    CROSS JOIN LATERAL (SELECT order_id, placed_at, facts, token_id, kind FROM orders
      WHERE merchant_id = $1 AND order_id = p.order_id OFFSET 0) o
    LEFT JOIN LATERAL (SELECT scheme FROM vault
      WHERE merchant_id = $1 AND token_id = o.token_id OFFSET 0) v ON true
    WHERE o.kind <> 'stable') AS orders,
  (SELECT jsonb_agg(jsonb_build_object('external_id', t.external_id, 'transaction_id',
    t.transaction_id, 'bin', t.bin,
      'is_declined', t.is_declined, 'code', t.code, 'code_source', t.code_source, 'transacted_at',
        t.transacted_at,
      'order_id', o.order_id, 'is_order', coalesce(o.transaction_id = nullif(t.transaction_id, ''),
        false)))
    FROM (SELECT external_id, transaction_id, bin, code, code_source, transacted_at,
        coalesce((outcome ->> 'is_declined')::boolean, is_declined) AS is_declined
      FROM transmissions WHERE merchant_id = $1 AND payer_id = k.payer_id
        AND transmit_id > greatest(k.since, $3::uuid)
      ORDER BY transmit_id DESC LIMIT {COPIES_MAX}) t
    LEFT JOIN LATERAL (SELECT r.order_id, s.transaction_id FROM order_refs r
      CROSS JOIN LATERAL (SELECT transaction_id FROM orders
        WHERE merchant_id = $1 AND order_id = r.order_id OFFSET 0) s
      WHERE r.merchant_id = $1 AND r.door = 'rescue' AND r.external_id = t.external_id
      ORDER BY r.generation DESC LIMIT 1) o ON true) AS copies
FROM (SELECT u.payer_id, coalesce(l.since, '00000000-0000-0000-0000-000000000000') AS since,
    l.payer_id IS NOT NULL AS kept
  FROM unnest($2::uuid[]) AS u (payer_id)
  LEFT JOIN LATERAL (SELECT payer_id, since FROM payer_looks
    WHERE merchant_id = $1 AND payer_id = u.payer_id OFFSET 0) l ON true) k
"""
# Each line of an order's log belongs to one event: the first that comes with it or after it.
_ANSWERED: Final = """
SELECT v.issuer_digits, v.scheme, a.state, a.sent_at, a.scheme_code, a.advice_code, a.processor_code
FROM unnest($2::uuid[], $3::int[], $4::int[]) AS e (order_id, after_seq, seq)
CROSS JOIN LATERAL (SELECT fact_id FROM order_log
  WHERE merchant_id = $1 AND order_id = e.order_id AND seq > e.after_seq AND seq <= e.seq
    AND happening IN ('attempt_declined', 'attempt_approved', 'approved_late') OFFSET 0) l
CROSS JOIN LATERAL (SELECT state, sent_at, scheme_code, advice_code, processor_code FROM attempts
  WHERE merchant_id = $1 AND order_id = e.order_id AND attempt_id = l.fact_id OFFSET 0) a
CROSS JOIN LATERAL (SELECT token_id FROM orders WHERE merchant_id = $1
  AND order_id = e.order_id OFFSET 0) o
CROSS JOIN LATERAL (SELECT issuer_digits, scheme FROM vault
  WHERE merchant_id = $1 AND token_id = o.token_id OFFSET 0) v
WHERE v.issuer_digits <> '' AND a.sent_at IS NOT NULL AND a.state IN ('approved', 'declined')
"""


class FeedEvent(Row, frozen=True):
    """An event of the feed. `after_seq` to `seq`: the lines of its order's log that belong to
    it."""

    feed_no: int
    subject_id: UUID
    event: str
    seq: int
    after_seq: int


@MERCHANT.statement(_EVENTS)
async def events_after(db: Read, merchant_id: UUID, feed_no: int, limit: int) -> list[FeedEvent]:
    """The next of the feed."""


class Transmitted(Row, frozen=True):
    transmit_id: UUID
    payer_id: UUID | None


@MERCHANT.statement(_TRANSMITTED)
async def transmitted_after(
    db: Read, merchant_id: UUID, after: UUID, before: UUID, limit: int
) -> list[Transmitted]:
    """The next transmissions by id."""


@MERCHANT.statement(_PAYERS)
async def payers_of(db: Read, merchant_id: UUID, orders: Collection[UUID]) -> list[UUID]:
    """Payers of these orders, each once; an order without a payer adds nobody."""


class PayerSource(Row, frozen=True):
    """`kept`: whether the payer has looks."""

    payer_id: UUID
    since: UUID
    kept: bool
    orders: list[PastPayment] | None
    copies: list[Copy] | None


@MERCHANT.statement(_SOURCES)
async def sources_of(
    db: Read, merchant_id: UUID, payers: Collection[UUID], floor: UUID
) -> list[PayerSource]:
    """Sources of each payer."""


class Answered(Row, frozen=True):
    """An attempt of ours that was sent and answered, with its card's issuer and scheme."""

    issuer_digits: str
    scheme: str
    state: Literal["approved", "declined"]
    sent_at: datetime
    scheme_code: str | None
    advice_code: str | None
    processor_code: str | None


@MERCHANT.statement(_ANSWERED)
async def _answered(
    db: Read, merchant_id: UUID, orders: list[UUID], after_seqs: list[int], seqs: list[int]
) -> list[Answered]:
    """Answers in these stretches of the orders' logs."""


async def answered_with(db: Read, merchant_id: UUID, events: Sequence[FeedEvent]) -> list[Answered]:
    """The attempts whose answers these events bring first. Each counts once."""
    return await _answered(
        db,
        merchant_id,
        [e.subject_id for e in events],
        [e.after_seq for e in events],
        [e.seq for e in events],
    )
