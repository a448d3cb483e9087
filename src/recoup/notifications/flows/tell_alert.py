"""An alert of a merchant's world, or of a partner, becomes notifications for the people who may
have it and want it, one each.

The alert stands in the world, the people elsewhere: notifications are written first, then the
alert's work is done. A crash in between repeats the first step, which changes nothing the second
time. Source: decision 0038.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from msgspec.structs import asdict

from recoup.db.pool import Database, retrying
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.store.partner_alerts import PartnerAlert, close_partner_alert, untold_alerts
from recoup.notifications.flows.unlisted_codes import count_unlisted
from recoup.notifications.moves import UNLISTED, gather_orders
from recoup.notifications.rules.notifications import KINDS, Reader, Ways, kinds_of, ways_of
from recoup.notifications.store.alerts import Alert, alert_facts, find_alert
from recoup.notifications.store.notification_settings import NewNotification, tell
from recoup.notifications.store.notifications import (
    PartnerReader,
    is_known,
    partner_readers_of,
    readers_of,
)
from recoup.orders.flows.each import each
from recoup.orders.moves.due import done_with


async def tell_alert(world: World, merchant_id: UUID, alert_id: UUID) -> None:
    """Due work `alert`. Raises: Problem(unavailable) while the people database has not heard of the
    merchant."""
    people = world.people_database
    if people:
        alert = await find_alert(world.db, merchant_id, alert_id)
        more = alert and await alert_facts(
            world.db, merchant_id, alert.kind, alert.about, alert.step
        )
        facts = asdict(more) if more else alert.facts if alert else {}
        if alert and alert.kind == UNLISTED:
            facts = facts | await count_unlisted(world, merchant_id, facts)
        if alert and facts:
            await _tell_people(world, people, (merchant_id, alert_id), alert, facts)
    async with world.db.transaction() as tx:
        await done_with(tx, merchant_id, "alert", alert_id)


async def alert_of_orders(world: World, merchant_id: UUID) -> None:
    """Due work `orders_alert`: one alert for all orders that began to wait for a person."""

    async def once() -> None:
        async with world.db.transaction() as tx:
            await gather_orders(tx, merchant_id, world.clocks.wall())

    await retrying(once)


async def _tell_people(
    world: World, people: Database, key: tuple[UUID, UUID], alert: Alert, facts: Mapping[str, Any]
) -> None:
    merchant_id, alert_id = key
    wall = world.clocks.wall()
    async with people.connection() as connection:
        readers = await readers_of(connection, world.name, merchant_id, alert.user_id)
        if not readers and not await is_known(connection, world.name, merchant_id):
            raise Problem(
                "unavailable",
                "The people database has not heard of this merchant yet.",
                "It waits.",
            )
        rows = []
        for row in readers:
            kind, way = _way(kinds_of(alert.kind, facts), reader_of(row))
            if way.page or way.mail:
                about = (merchant_id, row.subject_name)
                rows.append(
                    notification(world, row.user_id, about, alert_id, kind, facts, way, wall)
                )
        if rows:
            await tell(connection, rows)


def _way(kinds: tuple[str, ...], reader: Reader) -> tuple[str, Ways]:
    """The first of the kinds that this person has notifications of."""
    for kind in kinds:
        way = ways_of(KINDS[kind], reader)
        if way.page or way.mail:
            return kind, way
    return kinds[0], Ways(False, False)


def reader_of(row: PartnerReader) -> Reader:
    return Reader(row.own_role, row.operator_role, row.choices, row.mails)


def notification(
    world: World,
    user_id: UUID,
    about: tuple[UUID, str],
    alert_id: UUID,
    kind: str,
    facts: Mapping[str, Any],
    way: Ways,
    wall: WallTime,
) -> NewNotification:
    """Makes a person's notification of an alert. `about`: the merchant or partner, and its name."""
    return NewNotification(
        user_id=user_id,
        notification_id=new_id(),
        world=world.name,
        subject_id=about[0],
        subject_name=about[1],
        alert_id=alert_id,
        kind=kind,
        facts=dict(facts),
        on_page=way.page,
        created_at=wall,
        mail_state="owed" if way.mail else "none",
        mail_due_at=wall if way.mail else None,
    )


AT_ONCE: Final = 50


async def tell_partners(world: World) -> int:
    """Answers how many alerts became notifications. Raises, once all had their turn: the first
    failure."""
    people = world.people_database
    if people is None:
        return 0
    alerts = {row.alert_id: row for row in await untold_alerts(world.db, AT_ONCE)}
    return await each(list(alerts), lambda alert_id: _tell(world, people, alerts[alert_id]))


async def _tell(world: World, people: Database, alert: PartnerAlert) -> int:
    partner_id, wall, kind = alert.partner_id, world.clocks.wall(), KINDS[alert.kind]
    async with people.connection() as connection:
        rows = []
        for row in await partner_readers_of(connection, world.name, partner_id):
            way = ways_of(kind, reader_of(row))
            if way.page or way.mail:
                about = (partner_id, alert.name)
                rows.append(
                    notification(
                        world, row.user_id, about, alert.alert_id, kind.name, alert.facts, way, wall
                    )
                )
        if rows:
            await tell(connection, rows)
    await close_partner_alert(world.db.alone, partner_id, alert.alert_id, wall)
    return 1
