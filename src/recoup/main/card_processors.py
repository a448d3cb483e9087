"""Opens the processors of a world's card routes: the one that each world has by its plain settings,
`[[routes]]`, and, for asking only, those that left the settings."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from recoup.db.pool import Database
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.kit.beside import beside
from recoup.main.settings import Settings
from recoup.merchants.rules.countries import checked_country
from recoup.networks.magic import WORLD_ROUTE
from recoup.outside.keys.keyring import Keyring
from recoup.processors.gateways.asking_only import AskingOnly
from recoup.processors.gateways.bridge import Bridge, NoProcessor, check_bridge
from recoup.processors.gateways.kinds import KINDS, Connection, SimulatedIssuer
from recoup.processors.gateways.port import Processor
from recoup.processors.rules.route_terms import RouteTerms, without_vault
from recoup.routes.flows.card_routes import CardRoutes
from recoup.routes.flows.listed_routes import Left, Listed, list_in_database
from recoup.routes.flows.own_routes import OpenProcessors

if TYPE_CHECKING:
    from collections.abc import Callable

    from recoup.processors.gateways.kinds import OpenProcessor

KEEP_SECONDS: Final = 2.0
log = structlog.get_logger()


class CardProcessors(NamedTuple):
    """`processors` by route, in the settings' order."""

    processors: Mapping[str, Processor]
    routes: CardRoutes


class Ground(NamedTuple):
    """Ground of a world, which card processors are made on."""

    name: str
    db: Database
    keys: Keyring
    clocks: Clocks
    issuer: SimulatedIssuer | None = None


@asynccontextmanager
async def card_processors(settings: Settings, ground: Ground) -> AsyncIterator[CardProcessors]:
    """Raises: Problem(invalid) for settings that no card may be sent by, and for a route's name
    that stood for another processor."""
    plain = _own(settings, ground)
    own = plain + [
        Listed(
            route.name,
            route.kind,
            route.connection.account,
            route.connection.acceptor,
            route.connection,
        )
        for route in settings.routes
        if route.world == ground.name
    ]
    left = await list_in_database(ground.db, ground.keys, ground.clocks.wall(), own)
    async with AsyncExitStack() as stack:
        processors: dict[str, Processor] = {}

        def take(made: "OpenProcessor") -> None:
            stack.push_async_callback(made.close)
            processors[made.name] = made

        for own_route in own:
            take(
                KINDS[own_route.kind].make(
                    own_route.connection or Connection(own_route.name, acceptor=own_route.acceptor),
                    ground.issuer,
                )
            )
        plugged = plugged_world(settings, "sandbox") if ground.name == "sandbox" else None
        if plugged is not None:
            take(plugged)
        if not processors:
            take(NoProcessor())
        for gone in left:
            _take_left(take, gone, ground)
        terms = [_terms_of(processors[route.name], route.connection) for route in plain]
        terms += [route.terms for route in settings.routes if route.world == ground.name]
        if not ground.keys.has_vault:
            plugs = [_terms_of(plugged)] if plugged is not None else []
            terms = [without_vault(route_terms) for route_terms in (*plugs, *terms)][len(plugs) :]
        retired = [
            RouteTerms(route.connection.name, route.acceptor, country=route.connection.country)
            for route in left
        ]
        opened = OpenProcessors(processors, ground.keys)
        stack.push_async_callback(opened.close)
        routes = CardRoutes(terms, retired, ground.db, ground.clocks, opened)
        await routes.ready()
        async with beside(_keep(routes)):
            yield CardProcessors(opened, routes)


async def _keep(routes: CardRoutes) -> None:
    """Keeps the routes read: what merchants connect elsewhere is here some seconds later, without a
    call that would read it."""
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        await routes.ready()


def plugged_world(settings: Settings, acceptor_id: str) -> Bridge | None:
    """The world that answers for its own cards, where one is set. Raises: Problem(invalid) for
    settings that no card may be sent by."""
    if not settings.sandbox_processor_url:
        return None
    return Bridge(
        settings.sandbox_processor_url,
        secret=settings.sandbox_processor_secret,
        acceptor_id=acceptor_id,
        name=WORLD_ROUTE,
        simulates=True,
        settled_after=timedelta(seconds=1),
        world="sandbox",
    )


def _own(settings: Settings, ground: Ground) -> list[Listed]:
    """The sandbox's simulated route, or the bridge of the plain settings; each counts by the
    merchant's acceptor."""
    if ground.name == "sandbox":
        return [Listed("sandbox", "simulated", "", "sandbox", None)]
    if not settings.live_processor_url:
        return []
    check_bridge(
        settings.live_processor_url, settings.live_processor_secret, settings.live_acceptor_id
    )
    country = settings.live_processor_country
    connection = Connection(
        "bridge",
        url=settings.live_processor_url,
        key=settings.live_processor_secret,
        acceptor=settings.live_acceptor_id,
        world="live",
        takes_files=settings.live_processor_files,
        authenticates=settings.live_processor_authenticates,
        updater=settings.live_processor_updater,
        tokens=settings.live_processor_tokens,
        country=checked_country(country, "live_processor_country") if country else "",
    )
    return [Listed("bridge", "bridge", "", settings.live_acceptor_id, connection)]


def _terms_of(processor: Processor, connection: Connection | None = None) -> RouteTerms:
    """Terms of a processor that has no table of its own."""
    country = connection.country if connection is not None else ""
    takes = processor.takes
    return RouteTerms(
        processor.name, cards="card" in takes, stored="stored" in takes, country=country
    )


def _take_left(take: "Callable[[OpenProcessor], None]", gone: Left, ground: Ground) -> None:
    """Leaves what cannot be made any more to the fallback, which asks nobody."""
    try:
        take(AskingOnly(KINDS[gone.kind].make(gone.connection, ground.issuer)))
    except (Problem, LookupError) as error:
        log.warning(
            "card route cannot be asked any more",
            route=gone.connection.name,
            error=type(error).__name__,
        )
