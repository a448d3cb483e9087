"""A chain as the core's flows see it. Payments are what the watcher believes; what is to be sent is written down for
the sender, which alone holds keys."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.features.chains import store
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.credit import folded
from recoup.features.chains.fold import GRACE
from recoup.features.chains.moves import tx_text
from recoup.features.chains.store import ChainSend
from recoup.features.chains.transfers import check_payout, sweep_of, want_payout, want_refund
from recoup.flows.merchant_cache import known_offset
from recoup.gateways.cards.port import Asks, Inquiry, ModificationMessage, Outcome
from recoup.gateways.channels.port import PayOut, Sweep
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.store.pool import Database

_UNREAD: Final = Outcome("unknown", text="the chain has not been read that far")
_ON_ITS_WAY: Final = Outcome("unknown", text="on its way", result_follows=True)
_NO_WAY: Final = Outcome("not_sent", text="nobody has said where it goes")


class ChainChannel:
    """Implements `gateways.channels.port.Channel`."""

    asks: Asks = "by_our_key"
    idempotency_window = timedelta(days=18_250)  # the row stays; ids begin in 1970
    settled_after = timedelta(seconds=20)
    unprocessed_codes: frozenset[str] = frozenset()

    def __init__(self, settings: ChannelSettings, db: Database, clocks: Clocks) -> None:
        self.name, self._settings, self._db, self._clocks = settings.code, settings, db, clocks

    async def close(self) -> None:
        """Nothing is open."""

    def settles_to(self, merchant_id: UUID) -> str:
        """Nowhere: an order's own terms say it."""
        raise LookupError("an order on a chain settles by its terms")

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        send = await store.send_of(self._db, inquiry.id)
        if send is None:
            return await self._paid(inquiry.id)
        return _said(send) if send.kind == "transfer" or send.state == "failed" else _ON_ITS_WAY

    async def sweep(self, sweep: Sweep) -> Outcome:
        """What the factory says confirms it; here it may only fail."""
        row = await store.address_of_attempt(self._db, sweep.payment_id)
        assert row is not None
        send = sweep_of(sweep.id, self._settings, row, "settlement", sweep.id)
        found = await store.want(self._db.alone, send, self._clocks.wall())
        return _said(found) if found.state == "failed" else _ON_ITS_WAY

    async def modify(self, message: ModificationMessage) -> Outcome:
        send = await store.send_of(self._db, message.id) or await want_refund(
            self._db, self._settings, message.id, message.charge_id, message.units, self._clocks.wall()
        )
        return _said(send) if send is not None else _NO_WAY

    async def check_payout(self, merchant_id: UUID, destination: str) -> None:
        """Raises: Problem(invalid) for another than the merchant's settlement address."""
        offset = await known_offset(self._db.reader, merchant_id)
        await check_payout(self._db, self._settings, merchant_id, destination, self._clocks.business(offset))

    async def pay_out(self, payout: PayOut) -> Outcome:
        send = await store.send_of(self._db, payout.id)
        if send is None:
            try:
                await self.check_payout(payout.merchant_id, payout.destination)
            except Problem:
                return Outcome("declined", processor_code="no_settlement_address", text="the address is withdrawn")
            send = await want_payout(self._db, self._settings, payout, self._clocks.wall())
        return _said(send)

    async def _paid(self, attempt_id: UUID) -> Outcome:
        """What came to the payment's address, once the chain has been read to the order's end; an hour at most."""
        row = await store.address_of_attempt(self._db, attempt_id)
        if row is None:
            return Outcome("not_found", text="nothing with this id")
        outcome = folded(row, await store.logs_at(self._db, [row.address]))
        if outcome.paid_by is not None:
            return Outcome("approved", tx_text(outcome.paid_by.tx), text="approved")
        cursor = await store.cursor_of(self._db, self._settings.chain_id)
        offset = timedelta(microseconds=await known_offset(self._db, row.merchant_id))
        is_read = cursor is not None and cursor.agreed_at + offset > row.expires_at and not outcome.seen
        over = self._clocks.wall() + offset > row.expires_at + GRACE
        return Outcome("not_found") if is_read or over else _UNREAD


def _said(send: ChainSend) -> Outcome:
    if send.state == "done" and send.hash is not None:
        return Outcome("approved", tx_text(send.hash), text="approved")
    if send.state == "failed":
        return Outcome("declined", tx_text(send.hash) if send.hash else None, processor_code="reverted", text=send.why)
    return _ON_ITS_WAY
