"""`recoup terms cards`: whether another card of the same customer is tried."""

import json

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.merchants.other_cards import switch_other_cards, tries_other_cards
from recoup.kernel.scope import Actor, Scope


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option(
    "--other-cards",
    type=click.Choice(["on", "off"]),
    help="Try another card of the same customer where the order's own cannot be charged any more.",
)
@click.option("--json", "as_json", is_flag=True)
@in_world
def cards(run: Run, merchant: str | None, other_cards: str | None, as_json: bool) -> None:
    """Shows whether another card of the same customer is tried; --other-cards changes it."""

    async def work(opened: Opened) -> bool:
        merchant_id = merchant_of(opened, merchant)
        if other_cards is None:
            return await tries_other_cards(opened.world, merchant_id)
        scope = Scope(merchant_id, Actor("operator", "terms"), "terms")
        return await switch_other_cards(opened.world, scope, other_cards == "on")

    found = run(work)
    click.echo(json.dumps({"other_cards": found}) if as_json else f"other-cards {'on' if found else 'off'}")
