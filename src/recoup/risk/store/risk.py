"""What is known of a waiting customer's names, and by which settings the risk is judged. A flow that changes a
merchant's settings has raised its version first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx
from recoup.processors.rules.checks import RiskLevel
from recoup.risk.rules.facts import Name


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


@MERCHANT.statement("SELECT sighted, seen, paid, usual, risk FROM note_sightings($1)")
async def note_sightings(db: Tx, rows: Sequence[Sighting]) -> dict[UUID, Sighted]:
    """By order, of those that exist. The same again counts nothing twice."""
