"""`recoup webhooks`: a merchant's endpoints, and their events once more."""

from typing import Any

import click

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.keys.cli.as_of import moment
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.replay import Found, Replay, ReplayRequest, ask, count


@click.group()
def webhooks() -> None:
    """Lists a merchant's webhook endpoints and replays events."""


@webhooks.command("list")
@merchant_option
@in_world
def list_verb(run: Run) -> None:
    """Lists the endpoints: id, state, health, number of waiting events, URL."""

    for one in run(lambda opened: endpoints.list_all(opened.world, opened.scope("command"))):
        click.echo(
            f"{one.endpoint_id}  {one.state:8}  {one.health_state:7}  {one.waiting:5} waiting  {one.url}"
        )


@webhooks.command()
@click.argument("endpoint")
@click.option(
    "--from-number", type=click.IntRange(1, 10**13 - 1), help="Feed number of the first event."
)
@click.option(
    "--to-number", type=click.IntRange(1, 10**13 - 1), help="Feed number of the last event."
)
@click.option("--since", help="From this business time (ISO 8601, UTC).")
@click.option("--until", help="Until before this business time.")
@click.option("--event", "events", multiple=True, help="Only this event; may be repeated.")
@click.option("--key", help="Idempotency key: a repeated key is the same replay.")
@click.option(
    "--count",
    "only_count",
    is_flag=True,
    help="Print how many events would be sent, without sending.",
)
@merchant_option
@json_option
@in_world
def replay(
    run: Run, endpoint: str, key: str | None, only_count: bool, as_json: bool, **options: Any
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
        which, scope = parse_id(endpoint), opened.scope("command")
        if which is None:
            raise invalid(
                f"{endpoint[:64]!r} is not an endpoint's id.",
                "endpoint",
                "`recoup webhooks list` shows them.",
            )
        found = await count(opened.world, scope, which, request)
        begun = None if only_count else await ask(opened.world, scope, which, request, key)
        return found, begun

    found, begun = run(work)
    counts: dict[str, Any] = {"events": found.events, "orders": found.orders, "exact": found.exact}
    lines = [f"{found.events}{'' if found.exact else '+'} events of {found.orders} orders"]
    if begun:
        counts |= {"id": str(begun.replay_id), "state": begun.state}
        lines.append(f"replay {begun.replay_id} {begun.state}")
    show(counts, lines, as_json=as_json)
