"""Cells on Citus: two on nodes of their own and the hub on a third are one world to callers."""

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from tests.issuers_book import Seen, judge
from tests.prove.citus.test_citus import (
    ANSWER_SECONDS,
    QUARANTINE_SECONDS,
    Servers,
    node_of,
    spread_anew,
)
from tests.worlds import Shop, make_shop

from recoup.db.cells import addresses, list_cell
from recoup.db.connect import connect
from recoup.db.migrate import add_cell
from recoup.db.operation.citus import move_cell, spread_cell
from recoup.db.upkeep import keep_up
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main import probes
from recoup.main.databases import Databases
from recoup.main.recover_verb import _recovered
from recoup.main.settings import Settings
from recoup.main.worlds import FOLLOWS_SECONDS, Running, open_worlds
from recoup.networks.magic import COUNTING_CARDS

pytestmark = pytest.mark.timeout(900)
COMPLETED = "SELECT count(*) FROM order_states WHERE merchant_id = $1 AND stage = 'completed'"
WAIT_SECONDS_MAX: Final = 5
LIMIT: Final = 8
RACES: Final = int(os.environ.get("PROVE_RACES", "4"))


@dataclass
class Spread:
    """A world whose two cells and hub are on three nodes. `shops`: one of each cell."""

    databases: Databases
    settings: Settings
    running: Running
    shops: list[Shop]

    async def proved(self) -> None:
        for cell in self.running.cells:
            done = await verify(cell.world)
            assert not done.differences, done.differences


async def second_cell(dsn: str, servers: Servers) -> None:
    """Lays out a second cell, and each of the three homes on a node of its own."""
    cell = await add_cell(dsn)
    await keep_up(dsn, Clocks().wall(), cell)
    connection = await connect(dsn)
    try:
        async for _ in spread_cell(connection, cell):
            pass
        nodes = [f"{server.host}:{server.port}" for server in servers[1:]]
        host, port = servers[0].host, servers[0].port
        property_ = "SELECT citus_set_node_property($1, $2, 'shouldhaveshards', true)"
        await connection.execute(property_, host, port)
        for home in ("hub", "chain"):
            sql = "SELECT citus_schema_move($1::text::regnamespace, $2::text, $3::int)"
            await connection.execute(sql, home, host, port)
        for number, node in zip((1, cell), nodes, strict=True):
            await move_cell(connection, number, node)
        await list_cell(connection, cell, Clocks().wall())
    finally:
        await connection.close()


@asynccontextmanager
async def spread(servers: Servers, folder: Path, name: str, **more: Any) -> AsyncIterator[Spread]:
    settings, databases = await spread_anew(servers, folder, name)
    settings = replace(settings, **more)
    await second_cell(databases.sandbox, servers)
    async with open_worlds(settings, databases) as (running, _):
        shops = [
            await make_shop(cell.world, cell.orders, cell.deliveries) for cell in running.cells
        ]
        yield Spread(databases, settings, running, shops)


def test_two_cells_are_one_world(servers: Servers, tmp_path: Path) -> None:
    async def story() -> None:
        async with spread(servers, tmp_path, "two_cells") as here:
            at = await addresses(here.databases.sandbox)
            assert len({at[1], at[2]}) == 2
            for shop in here.shops:
                ids = await shop.admit_many(10)
                request = await shop.declined(days=None)
                same = await asyncio.gather(
                    *(shop.evaluate.evaluate(shop.scope, request) for _ in "12345")
                )
                assert len({done.order_id for done in same}) == 1
                await shop.advance(timedelta(days=22))
                assert await shop.value(COMPLETED, shop.merchant_id) >= len(ids)
            await here.proved()

    asyncio.run(story())


def test_a_row_of_the_directory_is_locked_for_all_nodes(servers: Servers, tmp_path: Path) -> None:
    """What holds over merchants of several cells goes by it: a partner's number of merchants, the
    operator's exposure."""

    async def story() -> None:
        async with spread(servers, tmp_path, "locked") as here:
            at = await addresses(here.databases.sandbox)
            lock = "SELECT FROM directory.cells WHERE cell = 2 FOR UPDATE"
            one, other = await asyncpg.connect(at[1]), await asyncpg.connect(at[2])
            async with one.transaction():
                await one.execute(lock)
                waits = asyncio.create_task(other.execute(lock))
                await asyncio.sleep(1)
                assert not waits.done()
            await waits
            await one.close()
            await other.close()

    asyncio.run(story())


def test_a_cell_moves_under_load(servers: Servers, tmp_path: Path) -> None:
    """Its calls wait, none fails, and the processes go to the new node."""

    async def story() -> None:
        async with spread(servers, tmp_path, "moves") as here:
            shop, longest, done = here.shops[1], 0.0, 0
            at = (await addresses(here.databases.sandbox))[2]
            over = asyncio.Event()

            async def caller() -> None:
                nonlocal longest, done
                while not over.is_set():
                    request, begun = await shop.declined(days=20), time.monotonic()
                    first = await shop.evaluate.evaluate(shop.scope, request)
                    again = await shop.evaluate.evaluate(shop.scope, request)
                    longest = max(longest, time.monotonic() - begun)
                    assert first.order_id == again.order_id
                    done += 1

            callers = [asyncio.create_task(caller()) for _ in range(4)]
            await asyncio.sleep(2)
            before, connection = done, await connect(here.databases.sandbox)
            to = f"{servers[0].host}:{servers[0].port}"
            await move_cell(connection, 2, to)
            await connection.close()
            await asyncio.sleep(FOLLOWS_SECONDS + 2)
            over.set()
            await asyncio.gather(*callers)
            assert done > before > 0
            assert longest < WAIT_SECONDS_MAX, longest
            print(f"{done} calls, the longest {longest:.2f} s")
            assert here.running.cells[1].world.db.dsn != at
            await here.proved()

    asyncio.run(story())


