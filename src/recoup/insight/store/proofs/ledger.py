"""A merchant's book: postings with their entries, and what the log says must be posted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import HIGHEST
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Window,
    not_archived,
    of_merchant,
    of_window,
)
from recoup.orders.store.rows import PostingSource

POSTINGS_MAX: Final = 5000
_ENTRIES: Final = """
(SELECT jsonb_agg(jsonb_build_array(e.line_no, e.account, e.asset, e.place, e.units)
  ORDER BY e.line_no)
  FROM entries e WHERE e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id) AS entries
"""


class StoredEntry(NamedTuple):
    line_no: int
    account: str
    asset: str
    place: str
    units: int


class StoredPosting(PostingSource):
    """`entries`: None when it has none."""

    order_id: UUID | None
    content_hash: bytes
    entries: list[StoredEntry] | None


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at, p.order_id,
  p.content_hash, {_ENTRIES}
FROM postings p WHERE p.merchant_id = $1 AND p.order_id > $2 AND p.order_id <= $3
  AND {not_archived("p")}
ORDER BY p.order_id, p.posting_id
""")
async def read_postings(
    db: Read, merchant_id: UUID, after: UUID, until: UUID
) -> list[StoredPosting]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at, p.order_id,
  p.content_hash, {_ENTRIES}
FROM postings p WHERE p.merchant_id = $1 AND p.posting_id > $2 AND p.posting_id <= $3
  AND (p.order_id IS NULL OR NOT {not_archived("p")})
ORDER BY p.posting_id
""")
async def postings_without_order(
    db: Read, merchant_id: UUID, after: UUID, until: UUID
) -> list[StoredPosting]:
    """Those of no order, and of orders in an archive."""


async def next_postings(db: Read, merchant_id: UUID, after: UUID) -> Window:
    until = await _postings_end(db, merchant_id, after, POSTINGS_MAX - 1)
    return Window(merchant_id, after, until or HIGHEST)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT posting_id FROM postings WHERE merchant_id = $1 AND posting_id > $2 ORDER BY posting_id
  OFFSET $3 LIMIT 1
""")
async def _postings_end(db: Read, merchant_id: UUID, after: UUID, postings: int) -> UUID | None:
    """End of a window, behind so many postings; None: there are fewer."""


class StoredTerm(Row, frozen=True):
    """A term of fees."""

    valid_from: datetime
    basis_points: int
    fixed_units: int
    minimum_units: int
    refund: str


class MoneyLine(Row, frozen=True):
    """A line that books something, with the attempt or refund it is about and the route the money
    takes. `part`: what the last capture of several took; `short`: what its payer left out."""

    order_id: UUID
    seq: int
    happening: str
    units: int
    part: int | None
    short: int
    fee: int | None
    fee_returned: int | None
    fee_taken_back: int | None
    fee_refund: str | None
    fee_term: str | None
    term: StoredTerm | None
    by_hand: bool
    round_id: UUID | None
    liable: str
    fee_charged: int | None
    business_at: datetime
    fact_id: UUID | None
    attempt_id: UUID | None
    route: str
    order_units: int
    kind: str


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT l.order_id, l.seq, l.happening, (l.body ->> 'units')::bigint AS units,
  (l.body ->> 'part')::bigint AS part, coalesce((l.body ->> 'short')::bigint, 0) AS short,
  (l.body ->> 'fee')::bigint AS fee,
  (l.body ->> 'fee_returned')::bigint AS fee_returned, (l.body ->> 'fee_taken_back')::bigint AS
    fee_taken_back,
  l.body ->> 'fee_refund' AS fee_refund, l.body ->> 'fee_term' AS fee_term, to_jsonb(f) AS term,
  coalesce((l.body ->> 'by_hand')::boolean, false) AS by_hand,
  (l.body ->> 'round_id')::uuid AS round_id, l.body ->> 'liable' AS liable,
  (l.body ->> 'fee_charged')::bigint AS fee_charged,
  l.business_at, l.fact_id, a.attempt_id, coalesce(a.route, '') AS route,
  coalesce((SELECT (c.body ->> 'units')::bigint FROM order_log c WHERE c.merchant_id = l.merchant_id
    AND c.order_id = l.order_id AND c.happening = 'amount_changed' ORDER BY c.seq DESC
      LIMIT 1), o.units)
  AS order_units, o.kind
