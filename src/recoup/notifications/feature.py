"""Notifications: what they add to places below them."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import AT_ONCE, FORGET_PEOPLE
from recoup.merchants.store.partner_alerts import forget_partner_alerts
from recoup.notifications.rules.notifications import may_at_bell
from recoup.notifications.store.alerts import ALERTS_KEPT, forget_alerts
from recoup.notifications.store.notification_settings import forget_notifications
from recoup.notifications.store.notifications import read_bell
from recoup.people.flows.sessions import BELL
from recoup.people.store.people import Bell

KEPT: Final = timedelta(days=180)


async def _bell(db: Read, user_id: UUID, world: str) -> Bell:
    return await read_bell(db, user_id, world, may_at_bell())


NOTIFICATIONS: Final = Feature(
    name="notifications",
    adds=(
        BELL(_bell),
        RETAIN(Retention(forget_alerts, ALERTS_KEPT)),
        RETAIN(Retention(forget_partner_alerts, ALERTS_KEPT)),
        FORGET_PEOPLE(lambda db, wall: forget_notifications(db, wall - KEPT, AT_ONCE)),
    ),
)
