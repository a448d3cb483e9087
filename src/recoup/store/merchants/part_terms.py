"""What merchants allow of collecting a declined payment in parts."""

from datetime import datetime
from uuid import UUID

from recoup.rules.rescue.part_terms import AtExpiry, PartTerms
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx


class StoredPartTerms(Row, frozen=True):
    enabled: bool
    least_share: int
    count_max: int
    at_expiry: AtExpiry
    changed_by: str
    changed_at: datetime

    @property
    def terms(self) -> PartTerms:
        return PartTerms(self.enabled, self.least_share, self.count_max, self.at_expiry)


@MERCHANT.statement("""
SELECT enabled, least_share, count_max, at_expiry, changed_by, changed_at FROM part_terms WHERE merchant_id = $1
""")
async def read_part_terms(db: Read, merchant_id: UUID) -> StoredPartTerms | None:
    """None where nobody has ever set any."""


@MERCHANT.statement("""
INSERT INTO part_terms (merchant_id, enabled, least_share, count_max, at_expiry, changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id) DO UPDATE SET enabled = EXCLUDED.enabled, least_share = EXCLUDED.least_share,
  count_max = EXCLUDED.count_max, at_expiry = EXCLUDED.at_expiry, changed_by = EXCLUDED.changed_by,
  changed_at = EXCLUDED.changed_at
""")
async def write_part_terms(
    db: Tx,
    merchant_id: UUID,
    enabled: bool,  # noqa: FBT001
    least_share: int,
    count_max: int,
    at_expiry: AtExpiry,
    actor: str,
    at: datetime,
) -> None: ...
