"""What a call of an API counts against: its key's rate and its partner's minute. Each answer says what is left."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from recoup.doors.edge.asgi import Headers
from recoup.doors.edge.rate import Buckets, check_rate, rate_headers
from recoup.kernel.problem import Problem

MINUTE: Final = 60
QuotaOf = Callable[[UUID | None, UUID | None], Awaitable[tuple[UUID, int] | None]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Of `limit` calls `remaining` may be made now; all of them again after `reset_seconds`."""

    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> Headers:
        return rate_headers(self.limit, self.remaining, self.reset_seconds)


class Minutes:
    """Calls of each key in the running minute; all are forgotten when it ends. In this process's memory."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: dict[UUID, int] = {}

    def count(self, key: UUID, now: float) -> int:
        """How many there were in this minute. `now`: monotonic seconds."""
        return self._counts.get(key, 0) if int(now) // MINUTE == self._minute else 0

    def take(self, key: UUID, limit: int, now: float) -> tuple[bool, Standing]:
        """Whether it may be made, and what is left; one that may not is not counted."""
        minute = int(now) // MINUTE
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts.get(key, 0)
        allowed = count < limit
        if allowed:
            self._counts[key] = count = count + 1
        return allowed, Standing(limit, limit - count, MINUTE - int(now) % MINUTE)


class Limits:
    """One a process, for all its APIs. `quota_of`: (merchant, partner) -> the partner it counts for, and its limit."""

    def __init__(self, quota_of: QuotaOf) -> None:
        self._quota_of = quota_of
        self.minutes: Final = Minutes()

    async def take(
        self, buckets: Buckets, told: Headers, key: str, now: float, *, merchant_id: UUID | None = None,
        partner_id: UUID | None = None,
    ) -> None:  # fmt: skip
        """Counts the call. `told` gets the headers of its answer, of the limit that is nearer.

        Raises: Problem(too_many_requests) with the whole seconds to wait.
        """
        try:
            check_rate(buckets, key, now)
        finally:
            own = Standing(*buckets.standing(key, now))
            told[:] = own.headers()
        quota = await self._quota_of(merchant_id, partner_id)
        if quota is None:
            return
        allowed, shared = self.minutes.take(*quota, now)
        if shared.remaining < own.remaining:
            told[:] = shared.headers()
        if not allowed:
            raise Problem(
                "too_many_requests",
                f"This partner and its merchants made {quota[1]} calls in this minute, all they may.",
                cure=f"Wait {shared.reset_seconds} s; ask the operator if this happens often.",
                retry_after_seconds=max(1, math.ceil(shared.reset_seconds)),
            )  # fmt: skip
