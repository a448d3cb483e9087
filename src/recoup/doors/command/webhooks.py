"""`recoup webhooks`: a merchant's endpoints, and their events once more."""

import json
from collections.abc import Sequence
from typing import Any

import click

from recoup.doors.command.as_of import moment
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.replay import Found, Replay, ReplayRequest, ask, count
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Actor, Scope

merchant_option = click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")


@click.group()
def webhooks() -> None:
    """Lists a merchant's webhook endpoints and replays events."""


@webhooks.command("list")
@merchant_option
@in_world
def show(run: Run, merchant: str | None) -> None:
    """Lists the endpoints: id, state, health, number of waiting events, URL."""

    async def work(opened: Opened) -> Sequence[Endpoint]:
        return await endpoints.list_all(opened.world, _scope(opened, merchant))

    for one in run(work):
        click.echo(f"{one.endpoint_id}  {one.state:8}  {one.health_state:7}  {one.waiting:5} waiting  {one.url}")


@webhooks.command()
@click.argument("endpoint")
@click.option("--from-number", type=click.IntRange(1, 10**13 - 1), help="Feed number of the first event.")
@click.option("--to-number", type=click.IntRange(1, 10**13 - 1), help="Feed number of the last event.")
@click.option("--since", help="From this business time (ISO 8601, UTC).")
@click.option("--until", help="Until before this business time.")
@click.option("--event", "events", multiple=True, help="Only this event; may be repeated.")
@click.option("--key", help="Idempotency key: a repeated key is the same replay.")
@click.option("--count", "only_count", is_flag=True, help="Print how many events would be sent, without sending.")
@merchant_option
@click.option("--json", "as_json", is_flag=True)
@in_world
def replay(
    run: Run, endpoint: str, merchant: str | None, key: str | None, only_count: bool, as_json: bool, **options: Any
) -> None:
    """Sends events to an endpoint again, marked IsResent. ENDPOINT: its id."""
    request = ReplayRequest(
        options["from_number"],
        options["to_number"],
        moment(options["since"]),
        moment(options["until"]),
        tuple(dict.fromkeys(options["events"])) or None,
    )

    async def work(opened: Opened) -> tuple[Found, Replay | None]:
        which, scope = parse_id(endpoint), _scope(opened, merchant)
        if which is None:
            raise invalid(
                f"{endpoint[:64]!r} is not an endpoint's id.", "endpoint", "`recoup webhooks list` shows them."
            )
        found = await count(opened.world, scope, which, request)
        begun = None if only_count else await ask(opened.world, scope, which, request, key)
        return found, begun

    found, begun = run(work)
    if as_json:
        counts = {"events": found.events, "orders": found.orders, "exact": found.exact}
        click.echo(json.dumps(counts | ({"id": str(begun.replay_id), "state": begun.state} if begun else {})))
        return
    click.echo(f"{found.events}{'' if found.exact else '+'} events of {found.orders} orders")
    if begun:
        click.echo(f"replay {begun.replay_id} {begun.state}")


def _scope(opened: Opened, merchant: str | None) -> Scope:
    return Scope(merchant_of(opened, merchant), Actor("operator", "command"), "command")
