"""Card settings of a merchant beside charging: word of replaced cards, another card of the same
customer, and what features bring."""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Final, NamedTuple
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.statement import Read
from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.mail.store.mails import notice_settings, switch_notice
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.networks.other_card import SWITCH as OTHER_CARD
from recoup.rescue.rules.card_update import SWITCH as CARD_UPDATES


class CardSwitch(NamedTuple):
    """`setting`: as its row is called. `action`: as the audit log calls a change of it. `missing`:
    where `offered` says that it can do nothing in a world. A feature brings its words: on the page
    (title and text), of the command's option (name and help), and of the API's field."""

    setting: str
    action: str
    usual: bool
    offered: Callable[[World], bool] = lambda world: True
    missing: Problem | None = None
    page: tuple[str, str] = ("", "")
    option: tuple[str, str] = ("", "")
    meaning: str = ""
    example: Mapping[str, bool] | None = None


_NO_UPDATER: Final = Problem(
    "conflict",
    "No card route here says what became of replaced cards.",
    field="card_updates",
    cure="The operator sets updater = true for a bridge that answers it; then switch it on.",
)
_SWITCHES: Final = {
    "card_updates": CardSwitch(
        CARD_UPDATES,
        "order.card_updates",
        True,
        lambda world: world.updater is not None,
        _NO_UPDATER,
    ),
    "other_cards": CardSwitch(OTHER_CARD, "order.other_cards", False),
}
SWITCH: Final = Place[CardSwitch]("switch")
SWITCHES: Final = Extended(
    _SWITCHES, SWITCH, lambda switch: {switch.setting: switch}, before="other_cards"
)


async def card_switches(world: World, merchant_id: UUID) -> dict[str, bool]:
    """Card switches by the names of `SWITCHES`."""
    return await _read(world.db, merchant_id)


async def _read(db: Read, merchant_id: UUID) -> dict[str, bool]:
    kept = await notice_settings(db, merchant_id)
    return {name: kept.get(switch.setting, switch.usual) for name, switch in SWITCHES.items()}


async def set_card_switches(
    world: World, scope: Scope, changes: Mapping[str, bool]
) -> dict[str, bool]:
    """Sets card switches for attempts from now on; answers all of them. Raises: Problem(not_found),
    Problem(conflict) for what nobody offers here."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        before = await _read(tx, scope.merchant_id)
        for name, enabled in changes.items():
            if enabled is before[name]:
                continue
            switch = SWITCHES[name]
            if enabled and switch.missing is not None and not switch.offered(world):
                raise copy(switch.missing)
            await switch_notice(
                tx, scope.merchant_id, switch.setting, enabled, scope.actor.text(), wall
            )
            await note(tx, scope, wall, switch.action, "", {"sent": [before[name], enabled]})
    return {**before, **changes}


def offered(world: World) -> dict[str, bool]:
    """Tells which switches can do anything in this world."""
    return {name: switch.offered(world) for name, switch in SWITCHES.items()}
