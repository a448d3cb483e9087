"""The benchmarks by name, and a run of them."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import thread_time_ns
from typing import Any, Final

from recoup.engine.decide import decide
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.magic import NEVER, script_card
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.rescue.rules.evidence import Evidence
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.webhooks.flows.publish import publish_now
from recoup_lab.bench import calls, machine
from recoup_lab.bench.charge import charge
from recoup_lab.bench.customer import cit
from recoup_lab.bench.day import day_list, day_managed, day_refund, day_sync
from recoup_lab.bench.figure import Figure, Round, Size, percentile
from recoup_lab.bench.ground import Ground, answers, free_port, load, make_shop, orders_of, running
from recoup_lab.bench.intake import (
    declined_of,
    evaluate,
    posts,
    shop_with_token,
    tokenize,
    transmit,
)
from recoup_lab.bench.pgbench import NUMBER
from recoup_lab.bench.postings import postings, postings_sets
from recoup_lab.bench.reads import get_order, list_orders
from recoup_lab.bench.retry import retry
from recoup_lab.bench.webhooks import webhooks
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.compare.seam import Briefing, Known
from recoup_lab.compare.source import OurWorlds

_FULL: Final = 5_000
_SEED: Final = 1


class _Noting(EngineArm):
    def __init__(self, briefing: Briefing) -> None:
        super().__init__(briefing)
        self.decided: list[Evidence] = []

    def evidence(self, known: Known) -> Evidence:
        found = super().evidence(known)
        self.decided.append(found)
        return found


async def decision(ground: Ground, size: Size) -> Figure:
    """Measures a decision in milliseconds of this process's own time, whatever else runs here."""
    with OurWorlds(None).open(_SEED) as opened:
        world = survey(opened.world, _SEED, opened.oracle, opened.forget)
        arm = _Noting(Briefing(world.hello, world.history, _SEED))
        play(world, "decision", arm)
    given = arm.decided[: size.of(_FULL)]
    took = []
    for evidence in given:
        began = thread_time_ns()
        decide(evidence, arm.pricing, arm.model)
        took.append((thread_time_ns() - began) / 1e6)
    return Figure(
        "decision",
        1e3 * len(took) / sum(took),
        percentile(took, 0.5),
        percentile(took, 0.99),
        more={"p95_ms": percentile(took, 0.95), "decisions": len(took)},
    )


REST_SECONDS = 4.0


async def idle(ground: Ground, size: Size) -> Figure:
    """`recoup up` on a fresh folder, then again: how long the later start takes; the
    memory of all processes at rest."""
    folder = ground.data_dir / "idle"
    environment = {
        name: value
        for name, value in ground.environment().items()
        if not name.startswith("RECOUP_")
    }

    @asynccontextmanager
    async def up() -> AsyncIterator[tuple[int, float]]:
        begun, port = time.monotonic(), free_port()
        command = ["recoup.main", "up", "--data-dir", str(folder), "--port", str(port)]
        async with running(command, environment) as process:
            await answers(port)
            yield process.pid, time.monotonic() - begun

    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    async with up() as (_, first):
        pass
    async with up() as (pid, later):
        await asyncio.sleep(REST_SECONDS * size.count)
        memory = machine.pss_mb(machine.family(pid)) if machine.KNOWN else None
    more = {"idle_memory_mb": memory, "later_start_seconds": later, "first_start_seconds": first}
    return Figure("idle", more=more)


async def second_process(ground: Ground, size: Size) -> Figure:
    """`cpu_ratio`: two processes' cost to one's, each process with as many connections."""
    async with ground.world() as (world, _), ground.owner() as connection:
        shop, token = await shop_with_token(world)
        now = world.clocks.wall()
        plan = posts(
            "/v1/evaluate", calls.evaluate_body(shop.merchant_id, shop.site_id, token, now), shop
        )
        postmaster = machine.parent(await connection.fetchval("SELECT pg_backend_pid()"))
        costs: dict[int, list[float]] = {1: [], 2: []}
        rounds: list[Round] = []
        async with ground.doors(2) as (ports, pids):
            for number in range(size.rounds * 2):
                doors = 1 + number % 2
                first = (number + 1) * 10_000_000_000 + int(calls.MARK) * 2
                more = {
                    "ports": ports[:doors],
                    "mark": calls.MARK,
                    "first": first,
                    "seconds": size.seconds,
                    "connections": size.connections * doors,
                }
                load_figures, cost = await _cost(plan | more, pids[:doors], postmaster)
                costs[doors].append(cost)
                if doors == 2:
                    rounds.append(
                        Round(
                            load_figures["per_second"],
                            load_figures["p50_ms"],
                            load_figures["p99_ms"],
                        )
                    )
    one, two = median(costs[1]), median(costs[2])
    return Figure(
        "second_process",
        median(r.per_second for r in rounds),
        median(r.p50_ms for r in rounds),
        median(r.p99_ms for r in rounds),
        None,
        {"cpu_seconds_one": one, "cpu_seconds_two": two, "cpu_ratio": two / one if one else None},
    )


