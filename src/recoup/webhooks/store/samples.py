"""Samples of webhooks that were sent on demand, as the logs of who did it tell."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read


async def last_but(
    db: Read, owner_id: UUID, since: datetime, number: int, *, partner: bool
) -> datetime | None:
    """Time when the `number`-th sample from the end was sent; None when fewer were since then."""
    return await (_of_partner if partner else _of_merchant)(db, owner_id, since, number)


@MERCHANT.statement("""
SELECT at FROM audit_lines WHERE merchant_id = $1 AND at > $2 AND action = 'webhook.tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
""")
async def _of_merchant(
    db: Read, merchant_id: UUID, since: datetime, number: int
) -> datetime | None:
    """Time of a merchant's sample, from the audit log."""


@DIRECTORY.statement("""
SELECT at FROM partner_log WHERE partner_id = $1 AND at > $2 AND happening = 'webhook_tested'
ORDER BY at DESC OFFSET $3 - 1 LIMIT 1
""")
async def _of_partner(db: Read, partner_id: UUID, since: datetime, number: int) -> datetime | None:
    """Time of a partner's sample, from the partner's log."""
