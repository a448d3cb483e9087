"""A worker that does nothing but due work, against the processor over HTTP: the process that
`retry` measures.

Reads its order from standard input, writes `{"ready": true}`, then for each line it is sent runs
what is due until nothing is and writes how that went.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from recoup.kit.world import World
from recoup.rescue.flows import run_due as due_work
from recoup.rescue.flows.locked import Orders
from recoup_lab.bench.ground import Ground
from recoup_lab.bench.processor import bridge_to

IDLE_SECONDS = 0.1  # the worker's
GIVE_UP_SECONDS = 100.0


async def main() -> None:
    lines = iter(sys.stdin.readline, "")
    setup = json.loads(next(lines))
    ground = Ground(Path(setup["data_dir"]), setup["people"], setup["sandbox"])
    processor = bridge_to(setup["port"])
    async with ground.world(processor) as (world, _):
        due, taken = due_work.DueWork(world, Orders(world)), Taken()
        print(json.dumps({"ready": True}), flush=True)  # noqa: T201
        while line := await asyncio.to_thread(next, lines, ""):
            seconds = await _run(due, taken, json.loads(line)["number"])
            measured = json.dumps({"seconds": seconds, "taken_ms": taken.taken_ms})
            print(measured, flush=True)  # noqa: T201
            taken.taken_ms.clear()
    await processor.close()


class Taken:
    """Each retry's milliseconds, measured by the flow itself."""

    def __init__(self) -> None:
        self.taken_ms: list[float] = []
        self.last = 0.0
        self._flow = due_work.FLOWS["retry"]
        due_work.FLOWS = {**due_work.FLOWS, "retry": self._timed}

    async def _timed(self, world: World, orders: Orders, due: Any) -> object:
        begun = time.perf_counter()
        try:
            return await self._flow(world, orders, due)
        finally:
            self.last = time.perf_counter()
            self.taken_ms.append((self.last - begun) * 1000)


async def _run(due: due_work.DueWork, taken: Taken, number: int) -> float:
    """Runs as the worker's loop does, from the first claim to the end of the last of `number`
    retries. Seconds."""
    begun = time.perf_counter()
    while len(taken.taken_ms) < number:
        if not await due.claim():
            await asyncio.sleep(IDLE_SECONDS)
        if time.perf_counter() - begun > GIVE_UP_SECONDS:
            raise RuntimeError(f"only {len(taken.taken_ms)} of {number} retries were run")
    await due.drain()
    return taken.last - begun


if __name__ == "__main__":
    uvloop.run(main())
