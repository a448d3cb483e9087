"""The issuer's book as a processor's statement: money that was taken and given back; holds are no
money. Of a case that cardholders took further it remembers the last stage only."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.processors.gateways.port import StatementLine

LINES_AT_ONCE = 2_000
_STATEMENT = """
SELECT id, reference, type, units, currency, at FROM (
  SELECT s.id, '' AS reference, 'charge' AS type, coalesce(c.units, s.units) AS units, s.currency,
    coalesce(c.sent_at, s.sent_at) AS at
  FROM issuer.sends s
  LEFT JOIN issuer.reversals c ON c.charge_id = s.id AND c.kind = 'capture'
    AND c.decision = 'approved'
  WHERE s.route = $4 AND s.merchant_id = $1 AND s.decision = 'approved' AND (s.capture
    OR c.id IS NOT NULL)
  UNION ALL
  SELECT r.id, '', 'refund', r.units, r.currency, r.sent_at
  FROM issuer.reversals r JOIN issuer.sends s ON s.id = r.charge_id
  WHERE s.route = $4 AND s.merchant_id = $1 AND r.decision = 'approved' AND r.kind = 'refund'
  UNION ALL
  SELECT r.id, '', 'refund_failed', r.units, r.currency, r.failed_at
  FROM issuer.reversals r JOIN issuer.sends s ON s.id = r.charge_id
  WHERE s.route = $4 AND s.merchant_id = $1 AND r.failed_at IS NOT NULL
  UNION ALL
  SELECT NULL, d.case_id, t.type, t.units, d.currency, d.opened_at
  FROM issuer.disputes d
  CROSS JOIN LATERAL (VALUES ('dispute', d.units, true), ('dispute_fee', d.fee, true),
    ('dispute_won', d.units, d.status = 'won')) t (type, units, so)
  JOIN issuer.sends s ON s.id = d.charge_id AND s.route = $4
  WHERE d.merchant_id = $1 AND d.stage <> 'inquiry' AND t.so AND t.units > 0
) book WHERE at >= $2 AND at < $3 ORDER BY at, id, reference, type
"""


async def lines(
    connection: asyncpg.Connection, route: str, merchant_id: UUID, begin: datetime, end: datetime
) -> AsyncIterator[list[StatementLine]]:
    """References of what we sent are left empty."""
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(_STATEMENT, merchant_id, begin, end, route)
        while rows := await cursor.fetch(LINES_AT_ONCE):
            yield [
                StatementLine(
                    r["id"], r["reference"], r["type"], r["units"], r["currency"], r["at"]
                )
                for r in rows
            ]
