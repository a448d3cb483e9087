"""The admission that both dialects share: whatever orders came in at one moment, by one
statement."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.kernel.cause import note_order
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.orders.store.intake import NewOrder, Raced, admit

T = TypeVar("T")


async def settled(admission: Callable[[], Awaitable[T]], *, last: bool) -> T | None:
    """The admission's answer. None when the answer of a commit was lost: a repeat finds it.

    Raises: Problem(unavailable) when too many wait, or when an answer is lost and this is the
    `last` attempt.
    """
    try:
        return await admission()
    except Problem as problem:
        if problem.code != "unavailable" or problem.facts.get("full") or last:
            raise
        await asyncio.sleep(0.2)
        return None


class Admissions:
    """Admissions of orders, one object a flow and process. `recent`: transmissions that came within
    it are looked at."""

    def __init__(self, world: World, recent: timedelta = timedelta(0)) -> None:
        self._world, self._recent = world, recent
        self._rows: Coalescer[NewOrder, bool] = Coalescer(self._together)

    async def admit(self, row: NewOrder, *, last: bool) -> bool | None:
        """Admits an order and tells whether it was admitted now; None and what it raises: see
        `settled`."""
        is_new = await settled(lambda: self._rows.submit(row), last=last)
        if is_new:
            note_order(row.order_id)
        return is_new

    async def _together(self, rows: Sequence[NewOrder]) -> list[bool]:
        """Keys that came twice at once go in turn, so that the second finds the first."""
        first: dict[tuple[UUID, str], NewOrder] = {}
        for row in rows:
            first.setdefault((row.merchant_id, row.key), row)
        batch = list(first.values())
        recent = first_id_of(self._world.clocks.wall() - self._recent)

        async def once() -> Collection[UUID]:
            async with self._world.db.connection() as connection:
                return await admit(connection, batch, recent)

        try:
            made = await retrying(once)
        except Raced:
            if len(batch) > 1:
                raise  # then each row is decided alone
            return [False] * len(rows)
        return [row.order_id in made for row in rows]
