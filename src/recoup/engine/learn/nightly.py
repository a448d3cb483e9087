"""The nightly training: once a night, by whichever worker leases it, in a process of its own.

The worker only waits for that process: nothing else that it does stands still or shares memory with
it. Whatever becomes of it, the next night has its own.
"""

import asyncio
from typing import Any, Final

import msgspec

from recoup.db.operation.upkeep import begin_upkeep, finish_upkeep, lease_upkeep
from recoup.engine.learn.learn import Training, learn
from recoup.insight.flows.nights import LEASED, night_before
from recoup.kernel.scope import Actor
from recoup.kit.world import Trainer, World
from recoup.rescue.store.models import TrainingLine, add_training

TASK: Final = "training"
BY: Final = Actor("worker", "training")
ATTEMPTS_MAX: Final = 1_000_000  # about a gigabyte; of more customers some are left out
MONTHS: Final = 18
NOTE_CHARS_MAX: Final = 500
_turn: Final = asyncio.Lock()  # a worker of two worlds: one at a time
_NOTHING: Final = {
    "attempts": 0,
    "model": None,
    "compared_with": None,
    "score": None,
    "compared_score": None,
}


async def train_nightly(world: World) -> int:
    """Answers how many trainings there were: none, or the one of this night."""
    mode, trainer = world.policy.training, world.trainer
    if mode == "off" or trainer is None:
        return 0
    async with _turn:
        return await _train_once(world, mode, trainer)


async def _train_once(world: World, mode: str, trainer: Trainer) -> int:
    began = world.clocks.wall()
    async with world.db.transaction() as tx:
        await begin_upkeep(tx, TASK, began)
        ours = await lease_upkeep(
            tx,
            TASK,
            until=began + LEASED,
            now=began,
            done_before=night_before(began, world.policy.training_hour),
        )
    if not ours:
        return 0
    training = await trainer(mode)
    ended = world.clocks.wall()
    async with world.db.transaction() as tx:
        note = str(training["note"])[:NOTE_CHARS_MAX]
        line = {
            "began_at": began,
            "ended_at": ended,
            "mode": mode,
            **_NOTHING,
            **training,
            "note": note,
        }
        await add_training(tx, msgspec.convert(line, TrainingLine))
        await finish_upkeep(tx, TASK, ended)
    return 1


async def train(world: World, mode: str) -> dict[str, Any]:
    """Trains as the other process does; answers the columns of a training. Raises: Problem as
    `learn`."""
    candidate = mode == "candidate"
    return _columns(
        await learn(world, BY, months=MONTHS, candidate=candidate, at_most=ATTEMPTS_MAX)
    )


def _columns(training: Training) -> dict[str, Any]:
    if training.model is None or training.trial is None:
        return {
            "result": "too_little",
            "attempts": training.attempts,
            "note": " ".join(training.missing),
        }
    result = "taken" if training.taken else "candidate" if training.kept else "not_better"
    return {
        "result": result,
        "attempts": training.attempts,
        "model": training.model.name,
        "note": training.note,
        **{
            name: getattr(training.trial, name)
            for name in ("compared_with", "score", "compared_score")
        },
    }
