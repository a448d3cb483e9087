"""The nightly training of the rescue engine."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from recoup.db.statement import Tx
from recoup.engine.learn.learn import Training, learn
from recoup.insight.flows.nights import train_tonight
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.rescue.store.models import TrainingLine, add_training

TASK: Final = "training"
BY: Final = Actor("worker", "training")
ATTEMPTS_MAX: Final = 1_000_000  # about a gigabyte; of more customers some are left out
MONTHS: Final = 18
NOTE_CHARS_MAX: Final = 500
_NOTHING: Final = {
    "attempts": 0,
    "model": None,
    "compared_with": None,
    "score": None,
    "compared_score": None,
}


async def train_nightly(world: World) -> int:
    """Answers how many trainings there were: none, or the one of this night."""
    mode = world.policy.training
    return await train_tonight(world, TASK, mode, partial(_keep, mode))


async def _keep(
    mode: str, tx: Tx, training: Mapping[str, Any], began: WallTime, ended: WallTime
) -> None:
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
