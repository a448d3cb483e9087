"""`recoup terms cards`: what is done for a merchant's cards beside charging them."""

import json
from collections.abc import Callable
from typing import Final

import click

from recoup.core.kit.extended import Extended
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.merchants.card_switches import card_switches, set_card_switches
from recoup.kernel.scope import Actor, Scope

ON_OFF: Final = click.Choice(["on", "off"])
_OPTIONS: Final = {
    "other_cards": (
        "other-cards",
        "Try another card of the same customer where the order's own cannot be charged any more.",
    ),
    "card_updates": ("updater", "Ask the account updater what became of cards that may be replaced."),
}
# switch -> its option, and what it does
OPTIONS: Final = Extended(_OPTIONS, lambda feature: {name: one.option for name, one in feature.switches.items()})


def _switched(command: Callable[..., None]) -> Callable[..., None]:
    for name, (option, does) in reversed(list(OPTIONS.items())):
        command = click.option(f"--{option}", name, type=ON_OFF, help=does)(command)
    return command


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@_switched
@click.option("--json", "as_json", is_flag=True)
@in_world
def cards(run: Run, merchant: str | None, as_json: bool, **given: str | None) -> None:
    """Shows whether replaced cards are asked about, network tokens are used, and another card of the same customer is
    tried; an option changes it."""
    changes = {name: value == "on" for name, value in given.items() if value is not None}

    async def work(opened: Opened) -> dict[str, bool]:
        merchant_id = merchant_of(opened, merchant)
        if not changes:
            return await card_switches(opened.world, merchant_id)
        scope = Scope(merchant_id, Actor("operator", "terms"), "terms")
        return await set_card_switches(opened.world, scope, changes)

    found = run(work)
    if as_json:
        click.echo(json.dumps({OPTIONS[name][0].replace("-", "_"): enabled for name, enabled in found.items()}))
        return
    for name, enabled in found.items():
        click.echo(f"{OPTIONS[name][0]} {'on' if enabled else 'off'}")
