"""Limits that a call of an API counts against: its key's rate and its partner's minute. A payer's
call counts against neither: its key stands in every checkout page."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Headers
from recoup.kit.edge.counts import Counts, counts
from recoup.kit.edge.rate import Buckets, address_key, check_rate, rate_headers, site_key

MINUTE: Final = 60
AT_ONCE_MINUTES: Final = 10  # a payer's network may make the calls of so many minutes at once
SITES: Final = 4  # an IPv6 /48 makes as many as so many addresses
ONE: Final = 2.0**-24  # exact beside a machine's uptime of years
NETWORKS: Final = 20  # all payers of a merchant make as many as so many addresses
QuotaOf = Callable[[UUID | None, UUID | None], Awaitable[tuple[UUID, int] | None]]


class Minutes:
    """Calls of each key in the running minute, at all doors of this machine: kept as the minute's
    begin, and the number in fractions of a second, so that it is an instant, too."""

    def __init__(self, kept: Counts | None = None) -> None:
        self._kept = kept or counts()

    def count(self, key: UUID, now: float) -> int:
        """Counts the calls in this minute. `now`: monotonic seconds."""
        return self._count(self._kept.find(f"minute {key.int}"), now)

    def _count(self, place: int, now: float) -> int:
        return round(max(0.0, self._kept.values[place] - now // MINUTE * MINUTE) / ONE)

    def take(self, key: UUID, limit: int, now: float) -> int:
        """0 when it may be made, else the seconds until the next minute; one that may not is not
        counted."""
        place = self._kept.find(f"minute {key.int}")
        count = self._count(place, now)
        if count >= limit:
            return MINUTE - int(now) % MINUTE
        self._kept.values[place] = now // MINUTE * MINUTE + (count + 1) * ONE
        return 0


class Limits:
    """Limits for all APIs. `quota_of`: (merchant, partner) -> the partner it counts for, and its
    limit. `minutes`: which doors of other cells count in, too."""

    def __init__(self, quota_of: QuotaOf, minutes: Minutes | None = None) -> None:
        self._quota_of = quota_of
        self.minutes: Final = minutes or Minutes()

    async def take(
        self,
        buckets: Buckets,
        headers: Headers,
        key: str,
        now: float,
        *,
        merchant_id: UUID | None = None,
        partner_id: UUID | None = None,
    ) -> None:
        """Counts the call. `headers` gets the headers of its answer where it is one too many.
        Raises: Problem(too_many_requests) with the whole seconds to wait."""
        try:
            check_rate(buckets, key, now)
        except Problem as problem:
            headers[:] = rate_headers("key", *buckets.policy, problem)
            raise
        quota = await self._quota_of(merchant_id, partner_id)
        wait = self.minutes.take(*quota, now) if quota is not None else 0
        if quota is None or not wait:
            return
        refused = Problem(
            "too_many_requests",
            f"This partner and its merchants made {quota[1]} calls in this minute, all they may.",
            cure=f"Wait {wait} s; ask the operator if this happens often.",
            retry_after_seconds=wait,
        )
        headers[:] = rate_headers("partner", quota[1], MINUTE, refused)
        raise refused


class PayerLimits:
    """Calls with a merchant's public key, which anybody may read in its checkout page: counted by
    the address that makes them, so that one stranger keeps no other payer out, and by merchant."""

    def __init__(self, per_minute: int = 300) -> None:
        """Sets the limits; `per_minute`: of one address, an IPv6 /64."""
        self._address, self._site, self._merchant = (
            Buckets(
                times * per_minute / MINUTE,
                times * AT_ONCE_MINUTES * per_minute,
                name=f"payers {times} ",
            )
            for times in (1, SITES, NETWORKS)
        )

    def take(self, headers: Headers, host: str, key: str, merchant_id: UUID, now: float) -> None:
        """Counts the call from the address `host`. `headers` gets the headers of its answer where
        it is one too many. Raises: Problem(too_many_requests) with the whole seconds to wait."""
        taken: list[tuple[Buckets, str]] = []
        site = site_key(host)
        for name, buckets, whose in (
            ("address", self._address, f"{key} {address_key(host)}"),
            ("network", self._site, f"{key} {site}" if site else ""),
            ("checkout", self._merchant, str(merchant_id)),
        ):
            if not whose:
                continue
            try:
                check_rate(buckets, whose, now)
            except Problem as problem:
                for buckets_before, of in taken:
                    buckets_before.give_back(of)
                headers[:] = rate_headers(name, *buckets.policy, problem)
                raise
            taken.append((buckets, whose))
