"""Trainings run at night, each in a process of its own, by whichever worker leases them. That
worker only waits: nothing else that it does stands still or shares memory with the training.
Whatever becomes of it, the next night has its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from recoup.db.statement import Tx
from recoup.kernel.time import WallTime
from recoup.kit.upkeep import end_turn, take_turn
from recoup.kit.world import Trainer, World

PROCESS_MAX: Final = timedelta(minutes=30)  # then it is ended
_turn: Final = asyncio.Lock()  # of a worker's trainings one at a time
LEASED: Final = PROCESS_MAX + timedelta(minutes=10)
Keep = Callable[[Tx, Mapping[str, Any], WallTime, WallTime], Awaitable[None]]
"""Keeps what a training found, with when it began and ended."""


def night_before(now: datetime, hour: int) -> datetime:
    """The last time that it was this hour, in UTC."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


async def train_tonight(world: World, task: str, mode: str, keep: Keep) -> int:
    """Answers how many trainings there were: none, or the one of this night. `mode`: as the other
    process knows it; `off`: none."""
    trainer = world.trainer
    if trainer is None or mode == "off" or world is not world.every[0]:
        return 0
    async with _turn:
        return await _train(world, task, mode, trainer, keep)


async def _train(world: World, task: str, mode: str, trainer: Trainer, keep: Keep) -> int:
    began = world.clocks.wall()
    since = night_before(began, world.policy.training_hour)
    if not await take_turn(world, task, since, LEASED, at_first_start=False):
        return 0
    training = await trainer(mode)
    ended = world.clocks.wall()
    async with world.db.transaction() as tx:
        await keep(tx, training, began, ended)
        await end_turn(tx, world, task, ended)
    return 1
