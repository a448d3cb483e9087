"""The nightly training's own process, and the worker's end of it: `python -m recoup.main.training WORLD MODE`.

It ends with the worker, after its time, and when it wants more memory than it may have; it gives way to everything
else on the machine.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from recoup.flows.insight.learn.nightly import PROCESS_MAX, failed, train
from recoup.flows.insight.learn_risk import RISK, train_risk
from recoup.flows.world import Trainer
from recoup.kernel.problem import Problem, in_words
from recoup.main.databases import Databases, find_databases
from recoup.main.logs import start_logs
from recoup.main.settings import Settings, load_settings
from recoup.store.server.footing import end_with_parent

log = structlog.get_logger()
MEMORY_BYTES_MAX: Final = 4 << 30
ANSWER_BYTES_MAX: Final = 65_536
NICENESS: Final = 10
_UNREADABLE: Final = "The process gave no answer that can be read."
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def mode_of(settings: Settings) -> str:
    """`auto`: where numpy is, a better model is stored and waits for a person."""
    if settings.training == "off" or not has_numpy():
        return "off"
    return "candidate" if settings.training == "auto" else settings.training


def risk_mode_of(settings: Settings) -> str:
    """`auto`: weights that are no worse are used; it takes no numpy."""
    return "take" if settings.training == "auto" else settings.training


def has_numpy() -> bool:
    return find_spec("numpy") is not None


def warn_without_numpy(settings: Settings) -> None:
    """Logged once, by a worker whose setting asks for training."""
    if settings.training in ("candidate", "take") and not has_numpy():
        log.warning("no nightly training: numpy is not installed", cure="pip install 'recoup[lab]', or training = off")


def trainer_of(settings: Settings, databases: Databases, world: str) -> Trainer:
    """For a worker of this world."""
    environment = (
        os.environ
        | _ONE_THREAD
        | {
            "RECOUP_DATA_DIR": str(settings.data_dir),
            "RECOUP_PEOPLE_DATABASE_URL": databases.people,
            "RECOUP_SANDBOX_DATABASE_URL": databases.sandbox,
            "RECOUP_LIVE_DATABASE_URL": databases.live,
        }
    )

    async def trainer(mode: str) -> Mapping[str, Any]:
        command = [sys.executable, "-m", "recoup.main.training", world, mode]
        return await answer_of(command, environment, PROCESS_MAX.total_seconds())

    return trainer


async def answer_of(command: list[str], environment: Mapping[str, str], seconds_max: float) -> Mapping[str, Any]:
    """What the process answers on its last line; `failed` where it cannot be started, ends without an answer, or takes
    too long. It never outlives the call."""
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
        return failed(f"The process could not be started: {error.strerror}.")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds_max):
            answer = await process.stdout.readline()
            code = await process.wait()
    except ValueError:  # a line without end
        return failed(_UNREADABLE)
    except TimeoutError:
        return failed(f"It took longer than {seconds_max:.0f} seconds and was ended.")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code or not answer:
        return failed(f"The process ended with {code} and without an answer.")
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else failed(_UNREADABLE)


def main(world: str, mode: str) -> None:
    """Prints the answer as one line of JSON."""
    _stay_small()
    settings = replace(load_settings(data_dir=Path(os.environ["RECOUP_DATA_DIR"])), world=world)
    start_logs(settings.log_level)
    try:
        found = uvloop.run(_train(settings, find_databases(settings), mode))
    except Problem as problem:
        found = failed(problem.sentence())
    except MemoryError:
        found = failed(f"It wanted more than {MEMORY_BYTES_MAX >> 30} GiB of memory.")
    except Exception as error:  # noqa: BLE001 - the night's line says what happened
        found = failed(in_words(error))
    print(json.dumps(found), flush=True)


def _stay_small() -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # sent when the worker ends: at once, in the midst of a computation
    signal.alarm(int(PROCESS_MAX.total_seconds()) + 60)  # also where nobody waits any more
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY_BYTES_MAX if most == resource.RLIM_INFINITY else min(MEMORY_BYTES_MAX, most)
    with suppress(ValueError, OSError):  # not every system takes it
        resource.setrlimit(resource.RLIMIT_AS, (soft, most))


async def _train(settings: Settings, databases: Databases, mode: str) -> dict[str, Any]:
    from recoup.main.worlds import open_worlds

    async with open_worlds(settings, databases, "recoup-training") as (sandbox, live):
        running = live if settings.world == "live" and live is not None else sandbox
        if mode == RISK:
            return await train_risk(running.world)
        return await train(running.world, mode)


if __name__ == "__main__":
    main(*sys.argv[1:3])
