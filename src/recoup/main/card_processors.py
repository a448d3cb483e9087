"""Opens the processors of a world's card routes: the one that each world has by its plain settings, and
`[[routes]]`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from recoup.flows.card_routes import CardRoutes
from recoup.gateways.cards.bridge import Bridge, NoProcessor
from recoup.gateways.cards.kinds import KINDS, Connection, SimulatedIssuer
from recoup.gateways.cards.port import Processor
from recoup.main.route_settings import RouteSettings
from recoup.main.settings import Settings
from recoup.rules.network.magic import WORLD_ROUTE
from recoup.rules.rescue.route_terms import RouteTerms

if TYPE_CHECKING:
    from recoup.gateways.cards.kinds import OpenProcessor


class CardProcessors(NamedTuple):
    """By route, in the settings' order, and the terms of those that have some."""

    processors: dict[str, Processor]
    terms: tuple[RouteTerms, ...]

    def routes(self) -> CardRoutes:
        return CardRoutes(self.terms)


@asynccontextmanager
async def sandbox_processors(settings: Settings, issuer: SimulatedIssuer) -> AsyncIterator[CardProcessors]:
    """The simulated one, a plugged world, and the sandbox's routes. Raises: Problem(invalid)."""
    simulated = KINDS["simulated"].make(Connection("sandbox", acceptor="sandbox"), issuer)
    own: list[OpenProcessor] = [simulated]
    plugged = plugged_world(settings, simulated.acceptor_id)
    if plugged is not None:
        own.append(plugged)
    async with _opened(own, _of(settings, "sandbox"), issuer) as found:
        yield found


@asynccontextmanager
async def live_processors(settings: Settings) -> AsyncIterator[CardProcessors]:
    """The bridge of the plain settings, and the live world's routes. Raises: Problem(invalid) for settings that no card
    may be sent by."""
    routes = _of(settings, "live")
    own: list[OpenProcessor] = []
    if settings.live_processor_url:
        bridge = Bridge(
            settings.live_processor_url,
            secret=settings.live_processor_secret,
            takes_files=settings.live_processor_files,
            acceptor_id=settings.live_acceptor_id,
        )
        own.append(bridge)
    elif not routes:
        own.append(NoProcessor())
    async with _opened(own, routes, None) as found:
        yield found


def plugged_world(settings: Settings, acceptor_id: str) -> Bridge | None:
    """The world that answers for its own cards, where one is set. Raises: Problem(invalid) for settings that no card
    may be sent by."""
    if not settings.sandbox_processor_url:
        return None
    return Bridge(
        settings.sandbox_processor_url,
        secret=settings.sandbox_processor_secret,
        acceptor_id=acceptor_id,
        name=WORLD_ROUTE,
        settled_after=timedelta(seconds=1),
        world="sandbox",
    )


def _of(settings: Settings, world: str) -> list[RouteSettings]:
    return [one for one in settings.routes if one.world == world]


@asynccontextmanager
async def _opened(
    own: "list[OpenProcessor]", routes: list[RouteSettings], issuer: SimulatedIssuer | None
) -> AsyncIterator[CardProcessors]:
    """Closes all of them at the end."""
    async with AsyncExitStack() as stack:
        for one in own:
            stack.push_async_callback(one.close)
        processors: dict[str, Processor] = {one.name: one for one in own}
        for route in routes:
            made = KINDS[route.kind].make(route.connection, issuer)
            stack.push_async_callback(made.close)
            processors[made.name] = made
        plain = tuple(_terms_of(one) for one in own if one.name != WORLD_ROUTE)
        yield CardProcessors(processors, (*plain, *(route.terms for route in routes)))


def _terms_of(processor: Processor) -> RouteTerms:
    """Of one that has no table of its own."""
    return RouteTerms(processor.name, cards="card" in processor.takes, stored="stored" in processor.takes)
