"""The operator sees on each page that the database runs out of partitions; a shop's people hear
nothing of it."""

import asyncpg
import pytest
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.partitions import ensure_partitions
from recoup.db.server import ServerAddress

SAYS = "Days left for new records: "
_LAST = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'api_calls'::regclass AND c.relname <> 'api_calls_default'
  ORDER BY c.relname DESC LIMIT $1
"""


@pytest.mark.parametrize(("gone", "left"), [(0, None), (5, 2)])
def test_the_operator_is_told_of_few_days(
    server: ServerAddress, gone: int, left: int | None
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        connection = await asyncpg.connect(shop.world.dsn)
        try:
            await ensure_partitions(connection, shop.world.clocks.wall())
            for row in await connection.fetch(_LAST, gone):
                await connection.execute(f'DROP TABLE "{row[0]}"')
        finally:
            await connection.close()
        olga, owner = await signed_in("olga"), await signed_in("owner")
        for path in ("/approvals", "/orders", "/disputes"):
            told = texts(await olga.get(path))
            assert (SAYS in told) is (left is not None)
            assert left is None or any(f"{SAYS}{days} " in told for days in (left, left + 1))
            assert SAYS not in texts(await owner.get(path))

    portal(server, story)
