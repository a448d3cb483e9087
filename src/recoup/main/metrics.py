"""`/metrics` for Prometheus: what the doors did, and what waits in the database at the moment of asking."""

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from recoup.doors.edge.asgi import Scope
from recoup.doors.edge.connections import Connections
from recoup.flows.world import World
from recoup.kernel.time import Clocks, DatabaseClocks
from recoup.main.certificate import Certificate
from recoup.store.cards.card_routes import stored_routes, sums_between
from recoup.store.cards.processor_notices import unread_kinds
from recoup.store.operation.backlog import read_backlog
from recoup.store.operation.partitions import read_days_left, read_overflown

UNREAD_SHOWN = timedelta(days=30)
REGISTRY = CollectorRegistry()
_CALLS = Counter("recoup_calls", "Calls answered", ["door", "method", "status"], registry=REGISTRY)
_SECONDS = Histogram(
    "recoup_call_seconds",
    "Seconds until a call was answered",
    ["door"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"))


def _gauge(name: str, help: str, *labels: str, mode: Literal["mostrecent", "livesum"] = "mostrecent") -> Gauge:
    """`mode`: how the values of several doors become one."""
    return Gauge(name, help, labels, registry=REGISTRY, multiprocess_mode=mode)


_BACKLOG = _gauge("recoup_backlog", "What waits, by world and kind", "world", "kind")
_OLDEST = _gauge("recoup_due_oldest_seconds", "Age of the oldest due work that nobody has taken", "world")
_AHEAD = _gauge("recoup_clock_ahead_seconds", "By how much this machine's clock is ahead of the database's", "world")
_PARTITION_DAYS = _gauge("recoup_partition_days_left", "Days until a table's newest partition ends", "world", "table")
_OVERFLOWN = _gauge("recoup_partition_overflown", "1 when rows fell into a table's default partition", "world", "table")
_REFUSED = _gauge(
    "recoup_route_refused_requests",
    "Requests that a route's processor refused as wrong in the last 24 hours",
    "world",
    "route",
)
_UNREAD = _gauge(
    "recoup_unread_notices",
    "Signed notices of processors whose kind this release does not read, since each was first seen",
    "world",
    "route",
)
_QUARANTINE = _gauge("recoup_quarantine", "1 while the database knows less than was seen of it", "world")
_ACCOUNT_REFUSED = _gauge(
    "recoup_route_account_refused", "1 while a route's processor refuses our account or its key", "world", "route"
)
_CONNECTIONS = _gauge("recoup_http_connections", "Connections that are open, and their limit", "kind", mode="livesum")
_CROWDED = _gauge("recoup_http_connections_refused", "Connections that met a limit since the start", mode="livesum")


_CERTIFICATE_DAYS = _gauge("recoup_tls_certificate_days", "Days until the certificate of the doors ends")


def note_doors(connections: Connections, certificate: Certificate | None) -> None:
    """Of this process, each second."""
    _CONNECTIONS.labels("open").set(len(connections))
    _CONNECTIONS.labels("limit").set(connections.limits.total)
    _CROWDED.set(connections.refused)
    if certificate is not None:
        _CERTIFICATE_DAYS.set((certificate.ends - Clocks().wall()) / timedelta(days=1))


@lru_cache(maxsize=1024)
def _calls(door: str, method: str, status: int) -> Counter:
    return _CALLS.labels(door, method if method in _METHODS else "other", status)


@lru_cache(maxsize=8)
def _seconds(door: str) -> Histogram:
    return _SECONDS.labels(door)


def note_answer(scope: Scope, status: int, seconds: float) -> None:
    """Counts and times a call."""
    door = "rescue" if scope["path"].startswith("/v1/") else "portal"
    _calls(door, scope["method"], status).inc()
    _seconds(door).observe(seconds)


async def scrape(worlds: Sequence[World]) -> tuple[bytes, str]:
    """Text and content type. Raises: Problem(unavailable)."""
    for world in worlds:
        async with world.db.connection() as connection:
            backlog = await read_backlog(connection, world.clocks.wall())
            days_left = await read_days_left(connection, world.clocks.wall())
            overflown = await read_overflown(connection)
            now = world.clocks.wall()
            sums = await sums_between(connection, now - timedelta(days=1), now + timedelta(hours=1))
            routes = await stored_routes(connection)
            unread = await unread_kinds(connection, now - UNREAD_SHOWN)
        for one in routes:
            found = sums.get(one.name)
            _REFUSED.labels(world.name, one.name).set(found.refused if found is not None else 0)
            _ACCOUNT_REFUSED.labels(world.name, one.name).set(one.is_refused)
        for route in {one.route for one in unread}:
            _UNREAD.labels(world.name, route).set(sum(one.count for one in unread if one.route == route))
        for kind, number in backlog.waiting.items():
            _BACKLOG.labels(world.name, kind).set(number)
        _QUARANTINE.labels(world.name).set(world.standing.is_quarantined)
        _OLDEST.labels(world.name).set(backlog.oldest_seconds)
        if isinstance(world.clocks, DatabaseClocks):
            _AHEAD.labels(world.name).set(world.clocks.ahead_seconds)
        for table, days in days_left.items():
            _PARTITION_DAYS.labels(world.name, table).set(days)
            _OVERFLOWN.labels(world.name, table).set(table in overflown)
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
