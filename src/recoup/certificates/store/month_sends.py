"""A merchant's sends of a month, card by card, with those of the same cards that the windows and
bans reach back to; and what others hold of them: the sandbox issuer's book, a processor's
statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.certificates.rules.content import Refusals, Reported
from recoup.db.statement import HUB, MERCHANT, Read, Row, columns_of
from recoup.kit.proofs.sends import CardSend
from recoup.rescue.store.evidence import CLAIMS_READ, SENDS_READ

SECONDS: Final = 600.0


class SendPlace(Row, frozen=True):
    """`head_id`: which card, where several prints are one. `is_first`: no earlier send of the month
    is the merchant's and of the same card."""

    at: datetime
    send_id: UUID
    head_id: UUID
    is_first: bool


@HUB.within(SECONDS).statement("""
SELECT s.at, s.send_id, h.head_id, NOT EXISTS (
    SELECT FROM (SELECT h.head_id AS card_id UNION ALL SELECT o.card_id FROM cards o
      WHERE o.joined_to = h.head_id) p
    JOIN network_sends e ON e.card_id = p.card_id
    WHERE e.merchant_id = $1 AND e.at >= $2 AND (e.at, e.send_id) < (s.at, s.send_id)) AS is_first
FROM (SELECT at, send_id, card_id FROM network_sends
  WHERE merchant_id = $1 AND at >= $4 AND at < $3 AND (at, send_id) > ($4, $5)
  ORDER BY at, send_id LIMIT $6) s
CROSS JOIN LATERAL (
  SELECT coalesce((SELECT c.joined_to FROM cards c WHERE c.card_id = s.card_id),
    s.card_id) AS head_id) h
ORDER BY s.at, s.send_id
""")
async def sends_in_order(
    db: Read,
    merchant_id: UUID,
    begin: datetime,
    end: datetime,
    after: datetime,
    after_id: UUID,
    limit: int,
) -> list[SendPlace]:
    """The merchant's next of the month, sent here or reported."""


class CardSendRow(CardSend):
    head_id: UUID
    acceptor_id: str
    scheme: str
    initiator: str
    visa_category: int | None
    advice: str | None
    code: str | None
    klass: str | None
    network_attempts: int
    known_at: datetime | None
    answered_at: datetime | None
    joined_at: datetime | None
    is_replaced: bool
    region: str | None


@HUB.within(SECONDS).statement(f"""
SELECT {columns_of(CardSend, "s")}, h.head_id, s.acceptor_id, s.scheme, s.initiator,
  s.visa_category,
  s.advice_code AS advice, s.scheme_code AS code, s.klass, s.network_attempts, s.known_at,
    s.answered_at, c.joined_at,
  c.replaced_by IS NOT NULL AS is_replaced, s.region
FROM unnest($1::uuid[]) AS h (head_id) CROSS JOIN LATERAL {SAME_CARDS.format("h.head_id")} same
CROSS JOIN LATERAL unnest(same.cards) AS p (card_id)
JOIN cards c ON c.card_id = p.card_id
CROSS JOIN LATERAL (
  (SELECT * FROM network_sends WHERE card_id = c.card_id AND NOT claimed AND (at >= $3 OR lasting)
    AND at < $4
    ORDER BY at DESC LIMIT {SENDS_READ})
  UNION ALL (SELECT * FROM network_sends WHERE card_id = c.card_id AND claimed AND merchant_id = $2
    AND (at >= $3 OR lasting) AND at < $4 ORDER BY at DESC LIMIT {CLAIMS_READ})) s
ORDER BY h.head_id, s.at, s.send_id
""")
async def sends_of_cards(
    db: Read, heads: Sequence[UUID], merchant_id: UUID, since: datetime, end: datetime
) -> list[CardSendRow]:
    """Everybody's, and of those that only a merchant says were sent this one's."""


@MERCHANT.within(SECONDS).statement("""
SELECT coalesce(d.features ->> 'acceptor_id', m.acceptor_id) AS acceptor_id,
  d.features ->> 'scheme' AS scheme,
  d.features ->> 'region' AS region, d.rule_id, (d.at AT TIME ZONE 'UTC')::date AS on,
  count(*) FILTER (WHERE d.verdict = 'postpone') AS postponed,
    count(*) FILTER (WHERE d.verdict = 'refuse') AS refused,
  count(*) FILTER (WHERE d.number = 1) AS orders
FROM (SELECT merchant_id, at, verdict, features, rules ->> 0 AS rule_id,
    row_number() OVER (PARTITION BY order_id, rules ->> 0 ORDER BY at, decision_id) AS number
  FROM decisions WHERE merchant_id = $1 AND at >= $2 AND at < $3
    AND verdict IN ('postpone', 'refuse')
    AND features ? 'tallies') d
JOIN merchants m USING (merchant_id)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
""")
async def refusals(db: Read, merchant_id: UUID, begin: datetime, end: datetime) -> list[Refusals]:
    """Refusals of the gate. Those that do not say the acceptor are older than certificates: they
    count for the merchant's."""


