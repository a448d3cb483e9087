"""`recoup webhooks`: a merchant's endpoints, and their events once more."""

from typing import Annotated, Any
from uuid import UUID

import click
from msgspec import Meta

from recoup.keys.cli.as_of import Instant
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import id_of
from recoup.merchants.cli import AtMerchant, verb
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.replay import ReplayRequest, ask, count

Number = Annotated[int | None, Meta(ge=1, le=10**13 - 1)]


@click.group()
def webhooks() -> None:
    """Lists a merchant's webhook endpoints and replays events."""


@verb(webhooks, "list")
async def list_verb(at: AtMerchant) -> list[str]:
    """Lists the endpoints: id, state, health, number of waiting events, URL."""
    return [
        f"{endpoint.endpoint_id}  {endpoint.state:8}  {endpoint.health_state:7}  "
        f"{endpoint.waiting:5} waiting  {endpoint.url}"
        for endpoint in await endpoints.list_all(at.world, at.scope("command"))
    ]


@verb(webhooks, json="")
async def replay(
    endpoint: Annotated[
        UUID,
        id_of("is not an endpoint's id.", "endpoint", "`recoup webhooks list` shows them."),
    ],
    *,
    from_number: Annotated[Number, "Feed number of the first event."] = None,
    to_number: Annotated[Number, "Feed number of the last event."] = None,
    since: Annotated[Instant, "From this business time (ISO 8601, UTC)."] = None,
    until: Annotated[Instant, "Until before this business time."] = None,
    event: Annotated[tuple[str, ...], "Only this event; may be repeated."] = (),
    key: Annotated[str | None, "Idempotency key: a repeated key is the same replay."] = None,
    count_: Annotated[bool, "Print how many events would be sent, without sending."] = False,
    at: AtMerchant,
) -> Printed:
    """Sends events to an endpoint again, marked IsResent. ENDPOINT: its id."""
    events = tuple(dict.fromkeys(event)) or None
    request = ReplayRequest(from_number, to_number, since, until, events)
    scope = at.scope("command")
    counted = await count(at.world, scope, endpoint, request)
    counts: dict[str, Any] = picked(counted, "events", "orders", "exact")
    lines = [f"{counted.events}{'' if counted.exact else '+'} events of {counted.orders} orders"]
    if not count_:
        begun = await ask(at.world, scope, endpoint, request, key)
        counts |= {"id": begun.replay_id, "state": begun.state}
        lines.append(f"replay {begun.replay_id} {begun.state}")
    return Printed(counts, lines)