FROM order_log l
JOIN orders o USING (merchant_id, order_id)
LEFT JOIN modifications r ON r.merchant_id = l.merchant_id AND r.modification_id = l.fact_id
LEFT JOIN fee_terms f ON f.merchant_id = l.merchant_id AND f.term_id = (l.body ->> 'fee_term')::uuid
LEFT JOIN settlements s ON s.merchant_id = l.merchant_id AND s.settlement_id = l.fact_id
LEFT JOIN disputes d ON d.merchant_id = l.merchant_id AND d.dispute_id = l.fact_id
LEFT JOIN attempts a ON a.merchant_id = l.merchant_id AND a.order_id = l.order_id
  AND (a.attempt_id = coalesce(r.attempt_id, s.attempt_id, d.attempt_id, l.fact_id)
    OR a.attempt_no = (l.body ->> 'attempt')::int)
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3 AND l.happening = ANY($4::text[])
ORDER BY l.order_id, l.seq
""")
async def read_money_lines(
    db: Read, merchant_id: UUID, after: UUID, until: UUID, happenings: Sequence[str]
) -> list[MoneyLine]: ...


class Outstanding(Row, frozen=True):
    """Amounts of refunds and reversals that have not reached the customer yet, and (negative, for
    it is theirs to pay) what collection still wants, as the accounts must show it."""

    order_id: UUID
    refund_due: int
    reversal_due: int
    customer_due: int


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id, coalesce(sum(units) FILTER (WHERE kind = 'refund'), 0)::bigint AS refund_due,
  coalesce(sum(units) FILTER (WHERE kind IN ('reversal', 'late')), 0)::bigint AS reversal_due,
  -coalesce(sum(units) FILTER (WHERE kind = 'advance'), 0)::bigint AS customer_due
FROM (
  SELECT order_id, kind, units FROM modifications
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND state IN ('owed', 'sent', 'stuck')
  UNION ALL
  SELECT order_id, 'advance', due_units FROM advances
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND due_units > 0
  UNION ALL
  SELECT order_id, 'late', (body ->> 'units')::bigint FROM order_log l
  WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND happening = 'paid_late'
    AND NOT EXISTS (
    SELECT FROM modifications r WHERE r.merchant_id = l.merchant_id AND r.order_id = l.order_id
      AND r.kind = 'reversal'
      AND r.attempt_id = l.fact_id)
) x GROUP BY order_id
""")
async def read_outstanding(
    db: Read, merchant_id: UUID, after: UUID, until: UUID
) -> dict[UUID, Outstanding]: ...


# Of a window of postings.
places: Final = of_window(
    __name__,
    of_no_order=f"""
SELECT p.order_id, 'order of posting ' || p.posting_id AS field, 'an order' AS expected,
  'none' AS found
FROM postings p LEFT JOIN orders o USING (merchant_id, order_id)
WHERE p.merchant_id = $1 AND p.posting_id > $2 AND p.posting_id <= $3
  AND p.order_id IS NOT NULL AND o.order_id IS NULL AND {not_archived("p")}
LIMIT 1000
""",
    of_no_posting="""
SELECT NULL::uuid AS order_id, 'posting of entry ' || e.posting_id || ' ' || e.line_no AS field,
  'a posting' AS expected, 'none' AS found
FROM entries e LEFT JOIN postings p USING (merchant_id, posting_id)
WHERE e.merchant_id = $1 AND e.posting_id > $2 AND e.posting_id <= $3 AND p.posting_id IS NULL
LIMIT 1000
""",
    # A posting waits for its page or stands in one.
    place="""
SELECT p.order_id, 'place of posting ' || p.posting_id AS field,
  'in a page or waiting for one' AS expected,
  CASE WHEN s.posting_id IS NULL THEN 'neither' ELSE 'both' END AS found
FROM postings p LEFT JOIN page_lines s USING (merchant_id, posting_id)
LEFT JOIN postings_queue q USING (merchant_id, posting_id)
WHERE p.merchant_id = $1 AND p.posting_id > $2 AND p.posting_id <= $3
  AND (s.posting_id IS NULL) = (q.posting_id IS NULL)
ORDER BY p.posting_id LIMIT 1000
""",
)
book: Final = of_merchant(
    __name__,
    book="""
SELECT NULL::uuid AS order_id, 'sum of the book in ' || asset AS field, '0' AS expected,
  sum(units)::text AS found
FROM entries WHERE merchant_id = $1 GROUP BY asset HAVING sum(units) <> 0 LIMIT 1000
""",
)
