"""The stablecoin API's one webhook address of a merchant. Source: contract stablecoin-api §3."""

from recoup.audit.moves import note
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.keys.rules.site_address import host_of
from recoup.kit.world import World
from recoup.outside.web.guard import check_url
from recoup.stablecoin.rules.event_names import DEFAULT, NAMES, wire_names
from recoup.webhooks.store.endpoints import (
    delete_endpoint,
    put_stablecoin_endpoint,
    stablecoin_endpoint,
)


@frozen
class StablecoinEndpoint:
    """`events` as this dialect names them; empty: all but the optional ones."""

    url: str = ""
    events: tuple[str, ...] = ()
    encrypt: bool = False
    state: str = "none"


async def configure(
    world: World, scope: Scope, url: str, events: tuple[str, ...], *, encrypt: bool
) -> StablecoinEndpoint:
    """An empty address ends the deliveries. The secret stays.

    Raises: Problem(invalid) naming url or events.
    """
    unknown = next((name for name in events if name not in NAMES), None)
    if unknown is not None:
        cure = Sentence("Events are: {0}.", ", ".join(NAMES))
        raise invalid(Sentence("Unknown event {0}.", repr(unknown[:64])), "events", cure)
    checked = check_url(url, loopback=world.policy.loopback_webhooks) if url else None
    if isinstance(checked, Problem):
        raise invalid(checked.message, "url", checked.cure)
    wanted, wall = [NAMES[name] for name in dict.fromkeys(events or DEFAULT)], world.clocks.wall()
    async with world.db.transaction() as tx:
        if url:
            await put_stablecoin_endpoint(
                tx, scope.merchant_id, new_id(), url, wanted, wall, encrypt=encrypt
            )
            details = {
                "host": host_of(url),
                "events": sorted(wanted),
                "encrypt": encrypt,
                "format": "stablecoin",
            }
            await note(tx, scope, wall, "webhook.changed", "", details)
        elif (row := await stablecoin_endpoint(tx, scope.merchant_id)) is not None:
            await delete_endpoint(tx, scope.merchant_id, row.endpoint_id)
            await note(
                tx, scope, wall, "webhook.deleted", row.endpoint_id, {"host": host_of(row.url)}
            )
    return await read(world, scope)


async def read(world: World, scope: Scope) -> StablecoinEndpoint:
    row = await stablecoin_endpoint(world.db, scope.merchant_id)
    if row is None:
        return StablecoinEndpoint()
    events = wire_names(row.events)
    return StablecoinEndpoint(row.url, () if events == DEFAULT else events, row.encrypt, row.state)
