"""/account/notifications: what somebody hears of the merchant that they look at, by which way, and
when of the day."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import is_digits
from recoup.merchants.store.partners import find_partner
from recoup.notifications.flows.notifications import choose, keep_digest
from recoup.notifications.flows.tell_alert import reader_of
from recoup.notifications.rules.notifications import Kind, Ways, kinds_for, usual
from recoup.notifications.store.notifications import (
    MerchantReader,
    PartnerReader,
    partner_readers_of,
    read_settings,
    readers_of,
)
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.menu import TABS, Entry
from recoup.people.page.pages import Answer, Values, account
from recoup.people.page.rights import anybody

PLACE: Final = "/account/notifications"


@account.page(
    PLACE, "notifications/account_notifications.html", menu=Entry(TABS, 5, "Notifications")
)
async def choices(visit: AccountVisit) -> Values:
    world, user_id, merchant = visit.world, visit.session.user_id, visit.session.merchant
    settings = await read_settings(world.people.reader, user_id)
    readers = (
        await readers_of(world.people.reader, world.name, merchant.merchant_id, user_id)
        if merchant
        else []
    )
    seat = visit.session.seat
    at_partner = (
        await partner_readers_of(world.people.reader, world.name, seat.partner_id, user_id)
        if seat
        else []
    )
    own = await find_partner(visit.world.db.reader, seat.partner_id) if seat else None
    return dict(
        kinds=_ways(readers),
        own_partner=own,
        partner_kinds=_ways(at_partner, partner=True) if own else [],
        settings=settings,
        usual_hour=world.policy.digest_hour,
        saved=done_of(visit.session, visit.request) == "saved",
        operator_only=bool(readers) and readers[0].own_role is None,
    )


@choices.post(may=anybody)
async def post_choices(
    visit: AccountVisit,
    *,
    what: str,
    hour: str,
    empty: bool,
    mails: bool,
    partner: UUID | None,
    merchant: UUID | None,
    kind: tuple[str, ...],
    page: tuple[str, ...],
    mail: tuple[str, ...],
) -> Answer:
    """Takes the form of choices. `what`: person, for `hour`, `empty` and `mails`; else it is of the
    `partner` or the `merchant`, by its id. `kind`: every one that this person may hear of; one that
    is not ticked in `page` or `mail` is off."""
    world, user_id, session = visit.world, visit.session.user_id, visit.session
    ways = {name: (name in page, name in mail) for name in kind}
    if what == "person":
        if hour and not is_digits(hour, 1, 2):
            raise invalid("A day has the hours 0 to 23.", "hour", "Choose one from the list.")
        await keep_digest(world, user_id, int(hour) if hour else None, empty, mails)
    elif session.seat and partner == session.seat.partner_id:
        await choose(world, user_id, session.seat.partner_id, ways, partner=True)
    elif session.merchant and merchant == session.merchant.merchant_id:
        await choose(world, user_id, session.merchant.merchant_id, ways)
    else:
        raise Problem(
            "conflict",
            "You have switched to another merchant; nothing was changed.",
            "Check the page and send the form again.",
        )
    return redirect(with_done(visit.session, PLACE, "saved"))


def _ways(
    readers: Sequence[MerchantReader | PartnerReader], *, partner: bool = False
) -> list[tuple[Kind, Ways]]:
    """The kinds that somebody may hear of, and by which way they do; `found` is what the people
    database knows of them there."""
    ways = []
    for reader in map(reader_of, readers):
        for kind in kinds_for(reader.own_role, reader.operator_role, partner=partner):
            chosen = reader.choices.get(kind.name)
            ways.append(
                (kind, Ways(*chosen) if chosen is not None else usual(kind, reader.own_role))
            )
    return ways
