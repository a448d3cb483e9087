"""/mailbox: which mails payers get, the newest of them, and, in the sandbox, what they say."""

from typing import Any, Final

from recoup.kit.personal import SHOWN, email, phone, redactor
from recoup.mail.rules.contacts import WITHHELD
from recoup.mail.store.mails import newest_mails
from recoup.orders.rules.notices import NAMES, NOTICES
from recoup.people.flows.notices import inbox, keeps_mail, switch, switches
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member, nothing
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import role

ROWS: Final = 50


@member.page(
    "/mailbox", "notifications/mailbox.html", menu=Entry("Settings", 4, "Customer e-mails", "mail")
)
async def mailbox(visit: Visit) -> Values:
    world = visit.world
    rows = await newest_mails(visit.world.db.reader, visit.merchant_id, ROWS)
    delivered = await inbox(world, [row.mail_id for row in rows]) if rows else {}
    return dict(
        notices=NOTICES,
        withheld=WITHHELD,
        switches=await switches(world, visit.merchant_id),
        may=visit.may("mails"),
        mails=[(row, _as_seen(visit, delivered.get(row.mail_id))) for row in rows],
        kept=keeps_mail(world),
    )


@mailbox.post(may=role("mails", "switch e-mails"), shows=nothing)
async def switch_notices(visit: Visit, *, notice: tuple[str, ...]) -> None:
    """The form holds every switch: one that is not ticked is off. `notice`: those that are on."""
    wanted = {name: name in notice for name in NAMES}
    await switch(visit.world, visit.scope, wanted)


def _as_seen(visit: Visit, mail: dict[str, Any] | None) -> dict[str, Any] | None:
    if mail is None or visit.pii_access == SHOWN:
        return mail
    kind, hide = ("email", email) if "@" in mail["recipient"] else ("phone", phone)
    return redactor([{kind: mail["recipient"]}]).value(mail) | {
        "recipient": hide(mail["recipient"])
    }
