"""The engine under test: what `main` builds of a process, over counterparts that live outside of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import Vault
from recoup.flows.cards.transmit import Transmit
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.open_world import OpenWorld
from recoup.flows.stable.charge import Charges
from recoup.flows.world import World
from recoup.gateways.keys.keyring import Keyring
from recoup.kernel.policy import Policy
from recoup.rules.stable.channels import enabled
from recoup.store.pool import Database
from recoup_lab.simulate.channels import ChannelBook, SimChannel
from recoup_lab.simulate.clock import SimClocks
from recoup_lab.simulate.dying import BANK, CHANNEL, MAIL, PROCESSOR, DyingDatabase, DyingGateway, Killer
from recoup_lab.simulate.faults import Faults
from recoup_lab.simulate.issuer import SimIssuer
from recoup_lab.simulate.others import NoWeb, SimBank, SimMail

POLICY: Final = Policy(
    call_timeout=timedelta(seconds=2), settled_after=timedelta(seconds=1), cit_deadline=timedelta(seconds=30)
)
TOGETHER: Final = 128  # orders changed by one transaction
CONNECTIONS: Final = 5  # each keeps plans of its own


@dataclass(frozen=True, slots=True)
class Outside:
    """What a death of the engine does not touch: the database, the keys, the counterparts and their books, time."""

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
    """One process."""

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
