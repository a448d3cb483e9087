"""The one place where it is noted what was done to somebody's account; what they must hear of is
owed as a mail."""

from typing import Any
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.people.rules.account_words import HAPPENINGS
from recoup.people.store.account_log import add_line, owe_mail
from recoup.people.store.people import belongs_in


async def note(
    tx: Tx,
    world: World,
    user_id: UUID,
    action: str,
    *,
    actor: str = "",
    request: str = "",
    **facts: Any,
) -> None:
    """Notes an action in an open transaction of the people database. `actor`: the person themselves
    when nobody is named.

    A mail leaves by the live world's way out for members of something there; an address that only
    signed up in the sandbox was never proven, and hears in the sandbox's mailbox.
    """
    log_id, now = new_id(), world.clocks.wall()
    details = facts | {"world": world.name} | ({"request": request} if request else {})
    await add_line(tx, log_id, user_id, now, actor or f"user:{user_id}", action, details)
    if HAPPENINGS[action].mail:
        await owe_mail(tx, log_id, await mail_world(tx, world, user_id), now)


async def mail_world(tx: Tx, world: World, user_id: UUID) -> str:
    """The world by whose way out a mail about this person's account leaves."""
    other = world.other
    live = next(
        (candidate for candidate in (world, other) if candidate and not candidate.policy.test_mode),
        None,
    )
    really = live is not None and await belongs_in(tx, user_id, live.name)
    return live.name if really and live else _sandbox(world)


def _sandbox(world: World) -> str:
    """The world whose mails stay here; this one where there is no other."""
    other = world.other
    return other.name if other and not world.policy.test_mode else world.name
