"""Card routes as the operator sees them: their state, what came back by them, and the switch of
each."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from recoup.audit import moves as audit
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.routes.rules.breaker import Standing
from recoup.routes.store.card_routes import (
    RouteSums,
    StoredRoute,
    mend_route,
    resume_route,
    stop_route,
    stored_routes,
    sums_between,
)

SHOWN: Final = timedelta(days=7)
WHY_MAX: Final = 200
OWN_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class RouteState:
    """`listed`: it takes new charges, by the settings or as a merchant's connected account. `sums`
    of the last seven days, None where nothing came back."""

    row: StoredRoute
    breaker: Standing
    listed: bool
    sums: RouteSums | None

    @property
    def approval(self) -> float | None:
        """Approval rate among the answers."""
        answers = self.sums.approved + self.sums.declined if self.sums is not None else 0
        return self.sums.approved / answers if self.sums is not None and answers else None


async def read_route_states(world: World) -> list[RouteState]:
    """States of routes in the settings' order; then merchants' own, fifty at most, those with
    trouble before others; those that left last."""
    now = world.clocks.wall()
    rows = await stored_routes(world.db)
    sums = await sums_between(world.db, now - SHOWN, now + timedelta(hours=1))
    order = [terms.name for terms in world.routes.terms(world.processors)]
    states = [
        RouteState(
            row,
            row.breaker.standing(now),
            row.name in order or row.connection == "connected",
            sums.get(row.name),
        )
        for row in rows
    ]
    own = sorted((state for state in states if state.row.connection is not None), key=_is_well)
    others = [state for state in states if state.row.connection is None]
    named = sorted(
        (other for other in others if other.listed), key=lambda other: order.index(other.row.name)
    )
    return [*named, *own[:OWN_MAX], *(other for other in others if not other.listed)]


def _is_well(route: RouteState) -> bool:
    return route.listed and route.breaker == "closed" and route.row.stopped_at is None


async def switch_off(
    world: World, name: str, why: str, actor: str, scope: Scope | None = None
) -> bool:
    """Switches a route off: no new send goes by it, within a second everywhere; what is open is
    still inquired. False when it is off already. `scope`: of who does it in the portal.

    Raises: Problem(not_found); Problem(invalid) for no reason, or one that is too long.
    """
    why = checked_reason(why)
    await _check(world, name)
    async with world.db.transaction() as tx:
        done = await stop_route(tx, new_id(), name, why, actor, world.clocks.wall())
        if done and scope is not None:
            await audit.note(
                tx, scope, world.clocks.wall(), "route.off", "", {"route": name, "why": why}
            )
    world.routes.forget()
    return done


async def switch_on(world: World, name: str, actor: str, scope: Scope | None = None) -> bool:
    """Whoever does it says, too, that what its processor refused the account for is mended. False
    when it was neither off nor refused. Raises: Problem(not_found)."""
    await _check(world, name)
    async with world.db.transaction() as tx:
        mended = await mend_route(tx, name) is not None
        done = await resume_route(tx, name, actor, world.clocks.wall()) or mended
        if done and scope is not None:
            await audit.note(tx, scope, world.clocks.wall(), "route.on", "", {"route": name})
    world.routes.forget()
    return done


def checked_reason(why: str) -> str:
    """Raises: Problem(invalid) for no reason, or one that is too long."""
    why = " ".join(why.split())
    if not why or len(why) > WHY_MAX:
        message = Sentence("A reason of up to {0} characters is required.", WHY_MAX)
        raise invalid(message, "reason", "Say why: it is shown with the switch.")
    return why


async def _check(world: World, name: str) -> None:
    rows = await stored_routes(world.db)
    if all(row.name != name for row in rows):
        names = ", ".join(row.name for row in rows if row.connection is None)
        message = Sentence("There is no card route {0}.", name[:40])
        raise Problem("not_found", message, field="name", cure=Sentence("There are {0}.", names))
