"""Notices that a merchant's payers get, and what they got."""

from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.mail.store.mails import notice_settings, switch_notice
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.orders.rules.notices import NAMES, switched
from recoup.outside.mail.port import is_kept


async def switches(world: World, merchant_id: UUID) -> dict[str, bool]:
    return switched(await notice_settings(world.db, merchant_id))


async def switch(world: World, scope: Scope, wanted: dict[str, bool]) -> dict[str, bool]:
    """Switches notices on or off; what is left out stays. Raises: Problem(invalid) for a notice
    that is none; Problem(not_found)."""
    for name in wanted:
        if name not in NAMES:
            raise invalid(
                Sentence("{0} is no notice.", repr(name)),
                "notice",
                Sentence("One of {0}.", ", ".join(NAMES)),
            )
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        before = switched(await notice_settings(tx, scope.merchant_id))
        for name, enabled in wanted.items():
            if before[name] is not enabled:
                await switch_notice(tx, scope.merchant_id, name, enabled, scope.actor.text(), wall)
                await note(
                    tx, scope, wall, "notices.changed", name, {"sent": [before[name], enabled]}
                )
    return before | wanted


def keeps_mail(world: World) -> bool:
    """True when mails stay in the sandbox's mailbox instead of leaving for their recipients."""
    return is_kept(world.mail)


async def inbox(world: World, mail_ids: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """Mails among these in the sandbox's mailbox; empty where mails really leave."""
    return await world.mail.inbox(mail_ids) if is_kept(world.mail) else {}
