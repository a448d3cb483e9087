"""A world is laid out on Citus only where there is one; the rest is family `citus`."""

import asyncio

import asyncpg
import pytest
from tests.databases import empty

from recoup.db.connect import connect
from recoup.db.operation.citus import gather, spread
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem


def test_a_database_without_citus_stays_as_it_is(server: ServerAddress) -> None:
    async def story() -> None:
        dsn = await empty(server, "world", "without_citus")
        connection = await connect(dsn)
        assert [step async for step in gather(connection)] == []
        with pytest.raises(Problem, match="Citus is not in this database"):
            await anext(spread(connection))
        worker = await asyncpg.connect(dsn, server_settings={"application_name": "recoup-worker"})
        for work in (spread, gather):
            with pytest.raises(Problem, match="recoup-worker is connected to this database"):
                await anext(work(connection))
        await worker.close()
        await connection.close()

    asyncio.run(story())
