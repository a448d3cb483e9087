"""A mock channel: the port over the book, with the way between them. It misbehaves as the card
sandbox does: the same faults switch both."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.frozen import frozen
from recoup.kernel.time import Clocks
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.channels import Payment, PayOut, Sweep
from recoup.processors.gateways.port import (
    Asks,
    Inquiry,
    LookUp,
    ModificationMessage,
    Outcome,
    StatementLine,
)
from recoup.processors.gateways.sandbox.connections import (
    LOST,
    Connect,
    Connections,
    active_faults,
    install_book,
)

_PAY = """
INSERT INTO mock_channel.payments (id, channel, order_id, merchant_id, units, currency, decision,
  decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
_LOCK = (
    "SELECT channel, units, currency, decision FROM mock_channel.payments WHERE id = $1 FOR UPDATE"
)
_SENT = """
SELECT coalesce(sum(units), 0)::bigint FROM mock_channel.transfers
WHERE payment_id = $1 AND kind = $2 AND decision = 'approved'
"""
_TRANSFER = """
INSERT INTO mock_channel.transfers (id, kind, payment_id, units, currency, decision, why,
  decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_PAY_OUT = """
INSERT INTO mock_channel.payouts (id, merchant_id, units, currency, decision, why, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_FIND = """
SELECT decision, NULL AS why FROM mock_channel.payments WHERE id = $1 AND ($2::text IS NULL
  OR channel = $2)
UNION ALL SELECT decision, why FROM mock_channel.transfers WHERE id = $1
UNION ALL SELECT decision, why FROM mock_channel.payouts WHERE id = $1
"""
# Payouts leave by the channel that keeps custody.
_STATEMENT = """
SELECT id, type, units, currency, decided_at FROM (
  SELECT id, 'charge' AS type, units, currency, decided_at FROM mock_channel.payments
  WHERE channel = $1 AND merchant_id = $2 AND decision = 'approved'
  UNION ALL
  SELECT t.id, CASE t.kind WHEN 'sweep' THEN 'settlement'
    ELSE 'refund' END, t.units, t.currency, t.decided_at
  FROM mock_channel.transfers t JOIN mock_channel.payments p ON p.id = t.payment_id
  WHERE p.channel = $1 AND p.merchant_id = $2 AND t.decision = 'approved'
  UNION ALL
  SELECT id, 'payout', units, currency, decided_at FROM mock_channel.payouts
  WHERE $1 = 'mock' AND merchant_id = $2 AND decision = 'approved'
) book WHERE decided_at >= $3 AND decided_at < $4 ORDER BY decided_at, id
"""
_LINES_AT_ONCE = 2_000


@frozen
class Decided:
    decision: str
    why: str | None = None


async def install(connection: asyncpg.Connection) -> None:
    """Make the book where it is missing. Safe to repeat and to run twice at once."""
    await install_book(connection, "recoup.stablecoin.gateways")


async def pay(
    connection: asyncpg.Connection, channel: str, payment: Payment, approve: bool, now: datetime
) -> Decided:
    """`elsewhere`: it was paid, or failed, on another channel; nothing is taken here."""
    await connection.execute(
        _PAY,
        payment.id,
        channel,
        payment.order_id,
        payment.merchant_id,
        payment.units,
        payment.currency,
        "approved" if approve else "declined",
        now,
    )
    return await find(connection, payment.id, channel) or Decided("elsewhere")


async def transfer(
    connection: asyncpg.Connection,
    id: UUID,
    kind: str,
    payment_id: UUID,
    units: int,
    currency: str,
    now: datetime,
) -> Decided:
    """A refund or sweep, decided once: at most what was paid leaves in each way."""
    async with connection.transaction():
        payment = await connection.fetchrow(_LOCK, payment_id)
        known = await find(connection, id)
        if known:
            return known
        why = None
        if payment is None or payment["decision"] != "approved":
            why = "no_payment"
        elif payment["currency"] != currency:
            why = "other_currency"
        elif await connection.fetchval(_SENT, payment_id, kind) + units > payment["units"]:
            why = "more_than_paid"
        decided = Decided("declined" if why else "approved", why)
        await connection.execute(
            _TRANSFER, id, kind, payment_id, units, currency, decided.decision, why, now
        )
        return decided


async def pay_out(
    connection: asyncpg.Connection, payout: PayOut, now: datetime, *, refuse: bool
) -> Decided:
    """Money that leaves; decided once."""
    await connection.execute(
        _PAY_OUT,
        payout.id,
        payout.merchant_id,
        payout.units,
        payout.currency,
        "declined" if refuse else "approved",
        "refused_by_destination" if refuse else None,
        now,
    )
    row = await find(connection, payout.id)
    assert row
    return row


async def find(
    connection: asyncpg.Connection, id: UUID, channel: str | None = None
) -> Decided | None:
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
            yield [
                StatementLine(r["id"], "", r["type"], r["units"], r["currency"], r["decided_at"])
                for r in rows
            ]


_SLOW_SECONDS: Final = 1.5
_ASK_SECONDS: Final = 10.0
_SILENT: Final = Outcome("unknown", text="no answer in time")
Decide = Callable[[Any, datetime], Awaitable[Decided]]


class MockChannel:
    """Implements `port.Simulated`."""

    asks: Asks = "by_our_key"
    idempotency_window = timedelta(days=30)
    settled_after = timedelta(seconds=1)
    unprocessed_codes: frozenset[str] = frozenset()

    def __init__(self, name: str, source: str | Connect) -> None:
        """`source`: DSN of the sandbox database, or what opens a connection to it. The book must be
        installed."""
        self.name = name
        self._connections = Connections(source, 2)
        self._clocks = Clocks()

    async def close(self) -> None:
        await self._connections.close()

    def settles_to(self, merchant_id: UUID) -> str:
        return "mock_" + hashlib.sha256(b"wallet" + merchant_id.bytes).hexdigest()[:32]

    async def pay(self, payment: Payment, approve: bool) -> Outcome:
        """The payer pays, or fails to. The first word for a payment stands."""
        return await self._ask(payment, lambda c, now: pay(c, self.name, payment, approve, now))

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self._ask(
            message,
            lambda c, now: transfer(
                c, message.id, "refund", message.charge_id, message.units, message.currency, now
            ),
        )

    async def sweep(self, sweep: Sweep) -> Outcome:
        return await self._ask(
            sweep,
            lambda c, now: transfer(
                c, sweep.id, "sweep", sweep.payment_id, sweep.units, sweep.currency, now
            ),
        )

    async def pay_out(self, payout: PayOut) -> Outcome:
        """A destination that ends with `fail` is refused, for tests."""
        return await self._ask(
            payout,
            lambda c, now: pay_out(c, payout, now, refuse=payout.destination.endswith("fail")),
        )

    async def movements(
        self, merchant_id: UUID, begin: datetime, end: datetime
    ) -> AsyncIterator[list[StatementLine]]:
        """Movements on this channel for a merchant in that wall time, some lines at a time."""
        async with self._connections.one() as connection:
            async for lines in movements(connection, self.name, merchant_id, begin, end):
                yield [line._replace(reference=_reference(line.id)) for line in lines if line.id]

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        id = inquiry.id
        try:
            async with self._connections.one() as connection:
                if "outage" in await active_faults(connection, self._clocks.wall()):
                    return Outcome("unknown", text="connection refused")
                decided = await find(connection, id, self.name)
        except LOST:
            return Outcome("unknown", text="the connection failed")
        return (
            _outcome(id, decided) if decided else Outcome("not_found", text="nothing with this id")
        )

    async def look_up(self, question: LookUp) -> Outcome:
        """Its book lies in our own database, and forgets with it."""
        return await self.inquire(Inquiry(question.message.id))

    async def _ask(
        self, message: Payment | ModificationMessage | Sweep | PayOut, decide: Decide
    ) -> Outcome:
        """Sends a message. What is decided is committed before the answer is slow or lost."""
        sent, now, send_before = False, self._clocks.wall(), message.send_before_monotonic
        try:
            async with self._connections.one() as connection:
                faults = await active_faults(connection, self._clocks.wall())
                if "outage" in faults:
                    return Outcome("not_sent", text="connection refused")
                if send_before is not None and self._clocks.monotonic() >= send_before:
                    return Outcome("not_sent", text="too late to send")
                sent = True
                decided = await decide(connection, now)
                if "duplicate" in faults:
                    decided = await decide(connection, now)
        except LOST:
            return Outcome("unknown" if sent else "not_sent", text="the connection failed")
        if "silent" in faults:
            await asyncio.sleep(
                _ASK_SECONDS if isinstance(message, Payment) else message.timeout_seconds
            )
            return _SILENT
        if "slow" in faults:
            await asyncio.sleep(_SLOW_SECONDS)
        return _outcome(message.id, decided)


def _outcome(id: UUID, decided: Decided) -> Outcome:
    """The same words for the same id, always."""
    reference = _reference(id)
    if decided.decision == "elsewhere":
        return Outcome("not_sent", text="this payment is another channel's")
    if decided.decision == "declined":
        return Outcome(
            "declined",
            reference,
            processor_code=our_code(decided.why or "declined"),
            text="declined",
        )
    return Outcome("approved", reference, text="approved")


def _reference(id: UUID) -> str:
    return "0x" + hashlib.sha256(b"mock" + id.bytes).hexdigest()


def mock_channels(source: str | Connect, codes: tuple[str, ...]) -> dict[str, MockChannel]:
    return {code: MockChannel(code, source) for code in codes}
