"""The merchants' bank and the way out for mail, in this process; see `issuer`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.gateways.bank.port import Answer, BankFile, Transfer
from recoup.gateways.bank.sandbox import SandboxBank
from recoup.gateways.cards.port import Outcome
from recoup.gateways.web.mail.port import Message, Posted
from recoup.gateways.web.port import Answer as WebAnswer
from recoup_lab.simulate.clock import SimClocks
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.faults import Faults
from recoup_lab.simulate.issuer import away


@dataclass
class SimBank(SandboxBank):
    """Takes every file once, pays a day later or gives back, and remembers what it paid."""

    seed: int
    clocks: SimClocks
    faults: Faults
    asks_after: timedelta | None = timedelta(days=1)
    taken: dict[UUID, Transfer] = field(default_factory=dict)
    paid: dict[UUID, Transfer] = field(default_factory=dict)
    tries: Counter[UUID] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    async def send(self, transfer: Transfer, file: BankFile) -> Outcome:
        if self._lost(transfer):
            return Outcome("unknown")
        if transfer.payout_id not in self.taken:
            self.counts["bank transfer"] += 1
        self.taken.setdefault(transfer.payout_id, transfer)
        return await super().send(transfer, file)

    async def answer(self, transfer: Transfer) -> Answer | None:
        if self._lost(transfer) or transfer.payout_id not in self.taken:
            return None
        said = await super().answer(transfer)
        if said is not None and said.state == "paid":
            self.paid.setdefault(transfer.payout_id, transfer)
        return said

    def _lost(self, transfer: Transfer) -> bool:
        number = self.tries[transfer.payout_id]
        self.tries[transfer.payout_id] += 1
        name = f"{transfer.asset}/{transfer.units}/{transfer.made_at}"
        if away(self.seed, self.faults, self.clocks.wall()):
            return True
        return dice(self.seed, "bank", name, number).random() < self.faults.silent + self.faults.lost


@dataclass
class SimMail:
    """Sends every mail; now and then nobody knows whether it left. The same id again is the same mail."""

    seed: int
    faults: Faults
    sent: set[UUID] = field(default_factory=set)
    tries: Counter[Any] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    async def send(self, message: Message, timeout_seconds: float) -> Posted:
        number = self.tries[message.id]
        self.tries[message.id] += 1
        if message.id not in self.sent:
            self.counts["mail"] += 1
        self.sent.add(message.id)
        if dice(self.seed, "mail", message.to, message.subject, number).random() < self.faults.silent:
            return Posted("later", "no answer in time")
        return Posted("sent")

    async def greet(self, timeout_seconds: float) -> Posted:
        return Posted("sent")


class NoWeb:
    """Nothing is called over HTTP. Implements `Web`."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, **limits: Any) -> WebAnswer:
        return WebAnswer(None, error="switched_off")

    async def close(self) -> None:
        """Nothing is open."""
