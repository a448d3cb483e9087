"""The one gate of repeats: a call with a key is done once, however often it comes, and answered
alike."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from recoup.db.pool import Database, KeyTaken
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.moves.change import Change
from recoup.orders.store.requests import answered, find_request
from recoup.orders.store.rows import AnsweredKey

T = TypeVar("T")


@frozen
class Once:
    """Call that is done once. Without a key every call is a new one. `operation` names it to people
    too; `field`: the key's."""

    db: Database
    merchant_id: UUID
    operation: str
    key: str | None
    input_mac: bytes
    field: str

    async def run(
        self, work: Callable[[], Awaitable[T]], read_answer: Callable[[dict[str, Any]], T]
    ) -> T:
        """Returns what `work` answers; or `read_answer` of the stored answer, where the key came
        before. `work` stores it.

        Raises: Problem(conflict) for a key that came with other content; whatever `work` raises.
        """
        answer = await self._answer()
        if answer is not None:
            return read_answer(answer)
        try:
            return await work()
        except (KeyTaken, Problem):
            # The same call at the same moment may have been first: what it left is no reason to
            # refuse this one.
            answer = await self._answer()
            if answer is None:
                raise
            return read_answer(answer)

    def take(self, change: Change, answer: dict[str, Any]) -> None:
        """Stores the answer with what the call changes of its order."""
        if self.key:
            change.take_key(self.operation, self.key, self.input_mac, answer)

    def row(self, subject_id: UUID, answer: dict[str, Any], at: datetime) -> AnsweredKey | None:
        """The answer, for a write of its own; None without a key."""
        if not self.key:
            return None
        return answered(
            self.merchant_id, self.operation, self.key, self.input_mac, subject_id, answer, at
        )

    async def _answer(self) -> dict[str, Any] | None:
        if not self.key:
            return None
        known = await find_request(self.db, self.merchant_id, self.operation, self.key)
        if known is None:
            return None
        if known.input_mac != self.input_mac:
            message = Sentence("This idempotency key came before with another {0}.", self.operation)
            raise Problem(
                "conflict",
                message,
                field=self.field,
                cure=Sentence("Use a new key for a new {0}.", self.operation),
            )
        return dict(known.answer or {})


def once(
    world: World,
    scope: Scope,
    operation: str,
    key: str | None,
    meant: list[Any],
    field: str = "IdempotencyKey",
) -> Once:
    """`meant`: what makes it another call."""
    mac = world.keys.mac(operation, json.dumps(meant, sort_keys=True).encode())
    return Once(world.db, scope.merchant_id, operation, key, mac, field)
