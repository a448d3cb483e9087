"""Port for a channel. Every call carries an id of ours that is its idempotency key."""

from dataclasses import dataclass
from typing import Protocol, TypeGuard
from uuid import UUID

from recoup.processors.gateways.port import Counterpart, Message, Outcome


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment that a payer is to make. `id` is the attempt's id; `units` in the currency's book
    scale. `send_before_monotonic`: what a paused process has not given to the channel by then is
    not given any more."""

    id: UUID
    order_id: UUID
    merchant_id: UUID
    units: int
    currency: str
    send_before_monotonic: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep(Message):
    """Money of a direct payment on its way to the merchant. `id` is the settlement's id; the fee
    stays behind."""

    payment_id: UUID
    merchant_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut(Message):
    """Custodial money that leaves. `id` is the payout's id."""

    merchant_id: UUID
    destination: str


class Channel(Counterpart, Protocol):
    """A gateway. An Outcome's `reference` is the transaction's hash."""

    def settles_to(self, merchant_id: UUID) -> str:
        """The merchant's own address, where direct money goes."""
        ...

    async def sweep(self, sweep: Sweep) -> Outcome: ...

    async def pay_out(self, payout: PayOut) -> Outcome: ...


class Guarded(Channel, Protocol):
    """A channel whose payouts go where the merchant has agreed, once a second person approves
    them."""

    async def check_payout(self, merchant_id: UUID, destination: str) -> None:
        """Raises: Problem(invalid) naming destination."""
        ...

    def payout_waits(self, amount: str) -> tuple[str, dict[str, str]]:
        """The kind of notification that one waits, and its facts."""
        ...


class Simulated(Channel, Protocol):
    """A twin of the sandbox, where the operator or a button pays for the payer."""

    async def pay(self, payment: Payment, approve: bool) -> Outcome: ...


def is_guarded(channel: Channel) -> TypeGuard[Guarded]:
    return hasattr(channel, "check_payout")


def is_simulated(channel: Channel) -> TypeGuard[Simulated]:
    return hasattr(channel, "pay")
