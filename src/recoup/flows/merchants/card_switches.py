"""What a merchant wants done for its cards beside charging them: word of replaced cards, network tokens, and another
card of the same customer."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.moves.audit import note
from recoup.rules.rescue.card_update import SWITCH as CARD_UPDATES
from recoup.rules.rescue.network_token import SWITCH as NETWORK_TOKENS
from recoup.rules.rescue.other_card import SWITCH as OTHER_CARD
from recoup.store.messages.mails import notice_settings, switch_notice
from recoup.store.statement import Read


class CardSwitch(NamedTuple):
    """`setting`: as its row is called. `action`: as the audit log calls a change of it."""

    setting: str
    action: str
    usual: bool


SWITCHES: Final[Mapping[str, CardSwitch]] = {
    "card_updates": CardSwitch(CARD_UPDATES, "order.card_updates", True),
    "network_tokens": CardSwitch(NETWORK_TOKENS, "order.network_tokens", False),
    "other_cards": CardSwitch(OTHER_CARD, "order.other_cards", False),
}


async def card_switches(world: World, merchant_id: UUID) -> dict[str, bool]:
    """By the names of `SWITCHES`."""
    async with world.db.connection() as connection:
        return await _read(connection, merchant_id)


async def _read(db: Read, merchant_id: UUID) -> dict[str, bool]:
    kept = await notice_settings(db, merchant_id)
    return {name: kept.get(one.setting, one.usual) for name, one in SWITCHES.items()}


async def set_card_switches(world: World, scope: Scope, changes: Mapping[str, bool]) -> dict[str, bool]:
    """For attempts from now on; answers all of them. Raises: Problem(not_found), Problem(conflict) for what nobody
    offers here."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        before = await _read(tx, scope.merchant_id)
        for name, enabled in changes.items():
            if enabled is before[name]:
                continue
            if enabled:
                _check_offered(world, name)
            one = SWITCHES[name]
            await switch_notice(tx, scope.merchant_id, one.setting, enabled, scope.actor.text(), wall)
            await note(tx, scope, wall, one.action, "", {"sent": [before[name], enabled]})
    return {**before, **changes}


def offered(world: World) -> dict[str, bool]:
    """Which of them can do anything in this world."""
    return {
        "card_updates": world.updater is not None,
        "network_tokens": bool(world.token_services),
        "other_cards": True,
    }


def _check_offered(world: World, name: str) -> None:
    if offered(world)[name]:
        return
    message = {
        "card_updates": "No card route here says what became of replaced cards.",
        "network_tokens": "No card route here makes network tokens.",
    }[name]
    cure = {
        "card_updates": "The operator sets updater = true for a bridge that answers it; then switch it on.",
        "network_tokens": "The operator sets tokens = true for a bridge that answers it; then switch it on.",
    }[name]
    raise Problem("conflict", message, field=name, cure=cure)
