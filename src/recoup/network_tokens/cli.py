"""`recoup sandbox token`: what a network does to a card's token, on demand; then its service rings,
as in life."""

from typing import Annotated, Any

import click

from recoup.merchants.cli import Opened, verb
from recoup.network_tokens.flows import CHANGES, change_token
from recoup.orders.flows.find_order import home_of_order
from recoup.rescue.flows.locked import Orders


@verb(sandbox_only=True)
async def token(opened: Opened, order: str, change: Annotated[Any, click.Choice(CHANGES)]) -> str:
    """Changes the network token of an order's card, as its network would; see docs/cards.md."""
    opened = opened.within(await home_of_order(opened.world, order))
    token_id = await change_token(opened.world, opened.services.get(Orders), order, change)
    return f"{token_id} {change}"
