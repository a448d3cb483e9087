"""Results of a merchant's charges for a card, whichever order they were for. `changes` writes
it."""

from uuid import UUID

from recoup.db.statement import MERCHANT, Read


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM card_results WHERE merchant_id = $1 AND pan_id = $2
  AND first_network_id IS NOT NULL)
""")
async def has_first_network_id(db: Read, merchant_id: UUID, pan_id: UUID) -> bool:
    """True when the network's id of its customer's first payment is kept."""
