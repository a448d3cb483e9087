"""The nightly training: once a night, by whichever worker leases it, in a process of its own; how much of all may be
one owner's; and whether the taken model still fits.

The worker only waits for that process: nothing else that it does stands still or shares memory with it. Whatever
becomes of it, the next night has its own.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
import structlog

from recoup.flows.insight.learn.attempts import Attempts, Column, chosen
from recoup.flows.insight.learn.learn import Training, learn
from recoup.flows.world import Trainer, World
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import in_words
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.moves.message.alert import alert_of_drift
from recoup.rules.rescue.engine.drift import DAYS, NOTHING, Counted, Verdict
from recoup.store.insight.drift import count_drift
from recoup.store.insight.models import TrainingLine, add_training, last_choice
from recoup.store.insight.past import merchants_to_learn
from recoup.store.insight.rescue_watches import claim_drift_watches
from recoup.store.operation.upkeep import begin_upkeep, finish_upkeep, lease_upkeep
from recoup.store.pool import retrying

TASK: Final = "training"
BY: Final = Actor("worker", "training")
PROCESS_MAX: Final = timedelta(minutes=30)  # then it is ended
LEASED: Final = PROCESS_MAX + timedelta(minutes=10)
ATTEMPTS_MAX: Final = 1_000_000  # about a gigabyte; of more customers some are left out
MONTHS: Final = 18
NOTE_CHARS_MAX: Final = 500
_turn: Final = asyncio.Lock()  # a worker of two worlds: one at a time
_NOTHING: Final = {"attempts": 0, "model": None, "compared_with": None, "score": None, "compared_score": None}


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
            tx, TASK, until=began + LEASED, now=began, done_before=night_before(began, world.policy.training_hour)
        )
    if not ours:
        return 0
    found = await trainer(mode)
    ended = world.clocks.wall()
    async with world.db.transaction() as tx:
        line = {"began_at": began, "ended_at": ended, "mode": mode, **found}
        await add_training(tx, msgspec.convert(line, TrainingLine))
        await finish_upkeep(tx, TASK, ended)
    return 1


async def train(world: World, mode: str) -> dict[str, Any]:
    """What the other process does; answers the columns of a training. Raises: Problem as `learn`."""
    candidate = mode == "candidate"
    return _columns(await learn(world, BY, months=MONTHS, candidate=candidate, at_most=ATTEMPTS_MAX))


def failed(why: str) -> dict[str, Any]:
    return {"result": "failed", **_NOTHING, "note": why[:NOTE_CHARS_MAX]}


def night_before(now: datetime, hour: int) -> datetime:
    """The last time that it was this hour, in UTC."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _columns(found: Training) -> dict[str, Any]:
    if found.model is None or found.trial is None:
        return {
            "result": "too_little",
            **_NOTHING,
            "attempts": found.attempts,
            "note": " ".join(found.missing)[:NOTE_CHARS_MAX],
        }
    result = "taken" if found.taken else "candidate" if found.kept else "not_better"
    return {
        "result": result,
        "attempts": found.attempts,
        "model": found.model.name,
        "note": found.note[:NOTE_CHARS_MAX],
        **{name: getattr(found.trial, name) for name in ("compared_with", "score", "compared_score")},
    }


log = structlog.get_logger()
EVERY: Final = timedelta(hours=1)
AT_ONCE: Final = 50


class Drift(NamedTuple):
    """Of all merchants together."""

    model: str
    days: int
    tries: int
    expected: float
    approved: int
    verdict: Verdict


async def drift_of(world: World, model: str) -> Drift:
    """Of the model's attempts in the last four weeks."""
    since, found = _since(world.clocks.wall()), NOTHING
    async with world.db.connection() as connection:
        for merchant in await merchants_to_learn(connection):
            found = found.plus(await count_drift(connection, merchant.merchant_id, since, model))
    return Drift(model, DAYS, found.tries, found.expected, found.approved, found.verdict)


async def calibration_of(world: World, merchant_id: UUID, model: str) -> Counted:
    """Counts the model's attempts for one merchant in the last four weeks."""
    async with world.db.read() as connection:
        return await count_drift(connection, merchant_id, _since(world.clocks.wall()), model)


async def watch_drift(world: World) -> int:
    """Merchants that are due; answers how many. Without a model nobody is."""
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        choice = await last_choice(connection)
        if choice is None or choice.name is None:
            return 0
        due = await claim_drift_watches(connection, wall, wall - EVERY, AT_ONCE)
    for merchant_id in due:
        try:
            await _watch(world, merchant_id, choice.name, wall)
        except asyncpg.PostgresError as error:
            log.warning("drift not counted", merchant=str(merchant_id), error=in_words(error))
    return len(due)


async def _watch(world: World, merchant_id: UUID, model: str, wall: WallTime) -> None:
    async with world.db.connection() as connection:
        counted: Counted = await count_drift(connection, merchant_id, _since(wall), model)
    if counted.verdict == "too_little":
        return

    async def once() -> None:
        async with world.db.transaction() as tx:
            await alert_of_drift(tx, merchant_id, model, counted, wall)

    await retrying(once)


def _since(wall: WallTime) -> UUID:
    return first_id_of(wall - timedelta(days=DAYS))


def most_of_each(counts: Iterable[int], parts: int, least: int) -> float:
    """Up to how many of each owner's are taken, so that nobody's are more than one of `parts` of all that are taken.
    Where the others have too few for that, as many as it takes to have `least` of all. An only owner's are all taken.

    `counts`: how many each owner has.
    """
    sizes = sorted((int(one) for one in counts if one), reverse=True)
    rest = sum(sizes)
    if rest <= least or len(sizes) < 2:
        return inf
    for larger, size in enumerate(sizes):
        by_share = rest / (parts - larger) if larger < parts else 0.0
        by_least = (least - rest) / larger if larger else 0.0
        if size <= max(by_share, by_least):
            return max(by_share, by_least)
        rest -= size
    return least / len(sizes)


def shared_out(data: Attempts, parts: int, least: int) -> Attempts:
    """Without customers of owners who have more than `most_of_each` of the attempts."""
    counts = np.bincount(data.payer)
    most = most_of_each(np.bincount(data.owner).tolist(), parts, least)
    owner = data.owner[np.searchsorted(data.payer, np.arange(len(counts)))]
    within = payers_within(owner, counts, most)
    return data if within.all() else chosen(data, within[data.payer])


def payers_within(owner: Column, counts: Column, most: float) -> Column:
    """A mask of payers: of each owner the first, as they are numbered, who have no more than `most` together. Nobody
    who has more than that alone is among them.

    `owner`, `counts`: by payer, whose customer it is, and how many attempts are theirs.
    """
    by_owner = np.argsort(owner, kind="stable")
    fits = counts[by_owner] <= most
    sums = np.cumsum(np.where(fits, counts[by_owner], 0))
    first = np.searchsorted(owner[by_owner], owner[by_owner])
    before = np.where(first > 0, sums[first - 1], 0)
    taken = np.zeros(len(owner), bool)
    taken[by_owner] = fits & (sums - before <= most)
    return taken
