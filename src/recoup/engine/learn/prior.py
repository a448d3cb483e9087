"""The model of an installation that has no attempts of its own: trained on the laboratory's
simulated worlds, and said to be so. It decides until one that was trained on own attempts is better
on those, or for 90 days and may be taken anew."""

from datetime import date
from importlib.resources import files
from typing import Final

import msgspec

from recoup.engine.learn.choices import keep, take
from recoup.engine.model import Learned, Model, checked
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.rescue.flows.models import find_model
from recoup.rescue.rules.model import BadModel
from recoup.rescue.store.models import last_choice

FILE: Final = "prior_model.json"
SIMULATED: Final = "simulated"  # what it was made from


def prior_model(until: date) -> Model:
    """The model with its days moved, so that the last one is `until`: in a simulated world no day
    is a date.

    `scripts/make_models.py` makes it again.
    """
    return moved(files("recoup.engine.learn").joinpath(FILE).read_bytes(), until)


def moved(content: bytes, until: date) -> Model:
    learned = msgspec.json.decode(content, type=Learned)
    by = until - date.fromisoformat(learned.data_until)
    days = {
        name: (date.fromisoformat(getattr(learned, name)) + by).isoformat()
        for name in ("data_from", "data_until")
    }
    return checked(msgspec.structs.replace(learned, **days))


async def take_prior(world: World, actor: Actor, content: bytes | None = None) -> str | None:
    """Takes it where none was ever chosen, or anew where it decides still; or the model of that
    content where none was ever chosen. Returns its name, else None."""
    last, today = await last_choice(world.db), world.clocks.wall().date()
    model = moved(content, today) if content is not None else prior_model(today)
    if last is not None and (content is not None or not await _is_older(world, last.name, model)):
        return None
    await keep(world, model, None, actor)
    await take(world, model.name, actor, why="the model of simulated worlds")
    return model.name


async def _is_older(world: World, name: str | None, model: Model) -> bool:
    """True when the model of that name was made of simulated attempts, too, and is another."""
    if name is None or name == model.name:
        return False
    async with world.db.connection() as connection:
        try:
            row = await find_model(connection, name)
        except BadModel:
            return False
    return row is not None and row.learned.made_from == SIMULATED
