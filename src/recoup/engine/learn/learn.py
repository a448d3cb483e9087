"""`recoup learn`: a model from the installation's own attempts, tried on the last part of their
time, and taken only when it is better there than what decides today.

The model that is kept is the one that was tried: it has not seen the held-out time. So none is ever
compared by attempts that it was trained on, however often one is trained.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from recoup.engine.learn.choices import keep, take
from recoup.engine.learn.prior import SIMULATED
from recoup.engine.trial import PLAIN_RATES, Amount, Trial, missing
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.rescue.flows.models import find_model
from recoup.rescue.rules.model import BadModel, Model
from recoup.rescue.store.models import last_choice, standing_candidate

DAYS_A_MONTH: Final = 31
AS_LOADED: Final = "own attempts"
SINCE: Final = "Another model was chosen during the training, so this one was stored only."


@frozen
class Training:
    """`missing`: what there is too little of; then there is neither `model` nor `trial`. `note`:
    why it was not compared with the model that is taken, or without whose attempts the verdict is
    the other one."""

    attempts: int
    payers: int
    merchants: int
    missing: tuple[str, ...] = ()
    model: Model | None = None
    trial: Trial | None = None
    note: str = ""
    kept: bool = False
    taken: bool = False


async def learn(
    world: World,
    actor: Actor,
    *,
    months: int,
    dry_run: bool = False,
    keep_it: bool = False,
    candidate: bool = False,
    at_most: int | None = None,
) -> Training:
    """`keep_it`: also one that is not better is kept, to be looked at or taken by hand.
    `candidate`: a better one is kept too, and taken only where the model of simulated worlds
    decides; the actor's own candidate of before has to be beaten. `at_most`: attempts, as `gather`.

    Raises: Problem(too_large).
    """
    from recoup.engine.learn.gather import gather

    wall = world.clocks.wall()
    since = WallTime(wall - timedelta(days=months * DAYS_A_MONTH))
    gathered = await gather(world, since, at_most)
    if gathered is None:
        return Training(0, 0, 0, missing=tuple(missing(Amount(0, 0, 0, 0))))
    today, note, choice = await _compared(world, actor if candidate else None)
    training = await run_stoppable(_train, gathered, today, note)
    if training.model is None or training.trial is None or dry_run:
        return training
    better = training.trial.verdict == "better" and (
        today is None or today.name != training.model.name
    )
    if not better and not keep_it:
        return training
    await keep(world, training.model, training.trial, actor)
    # What simulated customers taught gives way to what the merchants' own have shown.
    simulated = today is not None and today.learned.made_from == SIMULATED
    if not better or candidate and not simulated:
        return replace(training, kept=True)
    try:
        await take(world, training.model.name, actor, why="better on held-out time", after=choice)
    except Problem as error:
        if error.code != "conflict":
            raise
        return replace(training, kept=True, note=f"{training.note} {SINCE}".strip())
    return replace(training, kept=True, taken=True)


async def _compared(world: World, of: Actor | None) -> tuple[Model | None, str, int]:
    """The model to compare the new one with: what decides today, or the actor's candidate that was
    made since; why there is none; and the number of the choice that stands."""
    async with world.db.connection() as connection:
        choice = await last_choice(connection)
        name, number = (choice.name, choice.choice_no) if choice is not None else (None, 0)
        if of is not None:
            name = await standing_candidate(connection, of.text()) or name
        if name is None:
            return None, "", number
        try:
            return await find_model(connection, name), "", number
        except BadModel as error:
            return None, f"{name}, with which it would be compared, is damaged. {error}", number


def _train(gathered: Any, today: Model | None, note: str) -> Training:
    import numpy as np

    from recoup.engine.learn.held_out import by_model, by_plain_rates, hold_out, scored, try_out
    from recoup.engine.learn.train import train

    attempts = gathered.attempts
    counts = len(attempts), attempts.payers, gathered.merchants
    held = hold_out(attempts)
    tries = list(scored(held))
    days = (float(attempts.at.max()) - float(attempts.at.min())) / 24.0
    approved = sum(attempt.approved for attempt in tries)
    lacks = missing(Amount(days, int(np.count_nonzero(held.before.tries)), len(tries), approved))
    if lacks:
        return Training(*counts, missing=tuple(lacks))
    model = train(held.before, AS_LOADED, gathered.lines)
    if today is not None and today.name == model.name:
        today, note = None, f"{model.name} already exists; the same attempts give the same model."
    compared = by_model(today) if today is not None else by_plain_rates(held.before)
    against = today.name if today is not None else PLAIN_RATES
    tried = try_out(held.at, tries, by_model(model), against, compared)
    if tried.only_by is not None:
        owner = gathered.owners[tried.only_by]
        note = (
            f"{note} It is better only with the attempts of {owner}; the scores are of all others'."
        ).strip()
    elif tried.but_for is not None:
        note = (
            f"{note} It would be better without the attempts of {gathered.owners[tried.but_for]}."
        ).strip()
    return Training(*counts, model=model, trial=tried.trial, note=note)
