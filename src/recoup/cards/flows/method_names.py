"""Names of a stored payment method here: the merchant's route and a keyed hash of the processor's
id of it."""

from dataclasses import replace
from uuid import UUID

from recoup.kit.world import World
from recoup.processors.gateways.credential import Stored


def with_route(world: World, merchant_id: UUID, given: Stored | None) -> Stored | None:
    """A processor's kind stands for the merchant's route of that kind, as long as there is only
    one."""
    if given is None or given.route in world.processors:
        return given
    own = [
        name
        for name in routes_for_methods(world, merchant_id)
        if world.processors[name].kind == given.route
    ]
    return replace(given, route=own[0]) if len(own) == 1 else given


def routes_for_methods(world: World, merchant_id: UUID) -> list[str]:
    """Routes of this merchant that take stored methods."""
    terms = world.routes.terms(world.processors, merchant_id)
    return [term.name for term in terms if "stored" in world.processors[term.name].takes]


def method_id_of(world: World, merchant_id: UUID, given: Stored) -> UUID:
    """The same for the same method; nothing needs to be looked up."""
    method_id: UUID = world.keys.derived_id(
        "stored-method", merchant_id.bytes, given.route, given.id, given.customer or ""
    )
    return method_id
