"""Rates at which one caller may call, at all doors of this machine together."""

import math
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from time import monotonic

from recoup.kernel.cached import cached
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Headers, Scope, answer_headers
from recoup.kit.edge.counts import Counts, counts


class Buckets:
    """A token bucket for each key, kept as the one instant at which it is full again. `per_second`
    tokens flow in, up to `burst`. The doors of a machine share those of one `name`."""

    def __init__(
        self, per_second: float, burst: int, *, name: str = "", kept: Counts | None = None
    ) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a rate and a burst above zero")
        self._interval = 1 / per_second
        self._span = burst * self._interval
        self._name, self._kept = name, kept or counts()

    def take(self, key: str, now: float) -> float:
        """Takes a token: 0.0 when there was one, else the seconds until there is. `now` is
        monotonic seconds."""
        values, place = self._kept.values, self._kept.find(self._name + key)
        interval, span = self._interval, self._span
        before = values[place]  # as little as can be between this and what is written
        full_at = (before if before > now else now) + interval
        wait = full_at - now - span
        # A billionth of tolerance: sums of fractions must not cost the burst's last token.
        if wait > 1e-9:
            return wait
        values[place] = full_at
        return 0.0

    @property
    def policy(self) -> tuple[int, int]:
        """(how many calls, in how many seconds)."""
        return round(self._span / self._interval), max(1, math.ceil(self._span))

    def give_back(self, key: str) -> None:
        """The token that was taken last was not used."""
        self._kept.values[self._kept.find(self._name + key)] -= self._interval


def check_rate(buckets: Buckets, key: str, now: float) -> None:
    """Checks the rate for doors that know the caller only after its credential. Raises:
    Problem(too_many_requests) with the whole seconds to wait."""
    wait = buckets.take(key, now)
    if wait:
        seconds = max(1, math.ceil(wait))
        raise Problem(
            "too_many_requests",
            "Too many calls in a short time.",
            cure=f"Wait {seconds} s, then go on more slowly.",
            retry_after_seconds=seconds,
        )


def gate(
    buckets: Buckets, key_of: Callable[[Scope], str | None], clock: Callable[[], float] = monotonic
) -> Callable[[Scope], None]:
    """Makes a check for callers that are known by the call itself; `key_of` None lets it pass
    uncounted. What it answers raises Problem(too_many_requests)."""

    def check(scope: Scope) -> None:
        key = key_of(scope)
        if key is not None:
            try:
                check_rate(buckets, key, clock())
            except Problem as problem:
                answer_headers(scope)[:] = rate_headers("address", *buckets.policy, problem)
                raise

    return check


def rate_headers(policy: str, limit: int, seconds: int, refused: Problem) -> Headers:
    """Headers of a call that was one too many: `limit` calls may be made in `seconds`. Only then:
    what is left changes with each call, and answers are compared, kept and searched. Source:
    draft-ietf-httpapi-ratelimit-headers, since -08."""
    return [
        (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (policy.encode(), limit, seconds)),
        (b"ratelimit", b'"%s";r=0;t=%d' % (policy.encode(), refused.retry_after_seconds or 1)),
    ]


def client_address(scope: Scope) -> str | None:
    """The peer's address as a key; behind a proxy the server must be configured to trust its
    header."""
    client = scope.get("client")
    return address_key(client[0]) if client else None


def address_key(host: str) -> str:
    """An address of IPv4, or the /64 of an IPv6 one."""
    return _block(host) if ":" in host else host


@cached(4096)
def site_key(host: str) -> str | None:
    """The /48 of an IPv6 address, which one customer of a provider may hold whole; None for
    IPv4."""
    if ":" not in host:
        return None
    address = IPv6Address(host)
    return None if address.ipv4_mapped else str(IPv6Network((int(address) >> 80 << 80, 48)))


@cached(4096)
def _block(host: str) -> str:
    """Address block to count by. A household holds a /64: counting single IPv6 addresses would
    count nothing."""
    address = IPv6Address(host)
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))
