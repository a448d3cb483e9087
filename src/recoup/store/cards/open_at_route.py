"""What is open at a card route of a merchant."""

from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM attempts WHERE merchant_id = $1 AND route = $2 AND state IN ('open', 'unknown'))
  OR EXISTS (SELECT FROM disputes WHERE merchant_id = $1 AND route = $2 AND state IN ('open', 'answered'))
  OR EXISTS (SELECT FROM attempts a JOIN orders o USING (merchant_id, order_id)
    WHERE a.merchant_id = $1 AND a.route = $2 AND a.state = 'approved' AND o.stage = 'authorised')
  OR EXISTS (SELECT FROM attempts a JOIN modifications m USING (merchant_id, order_id, attempt_id)
    WHERE a.merchant_id = $1 AND a.route = $2 AND m.state IN ('owed', 'sent', 'stuck'))
  OR EXISTS (SELECT FROM processor_invoices WHERE merchant_id = $1 AND route = $2 AND ended IS NULL)
""")
async def is_open_at(db: Read, merchant_id: UUID, route: str) -> bool:
    """A charge without an outcome, a hold, a capture or refund under way, a dispute, an invoice that is rescued."""
