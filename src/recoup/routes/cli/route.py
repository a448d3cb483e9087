"""`recoup route`: the card routes of a world, switched off and on."""

from typing import Annotated, Any, Final

import click

from recoup.kernel.scope import Actor
from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed, picked
from recoup.merchants.cli import Opened, verb
from recoup.routes.flows.route_switches import RouteState, read_route_states, switch_off, switch_on

OPERATOR: Final = Actor("operator", "command").text()
BREAKERS: Final = {
    "closed": "reachable",
    "open": "not reachable",
    "trickle": "comes back",
    "refused": "refused",
}


@click.group()
def route() -> None:
    """Card routes: their state, and the switch of each."""


@verb(route, "list", json="Output as one JSON array.")
async def list_verb(opened: Opened) -> Printed:
    """Lists the routes in the order of the settings, with the approvals of the last seven days."""
    states = await read_route_states(opened.world)
    return Printed([_dict(state) for state in states], map(_line, states))


@verb(route)
async def off(
    opened: Opened, name: str, *, reason: Annotated[str, "Reason, shown with the route."]
) -> str:
    """Switches a route off: nothing new goes by it from a second later; what is open is still
    inquired."""
    done = await switch_off(opened.world, name, reason, OPERATOR)
    return f"The route {name} is off." if done else f"The route {name} was already off."


@verb(route)
async def on(opened: Opened, name: str) -> str:
    """Switches a route on again, also one whose processor refused the account or its key."""
    done = await switch_on(opened.world, name, OPERATOR)
    return f"The route {name} is on." if done else f"The route {name} was not off."


def _line(route: RouteState) -> str:
    row = route.row
    words = [f"{row.name:16}", f"{row.kind:10}", f"{BREAKERS[route.breaker]:14}"]
    words.append(
        f"{route.approval:.1%} approved" if route.approval is not None else "no answers yet"
    )
    if row.opened_at is not None:
        words.append(f"since {iso(row.opened_at)}")
    if row.stopped_at is not None:
        words.append(f"OFF since {iso(row.stopped_at)}: {row.why}")
    if route.sums is not None and route.sums.refused:
        words.append(
            f"{route.sums.refused} refused as wrong, last {row.refused_code or 'without a code'}"
        )
    if not route.listed:
        words.append("not in the settings: only asked about what is open")
    return "  ".join(words)


def _dict(route: RouteState) -> dict[str, Any]:
    row, sums = route.row, route.sums
    counts = "approved", "declined", "not_sent", "unknown", "refused"
    return {
        **picked(row, "name", "kind", "account", "acceptor"),
        "in_settings": route.listed,
        "breaker": route.breaker,
        "open_since": row.opened_at,
        "off_since": row.stopped_at,
        "off_reason": row.why,
        "off_by": row.actor,
        **(picked(sums, *counts) if sums else dict.fromkeys(counts, 0)),
        **picked(row, "refused_at", "refused_code"),
        "account_refused": row.is_refused,
    }
