"""CPU seconds for 1,000 evaluates, doors and database together: by one `recoup serve`, and by two."""

from statistics import median
from typing import Any

from recoup_lab.bench import calls, machine
from recoup_lab.bench.figure import Figure, Round, Size
from recoup_lab.bench.ground import Ground, load
from recoup_lab.bench.intake import posts, shop_with_token


async def second_process(ground: Ground, size: Size) -> Figure:
    """`cpu_ratio`: two processes' cost to one's, each process with as many connections."""
    async with ground.world() as (world, _), ground.owner() as connection:
        shop, token = await shop_with_token(world)
        now = world.clocks.wall()
        plan = posts("/v1/evaluate", calls.evaluate_body(shop.merchant_id, shop.site_id, token, now), shop)
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
                    rounds.append(Round(load_figures["per_second"], load_figures["p50_ms"], load_figures["p99_ms"]))
    one, two = median(costs[1]), median(costs[2])
    return Figure(
        "second_process",
        median(r.per_second for r in rounds),
        median(r.p50_ms for r in rounds),
        median(r.p99_ms for r in rounds),
        None,
        {"cpu_seconds_one": one, "cpu_seconds_two": two, "cpu_ratio": two / one if one else None},
    )


async def _cost(plan: dict[str, Any], pids: list[int], postmaster: int) -> tuple[dict[str, Any], float]:
    """With the CPU seconds of 1,000 calls."""
    if not machine.KNOWN:
        return await load(plan), 0.0
    before = machine.cpu_seconds([*pids, *machine.family(postmaster)])
    load_figures = await load(plan)
    spent = machine.cpu_seconds([*pids, *machine.family(postmaster)]) - before
    return load_figures, spent * 1000 / max(1, load_figures["sent"])
