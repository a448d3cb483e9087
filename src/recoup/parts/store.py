"""Terms that merchants set for collecting a declined payment in parts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.db.table import Mutable, stored, upsert_of
from recoup.kernel.facet import Facet
from recoup.parts.rules import OFF, AtExpiry, PartTerms

OF_MERCHANT: Final = Facet(
    "parts",
    sql="""
  CASE WHEN o.kind = 'mit_managed' AND o.stage IN ('received', 'processing', 'held', 'challenged', 'problem') THEN
    (SELECT to_jsonb(t) FROM part_terms t WHERE t.merchant_id = o.merchant_id) END""",
    row=PartTerms,
    none=OFF,
    needs=frozenset({"managed_open"}),
)


@stored("part_terms", "merchant_id")
class StoredPartTerms(Row):
    merchant_id: UUID
    enabled: Mutable[bool]
    least_share: Mutable[int]
    count_max: Mutable[int]
    at_expiry: Mutable[AtExpiry]
    changed_by: Mutable[str]
    changed_at: Mutable[datetime]

    @property
    def terms(self) -> PartTerms:
        return PartTerms(self.enabled, self.least_share, self.count_max, self.at_expiry)


@MERCHANT.statement(
    f"SELECT {', '.join(StoredPartTerms.__struct_fields__)} FROM part_terms WHERE merchant_id = $1"
)
async def read_part_terms(db: Read, merchant_id: UUID) -> StoredPartTerms | None:
    """The merchant's terms; None where nobody has ever set any."""


@MERCHANT.statement(upsert_of(StoredPartTerms))
async def write_part_terms(db: Tx, rows: Sequence[StoredPartTerms]) -> None: ...
