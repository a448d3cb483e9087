"""The model by which the engine decides, kept in memory: it is read from the database once in a
while, never for each decision.

A process that still has the model of before decides by that one for some seconds: the decision
names its model.
"""

import asyncio
import hashlib
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
import structlog

from recoup.db.pool import LOST, Database, is_away
from recoup.db.statement import Read
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.time import Clocks
from recoup.rescue.rules.model import BadModel, Model, NotRead, read_model
from recoup.rescue.rules.model_standing import WhyNone, why_not
from recoup.rescue.store.models import content_of, last_choice

KEEP_SECONDS: Final = 3.0
KEPT_MAX: Final = 2  # of those that decided before
log = structlog.get_logger()


class _Taken(NamedTuple):
    """`model`: None where it decides nothing, and `why` says why."""

    name: str
    model: Model | None
    why: WhyNone = "model_damaged"


class NoModels:
    """Stand-in where nothing is learned: the fixed schedules decide."""

    async def ready(self) -> None:
        """Does nothing: there is nothing to read."""

    def current(self, now: datetime) -> None:
        return None

    def why_none(self, now: datetime) -> WhyNone:
        return "no_model"

    def forget(self) -> None:
        """Does nothing: no model is kept."""

    async def by_name(self, name: str) -> Model | None:
        return None


class Models:
    """Models of a world, one object a world and process. `db`: the world's."""

    def __init__(self, db: Database, clocks: Clocks) -> None:
        self._db, self._clocks = db, clocks
        self._taken: _Taken | None = None
        self._read_at: float | None = None
        self._kept: dict[str, Model] = {}
        self._first = asyncio.Lock()

    async def ready(self) -> None:
        """Reads the models; await it before `current`, outside of transactions. Costs nothing most
        of the time, one small query once in `KEEP_SECONDS`. Without the database it stays as it
        was.

        Raises: Problem(unavailable) as long as it was never read.
        """
        now = self._clocks.monotonic()
        if self._read_at is None:
            async with self._first:
                if self._read_at is None:
                    await self._read()
                    self._read_at = now
        elif now - self._read_at >= KEEP_SECONDS:
            self._read_at = now  # calls meanwhile go on with what there is
            try:
                await self._read()
            except (Problem, asyncpg.PostgresError, *LOST) as error:
                if not is_away(error):
                    log.warning("model not read again", error=in_words(error))

    def current(self, now: datetime) -> Model | None:
        """The one that decides at that business time; None where the schedules do, and `why_none`
        says why."""
        if (
            self._taken is None
            or self._taken.model is None
            or why_not(self._taken.model.learned, now)
        ):
            return None
        return self._taken.model

    def why_none(self, now: datetime) -> WhyNone:
        if self._taken is None:
            return "no_model"
        if self._taken.model is None:
            return self._taken.why
        return why_not(self._taken.model.learned, now) or "no_model"

    def forget(self) -> None:
        """Forgets what was read, so that a choice made in this process holds at once."""
        self._read_at = None

    async def by_name(self, name: str) -> Model | None:
        """The model of that name; None where this world does not have it, or it is damaged."""
        if self._taken is not None and self._taken.name == name and self._taken.model is not None:
            return self._taken.model
        if name in self._kept:
            return self._kept[name]
        async with self._db.connection() as connection:
            try:
                model = await find_model(connection, name)
            except BadModel:
                return None
        if model is not None:
            while len(self._kept) >= KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = model
        return model

    async def _read(self) -> None:
        async with self._db.connection() as connection:
            choice = await last_choice(connection)
            name = choice.name if choice is not None else None
            if name is None:
                self._taken = None
            elif self._taken is None or self._taken.name != name:
                try:
                    self._taken = _Taken(name, await find_model(connection, name))
                except BadModel as error:
                    log.error(
                        "the model is not used; the fixed schedules decide",
                        model=name,
                        error=str(error),
                    )
                    why: WhyNone = (
                        "model_not_read" if isinstance(error, NotRead) else "model_damaged"
                    )
                    self._taken = _Taken(name, None, why)


async def find_model(connection: Read, name: str) -> Model | None:
    """The model of that name, or None. Raises: BadModel for one that is not what was stored."""
    stored = await content_of(connection, name)
    return opened(name, *stored) if stored is not None else None


def opened(name: str, content: str, sha256: str) -> Model:
    """Raises: BadModel."""
    raw = content.encode()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise BadModel("The content is not the one that was stored: its hash differs.")
    model = read_model(raw)
    if model.name != name:
        raise BadModel(f"The content is that of {model.name}.")
    return model
