"""Two card routes, the cheaper one dead for an hour of every day, the hour in which most payments
go: nearly as much is recovered as without outages, nobody is charged twice, and no limit is passed
by going round another route.

In the first half of the hour connections are refused, in the second half answers get lost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from tests.routes.flows.test_routes import COUNTING
from tests.worlds import KEYRING, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.time import Clocks, WallTime
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Charge, Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.rules.route_terms import RouteTerms
from recoup.routes.flows import card_routes
from recoup.routes.flows.card_routes import CardRoutes
from recoup.routes.flows.listed_routes import Listed, list_in_database

DAYS, ORDERS_A_DAY = 6, 30
A_BATCH = 6  # orders that come together
KEPT = 0.98
SHARED = script_card("mastercard", "51", 2)  # the card of several orders
# Most sends of one card by one acceptor in any 24 hours.
BUSIEST = """
SELECT max(n) FROM (
  SELECT count(*) OVER (PARTITION BY card_mac, acceptor_id ORDER BY sent_at
    RANGE BETWEEN interval '24 hours' PRECEDING AND CURRENT ROW) AS n
  FROM issuer.sends WHERE scheme = 'mastercard') sends
"""
TWICE = """
SELECT count(*) FROM (
  SELECT order_id FROM issuer.sends WHERE decision = 'approved' GROUP BY order_id
    HAVING count(*) > 1) orders
"""


class Played(NamedTuple):
    recovered: int
    twice: int
    busiest: int
    hours: Counter[int]  # of the sends
    by_route: Counter[str]


class ShopsClock(Clocks):
    """What breakers live by: the business time of the newest send."""

    __setattr__ = object.__setattr__
    newest: datetime | None = None

    def wall(self) -> WallTime:
        return WallTime(self.newest) if self.newest is not None else Clocks.wall(self)


class Daily(SandboxProcessor):
    """Dead in one hour of each day. `hour` None: never."""

    hour: int | None = None
    clock: ShopsClock
    hours: Counter[int]

    async def charge(self, charge: Charge) -> Outcome:
        self.clock.newest = max(charge.sent_at, self.clock.newest or charge.sent_at)
        self.hours[charge.sent_at.hour] += 1
        if charge.sent_at.hour != self.hour:
            return await super().charge(charge)
        if charge.sent_at.minute < 30:
            return Outcome("not_sent", text="connection refused", fault="outage")
        await super().charge(charge)
        return Outcome("unknown", text="time-out", fault="outage")


@asynccontextmanager
async def routes_of(shop: Shop, hour: int | None) -> AsyncIterator[Daily]:
    world = shop.world
    clock = ShopsClock()
    second, own = (
        Daily(world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name=name)
        for name in ("second", "sandbox")
    )
    second.hour, second.hours, own.hours = hour, Counter(), Counter()
    second.clock = own.clock = clock
    terms = [RouteTerms("second"), RouteTerms("sandbox", cost_fixed=2_000_000)]
    listed = [Listed(one.name, "simulated", "", "sandbox", None) for one in terms]
    await list_in_database(world.db, world.keys, world.clocks.wall(), listed)
    routes = CardRoutes(terms, (), world.db, clock)
    change_world(world, processors={"sandbox": own, "second": second}, routes=routes)
    try:
        yield second
    finally:
        await second.close()
        await own.close()


async def play(server: ServerAddress, hour: int | None) -> Played:
    async with sandbox_world(server, policy=COUNTING) as made:
        shop = await make_shop(*made)
        async with routes_of(shop, hour) as second:
            for day in range(DAYS):
                for number in range(ORDERS_A_DAY):
                    pan = SHARED if number % 10 == 0 else script_card("visa", "51", number % 4)
                    await shop.admit(pan=pan, units=1_000 + day * ORDERS_A_DAY + number, days=21)
                    if number % A_BATCH == A_BATCH - 1:
                        await shop.advance(timedelta(days=1) * A_BATCH / ORDERS_A_DAY)
            await shop.advance(timedelta(days=21))
            await shop.settle()
        assert (found := await verify(made[0])).difference is None, found.difference
        recovered = await shop.value(
            "SELECT count(*) FROM current_orders WHERE stage = 'completed'"
        )
        sent = await shop.world.db.fetch(
            "SELECT route, count(*) AS n FROM attempts WHERE sent_at IS NOT NULL GROUP BY 1"
        )
        async with owner(shop.world) as connection:
            twice, busiest = await connection.fetchval(TWICE), await connection.fetchval(BUSIEST)
        return Played(
            recovered,
            twice,
            busiest,
            second.hours,
            Counter({row["route"]: row["n"] for row in sent}),
        )


def test_an_outage_of_an_hour_a_day_costs_nearly_nothing_and_charges_nobody_twice(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_routes, "KEEP_SECONDS", 0.0)

    async def both() -> tuple[Played, Played]:
        without = await play(server, None)
        ((hour, _),) = without.hours.most_common(1)
        return without, await play(server, hour)

    without, outages = asyncio.run(both())
    print(
        f"recovered without outages {without.recovered}, with them {outages.recovered}; sends "
        f"{outages.by_route}"
    )
    assert without.recovered > DAYS * ORDERS_A_DAY / 2
    assert outages.recovered >= KEPT * without.recovered
    assert (outages.twice, without.twice) == (0, 0)
    assert max(outages.busiest, without.busiest) <= 10
    assert outages.by_route["sandbox"] > without.by_route["sandbox"]