@MERCHANT.within(SECONDS).statement("""
SELECT (SELECT received_at FROM transmissions WHERE merchant_id = $1 ORDER BY transmit_id
  LIMIT 1) AS since,
  count(*) AS received, count(*) FILTER (WHERE is_declined) AS declined
FROM transmissions WHERE merchant_id = $1 AND transmit_id >= $2 AND transmit_id < $3
""")
async def reported(db: Read, merchant_id: UUID, first_id: UUID, end_id: UUID) -> Reported:
    """Reports that the merchant copied to us between two ids, and when it began to."""


@MERCHANT.statement(
    "SELECT order_id FROM advances WHERE merchant_id = $1 AND order_id = ANY($2::uuid[])"
)
async def advanced_orders(db: Read, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[UUID]:
    """Orders among these whose merchant has had its money before it was collected."""


class IssuerSend(Row, frozen=True):
    """`sent_at`: as the charge said it."""

    id: UUID
    order_id: UUID
    acceptor_id: str
    scheme: str
    initiator: str
    units: int
    currency: str
    sent_at: datetime
    decision: str


@MERCHANT.within(SECONDS).statement(f"""
SELECT {columns_of(IssuerSend)} FROM issuer.sends
WHERE merchant_id = $1 AND id = ANY($2::uuid[])
""")
async def issuers_of(db: Read, merchant_id: UUID, ids: Sequence[UUID]) -> list[IssuerSend]:
    """Sends among these that the issuer has decided."""


@MERCHANT.within(SECONDS).statement(f"""
SELECT {columns_of(IssuerSend)} FROM issuer.sends
WHERE merchant_id = $1 AND sent_at >= $3 AND sent_at < $2 AND (sent_at, id) > ($3, $4)
  ORDER BY sent_at, id LIMIT $5
""")
async def issuers_in_order(
    db: Read, merchant_id: UUID, end: datetime, after: datetime, after_id: UUID, limit: int
) -> list[IssuerSend]:
    """Its next of the merchant's charges, before `end`."""


class OrderCards(Row, frozen=True):
    order_id: UUID
    card_id: UUID


@MERCHANT.within(SECONDS).statement("""
SELECT DISTINCT o.order_id, c.card_id FROM orders o
CROSS JOIN LATERAL unnest(o.card_id || o.cards_before) AS c (card_id)
WHERE o.merchant_id = $1 AND o.order_id = ANY($2::uuid[]) AND c.card_id IS NOT NULL
""")
async def cards_of_orders(
    db: Read, merchant_id: UUID, order_ids: Sequence[UUID]
) -> list[OrderCards]:
    """Each that they have had."""


class StatementSums(Row, frozen=True):
    """Approved charges: of the processor's lines, and what came of comparing them."""

    lines: int
    matched: int
    differing: int


# A line that stands in several files counts once, as it was judged last.
_LINES = """
SELECT DISTINCT ON (coalesce(l.line_id, l.posting_id)) l.outcome, l.reason, l.our_id, l.reference,
  l.dated, l.line_no
FROM reconciliation_runs r JOIN reconciliation_lines l USING (merchant_id, run_id)
WHERE r.merchant_id = $1 AND r.kind = 'processor' AND r.period_from < $3 AND r.period_to > $2
  AND l.type = 'charge'
  AND l.dated >= $2 AND l.dated < $3 AND l.outcome NOT IN ('duplicate', 'refused')
ORDER BY coalesce(l.line_id, l.posting_id), r.created_at DESC, r.run_id DESC
"""


@MERCHANT.within(SECONDS).statement(f"""
SELECT count(*) FILTER (WHERE line_no IS NOT NULL) AS lines, count(*) FILTER (WHERE outcome =
  'matched') AS matched,
  count(*) FILTER (WHERE outcome <> 'matched') AS differing FROM ({_LINES}) l
""")
async def statement_sums(
    db: Read, merchant_id: UUID, begin: datetime, end: datetime
) -> StatementSums:
    """Sums of all statements of processors that have the month or a part of it."""


class StatementDifference(Row, frozen=True):
    outcome: str
    reason: str
    our_id: UUID | None
    dated: datetime | None


@MERCHANT.within(SECONDS).statement(f"""
SELECT outcome, reason, our_id, dated FROM ({_LINES}) l WHERE outcome <> 'matched'
ORDER BY dated, our_id, reference LIMIT $4
""")
async def statement_differences(
    db: Read, merchant_id: UUID, begin: datetime, end: datetime, limit: int
) -> list[StatementDifference]:
    """The first by date."""
