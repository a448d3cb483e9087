"""Port for a way to the merchant's bank. The payout's id is its idempotency key."""

from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.processors.gateways.port import Outcome
from recoup.processors.rules.bank_account import BankAccount


@frozen
class Transfer:
    """Transfer of a payout. `units` in the asset's minor unit; `made_at`: business time of its
    approval, the file's date."""

    payout_id: UUID
    account: BankAccount = field(repr=False)
    units: int
    asset: str
    reference: str
    made_at: datetime


class BankFile(NamedTuple):
    """The same transfer always makes the same file."""

    name: str
    content: bytes


class Answer(NamedTuple):
    """Answer of the bank on what became of it, with its reason for giving it back."""

    state: Literal["paid", "returned"]
    reason: str | None = None


class Bank(Protocol):
    """Way to a bank. No method raises for anything that a network or a bank does.

    `asks_after`: how long after the sending an inquiry at the bank is due, in business time; None
    when it cannot answer inquiries, and a person or an answer file says so. `shows_deposits`:
    whether this is a twin, whose account statements we can show.
    """

    asks_after: timedelta | None
    shows_deposits: bool

    def file(self, transfer: Transfer) -> BankFile: ...

    def paid_by(self, scheme: str) -> str:
        """The payer and its bank, as the file to an account of that scheme says; empty where it
        does not."""
        ...

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        """approved: the bank has it, or its file may be fetched. The same payout again is the
        same."""
        ...

    async def answer(self, transfer: Transfer) -> Answer | None:
        """The bank's answer; None: it does not know yet."""
        ...
