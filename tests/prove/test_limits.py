"""100,000 sends of shared cards by several processes at once, counted by the issuer's book alone: no breach.

Again: `.venv/bin/python -m pytest tests/prove/test_limits.py --timeout=0 -s`
"""

import asyncio
import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.flows.hammer import POLICY, Plan, Seen, Verdict, cards, in_a_process_of_its_own, judge, make_merchants
from tests.worlds import owner, sandbox_world

from recoup.gateways.keys.material import fresh
from recoup.store.server import ServerAddress

SENDS = int(os.environ.get("RECOUP_PROVE_SENDS", "100000"))
PROCESSES = 3
CARDS = (160, 120, 80)
SEED = 20_260_101


def test_a_hundred_thousand_sends_and_no_breach(server: ServerAddress) -> None:
    found, seen, seconds = asyncio.run(_story(server))
    print(
        f"\nlimits: {found.sends} sends in {seconds:.0f} s ({found.sends / seconds:.0f}/s) by {PROCESSES} processes,"
        f" {seen.tried} tries, {seen.refused} stopped, {len(seen.came_in)} declines came in, {found.bans} bans,"
        f" fullest windows {found.worst}, breaches {len(found.breaches)}"
    )
    assert found.breaches == ()
    assert found.sends >= SENDS
    assert found.worst["visa 20 in 30 days"] == 20
    assert found.worst["mastercard 10 in 24 hours"] == 10
    assert found.worst["amex 20 in 30 days"] == 20


async def _story(server: ServerAddress) -> tuple[Verdict, Seen, float]:
    async with sandbox_world(server, policy=POLICY) as (world, _, _):
        merchants = await make_merchants(world, 6, random.Random(SEED))
        material = fresh()
        plans = [
            Plan(
                world.extra["dsn"], material, merchants, cards(*CARDS), SEED + n, -(-SENDS // PROCESSES),
                orders_at_once=400, tasks=64, sends_in_a_window=45 // PROCESSES,
            )
            for n in range(PROCESSES)
        ]  # fmt: skip
        began, seen = time.monotonic(), Seen()
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            for one in await asyncio.gather(*(loop.run_in_executor(pool, in_a_process_of_its_own, p) for p in plans)):
                seen.add(one)
        seconds = time.monotonic() - began
        async with owner(world) as connection:
            return await judge(connection, seen), seen, seconds
