"""`recoup terms cards`: what is done for a merchant's cards beside charging them."""

from typing import Annotated, Final, Literal

from recoup.kernel.extended import Extended
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import option
from recoup.merchants.cli import AtMerchant, verb
from recoup.switches.flows.card_switches import SWITCH, card_switches, set_card_switches

OnOff = Literal["on", "off"]
IS_ON: Final = {"on": True, "off": False, None: None}
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
OPTIONS: Final = Extended(_OPTIONS, SWITCH, lambda switch: {switch.setting: switch.option})


@verb(json="")
async def cards(at: AtMerchant, **given: OnOff | None) -> Printed:
    """Shows whether replaced cards are asked about, network tokens are used, and another card of
    the same customer is tried; an option changes it."""
    changes = {name: value == "on" for name, value in given.items() if value is not None}
    if changes:
        switched = await set_card_switches(at.world, at.scope("terms"), changes)
    else:
        switched = await card_switches(at.world, at.merchant_id)
    options = {OPTIONS[name][0]: enabled for name, enabled in switched.items()}
    return Printed(
        {name.replace("-", "_"): enabled for name, enabled in options.items()},
        [f"{name} {'on' if enabled else 'off'}" for name, enabled in options.items()],
    )


cards.params[1:1] = [
    option(name, Annotated[OnOff | None, does], None, named=shown)
    for name, (shown, does) in OPTIONS.items()
]
