"""/engine/cards: what is done for cards beside charging them. Source: decisions 0064, 0072."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import named_as_here, read_body
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.wire import Shape
from recoup.flows.merchants.card_switches import SWITCHES, card_switches, offered, set_card_switches


class CardSettingsBody(Shape, kw_only=True):
    """Missing fields stay unchanged."""

    card_updates: Annotated[
        bool | None,
        Meta(description="Query the account updater before a payment is given up for a wrong number or an old card."),
    ] = None
    network_tokens: Annotated[
        bool | None, Meta(description="Make a network token for each card with a further attempt, and charge by it.")
    ] = None
    other_cards: Annotated[
        bool | None,
        Meta(description="Try another card of the same customer where the order's own cannot be charged any more."),
    ] = None
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None


class CardSetting(Shape, kw_only=True):
    """One of them. `available`: a card route of this environment offers it."""

    on: bool
    available: Annotated[bool, Meta(description="Whether a card route of this environment offers it.")]


class CardSettings(Shape, kw_only=True):
    """What is done for this merchant's cards."""

    card_updates: CardSetting
    network_tokens: CardSetting
    other_cards: CardSetting
    success: bool = True


async def read(call: Call) -> Reply:
    world = call.services.world
    return _shown(call, await card_switches(world, call.scope.merchant_id))


async def change(call: Call) -> Reply:
    body, complaints = read_body(call.body, CardSettingsBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    given = {name: getattr(body, name) for name in SWITCHES}
    with named_as_here():
        changes = {name: enabled for name, enabled in given.items() if enabled is not None}
        return _shown(call, await set_card_switches(call.services.world, call.scope, changes))


def _shown(call: Call, switched: dict[str, bool]) -> Reply:
    available = offered(call.services.world)
    one = {name: CardSetting(on=switched[name], available=available[name]) for name in SWITCHES}
    return Reply(
        CardSettings(
            card_updates=one["card_updates"], network_tokens=one["network_tokens"], other_cards=one["other_cards"]
        )
    )


_GROUP: Final = "Settings"
METHODS: Final = (
    Method(Operation("GET", "/v1/engine/cards", "Settings of cards",
                     "Whether replaced cards are queried, network tokens are used, and another card of the same "
                     "customer is tried.", group=_GROUP, answers={200: CardSettings}), read, "merchants"),
    Method(Operation("PUT", "/v1/engine/cards", "Set what is done for cards",
                     "For attempts from now on. Missing fields stay unchanged. What no card route here offers cannot "
                     "be switched on.", group=_GROUP, body=CardSettingsBody, answers={200: CardSettings},
                     problems=("conflict",),
                     examples=(Example("network tokens", {"networkTokens": True}),
                               Example("no queries about replaced cards", {"cardUpdates": False}))),
           change, "merchants", strict=True),
)  # fmt: skip
