"""Moves of sandbox merchants' clocks that a door was asked for: they go on after the door has
answered."""

import asyncio
import re
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.rescue.flows.locked import Orders
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.publish import publish_now

WAIT_SECONDS: Final = 8.0  # then the door answers, and the move goes on
SIDE_BY_SIDE: Final = 3  # of a move's work, so that callers find the other connections free
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
log = structlog.get_logger()


def parse_step(text: str) -> timedelta:
    """`22d`, `36h`, `90m`, or several: `1d12h`. Raises: Problem(invalid)."""
    parts = re.findall(r"([0-9]{1,7})([dhms])", text[:100])
    if not parts or "".join(n + u for n, u in parts) != text:
        message = Sentence("{0} is not a time span.", repr(text[:100]))
        raise invalid(message, "advance", "Give a time span like 22d, 36h or 90m.")
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


class ClockMoves:
    """Moves of the sandbox's clock, one object a door and world. One move after the other, of all
    merchants: many at once left no room for other calls."""

    def __init__(
        self, world: World, orders: Orders, deliveries: Deliveries, merchants: Merchants
    ) -> None:
        self._world, self._orders, self._deliveries, self._merchants = (
            world,
            orders,
            deliveries,
            merchants,
        )
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._one = asyncio.Lock()

    def is_moving(self, merchant_id: UUID) -> bool:
        return merchant_id in self._tasks

    async def move(self, scope: Scope, by: timedelta, move_id: UUID) -> None:
        """Returns once it is there, or after WAIT_SECONDS. The same `move_id` again moves nothing.

        Raises: Problem(conflict) while another one is under way; as `advance_clock`.
        """
        merchant_id = scope.merchant_id
        task = self._tasks.get(merchant_id)
        if task is not None and task.get_name() != str(move_id):
            raise Problem(
                "conflict", "The clock is already moving.", cure="Wait until the move has finished."
            )
        if task is None:
            task = asyncio.create_task(self._move(scope, by, move_id), name=str(move_id))
            self._tasks[merchant_id] = task
            task.add_done_callback(lambda done: self._ended(merchant_id, done))
        await asyncio.wait({task}, timeout=WAIT_SECONDS)
        if task.done():
            task.result()

    async def _move(self, scope: Scope, by: timedelta, move_id: UUID) -> None:
        def publish(merchant_id: UUID) -> Any:
            return publish_now(self._world, self._deliveries, merchant_id)

        whose = (self._world, self._orders, scope.merchant_id)
        async with self._one:
            await advance_clock(
                *whose, by, publish, requested_by=(scope, move_id), side_by_side=SIDE_BY_SIDE
            )

    def _ended(self, merchant_id: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.pop(merchant_id, None)
        self._merchants.forget(merchant_id)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("clock not moved", merchant=str(merchant_id), error=type(error).__name__)
