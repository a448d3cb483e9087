"""Codes and advices that came with declines and are on no list, by how many orders."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row

DECISIONS_MAX: Final = 5_000  # of a merchant, the newest
CODES_MAX: Final = 20


class UnlistedCode(Row):
    """`last_at` is business time."""

    scheme: str
    kind: Literal["code", "advice"]
    code: str
    orders: int
    last_at: datetime


@MERCHANT.statement(f"""
SELECT r.reading ->> 'scheme' AS scheme, u.kind, u.code, count(DISTINCT r.order_id)::int AS orders,
  max(r.at) AS last_at
FROM (
  SELECT order_id, at, features -> 'reading' AS reading FROM decisions
  WHERE merchant_id = $1 AND decision_id >= $2 ORDER BY decision_id DESC LIMIT {DECISIONS_MAX}
) r
CROSS JOIN LATERAL (VALUES ('code', r.reading ->> 'unlisted_code'), ('advice',
  r.reading ->> 'unlisted_advice'))
  AS u (kind, code)
WHERE u.code IS NOT NULL
GROUP BY scheme, u.kind, u.code ORDER BY orders DESC, scheme, u.kind, u.code LIMIT {CODES_MAX}
""")
async def unlisted_codes(db: Read, merchant_id: UUID, since: UUID) -> list[UnlistedCode]:
    """Unlisted codes of the newest decisions, from the id `since` on; the most frequent first."""


class AlertedCode(Row):
    scheme: str
    code: str
    merchants: int


@MERCHANT.statement(f"""
SELECT facts ->> 'scheme' AS scheme, facts ->> 'code' AS code,
  count(DISTINCT merchant_id)::int AS merchants FROM alerts
WHERE kind = 'unlisted_code' AND created_at >= $1 GROUP BY 1, 2 ORDER BY merchants DESC, 1, 2
  LIMIT {CODES_MAX}
""")
async def alerted_codes(db: Read, since: datetime) -> list[AlertedCode]:
    """Codes that people were notified of since then, by how many merchants met them."""
