"""The engine under test: what `main` builds of a process, over counterparts that live outside of
it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.bank.gateways import SandboxBank
from recoup.db.pool import Database
from recoup.kernel.policy import Policy
from recoup.kit.world import World
from recoup.main.open_world import OpenWorld
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.outside.keys.keyring import Keyring
from recoup.outside.mail.port import Message, Posted
from recoup.outside.web.port import Answer as WebAnswer
from recoup.processors.gateways.bank import Answer, BankFile, Transfer
from recoup.processors.gateways.port import Outcome
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit
from recoup.stablecoin.flows.charge import Charges
from recoup.stablecoin.rules.channels import enabled
from recoup_lab.simulate.channels import ChannelBook, SimChannel
from recoup_lab.simulate.clock import SimClocks
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.dying import (
    BANK,
    CHANNEL,
    MAIL,
    PROCESSOR,
    DyingDatabase,
    DyingGateway,
    Killer,
)
from recoup_lab.simulate.faults import Faults
from recoup_lab.simulate.issuer import SimIssuer, away


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
        return (
            dice(self.seed, "bank", name, number).random() < self.faults.silent + self.faults.lost
        )


@dataclass
class SimMail:
    """Sends every mail; now and then nobody knows whether it left. The same id again is the same
    mail."""

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
        if (
            dice(self.seed, "mail", message.to, message.subject, number).random()
            < self.faults.silent
        ):
            return Posted("later", "no answer in time")
        return Posted("sent")

    async def greet(self, timeout_seconds: float) -> Posted:
        return Posted("sent")


class NoWeb:
    """Web that calls nothing over HTTP. Implements `Web`."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, **limits: Any
    ) -> WebAnswer:
        return WebAnswer(None, error="switched_off")

    async def close(self) -> None:
        """Does nothing: no connection is open."""


POLICY: Final = Policy(
    call_timeout=timedelta(seconds=2),
    settled_after=timedelta(seconds=1),
    cit_deadline=timedelta(seconds=30),
)
TOGETHER: Final = 128  # orders changed by one transaction
CONNECTIONS: Final = 5  # each keeps plans of its own


@dataclass(frozen=True, slots=True)
class Outside:
    """Surroundings of the engine that its death does not touch: the database, the keys, the
    counterparts and their books, time."""

    dsn: str
    keys: Keyring
    clocks: SimClocks
    issuer: SimIssuer
    channels: dict[str, SimChannel]
    book: ChannelBook
    bank: SimBank
    mail: SimMail


@dataclass(frozen=True, slots=True)
class Engine:
    """Engine of one process."""

    world: World
    orders: Orders
    merchants: Merchants
    vault: Vault
    evaluate: Evaluate
    transmit: Transmit
    charges: Charges


def outside_of(dsn: str, keys: Keyring, seed: int, faults: Faults) -> Outside:
    clocks, book = SimClocks(), ChannelBook()
    channels = {c.code: SimChannel(c.code, seed, clocks, faults, book) for c in enabled(test=True)}
    return Outside(
        dsn,
        keys,
        clocks,
        SimIssuer(seed, clocks, faults),
        channels,
        book,
        SimBank(seed, clocks, faults),
        SimMail(seed, faults),
    )


async def start(outside: Outside, killer: Killer | None = None) -> Engine:
    """A new process; with `killer` one that is going to die."""
    issuer: Any = outside.issuer
    bank: Any = outside.bank
    mail: Any = outside.mail
    channels: dict[str, Any] = dict(outside.channels)
    if killer is None:
        db = await Database(outside.dsn, size=CONNECTIONS, name="simulate").open()
    else:
        db = await DyingDatabase(outside.dsn, killer).open()
        issuer = DyingGateway(issuer, killer, PROCESSOR)
        bank, mail = DyingGateway(bank, killer, BANK), DyingGateway(mail, killer, MAIL)
        channels = {code: DyingGateway(one, killer, CHANNEL) for code, one in channels.items()}
    world = OpenWorld(
        name="sandbox",
        db=db,
        keys=outside.keys,
        processors={"sandbox": issuer},
        web=NoWeb(),
        clocks=outside.clocks,
        policy=POLICY,
        channels=channels,
        bank=bank,
        mail=mail,
        url="https://simulation.example.test",
    )
    orders, merchants, vault = Orders(world, together=TOGETHER), Merchants(world), Vault(world)
    return Engine(
        world,
        orders,
        merchants,
        vault,
        Evaluate(world, orders, merchants, vault),
        Transmit(world, orders, merchants),
        Charges(world, merchants),
    )