async def _cost(
    plan: dict[str, Any], pids: list[int], postmaster: int
) -> tuple[dict[str, Any], float]:
    """Runs the load and adds the CPU seconds of 1,000 calls."""
    if not machine.KNOWN:
        return await load(plan), 0.0
    before = machine.cpu_seconds([*pids, *machine.family(postmaster)])
    load_figures = await load(plan)
    spent = machine.cpu_seconds([*pids, *machine.family(postmaster)]) - before
    return load_figures, spent * 1000 / max(1, load_figures["sent"])


ORDERS: Final = 1_000
# Declines before the card approves: some at once, most after a while, a quarter never.
DECLINES: Final = (0, 1, 3, NEVER)


async def days21(ground: Ground, size: Size) -> Figure:
    """Raises: Problem(internal) when an order is still open at the end."""
    number = size.of(ORDERS) if size.count < 1 else ORDERS
    async with ground.world() as (world, _):
        shop, vault = await make_shop(world, "Days"), Vault(world)
        tokens = [new_id() for _ in DECLINES]
        for token, declines in zip(tokens, DECLINES, strict=True):
            pan = script_card("visa", "51", declines)
            await vault.store(CardGiven(shop.merchant_id, token, pan, 9, 2031))
        orders, deliveries = orders_of(world)
        evaluate = Evaluate(world, orders, Merchants(world), vault)
        clock = world.clocks
        begun = clock.monotonic()
        given = [
            declined_of(world, shop, tokens[n % len(tokens)], str(NUMBER + n))
            for n in range(number)
        ]
        expires_at = clock.wall() + timedelta(days=20, hours=23)
        await asyncio.gather(
            *(evaluate.evaluate(shop.scope, replace(g, expires_at=expires_at)) for g in given)
        )
        admitted = clock.monotonic()
        await advance_clock(
            world,
            orders,
            shop.merchant_id,
            timedelta(days=21),
            lambda merchant_id: publish_now(world, deliveries, merchant_id),
        )
        seconds = clock.monotonic() - begun
        async with world.db.connection() as connection:
            ends = dict(
                await connection.fetch("SELECT stage, count(*) FROM current_orders GROUP BY 1")
            )
            sends = await connection.fetchval(
                "SELECT count(*) FROM attempts WHERE sent_at IS NOT NULL"
            )
    if set(ends) - {"completed", "expired", "declined"}:
        raise Problem("internal", f"After 21 days orders are still open: {ends}.")
    more = {
        "seconds": seconds,
        "intake_seconds": admitted - begun,
        "orders": number,
        "sends": sends,
    } | ends
    return Figure("days21", number / seconds, more=more)


Bench = Callable[[Ground, Size], Awaitable[Figure]]
BENCHES: Final[dict[str, Bench]] = {
    "transmit": transmit,
    "evaluate": evaluate,
    "tokenize": tokenize,
    "cit": cit,
    "charge": charge,
    "get_order": get_order,
    "list_orders": list_orders,
    "retry": retry,
    "webhooks": webhooks,
    "postings": postings,
    "postings_sets": postings_sets,
    "second_process": second_process,
    "days21": days21,
    "idle": idle,
    "day_managed": day_managed,
    "day_sync": day_sync,
    "day_refund": day_refund,
    "day_list": day_list,
    "decision": decision,
}


def chosen(name: str | None) -> Sequence[str]:
    """Raises: Problem(invalid) that says which exist."""
    if name is None:
        return tuple(BENCHES)
    if name not in BENCHES:
        raise Problem(
            "invalid", f"There is no benchmark {name!r}.", cure=f"There are: {', '.join(BENCHES)}."
        )
    return (name,)


async def run(
    ground: Ground,
    names: Sequence[str],
    size: Size,
    tell: Callable[[str], None] = lambda name: None,
) -> list[Figure]:
    """Runs the benchmarks one after another. `tell` hears each name before it begins."""
    figures = []
    for name in names:
        tell(name)
        await ground.clear()
        figures.append(await BENCHES[name](ground, size))
    return figures
