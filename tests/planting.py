"""Many movements at once: a merchant's ledger filled in sets, as if each had been charged or
refunded."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.worlds import Shop, owner

from recoup.kernel.ids import new_id
from recoup.kernel.money import to_text
from recoup.kernel.time import iso

# orders, logs, pages are not needed here
_RULES = "SELECT set_config('session_replication_role', 'replica', false)"
_PLAN = """
CREATE TEMP TABLE staged_plan (id uuid, posting_id uuid, order_id uuid, reference text, type text,
  units bigint,
  at timestamptz)
"""
_ATTEMPTS = """
INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route,
  units, asset,
  initiator, reference)
SELECT $1, id, order_id, 1, 'approved', 'soft', at, 'sandbox', units, 'USD', 'merchant', reference
FROM staged_plan WHERE type = 'charge'
"""
_REFUNDS = """
INSERT INTO modifications (merchant_id, modification_id, order_id, modification_no, kind, state,
  units, asset,
  input_mac, business_at, actor, reference)
SELECT $1, id, order_id, 1, 'refund', 'done', units, 'USD', '', at, 'test', reference
FROM staged_plan WHERE type = 'refund'
"""
_POSTINGS = """
WITH posted AS (
INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id,
  content_hash, business_at,
  recorded_at)
SELECT $1, posting_id, CASE type WHEN 'charge' THEN 'attempt' ELSE 'refund' END, id,
  CASE type WHEN 'charge' THEN 'charge' ELSE 'refund_done' END, order_id, '', at, at
    FROM staged_plan
  RETURNING merchant_id, posting_id, recorded_at)
INSERT INTO postings_queue (merchant_id, posting_id, recorded_at) TABLE posted
"""
_ENTRIES = """
INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
SELECT $1, p.posting_id, e.no, e.account, 'USD', e.place,
  e.sign * CASE p.type WHEN 'charge' THEN 1 ELSE -1 END * p.units, p.at
FROM staged_plan p
CROSS JOIN LATERAL (VALUES (1, 'clearing', 'sandbox', 1),
  (2, CASE p.type WHEN 'charge' THEN 'customer_due' ELSE 'refund_due' END, '', -1)) e (no, account,
    place, sign)
"""


@dataclass(frozen=True)
class Moved:
    """One planted movement."""

    id: UUID
    reference: str
    type: str
    units: int
    at: datetime

    def line(self, **change: Any) -> str:
        """As a processor would tell it."""
        told = {
            "id": self.id,
            "reference": self.reference,
            "type": self.type,
            "units": self.units,
        } | change
        return (
            f"{told['id']},{told['reference']},{told['type']},"
            f"{to_text(told['units'], 2)},USD,{iso(self.at)}"
        )


async def plant(shop: Shop, count: int, begin: datetime, length: timedelta) -> list[Moved]:
    """One in ten is a refund; many have the same amount."""
    moved = []
    for n in range(count):
        type_ = "refund" if n % 10 == 9 else "charge"
        moved.append(
            Moved(new_id(), f"sbx_{n:08}", type_, 1000 + n % 500, begin + length * n / count)
        )
    async with owner(shop.world) as connection:
        await connection.execute(_RULES)
        await connection.execute(_PLAN)
        await connection.copy_records_to_table(
            "staged_plan",
            records=[(m.id, new_id(), new_id(), m.reference, m.type, m.units, m.at) for m in moved],
        )
        for sql in (_ATTEMPTS, _REFUNDS, _POSTINGS, _ENTRIES):
            await connection.execute(sql, shop.merchant_id, timeout=600)
        await connection.execute("ANALYZE")
    return moved
