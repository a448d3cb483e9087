"""A mock channel: the port over the book, with the way between them. It misbehaves as the card sandbox does: the same
faults switch both."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.gateways.cards.port import Asks, Inquiry, ModificationMessage, Outcome, StatementLine
from recoup.gateways.cards.sandbox.connections import LOST, Connect, Connections
from recoup.gateways.cards.sandbox.faults import active_faults
from recoup.gateways.channels.mock import book
from recoup.gateways.channels.port import Payment, PayOut, Sweep
from recoup.kernel.time import Clocks

_SLOW_SECONDS: Final = 1.5
_ASK_SECONDS: Final = 10.0
_SILENT: Final = Outcome("unknown", text="no answer in time")
Decide = Callable[[Any], Awaitable[book.Decided]]


class MockChannel:
    """Implements `port.Simulated`."""

    asks: Asks = "by_our_key"
    idempotency_window = timedelta(days=30)
    settled_after = timedelta(seconds=1)
    unprocessed_codes: frozenset[str] = frozenset()

    def __init__(self, name: str, source: str | Connect, *, clocks: Clocks | None = None, connections: int = 2) -> None:
        """`source`: DSN of the sandbox database, or what opens a connection to it. The book must be installed."""
        self.name = name
        self._connections = Connections(source, connections)
        self._clocks = clocks or Clocks()

    async def close(self) -> None:
        await self._connections.close()

    def settles_to(self, merchant_id: UUID) -> str:
        return "mock_" + hashlib.sha256(b"wallet" + merchant_id.bytes).hexdigest()[:32]

    async def pay(self, payment: Payment, approve: bool) -> Outcome:
        """The payer pays, or fails to. The first word for a payment stands."""
        now = self._clocks.wall()
        return await self._ask(
            payment.id,
            lambda c: book.pay(c, self.name, payment, approve, now),
            send_before=payment.send_before_monotonic,
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        now = self._clocks.wall()
        return await self._ask(
            message.id,
            lambda c: book.transfer(c, message.id, "refund", message.charge_id, message.units, message.currency, now),
            send_before=message.send_before_monotonic,
            timeout_seconds=message.timeout_seconds,
        )

    async def sweep(self, sweep: Sweep) -> Outcome:
        now = self._clocks.wall()
        return await self._ask(
            sweep.id,
            lambda c: book.transfer(c, sweep.id, "sweep", sweep.payment_id, sweep.units, sweep.currency, now),
            send_before=sweep.send_before_monotonic,
            timeout_seconds=sweep.timeout_seconds,
        )

    async def pay_out(self, payout: PayOut) -> Outcome:
        """A destination that ends with `fail` is refused, for tests."""
        now = self._clocks.wall()
        return await self._ask(
            payout.id,
            lambda c: book.pay_out(c, payout, now, refuse=payout.destination.endswith("fail")),
            send_before=payout.send_before_monotonic,
            timeout_seconds=payout.timeout_seconds,
        )

    async def movements(self, merchant_id: UUID, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
        """What moved on this channel for a merchant in that wall time, some lines at a time."""
        async with self._connections.one() as connection:
            async for lines in book.movements(connection, self.name, merchant_id, begin, end):
                yield [line._replace(reference=_reference(line.id)) for line in lines if line.id is not None]

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        id = inquiry.id
        try:
            async with self._connections.one() as connection:
                if "outage" in await active_faults(connection, self._clocks.wall()):
                    return Outcome("unknown", text="connection refused")
                decided = await book.find(connection, id, self.name)
        except LOST:
            return Outcome("unknown", text="the connection failed")
        return _outcome(id, decided) if decided else Outcome("not_found", text="nothing with this id")

    async def _ask(
        self, id: UUID, decide: Decide, *, send_before: float | None = None, timeout_seconds: float = _ASK_SECONDS
    ) -> Outcome:
        """One message. What is decided is committed before the answer is slow or lost."""
        sent = False
        try:
            async with self._connections.one() as connection:
                faults = await active_faults(connection, self._clocks.wall())
                if "outage" in faults:
                    return Outcome("not_sent", text="connection refused")
                if send_before is not None and self._clocks.monotonic() >= send_before:
                    return Outcome("not_sent", text="too late to send")
                sent = True
                decided = await decide(connection)
                if "duplicate" in faults:
                    decided = await decide(connection)
        except LOST:
            return Outcome("unknown" if sent else "not_sent", text="the connection failed")
        if "silent" in faults:
            await asyncio.sleep(timeout_seconds)
            return _SILENT
        if "slow" in faults:
            await asyncio.sleep(_SLOW_SECONDS)
        return _outcome(id, decided)


def _outcome(id: UUID, decided: book.Decided) -> Outcome:
    """The same words for the same id, always."""
    reference = _reference(id)
    if decided.decision == "elsewhere":
        return Outcome("not_sent", text="this payment is another channel's")
    if decided.decision == "declined":
        return Outcome("declined", reference, processor_code=decided.why or "declined", text="declined")
    return Outcome("approved", reference, text="approved")


def _reference(id: UUID) -> str:
    return "0x" + hashlib.sha256(b"mock" + id.bytes).hexdigest()


def mock_channels(source: str | Connect, codes: tuple[str, ...]) -> dict[str, MockChannel]:
    return {code: MockChannel(code, source) for code in codes}
