"""Other processes over the database of a test's world, some of which die."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests import rings
from tests.rings import draw
from tests.worlds import KEYRING, Shop

from recoup.db.pool import Database
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit
from recoup.webhooks.flows.deliver import Deliveries
from recoup_lab.simulate.dying import (
    CHANNEL,
    PROCESSOR,
    DyingDatabase,
    DyingGateway,
    Killer,
    run_until_killed,
)

__all__ = ["Killer", "dying_process", "kills", "run_until_killed", "second_process", "survived"]


def kills(story: str, *, least: int, most: int = 60) -> Iterator[Killer]:
    """Killers for a loop whose body runs the story once, each of which dies before or after another
    step; one survives.

    `make test` draws three of the deaths, the family `kills` takes them all. `least`: of steps that
    the story has.
    """
    if rings.proving == "kills":
        for at in range(1, most + 1):
            for after in (False, True):
                yield (killer := Killer(at, after=after))
            if survived(killer):
                assert at > least, f"only {at - 1} steps"
                return
        raise AssertionError(f"{story} takes more than {most} steps")
    yield (whole := Killer(10**6, after=False))
    assert least <= whole.steps <= most, f"{story} takes {whole.steps} steps"
    deaths = [(at, after) for at in range(1, whole.steps + 1) for after in (False, True)]
    lived, steps = 0, whole.steps
    for at, after in draw("kills", deaths, 3, label=story):
        yield (killer := Killer(1 + (at - 1) % steps, after=after))
        if survived(killer):  # the story is shorter than its first run, which read more
            lived, steps = lived + 1, max(1, killer.steps)
    assert lived < min(3, len(deaths)), f"{story} is shorter the second time: no death came"


def survived(killer: Killer) -> bool:
    return killer.steps < killer.at


@asynccontextmanager
async def second_process(world: World) -> AsyncIterator[World]:
    """Another process of the same installation: own connections, own memory, the same database and
    keys."""
    db = await Database(world.dsn, size=8, name="second").open()
    processor = SandboxProcessor(
        world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
    )
    try:
        yield replace(world, db=db, processors={processor.name: processor})
    finally:
        await processor.close()
        await db.close()


@asynccontextmanager
async def dying_process(shop: Shop, killer: Killer) -> AsyncIterator[Shop]:
    """The same merchant, served by a process that `killer` ends."""
    db = await DyingDatabase(shop.world.dsn, killer).open()
    channels = {
        code: DyingGateway(channel, killer, CHANNEL)
        for code, channel in shop.world.channels.items()
    }
    routes = shop.world.processors.items()
    processors: dict[str, Any] = {
        name: DyingGateway(one, killer, PROCESSOR) for name, one in routes
    }
    mail = DyingGateway(shop.world.mail, killer, {"send": "send"})
    web = DyingGateway(shop.world.web, killer, {"post": "post"})
    world = replace(shop.world, db=db, processors=processors, channels=channels, mail=mail, web=web)
    orders, merchants = Orders(world), Merchants(world)
    try:
        yield replace(
            shop,
            world=world,
            orders=orders,
            deliveries=Deliveries(world),
            merchants=merchants,
            evaluate=Evaluate(world, orders, merchants, Vault(world)),
            transmit=Transmit(world, orders, merchants),
        )
    finally:
        killer.dead.set()
        await db.close()
        killer.die()
