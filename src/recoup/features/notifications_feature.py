"""What notifications add to rooms below."""

from typing import Final
from uuid import UUID

from recoup.core.kit.feature import Feature
from recoup.flows.people.sessions import BELL
from recoup.rules.messages.notifications import may_at_bell
from recoup.store.messages.notifications import read_bell
from recoup.store.people.people import Bell
from recoup.store.statement import Read


async def _bell(db: Read, user_id: UUID, world: str) -> Bell:
    return await read_bell(db, user_id, world, may_at_bell())


NOTIFICATIONS: Final = Feature(name="notifications", adds=(BELL(_bell),))
