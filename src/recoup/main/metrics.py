"""`/metrics` for Prometheus: what the processes of this machine did, and what waits in the
databases at the moment of asking."""

import asyncio
import math
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from socket import socket
from socketserver import ThreadingMixIn
from threading import Thread
from time import monotonic
from typing import Any, Final, Literal, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import asyncpg
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    make_wsgi_app,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from recoup.db.operation.backlog import read_backlog
from recoup.db.operation.condition import read_condition, read_dead_rows
from recoup.db.operation.damaged_pages import damaged_pages
from recoup.db.operation.partitions import read_days_left, read_overflown
from recoup.db.operation.upkeep import has_room, is_writable
from recoup.db.statement import FIRST_CELL
from recoup.disputes.store.monitoring import highest_shares
from recoup.kernel.lines import line
from recoup.kernel.measures import MEASURES, REFUSED, Measure
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks, DatabaseClocks
from recoup.kit.edge.asgi import Scope, state
from recoup.kit.edge.called import template_of
from recoup.kit.edge.connections import Connections
from recoup.kit.upkeep import beaten_ago
from recoup.kit.world import World
from recoup.mail.flows.post_mail import failing_mails
from recoup.main.backup.copies import age_seconds, lag_bytes, slot_of
from recoup.main.certificate import Certificate
from recoup.main.recover import unexplained
from recoup.merchants.store.sending_stops import standing_stop
from recoup.rescue.flows.send import OWN
from recoup.routes.flows.card_routes import silent_routes
from recoup.routes.store.card_routes import stored_routes, sums_between
from recoup.routes.store.processor_notices import unread_kinds

LABELS_MAX: Final = 2_000
WRITABLE: Final = "0 while the database is read-only"
OTHER: Final = "other"
UNREAD_SHOWN: Final = timedelta(days=30)
WORLD_SECONDS_MAX: Final = 1.5  # of asking one: a scraper waits no longer than it has to
REGISTRY: Final = CollectorRegistry()
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})  # without a log line
_METHODS: Final = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"))


CALLS: Final = Measure("recoup_calls", "Calls answered", "operation", "status")
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.85, 5)
SECONDS: Final = Measure(
    "recoup_call_seconds", "Seconds until a call was answered", "operation", buckets=_SECONDS
)
_LAGS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
LOOP_LAG: Final = Measure(
    "recoup_loop_lag_seconds",
    "By how much a second of the event loop was late",
    "part",
    buckets=_LAGS,
)
EVERY: Final = (*MEASURES, CALLS, SECONDS, LOOP_LAG)


def count(measure: Measure, registry: CollectorRegistry = REGISTRY) -> None:
    """Starts counting. Sets of labels beyond LABELS_MAX are counted as `other`."""
    name, help, labels, buckets = measure.name, measure.help, measure.labels, measure.buckets
    made: Any = (
        Histogram(name, help, labels, registry=registry, buckets=buckets)
        if buckets
        else Counter(name, help, labels, registry=registry)
    )
    takes: dict[tuple[str, ...], Callable[[float], object]] = {}

    def add(*values: str, by: float = 1.0) -> None:
        take = takes.get(values)
        if take is None:
            values = values if len(takes) < LABELS_MAX else (OTHER,) * len(values)
            child = made.labels(*values) if labels else made
            take = takes[values] = child.observe if buckets else child.inc
        take(by)

    measure.add = add


for _measure in EVERY:
    count(_measure)
for _why in ("away", "full", "slow", "busy", "crowded"):  # a rate begins at 0
    REFUSED.add(_why, by=0)


def _gauge(
    name: str, help: str, *labels: str, mode: Literal["mostrecent", "livesum"] = "mostrecent"
) -> Gauge:
    """`mode`: how the values of several processes become one."""
    return Gauge(name, help, labels, registry=REGISTRY, multiprocess_mode=mode)


_CONNECTIONS = _gauge(
    "recoup_http_connections", "Connections that are open, and their limit", "kind", mode="livesum"
)
_CROWDED = _gauge(
    "recoup_http_connections_refused",
    "Connections that met a limit since the start",
    mode="livesum",
)
_MEMORY = _gauge("recoup_memory_bytes", "Memory of the processes", "part", mode="livesum")
_LOG_WAITING = _gauge(
    "recoup_log_waiting_bytes", "Of log lines that nobody has read yet", mode="livesum"
)
_PAGE: Final = resource.getpagesize()


