"""A token service's notice is a bell: the worker asks the service how the token stands, so that a notice which is late,
doubled or out of order changes nothing."""

from recoup.flows.signed_notices import read_signed
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.rules.messages.token_notices import TOKEN_NOTICES, TokenNotice
from recoup.store.cards.network_tokens import find_network_token
from recoup.store.cards.processor_notices import AtDoor, count_notice
from recoup.store.orders.due_work import make_due


async def take_token_notice(world: World, route: str, body: bytes, signature: str) -> str:
    """Answers the notice's id, whether or not the token is known here.

    Raises: Problem no_such_path, too_large, unauthenticated, malformed, invalid, unavailable.
    """
    if route not in world.token_services:
        message = "There is no such route, or it makes no network tokens."
        raise Problem("no_such_path", message, cure="Check the name of the route.")
    notice = await read_signed(world, TOKEN_NOTICES, route, body, signature)
    await _ring(world, route, notice)
    return notice.notice_id


async def _ring(world: World, route: str, notice: TokenNotice) -> None:
    now = world.clocks.wall()
    async with world.db.connection() as connection:
        token = await find_network_token(connection, notice.merchant_id, notice.token_id)
    known = token is not None and token.service == route
    became: AtDoor = "taken" if known else "not_ours"
    async with world.db.transaction() as tx:
        if known:
            await make_due(tx, notice.merchant_id, "network_token", notice.token_id, now)
        await count_notice(tx, f"{route}/network-tokens", now, became)
