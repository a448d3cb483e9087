"""`recoup sandbox token`: what a network does to a card's token, on demand; then its service rings,
as in life."""

from typing import Any

import click

from recoup.merchants.cli import Run, in_sandbox
from recoup.network_tokens.flows import CHANGES, change_token
from recoup.rescue.flows.locked import Orders


@click.command()
@click.argument("order")
@click.argument("change", type=click.Choice(CHANGES))
@in_sandbox
def token(run: Run, order: str, change: Any) -> None:
    """Changes the network token of an order's card, as its network would; see docs/cards.md."""
    token_id = run(
        lambda opened: change_token(opened.world, opened.services.get(Orders), order, change)
    )
    click.echo(f"{token_id} {change}")