@cache
def _certificate_days() -> Gauge:
    """Made only where there is a certificate."""
    return _gauge("recoup_tls_certificate_days", "Days until the certificate of the doors ends")


def note_doors(connections: Connections, certificate: Certificate | None) -> None:
    """Notes the doors of this process, each second."""
    _CONNECTIONS.labels("open").set(len(connections))
    _CONNECTIONS.labels("limit").set(connections.limits.total)
    _CROWDED.set(connections.refused)
    if certificate is not None:
        _certificate_days().set((certificate.ends - Clocks().wall()) / timedelta(days=1))


async def watch_process(part: str) -> None:
    """Notes each second how late the event loop is, how much memory the process has, and what waits
    to be logged. Until cancelled."""
    while True:
        due = monotonic() + 1.0
        await asyncio.sleep(1.0)
        LOOP_LAG.add(part, by=max(0.0, monotonic() - due))
        _MEMORY.labels(part).set(_memory())
        _LOG_WAITING.set(getattr(sys.stderr, "waiting_bytes", 0))


def _memory() -> int:
    """Bytes; the most that it ever had where the system does not say what it has."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


class Ended:
    """Counts and times each call by its operation when it ends, and writes its log line.
    `operations`: the paths of all routes, with their variables' names; a call to any other path is
    `other`."""

    def __init__(self, operations: Iterable[str] = ()) -> None:
        self.operations = set(operations)

    def __call__(
        self, scope: Scope, status: int, seconds: float, template: str | None = None
    ) -> None:
        """`template`: the path's, where it is known."""
        if template is None:
            template = template_of(scope)
        if template not in self.operations:
            template = OTHER
        method = scope["method"]
        operation = f"{method if method in _METHODS else OTHER} {template}"
        CALLS.add(operation, str(status))
        SECONDS.add(operation, by=seconds)
        if template not in QUIET:
            kept = state(scope)
            world, code, ms = (
                "live" if kept.get("live") else "sandbox",
                kept.get("refused_with"),
                round(seconds * 1000),
            )
            line("call", world=world, operation=operation, status=status, ms=ms, code=code)


