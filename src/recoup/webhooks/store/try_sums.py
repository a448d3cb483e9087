"""Results of the last attempts of an endpoint."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row

SUMMED_MAX: Final = 1_000


class Sums(Row):
    endpoint_id: UUID
    delivered: int
    failed: int
    last_delivered_at: datetime | None
    median_ms: int | None


@MERCHANT.statement(f"""
SELECT e.endpoint_id, s.* FROM unnest($1::uuid[]) AS e (endpoint_id)
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE t.result = 'delivered') AS delivered,
    count(*) FILTER (WHERE t.result <> 'delivered') AS failed,
    max(t.at) FILTER (WHERE t.result = 'delivered') AS last_delivered_at,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY t.latency_ms) FILTER (WHERE t.result = 'delivered')
      AS median_ms
  FROM (SELECT result, at, latency_ms FROM delivery_tries WHERE endpoint_id = e.endpoint_id
    AND sample IS NULL
    ORDER BY try_id DESC LIMIT {SUMMED_MAX}) t) s
""")
async def sum_tries(db: Read, endpoint_ids: Sequence[UUID]) -> dict[UUID, Sums]:
    """Sums of each endpoint's last thousand attempts: how many were delivered, when last, how fast;
    how many failed."""


class TrySummed(Row):
    try_id: UUID
    result: str
    at: datetime
    latency_ms: int


@MERCHANT.statement(f"""
SELECT try_id, result, at, latency_ms FROM delivery_tries WHERE endpoint_id = $1 AND sample IS NULL
ORDER BY try_id DESC LIMIT {SUMMED_MAX}
""")
async def last_tries(db: Read, endpoint_id: UUID) -> list[TrySummed]:
    """What `sum_tries` sums, newest first."""
