"""The sandbox issuer's own book against ours: the same decisions, the same amounts, nothing on one
side alone.

The book lies in the sandbox's database but belongs to the issuer: the application's role cannot
read it unless it was granted, so the owner behind the connection reads it here; and with it the
mock channels' book (see `stable`).
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.kernel.ids import HIGHEST
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    DiffersAt,
    Proof,
    differences,
    not_archived,
    of_cell,
    of_window,
)

ROWS_MAX: Final = 5000


class _Sees(Row):
    there: bool
    readable: bool


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT count(*) = 4 AS there, coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'SELECT')), false) AS readable
FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
WHERE n.nspname IN ('issuer', 'mock_channel') AND c.relname IN ('sends', 'reversals', 'payments',
  'transfers')
""")
async def _sees(db: Read) -> _Sees:
    """Tells whether there is a book, and the log-in role may read it."""


# Its charges that we do not account for. $1: after, $2: until, $3: one merchant or all, $4: cell.
@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT s.merchant_id, s.order_id, v.field || ' for the issuer''s ' || s.decision || ' charge ' ||
  s.id AS field,
  v.expected, v.found
FROM issuer.sends s LEFT JOIN attempts a ON a.merchant_id = s.merchant_id AND a.attempt_id = s.id
CROSS JOIN LATERAL (VALUES
  (1, 'attempt', s.order_id::text, a.order_id::text),
  (2, 'state of the attempt', s.decision, CASE WHEN a.state IN ('open', 'unknown') THEN s.decision
    ELSE a.state END),
  (3, 'units of the attempt', s.units || ' ' || s.currency, a.units || ' ' || a.asset)
) v (no, field, expected, found)
WHERE s.id > $1 AND s.id <= $2 AND ($3::uuid IS NULL OR s.merchant_id = $3)
  AND v.expected IS DISTINCT FROM v.found AND {not_archived("s")} AND {of_cell("s", "$4")}
ORDER BY s.id, v.no LIMIT 1000
""")
async def _theirs(
    db: Read, after: UUID, until: UUID, merchant_id: UUID | None, cell: int
) -> list[DiffersAt]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT r.merchant_id, coalesce(r.order_id, c.order_id) AS order_id,
  v.field || ' for the issuer''s approved ' || s.kind || ' ' || s.id AS field, v.expected, v.found
FROM issuer.reversals s
LEFT JOIN issuer.sends c ON c.id = s.charge_id
LEFT JOIN modifications r ON r.merchant_id = c.merchant_id
  AND coalesce(r.send_id, r.modification_id) = s.id
CROSS JOIN LATERAL (VALUES
  (1, 'refund', 'one', CASE WHEN r.modification_id IS NULL THEN 'none' ELSE 'one' END),
  (2, 'state of the refund', 'sent, done or stuck', CASE
    WHEN r.state IN ('sent', 'done', 'stuck', 'failed')
      THEN 'sent, done or stuck' ELSE r.state END),
  (3, 'units of the refund', s.units || ' ' || s.currency, r.units || ' ' || r.asset)
) v (no, field, expected, found)
WHERE s.id > $1 AND s.id <= $2 AND s.kind = 'refund' AND s.decision = 'approved'
  AND ($3::uuid IS NULL OR c.merchant_id = $3) AND v.expected IS DISTINCT FROM v.found
  AND {not_archived("c")} AND {of_cell("c", "$4")}
ORDER BY s.id, v.no LIMIT 1000
""")
async def _their_refunds(
    db: Read, after: UUID, until: UUID, merchant_id: UUID | None, cell: int
) -> list[DiffersAt]: ...


_UNTIL: Final = "SELECT id FROM issuer.{table} WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"


async def can_read(db: Tx) -> bool:
    """Tells, inside the snapshot's transaction, whether there is a book, reading on as the log-in
    role where needed."""
    sees = await _sees(db)
    if sees.there and not sees.readable:
        await db.execute("SET LOCAL ROLE NONE")
        sees = await _sees(db)
    return sees.there and sees.readable


ours: Final = of_window(
    __name__,
    ours="""
SELECT a.order_id, v.field || ' of attempt ' || a.attempt_no AS field, v.expected, v.found
FROM attempts a LEFT JOIN issuer.sends s ON s.id = a.attempt_id
CROSS JOIN LATERAL (VALUES
  (1, 'issuer''s decision', a.state, s.decision),
  (2, 'issuer''s units', a.units || ' ' || a.asset, s.units || ' ' || s.currency)
) v (no, field, expected, found)
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3 AND a.route = 'sandbox'
  AND a.state IN ('approved', 'declined') AND v.expected IS DISTINCT FROM v.found
  AND NOT (a.state = 'declined' AND s.id IS NULL AND a.reference IS NULL)
ORDER BY a.order_id, a.attempt_no, v.no LIMIT 1000
""",
    our_refunds="""
SELECT r.order_id, 'issuer''s ' || v.field || ' of ' || r.kind || ' ' || r.modification_no AS field,
  v.expected, v.found
FROM modifications r
JOIN attempts a ON a.merchant_id = r.merchant_id AND a.attempt_id = r.attempt_id
  AND a.route = 'sandbox'
LEFT JOIN issuer.reversals s ON s.id = coalesce(r.send_id, r.modification_id)
CROSS JOIN LATERAL (VALUES
  (1, 'decision', 'approved', s.decision),
  (2, 'units', r.units || ' ' || r.asset, s.units || ' ' || s.currency),
  (3, 'charge', r.attempt_id::text, s.charge_id::text)
) v (no, field, expected, found)
WHERE r.merchant_id = $1 AND r.order_id > $2 AND r.order_id <= $3 AND r.state = 'done'
  AND r.processor_code IS DISTINCT FROM 'by_hand'
  AND v.expected IS DISTINCT FROM v.found
ORDER BY r.order_id, r.modification_no, v.no LIMIT 1000
""",
)


_THEIRS: Final[Mapping[str, Proof]] = {"sends": _theirs, "reversals": _their_refunds}
BOOKS: Final = tuple(_THEIRS)


async def theirs(
    db: Read, book: str, merchant_id: UUID | None, cell: int, after: UUID
) -> tuple[list[Difference], UUID | None]:
    """Proves the next rows of one of its BOOKS; the last of them, None behind all."""
    sql = _UNTIL.format(table=book)
    until: UUID | None = await db.fetchval(sql, after, ROWS_MAX - 1, timeout=STATEMENT_SECONDS)
    ends = after, until or HIGHEST
    wrong = await differences(db, _THEIRS[book], merchant_id, *ends, merchant_id, cell)
    return wrong, until
