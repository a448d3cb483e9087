"""/mailbox: which mails payers get, the newest of them, and, in the sandbox, what they say."""

from typing import Final

from starlette.responses import Response

from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form, see
from recoup.flows.messages.notices import inbox, switch, switches
from recoup.kernel.problem import Problem
from recoup.rules.messages.notices import NAMES, NOTICES
from recoup.store.read.mails import newest_mails

ROWS: Final = 50


async def mailbox_page(visit: Visit) -> Response:
    world = visit.portal.world
    async with world.db.connection() as connection:
        rows = await newest_mails(connection, visit.merchant_id, ROWS)
    arrived = await inbox(world, [row["mail_id"] for row in rows]) if rows else {}
    values = visit.values(
        notices=NOTICES, switches=await switches(world, visit.merchant_id), may=_may(visit),
        mails=[(row, arrived.get(row["mail_id"])) for row in rows],
    )  # fmt: skip
    return render("mailbox/mailbox.html", values)


async def switch_notices(visit: Visit) -> Response:
    """The form holds every switch: one that is not ticked is off."""
    form = await checked_form(visit)
    if not _may(visit):
        raise Problem("forbidden", "Your role may look, not switch mails.", cure="Ask an owner.")
    wanted = {name: name in form.get("notice", []) for name in NAMES}
    await switch(visit.portal.world, visit.scope, wanted)
    return see("/mailbox")


def _may(visit: Visit) -> bool:
    return visit.session.may("mails")
