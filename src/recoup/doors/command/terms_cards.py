"""`recoup terms cards`: what is done for a merchant's cards beside charging them."""

import json
from typing import Final

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.merchants.card_switches import card_switches, set_card_switches
from recoup.kernel.scope import Actor, Scope

ON_OFF: Final = click.Choice(["on", "off"])
_SHOWN: Final = {"card_updates": "updater", "network_tokens": "network-tokens", "other_cards": "other-cards"}


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option(
    "--other-cards",
    type=ON_OFF,
    help="Try another card of the same customer where the order's own cannot be charged any more.",
)
@click.option("--updater", type=ON_OFF, help="Ask the account updater what became of cards that may be replaced.")
@click.option("--network-tokens", "tokens", type=ON_OFF, help="Have network tokens made for cards, and charge by them.")
@click.option("--json", "as_json", is_flag=True)
@in_world
def cards(
    run: Run, merchant: str | None, other_cards: str | None, updater: str | None, tokens: str | None, as_json: bool
) -> None:
    """Shows whether replaced cards are asked about, network tokens are used, and another card of the same customer is
    tried; an option changes it."""
    given = {"card_updates": updater, "network_tokens": tokens, "other_cards": other_cards}
    changes = {name: value == "on" for name, value in given.items() if value is not None}

    async def work(opened: Opened) -> dict[str, bool]:
        merchant_id = merchant_of(opened, merchant)
        if not changes:
            return await card_switches(opened.world, merchant_id)
        scope = Scope(merchant_id, Actor("operator", "terms"), "terms")
        return await set_card_switches(opened.world, scope, changes)

    found = run(work)
    if as_json:
        click.echo(json.dumps({_SHOWN[name].replace("-", "_"): enabled for name, enabled in found.items()}))
        return
    for name, enabled in found.items():
        click.echo(f"{_SHOWN[name]} {'on' if enabled else 'off'}")
