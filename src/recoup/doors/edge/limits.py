"""What a call of an API counts against: its key's rate and its partner's minute."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from recoup.doors.edge.asgi import Headers
from recoup.doors.edge.rate import Buckets, check_rate, rate_headers
from recoup.kernel.problem import Problem

MINUTE: Final = 60
QuotaOf = Callable[[UUID | None, UUID | None], Awaitable[tuple[UUID, int] | None]]


class Minutes:
    """Calls of each key in the running minute; all are forgotten when it ends. In this process's memory."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: dict[UUID, int] = {}

    def count(self, key: UUID, now: float) -> int:
        """How many there were in this minute. `now`: monotonic seconds."""
        return self._counts.get(key, 0) if int(now) // MINUTE == self._minute else 0

    def take(self, key: UUID, limit: int, now: float) -> int:
        """0 when it may be made, else the seconds until the next minute; one that may not is not counted."""
        minute = int(now) // MINUTE
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts.get(key, 0)
        if count >= limit:
            return MINUTE - int(now) % MINUTE
        self._counts[key] = count + 1
        return 0


class Limits:
    """One a process, for all its APIs. `quota_of`: (merchant, partner) -> the partner it counts for, and its limit."""

    def __init__(self, quota_of: QuotaOf) -> None:
        self._quota_of = quota_of
        self.minutes: Final = Minutes()

    async def take(
        self, buckets: Buckets, told: Headers, key: str, now: float, *, merchant_id: UUID | None = None,
        partner_id: UUID | None = None,
    ) -> None:  # fmt: skip
        """Counts the call. `told` gets the headers of its answer where it is one too many.

        Raises: Problem(too_many_requests) with the whole seconds to wait.
        """
        try:
            check_rate(buckets, key, now)
        except Problem as problem:
            told[:] = rate_headers("key", *buckets.policy, problem)
            raise
        quota = await self._quota_of(merchant_id, partner_id)
        wait = self.minutes.take(*quota, now) if quota is not None else 0
        if quota is None or not wait:
            return
        refused = Problem(
            "too_many_requests",
            f"This partner and its merchants made {quota[1]} calls in this minute, all they may.",
            cure=f"Wait {wait} s; ask the operator if this happens often.", retry_after_seconds=wait,
        )  # fmt: skip
        told[:] = rate_headers("partner", quota[1], MINUTE, refused)
        raise refused
