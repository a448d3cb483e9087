"""The person who is notified when a back-test is made."""

from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.scope import Actor
from recoup.store.merchants.merchants import maker_of_key
from recoup.store.statement import Read


async def asker_of(db: Read, actor: Actor) -> UUID | None:
    """The real user, also while impersonating; of a merchant's key, whoever made it. None: nobody is known."""
    if actor.kind == "api":
        actor = Actor.of(await maker_of_key(db, actor.id) or "")
    return parse_id(actor.behind or actor.id) if actor.kind in ("user", "operator") else None
