"""A worker that does nothing but due work, against the processor over HTTP: the process that `retry` measures.

Reads its order from standard input, writes `{"ready": true}`, then for each line it is sent runs what is due until
nothing is and writes how that went.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from recoup.flows import run_due as due_work
from recoup.flows.locked import Orders
from recoup.kernel.world import World
from recoup.lab.bench.ground import Ground
from recoup.lab.bench.processor import HttpProcessor


async def main() -> None:
    lines = iter(sys.stdin.readline, "")
    told = json.loads(next(lines))
    ground = Ground(Path(told["data_dir"]), told["people"], told["sandbox"])
    processor = HttpProcessor(told["port"])
    async with ground.world(processor) as (world, _):
        orders = Orders(world)
        taken = _timed()
        print(json.dumps({"ready": True}), flush=True)  # noqa: T201
        while line := await asyncio.to_thread(next, lines, ""):
            taken.clear()
            seconds = await _run(world, orders, json.loads(line)["number"])
            print(json.dumps({"seconds": seconds, "taken_ms": taken}), flush=True)  # noqa: T201
    await processor.close()


async def _run(world: World, orders: Orders, number: int) -> float:
    """As the worker's loop does, until `number` retries are done. Seconds."""
    begun = time.perf_counter()
    ran = 0
    while ran < number:
        now = await due_work.run_due(world, orders)
        if not now:
            break
        ran += now
    if ran < number:
        raise RuntimeError(f"only {ran} of {number} retries were due")
    return time.perf_counter() - begun


def _timed() -> list[float]:
    """Wraps the flow so that each retry's milliseconds are kept."""
    taken: list[float] = []
    flow = due_work.FLOWS["retry"]

    async def timed(world: World, orders: Orders, due: Any) -> object:
        begun = time.perf_counter()
        try:
            return await flow(world, orders, due)
        finally:
            taken.append((time.perf_counter() - begun) * 1000)

    due_work.FLOWS["retry"] = timed
    return taken


if __name__ == "__main__":
    uvloop.run(main())
