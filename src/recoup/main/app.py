"""The HTTP application: every door behind the shared edge."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from recoup import __version__
from recoup.imports.api import SIZES as IMPORT_SIZES
from recoup.imports.flows import FILE_BYTES_MAX as IMPORT_BYTES_MAX
from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Services
from recoup.keys.flows.call_log import CallLog
from recoup.kit.api.errors import refusal as rescue_refusal
from recoup.kit.beside import beside
from recoup.kit.edge.asgi import (
    App,
    Receive,
    Refusal,
    Refuse,
    Scope,
    Send,
    answer_headers,
    send_refusal,
    state,
)
from recoup.kit.edge.called import note_call, template_of
from recoup.kit.edge.connections import Connections, Limits
from recoup.kit.edge.crowded import crowded
from recoup.kit.edge.entry import Entry, Hosts
from recoup.kit.edge.limits import Minutes
from recoup.kit.edge.proxies import Proxies
from recoup.kit.edge.rate import Buckets, client_address, gate
from recoup.kit.edge.which_world import ByWorld
from recoup.kit.world import World
from recoup.main import stablecoin_api as stablecoin
from recoup.main.api import routes as rescue_routes
from recoup.main.databases import Databases
from recoup.main.door_server import DoorServer
from recoup.main.extension_check import extension_troubles
from recoup.main.heap import settle_heap
from recoup.main.metrics import Ended, scrape, watch_process
from recoup.main.probes import probes
from recoup.main.settings import Settings
from recoup.main.which_cell import ByCell
from recoup.main.worlds import DOORS, Running, open_worlds
from recoup.notices.api.errors import refusal as inbound_refusal
from recoup.notices.api.notices import routes as inbound_routes
from recoup.notices.api.receiver import routes as receiver_routes
from recoup.notices.api.signed import routes as signed_routes
from recoup.people.page.known_before import (
    FILE_BYTES_MAX,
    FILES,
    FORM_BYTES,
    IMPORTS,
    SESSION_COOKIE,
    UPLOADS,
)
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.api.resource import Services as StablecoinServices
from recoup.stablecoin.api.resource import make_services as make_stablecoin_services
from recoup.stablecoin.api.resource import refusal as stablecoin_refusal
from recoup.uploads.api import SIZES as UPLOAD_SIZES
from recoup.uploads.api import readers
from recoup.uploads.flows.take import FILE_BYTES_MAX as UPLOAD_BYTES_MAX

NOTE_SECONDS: Final = 0.3
_NOT_HERE: Final = Problem(
    "forbidden",
    "Metrics are told to callers on this machine only.",
    cure="Set metrics_address (RECOUP_METRICS_ADDRESS) to an address of their own, like "
    "10.0.0.5:9400.",
)


def _metrics(opened: Sequence[Running]) -> Route:
    async def metrics(request: Request) -> Response:
        text, kind = await scrape(
            [running.world for running in opened], opened[0].settings.data_dir
        )
        for running in opened:
            if running.world.opening is not None:
                with contextlib.suppress(Problem, TimeoutError):  # the scrape has said so
                    async with asyncio.timeout(NOTE_SECONDS):
                        await running.world.opening.note_read()
        return Response(text, media_type=kind)

    return Route("/metrics", metrics)


def local_metrics(opened: Sequence[Running], refuse: Refuse) -> Route:
    """Metrics at the doors, which may be open to the world: for this machine only."""
    inner = _metrics(opened).app

    async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
        if _is_local(scope):
            await inner(scope, receive, send)
        else:
            await send_refusal(send, refuse(scope, _NOT_HERE))

    return Route("/metrics", _App(metrics))


class _App:
    """Wrapper that a route takes for an application and not for a function of a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is None or ip_address(client[0]).is_loopback
    except ValueError:
        return False


