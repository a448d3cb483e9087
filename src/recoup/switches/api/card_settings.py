"""/engine/cards: what is done for cards beside charging them. Source: decisions 0064, 0072."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from recoup.kernel.extended import Extended
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import named_as_here
from recoup.kit.api.wire import Shape, shape_named
from recoup.kit.edge.described import Example
from recoup.rescue.api.payment import read_own
from recoup.switches.flows.card_switches import (
    SWITCH,
    SWITCHES,
    card_switches,
    offered,
    set_card_switches,
)

_MEANINGS: Final = {
    "card_updates": "Query the account updater before a payment is given up for a wrong number or "
    "an old card.",
    "other_cards": "Try another card of the same customer where the order's own cannot be charged "
    "any more.",
}
MEANINGS: Final = Extended(
    _MEANINGS, SWITCH, lambda switch: {switch.setting: switch.meaning}, before="other_cards"
)


class CardSetting(Shape):
    """One of them. `available`: a card route of this environment offers it."""

    on: bool
    available: bool
    """Whether a card route of this environment offers it."""


CardSettingsBody: Final = shape_named(
    "CardSettingsBody",
    "Missing fields stay unchanged.",
    [
        *(
            (name, Annotated[bool | None, Meta(description=meaning)], None)
            for name, meaning in MEANINGS.items()
        ),
        ("mid", Annotated[UUID | None, Meta(description="Optional; not used.")], None),
    ],
)
CardSettings: Final = shape_named(
    "CardSettings",
    "What is done for this merchant's cards.",
    [*((name, CardSetting) for name in MEANINGS), ("success", bool, True)],
)


api: Final = Api(group="Settings", scope="merchants", answers={200: CardSettings})


@api("GET /v1/engine/cards")
async def read(call: Call) -> Shape:
    """Settings of cards. Whether replaced cards are queried, network tokens are used, and another
    card of the same customer is tried."""
    world = call.services.world
    return _shown(call, await card_switches(world, call.scope.merchant_id))


@api(
    "PUT /v1/engine/cards",
    body=CardSettingsBody,
    problems=("conflict",),
    examples=(
        *(
            Example(switch.setting.replace("_", " "), dict(switch.example))
            for switch in SWITCH
            if switch.example is not None
        ),
        Example("no queries about replaced cards", {"cardUpdates": False}),
    ),
)
async def change(call: Call) -> Shape:
    """Set what is done for cards. For attempts from now on. Missing fields stay unchanged. What no
    card route here offers cannot be switched on."""
    body = read_own(call, CardSettingsBody)
    given = {name: getattr(body, name) for name in SWITCHES}
    with named_as_here():
        changes = {name: enabled for name, enabled in given.items() if enabled is not None}
        return _shown(call, await set_card_switches(call.services.world, call.scope, changes))


def _shown(call: Call, switched: dict[str, bool]) -> Shape:
    available = offered(call.services.world)
    shown: Shape = CardSettings(
        **{name: CardSetting(on=switched[name], available=available[name]) for name in SWITCHES}
    )
    return shown
