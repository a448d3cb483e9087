"""Monthly counts of the monitoring programmes: recounted by the worker, read by pages."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx
from recoup.db.table import Mutable, stored, upsert_of
from recoup.networks.monitoring import FRAUD_CODES, FRAUD_CURRENCIES, SCHEMES, MonthCount


@HUB.statement(f"""
SELECT acceptor_id, scheme, date_trunc('month', at AT TIME ZONE 'UTC')::date AS month,
  count(*) AS sales,
  0 AS disputes, 0 AS frauds, 0 AS fraud_disputes, 0 AS fraud_units
FROM network_sends
WHERE merchant_id = $1 AND at >= $2 AND at < $3 AND scheme IN {SCHEMES} AND state = 'sent'
  AND NOT declined
  AND NOT claimed AND NOT imported
GROUP BY 1, 2, 3
""")
async def count_sales(
    db: Read, merchant_id: UUID, begin: datetime, end: datetime
) -> list[MonthCount]:
    """Approved sends of the merchant's cards that Recoup made."""


@MERCHANT.statement(f"""
SELECT coalesce(c.route, '') AS acceptor_id, v.scheme, date_trunc('month',
  c.at AT TIME ZONE 'UTC')::date AS month,
  0 AS sales, count(*) FILTER (WHERE c.is_dispute) AS disputes,
    count(*) FILTER (WHERE NOT c.is_dispute) AS frauds,
  count(*) FILTER (WHERE c.code IN {FRAUD_CODES}) AS fraud_disputes,
  coalesce(sum(c.units) FILTER (WHERE c.code IN {FRAUD_CODES}
    AND c.asset IN {FRAUD_CURRENCIES}), 0)::bigint
    AS fraud_units
FROM (
  SELECT true AS is_dispute, d.order_id, d.route, d.opened_at AS at, d.reason_code AS code, d.units,
    d.asset
  FROM disputes d
  WHERE d.merchant_id = $1 AND d.opened_at >= $2 AND d.opened_at < $3 AND d.stage <> 'inquiry'
  UNION ALL
  SELECT false, w.order_id, (SELECT a.route FROM attempts a WHERE a.merchant_id = $1
    AND a.order_id = w.order_id
    AND a.state = 'approved' ORDER BY a.attempt_no LIMIT 1), w.warned_at, NULL, NULL, NULL
  FROM fraud_warnings w WHERE w.merchant_id = $1 AND w.warned_at >= $2 AND w.warned_at < $3
) c
JOIN orders o ON o.merchant_id = $1 AND o.order_id = c.order_id
JOIN vault v ON v.merchant_id = $1 AND v.token_id = o.token_id
WHERE v.scheme IN {SCHEMES}
GROUP BY 1, 2, 3
""")
async def count_cases(
    db: Read, merchant_id: UUID, begin: datetime, end: datetime
) -> list[MonthCount]:
    """Disputes that took money, and payments that their issuers reported as fraud, by when we heard
    of them; the charge's route stands for its acceptor."""


@stored("monitoring_months", "merchant_id", "month", "scheme", "acceptor_id")
class KeptMonth(Row, kw_only=True):
    """Business months; `counted_at` is wall time."""

    merchant_id: UUID
    acceptor_id: str
    scheme: str
    month: date
    sales: Mutable[int]
    disputes: Mutable[int]
    frauds: Mutable[int]
    fraud_disputes: Mutable[int]
    fraud_units: Mutable[int]
    share: Mutable[float]
    counted_at: Mutable[datetime]


@MERCHANT.statement(upsert_of(KeptMonth))
async def keep_months(db: Tx, rows: Sequence[KeptMonth]) -> None:
    """Keeps these months in place of what was counted before."""


@MERCHANT.statement("""
SELECT acceptor_id, scheme, month, sales, disputes, frauds, fraud_disputes, fraud_units
  FROM monitoring_months
WHERE merchant_id = $1 AND month >= $2
""")
async def kept_months(db: Read, merchant_id: UUID, since: date) -> list[MonthCount]: ...


@MERCHANT.statement("SELECT max(counted_at) FROM monitoring_months WHERE merchant_id = $1")
async def counted_at(db: Read, merchant_id: UUID) -> datetime | None:
    """Instant of the last count; None: there was nothing to count yet."""


@MERCHANT.statement(
    "SELECT scheme, max(share) FROM monitoring_months WHERE month >= $1 GROUP BY scheme"
)
async def highest_shares(db: Read, month: date) -> dict[str, float]:
    """Highest share of a threshold by any merchant, for each scheme."""
