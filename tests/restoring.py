"""An installation whose database is put back to an older copy, before processors with books of
their own outside it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.worlds import POLICY, OwnWorld, Shop, change_world, sandbox_world

from recoup.db.server import ServerAddress
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.flows.standing import FixedStanding
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.rules.route_terms import RouteTerms
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit
from recoup.routes.flows.card_routes import CardRoutes
from recoup.webhooks.flows.deliver import Deliveries
from recoup_lab.processors.bridge import SECRET, BridgeStandIn
from recoup_lab.processors.faults import Faults

DAYS = timedelta(days=22)
REFUND = "1.00"
QUICK = replace(POLICY, settled_after=timedelta(seconds=0.2))


class Processor(BridgeStandIn):
    """It keeps what it took and gave back, each time that it did. `is_away`: nothing reaches it."""

    def __init__(self) -> None:
        super().__init__(Faults())
        self.taken: list[tuple[str, str, int]] = []  # order, key, units
        self.given: list[tuple[str, str, int]] = []
        self.is_away = False

    def _charged(self, message: dict[str, Any]) -> dict[str, Any]:
        said = super()._charged(message)
        if said["state"] == "approved":
            self.taken.append((message["orderId"], message["id"], message["amount"]))
        return said

    def _modified(self, message: dict[str, Any]) -> dict[str, Any]:
        said = super()._modified(message)
        if message.get("kind") == "refund" and said["state"] == "approved":
            self.given.append(
                (self.charges[message["chargeId"]]["orderId"], message["id"], message["amount"])
            )
        return said


class Route(Bridge):
    """The bridge to a processor, which may be out of reach."""

    def __init__(self, name: str, processor: Processor) -> None:
        super().__init__(
            processor.url,
            secret=SECRET,
            acceptor_id=name,
            name=name,
            settled_after=timedelta(seconds=0.2),
        )
        self.processor = processor

    async def charge(self, charge: Any) -> Any:
        if self.processor.is_away:
            charge = replace(charge, send_before_monotonic=0.0)
        return await super().charge(charge)


@dataclass
class Callers:
    """What they sent, to be sent again: orders, and a refund of each by its own key."""

    requests: list[EvaluateRequest] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


@asynccontextmanager
async def installation(
    server: ServerAddress, processors: Sequence[Processor], like: Shop | None = None, **more: Any
) -> AsyncIterator[tuple[OwnWorld, Orders, Deliveries]]:
    """A world whose routes are those processors, the first one preferred. `like`: its merchant is
    there."""
    async with AsyncExitStack() as ends, sandbox_world(server, policy=QUICK, **more) as made:
        own, routes = (
            dict(made[0].processors),
            {f"r{n}": Route(f"r{n}", one) for n, one in enumerate(processors)},
        )
        for one in routes.values():
            ends.push_async_callback(one.close)
        change_world(
            made[0], processors={**routes, **own}, routes=CardRoutes(tuple(map(RouteTerms, routes)))
        )
        yield made
        change_world(made[0], processors=own)


def moved(shop: Shop, world: OwnWorld, orders: Orders, deliveries: Deliveries) -> Shop:
    """The same merchant in another database."""
    merchants = Merchants(world)
    flows = Evaluate(world, orders, merchants, Vault(world)), Transmit(world, orders, merchants)
    return replace(
        shop,
        world=world,
        orders=orders,
        deliveries=deliveries,
        merchants=merchants,
        evaluate=flows[0],
        transmit=flows[1],
    )


async def ordered(shop: Shop, callers: Callers) -> None:
    """All of them, together, as far as they are not there."""
    await asyncio.gather(*(shop.evaluate.evaluate(shop.scope, one) for one in callers.requests))


async def refunded(shop: Shop, callers: Callers) -> None:
    for one in callers.requests:
        sql = "SELECT order_id FROM current_orders WHERE external_id = $1 AND stage = 'completed'"
        order_id: UUID | None = await shop.value(sql, one.external_id)
        if order_id is not None:
            request = RefundRequest(amount=REFUND, key=f"refund-{one.external_id}")
            await refund(shop.world, shop.orders, shop.scope, order_id, request)
        else:
            callers.refused[one.external_id] += 1
    await asyncio.sleep(0)
    await _quiet(shop)


async def days(shop: Shop, callers: Callers) -> None:
    """22 of them, on each of which what is due is done."""
    for _ in range(4):
        await shop.advance(DAYS / 4)
        await _quiet(shop)


async def _quiet(shop: Shop) -> None:
    """Until nothing is out but what only people can settle."""
    sql = """SELECT count(*) FROM due_work d WHERE kind IN ('inquire', 'modification')
        AND NOT EXISTS (
        SELECT FROM order_heads h WHERE h.order_id = d.subject_id AND h.attention IS NOT NULL)"""
    for _ in range(100):
        await shop.run_due()
        if not await shop.value(sql):
            return
        await asyncio.sleep(0.05)


def forgotten(since: datetime, now: datetime) -> FixedStanding:
    """As `recoup recover` leaves it."""
    return FixedStanding(lost_from=since, lost_to=now, asks_first_until=now + timedelta(days=60))


def twice(*processors: Processor) -> tuple[int, int]:
    """How many orders were charged more than once, and refunded more than once, by whatever
    processor."""
    taken = Counter(order for one in processors for order, _, _ in one.taken)
    given = Counter(order for one in processors for order, _, _ in one.given)
    return sum(n > 1 for n in taken.values()), sum(n > 1 for n in given.values())


async def dumped(world: OwnWorld, path: Path, bin: Path) -> None:
    """A consistent copy of the database, while others write."""
    done = await asyncio.create_subprocess_exec(
        str(bin / "pg_dump"),
        "--format=custom",
        f"--file={path}",
        world.dsn,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await done.communicate()
    assert done.returncode == 0, said.decode()
