"""What a mail is made from, a merchant's newest mails, and its switches."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

_FACTS = """
SELECT m.notice, m.units, m.business_at, m.state, o.order_id, o.external_id, o.asset, o.descriptor, s.name AS shop,
  s.url, s.support, coalesce(p.email, '') AS email, coalesce(v.scheme, '') AS scheme, coalesce(v.last4, '') AS last4,
  coalesce(p.billing ->> 'countryCode', '') AS country,
  coalesce(r.state = 'netted', false) AS netted
FROM mails m
JOIN orders o ON o.merchant_id = m.merchant_id AND o.order_id = m.order_id
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN refunds r ON r.merchant_id = m.merchant_id AND r.refund_id = m.about
WHERE m.merchant_id = $1 AND m.mail_id = $2
"""
_NEWEST = """
SELECT m.mail_id, m.order_id, o.external_id, m.notice, m.state, m.tries, m.why, m.business_at
FROM mails m JOIN orders o USING (merchant_id, order_id)
WHERE m.merchant_id = $1 ORDER BY m.mail_id DESC LIMIT $2
"""
_SETTINGS = "SELECT notice, enabled FROM notice_settings WHERE merchant_id = $1"


async def mail_facts(connection: asyncpg.Connection, merchant_id: UUID, mail_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_FACTS, merchant_id, mail_id)


async def newest_mails(connection: asyncpg.Connection, merchant_id: UUID, limit: int) -> Sequence[asyncpg.Record]:
    return await connection.fetch(_NEWEST, merchant_id, limit)  # type: ignore[no-any-return]


async def notice_settings(connection: asyncpg.Connection, merchant_id: UUID) -> dict[str, bool]:
    """Only what somebody has set."""
    return dict(await connection.fetch(_SETTINGS, merchant_id))
