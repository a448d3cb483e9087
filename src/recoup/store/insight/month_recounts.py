"""What others hold of a merchant's charges of a month: the sandbox issuer's book, a processor's statements."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.insight.month_sends import SECONDS
from recoup.store.statement import Read, Row


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


@MERCHANT.within(SECONDS).statement("""
SELECT id, order_id, acceptor_id, scheme, initiator, units, currency, sent_at, decision FROM issuer.sends
WHERE merchant_id = $1 AND id = ANY($2::uuid[])
""")
async def issuers_of(db: Read, merchant_id: UUID, ids: Sequence[UUID]) -> list[IssuerSend]:
    """Those of these sends that the issuer has decided."""


@MERCHANT.within(SECONDS).statement("""
SELECT id, order_id, acceptor_id, scheme, initiator, units, currency, sent_at, decision FROM issuer.sends
WHERE merchant_id = $1 AND sent_at >= $3 AND sent_at < $2 AND (sent_at, id) > ($3, $4) ORDER BY sent_at, id LIMIT $5
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
async def cards_of_orders(db: Read, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[OrderCards]:
    """Each that they have had."""


class StatementSums(Row, frozen=True):
    """Approved charges: of the processor's lines, and what came of comparing them."""

    lines: int
    matched: int
    differing: int


# A line that stands in several files counts once, as it was judged last.
_LINES = """
SELECT DISTINCT ON (coalesce(l.line_id, l.posting_id)) l.outcome, l.reason, l.our_id, l.reference, l.dated, l.line_no
FROM reconciliation_runs r JOIN reconciliation_lines l USING (merchant_id, run_id)
WHERE r.merchant_id = $1 AND r.kind = 'processor' AND r.period_from < $3 AND r.period_to > $2 AND l.type = 'charge'
  AND l.dated >= $2 AND l.dated < $3 AND l.outcome NOT IN ('duplicate', 'refused')
ORDER BY coalesce(l.line_id, l.posting_id), r.created_at DESC, r.run_id DESC
"""


@MERCHANT.within(SECONDS).statement(f"""
SELECT count(*) FILTER (WHERE line_no IS NOT NULL) AS lines, count(*) FILTER (WHERE outcome = 'matched') AS matched,
  count(*) FILTER (WHERE outcome <> 'matched') AS differing FROM ({_LINES}) l
""")
async def statement_sums(db: Read, merchant_id: UUID, begin: datetime, end: datetime) -> StatementSums:
    """Of all statements of processors that have the month or a part of it."""


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
