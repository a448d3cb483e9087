"""What happens when partitions run out, and who makes new ones:
any worker, not `recoup up` alone."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.operation.partitions import read_days_left, read_overflown
from recoup.db.operation.upkeep import finish_upkeep, lease_upkeep
from recoup.db.partitions import KEYS, REFERRED_TO, partitions_of
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kit.upkeep import EVERY, LEASED, TASK, upkeep


async def drop_partitions(world: Any) -> None:
    """As if nobody had made any for months: what is there is older than today."""
    async with owner(world) as connection:
        for table in KEYS:
            for name in await partitions_of(connection, table):
                if not name.endswith(("_first", "_default")):
                    await connection.execute(f"DROP TABLE {name} CASCADE")


async def default_rows(world: Any) -> dict[str, int]:
    async with owner(world) as connection:
        return {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}_default")
            for table in KEYS
        }


async def play(shop: Shop) -> None:
    for _ in range(3):
        await shop.admit()
    await shop.transmitted("T-1")
    await shop.advance(timedelta(days=2))
    await shop.publish()


def test_no_order_is_refused_when_partitions_ran_out(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            await drop_partitions(made[0])
            shop = await make_shop(*made)
            await play(shop)
            fallen = await default_rows(shop.world)
            assert fallen["order_log"]
            assert fallen["outbox"]
            assert fallen["decisions"]
            assert fallen["transmissions"]
            assert (await verify(shop.world)).difference is None

    asyncio.run(story())


def test_upkeep_moves_what_fell_into_the_default_partition_to_its_own(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            await drop_partitions(made[0])
            shop = await make_shop(*made)
            await play(shop)
            fallen = await default_rows(shop.world)
            before = {t: await shop.value(f"SELECT count(*) FROM {t}") for t in KEYS}
            await upkeep(shop.world)
            left = await default_rows(shop.world)
            assert not any(left[table] for table in set(KEYS) - REFERRED_TO), left
            assert (
                left["order_log"] == fallen["order_log"]
            )  # others refer to it: it stays, and is read there
            assert before == {t: await shop.value(f"SELECT count(*) FROM {t}") for t in KEYS}
            await play(shop)
            assert (await verify(shop.world)).difference is None
            async with shop.world.db.connection() as connection:
                assert set(await read_overflown(connection)) == {"order_log"}
                left_days = await read_days_left(connection, shop.world.clocks.wall())
                assert min(left_days.values()) > 6

    asyncio.run(story())


def test_the_gauge_falls_when_nobody_makes_partitions(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), world.db.connection() as connection:
            now = world.clocks.wall()
            today = await read_days_left(connection, now)
            later = await read_days_left(connection, now + timedelta(days=5))
            assert 6 < today["api_calls"] <= 8
            assert later["api_calls"] == pytest.approx(today["api_calls"] - 5)
            assert (await read_days_left(connection, now + timedelta(days=500)))["order_log"] == 0
            assert await read_overflown(connection) == []

    asyncio.run(story())


def test_one_worker_at_a_time_keeps_up_and_a_dead_one_is_followed(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            now = world.clocks.wall()

            async def lease(at: datetime) -> bool:
                async with world.db.transaction() as tx:
                    return await lease_upkeep(
                        tx, TASK, until=at + LEASED, now=at, done_before=at - EVERY
                    )

            assert sorted(await asyncio.gather(*(lease(now) for _ in range(5)))) == [False] * 4 + [
                True
            ]
            assert not await lease(now + LEASED / 2)
            assert await lease(now + LEASED)  # the first one died
            async with world.db.transaction() as tx:
                await finish_upkeep(tx, TASK, now + LEASED)
            assert not await lease(now + LEASED + EVERY / 2)
            assert await lease(now + LEASED + EVERY)

    asyncio.run(story())


def test_a_worker_without_the_owners_log_in_leaves_it_to_others(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            change_world(world, owner_dsn=None)
            assert await upkeep(world) == 0
            async with world.db.connection() as connection:
                assert await connection.fetchval("SELECT count(*) FROM upkeep") == 0

    asyncio.run(story())


def test_partitions_are_made_beside_a_busy_table_or_another_time(server: ServerAddress) -> None:
    """Never waits so long that callers queue up behind it."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as busy:
            await drop_partitions(world)
            transaction = busy.transaction()
            await transaction.start()
            await busy.execute("LOCK TABLE order_log IN ACCESS SHARE MODE")
            await busy.execute("LOCK TABLE order_log_default IN ACCESS SHARE MODE")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await upkeep(world)
            await transaction.rollback()
            await busy.execute("UPDATE upkeep SET lease_until = NULL")
            await upkeep(world)
            async with world.db.connection() as connection:
                assert min((await read_days_left(connection, world.clocks.wall())).values()) > 6

    asyncio.run(story())
