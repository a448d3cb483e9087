"""A page of the database that is damaged is named with its table and cure, by log, doctor, metrics
and verify, which proves the rest; it is forgotten once it is read again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.log_lines import logged
from tests.worlds import OwnWorld, make_shop, owner, sandbox_world

from recoup.db.operation.damaged_pages import DamagedPage, damaged_pages, named, noted
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kit.upkeep import beat, purge_expired
from recoup.main.doctor_verb import look_at
from recoup.main.metrics import scrape

CURE = "put orders back from the newest copy: docs/backup.md#restore"


@asynccontextmanager
async def flipped(world: OwnWorld, relation: str) -> AsyncIterator[None]:
    """A byte at the end of its first page, which is read from the disk again."""
    async with owner(world) as connection:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
        await connection.execute(f"VACUUM (FREEZE) {relation}")
        folder, path = await connection.fetchrow(
            "SELECT current_setting('data_directory'), pg_relation_filepath($1::text::regclass)",
            relation,
        )

        async def flip() -> None:
            await connection.execute("CHECKPOINT")
            await connection.execute(
                "SELECT pg_buffercache_evict_relation($1::text::regclass)", relation
            )
            with (Path(folder) / path).open("r+b") as file:
                file.seek(8_100)
                (byte,) = file.read(1)
                file.seek(8_100)
                file.write(bytes([byte ^ 0xFF]))

        await flip()
        try:
            yield
        finally:
            await flip()


async def pages_said(world: OwnWorld) -> list[tuple[str, str]]:
    return [(line.finding, line.cure) async for line in look_at(world) if line.what == "pages"]


def test_a_damaged_page_is_named_with_table_and_cure_until_it_is_read_again(
    tmp_path: Path,
) -> None:
    async def story(server: ServerAddress) -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            world = made[0]
            world.db.on_damage = noted
            await beat(world)
            await shop.ask()
            assert await pages_said(world) == []
            async with flipped(world, "orders"):
                with logged() as logs:
                    for _ in range(2):
                        with pytest.raises(Problem, match="A page of the database is damaged"):
                            await world.db.fetch("SELECT facts FROM orders")
                said = [one for one in logs if one["event"] == "database page damaged"]
                assert [one["table"] for one in said] == ["orders"], "once a minute"
                assert CURE in said[0]["cure"]
                [(finding, cure)] = await pages_said(world)
                assert finding == "page 0 of orders is damaged"
                assert CURE in cure
                assert (
                    'recoup_table_damaged_pages{table="orders"'
                    in (await scrape([world], Path("/")))[0].decode()
                )
                proved = await verify(world)
                damaged = [one for one in proved.differences if one.field == "orders"]
                assert len(damaged) == 1
                assert CURE in damaged[0].found
                assert proved.checked["network sends"] >= 0, "it went on"
            finding = (await pages_said(world))[0][0]
            assert "wrong checksum" in finding, "that there was one is counted by the server"
            assert len(await damaged_pages(world.db.reader)) == 1
            await purge_expired(world)
            assert await damaged_pages(world.db.reader) == []

    running = EmbeddedServer(tmp_path, durable=False)
    try:
        asyncio.run(story(running.start()))
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("said", "page"),
    [
        (
            'index "orders_of_card" contains unexpected zero page at block 3',
            DamagedPage("orders_of_card", 3, "orders_of_card", "orders", "i"),
        ),
        ("something else", None),
    ],
)
def test_an_index_is_built_anew(server: ServerAddress, said: str, page: DamagedPage | None) -> None:
    async def story() -> DamagedPage | None:
        async with sandbox_world(server) as (world, _, _), world.db.connection() as connection:
            return await named(connection, asyncpg.IndexCorruptedError(said))

    assert asyncio.run(story()) == page
    assert page is None or "REINDEX INDEX orders_of_card;" in page.cure


def test_a_server_that_speaks_another_language_is_understood(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _), world.db.connection() as connection:
            path = await connection.fetchval("SELECT pg_relation_filepath('orders')")
            said = f"ungültige Seite in Block 4 von Relation »{path}«"
            page = await named(connection, asyncpg.DataCorruptedError(said))
            assert page == DamagedPage(path, 4, "orders", "orders", "r")

    asyncio.run(story())
