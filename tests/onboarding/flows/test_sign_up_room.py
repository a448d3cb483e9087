"""Sign-ups that wait for the world leave the people's connections to everybody else."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
from tests.worlds import people_dsn, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kit.world import World
from recoup.onboarding.flows.sign_up import SignUp, sign_up
from recoup.people.flows.passwords import Passwords

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = "
    "'idle in transaction'"
)


async def _one(world: World, passwords: Passwords, number: int) -> None:
    asked = SignUp(
        f"{number}@shop.example",
        "correct horse battery",
        f"Shop {number}",
        "both",
        "https://shop.example",
        f"203.0.113.{number}",
    )
    await sign_up(world, passwords, asked)


def test_nobody_waits_for_sign_ups_that_wait_for_the_world(server: ServerAddress) -> None:
    """Two of them held both connections, each in an open transaction: nobody signed in, no page was
    shown."""

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            passwords, dsn = Passwords(), await people_dsn(world)
            async with AsyncExitStack() as busy:
                for _ in range(7):  # of 8; one stays with doors that read
                    await busy.enter_async_context(world.db.connection())
                waiting = [
                    asyncio.create_task(_one(world, passwords, number)) for number in range(1, 4)
                ]
                watch = await asyncpg.connect(dsn)
                for _ in range(600):
                    if await watch.fetchval(_WAITING):
                        break
                    await asyncio.sleep(0.1)
                await asyncio.sleep(2)  # time for the others to come as far
                waits = await watch.fetchval(_WAITING)
                await watch.close()
            await asyncio.gather(*waiting)
            assert waits == 1

    asyncio.run(story())
