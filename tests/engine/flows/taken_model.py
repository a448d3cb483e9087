"""A model that decides, for tests in which the engine takes traffic."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.engine.ground import model

from recoup.engine.learn.choices import back, keep, take
from recoup.kernel.scope import Actor
from recoup.kit.world import World

ANNA = Actor("operator", "anna")


async def take_model(world: World) -> str:
    """Its name."""
    until = datetime.now(UTC).date() - timedelta(days=1)
    made = model(data_from=(until - timedelta(days=99)).isoformat(), data_until=until.isoformat())
    await keep(world, made, None, ANNA)
    await take(world, made.name, ANNA)
    return made.name


@contextmanager
def model_at(door: Any) -> Iterator[None]:
    """In a door's world, which other tests share: afterwards the schedules decide as before."""
    door.run(take_model(door.world))
    yield
    door.run(back(door.world, ANNA))
