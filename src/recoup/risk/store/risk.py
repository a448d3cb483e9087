"""Sightings of a waiting customer's names, and the settings by which the risk is judged. A flow
that changes a merchant's settings has raised its version first."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx, Written
from recoup.processors.rules.checks import RiskLevel
from recoup.risk.rules.facts import Name


class Sighting(Row, frozen=True, kw_only=True):
    """An order whose customer waits. `subject`: of the merchant's own order id; `names` are keyed
    hashes."""

    merchant_id: UUID
    order_id: UUID
    subject: UUID
    payer_id: UUID | None
    asset: str
    at: datetime
    placed_at: datetime
    names: Mapping[Name, UUID]


class Sighted(Row, frozen=True):
    """Counts from before that sighting, by name as the fields of `Seen`: see `RiskFacts`."""

    sighted: UUID
    seen: dict[str, dict[str, int]]
    paid: int
    usual: int | None
    risk: RiskLevel | None


@MERCHANT.statement("SELECT sighted, seen, paid, usual, risk FROM note_sightings($1)")
async def note_sightings(db: Tx, rows: Sequence[Sighting]) -> dict[UUID, Sighted]:
    """Notes sightings and returns the earlier counts by order, of those that exist. The same again
    counts nothing twice."""


SIGHTINGS_KEPT: Final = timedelta(days=8)  # the longest window and a day


@MERCHANT.statement(
    "DELETE FROM risk_sightings WHERE ctid IN (SELECT ctid FROM risk_sightings WHERE at < $1 ORDER "
    "BY at LIMIT $2)"
)
async def forget_sightings(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes sightings that no window reaches any more."""
