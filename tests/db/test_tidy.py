"""What is tidied up is found without reading what stays."""

import asyncio
from datetime import UTC, datetime

from tests.worlds import sandbox_world

from recoup.db.server import ServerAddress


def test_refresh_tokens_that_are_over_are_found_by_an_index(server: ServerAddress) -> None:
    """Each minute all were read, those that live too."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            sql = "EXPLAIN DELETE FROM refresh_tokens WHERE expires_at < $1"
            plan = "\n".join(row[0] for row in await world.db.fetch(sql, datetime.now(UTC)))
            assert "refresh_tokens_over" in plan, plan

    asyncio.run(story())
