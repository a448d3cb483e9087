"""Terms that merchants set for collecting a declined payment in parts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.kernel.facet import Facet
from recoup.parts.rules import OFF, PartTerms

OF_MERCHANT: Final = Facet(
    "parts",
    sql="""
  CASE WHEN o.kind = 'mit_managed' AND o.stage IN ('received', 'processing', 'held', 'challenged',
    'problem') THEN
    (SELECT to_jsonb(t) FROM part_terms t WHERE t.merchant_id = o.merchant_id) END""",
    row=PartTerms,
    none=OFF,
    needs=frozenset({"managed_open"}),
)


class StoredPartTerms(Row):
    changed_by: str
    changed_at: datetime
    terms: PartTerms


@MERCHANT.statement("""
SELECT changed_by, changed_at, to_jsonb(t) AS terms FROM part_terms t WHERE merchant_id = $1
""")
async def read_part_terms(db: Read, merchant_id: UUID) -> StoredPartTerms | None:
    """The merchant's terms; None where nobody has ever set any."""


_COLUMNS: Final = columns_of(PartTerms)


@MERCHANT.statement(f"""
INSERT INTO part_terms (merchant_id, changed_by, changed_at, {_COLUMNS})
SELECT $1, $2, $3, {_COLUMNS} FROM jsonb_populate_record(NULL::part_terms, $4)
ON CONFLICT (merchant_id) DO UPDATE SET (changed_by, changed_at, {_COLUMNS})
  = ROW (EXCLUDED.changed_by, EXCLUDED.changed_at, {columns_of(PartTerms, "EXCLUDED")})
""")
async def write_part_terms(
    db: Tx, merchant_id: UUID, changed_by: str, changed_at: datetime, terms: PartTerms
) -> None: ...
