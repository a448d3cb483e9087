"""`recoup terms cards`: what is done for a merchant's cards beside charging them."""

from collections.abc import Callable
from typing import Final

import click

from recoup.kernel.extended import Extended
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.switches.flows.card_switches import SWITCH, card_switches, set_card_switches

ON_OFF: Final = click.Choice(["on", "off"])
_OPTIONS: Final = {
    "other_cards": (
        "other-cards",
        "Try another card of the same customer where the order's own cannot be charged any more.",
    ),
    "card_updates": (
        "updater",
        "Ask the account updater what became of cards that may be replaced.",
    ),
}
# switch -> its option, and what it does
OPTIONS: Final = Extended(_OPTIONS, SWITCH, lambda one: {one.setting: one.option})


def _switched(command: Callable[..., None]) -> Callable[..., None]:
    for name, (option, does) in reversed(list(OPTIONS.items())):
        command = click.option(f"--{option}", name, type=ON_OFF, help=does)(command)
    return command


@click.command()
@merchant_option
@_switched
@json_option
@in_world
def cards(run: Run, as_json: bool, **given: str | None) -> None:
    """Shows whether replaced cards are asked about, network tokens are used, and another card of the same customer is
    tried; an option changes it."""
    changes = {name: value == "on" for name, value in given.items() if value is not None}

    async def work(opened: Opened) -> dict[str, bool]:
        if not changes:
            return await card_switches(opened.world, opened.merchant_id)
        return await set_card_switches(opened.world, opened.scope("terms"), changes)

    found = {OPTIONS[name][0]: enabled for name, enabled in run(work).items()}
    lines = (f"{option} {'on' if enabled else 'off'}" for option, enabled in found.items())
    show(
        {option.replace("-", "_"): enabled for option, enabled in found.items()},
        lines,
        as_json=as_json,
    )