class Gauges:
    """Findings of one scrape."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, tuple[str, ...]], dict[tuple[str, ...], float]] = {}

    def add(self, name: str, help: str, value: float, **labels: str) -> None:
        self._found.setdefault((name, help, tuple(labels)), {})[tuple(labels.values())] = value

    def __iter__(self) -> Iterator[Metric]:
        for (name, help, labels), values in self._found.items():
            family = GaugeMetricFamily(name, help, labels=labels)
            for of, value in values.items():
                family.add_metric(of, value)
            yield family


class Add(Protocol):
    """Adds a gauge of one world."""

    def __call__(self, name: str, help: str, value: float, **labels: str) -> None: ...


async def _state(world: World, slot: str, add: Add) -> None:
    ago = await beaten_ago(world)
    seconds = float("inf") if ago is None else ago / timedelta(seconds=1)
    add(
        "recoup_quarantine",
        "1 while the database knows less than was seen of it",
        world.standing.is_quarantined,
    )
    add(
        "recoup_restored_unexplained",
        "Movements in processors' books that no order explains",
        await unexplained(world),
    )
    add("recoup_worker_alive_seconds", "Since a worker last said that it lives", seconds)
    async with world.db.connection() as connection:
        add("recoup_database_writable", WRITABLE, await is_writable(connection))
        add(
            "recoup_database_room",
            "0 while the server cannot write a megabyte",
            await has_room(connection),
        )
        off = await standing_stop(connection) is not None
        condition = await read_condition(connection)
        dead = await read_dead_rows(connection)
        days_left = await read_days_left(connection, world.clocks.wall())
        overflown = await read_overflown(connection)
        lag = await lag_bytes(connection, slot)
        damaged = [page.of_table for page in await damaged_pages(connection)]
    if world.opening is not None:
        refusing = sum(line.verdict == "refuse" for line in world.opening.lines)
        add("recoup_live_refusals", "Lines of the live check that refuse", refusing)
        add("recoup_live_shut", "1 while the doors of live do not open", world.opening.is_shut)
    add("recoup_sending_off", "1 while all sending is switched off", off)
    text = "Transactions since the oldest snapshot that a session holds"
    add("recoup_oldest_snapshot_transactions", text, condition.snapshot_age)
    add(
        "recoup_database_blocked_seconds",
        "Longest wait for a lock in the database",
        condition.blocked_seconds,
    )
    add(
        "recoup_database_damaged_pages",
        "Pages of the database whose checksum was wrong",
        condition.damaged_pages,
    )
    for table in set(damaged):
        text = "Pages that cannot be read"
        add("recoup_table_damaged_pages", text, damaged.count(table), table=table)
    if lag is not None:
        add(
            "recoup_copy_lag_bytes", "Bytes of the database's log that Barman has not received", lag
        )
    for table, rows in dead.items():
        add("recoup_dead_rows", "Rows that died and are not cleared", rows, table=table)
    if isinstance(world.clocks, DatabaseClocks):
        text = "By how much this machine's clock is ahead of the database's"
        add("recoup_clock_ahead_seconds", text, world.clocks.ahead_seconds)
    for table, days in days_left.items():
        add(
            "recoup_partition_days_left",
            "Days until a table's newest partition ends",
            days,
            table=table,
        )
        text = "1 when rows fell into a table's default partition"
        add("recoup_partition_overflown", text, table in overflown, table=table)


async def _work(world: World, add: Add) -> None:
    backlog = await read_backlog(world.db, world.clocks.wall())
    for kind, number in backlog.waiting.items():
        add("recoup_backlog", "What waits, by kind", number, kind=kind)
    for kind, seconds in backlog.late_seconds.items():
        text = (
            "How late the oldest is: due work by kind, feed, pages, deliveries to receivers "
            "that answer"
        )
        add("recoup_late_seconds", text, seconds, kind=kind)
    for kind, number in ({"any": 0} | backlog.failing).items():
        add(
            "recoup_failing_work",
            "Due work that has ended in an error at least five times",
            number,
            kind=kind,
        )
    add(
        "recoup_failing_mails",
        "Mails that four tries could not send",
        (await failing_mails(world))[0],
    )
    text = "Age of the oldest attempt whose outcome is not known"
    add("recoup_unknown_seconds", text, backlog.unknown_seconds)
    month = world.clocks.wall().date().replace(day=1)
    text = (
        "Highest share of a monitoring programme's threshold that a merchant number has this month"
    )
    for network, share in (await highest_shares(world.db.reader, month)).items():
        add("recoup_monitoring_share", text, share, network=network)


async def _routes(world: World, add: Add) -> None:
    """The operator's routes by name; merchants' own together."""
    now = world.clocks.wall()
    sums = await sums_between(world.db, now - timedelta(days=1), now + timedelta(hours=1))
    unread = await unread_kinds(world.db, now - UNREAD_SHOWN)
    refused, requests, notices, silent = (
        dict[str, int](),
        dict[str, int](),
        dict[str, int](),
        dict[str, int](),
    )
    quiet = {row.name for row in await silent_routes(world.db, now)}
    for row in await stored_routes(world.db):
        route = row.name if world.routes.is_for_all(row.name) else OWN
        silent[route] = silent.get(route, 0) + (row.name in quiet)
        refused[route] = refused.get(route, 0) + row.is_refused
        requests[route] = requests.get(route, 0) + (
            sums[row.name].refused if row.name in sums else 0
        )
    for kind in unread:
        route = kind.route if world.routes.is_for_all(kind.route) else OWN
        notices[route] = notices.get(route, 0) + kind.count
    for name, text, by_route in (
        (
            "recoup_route_account_refused",
            "Routes whose processor refuses our account or its key",
            refused,
        ),
        (
            "recoup_route_refused_requests",
            "Requests refused as wrong in the last 24 hours",
            requests,
        ),
        (
            "recoup_route_silent",
            "Routes whose processor has answered nothing although attempts were sent",
            silent,
        ),
        (
            "recoup_unread_notices",
            "Signed notices of kinds that this release does not read",
            notices,
        ),
    ):
        for route, number in by_route.items():
            add(name, text, number, route=route)


async def _look(world: World, slot: str, add: Add) -> None:
    """A database that does not answer is a finding, too: what of it answers in time is told. One
    that is read-only takes no new connection of ours. `slot`: of Barman."""
    parts = [
        asyncio.create_task(coroutine)
        for coroutine in (
            _state(world, slot, add),
            _work(world, add),
            *([_routes(world, add)] if world.cell == FIRST_CELL else []),
        )
    ]
    done, late = await asyncio.wait(parts, timeout=WORLD_SECONDS_MAX)
    for task in late:
        task.cancel()
    errors = [error for task in done if (error := task.exception()) is not None]
    for error in errors:
        if not isinstance(error, (Problem, TimeoutError)):
            raise error
    causes = [error.__cause__ for error in errors]
    is_read_only = any(
        isinstance(cause, asyncpg.exceptions.TargetServerAttributeNotMatched) for cause in causes
    )
    if is_read_only:
        add("recoup_database_writable", WRITABLE, 0)
    is_up = is_read_only or len(errors) < len(done)
    add("recoup_database_up", "0 while the database does not answer", is_up)


async def _gauges(worlds: Sequence[World], data_dir: Path) -> Gauges:
    gauges = Gauges()
    free: float = 0  # of a folder that cannot be read: its alert is due
    with suppress(OSError):
        free = shutil.disk_usage(data_dir).free
    gauges.add("recoup_disk_free_bytes", "Free bytes of the data folder's disk", free)
    age: float | None = math.inf
    with suppress(Problem):
        age = age_seconds(data_dir, Clocks().wall())
    if age is not None:
        gauges.add("recoup_copy_age_seconds", "Age of the newest copy of the databases", age)
    slot = slot_of(data_dir)
    await asyncio.gather(
        *(_look(world, slot, partial(gauges.add, world=world.known_as)) for world in worlds)
    )
    return gauges


def _counts() -> Iterable[Metric]:
    """Counts of this process, or of all that count with it."""
    if not is_shared():
        return REGISTRY.collect()
    collector = MultiProcessCollector(CollectorRegistry())  # type: ignore[no-untyped-call]
    metrics: Iterable[Metric] = collector.collect()  # type: ignore[no-untyped-call]
    return metrics


def is_shared() -> bool:
    """True when /metrics of another process covers this one, too."""
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


class _Scraped(Collector):
    def __init__(self, find: Callable[[], Iterable[Metric]]) -> None:
        self._find = find

    def collect(self) -> Iterator[Metric]:
        yield from _counts()
        yield from self._find()


async def scrape(worlds: Sequence[World], data_dir: Path) -> tuple[bytes, str]:
    """Text and content type."""
    gauges = await _gauges(worlds, data_dir)
    return generate_latest(_Scraped(lambda: gauges)), CONTENT_TYPE_LATEST


class _Beside(ThreadingMixIn, WSGIServer):
    """Server at a socket that other processes may have, too: each takes whom it is the first to
    see."""

    daemon_threads = True

    def __init__(self, at: socket, find: Callable[[], Gauges]) -> None:
        registry = CollectorRegistry()
        registry.register(_Scraped(find))
        super().__init__(at.getsockname()[:2], _Quiet, bind_and_activate=False)
        self.socket.close()
        self.socket = at
        self.server_name, self.server_port = at.getsockname()[:2]
        self.setup_environ()
        self.set_app(make_wsgi_app(registry))


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve_beside(at: socket, worlds: Sequence[World], data_dir: Path) -> Callable[[], None]:
    """Serves /metrics from a thread, for a process without doors; answers what ends it."""
    loop = asyncio.get_running_loop()

    def find() -> Gauges:
        return asyncio.run_coroutine_threadsafe(_gauges(worlds, data_dir), loop).result(
            4 * WORLD_SECONDS_MAX
        )

    at.setblocking(False)
    server = _Beside(at, find)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join(1)

    return end
