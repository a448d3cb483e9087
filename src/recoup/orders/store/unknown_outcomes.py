"""Attempts that were sent and whose outcome nobody has said yet: of one merchant, the oldest
first."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.kernel.problem import Problem
from recoup.kit.lists.bounded import bounded

ROWS_MAX: Final = 100
TIMEOUT_MS: Final = 3_000


class Unknown(Row):
    """`sent_at` is business time; `inquiry_at`, when it is asked for next, wall time. `reverses`:
    the order has ended, so that an approval is undone. `total`: how many there are in all."""

    attempt_id: UUID
    order_id: UUID
    external_id: str
    attempt_no: int
    units: int
    asset: str
    route: str
    state: Literal["open", "unknown"]
    sent_at: datetime
    sends: int
    reverses: bool
    status: int
    inquiry_at: datetime
    total: int


# Whatever is out is asked about: its due work, which is little, leads to it, not all attempts that
# ever were. Each is looked up by its key: of a small merchant beside large ones the planner thinks
# that it has one order.
OUT: Final = """
due_work d
CROSS JOIN LATERAL (SELECT * FROM attempts a WHERE a.merchant_id = d.merchant_id
  AND a.order_id = d.subject_id
  AND a.state IN ('open', 'unknown') OFFSET 0) a
"""
UNANSWERED: Final = """
d.merchant_id = $1 AND d.kind = 'inquire'
  AND (a.state = 'unknown' OR a.send_before + a.call_timeout_ms * interval '1 millisecond' < $2)
  AND (a.authentication ->> 'url' IS NOT NULL
    AND (a.authentication ->> 'until')::timestamptz > $2) IS NOT TRUE
"""
_DESK: Final = f"""
SELECT a.attempt_id, a.order_id, o.external_id, a.attempt_no, a.units, a.asset, a.route, a.state,
  a.sent_at, a.sends,
  a.if_late IS NOT DISTINCT FROM 'reverse' AS reverses, h.status, greatest(d.due_at,
    d.lease_until) AS inquiry_at,
  count(*) OVER () AS total
FROM {OUT}
CROSS JOIN LATERAL (SELECT external_id FROM orders o
  WHERE o.merchant_id = d.merchant_id AND o.order_id = d.subject_id OFFSET 0) o
CROSS JOIN LATERAL (SELECT status FROM order_heads h
  WHERE h.merchant_id = d.merchant_id AND h.order_id = d.subject_id OFFSET 0) h
WHERE {UNANSWERED}
ORDER BY a.sent_at, a.attempt_id LIMIT $3
"""


@MERCHANT.statement(_DESK)
async def _unknown(db: Read, merchant_id: UUID, wall: datetime, limit: int) -> list[Unknown]:
    """However long it takes."""


async def unknown_outcomes(
    connection: ReadConnection, merchant_id: UUID, wall: datetime
) -> list[Unknown]:
    """Unknown outcomes, at most ROWS_MAX. What was sent just now and may still be answered by its
    own call is not among them, nor what waits for a customer who is at their bank.

    Raises: Problem(unavailable) when it takes too long.
    """
    try:
        async with bounded(connection, TIMEOUT_MS):
            return await _unknown(connection, merchant_id, wall, ROWS_MAX)
    except asyncpg.QueryCanceledError:
        raise Problem(
            "unavailable",
            "Reading the unknown outcomes took too long.",
            cure="Try again in a minute.",
        ) from None
