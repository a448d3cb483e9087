"""The network limits hold under races, over merchants and clocks; `make prove` does the same a
hundred times longer."""

import asyncio
import random
from pathlib import Path

import pytest
from tests.hammer import POLICY, hammer_once
from tests.hammer_plan import Plan, cards, make_merchants
from tests.issuers_book import Seen, Verdict, judge
from tests.killed_hammers import hammer_and_kill
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.limits import Allowed
from recoup.outside.keys.material import fresh
from recoup.rescue.moves import open as open_attempt

SENDS = 400
PROCESSES = 3


async def hammered(
    server: ServerAddress, pans: tuple[str, ...], *, sends: int, seed: int
) -> Verdict:
    """Three processes' worth of worlds in one loop, each with connections and memory of its own."""
    async with sandbox_world(server, policy=POLICY) as (world, _, _):
        merchants = await make_merchants(world, 4, random.Random(seed))
        material = fresh()
        plans = [
            Plan(
                world.dsn,
                material,
                merchants,
                pans,
                seed + n,
                sends // PROCESSES,
                orders_at_once=30,
                tasks=16,
                sends_in_a_window=60 // PROCESSES,
            )
            for n in range(PROCESSES)
        ]
        seen = Seen()
        for one in await asyncio.gather(*map(hammer_once, plans)):
            seen.add(one)
        async with owner(world) as connection:
            found = await judge(connection, seen)
        print(
            f"{found.sends} sends, {seen.refused} refused, {found.bans} bans, fullest {found.worst}"
        )
        return found


@pytest.mark.timeout(600)
def test_no_card_is_sent_more_often_than_its_network_allows(server: ServerAddress) -> None:
    found = asyncio.run(hammered(server, cards(3, 2, 2), sends=SENDS, seed=7))
    assert found.breaches == ()
    assert found.sends >= SENDS
    # Filled nearly to the brim, or the run proves little; the long one fills them exactly.
    assert 15 <= found.worst["visa 20 in 30 days"] <= 20
    assert 6 <= found.worst["mastercard 10 in 24 hours"] <= 10


async def hammered_and_killed(server: ServerAddress, folder: Path) -> tuple[Verdict, int]:
    async with sandbox_world(server, policy=POLICY) as (world, _, _):
        merchants = await make_merchants(world, 4, random.Random(8))
        material = fresh()
        plans = [
            Plan(
                world.dsn,
                material,
                merchants,
                cards(5, 5, 4),
                8 + n,
                550,
                orders_at_once=30,
                tasks=16,
                sends_in_a_window=30,
                journal=str(folder / f"{n}.journal"),
            )
            for n in range(2)
        ]
        seen, killed = await asyncio.to_thread(hammer_and_kill, plans, (100, 250), 8)
        async with owner(world) as connection:
            return await judge(connection, seen), killed


@pytest.mark.prove("kills")
@pytest.mark.timeout(600)
def test_processes_that_are_killed_leave_no_card_sent_too_often(
    server: ServerAddress, tmp_path: Path
) -> None:
    found, killed = asyncio.run(hammered_and_killed(server, tmp_path))
    print(f"{found.sends} sends, {killed} kills, {found.bans} bans, fullest {dict(found.worst)}")
    assert found.breaches == ()
    assert found.sends >= 1_000
    assert killed >= 2
    assert found.worst["visa 20 in 30 days"] >= 15


@pytest.mark.prove("kills")
@pytest.mark.timeout(600)
def test_the_judge_finds_breaches_where_there_is_no_gate(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_attempt, "ask_gate", lambda *_: Allowed())
    found = asyncio.run(hammered(server, cards(5, 5, 4), sends=800, seed=11))
    for rule in ("visa 20 in 30 days", "mastercard 35 in 30 days", "amex 20 in 30 days"):
        assert any(breach.startswith(rule) for breach in found.breaches), rule
