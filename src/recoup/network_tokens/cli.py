"""`recoup sandbox token`: what a network does to a card's token, on demand; then its service rings, as in life."""

from typing import Any, Final, get_args
from uuid import UUID

import click

from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.cli import Run, in_sandbox
from recoup.network_tokens.flows import DUE
from recoup.network_tokens.store import OF_CARD
from recoup.orders.flows.find_order import find_one
from recoup.orders.moves.change import Change
from recoup.orders.store.due_work import make_due
from recoup.processors.gateways.sandbox.tokens import SandboxTokens, TokenChange
from recoup.rescue.flows.locked import Orders

CHANGES: Final[tuple[TokenChange, ...]] = get_args(TokenChange)


@click.command()
@click.argument("order")
@click.argument("change", type=click.Choice(CHANGES))
@in_sandbox
def token(run: Run, order: str, change: Any) -> None:
    """Changes the network token of an order's card, as its network would; see docs/cards.md."""
    token_id = run(lambda opened: change_token(opened.world, opened.services.get(Orders), order, change))
    click.echo(f"{token_id} {change}")


async def change_token(world: World, orders: Orders, key: str, change: TokenChange) -> UUID:
    """Answers the token's id. Raises: Problem(not_found) for an order whose card has none, Problem(wrong_state) for a
    token that is deleted."""
    merchant_id, order_id = await find_one(world, key)

    def look(found: Change) -> UUID | None:
        token = found.order.facet(OF_CARD)
        return token.network_token_id if token is not None and token.sealed is not None else None

    token_id = await orders.run(look, (merchant_id, order_id), cards=True)
    service = next((one for one in world.token_services.values() if isinstance(one, SandboxTokens)), None)
    if token_id is None or service is None:
        cure = "Switch network tokens on (recoup terms cards), and wait until an attempt is planned."
        raise Problem("not_found", "The order's card has no network token.", cure=cure)
    if not await service.change(token_id, change):
        raise Problem("wrong_state", "The network token is deleted.", cure="Use an order with another card.")
    async with world.db.transaction() as tx:
        await make_due(tx, merchant_id, DUE, token_id, world.clocks.wall())
    return token_id