class _Beside(DoorServer):
    """Signals are the doors' own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def metrics_door(
    at: socket.socket, opened: Sequence[Running], refuse: Refuse
) -> AsyncIterator[None]:
    """/metrics alone, at an address of its own."""
    app: Any = Starlette(routes=[_metrics(opened)])
    connections = Connections(
        Limits(total=32, per_address=32, spare=4), crowded(app, refuse), Proxies("")
    )
    server = _Beside(app, connections, log_level="warning", lifespan="off")
    serving = asyncio.create_task(server.serve(sockets=[at]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


log = structlog.get_logger()
LARGER: Final = {
    FILES: FILE_BYTES_MAX,
    UPLOADS: UPLOAD_BYTES_MAX + FORM_BYTES,
    IMPORTS: IMPORT_BYTES_MAX + FORM_BYTES,
}


def refuse(scope: Scope, problem: Problem) -> Refusal:
    """Refuses before a door is reached: the path chooses the dialect."""
    path: str = scope["path"]
    if path.startswith("/inbound/"):
        return inbound_refusal(scope, problem)
    return (stablecoin_refusal if path.startswith("/api/") else rescue_refusal)(scope, problem)


def _who_reads(scope: Scope) -> str | None:
    """Pages of the documentation are counted by address: they are for strangers, and large."""
    path: str = scope["path"]
    counts = path == "/docs" or path.startswith("/docs/") or path.endswith("/openapi.json")
    return client_address(scope) if counts else None


def _who_signs_in(scope: Scope) -> str | None:
    """Address of a caller who asks for a token, who is counted by it; all other calls by their
    key."""
    path: str = scope["path"]
    return client_address(scope) if path.startswith("/v1/oauth2/") else None


def _stay_secure(scope: Scope) -> None:
    """Adds the HSTS header, where TLS ends here. Source: RFC 6797."""
    answer_headers(scope).append((b"strict-transport-security", b"max-age=31536000"))


async def _no_path(scope: Scope, receive: Receive, send: Send) -> None:
    cure = "Check the path; the APIs live under /v1 and /api/v1, the portal at /orders."
    problem = Problem("no_such_path", "There is nothing at this path.", cure=cure)
    await send_refusal(send, refuse(scope, problem))


class Doors:
    """Doors of one world. A path without variables goes straight to its resource, any other to
    those that begin as it does: asking each route in turn costs a busy door most. `operations`: the
    paths, their variables by their names; of both worlds together."""

    def __init__(
        self, routes: Iterable[BaseRoute] = (), operations: set[str] | None = None
    ) -> None:
        self._exact: dict[str, App] = {}
        self._below: dict[str, Router] = {}
        self._rest = (
            _router()
        )  # what may be anywhere, in its order among the others: `/audit.{form}`
        self.operations = set[str]() if operations is None else operations
        self._more: Callable[[], Iterable[BaseRoute]] | None = None
        self._adding: asyncio.Task[None] | None = None
        for route in routes:
            self.add(route)

    def add_later(self, more: Callable[[], Iterable[BaseRoute]]) -> None:
        """Routes that are made when a path is first called that none of the others begins like: a
        door that only programs call has no pages."""
        self._more = more

    def add(self, route: BaseRoute) -> None:
        assert isinstance(route, Route)
        self.operations.add(route.path_format)
        if route.methods is None and "{" not in route.path:
            self._exact[route.path] = route.app
            return
        place = _place(route.path)
        if "{" in place:
            for router in (self._rest, *self._below.values()):
                router.routes.append(route)
        else:
            self._below.setdefault(place, _router(self._rest.routes)).routes.append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        app = self._exact.get(path)
        if app is None:
            if self._more is not None and _place(path) not in self._below:
                self._adding = self._adding or asyncio.create_task(self._add_more(self._more))
                await asyncio.shield(self._adding)
            app = self.router_of(path)
        await app(scope, receive, send)

    async def _add_more(self, more: Callable[[], Iterable[BaseRoute]]) -> None:
        """Others are answered meanwhile."""
        try:
            for route in await asyncio.to_thread(more):
                self.add(route)
            self._more = None
            gc.freeze()
        finally:
            self._adding = None

    def router_of(self, path: str) -> Router:
        """Router of the routes that are asked in turn."""
        return self._below.get(_place(path), self._rest)


def _router(routes: Sequence[BaseRoute] = ()) -> Router:
    return Router(list(routes), redirect_slashes=False, default=_no_path)


def _place(path: str) -> str:
    """Beginning of the paths of one thing: `/orders`, `/v1/orders`, `/api/v1/orders`."""
    parts = path.split("/", 4)
    return "/".join(parts[: 3 if parts[1:2] == ["v1"] else 4 if parts[1:2] == ["api"] else 2])


def door_routes(services: Services, stable: StablecoinServices) -> list[BaseRoute]:
    """Every address of every door over one world, in the order in which they are tried."""
    return [*_called_by_programs(services, stable), *_read_by_people(services)]


def _called_by_programs(services: Services, stable: StablecoinServices) -> list[BaseRoute]:
    world, orders = services.world, services.get(Orders)
    return [
        *rescue_routes(services),
        *stablecoin.routes(stable),
        *inbound_routes(world, orders),
        *signed_routes(world, orders),
        *receiver_routes(world),
    ]


def _read_by_people(services: Services) -> list[BaseRoute]:
    from recoup.checkout.routes import routes as checkout_routes
    from recoup.docs.routes import routes as docs_routes
    from recoup.main.docs import dialects
    from recoup.main.portal import routes as portal_routes

    world, orders, merchants = services.world, services.get(Orders), services.merchants
    return [
        *checkout_routes(world, orders, merchants),
        *docs_routes(world, dialects(), __version__),
        *portal_routes(world, orders, merchants, readers()),
    ]


def _open_doors(
    settings: Settings,
    running: Running,
    doors: Doors,
    is_ending: Callable[[], bool],
    minutes: Minutes,
) -> None:
    """All of one cell's."""
    services = Services(
        running.world,
        running.orders,
        rate_per_second=settings.rate_per_second,
        url=settings.url,
        payer_calls_per_minute=settings.payer_calls_per_minute,
        is_ending=is_ending,
        minutes=minutes,
    )
    stable = make_stablecoin_services(
        running.world,
        running.orders,
        settings.url,
        settings.rate_per_second,
        services.merchants,
        reads_once=settings.single_use_reads,
        limits=services.limits,
    )
    for route in _called_by_programs(services, stable):
        doors.add(route)
    doors.add_later(partial(_read_by_people, services))


