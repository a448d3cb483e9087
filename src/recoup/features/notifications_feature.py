"""What notifications add to rooms below."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.core.kit.feature import Feature
from recoup.flows.people.sessions import BELL
from recoup.flows.upkeep import AT_ONCE, FORGET_PEOPLE
from recoup.rules.messages.notifications import may_at_bell
from recoup.store.messages.notification_settings import forget_notifications
from recoup.store.messages.notifications import read_bell
from recoup.store.people.people import Bell
from recoup.store.statement import Read

KEPT: Final = timedelta(days=180)


async def _bell(db: Read, user_id: UUID, world: str) -> Bell:
    return await read_bell(db, user_id, world, may_at_bell())


NOTIFICATIONS: Final = Feature(
    name="notifications",
    adds=(
        BELL(_bell),
        FORGET_PEOPLE(lambda db, wall: forget_notifications(db, wall - KEPT, AT_ONCE)),
    ),
)
