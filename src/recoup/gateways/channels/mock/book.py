"""The mock channels' book. Every function commits before it returns. All SQL of these channels stands here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.gateways.cards.port import StatementLine
from recoup.gateways.cards.sandbox.install import install_book
from recoup.gateways.channels.port import Payment, PayOut

_PAY = """
INSERT INTO mock_channel.payments (id, channel, order_id, merchant_id, units, currency, decision, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT channel, units, currency, decision FROM mock_channel.payments WHERE id = $1 FOR UPDATE"
_SENT = """
SELECT coalesce(sum(units), 0)::bigint FROM mock_channel.transfers
WHERE payment_id = $1 AND kind = $2 AND decision = 'approved'
"""
_TRANSFER = """
INSERT INTO mock_channel.transfers (id, kind, payment_id, units, currency, decision, why, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_PAY_OUT = """
INSERT INTO mock_channel.payouts (id, merchant_id, units, currency, decision, why, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_FIND = """
SELECT decision, NULL AS why FROM mock_channel.payments WHERE id = $1 AND ($2::text IS NULL OR channel = $2)
UNION ALL SELECT decision, why FROM mock_channel.transfers WHERE id = $1
UNION ALL SELECT decision, why FROM mock_channel.payouts WHERE id = $1
"""
# Payouts leave by the channel that keeps custody.
_STATEMENT = """
SELECT id, type, units, currency, decided_at FROM (
  SELECT id, 'charge' AS type, units, currency, decided_at FROM mock_channel.payments
  WHERE channel = $1 AND merchant_id = $2 AND decision = 'approved'
  UNION ALL
  SELECT t.id, CASE t.kind WHEN 'sweep' THEN 'settlement' ELSE 'refund' END, t.units, t.currency, t.decided_at
  FROM mock_channel.transfers t JOIN mock_channel.payments p ON p.id = t.payment_id
  WHERE p.channel = $1 AND p.merchant_id = $2 AND t.decision = 'approved'
  UNION ALL
  SELECT id, 'payout', units, currency, decided_at FROM mock_channel.payouts
  WHERE $1 = 'mock' AND merchant_id = $2 AND decision = 'approved'
) book WHERE decided_at >= $3 AND decided_at < $4 ORDER BY decided_at, id
"""
_LINES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Decided:
    decision: str
    why: str | None = None


async def install(connection: asyncpg.Connection) -> None:
    """Make the book where it is missing. Safe to repeat and to run twice at once."""
    await install_book(connection, "recoup.gateways.channels.mock")


async def pay(connection: asyncpg.Connection, channel: str, payment: Payment, approve: bool, now: datetime) -> Decided:
    """`elsewhere`: it was paid, or failed, on another channel; nothing is taken here."""
    decision = "approved" if approve else "declined"
    await connection.execute(
        _PAY, payment.id, channel, payment.order_id, payment.merchant_id, payment.units, payment.currency, decision, now
    )
    return await find(connection, payment.id, channel) or Decided("elsewhere")


async def transfer(
    connection: asyncpg.Connection, id: UUID, kind: str, payment_id: UUID, units: int, currency: str, now: datetime
) -> Decided:
    """A refund or sweep, decided once: at most what was paid leaves in each way."""
    async with connection.transaction():
        payment = await connection.fetchrow(_LOCK, payment_id)
        known = await find(connection, id)
        if known is not None:
            return known
        why = None
        if payment is None or payment["decision"] != "approved":
            why = "no_payment"
        elif payment["currency"] != currency:
            why = "other_currency"
        elif await connection.fetchval(_SENT, payment_id, kind) + units > payment["units"]:
            why = "more_than_paid"
        decided = Decided("declined" if why else "approved", why)
        await connection.execute(_TRANSFER, id, kind, payment_id, units, currency, decided.decision, why, now)
        return decided


async def pay_out(connection: asyncpg.Connection, payout: PayOut, now: datetime, *, refuse: bool) -> Decided:
    """Money that leaves; decided once."""
    why = "refused_by_destination" if refuse else None
    await connection.execute(
        _PAY_OUT,
        payout.id,
        payout.merchant_id,
        payout.units,
        payout.currency,
        "declined" if refuse else "approved",
        why,
        now,
    )
    found = await find(connection, payout.id)
    assert found is not None
    return found


async def find(connection: asyncpg.Connection, id: UUID, channel: str | None = None) -> Decided | None:
    """`channel`: whose payments are meant."""
    row = await connection.fetchrow(_FIND, id, channel)
    return Decided(row["decision"], row["why"]) if row else None


async def movements(
    connection: asyncpg.Connection, channel: str, merchant_id: UUID, begin: datetime, end: datetime
) -> AsyncIterator[list[StatementLine]]:
    """References are left empty."""
    async with connection.transaction(readonly=True):
        cursor = await connection.cursor(_STATEMENT, channel, merchant_id, begin, end)
        while rows := await cursor.fetch(_LINES_AT_ONCE):
            yield [StatementLine(r["id"], "", r["type"], r["units"], r["currency"], r["decided_at"]) for r in rows]
