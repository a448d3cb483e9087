"""A lost database is a word to the caller, not a broken process; afterwards things go on by
themselves."""

import asyncio
from typing import Any

import asyncpg
import pytest
from tests.log_lines import logged
from tests.worlds import make_shop, owner, sandbox_world

from recoup.db.pool import Database, retrying
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.processors.gateways.sandbox import connections
from recoup.processors.gateways.sandbox.connections import Connections


async def _kill_all(connection: Any) -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name IN "
        "('test', 'lost')"
    )


def test_connections_that_were_lost_are_said_and_made_anew(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            assert await world.db.fetchrow("SELECT 1") is not None

            async def meanwhile() -> None:
                async with world.db.connection() as connection:
                    await _kill_all(beside)
                    await asyncio.sleep(0.05)
                    await connection.execute("SELECT 1")

            with pytest.raises(Problem) as lost:
                await meanwhile()
            assert lost.value.code == "unavailable"
            assert lost.value.retry_after_seconds
            for _ in range(20):
                assert (await world.db.fetch("SELECT 2 AS n"))[0]["n"] == 2

    asyncio.run(story())


def test_a_connection_lost_while_nobody_looked_costs_at_most_one_try(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            await asyncio.gather(*(world.db.fetch("SELECT pg_sleep(0.01)") for _ in range(8)))
            await _kill_all(beside)
            await asyncio.sleep(0.1)
            refused = 0
            for _ in range(30):
                try:
                    await world.db.fetch("SELECT 1")
                except Problem:
                    refused += 1
            assert refused <= 8
            await asyncio.gather(*(world.db.fetch("SELECT 1") for _ in range(16)))

    asyncio.run(story())


def test_no_server_is_unavailable_and_says_to_come_again(server: ServerAddress) -> None:
    async def story() -> None:
        nowhere = await Database("postgresql://nobody@/nothing?host=/nonexistent", size=1).open()
        for _ in range(3):
            with pytest.raises(Problem) as refused:
                await nowhere.fetch("SELECT 1")
            assert (refused.value.code, refused.value.retry_after_seconds) == ("unavailable", 2)
        await nowhere.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("limit", "then"),
    [
        ("statement_timeout", "SELECT pg_sleep(5)"),
        ("lock_timeout", "SELECT pg_advisory_xact_lock(7)"),
        ("idle_in_transaction_session_timeout", "SELECT 1"),
        ("transaction_timeout", "SELECT pg_sleep(5)"),
    ],
)
def test_a_limit_of_the_server_is_a_word_to_the_caller_and_nothing_is_written(
    server: ServerAddress, limit: str, then: str
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            await beside.execute("SELECT pg_advisory_lock(7)")

            async def work() -> None:
                async with world.db.transaction() as tx:
                    await tx.execute("INSERT INTO upkeep (task) VALUES ('of a test')")
                    await tx.execute(f"SET LOCAL {limit} = '50ms'")
                    await asyncio.sleep(0.3)
                    await tx.execute(then)

            with pytest.raises(Problem) as slow:
                await work()
            assert (slow.value.code, slow.value.retry_after_seconds) == ("unavailable", 2)
            assert await world.db.fetch("SELECT FROM upkeep WHERE task = 'of a test'") == []
            await asyncio.gather(*(world.db.fetch("SELECT 1") for _ in range(16)))

    asyncio.run(story())


def test_orders_go_on_after_the_database_was_away(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            async with owner(made[0]) as beside:
                for _ in range(5):
                    calls = [asyncio.create_task(shop.admit()) for _ in range(30)]
                    await asyncio.sleep(0.01)
                    await _kill_all(beside)
                    for answer in await asyncio.gather(*calls, return_exceptions=True):
                        assert not isinstance(answer, BaseException) or isinstance(
                            answer, Problem
                        ), answer
            assert await shop.admit()
            orphans = (
                "SELECT count(*) FROM requests r WHERE NOT EXISTS (SELECT FROM orders o"
                " WHERE o.merchant_id = r.merchant_id AND o.order_id = r.subject_id)"
            )
            assert await shop.value(orphans) == 0

    asyncio.run(story())


def test_a_call_that_is_given_up_leaves_no_open_transaction(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:

            async def slow() -> None:
                async with world.db.transaction() as tx:
                    await tx.execute("SELECT pg_advisory_xact_lock(1)")
                    await tx.execute("SELECT pg_sleep(60)")

            calls = [asyncio.create_task(slow()) for _ in range(3)]
            await asyncio.sleep(0.3)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            async with asyncio.timeout(5):
                await beside.execute("SELECT pg_advisory_xact_lock(1)")
            await asyncio.gather(*(world.db.fetch("SELECT 1") for _ in range(16)))

    asyncio.run(story())


def test_all_connections_busy_is_said_and_does_not_wait_for_ever(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asyncio.timeout
    monkeypatch.setattr("recoup.db.pool.asyncio.timeout", lambda seconds: whole(min(seconds, 0.2)))

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            one = await Database(world.dsn, size=1, name="lost").open()
            async with one.connection():
                with pytest.raises(Problem, match="busy"):
                    await one.fetch("SELECT 1")
            assert await one.fetch("SELECT 1")
            await one.close()

    asyncio.run(story())


def test_what_postgres_asks_to_repeat_is_repeated_a_bounded_number_of_times() -> None:
    async def story() -> None:
        tries = 0

        async def third_time() -> str:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise asyncpg.SerializationError("40001")
            return "done"

        assert await retrying(third_time) == "done"

        async def never() -> None:
            raise asyncpg.DeadlockDetectedError("40P01")

        with pytest.raises(Problem) as refused:
            await retrying(never, tries=3)
        assert refused.value.code == "unavailable"

    asyncio.run(story())


def test_the_issuers_connections_close_when_nobody_needs_them(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            issuer = Connections(world.dsn, 2)
            async with issuer.one() as first:
                async with issuer.one() as second:
                    pass
                await asyncio.sleep(0.2)
                assert second.is_closed()
                assert await first.fetchval("SELECT 1") == 1
            async with issuer.one() as again:
                assert again is first
            await issuer.close()

    asyncio.run(story())


def test_who_is_cut_off_at_any_moment_leaves_no_transaction_to_the_next(
    server: ServerAddress,
) -> None:
    """A commit of the next caller would be swallowed by a BEGIN whose answer nobody has read."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            db = await Database(world.dsn, size=1, name="cut off").open()
            issuer = Connections(world.dsn, 1)
            await beside.execute("CREATE TABLE kept (n int); GRANT ALL ON kept TO recoup_app")
            inserted = 0
            for one in (db.connection, issuer.one):

                async def change(one: Any = one) -> None:
                    async with one() as connection, connection.transaction():
                        await connection.execute("SELECT pg_sleep(0.001)")

                await change()
                for turns in range(40):
                    task = asyncio.create_task(change())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    async with one() as connection:
                        await connection.execute("INSERT INTO kept VALUES ($1)", turns)
                    inserted += 1
                    assert await beside.fetchval("SELECT count(*) FROM kept") == inserted
            await db.close()
            await issuer.close()

    asyncio.run(story())


def test_a_connection_in_use_at_the_end_is_closed_when_it_is_given_back(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            db = await Database(world.dsn, size=2, name="ending").open()
            async with db.connection() as used:
                await db.close()
                assert await used.fetchval("SELECT 1") == 1
            assert used.is_closed()

    asyncio.run(story())


def test_a_primary_that_was_demoted_is_lost_and_found_again(server: ServerAddress) -> None:
    """25006 was an error of ours, 500 for ever: the connections to it were kept."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            await beside.execute("CREATE TABLE kept (n int); GRANT ALL ON kept TO recoup_app")
            await asyncio.gather(*(world.db.execute("SELECT pg_sleep(0.05)") for _ in range(8)))
            await beside.execute(
                f'ALTER DATABASE "{world.database}" SET default_transaction_read_only = on'
            )
            for _ in range(8):
                await _read_only(world.db)
            with pytest.raises(Problem) as demoted:
                async with world.db.transaction() as tx:
                    await tx.execute("INSERT INTO kept VALUES (1)")
            assert demoted.value.code == "unavailable"
            assert demoted.value.retry_after_seconds
            with pytest.raises(Problem) as still:
                await world.db.execute("INSERT INTO kept VALUES (2)")
            assert still.value.code == "unavailable", (
                "a server that takes no writes is none of ours"
            )
            await beside.execute("SET default_transaction_read_only = off")
            await beside.execute(
                f'ALTER DATABASE "{world.database}" RESET default_transaction_read_only'
            )
            for _ in range(10):
                await world.db.execute("INSERT INTO kept VALUES (3)")

    asyncio.run(story())


async def _read_only(db: Database) -> None:
    """As its sessions are when their server is demoted."""
    async with db.connection() as connection:
        await connection.execute("SET default_transaction_read_only = on")


def test_a_statement_whose_plan_died_in_a_schema_change_is_run_again(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), owner(world) as beside:
            await beside.execute("CREATE TABLE kept (n int); GRANT ALL ON kept TO recoup_app")

            async def work() -> None:
                async with world.db.transaction() as tx:
                    await tx.execute("INSERT INTO kept VALUES (1)")
                    await tx.fetch("SELECT * FROM kept")

            await asyncio.gather(*(retrying(work) for _ in range(8)))
            await beside.execute("ALTER TABLE kept ADD COLUMN more int")
            await asyncio.gather(*(retrying(work) for _ in range(8)))
            assert len(await world.db.fetch("SELECT * FROM kept")) == 16, "once each, and none lost"
            await beside.execute("ALTER TABLE kept ADD COLUMN yet_more int")
            with pytest.raises(Problem) as stale:
                await work()
            assert (stale.value.code, stale.value.retry_after_seconds) == ("unavailable", 1)
            for _ in range(8):
                await work()
            assert len((await world.db.fetch("SELECT * FROM kept"))[0]) == 3

    asyncio.run(story())


@pytest.mark.parametrize("code", ["XX001", "XX002"])
def test_a_damaged_page_is_said_and_no_traceback(server: ServerAddress, code: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            why = "invalid page in block 7 of base/1/2"
            raises = f"DO $$ BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = '{code}'; END $$"
            with logged() as logs:
                for _ in range(2):
                    with pytest.raises(
                        Problem, match="A page of the database is damaged"
                    ) as refused:
                        async with world.db.connection() as connection:
                            await connection.execute(raises)
            assert refused.value.code == "unavailable"
            said = [one for one in logs if one["event"] == "database page damaged"]
            assert [one["why"] for one in said] == [why], "once a minute"

    asyncio.run(story())
