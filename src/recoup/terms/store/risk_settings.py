"""Settings by which a merchant's risk is judged. A flow that changes them has raised the merchant's
version first."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.db.table import insert_of, stored
from recoup.terms.rules.terms import RiskMode, RiskTerms

NEWEST: Final = (
    "SELECT * FROM risk_settings r WHERE r.merchant_id = {merchant} ORDER BY r.version DESC LIMIT 1"
)


class RiskSettings(Row):
    version: int
    mode: RiskMode
    share: int
    holdout: int
    margin: int
    changed_at: datetime
    changed_by: str

    @property
    def terms(self) -> RiskTerms:
        return RiskTerms(self.version, self.mode, self.share, self.holdout, self.margin)


@MERCHANT.statement(f"""
SELECT version, mode, share, holdout, margin, changed_at, changed_by FROM ({NEWEST.format(merchant="$1")}) s
""")
async def risk_settings(db: Read, merchant_id: UUID) -> RiskSettings | None:
    """The newest; None where it was never set."""


@stored("risk_settings")
class NewRiskSettings(RiskSettings, kw_only=True):
    merchant_id: UUID


@MERCHANT.statement(insert_of(NewRiskSettings, one=True))
async def add_risk_settings(db: Tx, settings: NewRiskSettings) -> None:
    """Adds settings of a version that was raised for them."""
