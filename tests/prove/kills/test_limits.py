"""Sends of shared cards by two processes that race and are killed, counted by the issuer's book: no
breach.

Each send goes the product's way: due orders, 64 in a transaction, the card's lock, the intent, the
call, the outcome. Merchants' clocks stand apart and jump, answers are lost, late and doubled, and a
process is killed with SIGKILL every few thousand sends; the next one and the inquiries go on from
what the database holds.

Again: `pytest tests/prove/kills/test_limits.py --timeout=0 -s`; `PROVE_SENDS=1000000` is a night.
"""

import asyncio
import os
import random
import time
from pathlib import Path

from tests.hammer import POLICY
from tests.hammer_plan import Plan, cards, make_merchants
from tests.issuers_book import Seen, Verdict, judge
from tests.killed_hammers import hammer_and_kill
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.outside.keys.material import fresh

SENDS = int(os.environ.get("PROVE_SENDS", "50000"))
PROCESSES = 2
SENDS_OF_A_CARD = 280  # so many cards that none gets many more, however long it lasts
LIFE = (500, 8_000)  # sends between two kills of a process
ENOUGH = 50_000  # for every window to be filled exactly
SEED = 20_260_101


def test_no_send_of_thousands_breaks_a_limit(server: ServerAddress, tmp_path: Path) -> None:
    found, seen, killed, seconds = asyncio.run(_story(server, tmp_path))
    print(
        f"\nlimits: {found.sends:,} sends in {seconds:.0f} s ({found.sends / seconds:.0f}/s) by "
        f"{PROCESSES} processes,"
        f" killed {killed} times, {seen.tried:,} tries, {seen.refused:,} stopped, {found.twice:,} "
        f"arrived twice,"
        f" {len(seen.came_in):,} declines came in, {found.bans:,} bans, fullest windows "
        f"{dict(found.worst)},"
        f" breaches {len(found.breaches)}"
    )
    assert found.breaches == ()
    assert found.sends >= SENDS
    assert killed > 0
    if SENDS >= ENOUGH:
        full = {name: int(name.split()[1]) for name in found.worst}
        assert found.worst == full


async def _story(server: ServerAddress, folder: Path) -> tuple[Verdict, Seen, int, float]:
    of_nine = max(40, SENDS // SENDS_OF_A_CARD // 9)
    async with sandbox_world(server, policy=POLICY) as (world, _, _):
        merchants = await make_merchants(world, 6, random.Random(SEED))
        material = fresh()
        plans = [
            Plan(
                world.dsn,
                material,
                merchants,
                cards(4 * of_nine, 3 * of_nine, min(999, 2 * of_nine)),
                SEED + n,
                -(-SENDS // PROCESSES),
                orders_at_once=200,
                tasks=64,
                sends_in_a_window=45 // PROCESSES,
                journal=str(folder / f"{n}.journal"),
            )
            for n in range(PROCESSES)
        ]
        began = time.monotonic()
        seen, killed = await asyncio.to_thread(hammer_and_kill, plans, LIFE, SEED)
        seconds = time.monotonic() - began
        async with owner(world) as connection:
            return await judge(connection, seen), seen, killed, seconds
