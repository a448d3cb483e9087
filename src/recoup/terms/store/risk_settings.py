"""Settings by which a merchant's risk is judged. A flow that changes them has raised the merchant's
version first."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.terms.rules.terms import RiskTerms

NEWEST: Final = (
    "SELECT * FROM risk_settings r WHERE r.merchant_id = {merchant} ORDER BY r.version DESC LIMIT 1"
)


class RiskSettings(Row):
    changed_at: datetime
    changed_by: str
    terms: RiskTerms


@MERCHANT.statement(f"""
SELECT changed_at, changed_by, to_jsonb(s) AS terms FROM ({NEWEST.format(merchant="$1")}) s
""")
async def risk_settings(db: Read, merchant_id: UUID) -> RiskSettings | None:
    """The newest; None where it was never set."""


_COLUMNS: Final = columns_of(RiskTerms)


@MERCHANT.statement(f"""
INSERT INTO risk_settings (merchant_id, changed_at, changed_by, {_COLUMNS})
SELECT $1, $2, $3, {_COLUMNS} FROM jsonb_populate_record(NULL::risk_settings, $4)
RETURNING 1
""")
async def add_risk_settings(
    db: Tx, merchant_id: UUID, changed_at: datetime, changed_by: str, terms: RiskTerms
) -> None:
    """Adds settings of a version that was raised for them."""
