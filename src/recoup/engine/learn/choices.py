"""Choices of the model that decides: one is kept, taken, and the one of before taken back. Each
choice is a line of its own, so that who chose what, and when, can be read later."""

import hashlib
from datetime import date
from typing import Literal

from msgspec.structs import asdict

from recoup.db.statement import Tx
from recoup.engine.trial import Trial
from recoup.kernel.problem import Problem, Sentence, figure
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.rescue.flows.models import find_model
from recoup.rescue.rules.model import BadModel, Model
from recoup.rescue.rules.model_standing import WHY_NONE, why_not
from recoup.rescue.store import models as stored
from recoup.rescue.store.models import (
    ModelChoice,
    NewModel,
    StoredModel,
    TrainingLine,
    add_choice,
    add_model,
    last_training,
)

BYTES_MAX = 32_000_000


async def keep(world: World, model: Model, trial: Trial | None, actor: Actor) -> bool:
    """Stores a model; it decides nothing before it is taken. False for one that is there already.

    Raises: Problem(invalid) for one that is too large to be kept.
    """
    content, learned = model.to_json(), model.learned
    if len(content) > BYTES_MAX:
        raise Problem(
            "invalid",
            Sentence(
                "The model has {0} bytes; at most {1} are kept.",
                figure(len(content)),
                figure(BYTES_MAX),
            ),
            cure="Train from fewer months.",
        )
    row = NewModel(
        name=model.name,
        content=content.decode(),
        sha256=hashlib.sha256(content).hexdigest(),
        data_from=date.fromisoformat(learned.data_from),
        data_until=date.fromisoformat(learned.data_until),
        attempts=learned.attempts,
        payers=learned.payers,
        made_at=world.clocks.wall(),
        made_by=actor.text(),
        **(trial.row() if trial is not None else {}),
    )
    async with world.db.transaction() as tx:
        return await add_model(tx, row)


async def take(
    world: World, name: str, actor: Actor, why: str = "by hand", *, after: int | None = None
) -> None:
    """Makes the model decide, in every process within seconds. `after`: only where that choice (0:
    none) stands yet.

    Raises: Problem(not_found); Problem(wrong_state) for one that is damaged, and where it decides
    already; Problem(conflict) where somebody else chooses at the same time, or has chosen since.
    """
    async with world.db.transaction() as tx:
        try:
            if await find_model(tx, name) is None:
                raise no_such_model(name)
        except BadModel as error:
            raise Problem(
                "wrong_state",
                Sentence("{0} is damaged. {1}", name, error),
                field="name",
                cure="Train a new one with `recoup learn`.",
            ) from None
        last = await stored.last_choice(tx)
        if after is not None and after != (last.choice_no if last is not None else 0):
            raise _chosen_since()
        if last is not None and last.name == name:
            raise Problem("wrong_state", Sentence("{0} is already in use.", name), field="name")
        await _choose(
            world, tx, last, name, last.choice_no if last is not None else None, why, actor
        )
    world.models.forget()


async def back(world: World, actor: Actor, why: str = "back") -> str | None:
    """Takes the model of before; answers its name, None where none decided then.

    Raises: Problem(wrong_state) where none is taken; Problem(conflict) as above.
    """
    async with world.db.transaction() as tx:
        last = await stored.last_choice(tx)
        if last is None or last.name is None:
            raise Problem(
                "wrong_state",
                "No model is in use, so there is none to go back from.",
                cure="`recoup learn list` shows the stored models.",
            )
        before = await stored.find_choice(tx, last.back_to) if last.back_to is not None else None
        name = before.name if before is not None else None
        await _choose(
            world, tx, last, name, before.back_to if before is not None else None, why, actor
        )
    world.models.forget()
    return name


class ListedModel(StoredModel, kw_only=True):
    state: Literal["taken", "retired", "candidate"]


class ShownModel(ListedModel, kw_only=True):
    """`model` None, and `damaged` says what is wrong with it. `why_unused`: although it could be
    read."""

    model: Model | None
    damaged: str | None
    why_unused: str | None


async def listed(world: World) -> tuple[list[ListedModel], str | None]:
    """The models, newest first; and the name of the one that is taken."""
    last = await stored.last_choice(world.db)
    rows = await stored.list_models(world.db)
    taken = last.name if last is not None else None
    return [ListedModel(**asdict(row), state=_state(row, taken)) for row in rows], taken


async def last_night(world: World) -> TrainingLine | None:
    """The result of the nightly training; None: there was none yet."""
    return await last_training(world.db)


async def shown(world: World, name: str) -> ShownModel:
    """A model with its content. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        row, last = await stored.find_model(connection, name), await stored.last_choice(connection)
        if row is None:
            raise no_such_model(name)
        damaged, model = None, None
        try:
            model = await find_model(connection, name)
        except BadModel as error:
            damaged = str(error)
    reason = why_not(model.learned, world.clocks.wall()) if model is not None else None
    return ShownModel(
        **asdict(row),
        state=_state(row, last.name if last is not None else None),
        model=model,
        damaged=damaged,
        why_unused=WHY_NONE[reason] if reason is not None else None,
    )


def no_such_model(name: str) -> Problem:
    return Problem(
        "not_found",
        Sentence("There is no model {0}.", repr(name[:80])),
        field="name",
        cure="`recoup learn list` shows the stored models.",
    )


def _state(row: StoredModel, taken: str | None) -> Literal["taken", "retired", "candidate"]:
    if row.name == taken:
        return "taken"
    return "retired" if row.taken_at is not None else "candidate"


async def _choose(
    world: World,
    tx: Tx,
    last: ModelChoice | None,
    name: str | None,
    back_to: int | None,
    why: str,
    actor: Actor,
) -> None:
    number = last.choice_no + 1 if last is not None else 1
    if not await add_choice(tx, number, name, back_to, why, actor.text(), world.clocks.wall()):
        raise _chosen_since()


def _chosen_since() -> Problem:
    return Problem(
        "conflict",
        "Somebody else has just chosen a model.",
        cure="Check `recoup learn list`, then choose again.",
    )
