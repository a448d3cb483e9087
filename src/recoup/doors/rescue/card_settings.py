"""/engine/cards: what is done for cards beside charging them. Source: decisions 0064, 0072."""

from typing import Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.complaints import named_as_here
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.card_settings import CardSetting, CardSettings, CardSettingsBody
from recoup.flows.merchants.card_switches import SWITCHES, card_switches, offered, set_card_switches


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
