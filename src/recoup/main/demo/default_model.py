"""The model that the sandbox's engine decides by until it is trained on own attempts: `default_model.json`.

What it knows is the lab's world, so it is for the sandbox alone; no live world ever takes it.
`scripts/make_default_model.py` trains it again.
"""

from datetime import date
from importlib.resources import files
from typing import Final

import msgspec

from recoup.flows.insight.learn.choices import keep, take
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.rules.rescue.engine.model import Learned, Model, checked
from recoup.store.insight.models import last_choice

FILE: Final = "default_model.json"


def default_model(until: date) -> Model:
    """The model with its days moved, so that the last one is `until`: in the lab's world no day is a date."""
    text = files("recoup.main.demo").joinpath(FILE).read_bytes()
    learned = msgspec.json.decode(text, type=Learned)
    by = until - date.fromisoformat(learned.data_until)
    days = {name: (date.fromisoformat(getattr(learned, name)) + by).isoformat() for name in ("data_from", "data_until")}
    return checked(msgspec.structs.replace(learned, **days))


async def take_default(world: World, actor: Actor) -> str | None:
    """Takes the default model where none was ever chosen; returns its name. Raises: Problem(forbidden) if live."""
    if not world.policy.test_mode:
        raise Problem("forbidden", "The default model knows simulated cards only.", cure="Train one: `recoup learn`.")
    async with world.db.connection() as connection:
        if await last_choice(connection) is not None:
            return None
    model = default_model(world.clocks.wall().date())
    await keep(world, model, None, actor)
    await take(world, model.name, actor, why="the sandbox's default")
    return model.name
