"""`recoup route`: the card routes of a world, switched off and on."""

from typing import Final

import click

from recoup.kernel.scope import Actor
from recoup.kernel.time import iso
from recoup.merchants.cli import Run, in_world, show
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


@route.command("list")
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON array.")
@in_world
def list_verb(run: Run, as_json: bool) -> None:
    """Lists the routes in the order of the settings, with the approvals of the last seven days."""
    states = run(lambda opened: read_route_states(opened.world))
    show([_dict(state) for state in states], map(_line, states), as_json=as_json)


@route.command()
@click.argument("name")
@click.option("--reason", required=True, help="Reason, shown with the route.")
@in_world
def off(run: Run, name: str, reason: str) -> None:
    """Switches a route off: nothing new goes by it from a second later; what is open is still inquired."""
    done = run(lambda opened: switch_off(opened.world, name, reason, OPERATOR))
    click.echo(f"The route {name} is off." if done else f"The route {name} was already off.")


@route.command()
@click.argument("name")
@in_world
def on(run: Run, name: str) -> None:
    """Switches a route on again, also one whose processor refused the account or its key."""
    done = run(lambda opened: switch_on(opened.world, name, OPERATOR))
    click.echo(f"The route {name} is on." if done else f"The route {name} was not off.")


def _line(one: RouteState) -> str:
    row = one.row
    words = [f"{row.name:16}", f"{row.kind:10}", f"{BREAKERS[one.breaker]:14}"]
    words.append(f"{one.approval:.1%} approved" if one.approval is not None else "no answers yet")
    if row.opened_at is not None:
        words.append(f"since {iso(row.opened_at)}")
    if row.stopped_at is not None:
        words.append(f"OFF since {iso(row.stopped_at)}: {row.why}")
    if one.sums is not None and one.sums.refused:
        words.append(
            f"{one.sums.refused} refused as wrong, last {row.refused_code or 'without a code'}"
        )
    if not one.listed:
        words.append("not in the settings: only asked about what is open")
    return "  ".join(words)


def _dict(one: RouteState) -> dict[str, object]:
    row, sums = one.row, one.sums
    return {
        "name": row.name,
        "kind": row.kind,
        "account": row.account,
        "acceptor": row.acceptor,
        "in_settings": one.listed,
        "breaker": one.breaker,
        "open_since": iso(row.opened_at) if row.opened_at else None,
        "off_since": iso(row.stopped_at) if row.stopped_at else None,
        "off_reason": row.why,
        "off_by": row.actor,
        "approved": sums.approved if sums else 0,
        "declined": sums.declined if sums else 0,
        "not_sent": sums.not_sent if sums else 0,
        "unknown": sums.unknown if sums else 0,
        "refused": sums.refused if sums else 0,
        "refused_at": iso(row.refused_at) if row.refused_at else None,
        "refused_code": row.refused_code,
        "account_refused": row.is_refused,
    }
