"""Twenty copies of a database that is written to, each put back: callers repeat, 22 days pass, and
the processors' own books have no order charged twice and no refund twice. Copies at even numbers
come back while the processors still know the keys, those at odd numbers once they have forgotten
them."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from copy import deepcopy
from functools import partial
from pathlib import Path

from tests.databases import drop
from tests.restoring import (
    DAYS,
    Callers,
    Processor,
    days,
    dumped,
    forgotten,
    installation,
    moved,
    refunded,
    twice,
)
from tests.worlds import Shop, change_world, make_shop

from recoup.db.server import ServerAddress
from recoup.db.server.binaries import find_binaries
from recoup.insight.flows.verify import verify
from recoup.rescue.flows.taken import EvaluateRequest

COPIES, ORDERS = 20, 40
BIN = find_binaries().folder
SEED = 20261127


def test_from_whichever_copy_nothing_is_taken_twice(server: ServerAddress, tmp_path: Path) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as ends:
            processors = [await Processor().start() for _ in range(2)]
            for one in processors:
                ends.push_async_callback(one.stop)
            async with installation(server, processors) as made:
                shop, callers = await make_shop(*made), Callers()
                since = made[0].clocks.wall()
                kinds = ({"days": 21}, {"days": None}, {"days": 21, "units": 1990})
                callers.requests = [
                    await shop.declined(**kinds[n % len(kinds)]) for n in range(ORDERS)
                ]
                copies = [tmp_path / f"{number}.copy" for number in range(COPIES)]
                await _loaded(shop, callers, copies, processors)
            assert twice(*processors) == (0, 0)
            charged = sum(len(one.taken) for one in processors)
            assert charged == ORDERS
            book = [
                (deepcopy(one.taken), deepcopy(one.given), deepcopy(one.done)) for one in processors
            ]
            book_of = [(deepcopy(one.charges), deepcopy(one.messages)) for one in processors]
            for number, copy in enumerate(copies):
                for one, kept, state in zip(processors, book, book_of, strict=True):
                    one.taken, one.given, one.done = deepcopy(kept)
                    one.charges, one.messages = deepcopy(state)
                    if number % 2:
                        one.forget()
                name = await _put_back(server, copy)
                async with installation(server, processors, template=name) as made:
                    change_world(made[0], standing=forgotten(since, made[0].clocks.wall()))
                    again = moved(shop, *made)
                    for request in callers.requests:
                        await again.evaluate.evaluate(again.scope, request)
                    await days(again, callers)
                    await refunded(again, callers)
                    found = await verify(made[0])
                    told = number, twice(*processors), found.difference
                    known = await again.value(
                        "SELECT count(*) FROM current_orders WHERE stage = 'completed'"
                    )
                assert told == (number, (0, 0), None)
                assert known == ORDERS, f"copy {number}: what was taken is known again"
                await drop(server, name)

    asyncio.run(whole())


async def _loaded(
    shop: Shop, callers: Callers, copies: list[Path], processors: list[Processor]
) -> None:
    """Orders come, are charged and refunded; copies are taken meanwhile. The first route is away
    now and then."""
    draws = random.Random(SEED)

    async def taken(four: list[EvaluateRequest]) -> None:
        processors[0].is_away = draws.random() < 0.4
        await asyncio.gather(*(shop.evaluate.evaluate(shop.scope, one) for one in four))
        await shop.run_due()
        processors[0].is_away = False

    async def passed() -> None:
        await shop.advance(DAYS / 6)
        await shop.settle()

    fours = [callers.requests[number : number + 4] for number in range(0, ORDERS, 4)]
    steps: list[Callable[[], Awaitable[None]]] = [partial(taken, four) for four in fours]
    steps += [passed] * 7
    steps += [partial(refunded, shop, Callers(four)) for four in fours]
    chosen = dict(zip(sorted(draws.sample(range(len(steps)), COPIES)), copies, strict=True))
    for number, step in enumerate(steps):
        copying = [dumped(shop.world, chosen[number], BIN)] if number in chosen else []
        await asyncio.gather(step(), *copying)


async def _put_back(server: ServerAddress, copy: Path) -> str:
    name = f"w_restored_{uuid.uuid4().hex[:8]}"
    admin = server.dsn("postgres")
    for program in (
        [str(BIN / "psql"), "-qXc", f'CREATE DATABASE "{name}" TEMPLATE template0', admin],
        [str(BIN / "pg_restore"), "--exit-on-error", f"--dbname={server.dsn(name)}", str(copy)],
    ):
        done = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.PIPE)
        _, said = await done.communicate()
        assert done.returncode == 0, said.decode()
    return name