def _open_cells(
    settings: Settings, first: Running, by_cell: ByCell[Doors], is_ending: Callable[[], bool]
) -> None:
    """All of one world's, of each cell its own."""
    by_cell.world, minutes = first.world, Minutes()  # of a partner over all cells
    for cell in first.cells:
        doors = by_cell.cells.setdefault(cell.world.cell, Doors((), by_cell.first.operations))
        _open_doors(settings, cell, doors, is_ending, minutes)


def _once_open(world: World, doors: App) -> App:
    """The doors of live, which are shut as long as its check says so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if world.opening is not None:
            world.opening.check(scope["path"], scope["method"])
        await doors(scope, receive, send)

    return app


def make_app(
    settings: Settings,
    databases: Databases,
    is_draining: Callable[[], bool] = bool,
    metrics_at: socket.socket | None = None,
) -> App:
    """Opens the worlds when the server starts and closes them when it stops. `is_draining`: no new
    calls, please. `metrics_at`: where /metrics is served beside the doors; None: at the doors."""
    opened: list[Running] = []
    logs: dict[str, CallLog] = {}
    probing = AsyncExitStack()

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async with open_worlds(settings, databases, DOORS) as (running, live):
            for each in (running, live):
                opened.extend(each.cells if each is not None else ())
            for each in opened:
                async for problem in extension_troubles(each.world):
                    log.warning(
                        "package unavailable", world=each.world.name, why=problem.sentence()
                    )
            _open_cells(settings, running, by_cell, is_draining)
            if live is not None:
                by_world.live_routes = live.world.processors  # merchants may connect more
                live_cells = ByCell(Doors((), sandbox.operations))
                _open_cells(settings, live, live_cells, is_draining)
                by_world.live = _once_open(live.world, live_cells)
            async with AsyncExitStack() as stack:
                stack.push_async_callback(probing.aclose)
                if metrics_at is not None:
                    await stack.enter_async_context(metrics_door(metrics_at, opened, refuse))
                for each in opened:
                    noted = logs[each.world.known_as] = CallLog(each.world)
                    await stack.enter_async_context(beside(noted.run()))
                    await stack.enter_async_context(each.world.key_endings.heard())
                ended.operations = sandbox.operations
                settle_heap()
                await stack.enter_async_context(beside(watch_process("doors")))
                yield

    def answered(scope: Scope, status: int, seconds: float) -> None:
        template = template_of(scope)
        ended(scope, status, seconds, template)
        log = logs.get(
            ("live" if state(scope).get("live") else "sandbox") + state(scope).get("cell", "")
        )
        if log is not None:
            note_call(log.note, scope, status, seconds, template)

    ended = Ended()
    sandbox = Doors(probes(opened, is_draining, probing))
    if metrics_at is None:
        sandbox.add(local_metrics(opened, refuse))
    by_cell = ByCell(sandbox)
    by_world = ByWorld(by_cell, SESSION_COOKIE)
    return Entry(
        by_world,
        refuse,
        lifespan=Router(lifespan=lifespan),
        proxies=Proxies(settings.behind_proxy),
        hosts=Hosts(settings.hosts),
        larger=LARGER,
        streamed=UPLOAD_SIZES | IMPORT_SIZES,
        gates=(
            gate(Buckets(per_second=20, burst=300, name="docs "), _who_reads),
            gate(Buckets(per_second=20, burst=200, name="sign-in "), _who_signs_in),
            *([_stay_secure] if settings.tls_cert else []),
        ),
        answered=answered,
    )
