"""Stablecoin channels in this process, with a book of their own; see `issuer`."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.networks.decline_code import our_code
from recoup.processors.gateways.channels import Payment, PayOut, Sweep
from recoup.processors.gateways.port import Asks, Inquiry, ModificationMessage, Outcome
from recoup_lab.simulate.clock import SimClocks
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.faults import NEVER_ARRIVES, NOBODY_SAYS, Faults, drawn
from recoup_lab.simulate.issuer import away

PAYMENTS: Final = (
    "id",
    "channel",
    "order_id",
    "merchant_id",
    "units",
    "currency",
    "decision",
    "decided_at",
)
TRANSFERS: Final = (
    "id",
    "kind",
    "payment_id",
    "units",
    "currency",
    "decision",
    "why",
    "decided_at",
)
PAYOUTS: Final = ("id", "merchant_id", "units", "currency", "decision", "why", "decided_at")
_UNKNOWN: Final = Outcome("unknown", text="no answer in time")


@dataclass(slots=True)
class Paid:
    channel: str
    order_id: UUID
    units: int
    currency: str
    approved: bool
    refunded: int = 0
    swept: int = 0


@dataclass
class ChannelBook:
    """Book of what all channels took, gave back and swept."""

    payments: dict[UUID, Paid] = field(default_factory=dict)
    moved: dict[UUID, bool] = field(
        default_factory=dict
    )  # transfers and payouts: whether they were done
    counts: Counter[str] = field(default_factory=Counter)
    tries: Counter[UUID] = field(default_factory=Counter)
    names: dict[UUID, str] = field(default_factory=dict)  # order -> the merchant's own id of it
    new_payments: list[tuple[Any, ...]] = field(default_factory=list)
    new_transfers: list[tuple[Any, ...]] = field(default_factory=list)
    new_payouts: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass
class SimChannel:
    """Implements `gateways.channels.port.Simulated`."""

    name: str
    seed: int
    clocks: SimClocks
    faults: Faults
    book: ChannelBook
    asks: Asks = "by_our_key"
    idempotency_window: timedelta = timedelta(days=30)
    settled_after: timedelta = timedelta(seconds=1)
    unprocessed_codes: frozenset[str] = frozenset()

    def settles_to(self, merchant_id: UUID) -> str:
        return "sim_" + hashlib.sha256(merchant_id.bytes).hexdigest()[:32]

    async def pay(self, payment: Payment, approve: bool) -> Outcome:
        book, now = self.book, self.clocks.wall()
        fault = self._fault("pay", book.names.get(payment.order_id, ""), payment.id, now)
        if fault in NEVER_ARRIVES:
            return Outcome("not_sent")
        if payment.id not in book.payments:
            paid = Paid(self.name, payment.order_id, payment.units, payment.currency, approve)
            book.payments[payment.id] = paid
            book.counts["channel payment"] += 1
            book.new_payments.append(
                (
                    payment.id,
                    self.name,
                    payment.order_id,
                    payment.merchant_id,
                    payment.units,
                    payment.currency,
                    "approved" if approve else "declined",
                    now,
                )
            )
        return _UNKNOWN if fault in NOBODY_SAYS else self._paid(payment.id)

    async def modify(self, message: ModificationMessage) -> Outcome:
        return self._transfer(
            message.id, "refund", message.charge_id, message.units, message.currency
        )

    async def sweep(self, sweep: Sweep) -> Outcome:
        return self._transfer(sweep.id, "sweep", sweep.payment_id, sweep.units, sweep.currency)

    async def pay_out(self, payout: PayOut) -> Outcome:
        book, now = self.book, self.clocks.wall()
        fault = self._fault("payout", payout.destination, payout.id, now)
        if fault in NEVER_ARRIVES:
            return Outcome("not_sent")
        if payout.id not in book.moved:
            done = book.moved[payout.id] = not payout.destination.endswith("fail")
            book.counts["channel payout"] += 1
            why = None if done else "refused_by_destination"
            book.new_payouts.append(
                (
                    payout.id,
                    payout.merchant_id,
                    payout.units,
                    payout.currency,
                    "approved" if done else "declined",
                    why,
                    now,
                )
            )
        return _UNKNOWN if fault else self._moved(payout.id)

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        id = inquiry.id
        if away(self.seed, self.faults, self.clocks.wall()):
            return _UNKNOWN
        paid = self.book.payments.get(id)
        if paid is not None:
            return self._paid(id) if paid.channel == self.name else Outcome("not_found")
        return self._moved(id) if id in self.book.moved else Outcome("not_found")

    def _transfer(
        self, id: UUID, kind: str, payment_id: UUID, units: int, currency: str
    ) -> Outcome:
        book, now = self.book, self.clocks.wall()
        paid = book.payments.get(payment_id)
        fault = self._fault(
            kind, f"{book.names.get(paid.order_id, '') if paid else ''}/{units}", id, now
        )
        if fault in NEVER_ARRIVES:
            return Outcome("not_sent")
        if id not in book.moved:
            why = self._refusal(kind, paid, units, currency)
            if paid is not None and why is None:
                paid.refunded += units if kind == "refund" else 0
                paid.swept += units if kind == "sweep" else 0
            book.moved[id] = why is None
            book.counts[f"channel {kind}"] += 1
            book.new_transfers.append(
                (id, kind, payment_id, units, currency, "declined" if why else "approved", why, now)
            )
        return _UNKNOWN if fault else self._moved(id)

    def _refusal(self, kind: str, paid: Paid | None, units: int, currency: str) -> str | None:
        if paid is None or not paid.approved:
            return "no_payment"
        if paid.currency != currency:
            return "other_currency"
        sent = paid.refunded if kind == "refund" else paid.swept
        return "more_than_paid" if sent + units > paid.units else None

    def _paid(self, id: UUID) -> Outcome:
        return self._outcome(id, self.book.payments[id].approved)

    def _moved(self, id: UUID) -> Outcome:
        return self._outcome(id, self.book.moved[id])

    def _outcome(self, id: UUID, approved: bool) -> Outcome:
        reference = "0x" + hashlib.sha256(id.bytes).hexdigest()
        return Outcome(
            "approved" if approved else "declined",
            reference,
            processor_code=None if approved else our_code("declined"),
        )

    def _fault(self, what: str, name: str, id: UUID, now: datetime) -> str | None:
        if away(self.seed, self.faults, now):
            self.book.counts["fault outage"] += 1
            return "outage"
        number = self.book.tries[id]
        self.book.tries[id] += 1
        fault = drawn(self.faults, dice(self.seed, "channel", what, name, number).random())
        if fault:
            self.book.counts[f"fault {fault}"] += 1
        return None if fault == "duplicate" else fault
