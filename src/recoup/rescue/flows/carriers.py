"""Routes for a merchant's charges, what each of their processors takes, and whether any can ask a
customer to confirm."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from recoup.kit.world import World
from recoup.networks.magic import WORLD_ROUTE, is_world_bin
from recoup.networks.tables import region_of
from recoup.processors.rules.route_terms import (
    CARD,
    Carried,
    Refuses,
    RouteTerms,
    takes_numbers,
    why_not,
)

if TYPE_CHECKING:
    from recoup.orders.rules.snapshot import Order
    from recoup.processors.gateways.port import Authenticates, Processor


def routes_for(world: World, merchant_id: UUID) -> list[str]:
    """Routes by which a merchant's charges may have gone or may go."""
    return world.routes.visible(world.processors, merchant_id)


def routes_by_bin(world: World, merchant_id: UUID, bin: str) -> Iterable[str]:
    """A card of a plugged world goes to that world, no other card does."""
    if world.policy.magic_inputs and is_world_bin(bin):
        return [WORLD_ROUTE]
    return [name for name in routes_for(world, merchant_id) if name != WORLD_ROUTE]


def refusals(
    world: World, routes: Iterable[RouteTerms], charge: Carried, *, confirmed: bool = False
) -> dict[str, Refuses]:
    """Refusals by route: what its processor does not take of such a charge. `confirmed`: its
    customer is to confirm it."""
    there = ((route.name, world.processors.get(route.name)) for route in routes)
    by_route = (
        (name, _refusal(processor, charge, confirmed=confirmed))
        for name, processor in there
        if processor is not None
    )
    return {name: refusal for name, refusal in by_route if refusal}


def may_confirm(world: World, order: "Order") -> bool:
    """True when a route that carries all of the order can ask its customer to confirm, or the
    routes are not read yet. What is switched off or not reachable for the moment counts: it may be
    back before the customer is done."""
    card = order.card
    stored_at = card.stored.route if card is not None and card.stored else None
    if card is None or not is_known(world, order.merchant_id, stored_at):
        return True
    by, names = stored_at or CARD, routes_by_bin(world, order.merchant_id, card.bin)
    charge = Carried(
        order.owed_units, order.asset, card.scheme, order.facts.get("country") or "", by
    )
    routes = world.routes.terms(names, order.merchant_id)
    refused = refusals(world, routes, charge, confirmed=True)
    return any(why_not(route, charge, refused.get(route.name)) is None for route in routes)


def region_at(world: World, order: "Order", route: str | None) -> str:
    """The region of the route's account; without a route, of all accounts that may charge the
    order, where they are in one region. Empty where the merchant's counts."""
    if route is not None:
        return world.routes.region_of(route)
    stored_at = order.card.stored.route if order.card is not None and order.card.stored else None
    return region_before(
        world, order.merchant_id, stored_at, order.card.bin if order.card is not None else ""
    )


def region_before(world: World, merchant_id: UUID, stored_at: str | None, bin: str = "") -> str:
    """The region as by `region_at`, before there is an order."""
    if not is_known(world, merchant_id, stored_at):
        return ""
    names = [stored_at] if stored_at is not None else routes_by_bin(world, merchant_id, bin)
    regions = {region_of(term.country) for term in world.routes.terms(names, merchant_id)}
    return regions.pop() if len(regions) == 1 else ""


def is_known(world: World, merchant_id: UUID, stored_at: str | None) -> bool:
    """True when this process has read the routes, including the one at which a card is stored,
    which another process may have connected a moment ago."""
    return world.routes.are_known and (
        stored_at is None or stored_at in routes_for(world, merchant_id)
    )


def may_enter_card(world: World, merchant_id: UUID) -> bool:
    """True when a customer's page takes the number of another card."""
    return world.keys.has_vault and takes_numbers(world.routes.terms(world.processors, merchant_id))


def confirms_by(
    world: World, merchant_id: UUID, stored_at: str | None, bin: str = ""
) -> "Authenticates":
    """The way a customer of this merchant confirms a payment, where any of its routes can ask for
    it. `stored_at`: the route whose processor keeps their card."""
    names = [stored_at] if stored_at is not None else list(routes_by_bin(world, merchant_id, bin))
    routes = world.routes.terms(names, merchant_id)
    there = (
        world.processors.get(route.name)
        for route in routes
        if (route.cards if stored_at is None else route.stored)
    )
    ways = {processor.authenticates for processor in there if processor is not None}
    return next((way for way in ("at_hand", "by_redirect") if way in ways), "never")


def _refusal(processor: "Processor", charge: Carried, *, confirmed: bool) -> Refuses | None:
    if confirmed and processor.authenticates == "never":
        return "authentication"
    if processor.carries(charge.units, charge.currency):
        return None
    return "currency" if processor.exponent(charge.currency) is None else "inexact"
