"""/mailbox: which mails payers get, the newest of them, and, in the sandbox, what they say."""

from typing import Any, Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.messages.notices import inbox, keeps_mail, switch, switches
from recoup.rules.merchants.personal import SHOWN, email, redactor
from recoup.rules.messages.notices import NAMES, NOTICES
from recoup.store.read.mails import newest_mails

ROWS: Final = 50


async def mailbox_page(visit: Visit) -> Response:
    world = visit.world
    async with world.db.read() as connection:
        rows = await newest_mails(connection, visit.merchant_id, ROWS)
    arrived = await inbox(world, [row.mail_id for row in rows]) if rows else {}
    values = visit.values(
        notices=NOTICES, switches=await switches(world, visit.merchant_id), may=visit.may("mails"),
        mails=[(row, _as_seen(visit, arrived.get(row.mail_id))) for row in rows],
        kept=keeps_mail(world),
    )  # fmt: skip
    return render("mailbox/mailbox.html", values)


async def switch_notices(visit: Visit) -> Response:
    """The form holds every switch: one that is not ticked is off."""
    form = await checked_form(visit)
    visit.only("mails", "switch e-mails")
    wanted = {name: name in form.get("notice", []) for name in NAMES}
    await switch(visit.world, visit.scope, wanted)
    return redirect("/mailbox")


def _as_seen(visit: Visit, mail: dict[str, Any] | None) -> dict[str, Any] | None:
    if mail is None or visit.pii_access == SHOWN:
        return mail
    return redactor([{"email": mail["recipient"]}]).value(mail) | {"recipient": email(mail["recipient"])}
