"""What the answers to a merchant's charges said of a card, whichever order they were for. `changes` writes it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.rules.order.checks import RiskLevel
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


class CardRisk(Row, frozen=True):
    """The newest that a processor said of its own risk; `score` as it counts, `at` business time."""

    pan_id: UUID
    score: int | None
    level: RiskLevel | None
    at: datetime


@MERCHANT.statement("""
SELECT pan_id, risk_score AS score, risk_level AS level, risk_at AS at FROM card_results
WHERE merchant_id = $1 AND pan_id = ANY ($2) AND risk_at IS NOT NULL
""")
async def processor_risks(db: Read, merchant_id: UUID, pan_ids: Sequence[UUID]) -> list[CardRisk]:
    """Of those cards for which a processor has said one to this merchant."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM card_results WHERE merchant_id = $1 AND pan_id = $2 AND first_network_id IS NOT NULL)
""")
async def has_first_network_id(db: Read, merchant_id: UUID, pan_id: UUID) -> bool:
    """Whether the network's id of its customer's first payment is kept."""
