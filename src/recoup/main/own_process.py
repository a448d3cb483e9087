"""Long computations have a process of their own, and this is the worker's end of it and the process
itself: `python -m recoup.main.own_process WORLD WORK DETAILS…`.

It ends with the worker, after its time, and when it wants more memory than it may have; it gives
way to everything else on the machine. Its command line names what to do, and no secret: addresses
of databases stand in its environment.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import uvloop

from recoup.backtest.flows.make import PROCESS_MAX as BACKTEST_MAX
from recoup.backtest.flows.make import make
from recoup.db.server.footing import end_with_parent
from recoup.insight.flows.learn_risk import train_risk
from recoup.insight.flows.nights import PROCESS_MAX as TRAINING_MAX
from recoup.kernel.problem import Problem, in_words
from recoup.kit.world import Backtester, World
from recoup.main.databases import Databases, at_databases, find_databases
from recoup.main.logs import start_logs
from recoup.main.output import guard_output
from recoup.main.settings import Settings, load_settings
from recoup.rescue.flows.places import TRAIN

MEMORY_BYTES_MAX: Final = 4 << 30
ANSWER_BYTES_MAX: Final = 65_536
NICENESS: Final = 10
ALARM_SLACK: Final = timedelta(minutes=1)  # behind the worker's own limit
_UNREADABLE: Final = "The process gave no answer that can be read."
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
Answer = Mapping[str, Any]


class NoAnswerError(Exception):
    """The process did not do it. Its text says why, in words for logs."""


async def _train(world: World, mode: str) -> Answer:
    if (train := TRAIN.first()) is None:
        raise NoAnswerError("No feature here learns.")
    return await train(world, mode)


async def _train_risk(world: World) -> Answer:
    return await train_risk(world)


async def _backtest(world: World, merchant_id: str, backtest_id: str) -> Answer:
    await make(world, UUID(merchant_id), UUID(backtest_id))
    return {}


# work -> who does it, with the details of the command line; how long it may take
WORKS: Final[Mapping[str, tuple[Callable[..., Awaitable[Answer]], timedelta]]] = {
    "training": (_train, TRAINING_MAX),
    "risk": (_train_risk, TRAINING_MAX),
    "backtest": (_backtest, BACKTEST_MAX),
}


def environment_of(settings: Settings, databases: Databases) -> dict[str, str]:
    """Environment by which the process finds this installation."""
    return (
        at_databases(settings, databases)
        | _ONE_THREAD
        | {"RECOUP_DATA_DIR": str(settings.data_dir)}
    )


async def done_apart(
    environment: Mapping[str, str], world: str, work: str, *details: str
) -> Answer:
    """Raises: NoAnswerError."""
    command = [sys.executable, "-m", "recoup.main.own_process", world, work, *details]
    return await answer_of(command, environment, WORKS[work][1].total_seconds())


def backtester_of(settings: Settings, databases: Databases, world: str) -> Backtester:
    """Backtester for a worker of this world."""
    environment = environment_of(settings, databases)

    async def backtester(merchant_id: UUID, backtest_id: UUID) -> None:
        await done_apart(environment, world, "backtest", str(merchant_id), str(backtest_id))

    return backtester


async def answer_of(
    command: Sequence[str], environment: Mapping[str, str], seconds_max: float
) -> Answer:
    """Answer of the process on its last line. It never outlives the call. Raises: NoAnswerError
    where it cannot be started, fails, ends without an answer, or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=ANSWER_BYTES_MAX,
            preexec_fn=end_with_parent(),
        )
    except OSError as error:
        raise NoAnswerError(f"The process could not be started: {error.strerror}.") from None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds_max):
            answer = await process.stdout.readline()
            code = await process.wait()
    except ValueError:  # a line without end
        raise NoAnswerError(_UNREADABLE) from None
    except TimeoutError:
        raise NoAnswerError(
            f"It took longer than {seconds_max:.0f} seconds and was ended."
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code or not answer:
        raise NoAnswerError(f"The process ended with {code} and without an answer.")
    try:
        body = json.loads(answer)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NoAnswerError(_UNREADABLE)
    if "failed" in body:
        raise NoAnswerError(str(body["failed"]))
    return body


def main(world: str, work: str, *details: str) -> None:
    """Prints the answer as one line of JSON: what was found, or why it `failed`."""
    does, longest = WORKS[work]
    _stay_small(longest + ALARM_SLACK)
    settings = replace(load_settings(data_dir=Path(os.environ["RECOUP_DATA_DIR"])), world=world)
    guard_output(stdout=False)  # where the answer goes
    start_logs(settings.log_level)
    made: Answer
    try:
        made = uvloop.run(_run(settings, find_databases(settings), f"recoup-{work}", does, details))
    except Problem as problem:
        made = {"failed": problem.sentence()}
    except MemoryError:
        made = {"failed": f"It wanted more than {MEMORY_BYTES_MAX >> 30} GiB of memory."}
    except Exception as error:  # noqa: BLE001 - whoever waits says what happened
        made = {"failed": in_words(error)}
    print(json.dumps(made), flush=True)


def _stay_small(longest: timedelta) -> None:
    os.nice(NICENESS)
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # sent when the worker ends: at once, in the midst of a computation
    signal.alarm(int(longest.total_seconds()))  # also where nobody waits any more
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY_BYTES_MAX if most == resource.RLIM_INFINITY else min(MEMORY_BYTES_MAX, most)
    with suppress(ValueError, OSError):  # not every system takes it
        resource.setrlimit(resource.RLIMIT_AS, (soft, most))


async def _run(
    settings: Settings,
    databases: Databases,
    name: str,
    does: Callable[..., Awaitable[Answer]],
    details: Sequence[str],
) -> Answer:
    from recoup.main.worlds import open_worlds

    async with open_worlds(settings, databases, name) as (sandbox, live):
        running = live if settings.world == "live" and live is not None else sandbox
        return await does(running.world, *details)


if __name__ == "__main__":
    main(*sys.argv[1:])
