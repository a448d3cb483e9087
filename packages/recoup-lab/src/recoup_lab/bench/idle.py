"""`recoup up` on a fresh folder, then again: how long the later start takes; the memory of all processes at rest."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from recoup_lab.bench import machine
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground, answers, free_port, running

REST_SECONDS = 4.0


async def idle(ground: Ground, size: Size) -> Figure:
    folder = ground.data_dir / "idle"
    environment = {name: value for name, value in ground.environment().items() if not name.startswith("RECOUP_")}

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
