"""What is known of a waiting customer's names, and by which settings the risk is judged. A flow that changes a
merchant's settings has raised its version first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.rules.order.checks import RiskLevel
from recoup.rules.risk.facts import Name
from recoup.rules.risk.terms import RiskMode, RiskTerms
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx, statement

NEWEST: Final = "SELECT * FROM risk_settings r WHERE r.merchant_id = {merchant} ORDER BY r.version DESC LIMIT 1"


class Sighting(Row, frozen=True, kw_only=True):
    """An order whose customer waits. `subject`: of the merchant's own order id; `names` are keyed hashes."""

    merchant_id: UUID
    order_id: UUID
    subject: UUID
    payer_id: UUID | None
    asset: str
    at: datetime
    placed_at: datetime
    names: Mapping[Name, UUID]


class Sighted(Row, frozen=True):
    """What was there before, by name as the fields of `Seen`: see `RiskFacts`."""

    sighted: UUID
    seen: dict[str, dict[str, int]]
    paid: int
    usual: int | None
    risk: RiskLevel | None


@statement(MERCHANT, "SELECT sighted, seen, paid, usual, risk FROM note_sightings($1)")
async def note_sightings(db: Tx, rows: Sequence[Sighting]) -> dict[UUID, Sighted]:
    """By order, of those that exist. The same again counts nothing twice."""


class RiskSettings(Row, frozen=True):
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


@statement(
    MERCHANT,
    f"""
SELECT version, mode, share, holdout, margin, changed_at, changed_by FROM ({NEWEST.format(merchant="$1")}) s
""",
)
async def risk_settings(db: Read, merchant_id: UUID) -> RiskSettings | None:
    """The newest; None where it was never set."""


class NewRiskSettings(RiskSettings, frozen=True, kw_only=True):
    merchant_id: UUID


@statement(
    MERCHANT,
    """
INSERT INTO risk_settings (merchant_id, version, mode, share, holdout, margin, changed_at, changed_by)
SELECT merchant_id, version, mode, share, holdout, margin, changed_at, changed_by
FROM jsonb_populate_record(NULL::risk_settings, $1)
""",
)
async def add_risk_settings(db: Tx, settings: NewRiskSettings) -> None:
    """Of a version that was raised for it."""