def test_a_node_that_is_away_costs_its_merchants_only(
    machines: list[Any],
    servers: Servers,
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with spread(servers, tmp_path, "away") as here, AsyncExitStack() as kept:
            routes = probes.probes(here.running.cells, bool, kept)
            [ready] = [route.endpoint for route in routes if route.path == "/readyz"]
            assert (await ready(None)).status_code == 200  # noqa: PLR2004
            port, _ = await node_of(here.databases.sandbox, "cell_2.orders")
            hub, _ = await node_of(here.databases.sandbox, "hub.cards")
            assert port != hub
            (owner,) = (node for node in machines if node.address.port == port)
            first, second = here.shops
            kept_request = await second.declined(days=20)
            taken = await second.evaluate.evaluate(second.scope, kept_request)
            owner.die()
            try:
                for _ in range(5):
                    made = await first.evaluate.evaluate(first.scope, await first.declined(days=20))
                    assert made.order_id
                    with pytest.raises(Problem) as refused:
                        await second.evaluate.evaluate(second.scope, kept_request)
                    assert refused.value.code == "unavailable"
                said = await ready(None)
                assert said.status_code == 200, said.body  # noqa: PLR2004
                assert json.loads(said.body)["away"] == {"sandbox-2": "database"}
            finally:
                owner.start()
            until = time.monotonic() + ANSWER_SECONDS
            while True:
                try:
                    again = await second.evaluate.evaluate(second.scope, kept_request)
                    break
                except Problem:
                    assert time.monotonic() < until
                    await asyncio.sleep(0.2)
            assert again.order_id == taken.order_id
            for shop in here.shops:
                await shop.advance(timedelta(days=22))
            await here.proved()

    asyncio.run(story())


def test_a_cell_that_is_put_back_is_quarantined_and_the_other_goes_on(
    servers: Servers,
    tmp_path: Path,
) -> None:
    name = "cell_back"

    async def story() -> None:
        async with spread(servers, tmp_path, name) as here:
            first, second = here.running.cells
            port, shard = await node_of(here.databases.sandbox, "cell_2.cell_mark")
            node = await asyncpg.connect(
                replace(servers[0], port=port).dsn(name),
                server_settings={"citus.enable_manual_changes_to_shards": "on"},
            )
            await node.execute(f"UPDATE {shard} SET beat = beat - 1")
            await node.close()
            began = time.monotonic()
            while not second.world.standing.is_quarantined:
                assert time.monotonic() - began < QUARANTINE_SECONDS
                await asyncio.sleep(0.1)
            assert not first.world.standing.is_quarantined
            sent = await here.shops[0].value("SELECT count(*) FROM attempts")
            await here.shops[0].admit_many(3)
            await here.shops[0].advance(timedelta(days=1))
            assert await here.shops[0].value("SELECT count(*) FROM attempts") > sent
        found = await _recovered(here.settings, here.databases, "ana")
        assert [each.world for each in found] == ["sandbox", "sandbox-2"]
        assert not any(each.quarantined for each in found)

    asyncio.run(story())


@pytest.mark.parametrize("kills", [False, True])
def test_a_card_of_two_cells_is_never_sent_above_its_limit(
    machines: list[Any],
    servers: Servers,
    tmp_path: Path,
    kills: bool,
) -> None:
    """Merchants of both cells race for the sends of one card; of a node that dies meanwhile nothing
    is lost or doubled."""

    async def story() -> None:
        name = f"card_{kills}".lower()
        async with spread(servers, tmp_path, name, visa_limit=LIMIT) as here:
            here.shops += [
                await make_shop(cell.world, cell.orders, cell.deliveries)
                for cell in here.running.cells
                for _ in "12"
            ]
            ports = [
                (await node_of(here.databases.sandbox, table))[0]
                for table in ("cell.orders", "cell_2.orders")
            ]
            owners = [node for node in machines if node.address.port in ports]
            for number in range(RACES):
                await race(here, owners[number % 2] if kills else None)
            connection = await connect(here.databases.sandbox)
            said = await judge(connection, Seen())
            await connection.close()
            print(f"{said.sends} sends in {RACES} races, the fullest windows {dict(said.worst)}")
            assert not said.breaches
            assert said.twice == 0
            assert max(said.worst.values()) == LIMIT
            await here.proved()

    asyncio.run(story())


async def race(here: Spread, victim: Any) -> None:
    """Nine orders of each cell on one card, whose attempts fall due at once."""

    async def answered(call: Callable[[], Awaitable[Any]]) -> Any:
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return await call()
            except (Problem, OSError, asyncpg.PostgresError):
                assert time.monotonic() < until
                await asyncio.sleep(0.2)

    async def one(shop: Shop) -> None:
        request = await answered(lambda: shop.declined(pan=COUNTING_CARDS[0], days=14))
        done = await answered(lambda: shop.evaluate.evaluate(shop.scope, request))
        again = await answered(lambda: shop.evaluate.evaluate(shop.scope, request))
        assert again.order_id == done.order_id

    async def all_due(shop: Shop) -> None:
        until = await answered(shop.now) + timedelta(days=15)  # a clock ends after five years
        while (left := until - await answered(shop.now)) > timedelta(0):
            await answered(lambda: shop.advance(left))

    await asyncio.gather(*(one(shop) for shop in here.shops for _ in range(3)))
    racing = asyncio.gather(*map(all_due, here.shops))
    if victim is not None:
        await asyncio.sleep(random.uniform(0.1, 2.0))  # noqa: S311
        victim.die()
        await asyncio.sleep(0.2)
        victim.start()
    await racing
