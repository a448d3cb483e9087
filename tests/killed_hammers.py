"""Processes that hammer side by side, each of which is killed with SIGKILL at random moments and
begun anew."""

import multiprocessing
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.context import SpawnProcess
from pathlib import Path

from tests.hammer import in_a_process_of_its_own
from tests.hammer_plan import Plan
from tests.issuers_book import Seen, read_journal

LOOK_EVERY_SECONDS_MAX = 0.1
SPAWN = multiprocessing.get_context("spawn")


@dataclass
class Worker:
    """`plan.sends`: all that shall be answered, over its lives; `answered`: so many were. Killed at
    `kill_at`."""

    plan: Plan
    process: SpawnProcess | None = None
    answered: int = 0
    kill_at: int = 0
    lives: int = 0
    read: int = 0  # bytes of its journal

    @property
    def journal(self) -> Path:
        assert self.plan.journal is not None
        return Path(self.plan.journal)

    def begin(self, lasting: int) -> None:
        self.lives, self.kill_at = self.lives + 1, self.answered + lasting
        left = replace(
            self.plan,
            sends=self.plan.sends - self.answered,
            seed=self.plan.seed + 1_000 * self.lives,
        )
        self.process = SPAWN.Process(target=in_a_process_of_its_own, args=(left,))
        self.process.start()

    def look(self) -> None:
        if self.journal.exists():
            with self.journal.open("rb") as file:
                file.seek(self.read)
                more = file.read()
            self.read, self.answered = (
                self.read + len(more),
                self.answered + more.count(b'["ended"'),
            )

    def is_running(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def check_end(self) -> None:
        assert self.process is not None
        self.process.join()
        assert self.process.exitcode in (0, -signal.SIGKILL), (
            f"a process ended with {self.process.exitcode}"
        )


def hammer_and_kill(plans: Sequence[Plan], life: tuple[int, int], seed: int) -> tuple[Seen, int]:
    """Until every plan's sends have been answered; returns what the processes saw, and how many
    were killed. `life`: how many sends of one are answered before it is killed, at least and at
    most."""
    dice, workers = random.Random(seed), [Worker(plan) for plan in plans]
    try:
        for worker in workers:
            worker.begin(dice.randint(*life))
        while working := [worker for worker in workers if worker.process is not None]:
            time.sleep(dice.uniform(0, LOOK_EVERY_SECONDS_MAX))
            for worker in working:
                _look(worker, dice.randint(*life))
    finally:
        for worker in workers:
            if worker.is_running():
                worker.kill()
    seen = Seen()
    for worker in workers:
        seen.add(read_journal(worker.journal))
    return seen, sum(worker.lives - 1 for worker in workers)


def _look(worker: Worker, life: int) -> None:
    worker.look()
    if worker.is_running():
        if worker.answered >= worker.kill_at:
            worker.kill()
        return
    worker.check_end()
    if worker.answered >= worker.plan.sends:
        worker.process = None
    else:
        worker.begin(life)
