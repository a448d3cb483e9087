"""A chain as the core's flows see it. Payments are what the watcher believes; what is to be sent is
written down for the sender, which alone holds keys."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.chains import intake, sends_store, store
from recoup.chains.abi import to_hex
from recoup.chains.channels import ChannelSettings
from recoup.chains.compare import Comparer
from recoup.chains.credit import folded
from recoup.chains.fold import GRACE
from recoup.chains.rpc import AwayError, opened
from recoup.chains.sends_store import ChainSend
from recoup.chains.store import DepositAddress
from recoup.chains.transfers import check_payout, sweep_of, want_payout, want_refund
from recoup.chains.watch import HaltError, Watcher, networks_of
from recoup.chains.words import SENDER
from recoup.db.pool import Database
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.cells import list_cells
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.channels import PayOut, Sweep
from recoup.processors.gateways.port import Asks, Inquiry, LookUp, ModificationMessage, Outcome

_UNREAD: Final = Outcome("unknown", text="the chain has not been read that far")
_ON_ITS_WAY: Final = Outcome("unknown", text="on its way", result_follows=True)
_NO_WAY: Final = Outcome("not_sent", text="nobody has said where it goes")
NO_ADDRESS: Final = "no_settlement_address"
LOOKED: Final = timedelta(seconds=1)
IDLE: Final = timedelta(seconds=10)


class ChainChannel:
    """Implements `gateways.channels.port.Channel`."""

    asks: Asks = "by_our_key"
    idempotency_window = timedelta(days=18_250)  # the row stays; ids begin in 1970
    settled_after = timedelta(seconds=20)
    unprocessed_codes: frozenset[str] = frozenset()

    def __init__(self, settings: ChannelSettings, db: Database, clocks: Clocks) -> None:
        self.name, self._settings, self.db, self.clocks = settings.code, settings, db, clocks

    async def close(self) -> None:
        """Does nothing: no connection is open."""

    def settles_to(self, merchant_id: UUID) -> str:
        """Answers an empty text: an order's own terms say where it settles."""
        return ""

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        send = await sends_store.send_of(self.db, inquiry.id)
        if send is None:
            return await self._paid(inquiry.id)
        return _said(send) if send.kind == "transfer" or send.state == "failed" else _ON_ITS_WAY

    async def look_up(self, question: LookUp) -> Outcome:
        """Answers not found: what a key of ours sent and our database forgot halts that key, and
        people say what it was."""
        return Outcome("not_found")

    async def sweep(self, sweep: Sweep) -> Outcome:
        """Starts a sweep. What the factory says confirms it; here it may only fail."""
        row = await store.address_of_attempt(self.db, sweep.payment_id)
        assert row
        send = sweep_of(sweep.id, self._settings, row, "settlement", sweep.id)
        wanted = await sends_store.want(self.db.alone, send, self.clocks.wall())
        return _said(wanted) if wanted.state == "failed" else _ON_ITS_WAY

    async def modify(self, message: ModificationMessage) -> Outcome:
        known = await sends_store.send_of(self.db, message.id)
        send = known or await want_refund(self.db, self._settings, message, self.clocks.wall())
        return _said(send) if send else _NO_WAY

    async def check_payout(self, merchant_id: UUID, destination: str) -> None:
        """Raises: Problem(invalid) for another than the merchant's settlement address."""
        offset = await known_offset(self.db.reader, merchant_id)
        await check_payout(
            self.db, self._settings, merchant_id, destination, self.clocks.business(offset)
        )

    def payout_waits(self, amount: str) -> tuple[str, dict[str, str]]:
        return SENDER, {"what": "payout", "chain": self._settings.network, "why": amount}

    async def pay_out(self, payout: PayOut) -> Outcome:
        send = await sends_store.send_of(self.db, payout.id)
        if send is None:
            try:
                await self.check_payout(payout.merchant_id, payout.destination)
            except Problem:
                return Outcome(
                    "declined", processor_code=our_code(NO_ADDRESS), text=sends_store.WITHDRAWN
                )
            send = await want_payout(self.db, self._settings, payout, self.clocks.wall())
        return _said(send)

    async def _paid(self, attempt_id: UUID) -> Outcome:
        """The outcome of what came to the payment's address, once the chain has been read to the
        order's end and its balance agrees with what was read; an hour at most."""
        row = await store.address_of_attempt(self.db, attempt_id)
        if row is None:
            return Outcome("not_found", text="nothing with this id")
        end = row.expires_at - timedelta(
            microseconds=await known_offset(self.db, row.merchant_id)
        )  # by the chain's clock
        if self._settings.world == "sandbox" and self.clocks.wall() >= end:
            await self._look(row, end)
        outcome = folded(row, await store.logs_at(self.db, [row.address]))
        if outcome.paid_by:
            return Outcome("approved", to_hex(outcome.paid_by.tx), text="approved")
        chain, now = self._settings.chain_id, self.clocks.wall()
        cursor = await store.cursor_of(self.db, chain)
        if now > end + GRACE:
            return Outcome("not_found")
        if cursor is None or cursor.halted:
            return _UNREAD
        moves = cursor.agreed_at > now - IDLE  # a sandbox's chain may make no block by itself
        if (
            self._settings.world == "sandbox"
            and cursor.polled_at >= end
            and not (outcome.seen and moves)
        ):
            return Outcome("not_found")
        if cursor.agreed_at <= end or outcome.seen:
            return _UNREAD
        compared = await store.comparisons_of(self.db, chain, [row.address])
        if any(
            comparison.compared_at and comparison.compared_at > end and not comparison.missing
            for comparison in compared
        ):
            return Outcome("not_found")
        await store.want_comparison(self.db.alone, chain, row.address, now)
        return _UNREAD

    @property
    def every(self) -> list["ChainChannel"]:
        return [self]

    async def _look(self, row: DepositAddress, end: datetime) -> None:
        """A merchant's clock may be moved while no watcher runs: who asks reads for itself, but not
        past what other cells' orders wait for."""
        if len(await list_cells(self.db)) > 1:
            return
        chain = self._settings.chain_id
        network = next(
            network for network in networks_of(intake.all_served()) if network.chain == chain
        )
        cursor = await store.cursor_of(self.db, chain)
        async with opened(network.kind, network.endpoints, self.clocks) as nodes:
            watcher = Watcher(self, network, nodes)
            with suppress(AwayError, HaltError):
                if cursor is None or cursor.polled_at < max(end, self.clocks.wall() - LOOKED):
                    await watcher.poll()
                await Comparer(self, watcher).compare({row.address: row})


def gateways(world: str, db: Database, clocks: Clocks) -> Mapping[str, ChainChannel]:
    """Gateways by channel code."""
    return {channel.code: ChainChannel(channel, db, clocks) for channel in intake.all_served(world)}


def _said(send: ChainSend) -> Outcome:
    """A sweep is done when the watcher has seen what the factory paid, whoever called it."""
    if send.state == "done" and send.hash is not None:
        return Outcome("approved", to_hex(send.hash), text="approved")
    if send.state == "failed":
        code = our_code(NO_ADDRESS if send.why == sends_store.WITHDRAWN else "reverted")
        return Outcome(
            "declined", to_hex(send.hash) if send.hash else None, processor_code=code, text=send.why
        )
    return _ON_ITS_WAY
