"""An alert of a partner becomes notifications for its own people, one each.

Notifications are written first, then the alert is closed: a crash in between repeats the first step, which changes
nothing. Source: decision 0038.
"""

from typing import Final

from recoup.flows.each import each
from recoup.flows.people.tell_alert import notification, reader_of
from recoup.flows.world import World
from recoup.rules.messages.notifications import KINDS, ways_of
from recoup.store.merchants.partner_alerts import PartnerAlert, close_partner_alert, untold_alerts
from recoup.store.messages.notification_settings import tell
from recoup.store.messages.notifications import partner_readers_of
from recoup.store.pool import Database

AT_ONCE: Final = 50


async def tell_partners(world: World) -> int:
    """Answers how many alerts became notifications. Raises, once all had their turn: the first failure."""
    people = world.people_database
    if people is None:
        return 0
    async with world.db.connection() as connection:
        alerts = {row.alert_id: row for row in await untold_alerts(connection, AT_ONCE)}
    return await each(list(alerts), lambda alert_id: _tell(world, people, alerts[alert_id]))


async def _tell(world: World, people: Database, alert: PartnerAlert) -> int:
    partner_id, wall, kind = alert.partner_id, world.clocks.wall(), KINDS[alert.kind]
    async with people.connection() as connection:
        rows = []
        for row in await partner_readers_of(connection, world.name, partner_id):
            way = ways_of(kind, reader_of(row))
            if way.page or way.mail:
                about = (partner_id, alert.name)
                rows.append(notification(world, row.user_id, about, alert.alert_id, kind.name, alert.facts, way, wall))
        if rows:
            await tell(connection, rows)
    async with world.db.connection() as connection:
        await close_partner_alert(connection, partner_id, alert.alert_id, wall)
    return 1
