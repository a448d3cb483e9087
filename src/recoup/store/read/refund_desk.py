"""Refunds that do not get where they belong: stuck, delayed, or owed for long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from recoup.rules.merchants.personal import without_payer

ROWS_MAX = 200
LONG = timedelta(hours=1)
_DESK = """
SELECT r.refund_id, r.order_id, o.external_id, r.refund_no, r.kind, r.units, r.asset, r.state, r.tries, r.message,
  r.processor_code, r.business_at, r.hand_note, r.hand_actor,
  CASE WHEN r.state = 'stuck' THEN 'stuck'
    WHEN r.state = 'owed' AND EXISTS (SELECT FROM advances a WHERE a.merchant_id = r.merchant_id
      AND a.order_id = r.order_id AND a.state = 'due') THEN 'waits for the charge'
    WHEN r.tries >= $2 THEN 'delayed' ELSE 'owed long' END AS why,
  to_jsonb(p) AS payer
FROM refunds r JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
LEFT JOIN order_payer p ON p.merchant_id = r.merchant_id AND p.order_id = r.order_id
WHERE r.merchant_id = $1 AND r.state IN ('owed', 'sent', 'stuck') AND r.kind <> 'capture'
  AND (r.state = 'stuck' OR r.tries >= $2 OR r.business_at < $3)
ORDER BY r.state = 'stuck' DESC, r.business_at, r.refund_id LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class DeskRow:
    """`why`: stuck, delayed, owed long, or waits for the charge, which decides whether it is sent. `hand_actor` said by
    `hand_note` that it was paid otherwise."""

    refund_id: UUID
    order_id: UUID
    external_id: str
    refund_no: int
    kind: str
    units: int
    asset: str
    state: str
    tries: int
    message: str
    processor_code: str | None
    business_at: datetime
    hand_note: str | None
    hand_actor: str | None
    why: str


async def read_desk(
    connection: asyncpg.Connection, merchant_id: UUID, now: datetime, delayed_after_tries: int, *, clear: bool
) -> list[DeskRow]:
    """What is stuck first, then the oldest; `now` is business time. Unless `clear`, people's words are without what is
    known of the order's customer."""
    rows = await connection.fetch(_DESK, merchant_id, delayed_after_tries, now - LONG, ROWS_MAX)
    return [DeskRow(**without_payer(row, ("message", "hand_note"), clear=clear)) for row in rows]
