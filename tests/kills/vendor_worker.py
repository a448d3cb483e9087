"""The product's worker as a process of its own, over a test's databases and one route, for others
to kill."""

import asyncio
import multiprocessing
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event

from recoup.db.pool import Database
from recoup.disputes.moves import answer as answers
from recoup.kernel.policy import Policy
from recoup.main.clock import work
from recoup.main.open_world import OpenWorld
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import Material
from recoup.outside.web.client import WebClient
from recoup.processors.gateways import bridge
from recoup.processors.gateways.kinds import KINDS, Connection
from recoup.processors.gateways.port import Processor
from recoup.processors.gateways.vendor_account import VendorAccount
from recoup.refunds.moves import send as modifications
from recoup.rescue.flows import inquire as inquiring
from recoup.rescue.flows import send as sending
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves import send as attempts
from recoup.webhooks.flows.deliver import Deliveries
from recoup_connectors.stripe import charges

# What nobody has answered is asked about soon: a process that is killed lets a message wait for all
# of it.
POLICY = Policy(
    magic_inputs=False, call_timeout=timedelta(seconds=0.8), settled_after=timedelta(seconds=0.3)
)
SOON = timedelta(seconds=1)
BEGINS_SECONDS_MAX = 60.0
FORKED = multiprocessing.get_context(
    "forkserver"
)  # from a process that has imported everything: begun at once
FORKED.set_forkserver_preload(["tests.kills.vendor_worker", "recoup.processors.gateways.bridge"])


@dataclass(frozen=True)
class Life:
    """What a worker is made from. Picklable."""

    dsn: str
    people_dsn: str
    material: Material
    kind: str
    connection: Connection

    def begin(self) -> ForkServerProcess:
        """It has begun to work."""
        works = FORKED.Event()
        process = FORKED.Process(target=live, args=(self, works), daemon=True)
        process.start()
        assert works.wait(BEGINS_SECONDS_MAX), "the worker did not begin"
        return process


def live(life: Life, works: Event) -> None:
    hurry()
    asyncio.run(_live(life, works))


def hurry() -> None:
    """In this process nothing waits for long."""
    VendorAccount.settled_after = POLICY.settled_after
    bridge.SETTLED_AFTER = POLICY.settled_after
    charges.CANCEL_AFTER = POLICY.settled_after
    modifications.pause_after = lambda _: SOON
    for module in (attempts, modifications, answers, sending, inquiring):
        module.SEND_WITHIN = SOON


async def _live(life: Life, works: Event) -> None:
    db = await Database(life.dsn, size=8, name="killed").open()
    people = await Database(life.people_dsn, size=2, name="killed").open()
    world = OpenWorld(
        name="sandbox",
        db=db,
        keys=Keyring(life.material),
        processors={life.connection.name: route_of(life)},
        web=WebClient(loopback=True),
        policy=POLICY,
        people_database=people,
    )
    works.set()
    await work(world, Orders(world), Deliveries(world))


def route_of(life: Life) -> Processor:
    made = KINDS[life.kind].make(life.connection, None)
    made.settled_after = POLICY.settled_after
    return made
