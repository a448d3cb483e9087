"""Choice of the processor for a send, and whether another could take it."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, invalid
from recoup.kit.world import World
from recoup.orders.flows.external_call import processor_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.processors.rules.credential import TOKEN
from recoup.processors.rules.route_terms import CARD, Carried, check_carried
from recoup.rescue.flows.carriers import refusals, routes_by_bin, routes_for
from recoup.rescue.moves.close import Elsewhere
from recoup.rescue.moves.send import PickRoute, Route
from recoup.rescue.rules.route_by_worth import (
    TRICKLE,
    USUAL_CHANCE,
    WorthInput,
    another_stands_ready,
    chosen_route,
    failures_of,
)

_NO_TRICKLE: Final = 1  # a draw that tries no route which comes back


def route_of(world: World) -> PickRoute:
    """The choice of the processor for an order's next send."""

    def pick(change: Change, attempt: Attempt) -> Route:
        inputs = _inputs(world, change, attempt, attempt.attempt_id.int % TRICKLE)
        name = chosen_route(inputs)
        world.routes.expect(attempt.attempt_id, inputs.chance)
        processor = processor_of(world, name or "")
        acceptor_id = world.routes.acceptor_of(name, change.order.merchant.acceptor_id)
        terms = next((route.terms for route in inputs.routes if route.terms.name == name), None)
        return Route(
            name,
            processor.settled_after,
            inputs,
            acceptor_id,
            takes_tokens=TOKEN in processor.takes,
            region=change.order.region(name),
            fraud_rate=terms.fraud_rate if terms is not None else None,
        )

    return pick


def elsewhere(world: World) -> Elsewhere:
    """Tells whether a send proved not to have left can go by another route at once."""
    return lambda change, attempt: another_stands_ready(
        _inputs(world, change, attempt, _NO_TRICKLE)
    )


def check_other_card(
    world: World, order: Order, scheme: str, bin: str, stored_at: str | None
) -> None:
    """A card that takes the place of an order's. `stored_at`: the route whose processor keeps it.

    Raises: Problem(invalid) when no route carries the order with it.
    """
    charge = Carried(
        order.units, order.asset, scheme, order.facts.get("country") or "", stored_at or CARD
    )
    routes = world.routes.terms(routes_by_bin(world, order.merchant_id, bin), order.merchant_id)
    try:
        check_carried(routes, charge, refusals=refusals(world, routes, charge))
    except Problem as problem:
        raise invalid(problem.message, "CardToken", problem.cure) from None


def _inputs(world: World, change: Change, attempt: Attempt, draw: int) -> WorthInput:
    order = change.order
    by = order.card.stored.route if order.card and order.card.stored else CARD
    scheme = order.card.scheme if order.card else ""
    names = routes_by_bin(world, order.merchant_id, order.card.bin if order.card else "")
    only = (
        order.retry.policies.routes
        if order.retry.policies is not None and not order.by_customer
        else None
    )
    candidates = world.routes.candidates(names, order.merchant_id)
    candidates = tuple(
        candidate for candidate in candidates if only is None or candidate.terms.name in only
    )
    charge = Carried(attempt.units, attempt.asset, scheme, order.facts.get("country") or "", by)
    confirmed = attempt.authentication is not None and attempt.authentication.is_wanted
    refused = refusals(
        world, [candidate.terms for candidate in candidates], charge, confirmed=confirmed
    )
    return WorthInput(
        tuple(
            replace(candidate, refuses=refused.get(candidate.terms.name))
            for candidate in candidates
        ),
        charge,
        failures_of(order.attempts),
        USUAL_CHANCE if change.chance is None else change.chance,
        draw,
        change.now,
    )


def ways_of(world: World, merchant_id: UUID) -> int:
    """Number of ways one payment may be attempted at once, where each time it is proved that
    nothing was sent: its routes, and its card in place of a token."""
    return max(1, len(routes_for(world, merchant_id))) + bool(world.token_services)
