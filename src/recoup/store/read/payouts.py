"""Payouts as their merchant sees them."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

PayoutState = Literal["requested", "approved", "executing", "processing", "paid", "rejected", "failed"]


class PayoutRow(Row, frozen=True):
    """`created_at` is business time."""

    payout_id: UUID
    asset: str
    amount_text: str
    state: PayoutState
    destination_type: Literal["crypto", "bank"]
    destination: str
    reference: str | None
    reason: str | None
    created_at: datetime


_COLUMNS: Final = """
SELECT payout_id, asset, amount_text, state, destination_type, destination, reference, reason, created_at
FROM payouts WHERE merchant_id = $1"""


@statement(MERCHANT, f"{_COLUMNS} ORDER BY payout_id DESC LIMIT $2 OFFSET $3")
async def list_payouts(db: Read, merchant_id: UUID, limit: int, offset: int) -> list[PayoutRow]:
    """Newest first."""


@statement(MERCHANT, f"{_COLUMNS} AND payout_id = $2")
async def find_payout(db: Read, merchant_id: UUID, payout_id: UUID) -> PayoutRow | None:
    """None for a foreign or unknown id."""
